import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { createS3Store } from '#blob/s3';
import { IDENTITY_NAME, readIdentity, writeIdentity } from '#blob/store-identity';
import type { ChunkPlace } from '#contracts/content';
import { isCloudStoreError } from '#core/errors';
import { parseS3Location } from '#core/s3-location';
import { type Metadata, openMetadata } from '#metadata/open';
import { openPacks, type Packs } from '../../src/packs.ts';
import { freshDatabase, quiet, type TestDatabase } from '../support/database.ts';
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';

const clock = { now: () => Date.now() };

interface Kept {
  place: ChunkPlace;
  bytes: Buffer;
}

/** One gateway whose packs go to S3, and an S3 that goes away. */
describe('packs that are sent on', function () {
  this.timeout(180_000);
  let store: TestGateway;
  let proxy: FaultyProxy;
  let database: TestDatabase;
  let metadata: Metadata;
  let directory: string;
  let packs: Packs;

  before(async () => {
    store = await startGateway();
    proxy = await startFaultyProxy(store.s3Url);
    database = await freshDatabase({ schema: true });
    metadata = await openMetadata({ connection: database.connection, clock, random: randomBytes, log: quiet });
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-remote-'));
  });
  after(async () => {
    await packs?.close();
    await metadata?.close();
    await database?.drop();
    await proxy?.close();
    await store?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function open(name = 'one', prefix = 'packs'): Promise<Packs> {
    const { accessKeyId, secretAccessKey, bucket } = store;
    return openPacks({
      dataDirectory: join(directory, name),
      settings: {
        'database-url': null,
        'chunks-url': `s3://${accessKeyId}:${secretAccessKey}@${bucket}/${prefix}?endpoint=${encodeURIComponent(proxy.url)}`,
        'chunks-ack': 'auto',
        'chunks-local-bytes': 2 ** 30,
        'pack-dirs': [],
      },
      instance: metadata.instance,
      registry: metadata.stores,
      clock,
      random: randomBytes,
      logger: quiet,
    });
  }
  async function append(): Promise<Kept> {
    const bytes = randomBytes(100_000);
    return { place: await packs.log.append([bytes]), bytes };
  }
  async function read({ place, bytes }: Kept): Promise<boolean> {
    try {
      return (await packs.log.read(place, 0, place.length)).equals(bytes);
    } catch (error) {
      if (!isCloudStoreError(error, 'not_found')) throw error;
      return (await packs.stores.of(place.store).read(`${place.pack}.pack`, place.offset, place.length)).equals(bytes);
    }
  }
  const waiting = (): string[] => readdirSync(join(directory, 'one', 'spool')).filter((name) => name.endsWith('.pack'));
  /** The job, until nothing waits. */
  async function send(): Promise<void> {
    const stop = new AbortController();
    await packs.log.seal();
    const [job] = packs.jobs;
    const running = job!.run({
      signal: stop.signal,
      state: null,
      argument: null,
      save: async () => undefined,
      progress: () => undefined,
    });
    while (waiting().length > 0) await sleep(20);
    stop.abort();
    await running;
  }

  it('goes on when the store is away, also through a restart, and sends all when it is back', async () => {
    packs = await open();
    const kept = [await append()];
    await send();
    proxy.fault = () => 'reset';
    kept.push(await append());
    await packs.close();
    packs = await open(); // the store is still away
    for (const one of kept) expect(await read(one)).to.equal(true);
    kept.push(await append());
    await packs.log.seal();
    expect(waiting()).to.have.length(2);
    proxy.fault = () => null;
    await send();
    rmSync(join(directory, 'one', 'spool', 'cache'), { recursive: true });
    await packs.close();
    packs = await open();
    for (const one of kept) expect(await read(one)).to.equal(true);
  });

  it('starts without an answer only where packs may be on their way', async () => {
    proxy.fault = () => 'reset';
    const refused = await open('two').then(
      () => '',
      (error: Error) => error.message,
    );
    proxy.fault = () => null;
    expect(refused).to.contain('does not answer');
  });

  it('refuses another prefix, whether it answers at the start or later', async () => {
    await packs.close();
    const refused = await open('one', 'others').then(
      () => '',
      (error: Error) => error.message,
    );
    expect(refused).to.contain('is not the store of packs that the database knows');
    proxy.fault = () => 'reset';
    packs = await open('one', 'others');
    const one = await append();
    await packs.log.seal();
    proxy.fault = () => null;
    const put = packs.stores.of(one.place.store).put('x', (async function* () {})(), 0);
    expect(
      await put.then(
        () => '',
        (error: Error) => error.message,
      ),
    ).to.contain('is not the store of packs');
    await packs.close();
    packs = await open();
    await send();
    expect(await read(one)).to.equal(true);
  });

  it('removes nothing from a store that another installation has taken over', async () => {
    const kept = await append();
    await send();
    const blobs = packs.stores.of(kept.place.store);
    const name = `${kept.place.pack}.pack`;
    const { accessKeyId, secretAccessKey, bucket } = store;
    const url = `s3://${accessKeyId}:${secretAccessKey}@${bucket}/packs?endpoint=${encodeURIComponent(store.s3Url)}`;
    const other = createS3Store({ location: parseS3Location(url), random: randomBytes });
    const { instance, store: before } = (await readIdentity(other))!;
    await other.remove(IDENTITY_NAME);
    await writeIdentity(other, { instance, store: 'a'.repeat(32) });
    const why = await blobs.remove(name).then(
      () => 'it was removed',
      (error: Error) => error.message,
    );
    expect(why).to.contain('was taken over by another installation');
    expect(await other.stat(name)).to.not.equal(null);
    await other.remove(IDENTITY_NAME);
    await writeIdentity(other, { instance, store: before });
    await blobs.remove(name);
    expect(await other.stat(name)).to.equal(null);
    await other.close();
  });
});
