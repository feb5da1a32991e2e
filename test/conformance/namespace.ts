import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import type { Principal, Who } from '#core/principal';
import { codeOf, type TestRooms } from '../support/rooms.ts';

/** What every namespace keeps to, whatever its bytes lie in. */
export function describeNamespace(name: string, make: () => Promise<TestRooms>): void {
  describe(`namespace: ${name}`, () => {
    let rooms: TestRooms;
    let ann: Principal;
    let as: Who;
    let home: Bucket;
    const at = (key: string, bucket = home) => ({ bucket: bucket.id, key });
    // biome-ignore lint/correctness/useYield: it fails at the first pull
    const never = async function* (): AsyncGenerator<Buffer> {
      throw new Error('the body was read');
    };
    before(async () => {
      rooms = await make();
      ann = await rooms.user('ann', 'member');
      as = rooms.who(ann);
      home = await rooms.bucket(ann, 'ann-home');
    });
    after(() => rooms.close());
    afterEach('every claim on content was released', () => expect(rooms.content.claims()).to.equal(0));

    it('gives back what was put, with its MD5, digests, times and attributes', async () => {
      const body = async function* () {
        yield Buffer.from('hel');
        yield Buffer.from('lo');
      };
      const put = await rooms.namespace.put(as, at('a/hello.txt'), body(), {
        etag: 'md5',
        mtime: 1_000_000,
        attributes: { contentType: 'text/plain' },
        checksumOf: (digests) => ({ algorithm: 'sha1', value: digests.sha1?.toString('base64') ?? '', type: 'FULL_OBJECT' }),
        digests: ['sha1'],
      });
      expect(put.created).to.equal(true);
      expect(put.info.etag).to.equal(createHash('md5').update('hello').digest('hex'));
      const read = await rooms.namespace.get(as, at('a/hello.txt'), { range: { suffix: 2 } });
      expect(read.range).to.deep.equal({ start: 3, end: 4 });
      expect(read.info).to.include({ size: 5, mtime: 1_000_000 });
      expect(read.info.attributes.checksum?.value).to.equal(createHash('sha1').update('hello').digest('base64'));
      const parts = [];
      for await (const part of read.body()) parts.push(Buffer.from(part).toString());
      expect(parts.join('')).to.equal('lo');
      expect(await rooms.text(as, home, 'a/hello.txt')).to.equal('hello');
    });

    it('makes opaque ETags that no S3 tool takes for an MD5', async () => {
      const put = await rooms.namespace.put(as, at('opaque'), (async function* () {})(), { etag: 'opaque' });
      expect(put.info.etag).to.match(/^[0-9a-f]{32}-\d+$/);
      expect(put.digests.md5).to.equal(undefined);
    });

    it('peeks at what is in memory, and only for whoever may read', async () => {
      await rooms.put(as, home, 'small', 'tiny');
      expect(await rooms.text(as, home, 'small')).to.equal('tiny');
      // What it has to know of the bucket may be a moment too old; whoever asks again finds it.
      const asked = async (how: 'peek' | 'glance'): Promise<string | undefined> => {
        for (let times = 0; times < 5; times++) {
          const found = await rooms.namespace[how](as, at('small'));
          if (found !== null) return found.body.toString();
          await rooms.namespace.stat(as, at('small'));
        }
        return undefined;
      };
      expect(await asked('peek')).to.equal('tiny');
      const bob = await rooms.user('bob-peeks', 'member');
      expect(rooms.namespace.peek(rooms.who(bob), at('small'))).to.equal(null);
      expect(rooms.namespace.peek(rooms.who(null), at('small'))).to.equal(null);
      // Of the object alone also where its bytes are too many.
      await rooms.put(as, home, 'large', 'x'.repeat(300_000));
      const lookedAt = async (): Promise<number | undefined> => {
        for (let times = 0; times < 5; times++) {
          const found = rooms.namespace.peekObject(as, at('large'));
          if (found !== null) return found.size;
          await rooms.namespace.stat(as, at('large'));
        }
        return undefined;
      };
      expect(await lookedAt()).to.equal(300_000);
      expect(rooms.namespace.peekObject(rooms.who(bob), at('large'))).to.equal(null);
      expect(rooms.namespace.peekObject(rooms.who(null), at('large'))).to.equal(null);
      await rooms.put(as, home, 'large', 'y');
      expect(await lookedAt()).to.equal(1);
      expect(await asked('glance')).to.equal('tiny');
      expect(await rooms.namespace.glance(rooms.who(bob), at('small'))).to.equal(null);
      expect(await rooms.namespace.glance(rooms.who(null), at('small'))).to.equal(null);
      expect(await rooms.namespace.glance(as, at('absent'))).to.equal(null);
      await rooms.put(as, home, 'small', 'new');
      expect(await asked('glance')).to.equal('new');
      expect(await asked('peek')).to.equal('new');
    });

    it('refuses before it reads a large body: conditions, locks, parents', async () => {
      await rooms.put(as, home, 'there', 'x');
      const large = { etag: 'md5' as const, size: 1 << 30 };
      const put = (key: string, more: object) => codeOf(rooms.namespace.put(as, at(key), never(), { ...large, ...more }));
      expect(await put('there', { conditions: { ifNoneMatch: '*' } })).to.equal('precondition_failed');
      expect(await put('missing', { conditions: { ifMatch: ['x'] } })).to.equal('precondition_failed');
      expect(await put('no/parent', { requireParent: true })).to.equal('parent_missing');
      const lock = await rooms.namespace.lock(as, {
        at: at('there'),
        exclusive: true,
        infinite: false,
        ownerXml: null,
        timeoutMs: 60_000,
      });
      expect(await put('there', {})).to.equal('locked');
      expect(await codeOf(rooms.put(as, home, 'there', 'small bodies too, in the commit'))).to.equal('locked');
      await rooms.namespace.unlock(as, at('there'), lock.token);
      expect((await rooms.put(as, home, 'there', 'y')).created).to.equal(false);
    });

    it('releases its claim when the body, the checksum or the commit fails', async () => {
      const put = (body: AsyncIterable<Uint8Array>, more: object) =>
        codeOf(rooms.namespace.put(as, at('failing'), body, { etag: 'md5', ...more }));
      const five = async function* () {
        yield Buffer.from('12345');
      };
      expect(await put(five(), { size: 6 })).to.equal('incomplete_body');
      expect(await put(five(), { expect: { md5: Buffer.alloc(16) } })).to.equal('checksum_mismatch');
      expect(await put(five(), { conditions: { ifMatch: ['nothing'] } })).to.equal('precondition_failed');
      const gone = new AbortController();
      const leaving = async function* () {
        yield Buffer.from('1');
        gone.abort();
      };
      expect(await put(leaving(), { signal: gone.signal })).to.equal('aborted');
      expect(await codeOf(rooms.namespace.stat(as, at('failing')))).to.equal('not_found');
    });

    it('decides 304, 412 and 416 before any byte', async () => {
      const { info } = await rooms.put(as, home, 'conditional', '0123456789');
      const get = (options: object) => codeOf(rooms.namespace.get(as, at('conditional'), options));
      expect(await get({ conditions: { ifNoneMatch: [info.etag] } })).to.equal('not_modified');
      expect(await get({ conditions: { ifMatch: ['other'] } })).to.equal('precondition_failed');
      expect(await get({ range: { start: 10, end: null } })).to.equal('invalid_range');
      expect(await get({ version: 'f'.repeat(32) })).to.equal('version_not_found');
      expect(await codeOf(rooms.namespace.get(as, at('absent')))).to.equal('not_found');
    });

    it('makes folders once, and only where nothing has the name', async () => {
      const folder = await rooms.namespace.makeDirectory(as, at('photos/'), { properties: { 'urn:x colour': '<c/>' } });
      expect(folder).to.include({ kind: 'directory', key: 'photos/', explicit: true });
      expect(folder.properties).to.deep.equal({ 'urn:x colour': '<c/>' });
      expect(await codeOf(rooms.namespace.makeDirectory(as, at('photos/')))).to.equal('already_exists');
      await rooms.put(as, home, 'a-file', 'x');
      expect(await codeOf(rooms.namespace.makeDirectory(as, at('a-file/')))).to.equal('already_exists');
      expect(await codeOf(rooms.namespace.makeDirectory(as, at('x/y/'), { requireParent: true }))).to.equal('parent_missing');
      expect((await rooms.namespace.entry(as, at('photos'))).kind).to.equal('directory');
      expect((await rooms.namespace.entry(as, at('a-file'))).kind).to.equal('object');
      const raced = await Promise.all(Array.from({ length: 4 }, () => codeOf(rooms.namespace.makeDirectory(as, at('raced/')))));
      expect(raced.sort()).to.deep.equal(['already_exists', 'already_exists', 'already_exists', 'none']);
    });

    it('copies an object onto itself with other attributes, keeping ETag, checksum and bytes', async () => {
      const before = await rooms.put(as, home, 'self', 'same bytes');
      const after = await rooms.namespace.copyObject(as, at('self'), at('self'), {
        etag: 'md5',
        attributes: { contentType: 'image/png' },
      });
      expect(after.info.etag).to.equal(before.info.etag);
      expect(after.info.versionId).not.to.equal(before.info.versionId);
      expect((await rooms.namespace.stat(as, at('self'))).attributes).to.deep.equal({ contentType: 'image/png' });
      expect(await rooms.text(as, home, 'self')).to.equal('same bytes');
      const stale = { etag: 'md5' as const, sourceConditions: { ifNoneMatch: [before.info.etag] } };
      expect(await codeOf(rooms.namespace.copyObject(as, at('self'), at('other'), stale))).to.equal('precondition_failed');
    });

    it('asks what a copy says of itself of the source that it holds', async () => {
      await rooms.put(as, home, 'described', 'bytes');
      const asked: string[] = [];
      await rooms.namespace.copyObject(as, at('described'), at('described-copy'), {
        etag: 'md5',
        attributes: { contentType: 'text/only-to-ask' },
        describe(source) {
          asked.push(source.key);
          return { attributes: { user: { size: String(source.size) } }, mtime: 1_700_000_000_000 };
        },
      });
      const copy = await rooms.namespace.stat(as, at('described-copy'));
      expect(asked).to.deep.equal(['described']);
      expect([copy.attributes, copy.mtime]).to.deep.equal([{ user: { size: '5' } }, 1_700_000_000_000]);
    });

    it('ingests again across dedupe domains', async () => {
      const bob = await rooms.user('bob-copies', 'admin');
      const theirs = await rooms.bucket(bob, 'bobs-bucket');
      const source = await rooms.put(as, home, 'across/one', 'first');
      await rooms.put(as, home, 'across/sub/two', 'second');
      await rooms.namespace.makeDirectory(as, at('across/empty/'), { properties: { 'urn:x p': '1' } });
      const written = rooms.content.written();
      const copied = await rooms.namespace.copyObject(rooms.who(bob), at('across/one'), at('one', theirs), { etag: 'md5' });
      expect(copied.info.etag).to.equal(source.info.etag);
      expect(copied.info.content?.domain).to.equal(theirs.domain);
      expect(rooms.content.written()).to.equal(written + 1);
      const tree = await rooms.namespace.copy(rooms.who(bob), at('across/'), at('tree/', theirs), { overwrite: false });
      expect(tree).to.include({ created: true, count: 3 });
      expect(await rooms.text(rooms.who(bob), theirs, 'tree/sub/two')).to.equal('second');
      const empty = await rooms.namespace.directory(rooms.who(bob), at('tree/empty/', theirs));
      expect(empty.properties).to.deep.equal({ 'urn:x p': '1' });
      const again = rooms.namespace.copy(rooms.who(bob), at('across/'), at('tree/', theirs), { overwrite: false });
      expect(await codeOf(again)).to.equal('already_exists');
      const one = rooms.namespace.copy(rooms.who(bob), at('across/one'), at('one', theirs), { overwrite: false });
      expect(await codeOf(one)).to.equal('already_exists');
      const moved = await rooms.namespace.move(rooms.who(bob), at('across/one'), at('moved', theirs), { overwrite: false });
      expect(moved.entry).to.include({ key: 'moved', size: 5 });
      expect(await codeOf(rooms.namespace.stat(as, at('across/one')))).to.equal('not_found');
    });

    it('refuses a folder into itself, and a folder onto an object', async () => {
      const copy = (from: string, to: string) => codeOf(rooms.namespace.copy(as, at(from), at(to), { overwrite: true }));
      expect(await copy('photos/', 'photos/below/')).to.equal('invalid_argument');
      expect(await copy('photos/', 'photos')).to.equal('invalid_argument');
    });

    it('refuses kinds of buckets that it cannot serve', async () => {
      const domain = home.domain;
      const linked = await rooms.metadata.buckets.create({ name: 'linked-one', owner: ann.id, domain, kind: 'linked' });
      expect(await codeOf(rooms.put(as, linked, 'x', 'y'))).to.equal('not_implemented');
      expect(await codeOf(rooms.namespace.get(as, at('x', linked)))).to.equal('not_implemented');
    });

    it('refuses keys that nobody can store', async () => {
      for (const key of ['', 'nul\0', 'x'.repeat(1025), '\ud800']) {
        expect(await codeOf(rooms.put(as, home, key, ''))).to.equal('invalid_key');
      }
    });

    it('tells the quota of the bucket by its owner', async () => {
      const carl = await rooms.user('carl', 'member');
      const bucket = await rooms.bucket(carl, 'carls-bucket');
      await rooms.metadata.principals.update(carl.id, { quotaBytes: 10 });
      await rooms.put(rooms.who(carl), bucket, 'six', '123456');
      expect(await rooms.namespace.quota(rooms.who(carl), bucket.id)).to.deep.equal({ used: 6, available: 4 });
      expect(await codeOf(rooms.put(rooms.who(carl), bucket, 'more', '123456'))).to.equal('quota_exceeded');
    });
  });
}
