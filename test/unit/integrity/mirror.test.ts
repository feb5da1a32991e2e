import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLateStore } from '#blob/late-store';
import { createLocalDisk } from '#blob/local-disk';
import type { JobContext } from '#contracts/jobs';
import { createPace } from '#engine/pace';
import { createMirrorJob, type MirrorDeps } from '#jobs/mirror';
import { describeBlobStore } from '../../conformance/blob-store.ts';
import { quiet } from '../../support/database.ts';
import { diceOf, SEED, seededRandom } from '../../support/random.ts';
import { openScrubRig, type ScrubRig } from '../../support/scrub-rig.ts';

describeBlobStore('one that is opened late', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cloudstore-late-'));
  let tries = 0;
  const store = createLateStore(
    async () => {
      if (tries++ === 0) throw new Error('not mounted yet');
      return createLocalDisk({ directory, disk: nodeDiskOps() });
    },
    { shared: false, randomAccess: true },
  );
  await store.stat('none').catch(() => null);
  return { store, clean: () => rmSync(directory, { recursive: true, force: true }) };
});

describe(`mirror (seed ${SEED})`, function () {
  this.timeout(process.env.CLOUDSTORE_TEST_LONG === '1' ? 1_200_000 : 120_000);
  const random = seededRandom(`mirror ${SEED}`);
  let rig: ScrubRig;
  let mirror: string;
  const files: Record<string, Buffer> = { small: random(4_000), text: random(30_000), big: random(1_500_000) };

  beforeEach(async () => {
    mirror = mkdtempSync(join(tmpdir(), 'cloudstore-mirror-'));
    rig = await openScrubRig({ mirror: { kind: 'directory', directory: mirror } });
    for (const [key, bytes] of Object.entries(files)) await rig.put(key, bytes);
    await rig.seal();
    await run();
  });
  afterEach(async () => {
    await rig.close();
    rmSync(mirror, { recursive: true, force: true });
  });

  let state: unknown = null;
  async function run(more: Partial<MirrorDeps> = {}): Promise<Record<string, number>> {
    const { stores, inspector, mirror: store } = rig.storage();
    let counts: Record<string, number> = {};
    const job = createMirrorJob({
      stores,
      mirror: store!,
      packs: inspector,
      rows: rig.metadata.integrity,
      pace: createPace({ bytesPerSecond: 1e12, busy: () => false }),
      clock: { now: () => Date.now() },
      logger: quiet,
      everyMs: 1,
      ...more,
    });
    const context: JobContext = {
      signal: new AbortController().signal,
      state,
      argument: null,
      save: async (saved) => void (state = saved),
      progress: (one) => void (counts = one.counts ?? {}),
    };
    await job.run(context);
    return counts;
  }

  const copies = (): string[] =>
    readdirSync(join(mirror, 'packs'))
      .filter((name) => name.endsWith('.pack'))
      .sort();
  async function expectAllGood(): Promise<void> {
    for (const [key, bytes] of Object.entries(files)) {
      const read = await rig.read(key);
      expect(typeof read === 'string' ? read : read.equals(bytes), key).to.equal(true);
    }
  }

  it('has every sealed pack, byte for byte, and copies nothing twice', async () => {
    expect(copies()).to.deep.equal(rig.packs());
    for (const pack of copies())
      expect(readFileSync(join(mirror, 'packs', pack)).equals(readFileSync(join(rig.directory, 'packs', pack)))).to.equal(true);
    expect(await run()).to.include({ copied: 0, replaced: 0, removed: 0 });
  });

  it('heals whatever is damaged, at random places, by scrub and by reads alike', async () => {
    for (let round = 0; round < (process.env.CLOUDSTORE_TEST_LONG === '1' ? 100 : 4); round++) {
      const dice = diceOf(`mirror ${SEED} ${round}`);
      for (const pack of rig.packs()) {
        await rig.damage(pack, (bytes) => {
          if (dice.chance(0.15)) return bytes.subarray(0, dice.below(bytes.length));
          for (let hits = 1 + dice.below(6); hits > 0; hits--) {
            const at = dice.below(bytes.length);
            random(Math.min(bytes.length - at, 1 + dice.below(5_000))).copy(bytes, at);
          }
          return undefined;
        });
      }
      if (dice.chance(0.5)) await expectAllGood();
      const { counts } = await rig.scrub();
      expect(counts.lost, `round ${round}: ${JSON.stringify(counts)}`).to.equal(0);
      await expectAllGood();
      expect(await rig.metadata.integrity.damageCount()).to.equal(0);
      await rig.seal();
      await run();
    }
  });

  it('says whether its copy could heal a chunk', async () => {
    const { repair } = rig.storage();
    const pack = rig.packs()[0]!;
    const [row] = await rig.metadata.integrity.chunksOf(pack.slice(0, 32));
    const copy = join(mirror, 'packs', pack);
    expect(await repair.secondCopy(row!)).to.equal('good');
    const bytes = readFileSync(copy);
    const { offset, length } = row!.place;
    bytes[offset + length - 20]! ^= 1;
    writeFileSync(copy, bytes);
    expect(await repair.secondCopy(row!), 'one bit, which its checksum tells').to.equal('good');
    for (const at of [1, 2, 3]) bytes[offset + length - 20 - at]! ^= 0xa5;
    writeFileSync(copy, bytes);
    expect(await repair.secondCopy(row!)).to.equal('damaged');
    const place = { ...row!.place, pack: 'f'.repeat(32) };
    expect(await repair.secondCopy({ ...row!, place })).to.equal('missing');
    expect(await rig.metadata.integrity.damageCount(), 'it only looks').to.equal(0);
  });

  it('puts a pack back that is missing', async () => {
    const lost = rig.packs();
    await rig.storage().close();
    for (const pack of lost) unlinkSync(join(rig.directory, 'packs', pack));
    await rig.seal();
    expect(await run(), 'the mirror keeps what is missing').to.include({ removed: 0 });
    expect((await rig.scrub()).counts).to.include({ lost: 0 });
    expect(rig.packs()).to.include.members(lost);
    await expectAllGood();
  });

  it('lets a copy go a while after its pack was collected, not before', async () => {
    await rig.rooms.namespace.remove(rig.rooms.who(rig.owner), { bucket: rig.bucket.id, key: 'big' });
    const before = copies().length;
    await rig.damageRows('DELETE FROM chunks');
    await rig.storage().close();
    unlinkSync(join(rig.directory, 'packs', rig.packs()[0]!));
    await rig.seal();
    expect(await run()).to.include({ removed: 0 });
    expect(copies()).to.have.length(before);
    expect(await run({ graceMs: 0 })).to.include({ removed: 1 });
    expect(copies()).to.have.length(before - 1);
  });

  it('makes a copy anew that has gone bad', async () => {
    const path = join(mirror, 'packs', copies()[0]!);
    const bytes = readFileSync(path);
    bytes[500]! ^= 1;
    writeFileSync(path, bytes);
    expect(await run({ checkMs: 0 })).to.include({ replaced: 1, copied: 1 });
    expect(readFileSync(path).equals(readFileSync(join(rig.directory, 'packs', copies()[0]!)))).to.equal(true);
  });

  it('writes nothing where its disk is not mounted', async () => {
    await rig.storage().close();
    const elsewhere = `${mirror}.unmounted`;
    renameSync(mirror, elsewhere);
    await rig.seal();
    const failure = await run().then(
      () => null,
      (error: Error) => error.message,
    );
    expect(failure).to.contain('mount its disk');
    expect(readdirSync(tmpdir())).to.not.include(mirror.slice(tmpdir().length + 1));
    await expectAllGood();
    // Mounted again, without a restart.
    renameSync(elsewhere, mirror);
    expect(await run()).to.include({ copied: 0 });
  });
});
