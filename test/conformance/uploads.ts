import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import { bytesOf } from '#core/stream';
import { codeOf, type TestRooms } from '../support/rooms.ts';

const MIB = 1024 * 1024;

/** Uploads in parts, as S3 has them. */
export function describeUploads(name: string, make: () => Promise<TestRooms>): void {
  describe(`uploads: ${name}`, () => {
    let rooms: TestRooms;
    let as: Who;
    let home: Bucket;
    const at = (key: string) => ({ bucket: home.id, key });
    before(async () => {
      rooms = await make();
      const ann = await rooms.user('ann', 'member');
      as = rooms.who(ann);
      home = await rooms.bucket(ann, 'anns');
    });
    after(() => rooms.close());
    afterEach('every claim on content was released', () => expect(rooms.content.claims()).to.equal(0));

    const write = (key: string, id: string, number: number, bytes: Buffer) =>
      rooms.uploads.writePart(as, at(key), id, number, bytesOf(bytes), { size: bytes.length });

    it('take together no more than the quota while they have not ended, though each alone would fit; a part may be sent again', async () => {
      const [bob, piece] = [await rooms.user('bob', 'member'), Buffer.alloc(17 * MIB)];
      const [who, bucket] = [rooms.who(bob), await rooms.bucket(bob, 'bobs')];
      await rooms.metadata.principals.update(bob.id, { quotaBytes: 4 * piece.length });
      const begin = async (key: string) => (await rooms.uploads.begin(who, { bucket: bucket.id, key }, { attributes: {} })).id;
      const send = (key: string, id: string, number: number, size?: number) =>
        codeOf(
          rooms.uploads.writePart(
            who,
            { bucket: bucket.id, key },
            id,
            number,
            bytesOf(piece),
            size === undefined ? {} : { size },
          ),
        );
      const [a, b] = [await begin('a'), await begin('b')];
      for (const number of [1, 2, 3]) expect(await send('a', a, number, piece.length)).to.equal('none');
      expect(await send('b', b, 1, piece.length)).to.equal('none');
      for (const size of [piece.length, undefined]) {
        expect(await send('b', b, 2, size)).to.equal('quota_exceeded');
        expect(await send('b', b, 1, size), 'once more').to.equal('none');
      }
      await rooms.uploads.abort(who, { bucket: bucket.id, key: 'a' }, a);
      expect(await send('b', b, 2, piece.length)).to.equal('none');
      expect(await codeOf(rooms.put(who, bucket, 'whole', 'x')), 'what is whole is held against the account').to.equal('none');
      await rooms.uploads.abort(who, { bucket: bucket.id, key: 'b' }, b);
    });

    it('makes an object of its parts, with the ETag that AWS gives', async () => {
      const [one, two] = [randomBytes(5 * MIB), randomBytes(10)];
      const checksum = { algorithm: 'sha256', type: 'COMPOSITE' as const };
      const upload = await rooms.uploads.begin(as, at('big'), { attributes: { contentType: 'x/y' }, mtime: 5000, checksum });
      const second = await write('big', upload.id, 7, two);
      await write('big', upload.id, 2, randomBytes(3));
      const first = await write('big', upload.id, 2, one);
      expect(first.digests.sha256).to.deep.equal(createHash('sha256').update(one).digest());
      const listed = await rooms.uploads.parts(as, at('big'), upload.id, 0, 10);
      expect(listed.parts.map(({ number, size }) => [number, size])).to.deep.equal([
        [2, one.length],
        [7, two.length],
      ]);
      const named = [
        { number: 2, etag: `"${first.etag}"` },
        { number: 7, etag: second.etag },
      ];
      const done = await rooms.uploads.complete(as, at('big'), upload.id, named, { attributes: { cacheControl: 'no-store' } });
      const md5s = [one, two].map((part) => createHash('md5').update(part).digest());
      expect(done.info.etag).to.equal(`${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-2`);
      expect(done.info).to.include({ size: one.length + two.length, mtime: 5000 });
      expect(done.info.attributes).to.deep.equal({
        contentType: 'x/y',
        cacheControl: 'no-store',
        partSizes: [one.length, two.length],
      });
      const again = await rooms.uploads.complete(as, at('big'), upload.id, named, {});
      expect(again.info.versionId).to.equal(done.info.versionId);
      expect((await rooms.uploads.parts(as, at('big'), upload.id, 0, 10)).upload.completedVersion).to.equal(done.info.versionId);
      expect(await codeOf(write('big', upload.id, 1, two))).to.equal('upload_not_found');
      expect(await codeOf(rooms.uploads.abort(as, at('big'), upload.id))).to.equal('upload_not_found');
    });

    it('completes once when it is asked twice at once', async () => {
      const upload = await rooms.uploads.begin(as, at('twice'), { attributes: {} });
      const part = await write('twice', upload.id, 1, Buffer.from('x'));
      const complete = () => rooms.uploads.complete(as, at('twice'), upload.id, [part], {});
      const [one, two] = await Promise.all([complete(), complete()]);
      expect(one.info.versionId).to.equal(two.info.versionId);
    });

    it('refuses what S3 refuses', async () => {
      const upload = await rooms.uploads.begin(as, at('wrong'), { attributes: {} });
      const one = await write('wrong', upload.id, 1, Buffer.from('small'));
      const two = await write('wrong', upload.id, 2, Buffer.from('last'));
      const complete = (parts: { number: number; etag: string }[], options = {}) =>
        codeOf(rooms.uploads.complete(as, at('wrong'), upload.id, parts, options));
      expect(await complete([])).to.equal('invalid_part');
      expect(await complete([two, one])).to.equal('invalid_part_order');
      expect(await complete([one, one])).to.equal('invalid_part_order');
      expect(await complete([{ number: 1, etag: two.etag }])).to.equal('invalid_part');
      expect(await complete([one, { number: 3, etag: one.etag }])).to.equal('invalid_part');
      expect(await complete([one, two])).to.equal('part_too_small');
      expect(await complete([two], { size: 5 })).to.equal('invalid_argument');
      expect(await complete([two], { conditions: { ifMatch: ['x'] } })).to.equal('precondition_failed');
      expect(await codeOf(write('wrong', upload.id, 0, Buffer.alloc(1)))).to.equal('invalid_part');
      expect(await codeOf(write('wrong', upload.id, 10_001, Buffer.alloc(1)))).to.equal('invalid_part');
      expect(await codeOf(write('another', upload.id, 1, Buffer.alloc(1)))).to.equal('upload_not_found');
      expect(await complete([two])).to.equal('none');
      expect(await rooms.text(as, home, 'wrong')).to.equal('last');
    });

    it('copies parts, whole and by range, and drops what was aborted', async () => {
      await rooms.put(as, home, 'source', '0123456789');
      const upload = await rooms.uploads.begin(as, at('copied'), { attributes: {} });
      const copy = (number: number, options: object) =>
        rooms.uploads.copyPart(as, at('copied'), upload.id, number, at('source'), options);
      const part = await copy(1, { range: { start: 2, end: 4 } });
      expect(part).to.include({ size: 3, etag: createHash('md5').update('234').digest('hex') });
      expect((await copy(2, {})).size).to.equal(10);
      expect(await codeOf(copy(3, { range: { start: 10, end: 12 } }))).to.equal('invalid_range');
      expect(await codeOf(copy(3, { conditions: { ifMatch: ['x'] } }))).to.equal('precondition_failed');
      expect((await rooms.uploads.list(as, home.id, 'copi', null, 10)).map(({ id }) => id)).to.deep.equal([upload.id]);
      await rooms.uploads.abort(as, at('copied'), upload.id);
      expect(await rooms.uploads.list(as, home.id, 'copi', null, 10)).to.deep.equal([]);
      expect(await codeOf(copy(1, {}))).to.equal('upload_not_found');
    });
  });
}
