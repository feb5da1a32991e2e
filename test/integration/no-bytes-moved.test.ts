import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import type { Principal } from '#core/principal';
import { bytesOf } from '#core/stream';
import { createDeltas } from '#namespace/deltas';
import { cutAsClient, sendMissing } from '../support/delta-client.ts';
import { onDisk } from '../support/disk-storage.ts';
import { SEED, seededRandom } from '../support/random.ts';
import { codeOf, openRooms, type TestRooms, until } from '../support/rooms.ts';

const MIB = 1 << 20;

describe(`what moves no bytes (seed ${SEED})`, () => {
  let rooms: TestRooms;
  let storage: Awaited<ReturnType<typeof onDisk>>;
  let ann: Principal;
  let bob: Principal;
  let bucket: Bucket;
  const random = seededRandom(SEED);
  before(async () => {
    rooms = await openRooms(async (metadata) => (storage = await onDisk(metadata)));
    ann = await rooms.user('ann', 'member');
    bob = await rooms.user('bob', 'member');
    bucket = await rooms.bucket(ann, 'of-ann');
  });
  after(() => rooms.close());

  const at = (key: string) => ({ bucket: bucket.id, key });
  async function written(work: () => Promise<unknown>): Promise<number> {
    const before = storage.written();
    await work();
    return storage.written() - before;
  }
  async function bytesAt(key: string): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of (await rooms.namespace.get(rooms.who(ann), at(key))).body()) parts.push(part);
    return Buffer.concat(parts);
  }

  it('copy, move and multipart-complete write nothing to the packs', async () => {
    const who = rooms.who(ann);
    const { namespace, uploads } = rooms;
    const [body, part] = [random(9 * MIB), random(6 * MIB)];
    await namespace.put(who, at('folder/big'), bytesOf(body), { etag: 'md5' });
    await namespace.put(who, at('folder/small'), bytesOf(body.subarray(0, 5000)), { etag: 'md5' });
    expect(await written(() => namespace.copyObject(who, at('folder/big'), at('copied'), { etag: 'md5' }))).to.equal(0);
    expect(await written(() => namespace.copy(who, at('folder/'), at('twin/'), { overwrite: false }))).to.equal(0);
    expect(await written(() => namespace.move(who, at('twin/'), at('moved/'), { overwrite: false }))).to.equal(0);
    expect(await written(() => namespace.move(who, at('copied'), at('renamed'), { overwrite: false }))).to.equal(0);
    const upload = await uploads.begin(who, at('joined'), { attributes: {} });
    const parts: { number: number; etag: string }[] = [];
    for (const number of [1, 2, 3]) {
      const { etag } = await uploads.writePart(who, at('joined'), upload.id, number, bytesOf(part), {});
      parts.push({ number, etag });
    }
    expect(await written(() => uploads.complete(who, at('joined'), upload.id, parts, {}))).to.equal(0);
    for (const key of ['moved/big', 'renamed']) expect((await bytesAt(key)).equals(body), key).to.equal(true);
    expect((await bytesAt('joined')).equals(Buffer.concat([part, part, part]))).to.equal(true);
    // And what writes is seen to.
    expect(await written(() => namespace.put(who, at('new'), bytesOf(random(2 * MIB)), { etag: 'md5' }))).to.be.above(2 * MIB);
  });

  it('an upload of what changed writes that, and becomes an object like any other', async () => {
    const { namespace, metadata, buckets, content } = rooms;
    const { delta, authorizer, random: chance } = { delta: storage.delta, ...rooms.shared() };
    const deltas = createDeltas({ ...metadata, content, buckets, authorizer, delta, clock: Date, random: chance });
    const who = rooms.who(ann);
    const body = random(12 * MIB);
    await namespace.put(who, at('synced'), bytesOf(body), { etag: 'opaque' });
    const changed = Buffer.concat([body.subarray(0, 7 * MIB), Buffer.from('changed'), body.subarray(7 * MIB)]);
    const secrets = await deltas.secrets(who, bucket.id);
    let sent = 0;
    const sync = async (bytes: Buffer) => {
      const upload = await deltas.begin(who, bucket.id);
      const cut = cutAsClient(bytes, secrets);
      sent = await sendMissing(upload, cut);
      const staged = await upload.commit(cut);
      const { info } = await deltas.put(who, at('synced'), staged, { etag: 'opaque', attributes: { contentType: 'a/b' } });
      expect(info.size).to.equal(bytes.length);
    };
    // A record has a header, and each of its segments a tag.
    const recordsOf = (bytes: number) => bytes * 1.01 + 4096;
    // What the client cuts otherwise than the store did, which cuts both ends more finely.
    expect(await written(() => sync(body))).to.be.within(sent, recordsOf(sent));
    // The place of the change. The cuts before it are the ones of before, and the last of them is at most one chunk away from it.
    const more = await written(() => sync(changed));
    expect(more).to.be.within(sent, recordsOf(sent));
    expect(sent).to.be.within(1, changed.length - 7 * MIB + secrets.cutting.max);
    const pieces = cutAsClient(changed, secrets);
    expect((await bytesAt('synced')).equals(changed)).to.equal(true);
    expect((await namespace.stat(who, at('synced'))).attributes.contentType).to.equal('a/b');

    // Refused, and nothing is held by what was refused.
    const refuse = async (options: object, to = at('synced')) => {
      const upload = await deltas.begin(who, bucket.id);
      return codeOf(deltas.put(who, to, await upload.commit(pieces), { etag: 'opaque', ...options }));
    };
    expect(await refuse({ etag: 'md5' })).to.equal('invalid_argument');
    expect(await refuse({ conditions: { ifNoneMatch: '*' } })).to.equal('precondition_failed');
    await metadata.authority.setGrant({ subject: { kind: 'user', id: bob.id }, bucket: bucket.id, prefix: '', role: 'editor' });
    await until(async () => (await codeOf(rooms.namespace.stat(rooms.who(bob), at('absent')))) === 'not_found');
    for (const call of [() => deltas.secrets(rooms.who(bob), bucket.id), () => deltas.begin(rooms.who(bob), bucket.id)]) {
      expect(await codeOf(call())).to.equal('access_denied');
    }
    const bobs = await rooms.bucket(bob, 'of-bob');
    const upload = await deltas.begin(who, bucket.id);
    await metadata.authority.setGrant({ subject: { kind: 'user', id: ann.id }, bucket: bobs.id, prefix: '', role: 'editor' });
    await until(async () => (await codeOf(rooms.namespace.stat(who, { bucket: bobs.id, key: 'absent' }))) === 'not_found');
    const staged = await upload.commit(pieces);
    expect(await codeOf(deltas.put(who, { bucket: bobs.id, key: 'x' }, staged, { etag: 'opaque' }))).to.equal('invalid_argument');
    const gateway = await metadata.instance.register({ host: 'here', pid: 1, version: '0' });
    await metadata.instance.heartbeat(gateway);
    expect(await rooms.sql('SELECT oldest_lease_turn FROM gateways WHERE id = $1', [gateway])).to.deep.equal([[null]]);
    const holding = await deltas.begin(who, bucket.id);
    await metadata.instance.heartbeat(gateway);
    expect((await rooms.sql('SELECT oldest_lease_turn FROM gateways WHERE id = $1', [gateway]))[0]?.[0]).to.not.equal(null);
    holding.end();
  });
});
