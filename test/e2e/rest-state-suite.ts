import { expect } from 'chai';
import type { TestGateway } from '../support/gateway.ts';

/** ETags and conditions of what is no file, on a real gateway. */
export function describeStates(gatewayOf: () => TestGateway): void {
  describe('what is changed under a condition', () => {
    async function rest(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
      const gateway = gatewayOf();
      const answer = await fetch(`${gateway.restUrl.replace(/\/$/, '')}${path}`, {
        method,
        headers: {
          authorization: `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      // biome-ignore lint/suspicious/noExplicitAny: a foreign border; tests look into answers of any shape
      return { status: answer.status, etag: answer.headers.get('etag'), json: (text === '' ? null : JSON.parse(text)) as any };
    }
    const made = async (path: string, body: object) => {
      const answer = await rest('POST', path, body);
      expect(answer.status, JSON.stringify(answer.json)).to.equal(201);
      return answer.json;
    };

    before(async () => {
      await made('/buckets', { name: 'stated' });
      await made('/users', { name: 'stated-user' });
      await made('/groups', { name: 'stated-group', members: [] });
    });

    it('is changed while its ETag is what was read, and refused once it is another: users, groups, links, grants, documents, limits', async () => {
      const { id: link } = await made('/links', { bucket: 'stated', key: '' });
      const config = '/buckets/stated/config';
      const cases: [read: string, method: string, change: object[]][] = [
        ['/users/stated-user', 'PATCH', [{ quotaBytes: 1_000 }, { quotaBytes: 2_000 }]],
        ['/groups/stated-group', 'PATCH', [{ add: ['stated-user'] }, { remove: ['stated-user'] }]],
        [`/links/${link}`, 'PATCH', [{ downloadsMax: 5 }, { downloadsMax: 6 }]],
        [
          '/access/stated/',
          'PUT',
          [
            { kind: 'user', name: 'stated-user', role: 'viewer' },
            { kind: 'user', name: 'stated-user', role: 'editor' },
          ],
        ],
        [
          `${config}/publicAccessBlock`,
          'PUT',
          [1, 2].map((n) => ({
            blockPublicAcls: n === 2,
            ignorePublicAcls: true,
            blockPublicPolicy: true,
            restrictPublicBuckets: true,
          })),
        ],
        [`${config}/tagging`, 'PUT', ['a', 'b'].map((value) => ({ TagSet: [{ Key: 'k', Value: value }] }))],
        ['/buckets/stated/retention', 'PUT', [{ days: 5 }, { days: 6 }]],
        ['/buckets/stated', 'PATCH', [{ quota: { objects: 100 } }, { quota: { objects: 200 } }]],
      ];
      for (const [path, method, [one, two]] of cases) {
        let before = await rest('GET', path);
        if (before.status === 404) {
          expect((await rest(method, path, one, { 'if-match': '"something"' })).status, `${path}: nothing is there`).to.equal(
            412,
          );
          expect((await rest(method, path, two, { 'if-none-match': '*' })).status, path).to.be.oneOf([200, 204]);
          expect((await rest(method, path, one, { 'if-none-match': '*' })).status, path).to.equal(412);
          before = await rest('GET', path);
        }
        expect(before.etag, path).to.match(/^"[0-9a-f]{32}"$/);
        expect((await rest('GET', path, undefined, { 'if-none-match': before.etag ?? '' })).status, path).to.equal(304);
        const changed = await rest(method, path, one, { 'if-match': before.etag ?? '' });
        expect(changed.status, `${path} ${JSON.stringify(changed.json)}`).to.be.oneOf([200, 204]);
        const now = await rest('GET', path);
        expect(now.etag, path).to.not.equal(before.etag);
        if (changed.etag !== null) expect(changed.etag, `${path}: the answer's own`).to.equal(now.etag);
        const late = await rest(method, path, two, { 'if-match': before.etag ?? '' });
        expect([late.status, late.json.code], path).to.deep.equal([412, 'precondition_failed']);
        expect((await rest('GET', path)).json, `${path}: as it was`).to.deep.equal(now.json);
      }
    });

    it('is removed while its ETag is what was read', async () => {
      const { id: link } = await made('/links', { bucket: 'stated', key: '' });
      const grant = '/access/stated/?kind=user&name=stated-user';
      for (const [path, read] of [
        [`/users/stated-user?heir=${gatewayOf().user}`, '/users/stated-user'],
        ['/groups/stated-group', '/groups/stated-group'],
        [`/links/${link}`, `/links/${link}`],
        ['/buckets/stated/config/tagging', '/buckets/stated/config/tagging'],
        [grant, '/access/stated/'],
      ].reverse() as [string, string][]) {
        const { etag } = await rest('GET', read);
        expect((await rest('DELETE', path, undefined, { 'if-match': '"0"' })).status, path).to.equal(412);
        expect((await rest('DELETE', path, undefined, { 'if-match': etag ?? '' })).status, path).to.equal(204);
      }
    });

    it('of many at once that read the same lets one through', async () => {
      await made('/users', { name: 'raced-user' });
      for (const [path, method, change] of [
        ['/buckets/stated/retention', 'PUT', (n: number) => ({ days: 100 + n })],
        ['/users/raced-user', 'PATCH', (n: number) => ({ quotaBytes: 5_000 + n })],
        ['/buckets/stated/config/tagging', 'PUT', (n: number) => ({ TagSet: [{ Key: 'k', Value: `${n}` }] })],
      ] as const) {
        for (let round = 0; round < 5; round++) {
          const { etag, status } = await rest('GET', path);
          const condition = status === 404 ? { 'if-none-match': '*' } : { 'if-match': etag ?? '' };
          const answers = await Promise.all(
            Array.from({ length: 12 }, (_, n) => rest(method, path, change(20 * round + n), condition)),
          );
          const through = answers.filter(({ status }) => status !== 412);
          expect(through, path).to.have.length(1);
          expect(through[0]?.status, path).to.be.oneOf([200, 204]);
        }
      }
    });

    it('is listed by pages, all of it when nobody asks for pages', async () => {
      for (let n = 0; n < 5; n++) await made('/links', { bucket: 'stated', key: '' });
      for (const [path, field] of [
        ['/buckets', 'buckets'],
        ['/links', 'items'],
        ['/usage', 'buckets'],
      ] as const) {
        const whole = (await rest('GET', path)).json;
        expect(whole.next, path).to.equal(null);
        const paged: unknown[] = [];
        for (let cursor: string | null = ''; cursor !== null; ) {
          const page: { json: Record<string, unknown[]> & { next: string | null } } = await rest(
            'GET',
            `${path}?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`,
          );
          expect(page.json[field]).to.have.length(1);
          paged.push(...(page.json[field] ?? []));
          cursor = page.json.next;
        }
        expect(paged, path).to.deep.equal(whole[field]);
        const lost = await rest('GET', `${path}?cursor=none-such`);
        expect([lost.status, lost.json.code], path).to.deep.equal([410, 'cursor_expired']);
      }
    });
  });
}
