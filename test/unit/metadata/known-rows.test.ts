import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { PutVerdict, RemoveIntent, RemoveVerdict } from '#contracts/metadata-store';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import { type Metadata, openMetadata } from '#metadata/open';
import { quiet } from '../../support/database.ts';
import { type LossyWire, lossyWire } from '../../support/lossy-wire.ts';
import { accountsOf } from '../../support/metadata-accounts.ts';
import { address, type MetadataRig, openMetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { codeOf } from '../../support/rooms.ts';

/** A gateway that is alone, as far as it knows, removes and overwrites what it wrote; another, of which it knows nothing, comes in between. */
describe('commits on rows that are remembered', () => {
  let rig: MetadataRig;
  let wire: LossyWire;
  let alone: Metadata;
  let other: Metadata;
  let home: Bucket & { who: Who };
  let elsewhere: Bucket & { who: Who };
  let reads = 0;
  let applies = 0;

  before(async () => {
    rig = await openMetadataRig('two gateways');
    [other] = rig.gateways as [Metadata];
    wire = await lossyWire(rig.database.connection);
    wire.passage = (message) => {
      if (message.includes('commit-read')) reads++;
      if (message.includes('commit-apply')) applies++;
      return 'through';
    };
    alone = await openMetadata({
      connection: wire.connection,
      clock: rig.clock,
      random: randomBytes,
      log: quiet,
      soleOwner: true,
    });
    elsewhere = await rig.bucket();
  });
  after(async () => {
    await alone?.close();
    await wire?.close();
    await rig?.close();
  });
  beforeEach(async () => {
    home = await rig.bucket();
    for (const key of ['a/1', 'a/2', 'a/3']) await put(key, { size: 10 });
    await calm();
    [reads, applies] = [0, 0];
  });
  afterEach(async () => {
    const { kept, counted } = await accountsOf(rig.database, home);
    expect(kept).to.deep.equal(counted);
    await expectFoldersKnown();
  });

  const put = (key: string, more = {}): Promise<PutVerdict> => alone.store.commit(putIntent(home, key, more));
  const removal = (key: string, more: Partial<RemoveIntent> = {}): RemoveIntent => ({
    ...{ kind: 'remove', who: home.who, bucket: home.id, key, versionId: randomBytes(16).toString('hex') },
    ...more,
  });
  const remove = (key: string, more: Partial<RemoveIntent> = {}): Promise<RemoveVerdict> =>
    alone.store.commit(removal(key, more));
  /** After it was wrong, or came second, it reads for a while. */
  async function calm(): Promise<void> {
    do {
      reads = 0;
      await alone.store.commit(putIntent(elsewhere, 'x'));
    } while (reads > 0);
  }
  /** Behind the back of a gateway that goes by its memory. */
  async function behind<T>(change: () => Promise<T>): Promise<T> {
    await calm();
    return change();
  }
  const foreign = {
    put: (key: string, more = {}) => behind(() => other.store.commit(putIntent(home, key, more))),
    remove: (key: string) => behind(() => other.store.commit(removal(key))),
  };
  const used = async () => {
    const { objects, bytes, historyVersions, historyBytes } = (await accountsOf(rig.database, home)).kept;
    return [objects, bytes, historyVersions, historyBytes];
  };
  const events = async () => {
    const { epoch } = await other.journal.head(home.id);
    const all = await other.journal.since(home.id, { epoch, seq: 0 }, 1000);
    expect(all.map(({ cursor }) => cursor.seq)).to.deep.equal(all.map((_, n) => n + 1));
    return all.slice(3).map(({ kind, key }) => `${kind} ${key}`);
  };
  async function expectFoldersKnown(): Promise<void> {
    for (const path of ['', 'a/']) {
      const known = alone.store.peekDirectory(address(home, path));
      if (known != null) expect(known, path).to.deep.equal(await other.store.directory(address(home, path)));
    }
  }

  it('are one round trip each: a removal, an overwrite, a file in the place of a removed one', async () => {
    expect(await remove('a/1')).to.deep.equal({ existed: true, deleteMarker: false, versionId: null });
    const { created, info } = await put('a/2', { size: 4 });
    expect([created, (await put('a/1', { size: 5 })).created, (await remove('a/1')).existed]).to.deep.equal([false, true, true]);
    expect([reads, applies]).to.deep.equal([0, 4]);
    expect(await other.store.current(address(home, 'a/1'))).to.equal(null);
    const current = await other.store.current(address(home, 'a/2'));
    expect({ ...info, content: current?.content }).to.deep.equal(current);
    expect(await used()).to.deep.equal([2, 14, 3, 25]);
    expect(await events()).to.deep.equal(['remove a/1', 'put a/2', 'put a/1', 'remove a/1']);
  });

  it('are one batch for many at once, in the order in which they came', async () => {
    const first = put('b');
    const verdicts = await Promise.all([
      remove('a/1'),
      remove('a/1'),
      put('a/1', { size: 7 }),
      remove('a/2'),
      put('a/4'),
      remove('a/4'),
    ]);
    await first;
    expect(verdicts.map((one) => ('existed' in one ? one.existed : one.created))).to.deep.equal([
      true,
      false,
      true,
      true,
      true,
      true,
    ]);
    expect(reads).to.equal(0);
    expect(await events()).to.have.ordered.members(['put b', 'remove a/1', 'put a/1', 'remove a/2', 'put a/4', 'remove a/4']);
    expect(await used()).to.deep.equal([3, 20, 3, 23]);
  });

  it('know how an overwrite went on: times, node, properties', async () => {
    const before = await other.store.current(address(home, 'a/1'));
    await alone.store.commit({ kind: 'annotate', who: home.who, ...address(home, 'a/1'), properties: { 'urn:x p': '1' } });
    reads = 0;
    rig.clock.advance(5);
    await put('a/1');
    const { nodeId, created, properties, modified } = (await other.store.current(address(home, 'a/1')))!;
    expect([nodeId, created, properties]).to.deep.equal([before?.nodeId, before?.created, { 'urn:x p': '1' }]);
    expect(modified).to.equal(rig.clock.now());
    await remove('a/1');
    await put('a/1');
    const anew = (await other.store.current(address(home, 'a/1')))!;
    expect([anew.nodeId === nodeId, anew.properties, anew.created]).to.deep.equal([false, null, rig.clock.now()]);
    expect(reads).to.equal(0);
  });

  it('find what another has overwritten meanwhile, and give back what that took', async () => {
    await foreign.put('a/1', { size: 90 });
    expect((await remove('a/1')).existed).to.equal(true);
    expect(await used()).to.deep.equal([2, 20, 2, 100]);
    await foreign.put('a/2', { size: 40 });
    expect((await put('a/2', { size: 1 })).created).to.equal(false);
    expect(await used()).to.deep.equal([2, 11, 4, 150]);
  });

  it('find what another has removed meanwhile', async () => {
    await foreign.remove('a/1');
    expect((await remove('a/1')).existed).to.equal(false);
    await foreign.remove('a/2');
    expect((await put('a/2')).created).to.equal(true);
    expect(await events()).to.deep.equal(['remove a/1', 'remove a/2', 'put a/2']);
    await remove('a/3');
    await foreign.put('a/3');
    expect((await remove('a/3')).existed).to.equal(true);
  });

  it('find what another has done to a row without a word, and its name gone', async () => {
    await rig.database.sql(`UPDATE slots SET version_id = decode($2, 'hex') WHERE bucket_id = $1 AND key = 'a/1'`, [
      home.id,
      '00'.repeat(16),
    ]);
    await rig.database.sql(
      `UPDATE versions v SET id = decode($2, 'hex') FROM slots s WHERE s.id = v.slot_id AND s.bucket_id = $1 AND s.key = 'a/1'`,
      [home.id, '00'.repeat(16)],
    );
    expect((await remove('a/1')).existed).to.equal(true);
    expect(await other.store.version(address(home, 'a/1'), 'null')).to.equal(null);
    await calm();
    await put('a/2', { size: 10 });
    await remove('a/2');
    await rig.database.sql(`DELETE FROM versions v USING slots s WHERE s.id = v.slot_id AND s.bucket_id = $1 AND s.key = 'a/2'`, [
      home.id,
    ]);
    await rig.database.sql(`DELETE FROM slots WHERE bucket_id = $1 AND key = 'a/2'`, [home.id]);
    await rig.database.sql('UPDATE bucket_heads SET history_versions = 1, history_bytes = 10 WHERE bucket_id = $1', [home.id]);
    expect((await put('a/2')).created).to.equal(true);
    expect(await other.store.current(address(home, 'a/2'))).to.not.equal(null);
  });

  for (const taker of ['itself', 'another'] as const) {
    it(`heed a lock that was taken by ${taker}, on the file and on its folder`, async () => {
      const { locks } = taker === 'itself' ? alone : other;
      const wanted = { principal: home.owner, exclusive: true, infinite: false, ownerXml: null, timeoutMs: 60_000 };
      const lock = await behind(() => locks.acquire({ ...wanted, at: address(home, 'a/1') }));
      expect([await codeOf(remove('a/1')), await codeOf(put('a/1'))]).to.deep.equal(['locked', 'locked']);
      expect((await remove('a/2')).existed).to.equal(true);
      expect((await remove('a/1', { lockTokens: [lock.token] })).existed).to.equal(true);
      expect(await other.locks.covering(home.id, ['a/1'])).to.deep.equal([]);
      await behind(() => locks.acquire({ ...wanted, at: address(home, 'a') }));
      expect(await codeOf(remove('a/3'))).to.equal('locked');
      expect((await put('a/3')).created).to.equal(false);
    });
  }

  it('write a marker where versions are kept since', async () => {
    await behind(() => other.buckets.update(home.id, { versioning: 'enabled' }));
    const verdict = await remove('a/1');
    expect([verdict.existed, verdict.deleteMarker]).to.deep.equal([true, true]);
    await put('a/2');
    const versions = await other.store.version(address(home, 'a/2'), 'null');
    expect([versions?.isLatest, versions?.size]).to.deep.equal([false, 10]);
    expect((await remove('a/2')).deleteMarker).to.equal(true);
    expect((await put('a/2')).created).to.equal(true);
  });

  it('keep conditions', async () => {
    const { etag } = (await put('a/1')).info;
    expect(await codeOf(remove('a/1', { conditions: { ifMatch: ['other'] } }))).to.equal('precondition_failed');
    expect(await codeOf(put('a/1', { conditions: { ifNoneMatch: '*' } }))).to.equal('precondition_failed');
    expect(await codeOf(put('a/1', { conditions: { ifMatch: ['other'] } }))).to.equal('precondition_failed');
    reads = 0;
    await put('a/1', { conditions: { ifMatch: [etag] } });
    expect(reads).to.equal(0);
    await foreign.put('a/2');
    const remembered = { ifSize: 10 };
    expect(await codeOf(remove('a/2', { conditions: remembered }))).to.equal('precondition_failed');
    expect((await remove('a/3', { conditions: remembered, mustExist: true })).existed).to.equal(true);
    expect(await codeOf(remove('a/3', { mustExist: true }))).to.equal('not_found');
  });

  it('hold quotas that were set meanwhile, and give back what is overwritten or removed', async () => {
    await other.principals.update(home.owner, { quotaBytes: 40 });
    expect(await codeOf(put('a/1', { size: 30 }))).to.equal('quota_exceeded');
    await calm();
    await put('a/1', { size: 20 });
    expect(await codeOf(put('a/2', { size: 11 }))).to.equal('quota_exceeded');
    await remove('a/1');
    await put('a/2', { size: 30 });
    expect(await used()).to.deep.equal([2, 40, 3, 40]);
    await behind(() => other.buckets.update(home.id, { quota: { bytes: 40, objects: 2 } }));
    expect([await codeOf(put('a/2', { size: 31 })), await codeOf(put('a/1', { size: 0 }))]).to.deep.equal([
      'quota_exceeded',
      'quota_exceeded',
    ]);
    await other.buckets.update(home.id, { quota: { bytes: null, objects: null } });
    expect(await codeOf(put('a/2', { size: 31 }))).to.equal('quota_exceeded');
    await calm();
    await put('a/2', { size: 29 });
    await calm();
    await other.principals.update(home.owner, { quotaBytes: null });
    await put('a/2', { size: 31 });
  });

  it('leave the folder where it is to stay, and it goes with its last file where it is not', async () => {
    expect((await remove('a/1', { keepParent: true })).existed).to.equal(true);
    expect((await remove('a/2')).existed).to.equal(true);
    expect(reads).to.equal(0);
    expect(alone.store.peekDirectory(address(home, 'a/'))).to.not.equal(undefined);
    await remove('a/3', { keepParent: true });
    expect((await other.store.directory(address(home, 'a/')))?.explicit).to.equal(true);
    for (const key of ['b/1', 'b/2']) await put(key);
    await Promise.all([remove('b/1', { keepParent: true }), remove('b/2', { keepParent: true })]);
    expect((await other.store.directory(address(home, 'b/')))?.explicit).to.equal(true);
    for (const key of ['c/1', 'c/2', 'c/3']) await put(key);
    for (const key of ['c/1', 'c/2', 'c/3']) await remove(key);
    expect(await other.store.directory(address(home, 'c/'))).to.equal(null);
    await put('c/4', { size: 8 });
    expect((await other.store.directory(address(home, 'c/')))?.bytes).to.equal(8);
  });

  it('make a folder anew that another has removed', async () => {
    for (const key of ['b/1', 'b/2']) await put(key);
    for (const key of ['b/1', 'b/2']) await foreign.remove(key);
    for (const key of ['a/4', 'a/5', 'a/6']) await put(key);
    await calm();
    await put('b/3', { size: 8 });
    expect((await other.store.directory(address(home, 'b/')))?.bytes).to.equal(8);
  });

  it('forget what was moved, restored or removed as a whole', async () => {
    await alone.store.move({ who: home.who, from: address(home, 'a/1'), to: address(home, 'a/9'), overwrite: false });
    expect((await remove('a/1')).existed).to.equal(false);
    expect((await remove('a/9')).existed).to.equal(true);
    await alone.store.removeTree({ who: home.who, bucket: home.id, key: 'a/' });
    expect((await put('a/2')).created).to.equal(true);
  });

  it('do nothing from memory in a bucket with object lock', async () => {
    home = await rig.bucket({ versioning: 'enabled', objectLock: true });
    for (const key of ['a/1', 'a/2', 'a/2']) await put(key);
    reads = 0;
    expect((await remove('a/1')).deleteMarker).to.equal(true);
    expect(reads).to.equal(1);
  });
});
