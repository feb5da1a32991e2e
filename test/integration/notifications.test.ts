import { expect } from 'chai';
import type { JobContext } from '#contracts/jobs';
import { formatCursor } from '#contracts/journal';
import type { WebhookMessage, Webhooks } from '#contracts/webhooks';
import type { Bucket } from '#core/bucket';
import { CloudStoreError, type ErrorCode } from '#core/errors';
import type { NotificationDocument, NotificationEntry } from '#core/notification';
import type { Principal, Who } from '#core/principal';
import { createHub } from '#events/hub';
import { createNotifier } from '#events/notifier';
import { quiet } from '../support/database.ts';
import { openRooms, type TestRooms, until } from '../support/rooms.ts';

interface Told {
  target: string;
  id: string;
  name: string;
  key: string;
  record: { s3: { object: { sequencer: string; versionId?: string; eTag?: string; size?: number } } };
}

describe('notifications of buckets', function () {
  this.timeout(60_000);
  let rooms: TestRooms;
  let hub: ReturnType<typeof createHub>;
  let ann: Principal;
  let who: Who;
  let names = 0;

  before(async () => {
    rooms = await openRooms();
    const { journal, signals } = rooms.metadata;
    hub = createHub({ journal, signals, log: quiet });
    ann = await rooms.user('ann', 'member');
    who = { ...rooms.who(ann), protocol: 's3' };
  });
  after(async () => {
    await hub?.close();
    await rooms?.close();
  });
  afterEach(async () => {
    for (const { id } of await rooms.metadata.buckets.list())
      await rooms.buckets.update(who, id, { config: { notification: null } });
  });

  const entry = (more: Partial<NotificationEntry> = {}): NotificationEntry => ({
    id: 'e',
    arn: 'arn:aws:sqs:us-east-1:0:hook',
    target: 'hook',
    events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*', 's3:LifecycleExpiration:*'],
    prefix: '',
    suffix: '',
    ...more,
  });
  async function configure(bucket: Bucket, ...entries: NotificationEntry[]): Promise<void> {
    const since = formatCursor(await rooms.metadata.journal.head(bucket.id));
    const notification: NotificationDocument = { configuration: {}, entries, since };
    await rooms.buckets.update(who, bucket.id, { config: { notification } });
  }
  const made = (): Promise<Bucket> => rooms.bucket(ann, `told-${++names}`);

  /** The job as the runner runs it, with targets that answer as told. */
  function start(answers: (target: string, message: WebhookMessage) => ErrorCode | null = () => null, state: unknown = null) {
    const told: Told[] = [];
    const waits: number[] = [];
    const warnings: string[] = [];
    const stop = new AbortController();
    let saved = state;
    const webhooks: Webhooks = {
      has: () => true,
      async post(target, message) {
        const code = answers(target, message);
        if (code !== null) throw new CloudStoreError(code, 'refused');
        const record = JSON.parse(message.body).Records[0];
        const key = decodeURIComponent(record.s3.object.key.replace(/\+/g, ' '));
        told.push({ target, id: message.id, name: record.eventName, key, record });
      },
    };
    const job = createNotifier({
      ...rooms.metadata,
      hub,
      webhooks,
      region: 'us-east-1',
      log: { ...quiet, warn: (_: object, message: string) => void warnings.push(message) },
      pause: (ms) => {
        waits.push(ms);
        return new Promise((resolve) => setTimeout(resolve, 5));
      },
    });
    const context: JobContext = {
      signal: stop.signal,
      state,
      argument: null,
      save: async (given) => void (saved = JSON.parse(JSON.stringify(given))),
      progress: () => undefined,
    };
    const ended = job.run(context);
    return {
      told,
      waits,
      warnings,
      saved: () => saved,
      until: async (count: number): Promise<void> => {
        for (let i = 0; told.length < count; i++) {
          if (i > 5000) throw new Error(`Only ${JSON.stringify(told)}`);
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      },
      async stop() {
        stop.abort();
        await ended;
        return saved;
      },
      ended,
    };
  }
  const said = (told: Told[]): string[] => told.map(({ name, key }) => `${name} ${key}`);

  it("tells what happened since the configuration, as AWS's records", async () => {
    const bucket = await made();
    await rooms.put(who, bucket, 'before', 'x');
    await configure(bucket, entry());
    const { info } = await rooms.put(who, bucket, 'a b/ü+1', 'hello');
    await rooms.namespace.remove(who, { bucket: bucket.id, key: 'a b/ü+1' });
    const run = start();
    await run.until(2);
    await run.stop();
    expect(said(run.told)).to.deep.equal(['ObjectCreated:Put a b/ü+1', 'ObjectRemoved:Delete a b/ü+1']);
    const [{ record, id }, removal] = run.told as [Told, Told];
    expect(record).to.deep.include({ eventVersion: '2.3', eventSource: 'aws:s3', awsRegion: 'us-east-1' });
    expect(record.s3).to.deep.include({
      s3SchemaVersion: '1.0',
      configurationId: 'e',
      object: {
        key: 'a+b/%C3%BC%2B1',
        size: 5,
        eTag: info.etag,
        sequencer: record.s3.object.sequencer,
      },
    });
    expect(removal.id).not.to.equal(id);
  });

  it('filters by event, prefix and suffix', async () => {
    const bucket = await made();
    await configure(
      bucket,
      entry({ id: 'jpg', events: ['s3:ObjectCreated:Put'], prefix: 'photos/', suffix: '.jpg' }),
      entry({ id: 'gone', events: ['s3:ObjectRemoved:*'] }),
    );
    for (const key of ['photos/a.jpg', 'photos/a.png', 'other/a.jpg']) await rooms.put(who, bucket, key, 'x');
    await rooms.namespace.remove(who, { bucket: bucket.id, key: 'other/a.jpg' });
    const run = start();
    await run.until(2);
    await run.stop();
    expect(said(run.told).sort()).to.deep.equal(['ObjectCreated:Put photos/a.jpg', 'ObjectRemoved:Delete other/a.jpg']);
  });

  it('tells delete markers with their version, and the removal of a version as one', async () => {
    const bucket = await made();
    await rooms.buckets.update(who, bucket.id, { versioning: 'enabled' });
    await configure(bucket, entry());
    const first = (await rooms.put(who, bucket, 'a', '1')).info.versionId;
    await rooms.put(who, bucket, 'a', '2');
    await new Promise((resolve) => setTimeout(resolve, 5));
    await rooms.namespace.remove(who, { bucket: bucket.id, key: 'a' }, { version: first });
    const { versionId } = await rooms.namespace.remove(who, { bucket: bucket.id, key: 'a' });
    const run = start();
    await run.until(4);
    await run.stop();
    expect(said(run.told)).to.deep.equal([
      'ObjectCreated:Put a',
      'ObjectCreated:Put a',
      'ObjectRemoved:Delete a',
      'ObjectRemoved:DeleteMarkerCreated a',
    ]);
    expect(run.told[2]?.record.s3.object.versionId).to.equal(first);
    expect(run.told[3]?.record.s3.object.versionId).to.equal(versionId);
  });

  it('tells a version by the name that S3 knows it by', async () => {
    const bucket = await made();
    await configure(bucket, entry());
    await rooms.put(who, bucket, 'before', 'x');
    await rooms.buckets.update(who, bucket.id, { versioning: 'enabled' });
    const { versionId } = (await rooms.put(who, bucket, 'id', 'x')).info;
    await rooms.buckets.update(who, bucket.id, { versioning: 'suspended' });
    await rooms.put(who, bucket, 'null', '1');
    await rooms.put(who, bucket, 'null', '2');
    await rooms.namespace.remove(who, { bucket: bucket.id, key: 'null' });
    const run = start();
    await run.until(5);
    await run.stop();
    expect(run.told.map(({ name, record }) => [name, record.s3.object.versionId])).to.deep.equal([
      ['ObjectCreated:Put', 'null'],
      ['ObjectCreated:Put', versionId],
      ['ObjectCreated:Put', 'null'],
      ['ObjectCreated:Put', 'null'],
      ['ObjectRemoved:DeleteMarkerCreated', 'null'],
    ]);
  });

  it('tells copies, forms, tags and lists by their names', async () => {
    const bucket = await made();
    await configure(bucket, entry({ events: ['s3:ObjectCreated:*', 's3:ObjectTagging:*', 's3:ObjectAcl:Put'] }));
    const at = (key: string) => ({ bucket: bucket.id, key });
    const { info } = await rooms.put(who, bucket, 'a', 'x');
    await rooms.put({ ...who, cause: 'post' }, bucket, 'form', 'x');
    const copied = await rooms.namespace.copyObject(who, at('a'), at('copy'), { etag: 'md5' });
    await rooms.namespace.copyObject(who, at('a'), at('a'), { etag: 'md5', attributes: { contentType: 'text/plain' } });
    await rooms.namespace.tag(who, at('copy'), { k: 'v' });
    await rooms.namespace.tag(who, at('copy'), null);
    await rooms.metadata.authority.setObjectAcl(who, at('copy'), undefined, '{"owner": 1, "grants": []}');
    await rooms.namespace.annotate(who, at('copy'), { properties: { 'urn:a b': 'c' } });
    await rooms.put(who, bucket, 'end', 'x');
    const run = start();
    await run.until(8);
    await run.stop();
    expect(said(run.told)).to.deep.equal([
      'ObjectCreated:Put a',
      'ObjectCreated:Post form',
      'ObjectCreated:Copy copy',
      'ObjectCreated:Copy a',
      'ObjectTagging:Put copy',
      'ObjectTagging:Delete copy',
      'ObjectAcl:Put copy',
      'ObjectCreated:Put end',
    ]);
    expect(run.told[2]?.record.s3.object).to.include({ eTag: info.etag, size: 1 });
    const [event] = await rooms.metadata.journal.since(
      bucket.id,
      { epoch: (await rooms.metadata.journal.head(bucket.id)).epoch, seq: copied.seq - 1 },
      1,
    );
    expect(event).to.include({ requestId: who.requestId, cause: 'copy' });
  });

  it('tells a moved folder object by object', async () => {
    const bucket = await made();
    for (const key of ['from/a', 'from/b/c']) await rooms.put(who, bucket, key, 'x');
    // A name that no header can hold.
    await configure(bucket, entry({ id: 'größe 日\r\n' }));
    const at = (key: string) => ({ bucket: bucket.id, key });
    await rooms.namespace.move(who, at('from/'), at('to/'), { overwrite: false });
    const run = start();
    await run.until(4);
    await run.stop();
    expect(said(run.told)).to.have.members([
      'ObjectCreated:Copy to/a',
      'ObjectRemoved:Delete from/a',
      'ObjectCreated:Copy to/b/c',
      'ObjectRemoved:Delete from/b/c',
    ]);
    // A receiver that has one of them leaves no other out.
    expect(new Set(run.told.map(({ id }) => id)).size).to.equal(4);
    for (const { id } of run.told) expect(id).to.match(/^[\x21-\x7e]+$/);
  });

  it('tries again with growing waits until a dead target is back, and keeps nobody else waiting', async () => {
    const bucket = await made();
    await configure(bucket, entry(), entry({ id: 'alive', target: 'alive' }));
    let attempts = 0;
    const tried: string[] = [];
    const run = start((target, { id }) => {
      if (target !== 'hook' || ++attempts >= 12) return null;
      tried.push(id);
      return 'unavailable';
    });
    for (let i = 0; i < 3; i++) await rooms.put(who, bucket, `k${i}`, 'x');
    await run.until(6);
    await run.stop();
    expect(said(run.told.filter(({ target }) => target === 'hook'))).to.deep.equal(
      [0, 1, 2].map((i) => `ObjectCreated:Put k${i}`),
    );
    expect(new Set([...tried, run.told.find(({ target }) => target === 'hook')?.id]).size, 'one id in all attempts').to.equal(1);
    expect(run.waits.slice(0, 4)).to.deep.equal([1000, 2000, 4000, 8000]);
    expect(Math.max(...run.waits)).to.equal(300_000);
  });

  it('goes on from its saved cursor after a stop in mid-way, and leaves nothing out', async () => {
    const bucket = await made();
    await configure(bucket, entry());
    for (let i = 0; i < 20; i++) await rooms.put(who, bucket, `k${i}`, 'x');
    let taken = 0;
    const first = start(() => (++taken > 8 ? 'unavailable' : null));
    await first.until(8);
    const state = await first.stop();
    const second = start(() => null, state);
    await second.until(12);
    await second.stop();
    expect([...new Set(said([...first.told, ...second.told]))]).to.have.length(20);
    expect(said(second.told)[0]).to.equal('ObjectCreated:Put k8');
  });

  it('drops a message that its target refuses for good, and tells the next', async () => {
    const bucket = await made();
    await configure(bucket, entry());
    const run = start((_target, { body }) => (body.includes('"poison"') ? 'access_denied' : null));
    await rooms.put(who, bucket, 'poison', 'x');
    await rooms.put(who, bucket, 'good', 'x');
    await run.until(1);
    await run.stop();
    expect(said(run.told)).to.deep.equal(['ObjectCreated:Put good']);
    expect(run.waits).to.have.length(4);
  });

  it('hears of a new configuration while it runs, and ends when there is none left', async () => {
    const [one, two] = [await made(), await made()];
    await configure(one, entry());
    const run = start();
    await rooms.put(who, one, 'a', 'x');
    await run.until(1);
    await configure(two, entry({ target: 'other' }));
    await rooms.put(who, two, 'b', 'x');
    await run.until(2);
    expect(run.told[1]?.target).to.equal('other');
    for (const { id } of [one, two]) await rooms.buckets.update(who, id, { config: { notification: null } });
    await run.ended;
    expect(run.saved()).to.deep.equal({});
  });

  it('goes on from now where the journal has no longer what it was to tell', async () => {
    const bucket = await made();
    await configure(bucket, entry());
    await rooms.put(who, bucket, 'lost', 'x');
    await rooms.sql('UPDATE bucket_heads SET epoch = epoch + 1 WHERE bucket_id = $1', [bucket.id]);
    const run = start();
    await until(async () => run.warnings.length > 0);
    await rooms.put(who, bucket, 'told', 'x');
    await run.until(1);
    await run.stop();
    expect(said(run.told)).to.deep.equal(['ObjectCreated:Put told']);
  });
});
