import { expect } from 'chai';
import type { NewUpload, Part } from '#contracts/upload-store';
import { compareKeys } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import { type MetadataRig, putIntent } from '../support/metadata-rig.ts';
import { codeOf } from '../support/rooms.ts';

const DAY_MS = 24 * 3600 * 1000;

/** Rows of unfinished uploads and their parts. */
export function describeUploadStore(name: string, make: () => Promise<MetadataRig>): void {
  describe(`upload store: ${name}`, () => {
    let rig: MetadataRig;
    let home: Bucket & { who: Who };
    let turn = 0;
    before(async () => {
      rig = await make();
    });
    after(() => rig.close());
    beforeEach(async () => {
      home = await rig.bucket();
      // What the parts below refer to.
      const places = { size: 5, store: 0, pack: 'ab'.repeat(16), length: 117 };
      const chunks = [1, 2, 3, 9, 16].map((n) => ({ id: Buffer.alloc(32, n), offset: 80 + 133 * n, ...places }));
      await rig.gateways[0]!.chunks.record(home.domain, chunks, []);
    });
    const store = () => rig.gateways[turn++ % rig.gateways.length]!.uploads;
    const create = (key: string, more: Partial<NewUpload> = {}) =>
      store().create({ bucket: home.id, key, principal: home.owner, attributes: {}, ...more });
    const part = (number: number, more: Partial<Part> = {}): Part => ({
      number,
      size: 5,
      etag: 'ab'.repeat(16),
      content: { kind: 'chunk', domain: home.domain, size: 5, id: Buffer.alloc(32, number) },
      digests: { md5: Buffer.alloc(16, 1), crc64nvme: Buffer.alloc(8, 2) },
      modified: rig.clock.now(),
      ...more,
    });

    it('finds what was begun, by bucket, key and id together', async () => {
      const full = {
        attributes: { contentType: 'a/b', user: { x: 'y' }, tags: { a: 'b' } },
        mtime: 5,
        checksum: { algorithm: 'sha256', type: 'COMPOSITE' as const },
      };
      const upload = await create('a/b', full);
      expect(upload).to.deep.include({
        ...full,
        key: 'a/b',
        principal: home.owner,
        completedVersion: null,
        created: rig.clock.now(),
      });
      expect(upload.id).to.match(/^[0-9a-f]{32}$/);
      expect(await store().find(home.id, 'a/b', upload.id)).to.deep.equal(upload);
      const bare = await create('a/b');
      expect(await store().find(home.id, 'a/b', bare.id)).to.deep.equal(bare);
      expect(bare.id).to.not.equal(upload.id);
      for (const [bucket, key, id] of [
        [home.id, 'a', upload.id],
        [home.id + 1000, 'a/b', upload.id],
        [home.id, 'a/b', 'f'.repeat(32)],
        [home.id, 'a/b', 'not an id'],
      ] as const) {
        expect(await store().find(bucket, key, id)).to.equal(null);
      }
      expect(await codeOf(create('x', { bucket: 999_999 }))).to.equal('bucket_not_found');
    });

    it('keeps parts by number, a later one in place of an earlier', async () => {
      const { id } = await create('k');
      const parts = [part(3), part(10_000), part(1, { digests: {} })];
      for (const one of parts) expect(await store().putPart(id, one, [], [])).to.deep.equal(one);
      const again = part(3, {
        size: 7,
        etag: 'cd'.repeat(16),
        content: { kind: 'chunk', domain: home.domain, size: 7, id: Buffer.alloc(32, 9) },
      });
      await store().putPart(id, again, [], []);
      expect(await store().parts(id, 0, 10)).to.deep.equal([parts[2], again, parts[1]]);
      expect((await store().parts(id, 1, 1)).map(({ number }) => number)).to.deep.equal([3]);
      expect(await store().parts(id, 10_000, 10)).to.deep.equal([]);
      expect(await store().parts('nonsense', 0, 10)).to.deep.equal([]);
    });

    it('records the chunks of a part along with it', async () => {
      const { id } = await create('k');
      const record = { id: Buffer.alloc(32, 'part'), size: 5, store: 0, pack: 'ab'.repeat(16), offset: 80, length: 117 };
      const leaf = { id: Buffer.alloc(32, 'leaf'), size: 5, entries: Buffer.concat([record.id, Buffer.from([0, 0, 0, 5])]) };
      await store().putPart(id, part(1), [record], [leaf]);
      const { chunks } = rig.gateways.at(-1)!;
      expect((await chunks.claim(home.domain, [record.id]))[0]).to.include({ pack: record.pack, offset: 80 });
      expect(await chunks.leaves(home.domain, [leaf.id])).to.deep.equal([leaf.entries]);
    });

    it('is gone when aborted, and takes no part any more', async () => {
      const { id } = await create('k');
      await store().putPart(id, part(1), [], []);
      expect(await codeOf(store().abort(home.id, 'other', id))).to.equal('upload_not_found');
      await store().abort(home.id, 'k', id);
      expect(await codeOf(store().abort(home.id, 'k', id))).to.equal('upload_not_found');
      expect(await codeOf(store().putPart(id, part(2), [], []))).to.equal('upload_not_found');
      expect([await store().find(home.id, 'k', id), await store().parts(id, 0, 10)]).to.deep.equal([null, []]);
      expect(await codeOf(store().putPart('nonsense', part(1), [], []))).to.equal('upload_not_found');
    });

    it('is found for a day after it was completed, not listed, and changed no more', async () => {
      const { id } = await create('k');
      await store().putPart(id, part(1), [], []);
      const { info } = await rig.store.commit(putIntent(home, 'k', { completesUpload: id }));
      expect((await store().find(home.id, 'k', id))?.completedVersion).to.equal(info.versionId);
      expect(await store().list(home.id, '', null, 10)).to.deep.equal([]);
      expect(await codeOf(store().putPart(id, part(2), [], []))).to.equal('upload_not_found');
      expect(await codeOf(store().abort(home.id, 'k', id))).to.equal('upload_not_found');
      rig.clock.advance(DAY_MS - 1);
      expect(await store().find(home.id, 'k', id)).to.not.equal(null);
      rig.clock.advance(2);
      expect(await store().find(home.id, 'k', id)).to.equal(null);
    });

    it('lists by key and id in byte order, behind the markers', async () => {
      const keys = ['b', 'a', 'a/x', 'ab', '\ue000', '😀', 'a', 'a'];
      const begun = [];
      for (const key of keys) begun.push(await create(key));
      const order = begun.sort((one, two) => compareKeys(one.key, two.key) || (one.id < two.id ? -1 : 1));
      const idsOf = (uploads: { id: string }[]) => uploads.map(({ id }) => id);
      expect(idsOf(await store().list(home.id, '', null, 100))).to.deep.equal(idsOf(order));
      const seen: string[] = [];
      for (let after: { key: string; id: string } | null = null; ; ) {
        const page = await store().list(home.id, '', after, 3);
        seen.push(...idsOf(page));
        const last = page.at(-1);
        if (last === undefined) break;
        after = { key: last.key, id: last.id };
      }
      expect(seen).to.deep.equal(idsOf(order));
      expect((await store().list(home.id, 'a', null, 100)).map(({ key }) => key)).to.deep.equal(['a', 'a', 'a', 'a/x', 'ab']);
      expect((await store().list(home.id, '', { key: 'a', id: '' }, 100)).map(({ key }) => key)[0]).to.equal('a/x');
      expect(await store().list((await rig.bucket()).id, '', null, 10)).to.deep.equal([]);
    });
  });
}
