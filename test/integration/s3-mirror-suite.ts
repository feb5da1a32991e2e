import { randomBytes } from 'node:crypto';
import { readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createS3Store, type S3Store } from '#blob/s3';
import { MIRROR_MARK, writeIdentity } from '#blob/store-identity';
import type { JobContext } from '#contracts/jobs';
import { isCloudStoreError } from '#core/errors';
import { parseS3Location, type S3Location } from '#core/s3-location';
import { bytesOf, collect } from '#core/stream';
import { createPace } from '#engine/pace';
import { createMirrorJob, type MirrorDeps } from '#jobs/mirror';
import { quiet } from '../support/database.ts';
import type { FaultyProxy, ProxyFault } from '../support/faulty-proxy.ts';
import type { TestGateway } from '../support/gateway.ts';
import { diceOf, SEED, seededRandom } from '../support/random.ts';
import { openScrubRig, type ScrubRig } from '../support/scrub-rig.ts';

const PASSING: ProxyFault[] = ['reset', 'lost', 'slow-down', 'internal', 'cut', 'cut-request'];

/** Second copies of packs in S3, behind a network that is what it is told to be. */
export function describeS3Mirror(gateway: () => TestGateway, proxy: () => FaultyProxy): void {
  describe('a mirror in S3', () => {
    const random = seededRandom(`s3 mirror ${SEED}`);
    const files: Record<string, Buffer> = { small: random(4_000), text: random(30_000), big: random(17_000_000) };
    let rig: ScrubRig;
    let location: S3Location;
    let direct: S3Store;
    let state: unknown = null;

    const at = (prefix: string, endpoint: string): S3Location => {
      const { accessKeyId, secretAccessKey, bucket } = gateway();
      const credentials = `${accessKeyId}:${secretAccessKey}`;
      return parseS3Location(`s3://${credentials}@${bucket}/${prefix}?endpoint=${encodeURIComponent(endpoint)}`);
    };
    beforeEach(async () => {
      const prefix = `mirror-${randomBytes(4).toString('hex')}`;
      location = at(prefix, proxy().url);
      direct = createS3Store({ location: at(prefix, gateway().s3Url), random: randomBytes });
      state = null;
      rig = await openScrubRig({ mirror: { kind: 's3', location } });
      for (const [key, bytes] of Object.entries(files)) await rig.put(key, bytes);
      await rig.seal();
    });
    afterEach(async () => {
      proxy().fault = () => null;
      await direct.close();
      await rig.close();
    });

    async function run(of: ScrubRig = rig, more: Partial<MirrorDeps> = {}, context: Partial<JobContext> = {}) {
      const { stores, inspector, mirror } = of.storage();
      let counts: Record<string, number> = {};
      const job = createMirrorJob({
        stores,
        mirror: mirror!,
        packs: inspector,
        rows: of.metadata.integrity,
        pace: createPace({ bytesPerSecond: 1e12, busy: () => false }),
        clock: { now: () => Date.now() },
        logger: quiet,
        everyMs: 1,
        ...more,
      });
      await job.run({
        signal: new AbortController().signal,
        state: structuredClone(state),
        argument: null,
        save: async (saved) => void (state = structuredClone(saved)),
        progress: (one) => void (counts = { ...one.counts }),
        ...context,
      });
      return counts;
    }
    const refusal = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'nothing was refused',
        (error: unknown) => (isCloudStoreError(error) ? `${error.code}: ${error.message}` : String(error)),
      );
    async function copies(): Promise<string[]> {
      const names: string[] = [];
      for await (const { name } of direct.list('')) if (name.endsWith('.pack')) names.push(name);
      return names;
    }
    async function expectCopies(): Promise<void> {
      expect(await copies()).to.deep.equal(rig.packs());
      for (const name of rig.packs()) {
        const bytes = readFileSync(join(rig.directory, 'packs', name));
        expect((await direct.read(name, 0, bytes.length)).equals(bytes), name).to.equal(true);
      }
    }
    async function expectAllGood(): Promise<void> {
      for (const [key, bytes] of Object.entries(files)) {
        const read = await rig.read(key);
        expect(typeof read === 'string' ? read : read.equals(bytes), key).to.equal(true);
      }
    }
    const spoil = (bytes: Buffer): undefined => {
      random(40_000).copy(bytes, 100);
    };

    it('is filled and caught up with behind a network that fails at every third request, and copies nothing twice', async () => {
      const dice = diceOf(`s3 mirror ${SEED}`);
      let count = 0;
      proxy().fault = () => (++count % 3 === 0 ? dice.pick(PASSING) : null);
      expect(await run()).to.include({ copied: rig.packs().length });
      await expectCopies();
      await rig.put('later', random(50_000));
      await rig.seal();
      expect(await run()).to.include({ copied: 1, replaced: 0 });
      await expectCopies();
      expect(await run()).to.include({ copied: 0, replaced: 0, removed: 0 });
    });

    it('heals what is damaged, puts back what is missing, and goes through every copy from where it was', async () => {
      await run();
      const packs = rig.packs();
      await rig.storage().close();
      unlinkSync(join(rig.directory, 'packs', packs[0]!));
      await rig.seal();
      expect((await rig.scrub()).counts).to.include({ lost: 0 });
      expect(rig.packs()).to.include(packs[0]);
      await expectAllGood();
      for (const pack of packs) await rig.damage(pack, spoil);
      await expectAllGood();
      expect((await rig.scrub()).counts).to.include({ lost: 0 });
      await rig.seal();
      expect(await rig.metadata.integrity.damageCount()).to.equal(0);

      await run();
      const [first, ...others] = await copies();
      const bad = (await copies()).at(-1)!;
      const size = (await direct.stat(bad))!.size;
      await direct.remove(bad);
      await direct.put(bad, bytesOf(random(size)), size);
      const stop = new AbortController();
      const stopped = run(
        rig,
        { checkMs: 0 },
        {
          signal: stop.signal,
          save: async (saved) => {
            state = structuredClone(saved);
            stop.abort();
          },
        },
      );
      expect(await refusal(stopped)).to.not.equal('nothing was refused');
      expect(state).to.include({ checking: first!.slice(0, 32) });
      expect(await run(rig, { checkMs: 0 })).to.include({ checked: others.length, replaced: 1, copied: 1 });
      const good = readFileSync(join(rig.directory, 'packs', bad));
      expect((await direct.read(bad, 0, good.length)).equals(good)).to.equal(true);
    });

    it('out of reach hinders no write and no read of what is good; what waits is copied afterwards', async () => {
      await run();
      proxy().fault = () => 'reset';
      files.waiting = random(40_000);
      await rig.put('waiting', files.waiting);
      await rig.seal();
      const before = proxy().seen.get('reset') ?? 0;
      await expectAllGood();
      expect(proxy().seen.get('reset') ?? 0).to.equal(before); // nobody asked it
      expect(await refusal(run())).to.match(/^unavailable: /);
      const [pack] = rig.packs() as [string];
      await rig.damage(pack, spoil);
      // What is damaged cannot be read then, and is not given up for good.
      const read = await Promise.all(Object.keys(files).map((key) => rig.read(key)));
      expect(read).to.include('corrupt');
      for (const [n, key] of Object.keys(files).entries())
        expect(typeof read[n] === 'string' ? read[n] : read[n]!.equals(files[key]!), key).to.be.oneOf([true, 'corrupt']);
      proxy().fault = () => null;
      expect((await rig.scrub()).counts).to.include({ lost: 0 });
      await expectAllGood();
      expect((await run()).copied).to.be.at.least(1);
      delete files.waiting;
    });

    it("is refused where it is another installation's, one that lost its mark, another one, or a store of packs", async () => {
      await run();
      const others = await openScrubRig({ mirror: { kind: 's3', location } });
      try {
        await others.put('foreign', random(20_000));
        await others.seal();
        const before = await copies();
        expect(await refusal(run(others))).to.match(/^unavailable: .* is that of another installation/);
        // Without its mark too: packs say whose they are.
        const mark = await collect(bytesOf(await direct.read(MIRROR_MARK, 0, 66)), 100, () => new Error('too large'));
        await direct.remove(MIRROR_MARK);
        expect(await refusal(run(others))).to.match(/^unavailable: .* is that of another installation/);
        await rig.seal();
        state = null;
        expect(await refusal(run())).to.match(/^unavailable: .* is not the one that was written there before/);
        const stale = Buffer.from(`${'5'.repeat(32)}${mark.toString('latin1', 32)}`);
        await direct.put(MIRROR_MARK, bytesOf(stale), stale.length);
        expect(await refusal(run())).to.match(/^unavailable: .* is not the one that was written there before/);
        expect(await copies()).to.deep.equal(before);
        // Put right, and without a restart.
        await direct.remove(MIRROR_MARK);
        await direct.put(MIRROR_MARK, bytesOf(mark), mark.length);
        expect(await run()).to.include({ copied: 0 });
      } finally {
        await others.close();
      }
      const prefix = `store-${randomBytes(4).toString('hex')}`;
      const chunks = createS3Store({ location: at(prefix, gateway().s3Url), random: randomBytes });
      await writeIdentity(chunks, { instance: '1'.repeat(32), store: '2'.repeat(32) });
      await chunks.close();
      const wrong = await openScrubRig({ mirror: { kind: 's3', location: at(prefix, gateway().s3Url) } });
      expect(await refusal(run(wrong))).to.match(/^unavailable: .* is a store of packs itself/);
      await wrong.close();
    });
  });
}
