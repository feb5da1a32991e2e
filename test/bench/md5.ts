/**
 * MD5 of parallel bodies on one of the engine's threads: in lanes, and each by itself through node:crypto, by turns in one run.
 *   node test/bench/md5.ts [--rounds=9] [--mib=64]
 * Prints a row for each number of bodies: GB/s of all together, their ratio, and CPU for a GB. Nothing else is done beside it, neither receiving nor sealing.
 */

import { type Arena, createArena, SLOT_BYTES } from '#engine/arena';
import { createSlots } from '#engine/slots';
import { createThreads, type Threads } from '#engine/threads';
import { flag } from './common.ts';
import { median } from './load.ts';

const ROUNDS = Number(flag('rounds') ?? 9);
const BODY_BYTES = Number(flag('mib') ?? 64) << 20;
const SLOTS = 64;
/** What an upload tells of at a time. */
const TOLD_SLOTS = 2;

interface Side {
  arena: Arena;
  threads: Threads;
  run(count: number): Promise<void>;
}

const sides = { lanes: open('wasm'), 'one by one': open('plain') };
for (const count of [1, 2, 3, 4, 6, 8, 16]) {
  const rates: Record<string, number[]> = {};
  const costs: Record<string, number[]> = {};
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, side] of Object.entries(sides)) {
      const [before, cpu] = [performance.now(), process.cpuUsage()];
      await side.run(count);
      const { user, system } = process.cpuUsage(cpu);
      if (round < 0) continue; // compiling
      const gigabytes = (count * BODY_BYTES) / 1e9;
      (rates[name] ??= []).push((gigabytes / (performance.now() - before)) * 1e3);
      (costs[name] ??= []).push((user + system) / 1e6 / gigabytes);
    }
  }
  const [ours, theirs] = [median(rates.lanes!), median(rates['one by one']!)];
  const [cost, before] = [median(costs.lanes!), median(costs['one by one']!)];
  console.log(
    `MD5 of ${count} bodies: in lanes ${ours.toFixed(2)} GB/s, one by one ${theirs.toFixed(2)}, ratio ${(ours / theirs).toFixed(2)}; CPU ${cost.toFixed(2)} and ${before.toFixed(2)} s for a GB, ratio ${(cost / before).toFixed(2)}`,
  );
}
for (const { threads } of Object.values(sides)) await threads.close();

/** Plain memory has no lanes. */
function open(kind: 'wasm' | 'plain'): Side {
  const arena = createArena(SLOTS, kind);
  const slots = createSlots(arena);
  const threads = createThreads(arena, slots, 1);
  for (let slot = 0; slot < SLOTS; slot++) arena.view(slot, 0, SLOT_BYTES).fill(slot + 1);
  return {
    arena,
    threads,
    async run(count) {
      await Promise.all(Array.from({ length: count }, (_, index) => send(threads, index)));
    },
  };
}

/** One body, all of it at once: its sender never waits. */
async function send(threads: Threads, index: number): Promise<void> {
  const digest = threads.begin('md5');
  for (let at = 0; at < BODY_BYTES; at += TOLD_SLOTS * SLOT_BYTES) {
    const first = ((at / SLOT_BYTES) * 5 + index * 7) % (SLOTS - TOLD_SLOTS);
    digest.update(Array.from({ length: TOLD_SLOTS }, (_, n) => ({ slot: first + n, from: 0, length: SLOT_BYTES })));
  }
  await digest.digest();
}
