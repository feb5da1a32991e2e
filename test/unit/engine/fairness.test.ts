import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import type { Staged } from '#contracts/content';
import type { Log } from '#contracts/log';
import { isCloudStoreError } from '#core/errors';
import { bytesOf, collect } from '#core/stream';
import { type ContentOptions, createContent } from '#engine/content-store';
import { createPlainCache } from '#engine/plain-cache';
import { threadsOf } from '#process-role';
import { openEngine, rowsInMemory } from '../../support/content-rig.ts';
import { SEED, seededRandom } from '../../support/random.ts';

const MIB = 1 << 20;
const MEMORY = 24 * MIB;

/** Opened by whoever holds it. */
function createBarrier() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe(`uploads beside one another (seed ${SEED})`, function () {
  this.timeout(40_000);
  const random = seededRandom(SEED);
  const block = random(MIB);
  let stuck: { bulk: Promise<void> | null; small: Promise<void> | null };
  let pulled: number;

  /** An endless number of different pieces of 64 KiB. */
  async function* pieces(size: number): AsyncGenerator<Buffer> {
    for (let at = 0; at < size; at += 65_536) {
      const piece = Buffer.from(block.subarray(at % MIB, (at % MIB) + 65_536));
      piece.writeUInt32BE(at, 0);
      piece.writeUInt32BE(random(4).readUInt32BE(0), 4);
      pulled += piece.length;
      yield piece;
    }
  }
  /** The engine over a disk of which a lane may hang. */
  async function open(): Promise<{
    content: ReturnType<typeof createContent>;
    domain: number;
    commit(staged: Staged): Promise<void>;
    close(): Promise<void>;
  }> {
    let made: ReturnType<typeof createContent> | null = null;
    let own: ContentOptions | null = null;
    const rows = rowsInMemory();
    const engine = await openEngine('disk', rows, { memoryBytesMax: MEMORY, threads: 0, seen: (options) => (own = options) });
    const { log } = own!;
    const hanging: Log = {
      ...log,
      async append(record) {
        await stuck.small;
        return log.append(record);
      },
      async appendUnsynced(record) {
        await stuck.bulk;
        return log.appendUnsynced(record);
      },
    };
    made = createContent({ ...own!, log: hanging });
    return {
      content: made,
      domain: engine.domains[0],
      commit: engine.commit,
      async close() {
        await made.close();
        await engine.close();
      },
    };
  }
  beforeEach(() => {
    stuck = { bulk: null, small: null };
    pulled = 0;
  });

  it('small ones do not wait for large ones whose disk hangs, which take no more from their senders than memory may hold', async () => {
    const { content, domain, close } = await open();
    const barrier = createBarrier();
    stuck.bulk = barrier.opened;
    const large = Array.from({ length: 4 }, () => content.write(pieces(16 * MIB), { domain, size: 16 * MIB }));
    for (let before = -1; before !== pulled; ) {
      before = pulled;
      for (let turn = 0; turn < 50; turn++) await nextTurn();
    }
    expect(pulled)
      .to.be.at.most(MEMORY)
      .and.at.least(4 * MIB);
    const taken = pulled;
    for (let n = 0; n < 40; n++) {
      const body = random(n % 2 === 0 ? 2_000 : 60_000);
      const staged = await content.write(bytesOf(body), { domain, size: body.length });
      staged.release();
    }
    expect(pulled).to.equal(taken);
    barrier.open();
    for (const staged of await Promise.all(large)) staged.release();
    expect(pulled).to.equal(64 * MIB);
    await close();
  });

  it('large ones go on where small ones hang, and one that is cancelled ends at once and gives back what it held', async () => {
    const { content, domain, commit, close } = await open();
    const [small, bulk] = [createBarrier(), createBarrier()];
    stuck.small = small.opened;
    const waiting = Array.from({ length: 200 }, () => {
      const body = random(50_000);
      return content.write(bytesOf(body), { domain, size: body.length });
    });
    (await content.write(pieces(12 * MIB), { domain })).release();
    stuck.bulk = bulk.opened;
    const stop = new AbortController();
    const cancelled = content.write(pieces(64 * MIB), { domain, signal: stop.signal });
    while (pulled < 14 * MIB) await nextTurn();
    stop.abort();
    const why = await cancelled.then(
      () => 'it was stored',
      (error: unknown) => (isCloudStoreError(error) ? error.code : String(error)),
    );
    expect(why).to.equal('aborted');
    bulk.open();
    small.open();
    for (const staged of await Promise.all(waiting)) staged.release();
    // All memory is there again: a body of more than it goes through.
    const staged = await content.write(pieces(2 * MEMORY), { domain });
    await commit(staged);
    expect(await collect(content.read(staged.content), 4 * MEMORY, () => new Error('too large'))).to.have.length(2 * MEMORY);
    await close();
  });

  it('what is kept of small contents stays within its bound, whatever comes', () => {
    const cache = createPlainCache(MIB);
    for (let n = 0; n < 2_000; n++) cache.put(`key ${n}`, block.subarray(0, n % 7 === 0 ? 60_000 : 900));
    let kept = 0;
    for (let n = 0; n < 2_000; n++) kept += cache.get(`key ${n}`)?.length ?? 0;
    expect(kept)
      .to.be.at.most(MIB)
      .and.at.least(MIB / 2);
    cache.put('too large', Buffer.alloc(2 * MIB));
    expect(cache.get('too large')).to.equal(undefined);
  });

  it('threads are as many as cores are left, at most four, and shared by the processes of a gateway', () => {
    const of = (cores: number) => threadsOf({ kind: 'alone' }, cores);
    expect([1, 2, 3, 4, 8, 64].map(of)).to.deep.equal([1, 1, 2, 3, 4, 4]);
    expect([2, 4, 8, 16].map((processes) => threadsOf({ kind: 'primary', processes, board: null }, 9))).to.deep.equal([
      4, 2, 1, 1,
    ]);
  });
});
