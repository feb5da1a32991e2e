import { randomBytes } from 'node:crypto';
import { createPackFiles } from '#blob/pack-files';
import type { BlobStores } from '#contracts/blob-stores';
import type { Log } from '#contracts/log';
import { createExpireHistoryJob } from '#jobs/expire';
import { createGcJob } from '#jobs/gc/gc';
import type { Metadata } from '#metadata/open';

export interface CollectingOptions {
  metadata: Metadata;
  /** Of this process. */
  gateway: number;
  log: Log;
  stores: BlobStores;
}

/** Small, so that a round seals some. */
export const COLLECTED_PACK_BYTES = 256 << 10;
/** What was given back in a round. */
export interface Collected {
  removedChunks: number;
  compacted: number;
  removedPacks: number;
}
/** Whoever writes down where a run of collection is. */
const STATE = 'crash-gc-state';
const CYCLES = 3;

/** Works while history goes and collection and compaction run, one run after the other, as the gateway's jobs do; then until nothing is left to do. */
export async function collecting(
  { metadata, gateway, log, stores }: CollectingOptions,
  work: () => Promise<void>,
): Promise<Collected> {
  const { collection, packs, instance, signals, expiry } = metadata;
  const beat = signals.subscribe('leases', () => void instance.heartbeat(gateway).catch(() => undefined));
  const gc = createGcJob({
    collection,
    packs,
    files: createPackFiles({ stores, log }),
    room: async () => Number.POSITIVE_INFINITY,
    clock: { now: () => Date.now() },
    random: randomBytes,
    pollMs: 5,
    patienceMs: 2_000,
  });
  const sum: Collected = { removedChunks: 0, compacted: 0, removedPacks: 0 };
  const expire = createExpireHistoryJob(expiry, 0);
  const run = async (): Promise<void> => {
    const context = { signal: new AbortController().signal };
    let counts: Record<string, number> = {};
    await expire.run({
      ...context,
      progress() {},
      state: null,
      argument: { urgentBytes: Number.MAX_SAFE_INTEGER },
      save: async () => undefined,
    });
    await gc.run({
      ...context,
      progress: (progress) => void (counts = progress.counts ?? {}),
      state: await instance.setting(STATE),
      argument: {},
      save: (state) => instance.putSetting(STATE, state),
    });
    for (const name of ['removedChunks', 'compacted', 'removedPacks'] as const) sum[name] += counts[name] ?? 0;
  };
  let working = true;
  const collector = async (): Promise<void> => {
    while (working) await run();
    for (let n = 0; n < CYCLES; n++) await run();
  };
  await Promise.all([work().finally(() => (working = false)), collector()]);
  beat();
  return sum;
}
