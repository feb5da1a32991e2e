import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Bucket, Versioning } from '#core/bucket';
import type { Who } from '#core/principal';
import { address, type MetadataRig, openMetadataRig, putIntent } from '../../support/metadata-rig.ts';

const DAY_MS = 24 * 3600 * 1000;

describe('expiry', () => {
  let rig: MetadataRig;
  type Home = Bucket & { who: Who };
  before(async () => {
    rig = await openMetadataRig('two gateways');
  });
  after(() => rig.close());

  const expiry = () => rig.gateways[0]!.expiry;
  const remove = (home: Home, key: string) =>
    rig.store.commit({ kind: 'remove', who: home.who, bucket: home.id, key, versionId: randomBytes(16).toString('hex') });
  async function written(versioning: Versioning): Promise<Home> {
    const home = await rig.bucket({ versioning });
    for (const size of [10, 20, 30]) await rig.store.commit(putIntent(home, 'overwritten', { size }));
    await rig.store.commit(putIntent(home, 'deleted', { size: 40 }));
    await remove(home, 'deleted');
    return home;
  }
  const left = async (home: Home) => {
    const rows = await rig.database.sql(
      `SELECT s.key, count(v.id)::int FROM slots s LEFT JOIN versions v ON v.slot_id = s.id WHERE s.bucket_id = $1 GROUP BY 1 ORDER BY 1`,
      [home.id],
    );
    return Object.fromEntries(rows as [string, number][]);
  };
  const age = (home: Home, ms: number) =>
    rig.database.sql(
      'UPDATE versions SET superseded_ms = superseded_ms - $2 WHERE slot_id IN (SELECT id FROM slots WHERE bucket_id = $1)',
      [home.id, ms],
    );
  const dropLink = (home: Home) => ({
    maker: home.who.principal!.id,
    at: { bucket: home.id, key: 'in/' },
    tokenHash: randomBytes(32),
    sealedToken: Buffer.alloc(1),
    passwordHash: null,
    mode: 'drop' as const,
    label: null,
    expires: null,
    downloadsMax: null,
    bytesMax: 1000,
    filesMax: 10,
    disabled: false,
    networks: null,
  });
  async function all(olderMs: number, bytesMax?: number): Promise<number> {
    let count = 0;
    for (;;) {
      const step = await expiry().history(olderMs, bytesMax);
      count += step.count;
      if (step.count === 0 || bytesMax !== undefined) return count;
    }
  }

  it('drops removed buckets past their own retention, else the usual one; and when the disk is short, whichever went first', async () => {
    const homes = await Promise.all([0, 1, 2, 3].map(() => written('enabled')));
    const [usual, longer, endless, young] = homes as [Home, Home, Home, Home];
    const { buckets } = rig.gateways[0]!;
    await buckets.update(longer.id, { config: { retention: { days: 5 } } });
    await buckets.update(endless.id, { config: { retention: { days: null } } });
    for (const { id } of homes) await buckets.remove(id, { force: true });
    const old = [usual, longer, endless].map(({ id }) => id);
    await rig.database.sql('UPDATE buckets SET removed_ms = removed_ms - $2 WHERE id = ANY($1::int[])', [old, 3 * DAY_MS]);
    const there = async () => (await buckets.removed()).map(({ id }) => id);
    expect(await expiry().buckets(1)).to.deep.equal({ count: 1, bytes: 30 });
    expect(await expiry().buckets(1)).to.deep.equal({ count: 0, bytes: 0 });
    expect(await there()).to.have.members([longer, endless, young].map(({ id }) => id));
    expect(await left(usual)).to.deep.equal({});
    expect(await left(longer)).to.deep.equal({ overwritten: 3, deleted: 2 });
    await expiry().buckets(null);
    await expiry().buckets(null);
    expect(await there()).to.deep.equal([young.id]);
    await buckets.drop(young.id);
  });

  it('drops hidden history past its retention, and the name when nothing is left under it', async () => {
    const home = await written('off');
    expect(await left(home)).to.deep.equal({ overwritten: 3, deleted: 1 });
    expect(await all(DAY_MS)).to.equal(0);
    await age(home, 2 * DAY_MS);
    const usage = await rig.gateways[0]!.buckets.usage(home.id);
    expect(await all(DAY_MS)).to.equal(3);
    expect(await left(home)).to.deep.equal({ overwritten: 1 });
    expect(await rig.store.current(address(home, 'overwritten'))).to.include({ size: 30 });
    expect(await rig.gateways[0]!.buckets.usage(home.id)).to.deep.equal(usage);
    await rig.store.commit(putIntent(home, 'deleted', { size: 4 }));
    expect(await rig.store.current(address(home, 'deleted'))).to.include({ size: 4 });
  });

  it('gives a link the room back that an upload by it had taken, and that of no other', async () => {
    const home = await rig.bucket();
    const { links, resumables } = rig.gateways[0]!;
    const { id } = await links.create(dropLink(home));
    expect(await links.takeRoom(id, 700, 3)).to.equal(true);
    await links.keepRoom(id, 700, 3);
    for (const [key, taken] of [
      ['in/old', `${id} 300`],
      ['in/older', `${id} 200`],
      ['in/new', `${id} 200`],
      ['own', null],
    ] as const) {
      const upload = await resumables.create({
        bucket: home.id,
        key,
        principal: home.who.principal!.id,
        attributes: taken === null ? {} : { extra: { 'upload.link': taken } },
        kind: 'whole',
        length: 300,
        conditions: {},
        metadata: '',
        concat: null,
      });
      if (key !== 'in/new')
        await rig.database.sql(`UPDATE uploads SET created_ms = created_ms - $2 WHERE id = decode($1, 'hex')`, [
          upload.id,
          9 * DAY_MS,
        ]);
    }
    expect(await expiry().uploads(7 * DAY_MS)).to.deep.equal({ count: 3 });
    expect(await links.find(id)).to.include({ bytes: 200, files: 1 });
    expect(await expiry().uploads(7 * DAY_MS)).to.deep.equal({ count: 0 });
    expect(await links.find(id)).to.include({ bytes: 200, files: 1 });
    await rig.store.commit(putIntent(home, 'kept'));
    await rig.gateways[0]!.buckets.remove(home.id, { force: true });
    await rig.gateways[0]!.buckets.restore(home.id);
    expect(await links.find(id), 'its bucket was removed, with what was on its way').to.include({ bytes: 0, files: 0 });
  });

  it('gives a link the room back that a gateway had taken for what was on its way when it died, and no other room', async () => {
    const home = await written('off');
    const { links } = rig.gateways[0]!;
    const { id } = await links.create(dropLink(home));
    await expiry().rooms();
    const [one, other] = rig.gateways;
    for (const [n, gateway] of [one!, other!].entries()) await gateway.instance.register({ host: 'rooms', pid: n, version: '1' });
    expect(await links.takeRoom(id, 500, 2)).to.equal(true);
    await links.keepRoom(id, 300, 1);
    expect(await other!.links.takeRoom(id, 400, 1)).to.equal(true);
    expect(await links.takeRoom(id, 200, 1)).to.equal(false);
    expect(await expiry().rooms()).to.deep.equal({ count: 0 });
    await rig.database.sql('UPDATE gateways SET seen_ms = 0 WHERE host = $1 AND pid = 1', ['rooms']);
    expect(await expiry().rooms()).to.deep.equal({ count: 1 });
    expect(await links.find(id)).to.include({ bytes: 500, files: 2 });
    await links.giveBack(id, 200, 1);
    expect(await links.find(id)).to.include({ bytes: 300, files: 1 });
    expect(await rig.database.sql('SELECT bytes, files FROM link_rooms WHERE link_id = $1', [id])).to.deep.equal([['0', 0]]);
  });

  it('never drops what S3 shows', async () => {
    const home = await written('enabled');
    const before = await left(home);
    await age(home, 99 * DAY_MS);
    expect(await all(DAY_MS)).to.equal(0);
    expect(await left(home)).to.deep.equal(before);
  });

  it('never drops what is locked or under legal hold', async () => {
    const home = await written('off');
    await age(home, 99 * DAY_MS);
    const slots = 'slot_id IN (SELECT id FROM slots WHERE bucket_id = $1)';
    await rig.database.sql(`UPDATE versions SET legal_hold = true WHERE size = 10 AND ${slots}`, [home.id]);
    await rig.database.sql(`UPDATE versions SET retain_until_ms = $2 WHERE size = 20 AND ${slots}`, [
      home.id,
      Date.now() + DAY_MS,
    ]);
    expect(await all(DAY_MS)).to.equal(1);
    expect(await left(home)).to.deep.equal({ overwritten: 3 });
    await rig.database.sql(`UPDATE versions SET legal_hold = false, retain_until_ms = 1 WHERE ${slots}`, [home.id]);
    expect(await all(DAY_MS)).to.equal(2);
  });

  it('drops the oldest first, and no more than is asked for', async () => {
    const home = await written('off');
    const times =
      'SET superseded_ms = 1000 + size WHERE superseded_ms IS NOT NULL AND slot_id IN (SELECT id FROM slots WHERE bucket_id = $1)';
    await rig.database.sql(`UPDATE versions ${times}`, [home.id]);
    expect(await all(0, 25)).to.equal(2);
    const rows = await rig.database.sql(
      `SELECT v.size::int FROM versions v JOIN slots s ON s.id = v.slot_id WHERE s.bucket_id = $1 ORDER BY 1`,
      [home.id],
    );
    expect(rows.flat()).to.deep.equal([30, 40]);
  });

  it('drops lists of versions that have gone, once their version would have come', async () => {
    const home = await rig.bucket();
    const authority = rig.gateways[0]!.authority;
    const idOf = (ms: number): string => ms.toString(16).padStart(12, '0') + randomBytes(10).toString('hex');
    const acl = JSON.stringify({ owner: home.owner, grants: [] });
    const [kept, gone, young] = [idOf(Date.now() - 9 * DAY_MS), idOf(Date.now() - 9 * DAY_MS), idOf(Date.now())];
    await rig.store.commit(putIntent(home, 'with a list', { versionId: kept }));
    for (const id of [kept, gone, young]) await authority.setNewObjectAcl(id, acl);
    const lists = async () => {
      const rows = await rig.database.sql(`SELECT encode(version_id, 'hex') FROM object_acls ORDER BY 1`);
      return rows.flat();
    };
    expect(await expiry().lists(2 * DAY_MS)).to.deep.equal({ count: 1 });
    expect(await lists()).to.have.members([kept, young]);
    expect(await expiry().lists(2 * DAY_MS)).to.deep.equal({ count: 0 });
  });

  it('does not get in the way of commits on the same names', async () => {
    const home = await written('off');
    await age(home, 2 * DAY_MS);
    const commits = Array.from({ length: 40 }, (_, n) =>
      rig.store.commit(putIntent(home, n % 2 ? 'deleted' : 'overwritten', { size: n })),
    );
    await Promise.all([...commits, all(DAY_MS), all(0), all(0)]);
    const { objects } = await rig.gateways[0]!.buckets.usage(home.id);
    expect(objects).to.equal(2);
    expect(await rig.store.current(address(home, 'overwritten'))).to.include({ size: 38 });
    expect(await rig.store.current(address(home, 'deleted'))).to.include({ size: 39 });
  });

  it('forgets uploads that nobody goes on with, and completed ones after a day', async () => {
    const home = await rig.bucket();
    const { uploads } = rig.gateways[0]!;
    const begin = async (key: string) =>
      (await uploads.create({ bucket: home.id, key, principal: home.owner, attributes: {} })).id;
    const content = { kind: 'inline' as const, domain: home.domain, size: 1, sealed: Buffer.from('x') };
    const part = { number: 1, size: 1, etag: 'ab'.repeat(16), content, digests: {}, modified: Date.now() };
    const [idle, active, fresh, done] = [await begin('idle'), await begin('active'), await begin('fresh'), await begin('done')];
    for (const id of [idle, active, done]) await uploads.putPart(id, part, [], []);
    await rig.store.commit(putIntent(home, 'done', { completesUpload: done }));
    const old = Date.now() - 8 * DAY_MS;
    for (const key of ['idle', 'active', 'done'])
      await rig.database.sql(
        'UPDATE uploads SET created_ms = $2::bigint, completed_ms = CASE WHEN completed_ms IS NOT NULL THEN $2::bigint END WHERE key = $1',
        [key, old],
      );
    await rig.database.sql(`UPDATE parts SET modified_ms = $1 WHERE upload_id = decode($2, 'hex')`, [old, idle]);
    expect(await expiry().uploads(7 * DAY_MS)).to.deep.equal({ count: 2 });
    expect(await expiry().uploads(7 * DAY_MS)).to.deep.equal({ count: 0 });
    expect(await uploads.find(home.id, 'idle', idle)).to.equal(null);
    for (const [key, id] of [
      ['active', active],
      ['fresh', fresh],
    ] as const)
      expect(await uploads.find(home.id, key, id)).to.not.equal(null);
    expect(await rig.database.sql(`SELECT count(*)::int FROM parts WHERE upload_id = decode($1, 'hex')`, [idle])).to.deep.equal([
      [0],
    ]);
  });
});
