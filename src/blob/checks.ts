import type { BlobStore } from '#contracts/blob-store';
import { isCloudStoreError } from '#core/errors';

/** One thing that every BlobStore owes its callers, as a sentence, and the program that finds out. */
export interface BlobCheck {
  sentence: string;
  /** Blobs that it makes begin with `prefix`, which nobody else uses. @throws an Error that says what was seen instead */
  run(store: BlobStore, prefix: string): Promise<void>;
}

/** The contract of BlobStore as checks: the tests run them over every implementation, `cloudstore check-storage` over a user's own store. */
export const BLOB_CHECKS: readonly BlobCheck[] = [
  {
    sentence: 'reads what was put, whole and in ranges, into a buffer of the caller',
    async run(store, prefix) {
      const name = `${prefix}one`;
      await store.put(name, inPieces('hello ', 'blob'), 10);
      same((await store.read(name, 0, 10)).toString(), 'hello blob');
      same((await store.read(name, 6, 4)).toString(), 'blob');
      const into = Buffer.alloc(16);
      const read = await store.read(name, 0, 5, into);
      same([read.toString(), read.buffer === into.buffer], ['hello', true]);
      same(await store.stat(name), { name, size: 10 });
    },
  },
  {
    sentence: 'holds empty blobs',
    async run(store, prefix) {
      const name = `${prefix}empty`;
      await store.put(name, inPieces(), 0);
      same(await store.stat(name), { name, size: 0 });
      same((await store.read(name, 0, 0)).length, 0);
    },
  },
  {
    sentence: 'takes the same bytes again, and never other bytes',
    async run(store, prefix) {
      const name = `${prefix}same`;
      await store.put(name, inPieces('bytes'), 5);
      await store.put(name, inPieces('by', 'tes'), 5);
      same(await codeOf(store.put(name, inPieces('other'), 5)), 'already_exists');
      same(await codeOf(store.put(name, inPieces('bytes and more'), 14)), 'already_exists');
      same((await store.read(name, 0, 5)).toString(), 'bytes');
    },
  },
  {
    sentence: 'lets one of two puts of a name win',
    async run(store, prefix) {
      const name = `${prefix}raced`;
      const both = await Promise.all([
        codeOf(store.put(name, inPieces('aaaa'), 4)),
        codeOf(store.put(name, inPieces('bbbb'), 4)),
      ]);
      same(both.sort(), ['already_exists', 'none']);
    },
  },
  {
    sentence: 'leaves nothing of a body that breaks off, or is not of its size',
    async run(store, prefix) {
      let failed = false;
      await store.put(`${prefix}broken`, broken(), 8).catch(() => {
        failed = true;
      });
      same(failed, true);
      for (const [name, body] of [
        ['short', 'abc'],
        ['long', 'abcde'],
      ] as const) {
        if ((await codeOf(store.put(`${prefix}${name}`, inPieces(body), 4))) === 'none')
          throw new Error(`a ${name} body was taken`);
      }
      for (const name of ['broken', 'short', 'long']) same(await store.stat(`${prefix}${name}`), null);
      same(await namesOf(store, prefix, 'broken'), []);
    },
  },
  {
    sentence: 'says not_found of what is absent, and corrupt of what is shorter than asked',
    async run(store, prefix) {
      same(await codeOf(store.read(`${prefix}none`, 0, 1)), 'not_found');
      same(await codeOf(store.read(`${prefix}none`, 0, 0)), 'not_found');
      same(await store.stat(`${prefix}none`), null);
      await store.put(`${prefix}short`, inPieces('abc'), 3);
      same(await codeOf(store.read(`${prefix}short`, 2, 2)), 'corrupt');
      same(await codeOf(store.read(`${prefix}short`, 7, 2)), 'corrupt');
    },
  },
  {
    sentence: 'lists in byte order, by prefix, after a name',
    async run(store, prefix) {
      for (const name of ['b-2', 'a-1', 'b-10', 'b-1']) await store.put(`${prefix}${name}`, inPieces('x'), 1);
      same(await namesOf(store, prefix, 'b-'), ['b-1', 'b-10', 'b-2']);
      same(await namesOf(store, prefix, 'b-', 'b-1'), ['b-10', 'b-2']);
      for await (const { size } of store.list(`${prefix}a-`)) same(size, 1);
    },
  },
  {
    sentence: 'removes, also what is not there',
    async run(store, prefix) {
      const name = `${prefix}gone`;
      await store.put(name, inPieces('x'), 1);
      await store.remove(name);
      await store.remove(name);
      same([await store.stat(name), await codeOf(store.read(name, 0, 1))], [null, 'not_found']);
      await store.put(name, inPieces('new'), 3);
      same((await store.read(name, 0, 3)).toString(), 'new');
    },
  },
  {
    sentence: 'refuses names that are none',
    async run(store) {
      for (const bad of ['', '../x', 'A', 'a/b', '.hidden', 'x'.repeat(129)]) {
        const code = await store.put(bad, inPieces('x'), 1).then(
          () => 'none',
          () => 'refused',
        );
        if (code === 'none') throw new Error(`it took the name ${JSON.stringify(bad)}`);
      }
    },
  },
  {
    sentence: 'keeps a blob of megabytes, and reads any range of it',
    async run(store, prefix) {
      const name = `${prefix}large`;
      const pieces = 20;
      async function* body(): AsyncIterable<Uint8Array> {
        for (let piece = 0; piece < pieces; piece++) yield Buffer.alloc(1 << 20, piece + 1);
      }
      const size = pieces << 20;
      await store.put(name, body(), size);
      same(await store.stat(name), { name, size });
      for (const [piece, at] of [
        [1, 0],
        [8, 7.5 * 2 ** 20],
        [20, size - 1000],
      ] as const) {
        same((await store.read(name, at, 1000)).equals(Buffer.alloc(1000, piece)), true);
      }
      const across = await store.read(name, (4 << 20) - 2, 4);
      same([...across], [4, 4, 5, 5]);
      await store.put(name, body(), size);
    },
  },
];

async function* inPieces(...pieces: string[]): AsyncIterable<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

async function* broken(): AsyncIterable<Uint8Array> {
  yield Buffer.from('half');
  throw new Error('the source broke');
}

/** Without the checks' own prefix. */
async function namesOf(store: BlobStore, prefix: string, below: string, after?: string): Promise<string[]> {
  const names: string[] = [];
  const from = after === undefined ? undefined : `${prefix}${after}`;
  for await (const { name } of store.list(`${prefix}${below}`, from)) names.push(name.slice(prefix.length));
  return names;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (!isCloudStoreError(error)) throw error;
    return error.code;
  }
}

function same(seen: unknown, wanted: unknown): void {
  const [left, right] = [JSON.stringify(seen), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`it is ${left}, and should be ${right}`);
}
