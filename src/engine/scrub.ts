import type { BlobStores } from '#contracts/blob-stores';
import type { InstanceStore } from '#contracts/instance-store';
import type { IntegrityStore } from '#contracts/integrity-store';
import type { Job, JobContext } from '#contracts/jobs';
import type { Logger } from '#contracts/observability';
import type { Pace } from '#contracts/pace';
import type { PackInspector } from '#contracts/pack-inspector';
import type { RecordInspector } from '#contracts/record-inspector';
import type { Clock } from '#core/clock';
import type { Repairs } from './repair.ts';
import { scrubPacks } from './scrub-packs.ts';
import { rescue } from './scrub-rescue.ts';
import { scrubRows } from './scrub-rows.ts';

export interface ScrubDeps {
  rows: IntegrityStore;
  instance: InstanceStore;
  stores: BlobStores;
  packs: PackInspector;
  records: RecordInspector;
  repair: Repairs;
  pace: Pace;
  clock: Clock;
  logger: Logger;
  everyMs: number | null;
  /** How often it is written down how far a pass has come; 2,000 by default. */
  saveMs?: number;
}

/** How far a pass has come; saved, so that the next run goes on there. */
export interface ScrubState {
  version: 1;
  /** ms since the epoch. */
  started: number;
  phase: 'packs' | 'leaves' | 'versions' | 'parts' | 'rescue';
  /** The last pack, leaf, version or part that is done; '' at the beginning of a phase. */
  after: string;
  /** Within the pack behind `after`: what comes before is done. And whether anything but records was damaged there. */
  from: number;
  outside: string[];
  /** Chunks that files name and no row has, `domain:id`. */
  missing: string[];
  counts: ScrubCounts;
}

/** `damaged` counts what was found, healed or not; `lost` what could not be healed. */
export type ScrubCounts = Record<
  | 'packs'
  | 'bytes'
  | 'records'
  | 'leaves'
  | 'versions'
  | 'damaged'
  | 'healed'
  | 'lost'
  /** Damage in what no file needs. */
  | 'harmless'
  /** Rows whose packs lie where this gateway cannot look. */
  | 'unreachable',
  number
>;

/** Of the last complete pass, under the instance's setting `scrub`. */
export interface ScrubReport {
  started: number;
  ended: number;
  counts: ScrubCounts;
}

export const SCRUB_REPORT = 'scrub';
/** Files named in the log; the rest is shown by `cloudstore scrub`. */
const NAMED_MAX = 100;

/** One pass, as its parts see it. */
export interface Pass {
  deps: ScrubDeps;
  state: ScrubState;
  signal: AbortSignal;
  /** Saves the state at times, and tells how far it is. */
  step(bytes: number): Promise<void>;
  /** Saves the state now. */
  save(): Promise<void>;
}

/**
 * Reads everything that is stored, to the last bit: packs with all that lies between records, and every row that names stored bytes. What is damaged is
 * healed where a good copy can be had or worked out, else put into quarantine and told with its files; nothing is deleted.
 */
export function createScrub(deps: ScrubDeps): Job {
  return {
    name: 'scrub',
    everyMs: deps.everyMs,
    async run(context) {
      const pass = await createPass(deps, context);
      const { state } = pass;
      if (state.phase === 'packs') await scrubPacks(pass);
      await scrubRows(pass);
      await rescue(pass);
      await finish(pass);
      await context.save(null);
    },
  };
}

const SAVE_MS = 2_000;

async function createPass(deps: ScrubDeps, context: JobContext): Promise<Pass> {
  const { signal } = context;
  const state = stateOf(context.state) ?? freshState(deps.clock.now());
  const total = await totalBytes(deps.stores);
  let saved = performance.now();
  const save = async (): Promise<void> => {
    saved = performance.now();
    await context.save(state);
  };
  return {
    deps,
    state,
    signal,
    save,
    async step(bytes) {
      await deps.pace.done(bytes, signal);
      const { counts } = state;
      context.progress({ done: counts.bytes, total: Math.max(total, counts.bytes), unit: 'bytes', counts: { ...counts } });
      if (performance.now() - saved >= (deps.saveMs ?? SAVE_MS)) await save();
    },
  };
}

async function finish({ deps, state }: Pass): Promise<void> {
  const { rows, instance, clock, logger } = deps;
  await rows.clearUnseen(state.started);
  const { started, counts } = state;
  const report: ScrubReport = { started, ended: clock.now(), counts };
  await instance.putSetting(SCRUB_REPORT, report);
  if ((await rows.damageCount()) === 0) {
    logger.info({ ...counts }, counts.damaged === 0 ? 'everything that is stored is good' : 'what was damaged is healed');
    return;
  }
  logger.error({ ...counts }, 'stored data is damaged');
  let named = 0;
  for await (const files of rows.hurt()) {
    for (const { bucketName, key, version, current } of files) {
      if (named++ < NAMED_MAX) logger.error({ bucket: bucketName, key, version, current }, 'this file cannot be read');
    }
  }
}

async function totalBytes(stores: BlobStores): Promise<number> {
  let total = 0;
  for (const number of stores.numbers()) for await (const { size } of stores.of(number).list('')) total += size;
  return total;
}

export function freshState(started: number): ScrubState {
  const counts = {
    packs: 0,
    bytes: 0,
    records: 0,
    leaves: 0,
    versions: 0,
    damaged: 0,
    healed: 0,
    lost: 0,
    harmless: 0,
    unreachable: 0,
  };
  return { version: 1, started, phase: 'packs', after: '', from: 0, outside: [], missing: [], counts };
}

/** What an earlier run of this version saved; null: begin anew. */
function stateOf(saved: unknown): ScrubState | null {
  const state = saved as Partial<ScrubState> | null; // of our own making, by its version
  return state?.version === 1 ? (state as ScrubState) : null;
}
