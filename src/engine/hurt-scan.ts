import type { HurtFile, IntegrityStore } from '#contracts/integrity-store';
import type { Clock } from '#core/clock';

/** What one look at every version has found. */
export interface HurtScan {
  startedMs: number;
  /** The first ones of all. */
  files: HurtFile[];
  /** By the name of what hurts them: how many, and the first few. */
  by: Map<string, { count: number; files: HurtFile[] }>;
}

/** Of all, and of each thing that is damaged. */
export const FILES_KEPT = 1_000;
const FILES_OF_ONE = 5;
/** An answer is told again for so many times as long as it took to find. */
const KEPT_FOR = 20;
const KEPT_MS_MAX = 600_000;

/**
 * Which files are hurt, found by going through everything: one look at a time, whose answer is good for twenty times as long as it took, so that many
 * who ask, or one who asks every few seconds, cost a twentieth of one look's pace at most.
 */
export function createHurtScan({ rows, clock }: { rows: Pick<IntegrityStore, 'hurt' | 'damageCount'>; clock: Clock }) {
  let running: Promise<HurtScan> | null = null;
  let last: { scan: HurtScan; damaged: number; untilMs: number } | null = null;

  async function scan(damaged: number): Promise<HurtScan> {
    const startedMs = clock.now();
    const found: HurtScan = { startedMs, files: [], by: new Map() };
    for await (const page of rows.hurt()) for (const file of page) take(found, file);
    const endedMs = clock.now();
    last = { scan: found, damaged, untilMs: endedMs + Math.min(KEPT_MS_MAX, KEPT_FOR * Math.max(0, endedMs - startedMs)) };
    return found;
  }

  /** @param newest when the newest damage was found that the caller asks about: an older look has not seen what it hurts */
  return async (newest = 0): Promise<HurtScan> => {
    const damaged = await rows.damageCount();
    if (last !== null && last.damaged === damaged && clock.now() < last.untilMs && newest < last.scan.startedMs) return last.scan;
    // One that runs may have begun before the damage that is asked about.
    if (running !== null) {
      const found = await running;
      if (newest < found.startedMs) return found;
    }
    running ??= scan(damaged).finally(() => {
      running = null;
    });
    return running;
  };
}

function take({ files, by }: HurtScan, file: HurtFile): void {
  if (files.length < FILES_KEPT) files.push(file);
  for (const name of file.by) {
    const one = by.get(name) ?? { count: 0, files: [] };
    one.count += 1;
    if (one.files.length < FILES_OF_ONE) one.files.push(file);
    by.set(name, one);
  }
}
