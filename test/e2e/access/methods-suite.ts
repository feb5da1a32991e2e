import { expect } from 'chai';
import type { Action, Asked } from '#core/actions';
import { METHOD_ACTIONS } from '#protocols/webdav/method-actions';
import { send } from '../../support/requests.ts';
import { BUCKET, type Callers, expectOk, FOLDER } from './callers.ts';
import { kindsOf } from './kinds.ts';
import { type Ask, createMatrix, PATIENCE_MS } from './matrix.ts';

/** One request of a method. */
interface Case {
  needs: readonly (readonly [Action, string])[];
  key: string;
  headers?: Record<string, string>;
  body?: string;
}

const dav = (name: string, inner: string): string => `<D:${name} xmlns:D="DAV:">${inner}</D:${name}>`;

/** Every method of WebDAV, by every kind of caller. The methods come from their declarations: one that is not asked fails the test. */
export function describeMethods(scene: () => Callers): void {
  it('every method of WebDAV gives each kind of caller what its actions say: a new method is asked, or the test fails', async () => {
    const { gateway, of } = scene();
    const owner = of('owner');
    const askEverybody = createMatrix(kindsOf(scene()));
    const url = (key: string) => `${gateway.webdavUrl}${BUCKET}/${key}`;
    let serial = 0;
    const unused = (): string => `${FOLDER}d${++serial}`;
    const fresh = async (): Promise<string> => {
      const key = unused();
      await expectOk(owner.s3.send('PUT', `/${BUCKET}/${key}`, { body: 'x' }));
      return key;
    };
    await expectOk(owner.s3.send('PUT', `/${BUCKET}/o`, { body: 'dav' }));
    const lock = dav('lockinfo', '<D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>');
    const property = dav('propertyupdate', '<D:set><D:prop><x xmlns="urn:x">y</x></D:prop></D:set>');
    const changes = dav('sync-collection', '<D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>');
    const looks = (key: string) => [['read', key] as const];
    const cases: Record<string, () => Promise<Case[]>> = {
      OPTIONS: async () => [{ needs: [], key: 'o' }],
      GET: async () => [{ needs: looks('o'), key: 'o' }],
      HEAD: async () => [{ needs: looks('o'), key: 'o' }],
      PUT: async () => {
        const [made, there] = [unused(), await fresh()];
        return [
          { needs: [['create', made]], key: made, body: 'y' },
          { needs: [['write', there]], key: there, body: 'y' },
        ];
      },
      DELETE: async () => {
        const key = await fresh();
        return [{ needs: [['delete', key]], key }];
      },
      MKCOL: async () => {
        const key = `${unused()}/`;
        return [{ needs: [['create', key]], key }];
      },
      COPY: async () => {
        const [made, there] = [unused(), await fresh()];
        return [
          { needs: [...looks('o'), ['create', made]], key: 'o', headers: { destination: url(made) } },
          { needs: [...looks('o'), ['write', there]], key: 'o', headers: { destination: url(there) } },
        ];
      },
      MOVE: async () => {
        const [from, to] = [await fresh(), unused()];
        return [
          {
            needs: [
              ['read', from],
              ['delete', from],
              ['create', to],
            ],
            key: from,
            headers: { destination: url(to) },
          },
        ];
      },
      PROPFIND: async () => [
        { needs: looks('o'), key: 'o', headers: { depth: '0' } },
        {
          needs: [
            ['read', FOLDER],
            ['list', FOLDER],
          ],
          key: FOLDER,
          headers: { depth: '1' },
        },
      ],
      PROPPATCH: async () => {
        const key = await fresh();
        return [{ needs: [['write', key]], key, body: property }];
      },
      PATCH: async () => {
        const key = await fresh();
        const headers = { 'content-type': 'application/x-sabredav-partialupdate', 'x-update-range': 'bytes=0-0' };
        return [
          {
            needs: [
              ['read', key],
              ['write', key],
            ],
            key,
            headers,
            body: 'z',
          },
        ];
      },
      REPORT: async () => [
        {
          needs: [
            ['read', FOLDER],
            ['list', FOLDER],
          ],
          key: FOLDER,
          body: changes,
        },
      ],
      LOCK: async () => {
        const [there, made] = [await fresh(), unused()];
        return [
          {
            needs: [['write', there]],
            key: there,
            body: lock,
          },
          { needs: [['write', made]], key: made, body: lock },
        ];
      },
      // By a token that nothing has, so that it stays whose it is.
      UNLOCK: async () => [
        { needs: [['write', 'o']], key: 'o', headers: { 'lock-token': '<urn:uuid:00000000-0000-4000-8000-000000000000>' } },
      ],
    };
    expect(Object.keys(cases).sort(), 'each method is asked').to.deep.equal(Object.keys(METHOD_ACTIONS).sort());

    const wrong: string[] = [];
    for (const [method, make] of Object.entries(cases)) {
      const made = await make();
      const declared = METHOD_ACTIONS[method as keyof typeof METHOD_ACTIONS] as Asked;
      for (const [action] of made.flatMap(({ needs }) => needs))
        expect('none' in declared ? [] : declared, method).to.include(action);
      for (let index = 0; index < made.length; index++) {
        const ask = async (): Promise<Ask> => {
          const { needs, key, headers = {}, body } = (await make())[index]!;
          return {
            what: `WebDAV ${method} ${key}`,
            needs,
            async send({ basic }) {
              const answer = await send(method, url(key), {
                headers: { ...(basic && { authorization: basic }), ...headers },
                ...(body === undefined ? {} : { body }),
              });
              const text = answer.body.toString();
              return { status: answer.status, text, refused: [401, 403, 404, 429].includes(answer.status) };
            },
          };
        };
        wrong.push(...(await askEverybody(ask)));
      }
    }
    expect(wrong).to.deep.equal([]);
  }).timeout(PATIENCE_MS);
}
