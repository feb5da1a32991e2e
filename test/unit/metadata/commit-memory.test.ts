import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import type { DirectoryInfo } from '#core/object';
import type { Who } from '#core/principal';
import { createCommitMemory } from '#metadata/commit/memory';
import { emptyPlan, type Plan } from '#metadata/commit/plan';
import { type BatchState, type BucketState, emptyBatch, type Intent, type SlotState } from '#metadata/commit/state';
import type { Metadata } from '#metadata/open';
import { address, type MetadataRig, openMetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { codeOf } from '../../support/rooms.ts';

const WHO: Who = { principal: null, protocol: 's3', requestId: 'test' };
const BUCKET: BucketState = {
  ...{ id: 1, owner: 2, domain: 3, versioning: 'off', revision: 10, seq: 20, epoch: 1, objects: 5, bytes: 50 },
  ...{ quota: { bytes: null, objects: null }, objectLock: false, defaultRetention: null, lastMs: 100, locked: false },
};

describe('what is remembered of a commit', () => {
  const folders = new Map<string, DirectoryInfo>();
  let revision: number | undefined;
  let taken: string[];

  beforeEach(() => {
    for (const key of ['', 'a/']) folders.set(key, { key } as DirectoryInfo);
    revision = 11;
    taken = [];
  });

  function planAt(revision: number): Plan {
    const plan = emptyPlan();
    plan.heads.set(1, { r: revision, q: 20, n: 2, o: 1, z: 9, hn: 0, hz: 0 });
    return plan;
  }
  function stateOf(bucket: Partial<BucketState> = {}): BatchState {
    const account = { usedBytes: 70, usedObjects: 7, quota: { bytes: null, objects: null } };
    return { ...emptyBatch(90), buckets: new Map([[1, { ...BUCKET, ...bucket }]]), accounts: new Map([[2, account]]) };
  }
  function remembering(bucket: Partial<BucketState> = {}, rows: Record<string, Partial<SlotState>> = {}) {
    const memory = createCommitMemory({
      revision: () => revision,
      folder: ({ key }) => folders.get(key),
      taken: ({ key }) => taken.includes(key),
    });
    const plan = planAt(10);
    for (const [key, row] of Object.entries(rows))
      plan.slots.set(key, { bucket: 1, key, before: null, state: { id: 5, live: true, versionId: '01', ...row } as SlotState });
    memory.learn(plan, stateOf(bucket));
    return memory;
  }
  const put = (key: string, more = {}): Intent => putIntent({ id: 1, domain: 3, who: WHO } as Bucket & { who: Who }, key, more);

  it('is the head as the commit left it, for new keys in known folders', () => {
    const guess = remembering().guess([put('a/b'), put('c')], 120);
    expect(guess?.state.buckets.get(1)).to.deep.equal({ ...BUCKET, revision: 11, seq: 22 });
    expect(guess?.state.now).to.equal(120);
    expect([...(guess?.state.directories.values() ?? [])].map(({ key }) => key)).to.deep.equal(['', 'a/']);
    expect(guess?.absent).to.deep.equal([]);
    expect(remembering().guess([put('a/b', { requireParent: true })], 120)?.absent).to.deep.equal([{ bucket: 1, key: 'a/b/' }]);
  });

  it('is not changed by what a batch makes of it', () => {
    const memory = remembering();
    const first = memory.guess([put('c')], 120)?.state.buckets.get(1);
    if (first) first.objects = 99;
    expect(memory.guess([put('c')], 120)?.state.buckets.get(1)?.objects).to.equal(5);
  });

  it('is nothing where the head has moved, the folder is not known, the key is taken, or more than a file is asked for', () => {
    const refused: [string, Intent[]][] = [
      ['an unknown folder', [put('a/b'), put('x/y')]],
      ['a marker', [put('a/')]],
      ['an upload that ends', [put('c', { completesUpload: '00' })]],
      ['a hold', [put('c', { lock: { legalHold: true } })]],
      ['a removal', [{ kind: 'remove', who: WHO, bucket: 1, key: 'c', versionId: '00' }]],
      ['a version', [put('c'), { kind: 'remove', who: WHO, bucket: 1, key: 'c', versionId: '00', version: 'null' }]],
      ['another bucket', [{ ...put('c'), bucket: 4 }]],
    ];
    for (const [what, intents] of refused) expect(remembering().guess(intents, 120), what).to.equal(null);
    expect(remembering({ locked: true }).guess([put('c')], 120)).to.equal(null);
    expect(remembering({ objectLock: true }).guess([put('c')], 120)).to.equal(null);
    taken = ['c'];
    expect(remembering().guess([put('c')], 120)).to.equal(null);
    taken = [];
    revision = 12;
    expect(remembering().guess([put('c')], 120)).to.equal(null);
    revision = undefined;
    expect(remembering().guess([put('c')], 120)).to.equal(null);
  });

  it('is the rows that it wrote, where no versions are kept, until others have changed them', () => {
    const removal: Intent = { kind: 'remove', who: WHO, bucket: 1, key: 'a/b', versionId: '00' };
    const rows = { 'a/b': {}, 'a/c': { live: false, versionId: null } };
    const row = (intent: Intent, memory = remembering({}, rows)) =>
      memory.guess([intent], 120)?.state.slots.get(`1\0${intent.key}`);
    expect(row(removal)).to.deep.equal({ id: 5, live: true, versionId: '01' });
    expect(row(put('a/b'))?.versionId).to.equal('01');
    expect(row(put('a/c'))?.live).to.equal(false);
    expect(remembering({}, rows).guess([{ ...removal, key: 'a/c' }], 120), 'what is gone already').to.equal(null);
    expect(remembering({}, rows).guess([{ ...removal, version: '01' }], 120), 'a version').to.equal(null);
    expect(remembering({ versioning: 'enabled' }, rows).guess([removal], 120)).to.equal(null);
    const guess = remembering({}, rows).guess([{ ...removal, keepParent: true }], 120);
    expect(guess?.occupied).to.deep.equal([{ bucket: 1, key: 'a/' }]);
    expect([...(guess?.state.occupied ?? [])]).to.deep.equal(['1\0a/']);
    const memory = remembering({}, rows);
    memory.forget([1]);
    memory.learn(planAt(10), stateOf());
    expect(row(removal, memory)).to.equal(undefined);
  });

  it('is left alone for a while after it was wrong', () => {
    const memory = remembering();
    memory.missed();
    let asked = 0;
    while (memory.guess([put('c')], 120) === null && asked < 1000) asked++;
    expect(asked).to.be.within(8, 128);
  });
});

/** A gateway that is alone, and beside it one that it knows nothing of. */
describe('commits from memory', () => {
  let rig: MetadataRig;
  let alone: Metadata;
  let other: Metadata;
  let home: Bucket & { who: Who };

  before(async () => {
    rig = await openMetadataRig('one gateway');
    [alone] = rig.gateways as [Metadata];
    other = await rig.open();
  });
  after(() => rig.close());
  beforeEach(async () => {
    home = await rig.bucket();
    for (const key of ['a/1', 'a/2', 'a/3']) await put(key);
  });

  const put = (key: string, more = {}) => alone.store.commit(putIntent(home, key, more));

  it('see a key that was there before, by whomever', async () => {
    await put('a/own');
    await other.store.commit(putIntent(home, 'a/foreign', { size: 9 }));
    expect((await put('a/own')).created).to.equal(false);
    expect((await put('a/foreign')).created).to.equal(false);
    expect((await put('a/new')).created).to.equal(true);
    const used = (await other.usage.buckets(home.owner)).find(({ bucket }) => bucket === home.id);
    expect(used?.objects).to.equal(6);
  });

  it('keep a condition', async () => {
    const conditions = { ifNoneMatch: '*' as const };
    await put('a/4', { conditions });
    expect(await codeOf(put('a/4', { conditions }))).to.equal('precondition_failed');
    expect(await codeOf(put('a/5', { conditions: { ifMatch: ['x'] } }))).to.equal('precondition_failed');
  });

  it('find that a folder has the name', async () => {
    await other.store.commit(putIntent(home, 'a/sub/file'));
    await put('a/4');
    await put('a/5');
    expect(await codeOf(put('a/sub', { requireParent: true }))).to.equal('is_a_directory');
    expect((await put('a/free', { requireParent: true })).created).to.equal(true);
  });

  for (const taker of ['itself', 'another'] as const) {
    it(`heed a lock that was taken by ${taker}`, async () => {
      const { locks } = taker === 'itself' ? alone : other;
      const wanted = { principal: home.owner, exclusive: true, infinite: true, ownerXml: null, timeoutMs: 60_000 };
      const lock = await locks.acquire({ ...wanted, at: address(home, 'a') });
      expect(await codeOf(put('a/4'))).to.equal('locked');
      expect((await put('a/4', { lockTokens: [lock.token] })).created).to.equal(true);
      expect(await codeOf(put('a/5'))).to.equal('locked');
    });
  }

  it('hold a quota that was lowered meanwhile, and take what fits again', async () => {
    await other.principals.update(home.owner, { quotaBytes: 10 });
    expect(await codeOf(put('a/4', { size: 20 }))).to.equal('quota_exceeded');
    await other.principals.update(home.owner, { quotaBytes: null });
    expect((await put('a/4', { size: 20 })).created).to.equal(true);
  });

  it('refuse nothing by a quota of before', async () => {
    await other.principals.update(home.owner, { quotaBytes: 1000 });
    for (const key of ['b/1', 'b/2', 'b/3']) await put(key);
    await other.principals.update(home.owner, { quotaBytes: null });
    expect((await put('b/4', { size: 2000 })).created).to.equal(true);
  });

  it('leave folders as those who ask find them', async () => {
    for (const key of ['a/4', 'a/5', 'a/6']) await put(key, { size: 7 });
    for (const path of ['', 'a/'])
      expect(alone.store.peekDirectory(address(home, path)), path).to.deep.equal(
        await other.store.directory(address(home, path)),
      );
  });
});
