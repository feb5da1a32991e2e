import { createLocalDisk } from '#blob/local-disk';
import { createLog } from '#blob/log';
import { decodePackHeader, decodePackIndex, decodePackTrailer, TRAILER_BYTES } from '#blob/pack-format';
import type { DiskOps } from '#contracts/disk-ops';
import type { Log } from '#contracts/log';
import type { DomainId } from '#core/content-ref';
import { memoryChunks } from '../support/memory-chunks.ts';
import { type Dice, quickDice, seededRandom } from '../support/random.ts';
import { type SimulatedDisk, simulatedDisk } from '../support/simulated-disk.ts';
import type { Engine } from './engine.ts';
import { Broken, checkKept, type Kept, noFault, type Opened } from './kept.ts';
import { isRefusal, runStep, type Stage } from './steps.ts';
import { type Weather, weatherOf } from './weather.ts';

/** A mistake that is made on purpose, to see it found. */
export interface Planted {
  disk?(disk: DiskOps): DiskOps;
  log?(log: Log): Log;
  /** The client is told before the commit. */
  tellsEarly?: boolean;
}

export interface ScheduleOptions {
  seed: number;
  engine: Engine;
  planted?: Planted;
  /** Steps that are left out. */
  without?: ReadonlySet<number>;
  /** Keeps the last calls of the disk. */
  trace?: boolean;
}

/** What came of a schedule that kept every promise. */
export interface Outcome {
  acknowledged: number;
  refused: number;
  powerCuts: number;
  kills: number;
  faults: number;
  calls: number;
}

/** How a life of the process ends. */
type End = 'power' | 'kill' | 'close';

const ROOT = '/data';
const PACKS = `${ROOT}/packs`;
const CALLS_A_LIFE = 150;

/** Of one life. */
interface State {
  ended: boolean;
  /** Something went wrong already, so a refusal has a reason. */
  troubled: boolean;
  /** It was closed under the hands of its clients. */
  closed: boolean;
}

/** A schedule that did not keep a promise, with what led to it. */
export class ScheduleError extends Error {
  readonly steps: string[];
  readonly trace: string[];
  constructor(cause: unknown, steps: string[], trace: string[]) {
    super(cause instanceof Broken ? cause.message : cause instanceof Error ? cause.stack : String(cause), { cause });
    this.steps = steps;
    this.trace = trace;
  }
}

/**
 * Some lives of a process over one disk: it opens the store, several clients work on it at once, the disk does as the weather says, and it ends
 * by the power, by a kill or in peace. After each, everything acknowledged must be there. The same seed gives the same, call by call.
 * @throws ScheduleError
 */
export async function runSchedule(options: ScheduleOptions): Promise<Outcome> {
  const schedule = createSchedule(options);
  try {
    return await schedule.run();
  } catch (error) {
    throw new ScheduleError(error, schedule.steps, schedule.disk.trace);
  }
}

function createSchedule({ seed, engine, planted = {}, without, trace = false }: ScheduleOptions) {
  const dice = quickDice(seed);
  const disk = simulatedDisk({
    seed: dice.below(2 ** 31),
    direct: dice.pick(['works', 'works', 'works', 'refused', 'refused late']),
    atomicRenames: dice.chance(0.8),
    trace,
  });
  const limits = {
    packBytesMax: dice.pick([4_000, 30_000, 300_000, 1 << 30]),
    recordsMax: dice.pick([1, 3, 16, 65_536]),
    bulkLanes: dice.pick([1, 1, 2, 3]),
    writeBehindBytes: dice.pick([3_000, 30_000, 32 << 20]),
    stagingBytes: 64 << 10,
  };
  const chunks = memoryChunks();
  const random = seededRandom(seed);
  const kept: Kept = { contents: [], records: [], blobs: new Map() };
  const steps: string[] = [JSON.stringify(limits)];
  const outcome: Outcome = { acknowledged: 0, refused: 0, powerCuts: 0, kills: 0, faults: 0, calls: 0 };
  let time = 1_795_000_000_000;
  const clock = { now: () => time++ };
  let step = 0;

  let running: Opened | null = null;
  let domain: DomainId = 0;

  function current(): Opened {
    if (running === null) throw new Broken('nothing is open');
    return running;
  }

  async function open(): Promise<Opened> {
    const booted = disk.boot();
    const ops = planted.disk?.(booted) ?? booted;
    const blobs = await createLocalDisk({ directory: PACKS, disk: ops });
    try {
      const opened = await createLog({ directory: PACKS, disk: ops, clock, random, ...limits });
      running = { log: planted.log?.(opened) ?? opened, blobs, content: engine.content };
      return running;
    } catch (error) {
      await blobs.close();
      throw error;
    }
  }

  async function close({ log, blobs }: Opened): Promise<void> {
    await log.close();
    await blobs.close();
  }

  /** What must be true of the disk while a store is open that nobody has written to since its start. */
  function checkStarted(): void {
    for (const path of disk.files().keys()) {
      if (/\/(open|tmp)\//.test(path)) throw new Broken(`${path} is there after a start`);
    }
  }

  async function life(end: End): Promise<void> {
    const from = disk.calls;
    const weather = weatherOf(dice, CALLS_A_LIFE);
    const endAt = end === 'close' ? Infinity : dice.below(dice.pick([20, CALLS_A_LIFE, 3 * CALLS_A_LIFE]));
    const state: State = { ended: false, troubled: false, closed: false };
    steps.push(`-- a life that ends by ${end}${end === 'close' ? '' : ` at call ${from + endAt}`}, ${weather.name}`);
    disk.fault = (call, _, n) => {
      if (n - from === endAt) {
        state.ended = true;
        endOfLife(end);
        return null;
      }
      const fault = weather.at(n - from, call);
      if (fault !== null) outcome.faults++;
      if (fault !== null && 'code' in fault) state.troubled = true;
      return fault;
    };
    const opened = await openInWeather(weather, state);
    if (opened !== null) {
      checkStarted();
      await work(opened, state);
    }
    if (state.ended) return;
    disk.fault = null;
    if (opened === null || state.closed) return;
    if (dice.chance(0.6)) await goesOn(opened);
    const clear = dice.chance(0.5);
    if (!clear) {
      const closing = weatherOf(dice, 12);
      const closes = disk.calls;
      disk.fault = (call, _, n) => closing.at(n - closes, call);
    }
    await closeInWeather(opened, clear);
    disk.fault = null;
    if (disk.underWay > 0) throw new Broken(`${disk.underWay} calls are still under way after close`);
    if (disk.open > 0) throw new Broken(`${disk.open} files are still open after close`);
  }

  function endOfLife(end: End): void {
    if (end === 'power') {
      outcome.powerCuts++;
      disk.cutPower();
    } else {
      outcome.kills++;
      disk.kill();
    }
  }

  /** null: it did not start, and said so. */
  async function openInWeather(weather: Weather, state: State): Promise<Opened | null> {
    try {
      return await settled(open());
    } catch (error) {
      if (isRefusal(error) && (state.ended || state.troubled)) {
        steps.push(`did not start: ${error.message}`);
        return null;
      }
      throw new Broken(`it does not start (${weather.name})`, { cause: error });
    }
  }

  async function closeInWeather(opened: Opened, clear: boolean): Promise<void> {
    try {
      await settled(close(opened));
    } catch (error) {
      if (clear || !isRefusal(error)) throw error;
    }
  }

  /** Several clients at once, each doing one thing after the other. */
  async function work(opened: Opened, state: State): Promise<void> {
    const stage: Stage = {
      opened,
      kept,
      chunks,
      domain,
      syncing: false,
      async commit(staged, acknowledge) {
        if (planted.tellsEarly === true) {
          acknowledge();
          await opened.blobs.stat('x'); // the disk's turn
        }
        chunks.commit(staged);
        if (planted.tellsEarly !== true) acknowledge();
      },
    };
    const clients = Array.from({ length: 1 + dice.below(4) }, (_, worker) => {
      const own = Array.from({ length: 1 + dice.below(5) }, () => step++);
      return client(stage, own, worker, state);
    });
    await settled(Promise.all(dice.chance(0.15) ? [...clients, closeBetween(opened, state)] : clients));
  }

  async function closeBetween(opened: Opened, state: State): Promise<void> {
    for (let ticks = dice.below(60); ticks > 0; ticks--) await new Promise((resolve) => setImmediate(resolve));
    state.troubled = true;
    state.closed = true;
    steps.push('closed');
    await opened.log.close().catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
    });
  }

  async function client(stage: Stage, own: number[], worker: number, state: State): Promise<void> {
    for (const number of own) {
      if (state.ended || without?.has(number)) continue;
      try {
        const done = await runStep(stage, quickDice(seed * 1000 + number), number, worker);
        outcome.acknowledged++;
        steps.push(`${number} ${done}`);
      } catch (error) {
        if (error instanceof Broken || !isRefusal(error)) throw error;
        if (!state.ended && !state.troubled) throw new Broken('refused without a reason', { cause: error });
        outcome.refused++;
        steps.push(`${number} refused: ${error.message}`);
      }
    }
  }

  /** The disk is well again: so is the store, without a new start. */
  async function goesOn(opened: Opened): Promise<void> {
    await quiet();
    const bytes = Buffer.from(`after the fault, ${step}`);
    for (const how of ['append', 'appendUnsynced'] as const) {
      const place = await settled(noFault(opened.log[how]([bytes]), `${how} fails after the fault has gone`));
      await settled(noFault(opened.log.sync([place]), 'sync fails after the fault has gone'));
      kept.records.push({ place, bytes });
    }
    await settled(checkKept(kept, opened, 'in the same life'));
  }

  async function restarted(when: string): Promise<Opened> {
    const opened = await settled(noFault(open(), `it does not start ${when}`));
    checkStarted();
    await settled(checkKept(kept, opened, when));
    return opened;
  }

  /** Nothing is under way any more. */
  async function quiet(): Promise<void> {
    for (let idle = 0; idle < 3; idle++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (disk.underWay > 0) idle = -1;
    }
  }

  /** Waits for work that hangs on the disk alone. @throws Broken when the disk is idle and it never ends */
  async function settled<T>(work: Promise<T>): Promise<T> {
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    work.then(end, end);
    for (let idle = 0, calls = disk.calls; !ended; idle++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (disk.underWay > 0 || disk.calls !== calls) idle = 0;
      calls = disk.calls;
      if (idle > 1000) throw new Broken('it waits forever');
    }
    return work;
  }

  return {
    steps,
    disk,
    async run(): Promise<Outcome> {
      domain = await engine.begin({ opened: current, chunks, random });
      const booted = disk.boot();
      await booted.mkdir(ROOT, 0o700);
      await booted.syncDirectory('/');
      const lives = 1 + dice.below(3);
      for (let n = 0; n < lives; n++) {
        await life(endOf(dice));
        disk.fault = null;
        if (dice.chance(0.5) || n === lives - 1) {
          const opened = await restarted(`after life ${n + 1}`);
          // As somebody may start it and pull the plug at once.
          const end = endOf(dice);
          if (end === 'close') await settled(close(opened));
          else endOfLife(end);
        }
      }
      await checkEnd();
      outcome.calls = disk.calls;
      return outcome;
    },
  };

  async function checkEnd(): Promise<void> {
    await settled(close(await restarted('at the end')));
    const before = disk.files();
    await settled(close(await settled(open())));
    const after = disk.files();
    if (!sameFiles(before, after)) throw new Broken('a start and an end without work changed the files');
    checkPacks(after, disk);
  }
}

function endOf(dice: Dice): End {
  return dice.pick(['power', 'power', 'kill', 'close']);
}

/** Every file is a blob or a sealed pack that tells what is in it. */
function checkPacks(files: ReturnType<SimulatedDisk['files']>, _disk: SimulatedDisk): void {
  for (const [path, { size, bytes }] of files) {
    const id = /\/([0-9a-f]{32})\.pack$/.exec(path)?.[1];
    if (id === undefined) {
      if (!/\/blob-\d-\d$/.test(path)) throw new Broken(`nobody knows what ${path} is`);
      continue;
    }
    if (bytes.length !== size) throw new Broken(`${path} has ${size} bytes, of which only ${bytes.length} were written`);
    if (decodePackHeader(bytes)?.id !== id) throw new Broken(`${path} has no good header`);
    const trailer = decodePackTrailer(bytes.subarray(-TRAILER_BYTES));
    if (trailer === null) throw new Broken(`${path} has no good trailer`);
    if (trailer.count === 0) throw new Broken(`${path} is an empty pack that stays for ever`);
    const index = decodePackIndex(bytes.subarray(trailer.offset, -TRAILER_BYTES), trailer);
    for (const { offset, length } of index) {
      if (offset + length > trailer.offset) throw new Broken(`${path} has a record behind its end`);
    }
  }
}

function sameFiles(a: ReturnType<SimulatedDisk['files']>, b: ReturnType<SimulatedDisk['files']>): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([path, { size, bytes }]) => b.get(path)?.size === size && b.get(path)?.bytes.equals(bytes));
}
