import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateMultipartUploadCommand, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { createS3Store, type S3Store } from '#blob/s3';
import { isCloudStoreError } from '#core/errors';
import { parseS3Location } from '#core/s3-location';
import { describeBlobStore } from '../conformance/blob-store.ts';
import { type FaultyProxy, type ProxyFault, startFaultyProxy } from '../support/faulty-proxy.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { diceOf, SEED } from '../support/random.ts';
import { describeS3Mirror } from './s3-mirror-suite.ts';

const PASSING: ProxyFault[] = ['reset', 'lost', 'slow-down', 'internal', 'cut', 'cut-request'];

/** The store's S3 server is a gateway of our own; in front of it, on wish, whatever breaks. */
describe(`S3 as a chunk store (seed ${SEED})`, function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let proxy: FaultyProxy;

  before(async () => {
    gateway = await startGateway();
    proxy = await startFaultyProxy(gateway.s3Url, async (path) => {
      await fetch(presign('DELETE', `${gateway.s3Url}${path}`, gateway, new Date()), { method: 'DELETE' });
    });
  });
  after(async () => {
    await proxy?.close();
    await gateway?.stop();
  });
  beforeEach(() => {
    proxy.fault = () => null;
    proxy.seen.clear();
  });

  function open(endpoint: string, prefix = randomBytes(4).toString('hex'), options = {}): S3Store {
    const { accessKeyId, secretAccessKey, bucket } = gateway;
    const url = `s3://${accessKeyId}:${secretAccessKey}@${bucket}/${prefix}?endpoint=${encodeURIComponent(endpoint)}`;
    return createS3Store({ location: parseS3Location(url), random: randomBytes, pauseMs: 10, ...options });
  }
  const clean = () => undefined;

  describeBlobStore('S3', async () => ({ store: open(gateway.s3Url), clean }));

  describeBlobStore('S3 behind a network that fails at every third request', async () => {
    const dice = diceOf(SEED);
    proxy.fault = () => (dice.below(3) === 0 ? dice.pick(PASSING) : null);
    return { store: open(proxy.url, undefined, { attemptsMax: 30 }), clean };
  });

  describeBlobStore('S3 of a store that knows no conditional put', async () => {
    proxy.fault = () => 'no-conditions';
    return { store: open(proxy.url), clean };
  });

  describeBlobStore('S3 of a store that ignores the condition of a put', async () => {
    proxy.fault = () => 'ignore-conditions';
    return { store: open(proxy.url), clean };
  });

  const codeOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'none',
      (error: unknown) => (isCloudStoreError(error) ? error.code : String(error)),
    );
  async function* body(bytes: Buffer): AsyncIterable<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
  }

  it('bears each way of failing, in each kind of call', async () => {
    const large = randomBytes(20 << 20);
    for (const fault of PASSING) {
      const store = open(proxy.url);
      const failing = new Map<string, number>();
      // Each kind of request fails the first time it comes.
      proxy.fault = ({ method, url = '' }) => {
        const kind = `${method} ${url.replace(/partNumber=\d+|uploadId=[^&]*/g, 'x').replace(/\/[^/?]*(?=\?|$)/, '')}`;
        const count = failing.get(kind) ?? 0;
        failing.set(kind, count + 1);
        return count === 0 ? fault : null;
      };
      await store.put('small', body(large.subarray(0, 5000)), 5000);
      await store.put('large', body(large), large.length);
      expect(
        (await store.read('large', 9_000_000, 3_000_000)).equals(large.subarray(9_000_000, 12_000_000)),
        `${fault}`,
      ).to.equal(true);
      const names: string[] = [];
      for await (const { name } of store.list('')) names.push(name);
      expect(names, `${fault}`).to.deep.equal(['large', 'small']);
      expect(await store.stat('small')).to.deep.equal({ name: 'small', size: 5000 });
      await store.remove('small');
      expect(await store.stat('small')).to.equal(null);
      expect(proxy.seen.get(fault)).to.be.greaterThan(4);
      await store.close();
    }
  });

  it('gives up on a silent store, and says unavailable; works again when it answers', async () => {
    const prefix = randomBytes(4).toString('hex');
    const patient = open(gateway.s3Url, prefix);
    await patient.put('here', body(Buffer.from('abc')), 3);
    await patient.close();
    const store = open(proxy.url, prefix, { callMs: 300, attemptsMax: 2 });
    for (const fault of ['silent', 'slow-down', 'reset'] as const) {
      proxy.fault = () => fault;
      expect(await codeOf(store.put('never', body(Buffer.from('abc')), 3)), fault).to.equal('unavailable');
      expect(await codeOf(store.read('here', 0, 3)), fault).to.equal('unavailable');
      expect(await codeOf(store.stat('here')), fault).to.equal('unavailable');
      expect(await codeOf(store.remove('here')), fault).to.equal('unavailable');
    }
    proxy.fault = () => 'late';
    expect(await codeOf(store.read('here', 0, 3))).to.equal('unavailable');
    proxy.fault = () => null;
    // A busy machine may be silent for so long, too.
    let read: Promise<Buffer>;
    do read = store.read('here', 0, 3);
    while ((await codeOf(read)) === 'unavailable');
    expect((await read).toString()).to.equal('abc');
    await store.close();
  });

  it('says in a sentence what is wrong, and never a secret', async () => {
    const sentences: string[] = [];
    const told = async (url: string): Promise<string> => {
      const store = createS3Store({ location: parseS3Location(url), random: randomBytes, attemptsMax: 1 });
      const said = await store.read('x', 0, 1).then(
        () => '',
        (error: Error & { code: string }) => `${error.code}: ${error.message}`,
      );
      await store.close();
      sentences.push(said);
      return said;
    };
    const endpoint = encodeURIComponent(gateway.s3Url);
    const { accessKeyId: id, secretAccessKey: secret, bucket } = gateway;
    expect(await told(`s3://${id}:wrongwrong@${bucket}/p?endpoint=${endpoint}`)).to.match(
      /^unavailable: .*refuses our access key/,
    );
    expect(await told(`s3://${id}:${secret}@no-such-bucket/p?endpoint=${endpoint}`)).to.match(/no such bucket/);
    expect(await told(`s3://${id}:${secret}@${bucket}/p?endpoint=http%3A%2F%2F127.0.0.1%3A1`)).to.match(
      /does not answer: ECONNREFUSED/,
    );
    expect(sentences.join('\n')).to.not.contain(secret).and.not.contain('wrongwrong');
  });

  it('takes away what unfinished uploads in parts have left', async () => {
    const prefix = randomBytes(4).toString('hex');
    const store = open(gateway.s3Url, prefix);
    const { accessKeyId, secretAccessKey, bucket } = gateway;
    const client = new S3Client({
      endpoint: gateway.s3Url,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: `${prefix}/left` }));
    await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'elsewhere' }));
    expect(await store.abortStale(Date.now() - 60_000)).to.equal(0);
    expect(await store.abortStale(Date.now() + 60_000)).to.equal(1);
    expect(await store.abortStale(Date.now() + 60_000)).to.equal(0);
    // More than a page of newer ones lie before it, of one key.
    await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: `${prefix}/old` }));
    await sleep(50);
    const now = Date.now();
    await sleep(50);
    for (let n = 0; n < 21; n++) {
      const some = Array.from({ length: 50 }, () => new CreateMultipartUploadCommand({ Bucket: bucket, Key: `${prefix}/new` }));
      await Promise.all(some.map((command) => client.send(command)));
    }
    expect(await store.abortStale(now)).to.equal(1);
    client.destroy();
    await store.close();
  });

  it('ends at once when it is closed in a pause', async () => {
    const store = open(proxy.url, undefined, { pauseMs: 60_000 });
    proxy.fault = () => 'slow-down';
    const reading = codeOf(store.read('x', 0, 1));
    while ((proxy.seen.get('slow-down') ?? 0) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await store.close();
    expect(await reading).to.equal('unavailable');
  });

  describeS3Mirror(
    () => gateway,
    () => proxy,
  );
});
