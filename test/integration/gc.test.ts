import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { type GcRig, openGcRig } from '../support/gc-rig.ts';
import { address, putIntent } from '../support/metadata-rig.ts';
import { codeOf } from '../support/rooms.ts';

const MIB = 1 << 20;

describe('collection, on disk and in the database', () => {
  let rig: GcRig;
  before(async () => {
    rig = await openGcRig();
  });
  after(() => rig.close());

  it('gives back what nobody refers to, and nothing else', async () => {
    const kept = new Map<string, Buffer>();
    for (let n = 0; n < 6; n++) {
      const [big, small] = [randomBytes(5 * MIB), randomBytes(20_000)];
      await rig.put(`gone/${n}`, big);
      await rig.put(`gone/small-${n}`, small);
      const half = n % 2 === 0 ? Buffer.concat([big.subarray(0, 3 * MIB), randomBytes(MIB)]) : randomBytes(3 * MIB);
      for (const [key, bytes] of [
        [`kept/${n}`, half],
        [`kept/small-${n}`, randomBytes(20_000)],
        [`kept/tiny-${n}`, randomBytes(99)],
      ] as const) {
        await rig.put(key, bytes);
        kept.set(key, bytes);
      }
    }
    const before = rig.packBytes();
    expect(await rig.gc()).to.include({ removedChunks: 0, removedLeaves: 0, removedPacks: 0 });
    for (let n = 0; n < 6; n++) {
      await rig.purge(`gone/${n}`);
      await rig.purge(`gone/small-${n}`);
    }
    const dry = await rig.gc({}, { argument: { dryRun: true } });
    expect(dry.removedBytes).to.be.greaterThan(10 * MIB);
    const counts = await rig.gc();
    expect(counts).to.include({ removedChunks: dry.removedChunks, removedLeaves: 6, waitingForUploads: 0 });
    expect(counts.freedBytes).to.be.greaterThan(10 * MIB);
    for (const [key, bytes] of kept) expect((await rig.read(key)).equals(bytes), key).to.equal(true);
    const live = [...kept.values()].reduce((sum, { length }) => sum + length, 0);
    await rig.gc();
    expect(rig.packBytes()).to.be.lessThan(before / 2 + 9 * MIB);
    expect(rig.packBytes()).to.be.lessThan(live * 1.35 + MIB);
    for (const [key, bytes] of kept) expect((await rig.read(key)).equals(bytes), key).to.equal(true);
  });

  it('counts exactly what is alive, in packs and in the domain', async () => {
    const [[wrong]] = (await rig.metadata.database.sql(`SELECT count(*)::int FROM packs p FULL JOIN
      (SELECT pack, count(*) AS n, sum(length) AS z FROM chunks GROUP BY pack) c ON c.pack = p.id
      WHERE coalesce(p.live_chunks, 0) <> coalesce(c.n, 0) OR coalesce(p.live_bytes, 0) <> coalesce(c.z, 0)`)) as [[number]];
    expect(wrong).to.equal(0);
    const [sums] = await rig.metadata.database.sql(
      `SELECT sum(versions)::int, sum(version_bytes)::int, sum(chunks)::int, sum(plain_bytes)::int, sum(stored_bytes)::int FROM space WHERE domain = $1`,
      [rig.home.domain],
    );
    const [counted] = await rig.metadata.database.sql(
      `SELECT (SELECT count(*)::int FROM versions WHERE content IS NOT NULL), (SELECT sum(size)::int FROM versions),
              (SELECT count(*)::int FROM chunks), (SELECT sum(size)::int FROM chunks), (SELECT sum(length)::int FROM chunks)`,
    );
    expect(sums).to.deep.equal(counted);
  });

  it('waits for an upload that has claimed what it would remove, and leaves it alone', async () => {
    const bytes = randomBytes(3 * MIB);
    await rig.put('doomed', bytes);
    await rig.purge('doomed');
    const body = async function* () {
      yield bytes;
    };
    const staged = await rig.content.write(body(), { domain: rig.home.domain, size: bytes.length });
    expect(staged.chunks, 'all was claimed').to.have.length(0);
    const waiting = await rig.gc({ patienceMs: 100 });
    expect(waiting.waitingForUploads).to.equal(1);
    await rig.metadata.gateways[0]!.store.commit({
      ...putIntent(rig.home, 'saved', { leaves: staged.leaves }),
      content: staged.content,
    });
    staged.release();
    await rig.gc();
    expect((await rig.read('saved')).equals(bytes)).to.equal(true);
  });

  it('refuses to name what was collected, and keeps the rest of the batch', async () => {
    const bytes = randomBytes(200_000);
    await rig.put('once', bytes);
    const { store } = rig.metadata.gateways[0]!;
    const info = (await store.current(address(rig.home, 'once')))!;
    await rig.purge('once');
    await rig.gc();
    const [late, other] = await Promise.all([
      codeOf(store.commit({ ...putIntent(rig.home, 'late'), content: info.content! })),
      codeOf(store.commit(putIntent(rig.home, 'other'))),
    ]);
    expect([late, other]).to.deep.equal(['unavailable', 'none']);
    expect(await store.current(address(rig.home, 'late'))).to.equal(null);
  });

  it('fences a gateway that is silent, whose commits and records then fail', async () => {
    const [, silent] = rig.metadata.gateways as [unknown, (typeof rig.metadata.gateways)[0]];
    const number = await silent.instance.register({ host: 'away', pid: 2, version: '0' });
    const lease = await silent.chunks.lease();
    await silent.instance.heartbeat(number);
    await rig.metadata.database.sql('UPDATE gateways SET seen_ms = seen_ms - 120000 WHERE id = $1', [number]);
    await rig.put('garbage', randomBytes(100_000));
    await rig.purge('garbage');
    const counts = await rig.gc();
    expect(counts).to.include({ fenced: 1, waitingForUploads: 0 });
    expect(counts.removedChunks).to.be.greaterThan(0);
    expect(await codeOf(silent.store.commit(putIntent(rig.home, 'from the grave')))).to.equal('unavailable');
    const record = { id: randomBytes(32), size: 5, store: 0, pack: 'ab'.repeat(16), offset: 80, length: 117 };
    expect(await codeOf(silent.chunks.record(rig.home.domain, [record], []))).to.equal('unavailable');
    lease.end();
  });

  it('never lets a chunk come to lie in a pack that was removed', async () => {
    const { packs, chunks } = rig.metadata.gateways[0]!;
    const pack = 'cd'.repeat(16);
    expect(await packs.bury({ store: 0, pack })).to.equal(true);
    const record = { id: randomBytes(32), size: 5, store: 0, pack, offset: 80, length: 117 };
    expect(await codeOf(chunks.record(rig.home.domain, [record], []))).to.equal('unavailable');
    await chunks.record(rig.home.domain, [{ ...record, pack: 'ce'.repeat(16) }], []);
    expect(await packs.bury({ store: 0, pack: 'ce'.repeat(16) })).to.equal(false);
  });

  it('leaves a damaged record where it is, and moves the rest', async () => {
    // tested with the files themselves in pack-files.test.ts; here: the pack stays
    const { packs, chunks } = rig.metadata.gateways[0]!;
    const pack = 'cf'.repeat(16);
    await chunks.record(rig.home.domain, [{ id: randomBytes(32), size: 5, store: 0, pack, offset: 80, length: 117 }], []);
    const [row] = await packs.find([pack]);
    await packs.markDamaged(pack);
    const [after] = await packs.find([pack]);
    expect([row?.state, after?.state]).to.deep.equal(['used', 'damaged']);
  });
});
