import type { Conflict, RestoreIntent, RestoreVerdict, Window } from '#contracts/history-store';
import { KEY_BYTES_MAX, type ObjectKey } from '#core/address';
import { CloudStoreError } from '#core/errors';
import { endOf } from '../rows.ts';
import { isTree } from '../trees/entries.ts';
import { openLocks } from '../trees/locks.ts';
import { past, reserve, retentionOf, visibilityOf } from '../trees/ranges.ts';
import { commitTree, seqOf, type TreeRooms, type Work } from '../trees/transaction.ts';
import * as sql from './restore-statements.ts';

/** From so many rows on, Postgres is told how many there are. */
const ANALYZED_MIN = 500;
/** A restore of a whole bucket tells of so many names at its top; of more, that the bucket changed. */
const TOPS_MAX = 500;

type Count = [written: number, bytes: number, removed: number, occupied: number, keyBytesMax: number, first: string | null];

export function restore(rooms: TreeRooms, intent: RestoreIntent, window: Window, signal?: AbortSignal): Promise<RestoreVerdict> {
  return commitTree(rooms, { who: intent.who, signal }, [intent.bucket], (work) => restoreIn(work, intent, window));
}

async function restoreIn(work: Work, intent: RestoreIntent, window: Window): Promise<RestoreVerdict> {
  work.head(intent.bucket);
  await work.session.execute(sql.PREPARE);
  const next = await fill(work, intent, window);
  const [found] = await work.session.query<Count>(sql.COUNT);
  if (found![0] + found![2] >= ANALYZED_MIN) await work.session.execute(sql.ANALYZE);
  const unchanged = await work.session.execute(sql.DROP_UNCHANGED, [intent.bucket]);
  const settled = await settleConflicts(work, intent);
  const [count] = await work.session.query<Count>(sql.COUNT);
  const [written, bytes, removed, , keyBytesMax, first] = count!;
  if (keyBytesMax > KEY_BYTES_MAX) {
    throw new CloudStoreError('invalid_key', `A key would be longer than ${KEY_BYTES_MAX} bytes.`, {
      details: { tooLong: true },
    });
  }
  const verdict = { restored: written, ...settled, unchanged, removed, bytes, next };
  if (intent.dryRun === true || written + removed === 0) return verdict;
  await open(work, intent, first ?? '');
  if (removed + settled.replaced + settled.renamed > 0) await work.session.execute(sql.MEASURE_TARGETS, [intent.bucket]);
  if (removed > 0) await takeAway(work, intent.bucket);
  if (written > 0) await bring(work, intent, written, bytes);
  await work.session.execute(sql.ENSURE_DIRECTORIES, [intent.bucket, work.now]);
  if (removed > 0) {
    await work.session.execute(sql.CLEAR_EXPLICIT, [intent.bucket]);
    await work.session.execute(sql.DROP_EMPTY, [intent.bucket]);
  }
  if (written + removed > 1 || removed === 1) await tell(work, intent);
  return verdict;
}

/** The names of one window. @throws version_not_found, not_found */
async function fill(work: Work, { bucket, what, to }: RestoreIntent, window: Window): Promise<string | null> {
  const { session } = work;
  if (what.kind === 'version') {
    const rows = await session.execute(sql.FILL_VERSION, [bucket, what.key, what.version, to ?? what.key]);
    if (rows === 0) throw new CloudStoreError('version_not_found', 'There is no such version.');
    return null;
  }
  const low = what.kind === 'asOf' ? what.prefix : what.key;
  const single = !isTree(low);
  const bound = single ? null : await boundOf(work.session, { bucket, what }, window);
  const place = [bucket, low, endOf(single ? `${low}/` : low), window.after, bound, to ?? low];
  if (what.kind === 'asOf') await session.execute(sql.FILL_AS_OF, [...place, what.at, what.added === 'remove']);
  else {
    const rows = await session.execute(sql.FILL_DELETED, [...place, what.since ?? null, what.until ?? null, single]);
    if (rows === 0 && single) throw new CloudStoreError('not_found', 'There is no such file in the trash.');
  }
  return bound;
}

/** The last name of a window; null: it is the last one. */
export async function boundOf(
  session: Work['session'],
  { bucket, what }: Pick<RestoreIntent, 'bucket' | 'what'>,
  { after, names }: Window,
): Promise<string | null> {
  if (what.kind === 'version') return null;
  const low = what.kind === 'asOf' ? what.prefix : what.key;
  const statement = sql.BOUND(what.kind === 'deleted');
  const rows = await session.query<[string]>(statement, [bucket, low, endOf(low), after, names - 1]);
  return rows[0]?.[0] ?? null;
}

/** @throws already_exists */
async function settleConflicts(
  work: Work,
  { bucket, conflict }: Pick<RestoreIntent, 'bucket'> & { conflict: Conflict },
): Promise<Pick<RestoreVerdict, 'replaced' | 'renamed' | 'skipped'>> {
  const { session } = work;
  const occupied = await session.execute(sql.MARK_OCCUPIED, [bucket]);
  const none = { replaced: 0, renamed: 0, skipped: 0 };
  if (occupied === 0) return none;
  if (conflict === 'replace') return { ...none, replaced: occupied };
  if (conflict === 'skip') return { ...none, skipped: await session.execute(sql.DROP_OCCUPIED) };
  // A folder that is there is the same folder.
  const folders = await session.execute(sql.DROP_MARKERS);
  if (conflict === 'rename') {
    const renamed = await session.execute(sql.RENAME_OCCUPIED, [bucket, stamp(work.now)]);
    return { ...none, renamed, skipped: folders };
  }
  const [first] = await session.query<[string, number]>(sql.FIRST_OCCUPIED);
  if (first === undefined) return { ...none, skipped: folders };
  const [key, count] = first;
  throw new CloudStoreError(
    'already_exists',
    `There are other files now where ${count} would be restored, the first at ${JSON.stringify(key)}.`,
    {
      details: { key, count },
    },
  );
}

/** WebDAV's locks on what changes. */
async function open(work: Work, { bucket, what, to, who, lockTokens }: RestoreIntent, first: ObjectKey): Promise<void> {
  const key = to ?? (what.kind === 'asOf' ? what.prefix : what.key);
  const range = isTree(key) ? { bucket, key, tree: true } : { bucket, key: first, tree: false };
  await openLocks(work, range, { who, lockTokens, below: true, membership: !isTree(key), drop: 'none' });
}

async function takeAway(work: Work, bucket: number): Promise<void> {
  const { session, now } = work;
  const head = work.head(bucket);
  const off = head.versioning === 'off';
  const seen = visibilityOf(head);
  await session.execute(sql.SUPERSEDE_GONE, [bucket, now, off ? 'hidden' : seen]);
  const rows = off
    ? await session.query<[number, number]>(sql.VACATE_GONE, [bucket])
    : await session.query<[number, number]>(sql.MARK_GONE, [bucket, now, seen, seqOf(head)]);
  past(head, { objects: rows[0]![0], bytes: rows[0]![1] });
}

async function bring(work: Work, { bucket, what, to }: RestoreIntent, written: number, bytes: number): Promise<void> {
  const { session, now } = work;
  const head = work.head(bucket);
  const seen = visibilityOf(head);
  const [over] = await session.query<[number, number]>(sql.SUPERSEDE, [bucket, now, seen]);
  past(head, { objects: over![0], bytes: over![1] });
  const blocks = await reserve(work, written * 2);
  const inPlace = what.kind === 'asOf' && (to ?? what.prefix) === what.prefix;
  const values = [bucket, now, seen, seqOf(head), blocks, inPlace, ...retentionOf(head, now)];
  const [one] = await session.query<[string, number, string]>(sql.WRITE, values);
  head.objects += written;
  head.bytes += bytes;
  if (written > 1 || one === undefined) return;
  const [version, size, etag] = one;
  const [target] = await session.query<[string]>(sql.TOPS_ONE);
  head.events.push({ kind: 'put', key: target![0], version, size, etag });
}

/** One row of the journal: whoever follows it looks anew below. For a whole bucket one for each name at its top. */
async function tell(work: Work, { bucket, what, to }: RestoreIntent): Promise<void> {
  const head = work.head(bucket);
  head.events.length = 0;
  const key = to ?? (what.kind === 'asOf' ? what.prefix : what.key);
  if (key !== '') {
    head.events.push({ kind: 'copy', key, from: { bucket, key } });
    return;
  }
  const tops = await work.session.query<[string]>(sql.TOPS, [TOPS_MAX + 1]);
  const keys = tops.length > TOPS_MAX ? [''] : tops.map(([top]) => top).sort();
  for (const top of keys) head.events.push({ kind: 'copy', key: top, from: { bucket, key: top } });
}

/** As people write it, and every file system takes it. */
function stamp(now: number): string {
  return new Date(now).toISOString().slice(0, 16).replace('T', ' ').replace(':', '.');
}
