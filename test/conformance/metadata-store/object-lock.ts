import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import type { Retention, RetentionMode } from '#core/retention';
import { address as at, type MetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { codeOf } from '../../support/rooms.ts';

const DAY_MS = 24 * 3600 * 1000;

/** Retention and legal hold (S3's object lock), decided in the commit, and held by the rows themselves against whatever else removes them. */
export function describeObjectLock(rigOf: () => MetadataRig): void {
  describe('object lock', () => {
    let rig: MetadataRig;
    let home: Bucket & { who: Who };
    before(() => {
      rig = rigOf();
    });
    const fresh = async () => {
      home = await rig.bucket({ versioning: 'enabled', objectLock: true });
    };
    const put = async (key: string, more = {}) => (await rig.store.commit(putIntent(home, key, more))).info;
    const remove = (key: string, version: string, bypassGovernance?: boolean) =>
      rig.store.commit({
        kind: 'remove',
        who: home.who,
        bucket: home.id,
        key,
        versionId: randomBytes(16).toString('hex'),
        version,
        ...(bypassGovernance === undefined ? {} : { bypassGovernance }),
      });
    const lock = (
      key: string,
      more: { retention?: Retention | null; legalHold?: boolean; version?: string; bypassGovernance?: boolean },
    ) => rig.store.commit({ kind: 'lock', who: home.who, bucket: home.id, key, ...more });
    const until = (mode: RetentionMode, ms = DAY_MS): Retention => ({ mode, until: Math.max(rig.clock.now(), Date.now()) + ms });
    const lockOf = async (key: string, version: string) => (await rig.store.version(at(home, key), version))?.lock;

    it('keeps a version under compliance from everybody, also who bypasses governance', async () => {
      await fresh();
      const retention = until('compliance');
      const { versionId } = await put('a', { lock: { retention } });
      expect(await lockOf('a', versionId)).to.deep.equal({ retention, legalHold: false });
      expect(await codeOf(remove('a', versionId))).to.equal('object_locked');
      expect(await codeOf(remove('a', versionId, true))).to.equal('object_locked');
      for (const less of [null, until('governance', 2 * DAY_MS), until('compliance', DAY_MS - 1000)])
        expect(await codeOf(lock('a', { retention: less, bypassGovernance: true }))).to.equal('object_locked');
      const longer = until('compliance', 2 * DAY_MS);
      expect((await lock('a', { retention: longer })).lock).to.deep.equal({ retention: longer, legalHold: false });
      expect(await rig.store.current(at(home, 'a'))).to.include({ versionId });
    });

    it('lets who may bypass governance shorten, lift and remove, and nobody else', async () => {
      await fresh();
      const { versionId } = await put('a', { lock: { retention: until('governance') } });
      expect(await codeOf(remove('a', versionId))).to.equal('object_locked');
      expect(await codeOf(lock('a', { retention: null }))).to.equal('object_locked');
      expect(await codeOf(lock('a', { retention: until('compliance') }))).to.equal('object_locked');
      await lock('a', { retention: until('governance', 2 * DAY_MS) });
      await lock('a', { retention: until('governance', DAY_MS / 2), bypassGovernance: true });
      expect(await remove('a', versionId, true)).to.include({ existed: true });
      const other = await put('a', { lock: { retention: until('governance') } });
      await lock('a', { retention: null, bypassGovernance: true });
      expect(await remove('a', other.versionId)).to.include({ existed: true });
    });

    it('keeps a version under legal hold until it is taken away, whatever its retention', async () => {
      await fresh();
      const { versionId } = await put('a', { lock: { legalHold: true, retention: until('governance') } });
      expect(await codeOf(remove('a', versionId, true))).to.equal('object_locked');
      await lock('a', { version: versionId, legalHold: false });
      expect(await lockOf('a', versionId)).to.deep.include({ legalHold: false });
      expect(await remove('a', versionId, true)).to.include({ existed: true });
    });

    it('is given for what will be once its upload is complete, also where it is over by then', async () => {
      await fresh();
      const upload = await rig.gateways[0]!.uploads.create({ bucket: home.id, key: 'a', principal: home.owner, attributes: {} });
      const retention: Retention = { mode: 'compliance', until: Math.min(rig.clock.now(), Date.now()) - 1000 };
      expect(await codeOf(put('a', { lock: { retention } }))).to.equal('invalid_argument');
      const { versionId } = await put('a', { lock: { retention }, completesUpload: upload.id });
      expect(await lockOf('a', versionId)).to.deep.equal({ retention, legalHold: false });
      expect(await remove('a', versionId)).to.include({ existed: true });
    });

    it('ends by its time, on its own', async () => {
      await fresh();
      const { versionId } = await put('a', { lock: { retention: until('governance') } });
      expect(await codeOf(remove('a', versionId))).to.equal('object_locked');
      await rig.database.sql(`UPDATE versions SET retain_until_ms = $1 WHERE id = decode($2, 'hex')`, [
        Math.min(rig.clock.now(), Date.now()) - 1000,
        versionId,
      ]);
      await lock('a', { retention: null });
      await lock('a', { retention: until('compliance') });
      const { versionId: other } = await put('b', { lock: { retention: until('governance') } });
      await rig.database.sql(`UPDATE versions SET retain_until_ms = $1 WHERE id = decode($2, 'hex')`, [
        Math.min(rig.clock.now(), Date.now()) - 1000,
        other,
      ]);
      expect(await remove('b', other)).to.include({ existed: true });
    });

    it('frees nothing early for a gateway whose clock is ahead', async () => {
      await fresh();
      const { versionId } = await put('a', { lock: { retention: until('compliance') } });
      rig.clock.advance(3 * DAY_MS);
      try {
        expect(await codeOf(remove('a', versionId))).to.equal('object_locked');
        expect(await codeOf(lock('a', { retention: null }))).to.equal('object_locked');
      } finally {
        rig.clock.advance(-3 * DAY_MS);
      }
    });

    it('begins no lock earlier than what was committed before, for a clock that went back', async () => {
      await fresh();
      await rig.gateways[0]!.buckets.update(home.id, { config: { objectLock: { mode: 'compliance', days: 1 } } });
      const before = await put('a');
      rig.clock.advance(-30 * DAY_MS);
      try {
        const after = await put('b');
        const ends = async (key: string, version: string) => (await lockOf(key, version))?.retention?.until ?? 0;
        expect(await ends('b', after.versionId)).to.be.at.least(await ends('a', before.versionId));
      } finally {
        rig.clock.advance(30 * DAY_MS);
      }
    });

    it('gives what says nothing the default of its bucket, by every way in which a version comes', async () => {
      await fresh();
      await rig.gateways[0]!.buckets.update(home.id, { config: { objectLock: { mode: 'governance', days: 2 } } });
      await put('d/put');
      await rig.store.copy({ who: home.who, from: at(home, 'd/'), to: at(home, 'e/'), overwrite: false });
      await rig.store.move({ who: home.who, from: at(home, 'd/put'), to: at(home, 'd/moved'), overwrite: false });
      for (const key of ['e/put', 'd/moved']) {
        const { versionId } = (await rig.store.current(at(home, key)))!;
        const found = await lockOf(key, versionId);
        expect(found?.retention?.mode, key).to.equal('governance');
        expect(found?.retention?.until, key).to.be.at.least(rig.clock.now() + 2 * DAY_MS);
      }
      const own = until('compliance', 5 * DAY_MS);
      const { versionId } = await put('own', { lock: { retention: own } });
      expect((await lockOf('own', versionId))?.retention).to.deep.equal(own);
    });

    it('lets be overwritten and deleted what is locked, and keeps it below', async () => {
      await fresh();
      const { versionId } = await put('t/a', { lock: { retention: until('compliance') } });
      await put('t/a');
      await rig.store.removeTree({ who: home.who, bucket: home.id, key: 't/' });
      expect(await rig.store.current(at(home, 't/a'))).to.equal(null);
      expect(await rig.store.version(at(home, 't/a'), versionId)).to.include({ visibility: 'id' });
      expect(await codeOf(remove('t/a', versionId))).to.equal('object_locked');
    });

    it('is refused where the bucket has none, and stays with its versions where it has', async () => {
      home = await rig.bucket({ versioning: 'enabled' });
      expect(await codeOf(put('a', { lock: { legalHold: true } }))).to.equal('invalid_argument');
      await put('a');
      expect(await codeOf(lock('a', { legalHold: true }))).to.equal('invalid_argument');
      const { buckets } = rig.gateways[0]!;
      await buckets.update(home.id, { objectLock: true });
      expect(await codeOf(buckets.update(home.id, { versioning: 'suspended' }))).to.equal('conflict');
      expect(await codeOf(buckets.update(home.id, { objectLock: false }))).to.equal('conflict');
      const off = await rig.bucket();
      expect(await codeOf(buckets.update(off.id, { objectLock: true }))).to.equal('conflict');
      await lock('a', { legalHold: true });
      expect(await codeOf(lock('nothing', { legalHold: true }))).to.equal('not_found');
      expect(await codeOf(lock('a', { version: 'ab'.repeat(16), legalHold: true }))).to.equal('version_not_found');
      expect(await codeOf(put('b', { lock: { retention: { mode: 'governance', until: 5 } } }))).to.equal('invalid_argument');
    });

    it('outlives the bucket by force, and any statement', async () => {
      await fresh();
      const { versionId } = await put('a', { lock: { retention: until('compliance') } });
      expect(await codeOf(rig.gateways[0]!.buckets.remove(home.id, { force: true }))).to.equal('object_locked');
      expect(await rig.store.current(at(home, 'a'))).to.include({ versionId });
      const held = `id = decode('${versionId}', 'hex')`;
      for (const statement of [
        `DELETE FROM versions WHERE ${held}`,
        `UPDATE versions SET retain_until_ms = 1 WHERE ${held}`,
        `UPDATE versions SET retention_mode = 'governance' WHERE ${held}`,
      ])
        expect(await codeOf(rig.database.sql(statement)), statement).to.equal('CS005');
    });
  });
}
