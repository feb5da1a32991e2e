import { setTimeout as sleep } from 'node:timers/promises';
import type { CollectionStore } from '#contracts/collection';
import type { Job } from '#contracts/jobs';
import type { PackFiles } from '#contracts/pack-files';
import type { PackStore } from '#contracts/pack-store';
import type { Clock, Random } from '#core/clock';
import { type CollectCounts, type CollectState, collect } from './collect.ts';
import { compact } from './compact.ts';

export interface GcOptions {
  collection: CollectionStore;
  packs: PackStore;
  files: PackFiles;
  /** Bytes that copies of live records may take for a while. */
  room(): Promise<number>;
  /** As of compact. */
  beforeRemoval?(): Promise<void>;
  clock: Clock;
  random: Random;
  everyMs?: number;
  silentMs?: number;
  patienceMs?: number;
  pollMs?: number;
  /** Lets time go by; a test has a clock of its own. */
  pause?(ms: number, signal: AbortSignal): Promise<void>;
}

/** What whoever asks for a run may say. */
export interface GcArgument {
  /** Only count. */
  dryRun?: boolean;
}

const EVERY_MS = 12 * 3600 * 1000;
/** Twelve heartbeats. */
const SILENT_MS = 60_000;
const PATIENCE_MS = 10 * 60_000;
const POLL_MS = 500;
const REST_MS_MAX = 250;

/**
 * Gives back the space of what nobody refers to any more: collects chunks and leaves, then rewrites and removes packs. A run on schedule rests
 * as long as it works, so that requests hardly notice; one that was asked for does not.
 */
export function createGcJob(options: GcOptions): Job {
  const { collection, packs, files, room, beforeRemoval, clock, random, everyMs = EVERY_MS } = options;
  const { silentMs = SILENT_MS, patienceMs = PATIENCE_MS, pollMs = POLL_MS } = options;
  const { pause = (ms, signal) => sleep(ms, undefined, { signal }) } = options;
  return {
    name: 'gc',
    everyMs,
    async run({ signal, state, argument, save, progress }) {
      const { dryRun = false } = (argument ?? {}) as GcArgument; // our own doors and commands write it
      let counts: Record<string, number> = {};
      let done = 0;
      let from = clock.now();
      const step = async (more: object): Promise<void> => {
        counts = { ...counts, ...more };
        progress({ done: ++done, total: null, unit: 'steps', counts });
        const spent = clock.now() - from;
        if (argument === null && spent > 0) await pause(Math.min(REST_MS_MAX, spent), signal);
        from = clock.now();
      };
      const patience = { silentMs, patienceMs, pollMs, signal, pause: (ms: number) => pause(ms, signal) };
      const cycle = (from: CollectState | null): Promise<CollectCounts> =>
        collect({
          store: collection,
          random,
          ...patience,
          state: from,
          save,
          step: ({ steps: _, waiting, ...rest }) => step({ ...rest, waitingForUploads: waiting }),
          dryRun,
        });
      const interrupted = dryRun ? null : (state as CollectState | null); // what collect saved
      let { waiting: held } = await cycle(interrupted);
      // Whoever asks means what is garbage now, too.
      if (held === 0 && interrupted !== null && argument !== null) held = (await cycle(null)).waiting;
      if (held > 0) return;
      await compact({
        store: collection,
        packs,
        files,
        room,
        ...(beforeRemoval === undefined ? {} : { beforeRemoval }),
        ...patience,
        step: ({ waiting, ...rest }) => step({ ...rest, waitingForUploads: waiting }),
        dryRun,
      });
    },
  };
}
