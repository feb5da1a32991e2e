/**
 * What a full cache costs for each entry that is put into it, against a map that looks for its oldest from the front each time, by turns in one run.
 *   node test/bench/caches.ts [--entries=50000] [--rounds=5]
 */

import { createCurrentCache } from '#metadata/current-cache';
import { flag } from './common.ts';
import { median } from './load.ts';

const ENTRIES = Number(flag('entries') ?? 50_000);
const ROUNDS = Number(flag('rounds') ?? 5);
const PUTS = 100_000;

const cache = createCurrentCache<number>({ entriesMax: ENTRIES, bytesMax: Infinity });
const entries = new Map<string, number>();
const ways: Record<string, (key: string) => void> = {
  'the cache of rows': (key) => cache.changed({ bucket: 1, key }, 1),
  'a map asked from the front': (key) => {
    entries.set(key, 1);
    for (const oldest of entries.keys()) {
      if (entries.size <= ENTRIES) return;
      entries.delete(oldest);
    }
  },
};

const micros: Record<string, number[]> = {};
let key = 0;
// The first round fills both, and warms them up.
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, put] of Object.entries(ways)) {
    const begun = performance.now();
    for (let n = 0; n < PUTS; n++) put(`file-${key++}`);
    if (round > 0) (micros[name] ??= []).push(((performance.now() - begun) * 1000) / PUTS);
  }
}
for (const [name, values] of Object.entries(micros))
  console.log(`${name}, full of ${ENTRIES}: ${median(values).toFixed(2)} us a put`);
