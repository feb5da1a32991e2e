import { expect } from 'chai';
import type { Part } from '#contracts/upload-store';
import type { Bytes } from '#core/stream';
import { serveUpload } from '#protocols/webdav/nextcloud/uploads';
import { codeOf } from '../../support/rooms.ts';
import { memoryNamespace } from './memory-namespace.ts';

/** The end of an upload in parts, on the namespace in memory; the parts, and what happens while they are put together, are made up here. */
describe('Nextcloud: a file is made of its parts', () => {
  const ann = { id: 1, name: 'ann', role: 'member' } as const;
  const who = { principal: ann, protocol: 'webdav', requestId: 'R' } as const;
  const bytes = (text: string): Bytes =>
    (async function* () {
      yield Buffer.from(text);
    })();
  const BY_BYTES = 2 ** 30;
  const part = (number: number, size = 65_536) => ({ number, size, etag: 'e' }) as Part; // nothing else of it is asked

  async function scene({ parts = [part(2)], meanwhile }: { parts?: Part[]; meanwhile?: () => Promise<unknown> } = {}) {
    const store = memoryNamespace();
    const home = await store.buckets.create(who, 'home');
    store.plant('home', 'big', 'old');
    const at = { bucket: home.id, key: 'big' };
    const completed: unknown[] = [];
    let between = meanwhile;
    const uploads = {
      list: async (_who: unknown, bucket: number, key: string) => [{ id: 'U', bucket, key }],
      parts: async (_who: unknown, _at: unknown, _id: string, _after: number, limit: number) => ({
        parts: parts.slice(0, limit),
      }),
      complete: async (_who: unknown, _at: unknown, _id: string, named: unknown[], options: { conditions: object }) => {
        completed.push(named);
        await between?.();
        return store.namespace.put(who, at, bytes('new'), { conditions: options.conditions, etag: 'opaque' } as never);
      },
    };
    const finish = async (condition?: string): Promise<number> => {
      const headers = { destination: '/f/big', host: 'h', ...(condition === undefined ? {} : { if: condition }) };
      let status = 0;
      const res = {
        writeHead: (given: number) => {
          status = given;
          return { end: () => undefined };
        },
      };
      const deps = { namespace: store.namespace, buckets: store.buckets, publicHosts: [], virtual: [] };
      const mount = { base: '/f', bucket: 'home' };
      const x = { deps, req: { method: 'MOVE', headers }, res, cx: {}, who, mount, target: { kind: 'home' } };
      await serveUpload(x as never, { uploads } as never, home, { id: 'u', name: '.file' }); // of its rooms, only these are asked
      return status;
    };
    return {
      finish,
      completed,
      etag: async () => (await store.namespace.stat(who, at)).etag,
      write: (text: string) => store.namespace.put(who, at, bytes(text), { etag: 'opaque' } as never),
      during: (what: () => Promise<unknown>) => (between = what),
    };
  }

  it('not over what another device wrote meanwhile, where If names the ETag of the destination', async () => {
    const { finish, etag, write, during } = await scene();
    const old = await etag();
    let second = '';
    during(async () => {
      await write('of another device');
      second = await etag();
    });
    expect(await codeOf(finish(`</f/big> (["${old}"])`))).to.equal('precondition_failed');
    expect(await etag()).to.equal(second);
  });

  it('where nothing changed meanwhile, or where no list that holds demands the ETag', async () => {
    const calm = await scene();
    expect(await calm.finish(`</f/big> (["${await calm.etag()}"])`)).to.equal(204);
    for (const lists of ['(Not ["other"])', '(["ETAG"]) (Not <DAV:no-lock>)', '(Not <DAV:no-lock>) (["ETAG"])']) {
      const { finish, etag, write, during } = await scene();
      during(() => write('of another device'));
      expect(await finish(`</f/big> ${lists.replace('ETAG', await etag())}`), lists).to.equal(204);
    }
  });

  it('of no more parts than a file takes, and of none with a hole between them, also for clients that do not tell the length', async () => {
    const numbered = (count: number) => Array.from({ length: count }, (_, i) => part(i + 1, 1));
    const refused = { many: numbered(10_001), hole: [part(BY_BYTES), part(BY_BYTES + 2)], late: [part(BY_BYTES + 1)] };
    for (const [what, parts] of Object.entries({ ...refused, overlap: [part(BY_BYTES, 131_072), part(BY_BYTES + 1)] })) {
      const { finish, completed } = await scene({ parts });
      expect([await codeOf(finish()), completed.length], what).to.deep.equal(['invalid_argument', 0]);
    }
    for (const parts of [numbered(10_000), [part(BY_BYTES), part(BY_BYTES + 1)], [part(2), part(9)]])
      expect(await (await scene({ parts })).finish()).to.equal(204);
  });
});
