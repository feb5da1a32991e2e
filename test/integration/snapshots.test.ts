import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { createShelf } from '#blob/shelf';
import type { DumpStore } from '#contracts/dump-store';
import type { Shelf } from '#contracts/shelf';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { createRunner } from '#jobs/runner';
import { restoreDump } from '#metadata/dump/restore';
import { findGoodChain, openersOf, snapshotFiles, snapshotJob, takeSnapshot } from '../../src/snapshots.ts';
import { freshDatabase, quiet } from '../support/database.ts';
import { contentsOf } from '../support/dump-chain.ts';
import { type FaultyDisk, faultyDisk } from '../support/faulty-disk.ts';
import { type MemoryDisk, memoryDisk } from '../support/memory-disk.ts';
import { type MetadataRig, openMetadataRig, putIntent } from '../support/metadata-rig.ts';

describe('snapshots', function () {
  this.timeout(180_000);
  const masterKey = randomBytes(32);
  let rig: MetadataRig;
  let bucket: Awaited<ReturnType<MetadataRig['bucket']>>;
  let memory: MemoryDisk;
  let disk: FaultyDisk;
  let shelf: Shelf;
  before(async () => {
    rig = await openMetadataRig('one gateway');
    bucket = await rig.bucket();
  });
  after(() => rig.close());
  beforeEach(() => {
    memory = memoryDisk();
    disk = faultyDisk(memory);
    shelf = createShelf({ directory: '/snapshots', disk });
  });

  const put = (key: string) => rig.store.commit(putIntent(bucket, key));
  const take = (key = masterKey) => takeSnapshot({ dumps: rig.gateways[0]!.dumps, shelf, masterKey: key, random: randomBytes });
  const names = async () => snapshotFiles(await shelf.list());

  it('are a base, then changes, and nothing when nothing has changed', async () => {
    const base = await take();
    await put('one');
    const changes = await take();
    expect([base.length, changes.length]).to.deep.equal([1, 2]);
    expect(await take()).to.deep.equal(changes);
    expect((await names()).map(({ parent }) => parent)).to.deep.equal([null, base.id]);
  });

  it('cost what has changed, and not what there is', async () => {
    for (let index = 0; index < 40; index++) await Promise.all(Array.from({ length: 25 }, (_, n) => put(`many/${index}/${n}`)));
    const base = await take();
    await put('one more');
    const { changesBytes } = await take();
    expect(base.baseBytes).to.be.above(50_000);
    expect(changesBytes).to.be.below(5_000);
    // A folder of a thousand is moved by one row of the journal: all of it has changed.
    const { who } = bucket;
    await rig.store.move({
      who,
      from: { bucket: bucket.id, key: 'many/' },
      to: { bucket: bucket.id, key: 'moved/' },
      overwrite: false,
    });
    expect((await take()).changesBytes).to.be.above(20_000);
  });

  it('begin anew under another master key, and where the files are gone', async () => {
    await take();
    const other = randomBytes(32);
    expect((await take(other)).length).to.equal(1);
    expect((await findGoodChain(shelf, other)).chain).to.have.length(1);
    expect((await findGoodChain(shelf, masterKey)).skipped.map(({ why }) => why).join()).to.contain('another master key');
    for (const { name } of await shelf.list()) await shelf.remove(name);
    expect((await take(other)).length).to.equal(1);
  });

  it('are whole, or not there, whatever call of the disk fails and whenever the power goes; what is not in one is in the next', async () => {
    for (let failing = 1; ; failing++) {
      await put(`fault/${failing}`);
      let calls = 0;
      disk.fault = (_call, path) =>
        path.startsWith('/snapshots') && ++calls === failing ? Object.assign(new Error('EIO'), { code: 'EIO' }) : null;
      const through = await take().then(
        () => true,
        (error: unknown) => {
          if (!isCloudStoreError(error, 'unavailable')) throw error;
          return false;
        },
      );
      disk.fault = null;
      memory.crash((bytes) => Math.floor(bytes / 2));
      if ((await names()).length > 0) expect((await findGoodChain(shelf, masterKey)).skipped).to.deep.equal([]);
      const tip = await take();
      // It said that it was there: so it is, after the next power cut too.
      memory.crash();
      const { chain } = await findGoodChain(shelf, masterKey);
      expect(chain.at(-1)?.id).to.equal(tip.id);
      if (!through || calls >= failing) continue;
      expect(failing).to.be.above(5);
      const target = await freshDatabase();
      try {
        await restoreDump({
          connection: target.connection,
          chain: openersOf(shelf, chain, masterKey),
          clock: rig.clock,
          log: quiet,
        });
        expect(await contentsOf(target)).to.deep.equal(await contentsOf(rig.database));
      } finally {
        await target.drop();
      }
      return;
    }
  });

  it('of an old chain go when newer ones are there; the newest stays whole', async () => {
    for (let index = 0; index < 5; index++) {
      await put(`chain/${index}`);
      await takeSnapshot({ dumps: rig.gateways[0]!.dumps, shelf, masterKey, random: randomBytes }, true);
      await put(`chain/${index}/more`);
      await take();
    }
    const files = await names();
    expect(files.filter(({ parent }) => parent === null)).to.have.length(3);
    expect((await findGoodChain(shelf, masterKey)).skipped).to.deep.equal([]);
  });

  it('are waited for by collection while a backup runs', async () => {
    const [metadata] = rig.gateways;
    const { instance, collection, pin } = metadata!;
    const gateway = await instance.register({ host: 'here', pid: 1, version: 'backup' });
    // A turn is under way when the backup begins: what it has not condemned yet must stay too.
    const running = await collection.nextTurn();
    await instance.heartbeat(gateway);
    expect(await collection.waitingFor(running)).to.equal(0);
    const lease = pin();
    await instance.heartbeat(gateway);
    expect(await collection.waitingFor(running)).to.equal(1);
    expect(await collection.waitingFor(await collection.nextTurn())).to.equal(1);
    lease.end();
    await instance.heartbeat(gateway);
    expect(await collection.waitingFor(running)).to.equal(0);
    await instance.unregister(gateway);
  });

  /** By a clock that the test turns, the database's too. */
  it('put five minutes at stake at most, also where a base takes nearly as long, and where one fails', async () => {
    const own = await openMetadataRig('one gateway');
    const { sql } = own.database;
    const [{ jobStore: store, signals, dumps }] = own.gateways as [(typeof own.gateways)[0]];
    await sql('CREATE TABLE test_clock AS SELECT $1::bigint AS ms', [own.clock.now()]);
    await sql('CREATE OR REPLACE FUNCTION cs_now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT ms FROM test_clock $$');
    const begun = own.clock.now();
    const home = await own.bucket();
    const taken = { base: 0, changes: 0, failed: 0 };
    let atStake = 0;
    let writes = 0;
    /** Somebody always writes. */
    const pass = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 90_000) {
        await own.store.commit(putIntent(home, `${++writes}`));
        own.clock.advance(Math.min(left, 90_000));
        await sql('UPDATE test_clock SET ms = $1', [own.clock.now()]);
      }
      const newest = (await names()).reduce((latest, { takenMs }) => Math.max(latest, takenMs), begun);
      atStake = Math.max(atStake, own.clock.now() - newest);
    };
    const slow: DumpStore = {
      tip: () => dumps.tip(),
      take: (plan, write) =>
        dumps.take(plan, async (dump) => {
          const kind = dump.parent === null ? 'base' : 'changes';
          await pass(kind === 'base' && taken.base > 0 ? 270_000 : 2_000); // the first base is of what is empty yet
          if (kind === 'changes' && ++taken[kind] === 3) {
            taken.failed++;
            throw new CloudStoreError('unavailable', 'planted');
          }
          if (kind === 'base') taken[kind]++;
          await write(dump);
          return { bytes: 32 << 20 }; // so that each has outgrown its base
        }),
    };
    const job = snapshotJob({ dumps: slow, shelf, masterKey: () => masterKey, random: randomBytes });
    const runner = createRunner({ jobs: [job], store, signals, clock: own.clock, random: randomBytes, log: quiet, pollMs: 5 });
    await runner.start();
    try {
      while (taken.changes < 6) {
        await pass(20_000);
        const due = 'SELECT holder IS NOT NULL OR requested OR since_ms + $1 <= cs_now_ms() FROM jobs WHERE name = $2';
        while ((await sql(due, [job.everyMs, job.name]))[0]?.[0]) await sleep(5);
      }
    } finally {
      await runner.close();
      await own.close();
    }
    expect(atStake / 60_000).to.be.within(4, 5);
    expect(taken).to.include({ base: 2, failed: 1 });
  });
});
