import type { BucketId, ObjectKey } from '#core/address';
import { ancestorsOf, KEY_BYTES_MAX, parentOf } from '#core/address';
import { type ContentRef, encodeContentRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import { retentionFrom } from '#core/retention';
import { clocksOf } from '../commit/locking.ts';
import type { Statement } from '../database.ts';
import { endOf } from '../rows.ts';
import * as sql from './statements.ts';
import { type Head, seqOf, type Work } from './transaction.ts';

/** An object, or a folder with all below. */
export interface Range {
  bucket: BucketId;
  key: ObjectKey;
  tree: boolean;
}

export interface Measure {
  objects: number;
  bytes: number;
  keyBytesMax: number;
}

const IDS_PER_BLOCK = 4096;
const EMPTY_MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
const NEXT_BLOCKS: Statement = { name: 'tree-ids', text: `SELECT nextval('object_ids') FROM generate_series(1, $1)` };

const pick = (pair: { tree: Statement; one: Statement }, { tree }: Range) => (tree ? pair.tree : pair.one);
const bounds = (range: Range) => [range.bucket, range.key, range.tree ? endOf(range.key) : null];
/** How S3 sees what is written now. */
export const visibilityOf = ({ versioning }: Head) => (versioning === 'enabled' ? 'id' : 'null');

export async function measure({ session }: Work, range: Range): Promise<Measure> {
  const rows = await session.query<[number, number, number]>(pick(sql.MEASURE, range), bounds(range));
  const [objects, bytes, keyBytesMax] = rows[0]!;
  return { objects, bytes, keyBytesMax };
}

/** Takes what is live in a range away: into history, with delete markers where there are versions. `except`: what comes in its place. */
export async function clear(work: Work, range: Range, except: Range | null, moved = false): Promise<void> {
  const { session, now } = work;
  const head = work.head(range.bucket);
  const spare = [except?.bucket ?? null, except?.key ?? null];
  if (head.versioning === 'off') {
    await session.execute(pick(sql.SUPERSEDE_LIVE, range), [...bounds(range), now, ...spare, 'hidden', moved]);
    await session.execute(pick(sql.VACATE, range), [...bounds(range), ...spare]);
    return;
  }
  const seen = visibilityOf(head);
  await session.execute(pick(sql.SUPERSEDE_LIVE, range), [...bounds(range), now, ...spare, seen, moved]);
  await session.execute(pick(sql.MARK_DELETED, range), [...bounds(range), now, ...spare, seen, seqOf(head)]);
}

/** Renames the slots that can be, their history with them; the others stay. */
export async function rename(work: Work, from: Range, to: Range): Promise<{ objects: number; bytes: number }> {
  const values = [...bounds(from), to.bucket, to.key, work.now];
  const rows = await work.session.query<[number, number, number, number]>(pick(sql.RENAME, from), values);
  const [objects, bytes, versions, versionBytes] = rows[0]!;
  for (const [bucket, sign] of [[from.bucket, -1] as const, [to.bucket, 1] as const]) {
    const head = work.head(bucket);
    head.historyVersions += sign * versions;
    head.historyBytes += sign * versionBytes;
  }
  return { objects, bytes };
}

/** What was live and is so no longer. */
export function past(head: Head, { objects, bytes }: { objects: number; bytes: number }): void {
  head.objects -= objects;
  head.bytes -= bytes;
  head.historyVersions += objects;
  head.historyBytes += bytes;
}

/** New versions at the targets. `sameNode`: it is the same file elsewhere, not another one. */
export async function write(
  work: Work,
  from: Range,
  to: Range,
  { count, sameNode, properties }: { count: number; sameNode: boolean; properties: boolean },
): Promise<void> {
  if (count === 0) return;
  const { session, now } = work;
  const head = work.head(to.bucket);
  const blocks = await reserve(work, count * 2);
  const common = [...bounds(from), to.bucket, to.key, now, visibilityOf(head)];
  await session.execute(pick(sql.SUPERSEDE_TARGETS, from), common);
  await session.execute(pick(sql.WRITE_TARGETS, from), [
    ...common,
    seqOf(head),
    blocks,
    sameNode,
    properties,
    ...retentionOf(head, now),
  ]);
}

/** The bucket's default retention for what is written now: mode and end. */
export function retentionOf(head: Head, now: number): [string | null, number | null] {
  if (!head.objectLock || head.defaultRetention === null) return [null, null];
  const { begins } = clocksOf({ now, databaseNow: head.databaseNow }, head);
  const { mode, until } = retentionFrom(head.defaultRetention, begins);
  return [mode, until];
}

/** An explicit folder where none is live: its marker, counted. */
export async function writeMarker(work: Work, bucket: BucketId, key: ObjectKey): Promise<void> {
  const { session, now } = work;
  const head = work.head(bucket);
  const blocks = await reserve(work, 2);
  const id = blocks[0]! - IDS_PER_BLOCK + 1;
  const empty: ContentRef = { kind: 'manifest', domain: head.domain, size: 0, leaves: [] };
  await session.execute(sql.HIDE_NULL, [bucket, key, now, visibilityOf(head)]);
  const values = [bucket, key, now, visibilityOf(head), id, id + 1, seqOf(head), encodeContentRef(empty), EMPTY_MD5];
  const rows = await session.query<[string]>(sql.WRITE_MARKER, values);
  head.objects += 1;
  head.events.push({ kind: 'put', key, version: rows[0]![0], size: 0, etag: EMPTY_MD5 });
  await session.execute(sql.ENSURE_DIRECTORIES, [bucket, [...ancestorsOf(key), key], now, key, 0]);
}

/** The folders above something that came, by which they grow. */
export async function arrived({ session, now }: Work, { bucket, key }: Range, bytes: number): Promise<void> {
  await session.execute(sql.ENSURE_DIRECTORIES, [bucket, ancestorsOf(key), now, null, bytes]);
}

/** The folders above something that went, by so many bytes: those that hold nothing more are gone, but for a parent that is to stay. */
export async function departed(work: Work, { bucket, key }: Range, bytes: number, keepParent: boolean): Promise<void> {
  const { session, now } = work;
  const above = ancestorsOf(key);
  const parent = parentOf(key);
  if (keepParent && parent !== '') {
    const live = await session.query(sql.ANY_LIVE, [bucket, parent, endOf(parent)]);
    if (live.length === 0) await writeMarker(work, bucket, parent);
  }
  await session.execute(sql.TOUCH_DIRECTORIES, [bucket, above, now, bytes]);
  const folders = above.filter((path) => path !== '');
  if (folders.length > 0) await session.execute(sql.DROP_EMPTY, [bucket, folders, folders.map(endOf)]);
}

/** @throws invalid_key when a key would grow beyond what any protocol may store */
export function assertKeysFit(source: Measure, from: Range, to: Range): void {
  const longest = source.keyBytesMax - Buffer.byteLength(from.key) + Buffer.byteLength(to.key);
  if (longest <= KEY_BYTES_MAX) return;
  throw new CloudStoreError('invalid_key', `A key would be longer than ${KEY_BYTES_MAX} bytes.`, { details: { tooLong: true } });
}

export async function reserve({ session }: Work, count: number): Promise<number[]> {
  const rows = await session.query<[number]>(NEXT_BLOCKS, [Math.ceil(count / IDS_PER_BLOCK)]);
  return rows.map(([block]) => block);
}
