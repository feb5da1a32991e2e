import { expect } from 'chai';
import type { JobContext } from '#contracts/jobs';
import type { Bucket } from '#core/bucket';
import type { LifecycleRule } from '#core/lifecycle';
import type { Principal, Who } from '#core/principal';
import { createLifecycleJob } from '#jobs/lifecycle';
import { createVersionIds } from '#namespace/version-id';
import { quiet } from '../support/database.ts';
import { codeOf, openRooms, type TestRooms } from '../support/rooms.ts';

const DAY_MS = 24 * 3600 * 1000;

describe('the lifecycle of buckets', function () {
  this.timeout(60_000);
  let rooms: TestRooms;
  let ann: Principal;
  let who: Who;
  let names = 0;
  /** Days that the job's clock is ahead of the commits'. */
  let ahead = 0;
  const clock = { now: () => Date.now() + ahead * DAY_MS };

  before(async () => {
    rooms = await openRooms();
    ann = await rooms.user('ann', 'member');
    who = rooms.who(ann);
  });
  after(() => rooms?.close());
  /** A round goes over all buckets: each test has its own alone. */
  afterEach(async () => {
    ahead = 0;
    for (const { id } of await rooms.metadata.buckets.list())
      await rooms.buckets.update(who, id, { config: { lifecycle: null } });
  });

  async function bucketWith(versioning: 'off' | 'enabled' | 'suspended', ...rules: Partial<LifecycleRule>[]): Promise<Bucket> {
    const bucket = await rooms.bucket(ann, `life-${++names}`);
    const Rules = rules.map((rule, index) => ({ ID: `r${index}`, Status: 'Enabled', Filter: {}, ...rule }));
    await rooms.buckets.update(who, bucket.id, {
      ...(versioning === 'off' ? {} : { versioning }),
      config: { lifecycle: { Rules } },
    });
    return bucket;
  }

  /** As the runner runs it; `stopAfter` steps it is killed. Gives what it counted and saved last. */
  async function round(
    options: { state?: unknown; step?: number; stopAfter?: number; days?: number; meanwhile?: () => Promise<unknown> } = {},
  ) {
    ahead = options.days ?? 0;
    const { metadata } = rooms;
    const mint = createVersionIds({ clock, random: rooms.shared().random });
    const job = createLifecycleJob({
      buckets: metadata.buckets,
      rows: {
        async versions(...asked) {
          const page = await metadata.lifecycle.versions(...asked);
          if (page.length > 0) await options.meanwhile?.();
          return page;
        },
      },
      store: metadata.store,
      uploads: metadata.uploads,
      clock,
      mint,
      log: quiet,
      step: options.step ?? 500,
    });
    let saved: unknown = options.state ?? null;
    let counts: Record<string, number> = {};
    let steps = 0;
    const kill = new AbortController();
    const context: JobContext = {
      signal: kill.signal,
      state: saved,
      argument: null,
      async save(state) {
        saved = JSON.parse(JSON.stringify(state));
        if (++steps === options.stopAfter) kill.abort(new Error('killed'));
      },
      progress: (progress) => void (counts = { ...progress.counts }),
    };
    const outcome = await codeOf(job.run(context));
    return { saved, counts, outcome };
  }

  const keys = async (bucket: Bucket): Promise<string[]> =>
    (await rooms.namespace.list(who, { bucket: bucket.id, prefix: '', delimiter: '', after: '', limit: 10_000 })).entries.map(
      (entry) => (entry.kind === 'object' ? entry.info.key : entry.prefix),
    );
  const versions = async (bucket: Bucket) => rooms.metadata.lifecycle.versions(bucket.id, null, 10_000);

  it('expires what is old enough, at the midnight after, and only below the prefix', async () => {
    const bucket = await bucketWith('off', { Filter: { Prefix: 'logs/' }, Expiration: { Days: 3 } });
    await rooms.put(who, bucket, 'logs/a', 'old');
    await rooms.put(who, bucket, 'kept', 'old');
    await round({ days: 2.99 });
    expect(await keys(bucket)).to.deep.equal(['kept', 'logs/a']);
    await round({ days: 4 });
    expect(await keys(bucket)).to.deep.equal(['kept']);
  });

  it('expires on a date, by the old Prefix, by size and by tags', async () => {
    const date = new Date(Math.ceil(Date.now() / DAY_MS + 1) * DAY_MS).toISOString();
    const bucket = await bucketWith(
      'off',
      { Prefix: 'date/', Expiration: { Date: date } },
      { Filter: { And: { Prefix: 'size/', ObjectSizeGreaterThan: 2, ObjectSizeLessThan: 5 } }, Expiration: { Days: 1 } },
      {
        Filter: {
          And: {
            Tags: [
              { Key: 'a', Value: '1' },
              { Key: 'b', Value: '2' },
            ],
          },
        },
        Expiration: { Days: 1 },
      },
    );
    await rooms.put(who, bucket, 'date/x', 'x');
    for (const size of [2, 3, 4, 5]) await rooms.put(who, bucket, `size/${size}`, 'x'.repeat(size));
    const tagged = async (key: string, tags: Record<string, string>): Promise<unknown> =>
      rooms.namespace.put(who, { bucket: bucket.id, key }, bytes('x'), { etag: 'md5', attributes: { tags } });
    await tagged('tags/both', { a: '1', b: '2', c: '3' });
    await tagged('tags/one', { a: '1' });
    await tagged('tags/other', { a: '1', b: '3' });
    await round();
    expect(await keys(bucket)).to.have.length(8);
    await round({ days: 3 });
    expect(await keys(bucket)).to.deep.equal(['size/2', 'size/5', 'tags/one', 'tags/other']);
  });

  it('does nothing for a rule that is disabled', async () => {
    const bucket = await bucketWith('off', { Status: 'Disabled', Expiration: { Days: 1 } });
    await rooms.put(who, bucket, 'a', 'x');
    await round({ days: 100 });
    expect(await keys(bucket)).to.deep.equal(['a']);
  });

  it('expires into a delete marker where the bucket is versioned, and keeps the version', async () => {
    const bucket = await bucketWith('enabled', { Expiration: { Days: 1 } });
    const { info } = await rooms.put(who, bucket, 'a', 'x');
    const { counts } = await round({ days: 3 });
    expect(counts.expired).to.equal(1);
    expect((await versions(bucket)).map(({ deleteMarker, versionId }) => (deleteMarker ? 'marker' : versionId))).to.deep.equal([
      'marker',
      info.versionId,
    ]);
    expect((await round({ days: 3 })).counts.expired, 'and not once more').to.equal(0);
  });

  it('removes noncurrent versions after their days, but the newest that are to be kept', async () => {
    const bucket = await bucketWith('enabled', {
      NoncurrentVersionExpiration: { NoncurrentDays: 2, NewerNoncurrentVersions: 2 },
    });
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) ids.push((await rooms.put(who, bucket, 'a', `v${i}`)).info.versionId);
    await rooms.put(who, bucket, 'b', 'one');
    await round({ days: 1 });
    expect(await versions(bucket)).to.have.length(7);
    const { counts } = await round({ days: 4, step: 2 });
    expect(counts.versions).to.equal(3);
    expect((await versions(bucket)).filter(({ key }) => key === 'a').map(({ versionId }) => versionId)).to.deep.equal(
      ids.slice(3).reverse(),
    );
    expect(await rooms.text(who, bucket, 'a')).to.equal('v5');
  });

  it('removes a delete marker only when nothing is left behind it', async () => {
    const bucket = await bucketWith('enabled', {
      Expiration: { ExpiredObjectDeleteMarker: true },
      NoncurrentVersionExpiration: { NoncurrentDays: 5 },
    });
    await rooms.put(who, bucket, 'a', 'x');
    await rooms.namespace.remove(who, { bucket: bucket.id, key: 'a' });
    await round({ days: 1 });
    expect(await versions(bucket)).to.have.length(2);
    await round({ days: 7 });
    await round({ days: 7 });
    expect(await versions(bucket)).to.have.length(0);
  });

  it('never removes what is under retention or a legal hold', async () => {
    const bucket = await bucketWith('enabled', { NoncurrentVersionExpiration: { NoncurrentDays: 1 } });
    const held = (await rooms.put(who, bucket, 'a', 'held')).info.versionId;
    const retained = (await rooms.put(who, bucket, 'a', 'retained')).info.versionId;
    await rooms.put(who, bucket, 'a', 'free');
    await rooms.put(who, bucket, 'a', 'current');
    await rooms.sql(`UPDATE versions SET legal_hold = true WHERE id = decode($1, 'hex')`, [held]);
    await rooms.sql(`UPDATE versions SET retention_mode = 'governance', retain_until_ms = $2 WHERE id = decode($1, 'hex')`, [
      retained,
      Date.now() + 1000 * DAY_MS,
    ]);
    const { counts, outcome } = await round({ days: 10 });
    expect(outcome).to.equal('none');
    expect([counts.versions, counts.kept]).to.deep.equal([1, 2]);
    expect((await versions(bucket)).map(({ versionId }) => versionId)).to.include.members([held, retained]);
  });

  it('keeps what a WebDAV lock covers, and what was written again meanwhile', async () => {
    const bucket = await bucketWith('off', { Expiration: { Days: 1 } });
    await rooms.put(who, bucket, 'locked', 'x');
    await rooms.put(who, bucket, 'again', 'x');
    const at = { bucket: bucket.id, key: 'locked' };
    await rooms.namespace.lock(who, { at, exclusive: true, infinite: false, ownerXml: null, timeoutMs: 100_000 });
    // As if it had been seen before the second writing.
    await rooms.sql(
      'UPDATE versions SET modified_ms = modified_ms - $1 WHERE slot_id IN (SELECT id FROM slots WHERE bucket_id = $2 AND key = $3)',
      [5 * DAY_MS, bucket.id, 'again'],
    );
    ahead = 3;
    const { counts } = await round({ days: 3 });
    expect(await keys(bucket)).to.deep.equal(['again', 'locked']);
    expect(counts.kept).to.equal(2);
  });

  it('keeps a null version that took the place of the one that was due', async () => {
    const bucket = await bucketWith('off', {
      Expiration: { ExpiredObjectDeleteMarker: true },
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
    });
    await rooms.put(who, bucket, 'version', 'old');
    await rooms.buckets.update(who, bucket.id, { versioning: 'enabled' });
    await rooms.put(who, bucket, 'version', 'between');
    await rooms.buckets.update(who, bucket.id, { versioning: 'suspended' });
    await rooms.namespace.remove(who, { bucket: bucket.id, key: 'marker' });
    const meanwhile = async () => {
      await rooms.put(who, bucket, 'version', 'new');
      await rooms.put(who, bucket, 'marker', 'new');
    };
    const { outcome } = await round({ days: 3, meanwhile });
    expect(outcome).to.equal('none');
    expect(await rooms.text(who, bucket, 'version')).to.equal('new');
    expect(await rooms.text(who, bucket, 'marker')).to.equal('new');
  });

  it('keeps a version that has become the current one meanwhile', async () => {
    const bucket = await bucketWith('enabled', { NoncurrentVersionExpiration: { NoncurrentDays: 1 } });
    await rooms.put(who, bucket, 'a', 'first');
    const { versionId } = (await rooms.put(who, bucket, 'a', 'second')).info;
    const meanwhile = () => rooms.namespace.remove(who, { bucket: bucket.id, key: 'a' }, { version: versionId });
    const { outcome } = await round({ days: 3, meanwhile });
    expect(outcome).to.equal('none');
    expect(await rooms.text(who, bucket, 'a')).to.equal('first');
  });

  it('gives up unfinished uploads', async () => {
    const bucket = await bucketWith('off', {
      Filter: { Prefix: 'up/' },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
    });
    const begin = (key: string) => rooms.uploads.begin(who, { bucket: bucket.id, key }, { attributes: {} });
    await begin('up/a');
    await begin('other');
    await round({ days: 1 });
    expect(await rooms.metadata.uploads.list(bucket.id, '', null, 10)).to.have.length(2);
    const { counts } = await round({ days: 4, step: 1 });
    expect(counts.uploads).to.equal(1);
    expect((await rooms.metadata.uploads.list(bucket.id, '', null, 10)).map(({ key }) => key)).to.deep.equal(['other']);
  });

  it('goes on where a killed run was, and does everything once', async () => {
    const bucket = await bucketWith('enabled', {
      Expiration: { Days: 1 },
      NoncurrentVersionExpiration: { NoncurrentDays: 1, NewerNoncurrentVersions: 1 },
    });
    for (let i = 0; i < 10; i++) for (let j = 0; j < 3; j++) await rooms.put(who, bucket, `k${i}`, `${j}`);
    let state: unknown = null;
    let killed = 0;
    for (;;) {
      const { saved, outcome } = await round({ days: 3, step: 4, stopAfter: 1, state });
      state = saved;
      if (state === null) break;
      killed++;
      expect(outcome).to.contain('killed');
      expect(killed).to.be.below(40);
    }
    expect(killed).to.be.greaterThan(5);
    expect(await keys(bucket)).to.deep.equal([]);
    // Of three, the oldest went; the one that expired is noncurrent from then on, its marker on top.
    const left = await versions(bucket);
    expect(left.filter(({ deleteMarker }) => deleteMarker)).to.have.length(10);
    expect(left.filter(({ deleteMarker }) => !deleteMarker)).to.have.length(20);
  });

  it('stops in mid-round when the rules are taken back', async () => {
    const bucket = await bucketWith('off', { Expiration: { Days: 1 } });
    for (let i = 0; i < 10; i++) await rooms.put(who, bucket, `k${i}`, 'x');
    const { saved } = await round({ days: 3, step: 3, stopAfter: 1 });
    await rooms.buckets.update(who, bucket.id, { config: { lifecycle: null } });
    await round({ days: 3, step: 3, state: saved });
    expect(await keys(bucket)).to.have.length(7);
  });

  it('is told in the journal as the system did it', async () => {
    const bucket = await bucketWith('off', { Expiration: { Days: 1 } });
    await rooms.put(who, bucket, 'a', 'x');
    await round({ days: 3 });
    const events = await rooms.metadata.journal.since(bucket.id, { epoch: 1, seq: 0 }, 10);
    expect(events.at(-1)).to.include({ kind: 'remove', key: 'a', protocol: 'system', requestId: 'lifecycle', principal: null });
  });
});

async function* bytes(text: string) {
  yield Buffer.from(text);
}
