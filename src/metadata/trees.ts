import type { MetadataStore, RemoveTreeIntent, TreeIntent, TreeVerdict } from '#contracts/metadata-store';
import { type Address, type BucketId, parentOf } from '#core/address';
import { checkConditions } from '#core/conditions';
import { CloudStoreError } from '#core/errors';
import type { EntryInfo } from '#core/object';
import { withoutSlash } from './locks.ts';
import { endOf } from './rows.ts';
import { directoryIn, entryIn, isTree } from './trees/entries.ts';
import { openLocks } from './trees/locks.ts';
import {
  arrived,
  assertKeysFit,
  clear,
  departed,
  measure,
  past,
  type Range,
  rename,
  write,
  writeMarker,
} from './trees/ranges.ts';
import * as sql from './trees/statements.ts';
import { commitTree, type TreeRooms, type Work } from './trees/transaction.ts';

type CopyIntent = TreeIntent & { depth0?: boolean; properties?: boolean };

/** Moves, copies and removals of objects and whole folders: a handful of set-based statements and one journal row, whatever the size. */
export function createTrees(rooms: TreeRooms): Pick<MetadataStore, 'move' | 'copy' | 'removeTree'> {
  return {
    move: (intent) => commitTree(rooms, intent, bucketsOf(intent), (work) => transfer(work, intent, moveEntry)),
    copy: (intent) => commitTree(rooms, intent, bucketsOf(intent), (work) => transfer(work, intent, copyEntry)),
    removeTree: (intent) => commitTree(rooms, intent, [intent.bucket], (work) => removeTree(work, intent)),
  };
}

function bucketsOf({ from, to }: TreeIntent): BucketId[] {
  return [from.bucket, to.bucket];
}

interface Transfer<Intent> {
  /** Whether the source goes away, and so its locks count. */
  takes: boolean;
  /** Whether a folder comes with all below. */
  whole(intent: Intent): boolean;
  /** `gone`: bytes that were in the way. */
  carry(work: Work, from: Range, to: Range, gone: number, intent: Intent): Promise<number>;
}

const moveEntry: Transfer<TreeIntent> = {
  takes: true,
  whole: () => true,
  async carry(work, from, to, gone, { keepParent }) {
    const source = await measure(work, from);
    assertKeysFit(source, from, to);
    const [left, joined] = [work.head(from.bucket), work.head(to.bucket)];
    const never = left.versioning === 'off' && joined.versioning === 'off';
    const renamed = never ? await rename(work, from, to) : { objects: 0, bytes: 0 };
    const rest = { objects: source.objects - renamed.objects, bytes: source.bytes - renamed.bytes };
    await write(work, from, to, { count: rest.objects, sameNode: true, properties: true });
    if (rest.objects > 0) await clear(work, from, null, true);
    if (from.tree) {
      await work.session.execute(sql.MOVE_DIRECTORIES, [from.bucket, from.key, endOf(from.key), to.bucket, to.key]);
    }
    left.objects -= renamed.objects;
    left.bytes -= renamed.bytes;
    past(left, rest);
    joined.objects += source.objects;
    joined.bytes += source.bytes;
    await arrived(work, to, source.bytes - gone);
    await departed(work, from, source.bytes, keepParent === true);
    return source.objects;
  },
};

const copyEntry: Transfer<CopyIntent> = {
  takes: false,
  whole: ({ depth0 }) => depth0 !== true,
  async carry(work, from, to, gone, { depth0, properties }) {
    const joined = work.head(to.bucket);
    const only = from.tree && depth0 === true;
    const range = only ? { ...from, tree: false } : from;
    const source = await measure(work, range);
    assertKeysFit(source, from, to);
    await write(work, range, to, { count: source.objects, sameNode: false, properties: properties === true });
    if (from.tree) {
      const target = [to.bucket, to.key, work.now, only, properties === true, source.bytes];
      await work.session.execute(sql.COPY_DIRECTORIES, [from.bucket, from.key, endOf(from.key), ...target]);
    }
    joined.objects += source.objects;
    joined.bytes += source.bytes;
    // A folder that stood by its contents alone needs a marker where they don't come along.
    if (from.tree && source.objects === 0) await writeMarker(work, to.bucket, to.key);
    await arrived(work, to, source.bytes - gone);
    return Math.max(1, source.objects);
  },
};

async function transfer<Intent extends TreeIntent>(work: Work, intent: Intent, kind: Transfer<Intent>): Promise<TreeVerdict> {
  const from = rangeOf(intent.from);
  const to = rangeOf(intent.to);
  assertApart(from, to);
  if (work.head(from.bucket).domain !== work.head(to.bucket).domain) {
    throw new CloudStoreError('internal', 'The target belongs to another dedupe domain than the source.');
  }
  const source = await entryIn(work, from);
  if (source === null) throw new CloudStoreError('not_found', 'There is nothing to take.');
  checkConditions(intent.conditions ?? {}, source, 'write');
  if (kind.takes && from.key === '') throw new CloudStoreError('invalid_argument', 'The root of a bucket cannot be moved.');
  const there = await occupantOf(work, to, intent);
  if (intent.targetConditions !== undefined) {
    checkConditions(intent.targetConditions, there === null ? null : await entryIn(work, to), 'write');
  }
  if (there !== null && !intent.overwrite) throw new CloudStoreError('already_exists', 'The target exists.');
  if (intent.requireParent === true && (await directoryIn(work, to.bucket, parentOf(to.key))) === null) {
    throw new CloudStoreError('parent_missing', 'The parent folder does not exist.');
  }
  // A file onto the folder that it lies in: with the folder, it would go itself.
  if (there?.tree === true && !to.tree && from.bucket === there.bucket && from.key.startsWith(there.key)) throw entangled();
  const { who, lockTokens } = intent;
  if (kind.takes) await openLocks(work, from, { who, lockTokens, below: true, membership: true, drop: 'all' });
  const drop = there === null ? 'none' : there.tree === to.tree ? 'below' : 'all';
  await openLocks(work, to, { who, lockTokens, below: there !== null, membership: there === null, drop });
  const gone = there === null ? 0 : await makeRoom(work, there, from, to, kind.whole(intent));
  const count = await kind.carry(work, from, to, gone, intent);
  const entry = await entryIn(work, to);
  if (entry === null) throw new CloudStoreError('internal', 'What was carried over is not there.');
  record(work, from, to, entry, kind.takes);
  return { created: there === null, count, entry };
}

/** A file in the place of a folder, or the other way round, only counts as taken where one name has one meaning (WebDAV). */
async function occupantOf(work: Work, to: Range, { requireParent }: TreeIntent): Promise<Range | null> {
  if ((await entryIn(work, to)) !== null) return to;
  if (requireParent !== true) return null;
  const other = { ...to, key: to.tree ? withoutSlash(to.key) : `${to.key}/`, tree: !to.tree };
  if (other.key === '') return null;
  return (await entryIn(work, other)) === null ? null : other;
}

/** Takes away what is in the way, and tells how many bytes that were. Of the same kind, what will be overwritten stays, so that it gets one new version and keeps its node. */
async function makeRoom(work: Work, there: Range, from: Range, to: Range, whole: boolean): Promise<number> {
  const gone = await measure(work, there);
  const same = there.tree === to.tree;
  if (there.tree || !same) await clear(work, there, same && whole ? from : null);
  if (there.tree) await work.session.execute(sql.REMOVE_DIRECTORIES, [there.bucket, there.key, endOf(there.key)]);
  const head = work.head(there.bucket);
  past(head, gone);
  // Whoever follows the journal learns that all below is another folder's now.
  if (!same || there.tree) head.events.push({ kind: there.tree ? 'removeTree' : 'remove', key: there.key });
  return gone.bytes;
}

function record(work: Work, from: Range, to: Range, entry: EntryInfo, taken: boolean): void {
  const shown = entry.kind === 'object' ? { version: entry.versionId, size: entry.size, etag: entry.etag } : {};
  const kind = taken ? 'move' : 'copy';
  work.head(to.bucket).events.push({ kind, key: to.key, from: { bucket: from.bucket, key: from.key }, ...shown });
  if (taken && from.bucket !== to.bucket) {
    work.head(from.bucket).events.push({ kind: from.tree ? 'removeTree' : 'remove', key: from.key });
  }
}

async function removeTree(work: Work, intent: RemoveTreeIntent): Promise<{ removed: number }> {
  const range: Range = { bucket: intent.bucket, key: intent.key, tree: true };
  const head = work.head(range.bucket);
  const entry = await entryIn(work, range);
  checkConditions(intent.conditions ?? {}, entry, 'write');
  if (entry === null) return { removed: 0 };
  await openLocks(work, range, { who: intent.who, lockTokens: intent.lockTokens, below: true, membership: true, drop: 'all' });
  const gone = await measure(work, range);
  await clear(work, range, null);
  await work.session.execute(sql.REMOVE_DIRECTORIES, [range.bucket, range.key, endOf(range.key)]);
  past(head, gone);
  head.events.push({ kind: 'removeTree', key: range.key });
  await departed(work, range, gone.bytes, intent.keepParent === true);
  return { removed: gone.objects };
}

function rangeOf(at: Address): Range {
  return { ...at, tree: isTree(at.key) };
}

/** @throws invalid_argument when one is the other, or lies within it */
function assertApart(from: Range, to: Range): void {
  if (from.tree !== to.tree)
    throw new CloudStoreError('invalid_argument', 'A folder goes onto a folder, an object onto an object.');
  if (from.bucket !== to.bucket) return;
  const [a, b] = [`${withoutSlash(from.key)}/`, `${withoutSlash(to.key)}/`];
  const roots = from.key === '' || to.key === '';
  const within = roots || (from.tree && (b.startsWith(a) || a.startsWith(b)));
  if (within || a === b) throw entangled();
}

function entangled(): CloudStoreError {
  return new CloudStoreError('invalid_argument', 'One of the two is the other, or lies within it.');
}
