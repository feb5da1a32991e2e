import type { ChainState, DumpPlan, DumpStore, DumpTip } from '#contracts/dump-store';
import type { Job } from '#contracts/jobs';
import type { Logger } from '#contracts/observability';
import type { Shelf } from '#contracts/shelf';
import type { Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { HOLDS, keyCheck, seal } from '#metadata/dump/container';
import { type OpenDump, openDump } from '#metadata/dump/read';

/**
 * Snapshots of the metadata in `<data>/snapshots`: a base, then a file with what changed since, every few minutes. The name of each says what it goes
 * on from, so that the chain is known from the directory alone: `<number>.<ms>.<id>.<id of the one before, or base>.dump`.
 */
export interface SnapshotFile {
  name: string;
  bytes: number;
  number: number;
  takenMs: number;
  id: string;
  parent: string | null;
}

export interface SnapshotOptions {
  dumps: DumpStore;
  shelf: Shelf;
  masterKey: Buffer;
  random: Random;
  signal?: AbortSignal;
}

export const SNAPSHOTS_DIRECTORY = 'snapshots';
/** From the start of one to the start of the next: with its own time, at most five minutes are at stake. */
const EVERY_MS = 4 * 60_000;
/** A new base when the changes outgrow it, so that bases cost as much as the changes do; and before a chain has too many links. */
const CHANGES_BYTES_MIN = 16 << 20;
const CHAIN_LENGTH_MAX = 2_000;
/** Chains that stay behind the newest one. */
const CHAINS_KEPT = 2;

const NAME = /^(\d{10})\.(\d{1,15})\.([0-9a-f]{32})\.([0-9a-f]{32}|base)\.dump$/;

/** Keeps the snapshots fresh. */
export function snapshotJob(options: Omit<SnapshotOptions, 'signal' | 'masterKey'> & { masterKey(): Buffer }): Job {
  return {
    name: 'snapshot',
    everyMs: EVERY_MS,
    fromStart: true,
    async run({ signal, argument }) {
      const base = typeof argument === 'object' && argument !== null && 'base' in argument && argument.base === true;
      await takeSnapshot({ ...options, masterKey: options.masterKey(), signal }, base);
    },
  };
}

/**
 * Before packs are removed: the newest snapshot is then one that needs none of them, and has the keys of what took their place. On a disk that is
 * full it gives way, because removing packs is what makes room.
 */
export async function settle(options: SnapshotOptions, log: Logger): Promise<void> {
  try {
    await takeSnapshot(options);
  } catch (err) {
    if (!isCloudStoreError(err, 'insufficient_storage')) throw err;
    log.warn({ err }, 'there is no room for a snapshot; packs that the last one names are removed all the same');
  }
}

/**
 * Writes down what has changed, if anything has. Gives the newest snapshot. A new base takes minutes where there are millions of files, so what has changed until
 * then is made safe before it.
 */
export async function takeSnapshot(options: SnapshotOptions, base = false): Promise<DumpTip> {
  const { dumps, shelf, masterKey, random, signal } = options;
  const check = keyCheck(masterKey).toString('hex');
  const files = snapshotFiles(await shelf.list());
  let outgrown = false;
  const plan = (state: ChainState): DumpPlan | null => {
    const due = base ? 'base' : dueOf(state, files, check);
    if (due === null) return null;
    outgrown = due === 'outgrown';
    const number = Math.max(0, state.tip?.number ?? 0, ...files.map((file) => file.number)) + 1;
    return { kind: due === 'base' ? 'base' : 'changes', number, keyCheck: check };
  };
  const taken = await dumps.take(plan, async (dump) => {
    const name = nameOf(dump);
    return shelf.put(name, seal(untilAborted(dump.bytes, signal), { masterKey, random, holds: HOLDS.dump }));
  });
  if (outgrown) return takeSnapshot(options, true);
  if (taken !== null) await prune(shelf, taken.id);
  const tip = taken ?? (await dumps.tip());
  if (tip === null) throw new CloudStoreError('internal', 'A snapshot was taken, and there is none.');
  return tip;
}

/** null: nothing has changed; `outgrown`: a base is due, and changes can still be taken before it. */
function dueOf({ tip, changed }: ChainState, files: SnapshotFile[], check: string): 'base' | 'changes' | 'outgrown' | null {
  // Another directory, another key, or files that somebody has removed: what is to come would have nothing to go on from.
  if (tip === null || tip.keyCheck !== check || chainTo(files, tip.id) === null) return 'base';
  if (!changed) return null;
  const grown = tip.changesBytes > Math.max(CHANGES_BYTES_MIN, tip.baseBytes);
  return grown || tip.length >= CHAIN_LENGTH_MAX ? 'outgrown' : 'changes';
}

/** What lies on a shelf; other files are not looked at. In the order of their numbers. */
export function snapshotFiles(entries: readonly { name: string; bytes: number }[]): SnapshotFile[] {
  const out: SnapshotFile[] = [];
  for (const { name, bytes } of entries) {
    const [, number, takenMs, id, parent] = NAME.exec(name) ?? [];
    if (id === undefined) continue;
    out.push({
      name,
      bytes,
      number: Number(number),
      takenMs: Number(takenMs),
      id,
      parent: parent === 'base' ? null : (parent ?? null),
    });
  }
  return out.sort((a, b) => a.number - b.number);
}

/** From the base to the snapshot of that id; null when one is missing. */
export function chainTo(files: readonly SnapshotFile[], id: string): SnapshotFile[] | null {
  const byId = new Map(files.map((file) => [file.id, file]));
  const chain: SnapshotFile[] = [];
  for (let at: string | null = id; at !== null; ) {
    const file: SnapshotFile | undefined = byId.get(at);
    if (file === undefined || chain.length > files.length) return null;
    chain.unshift(file);
    at = file.parent;
  }
  return chain;
}

export interface GoodChain {
  chain: SnapshotFile[];
  /** Newer ones that could not be used, and why. */
  skipped: { name: string; why: string }[];
}

/**
 * The newest snapshot, of before `atMs` where it is given, that is whole with all that it goes on from: each is read to its end.
 * @throws not_found when there is none, unavailable for another master key
 */
export async function findGoodChain(shelf: Shelf, masterKey: Buffer, atMs: number | null = null): Promise<GoodChain> {
  const files = snapshotFiles(await shelf.list());
  const verdicts = new Map<string, string | null>();
  const skipped: GoodChain['skipped'] = [];
  const verdict = async (file: SnapshotFile): Promise<string | null> => {
    if (!verdicts.has(file.id)) verdicts.set(file.id, await faultOf(shelf, masterKey, file));
    return verdicts.get(file.id) ?? null;
  };
  let otherKey = false;
  for (const file of files.toReversed()) {
    if (atMs !== null && file.takenMs > atMs) continue;
    const chain = chainTo(files, file.id);
    let why = chain === null ? 'one that it goes on from is missing' : null;
    for (const link of chain ?? []) {
      why ??= (await verdict(link))?.replace(/^/, link === file ? '' : `of ${link.name}: `) ?? null;
      if (why !== null) break;
    }
    if (why === null && chain !== null) return { chain, skipped };
    otherKey ||= why?.includes('another master key') === true;
    skipped.push({ name: file.name, why: why ?? '' });
  }
  if (otherKey)
    throw new CloudStoreError('unavailable', 'The snapshots were written under another master key. Put the right one back.');
  const what =
    skipped.length > 0
      ? `None of ${skipped.length} snapshots is whole (${skipped[0]?.name}: ${skipped[0]?.why})`
      : 'There is no snapshot';
  throw new CloudStoreError('not_found', `${what}${atMs === null ? '' : ` of before ${new Date(atMs).toISOString()}`}.`, {
    details: { skipped },
  });
}

/** Opens the dumps of a chain one after the other. */
export function openersOf(shelf: Shelf, chain: readonly SnapshotFile[], masterKey: Buffer): (() => Promise<OpenDump>)[] {
  return chain.map(
    ({ name }) =>
      () =>
        openDump(shelf.read(name), masterKey),
  );
}

async function faultOf(shelf: Shelf, masterKey: Buffer, { name, id, parent }: SnapshotFile): Promise<string | null> {
  try {
    const dump = await openDump(shelf.read(name), masterKey);
    try {
      if (dump.head.id !== id || dump.head.parent !== parent) return 'it is not what its name says';
      for await (const { tuples } of dump.runs()) for await (const _ of tuples);
      return null;
    } finally {
      await dump.close();
    }
  } catch (error) {
    if (isCloudStoreError(error, 'corrupt') || isCloudStoreError(error, 'unavailable')) return error.message;
    throw error;
  }
}

/** Whole chains go, the oldest first, and what belongs to none. */
async function prune(shelf: Shelf, tip: string): Promise<void> {
  const files = snapshotFiles(await shelf.list());
  const newest = new Set(chainTo(files, tip));
  const bases = files.filter(({ parent }) => parent === null).slice(-1 - CHAINS_KEPT);
  const oldest = bases[0]?.number ?? 0;
  // Newest first: a chain that is cut short by a crash meanwhile must lose its end, and not its beginning.
  for (const file of files.toReversed()) if (file.number < oldest && !newest.has(file)) await shelf.remove(file.name);
}

function nameOf({ number, takenMs, id, parent }: Parameters<Parameters<DumpStore['take']>[1]>[0]): string {
  return `${String(number).padStart(10, '0')}.${takenMs}.${id}.${parent ?? 'base'}.dump`;
}

/** The pieces, and the signal's reason in place of the next one once nobody wants them any more. */
export async function* untilAborted<T>(bytes: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  for await (const piece of bytes) {
    signal?.throwIfAborted();
    yield piece;
  }
}
