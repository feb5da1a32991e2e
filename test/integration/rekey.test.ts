import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { ContentRef } from '#core/content-ref';
import { bytesOf } from '#core/stream';
import { diceOf, SEED, seededRandom } from '../support/random.ts';
import { openRekeyRig, type Process, type RekeyRig } from '../support/rekey-rig.ts';
import { codeOf } from '../support/rooms.ts';

const MIB = 1 << 20;

describe(`data keys (seed ${SEED})`, function () {
  this.timeout(120_000);
  let rig: RekeyRig;
  let first: Process;
  const random = seededRandom(SEED);
  const bodies = new Map<string, Buffer>();
  beforeEach(async () => {
    rig = await openRekeyRig();
    first = rig.start();
    bodies.clear();
    for (const [key, bytes] of [
      ['empty', Buffer.alloc(0)],
      ['tiny', random(200)],
      ['small', random(5000)],
      ['text', Buffer.alloc(400_000, 'over and over again ')],
      ['big', random(5 * MIB)],
      ['mixed', Buffer.concat([Buffer.alloc(600_000, 'text '), random(600_000)])],
    ] as const)
      await put(first, key, bytes);
  });
  afterEach(() => rig.close());

  async function put(process: Process, key: string, bytes: Buffer): Promise<ContentRef> {
    bodies.set(key, bytes);
    return process.put(key, bytes);
  }
  async function expectAll(process: Process): Promise<void> {
    for (const [key, bytes] of bodies) expect((await process.read(key)).equals(bytes), key).to.equal(true);
  }
  const epochs = async (): Promise<readonly number[]> => (await rig.start().keyring.load(rig.gc.domain)).epochs;
  const sql = (text: string, values: unknown[] = []) => rig.gc.metadata.database.sql(text, values);
  const beat = () => rig.gc.metadata.gateways[0]!.instance.heartbeat(1);

  it('of a new epoch are written with at once, here and elsewhere, and those before still open', async () => {
    const other = rig.start();
    await expectAll(other);
    expect(await first.keyring.renew(rig.gc.domain)).to.equal(2);
    expect(first.keyring.domain(rig.gc.domain).epochs).to.deep.equal([1, 2]);
    await put(first, 'after', random(3000));
    await put(first, 'after, tiny', random(30));
    // The other one has not heard: it reads all the same, and learns by it.
    expect(other.keyring.domain(rig.gc.domain).currentEpoch).to.equal(1);
    await expectAll(other);
    expect(other.keyring.domain(rig.gc.domain).currentEpoch).to.equal(2);
    await expectAll(rig.start());
  });

  it('of before are forgotten when everything was written anew, and nothing is lost by it', async () => {
    const [old] = [await first.put('replaced', random(4000)), await first.put('replaced', random(100))];
    await first.keyring.renew(rig.gc.domain);
    await put(first, 'new', random(9000));
    const counts = await rig.rekey(first);
    expect(counts).to.include({ damaged: 0, old: 0, retiredKeys: 1 });
    expect([await epochs(), rig.state()]).to.deep.equal([[2], null]);
    const fresh = rig.start();
    await expectAll(fresh);
    for await (const _ of fresh.content.read(old!)); // history too
    expect(await rig.rekey(first)).to.deep.equal({}); // nothing is due
    // Records of before are garbage now, and collection finds them.
    await rig.gc.gc();
    await expectAll(rig.start());
  });

  it('go on where they were interrupted, at whichever step, in another process', async () => {
    await first.keyring.renew(rig.gc.domain);
    const dice = diceOf(SEED);
    let interrupted = 0;
    for (let left = 1 + dice.below(2); ; left = 1 + dice.below(3)) {
      const stop = new AbortController();
      const process = rig.start();
      const ended = await rig
        .rekey(
          process,
          {},
          {
            signal: stop.signal,
            progress() {
              if (--left === 0) stop.abort();
            },
          },
        )
        .then(
          () => true,
          () => false,
        );
      await expectAll(rig.start());
      if (ended) break;
      interrupted++;
      if (interrupted > 40) throw new Error('it does not end');
    }
    console.log(`      ${interrupted} interruptions`);
    expect(interrupted).to.be.greaterThan(1);
    expect(await epochs()).to.deep.equal([2]);
  });

  it('change at the pace that is given, tell how far they are, and stop when they are cancelled in the middle of a page', async () => {
    await first.keyring.renew(rig.gc.domain);
    const cancelled = new AbortController();
    let [bytes, calls] = [0, 0];
    const shown: { done: number; total: number | null }[] = [];
    const run = (cancelAt: number) =>
      rig.rekey(
        first,
        {
          pace: {
            async done(some, signal) {
              bytes += some;
              if (++calls === cancelAt) cancelled.abort(new Error('cancelled'));
              signal.throwIfAborted();
            },
          },
        },
        {
          ...(cancelAt > 0 ? { signal: cancelled.signal } : {}),
          progress: ({ done, total }) => void shown.push({ done, total }),
        },
      );
    expect(await run(3).catch((error: Error) => error.message)).to.equal('cancelled');
    expect(calls).to.equal(3);
    await expectAll(rig.start());
    expect(await epochs()).to.deep.equal([1, 2]);
    bytes = 0;
    await run(0);
    expect(await epochs()).to.deep.equal([2]);
    // Read once and written once, besides the second pass that only looks.
    const [[stored]] = (await sql('SELECT sum(length) FROM chunks')) as [[string]];
    expect(bytes).to.be.at.least(2 * Number(stored));
    expect(shown.at(-1)!.total).to.equal(Number((await sql('SELECT count(*) FROM chunks'))[0]![0]));
    expect(shown.at(-1)!.done).to.equal(shown.at(-1)!.total);
    await expectAll(rig.start());
  });

  it('wait for whoever may still write with those of before', async () => {
    const other = rig.gc.metadata.gateways[1]!;
    const deaf = rig.start();
    await deaf.keyring.load(rig.gc.domain);
    other.instance.onTurn(() => deaf.keyring.refresh());
    const number = await other.instance.register({ host: 'there', pid: 2, version: '0' });
    await first.keyring.renew(rig.gc.domain);
    expect(await codeOf(rig.rekey(first, { patienceMs: 100 }))).to.equal('unavailable');
    await put(deaf, 'late', random(100));
    // It hears of the turn, but an upload of before runs on.
    const lease = await other.chunks.lease();
    await other.instance.heartbeat(number);
    expect(deaf.keyring.domain(rig.gc.domain).currentEpoch).to.equal(2);
    expect(await codeOf(rig.rekey(first, { patienceMs: 100 }))).to.equal('unavailable');
    expect(await epochs()).to.deep.equal([1, 2]);
    lease.end();
    let ended = false;
    const running = rig.rekey(first).finally(() => (ended = true));
    while (!ended) {
      await Promise.all([other.instance.heartbeat(number), beat()]);
      await sleep(20);
    }
    await running;
    expect(await epochs()).to.deep.equal([2]);
    await expectAll(rig.start());
  });

  it('take as long as copies keep coming, and meet compaction', async () => {
    await first.keyring.renew(rig.gc.domain);
    let passes = 0;
    const counts = await rig.rekey(first, {
      rows: {
        ...rig.gc.metadata.gateways[0]!.keyedRows,
        async inline(kind, after, wanted) {
          const page = await rig.gc.metadata.gateways[0]!.keyedRows.inline(kind, after, wanted);
          // Copied behind our back, with an id that lies before where we are.
          if (kind === 'versions' && passes++ === 0) {
            await sql(
              `INSERT INTO versions SELECT decode('00', 'hex') || substring(id FROM 2), slot_id, seq + 1, node_id, 'hidden', delete_marker, size, etag, modified_ms, mtime_ms,
                 created_ms, attributes, tags, content FROM versions WHERE get_byte(content, 1) = 1 AND length(content) > 14`,
            );
          }
          return page;
        },
        async chunks(after) {
          const page = await rig.gc.metadata.gateways[0]!.keyedRows.chunks(after);
          if (passes > 0 || after !== null) return page;
          // Compaction moves one between our look and our write: the place that we know is not its own any more.
          const { packs } = rig.gc.metadata.gateways[0]!;
          await rig.gc.files.seal();
          const [chunk] = page.chunks;
          const [to] = await rig.gc.files.copy([chunk!.place]);
          expect(await packs.move([{ chunk: chunk!, to: to! }])).to.equal(1);
          return page;
        },
      },
    });
    expect(counts).to.include({ damaged: 0, retiredKeys: 1 });
    const rows = await sql('SELECT content FROM versions WHERE get_byte(content, 1) = 1 AND length(content) > 14');
    expect(rows.map(([content]) => (content as Buffer).readUInt32BE(16))).to.deep.equal(rows.map(() => 2));
    expect(rows.length).to.equal(2);
  });

  it('are not forgotten while a record that needs them is damaged', async () => {
    const content = await put(first, 'hurt', random(8000));
    if (content.kind !== 'chunk') throw new Error('of one chunk');
    await first.keyring.renew(rig.gc.domain);
    await sql('UPDATE chunks SET pack_offset = pack_offset + 1 WHERE id = $1', [content.id]);
    expect(await rig.rekey(first)).to.include({ damaged: 1, unreachable: 0, retiredKeys: 0 });
    expect(await epochs()).to.deep.equal([1, 2]);
    await sql('UPDATE chunks SET pack_offset = pack_offset - 1 WHERE id = $1', [content.id]);
    await expectAll(rig.start());
    expect(await rig.rekey(first)).to.include({ retiredKeys: 1 });
    await expectAll(rig.start());
  });

  it('are not forgotten while a record cannot be reached', async () => {
    const content = await put(first, 'away', random(8000));
    if (content.kind !== 'chunk') throw new Error('of one chunk');
    await first.keyring.renew(rig.gc.domain);
    // Packs have names of chance: a bit is turned, for a byte that is put there may be there already.
    for (const where of ['pack = set_byte(pack, 0, get_byte(pack, 0) # 1)', 'store = store + 7']) {
      // One in no pack that is here, one in a store that is not connected: the constraints of packs are not what is tried here.
      await sql(`UPDATE chunks SET ${where} WHERE id = $1`, [content.id]);
      expect(await rig.rekey(first)).to.include({ damaged: 0, retiredKeys: 0 });
      expect(await epochs()).to.deep.equal([1, 2]);
    }
    await sql(`UPDATE chunks SET store = 0, pack = (SELECT pack FROM chunks WHERE id <> $1 LIMIT 1) WHERE id = $1`, [content.id]);
  });

  it('that came while everything was written anew stay, and so do those between', async () => {
    await first.keyring.renew(rig.gc.domain);
    let renewed = false;
    await rig.rekey(
      first,
      {},
      {
        async save(state) {
          const { phase, counts } = (state ?? {}) as { phase?: string; counts?: { old: number } };
          // At the end of the pass that has found nothing.
          if (phase !== 'parts' || counts?.old !== 0 || renewed) return;
          renewed = true;
          await first.keyring.renew(rig.gc.domain);
          await put(first, 'under the third', random(2000));
        },
      },
    );
    expect(await epochs()).to.deep.equal([2, 3]);
    await expectAll(rig.start());
    await rig.rekey(first);
    expect(await epochs()).to.deep.equal([3]);
    await expectAll(rig.start());
  });

  it('of parts of an upload that is not finished are kept in mind', async () => {
    const { uploads } = rig.gc.metadata.gateways[0]!;
    const { id: bucket, who } = rig.gc.home;
    const upload = await uploads.create({ bucket, key: 'parts', principal: who.principal!.id, attributes: {} });
    const staged = await first.content.write(bytesOf(random(300)), { domain: rig.gc.domain });
    const part = { number: 1, size: 300, etag: '0'.repeat(32), content: staged.content, digests: {}, modified: 0 };
    await uploads.putPart(upload.id, part, [], []);
    staged.release();
    await first.keyring.renew(rig.gc.domain);
    expect(await rig.rekey(first)).to.include({ retiredKeys: 1 });
    const [kept] = await uploads.parts(upload.id, 0, 10);
    for await (const _ of rig.start().content.read(kept!.content));
    expect(kept!.content.kind === 'inline' && kept!.content.sealed.readUInt32BE(2)).to.equal(2);
  });

  it('come and go with encryption: what is asked for is written anew as it is wished now', async () => {
    const plain = rig.start(false);
    await put(plain, 'written plain', random(3000));
    const ciphers = async () => {
      const rows = await sql('SELECT content FROM versions WHERE get_byte(content, 1) = 1 AND length(content) > 14');
      return [...new Set(rows.map(([content]) => (content as Buffer)[15]))];
    };
    await rig.rekey(plain, {}, { argument: {} });
    expect(await ciphers()).to.deep.equal([0]);
    await expectAll(rig.start(false));
    await rig.rekey(first, {}, { argument: {} });
    expect(await ciphers()).to.deep.equal([1]);
    await expectAll(rig.start());
  });
});
