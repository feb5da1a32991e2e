import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { createPackFiles } from '#blob/pack-files';
import type { ChunkRecord } from '#contracts/content';
import type { JobContext } from '#contracts/jobs';
import { isCloudStoreError } from '#core/errors';
import { createDrainJob } from '#jobs/drain';
import { type Metadata, openMetadata } from '#metadata/open';
import { openPacks, type Packs, packBytesMax } from '../../src/packs.ts';
import { freshDatabase, quiet, type TestDatabase } from '../support/database.ts';

const clock = { now: () => Date.now() };
const DOMAIN = 1;

interface Kept {
  chunk: ChunkRecord;
  bytes: Buffer;
}

describe('packs on several disks', () => {
  let root: string;
  let database: TestDatabase;
  let metadata: Metadata;
  let packs: Packs;
  let free: Record<string, number>;
  let unsubscribe = (): void => undefined;
  const disk = (name: string): string => join(root, name);

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'cloudstore-disks-'));
    for (const name of ['a', 'b']) mkdirSync(disk(name));
    free = { packs: 100, a: 200, b: 300 };
    database = await freshDatabase({ schema: true });
    metadata = await openMetadata({ connection: database.connection, clock, random: randomBytes, log: quiet });
    const gateway = await metadata.instance.register({ host: 'here', pid: 1, version: '0' });
    unsubscribe = metadata.signals.subscribe('leases', () => void metadata.instance.heartbeat(gateway).catch(() => undefined));
    await open();
  });
  afterEach(async () => {
    await packs.close();
    unsubscribe();
    await metadata.close();
    await database.drop();
    rmSync(root, { recursive: true, force: true });
  });

  async function open(dirs = [disk('a'), disk('b')]): Promise<void> {
    packs = await openPacks({
      dataDirectory: disk('data'),
      settings: {
        'database-url': null,
        'chunks-url': null,
        'chunks-ack': 'auto',
        'chunks-local-bytes': 2 ** 30,
        'pack-dirs': dirs,
      },
      instance: metadata.instance,
      registry: metadata.stores,
      clock,
      random: randomBytes,
      logger: quiet,
      free: async (directory) => free[directory.split('/').at(-1)!] ?? 0,
    });
  }
  async function append(tell = true): Promise<Kept> {
    const bytes = randomBytes(2000);
    const place = await packs.log.append([bytes]);
    const chunk = { id: randomBytes(32), size: 1900, ...place };
    if (tell) await metadata.chunks.record(DOMAIN, [chunk], []);
    return { chunk, bytes };
  }
  /** As the engine does: the place of now, the log, else the store. */
  async function read({ chunk, bytes }: Kept): Promise<boolean> {
    const [place] = await metadata.chunks.places(DOMAIN, [chunk.id]);
    const { store, pack, offset, length } = place!;
    try {
      return (await packs.log.read(place!, 0, length)).equals(bytes);
    } catch (error) {
      if (!isCloudStoreError(error, 'not_found')) throw error;
      return (await packs.stores.of(store).read(`${pack}.pack`, offset, length)).equals(bytes);
    }
  }
  const codeOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'none',
      (error: unknown) => (isCloudStoreError(error) ? error.code : String(error)),
    );
  const numberOf = async (name: string): Promise<number> =>
    (await metadata.stores.list()).find(({ location }) => location.startsWith(`${disk(name)} on`))!.number;
  const packsIn = (name: string): string[] => readdirSync(disk(name)).filter((file) => file.endsWith('.pack'));

  it('become as large as can be copied beside them where little is free', () => {
    expect([0.1, 1, 16, 80, 4000].map((gib) => packBytesMax(gib * 2 ** 30) / 2 ** 20)).to.deep.equal(
      [8, 12.8, 204.8, 1024, 1024].map((mib) => Math.floor(mib * 2 ** 20) / 2 ** 20),
    );
  });

  it('writes where most is free, reads all, and recovers each after a crash', async () => {
    expect(packs.stores.numbers()).to.deep.equal([0, 1, 2]);
    const kept = [await append()];
    expect(kept[0]!.chunk.store).to.equal(await numberOf('b'));
    free.b = 10;
    await packs.log.seal();
    await packs.look();
    kept.push(await append());
    expect(kept[1]!.chunk.store).to.equal(await numberOf('a'));
    free.a = 10;
    await packs.log.seal();
    await packs.look();
    kept.push(await append());
    expect(kept[2]!.chunk.store).to.equal(0);
    for (const one of kept) expect(await read(one)).to.equal(true);
    // The process ends without a word: what is open is sealed by the next.
    const dead = packs;
    await open();
    for (const one of kept) expect(await read(one)).to.equal(true);
    expect(readdirSync(join(disk('data'), 'packs', 'open'))).to.deep.equal([]);
    await dead.close();
  });

  it('goes on without a disk that is missing, takes no empty directory for it, and has it again when it is back', async () => {
    const onB = await append();
    free.b = 0;
    await packs.log.seal();
    await packs.look();
    const onA = await append();
    await packs.close();
    renameSync(disk('b'), disk('elsewhere'));
    mkdirSync(disk('b')); // its mount point
    await open();
    expect(packs.stores.numbers()).to.deep.equal([0, 1]);
    expect(await read(onA)).to.equal(true);
    expect(await codeOf(read(onB))).to.equal('unavailable');
    expect((await append()).chunk.store).to.equal(1);
    expect(readdirSync(disk('b'))).to.not.include('cloudstore-store.json');
    rmSync(disk('b'), { recursive: true });
    renameSync(disk('elsewhere'), disk('b'));
    await packs.look();
    expect(await read(onB)).to.equal(true);
    expect(await metadata.stores.list()).to.have.length(3);
  });

  it('writes elsewhere when one takes no more packs', async () => {
    // As one that the system mounted read-only anew: it is there, has the most room, and no pack can be begun on it.
    const kept = [await append()];
    await packs.log.seal();
    rmSync(join(disk('b'), 'open'), { recursive: true });
    for (let n = 0; n < 3; n++) kept.push(await append());
    expect(kept.map(({ chunk }) => chunk.store)).to.deep.equal([await numberOf('b'), 1, 1, 1]);
    for (const one of kept) expect(await read(one)).to.equal(true);
  });

  it('writes nothing to what is mounted in the place of a disk that was taken away in use, and takes nothing for lost', async () => {
    const onB = await append();
    expect(onB.chunk.store).to.equal(await numberOf('b'));
    renameSync(disk('b'), disk('elsewhere'));
    mkdirSync(disk('b')); // its mount point
    await packs.look();
    expect(packs.stores.numbers()).to.deep.equal([0, 1]);
    const onA = await append();
    expect(onA.chunk.store).to.equal(1);
    expect(await codeOf(Promise.resolve().then(() => packs.stores.of(2)))).to.equal('unavailable');
    expect(readdirSync(disk('b')).filter((name) => name !== 'tmp')).to.deep.equal([]);
    rmSync(disk('b'), { recursive: true });
    renameSync(disk('elsewhere'), disk('b'));
    await packs.look();
    for (const one of [onA, onB]) expect(await read(one)).to.equal(true);
    // What was open on it is whole, and written no more.
    expect(readdirSync(join(disk('b'), 'open'))).to.deep.equal([]);
    await packs.log.seal();
    const again = await append();
    expect([again.chunk.store, again.chunk.pack === onB.chunk.pack]).to.deep.equal([2, false]);
    for (const one of [onA, onB, again]) expect(await read(one)).to.equal(true);
  });

  it('tells two disks apart that change places while they are in use', async () => {
    const onB = await append();
    free.b = 0;
    await packs.log.seal();
    await packs.look();
    const onA = await append();
    renameSync(disk('a'), disk('x'));
    renameSync(disk('b'), disk('a'));
    renameSync(disk('x'), disk('b'));
    await packs.look();
    for (const one of [onA, onB]) expect(await read(one)).to.equal(true);
    free.a = 500; // where the second disk is now
    await packs.log.seal();
    await packs.look();
    const more = await append();
    expect(more.chunk.store).to.equal(onB.chunk.store);
    expect(readdirSync(join(disk('a'), 'open'))).to.have.length(1);
    for (const one of [onA, onB, more]) expect(await read(one)).to.equal(true);
  });

  it('knows a disk by what lies on it, wherever it is mounted', async () => {
    const onB = await append();
    await packs.close();
    renameSync(disk('a'), disk('x'));
    renameSync(disk('b'), disk('a'));
    renameSync(disk('x'), disk('b'));
    await open();
    expect(await read(onB)).to.equal(true);
    expect(await numberOf('a')).to.equal(onB.chunk.store);
  });

  describe('that are emptied', () => {
    function drain(options: { signal?: AbortSignal } = {}): Promise<void> {
      const files = createPackFiles({ stores: packs.stores, log: packs.log });
      const job = createDrainJob({
        registry: metadata.stores,
        stores: packs.stores,
        files,
        collection: metadata.collection,
        roomiest: packs.roomiest,
        heardMs: 0,
        patienceMs: 60_000,
        pollMs: 20,
      });
      const context: JobContext = {
        signal: options.signal ?? new AbortController().signal,
        state: null,
        argument: null,
        save: async () => undefined,
        progress: () => undefined,
      };
      return job.run(context);
    }
    async function fill(): Promise<Kept[]> {
      const kept: Kept[] = [];
      for (let n = 0; n < 6; n++) {
        kept.push(await append(), await append());
        await packs.log.seal();
      }
      return kept;
    }

    it('move their packs to others, and take no new ones', async () => {
      const kept = await fill();
      const number = await numberOf('b');
      await metadata.stores.update(number, { state: 'draining' });
      await packs.look();
      await drain();
      expect(packsIn('b')).to.deep.equal([]);
      expect(await metadata.stores.holds(number)).to.equal(false);
      expect(packsIn('a')).to.have.length(6);
      for (const one of kept) expect(await read(one)).to.equal(true);
      expect((await append()).chunk.store).to.equal(await numberOf('a'));
    });

    it('keep the place of an upload that tells of its record after the move', async () => {
      const lease = await metadata.chunks.lease();
      const late = await append(false);
      const number = await numberOf('b');
      await metadata.stores.update(number, { state: 'draining' });
      await packs.look();
      const draining = drain();
      while (packsIn('a').length === 0) await sleep(10);
      await sleep(200);
      expect(packsIn('b')).to.have.length(1); // the upload still runs
      await metadata.chunks.record(DOMAIN, [late.chunk], []);
      lease.end();
      await draining;
      expect(packsIn('b')).to.deep.equal([]);
      expect(await read(late)).to.equal(true);
    });

    it('are emptied also while another one is missing', async () => {
      const kept: Kept[] = [];
      for (const name of ['a', 'b']) {
        free = { packs: 1, a: 1, b: 1, [name]: 500 };
        await packs.look();
        kept.push(await append());
        await packs.log.seal();
      }
      const [missing, there] = [await numberOf('a'), await numberOf('b')];
      expect(missing).to.be.below(there);
      renameSync(disk('a'), disk('elsewhere'));
      for (const number of [missing, there]) await metadata.stores.update(number, { state: 'draining' });
      await packs.look();
      expect(await codeOf(drain())).to.equal('unavailable');
      expect([packsIn('b'), await metadata.stores.holds(there), await read(kept[1]!)]).to.deep.equal([[], false, true]);
    });

    it('go on where they were interrupted', async () => {
      const kept = await fill();
      const number = await numberOf('b');
      await metadata.stores.update(number, { state: 'draining' });
      await packs.look();
      const stop = new AbortController();
      const running = codeOf(drain({ signal: stop.signal }));
      while (packsIn('a').length < 2) await sleep(1);
      stop.abort();
      await running;
      for (const one of kept) expect(await read(one)).to.equal(true);
      await drain();
      expect([packsIn('b'), await metadata.stores.holds(number)]).to.deep.equal([[], false]);
      for (const one of kept) expect(await read(one)).to.equal(true);
    });

    it('stay full when nothing else takes packs', async () => {
      await fill();
      for (const { number } of await metadata.stores.list()) await metadata.stores.update(number, { state: 'draining' });
      await packs.look();
      expect(await codeOf(drain())).to.equal('insufficient_storage');
      expect(await codeOf(append())).to.equal('unavailable');
    });
  });
});
