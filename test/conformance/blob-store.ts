import { expect } from 'chai';
import type { BlobStore } from '#contracts/blob-store';
import type { ErrorCode } from '#core/errors';
import { isCloudStoreError } from '#core/errors';

const bytesOf = (text: string) => Buffer.from(text);

async function* inPieces(...pieces: string[]): AsyncIterable<Uint8Array> {
  for (const piece of pieces) yield bytesOf(piece);
}

async function* broken(): AsyncIterable<Uint8Array> {
  yield bytesOf('half');
  throw new Error('the source broke');
}

async function namesOf(store: BlobStore, prefix: string, after?: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list(prefix, after)) names.push(name);
  return names;
}

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'none'> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (!isCloudStoreError(error)) throw error;
    return error.code;
  }
}

/** What every BlobStore owes its callers, whatever lies behind. */
export function describeBlobStore(name: string, make: () => Promise<{ store: BlobStore; clean(): void }>): void {
  describe(`BlobStore: ${name}`, () => {
    let store: BlobStore;
    let clean: () => void;
    beforeEach(async () => {
      ({ store, clean } = await make());
    });
    afterEach(async () => {
      await store.close();
      clean();
    });

    it('reads what was put, whole and in ranges, into a buffer of the caller', async () => {
      await store.put('one', inPieces('hello ', 'blob'), 10);
      expect((await store.read('one', 0, 10)).toString()).to.equal('hello blob');
      expect((await store.read('one', 6, 4)).toString()).to.equal('blob');
      const into = Buffer.alloc(16);
      const read = await store.read('one', 0, 5, into);
      expect([read.toString(), read.buffer === into.buffer]).to.deep.equal(['hello', true]);
      expect(await store.stat('one')).to.deep.equal({ name: 'one', size: 10 });
    });

    it('holds empty blobs', async () => {
      await store.put('empty', inPieces(), 0);
      expect(await store.stat('empty')).to.deep.equal({ name: 'empty', size: 0 });
      expect((await store.read('empty', 0, 0)).length).to.equal(0);
    });

    it('takes the same bytes again, and never other bytes', async () => {
      await store.put('same', inPieces('bytes'), 5);
      await store.put('same', inPieces('by', 'tes'), 5);
      expect(await codeOf(store.put('same', inPieces('other'), 5))).to.equal('already_exists');
      expect((await store.read('same', 0, 5)).toString()).to.equal('bytes');
    });

    it('lets one of two puts of a name win', async () => {
      const both = await Promise.all([
        codeOf(store.put('raced', inPieces('aaaa'), 4)),
        codeOf(store.put('raced', inPieces('bbbb'), 4)),
      ]);
      expect(both.sort()).to.deep.equal(['already_exists', 'none']);
    });

    it('leaves nothing of a body that breaks off, or is not of its size', async () => {
      let failed = false;
      await store.put('broken', broken(), 8).catch(() => {
        failed = true;
      });
      expect(failed).to.equal(true);
      expect(await codeOf(store.put('short', inPieces('abc'), 4))).to.not.equal('none');
      expect(await codeOf(store.put('long', inPieces('abcde'), 4))).to.not.equal('none');
      expect([await store.stat('broken'), await store.stat('short'), await store.stat('long')]).to.deep.equal([null, null, null]);
      expect(await namesOf(store, '')).to.not.include.members(['broken']);
    });

    it('says not_found of what is absent, and corrupt of what is shorter than asked', async () => {
      expect(await codeOf(store.read('none', 0, 1))).to.equal('not_found');
      expect(await store.stat('none')).to.equal(null);
      await store.put('short', inPieces('abc'), 3);
      expect(await codeOf(store.read('short', 2, 2))).to.equal('corrupt');
    });

    it('lists in byte order, by prefix, after a name', async () => {
      for (const blob of ['b-2', 'a-1', 'b-10', 'b-1']) await store.put(blob, inPieces('x'), 1);
      expect(await namesOf(store, 'b-')).to.deep.equal(['b-1', 'b-10', 'b-2']);
      expect(await namesOf(store, 'b-', 'b-1')).to.deep.equal(['b-10', 'b-2']);
    });

    it('removes, also what is not there', async () => {
      await store.put('gone', inPieces('x'), 1);
      await store.remove('gone');
      await store.remove('gone');
      expect([await store.stat('gone'), await codeOf(store.read('gone', 0, 1))]).to.deep.equal([null, 'not_found']);
      await store.put('gone', inPieces('new'), 3);
      expect((await store.read('gone', 0, 3)).toString()).to.equal('new');
    });

    it('refuses names that are none', async () => {
      for (const bad of ['', '../x', 'A', 'a/b', '.hidden', 'x'.repeat(129)]) {
        let refused = false;
        await store.put(bad, inPieces('x'), 1).catch(() => {
          refused = true;
        });
        expect(refused, bad).to.equal(true);
      }
    });
  });
}
