import type { ChangeKind } from '#contracts/journal';
import type { PutVerdict, RemoveVerdict } from '#contracts/metadata-store';
import { ancestorsOf } from '#core/address';
import type { ObjectInfo, VersionId } from '#core/object';
import type { ChangeCause } from '#core/principal';
import type { ObjectLock } from '#core/retention';
import type { Plan } from './plan.ts';
import { type BatchState, type BucketState, type Intent, type SlotState, slotKey } from './state.ts';

export type Outcome =
  | { kind: 'put'; verdict: PutVerdict }
  | { kind: 'remove'; verdict: RemoveVerdict }
  | { kind: 'annotate' }
  | { kind: 'lock'; version: VersionId }
  /** The upload was completed before: the verdict is that version's. */
  | { kind: 'completed'; version: VersionId }
  /** Depends on what an earlier intent of the batch leaves behind: goes into the next one. */
  | { kind: 'defer' }
  | { kind: 'refused'; error: unknown };

export interface Minting {
  nodeId(): number;
  versionId(): VersionId;
}

export interface Fold {
  state: BatchState;
  plan: Plan;
  mint: Minting;
  /** Directories that may be gone after this batch's removals. */
  uncertain: Set<string>;
}

export interface Written {
  versionId: VersionId;
  deleteMarker: boolean;
  size: number;
  etag: string;
  mtime: number;
  attributes: ObjectInfo['attributes'];
  tags: Record<string, string> | null;
  content: Buffer | null;
  contentHash: Buffer | null;
  properties: Record<string, string> | null;
  /** Absent: nothing keeps it. */
  lock?: ObjectLock | null;
}

/** A new current version in a slot, by the bucket's versioning; what was current becomes history, S3's or ours. */
export function writeVersion(fold: Fold, bucket: BucketState, key: string, written: Written): SlotState {
  const { state, plan, mint } = fold;
  const before = state.slots.get(slotKey(bucket.id, key));
  const visibility = bucket.versioning === 'enabled' ? 'id' : 'null';
  let nullVersion = before?.nullVersion ?? null;
  if (before?.versionId) supersede(fold, before.versionId);
  if (before?.live === true) past(fold, bucket, 1, before.size);
  if (visibility === 'null') {
    if (nullVersion !== null) hide(fold, nullVersion);
    nullVersion = written.versionId;
  }
  const continued = before?.live === true;
  const after: SlotState = {
    id: before?.id ?? mint.nodeId(),
    live: !written.deleteMarker,
    versionId: written.versionId,
    visibility,
    deleteMarker: written.deleteMarker,
    nodeId: before && (continued || written.deleteMarker) ? before.nodeId : mint.nodeId(),
    size: written.size,
    etag: written.etag,
    modified: state.now,
    mtime: written.mtime,
    created: continued ? before.created : state.now,
    attributes: written.attributes,
    properties: written.deleteMarker ? null : continued ? before.properties : written.properties,
    nullVersion,
  };
  plan.versions.set(written.versionId, {
    v: written.versionId,
    i: after.id,
    q: head(fold, bucket).q + head(fold, bucket).n + 1,
    n: after.nodeId,
    s: visibility,
    d: written.deleteMarker,
    z: written.size,
    e: written.etag,
    m: state.now,
    t: written.mtime,
    c: after.created,
    a: written.attributes,
    g: written.tags,
    r: written.content,
    h: written.contentHash,
    u: null,
    rm: written.lock?.retention?.mode ?? null,
    ru: written.lock?.retention?.until ?? null,
    lh: written.lock?.legalHold ?? false,
  });
  setSlot(fold, bucket, key, after);
  return after;
}

/** Every directory above a live key exists and moves with it; a marker `a/` makes `a/` explicit. */
export function ensureDirectories(fold: Fold, bucket: BucketState, key: string): void {
  for (const path of foldersOf(key)) {
    const at = slotKey(bucket.id, path);
    const there = fold.state.directories.has(at);
    const change = touch(fold, bucket, path, !there);
    if (path === key) change.e = true;
    if (there) continue;
    const { now } = fold.state;
    const made = { directoryId: 0, explicit: path === key, etag: '', modified: now, created: now, properties: null, bytes: null };
    fold.state.directories.set(at, { kind: 'directory', bucket: bucket.id, key: path, ...made });
  }
}

/** Whose range of keys a key lies in; a marker `a/` in that of `a/`. */
export function foldersOf(key: string): string[] {
  const paths = ancestorsOf(key);
  if (key.endsWith('/')) paths.push(key);
  return paths;
}

export function touch(fold: Fold, bucket: BucketState, path: string, ensure: boolean) {
  const at = slotKey(bucket.id, path);
  const change = fold.plan.directories.get(at) ?? { b: bucket.id, k: path, f: false, e: null, c: false, z: 0 };
  change.f ||= ensure;
  fold.plan.directories.set(at, change);
  return change;
}

export function supersede(fold: Fold, id: VersionId): void {
  const fresh = fold.plan.versions.get(id);
  if (fresh) fresh.u = fold.state.now;
  else fold.plan.changed.set(id, { ...fold.plan.changed.get(id), v: id, u: fold.state.now });
}

export function hide(fold: Fold, id: VersionId): void {
  supersede(fold, id);
  const fresh = fold.plan.versions.get(id);
  if (fresh) fresh.s = 'hidden';
  else fold.plan.changed.set(id, { ...fold.plan.changed.get(id), v: id, s: 'hidden', u: fold.state.now });
}

export function setSlot(fold: Fold, bucket: BucketState, key: string, after: SlotState): void {
  const { state, plan } = fold;
  const at = slotKey(bucket.id, key);
  const before = state.slots.get(at);
  const objects = Number(after.live) - Number(before?.live === true);
  const bytes = (after.live ? after.size : 0) - (before?.live ? before.size : 0);
  if (bytes !== 0) for (const path of foldersOf(key)) touch(fold, bucket, path, false).z += bytes;
  const moved = head(fold, bucket);
  moved.o += objects;
  moved.z += bytes;
  bucket.objects += objects;
  bucket.bytes += bytes;
  const used = plan.usage.get(bucket.owner) ?? { z: 0, o: 0 };
  plan.usage.set(bucket.owner, { z: used.z + bytes, o: used.o + objects });
  const account = state.accounts.get(bucket.owner);
  if (account) {
    account.usedBytes += bytes;
    account.usedObjects += objects;
  }
  state.slots.set(at, after);
  const first = plan.slots.get(at);
  plan.slots.set(at, { bucket: bucket.id, key, state: after, before: first === undefined ? (before ?? null) : first.before });
}

/** Counts what is no longer current, or not yet gone. */
export function past(fold: Fold, bucket: BucketState, versions: number, bytes: number): void {
  const moved = head(fold, bucket);
  moved.hn += versions;
  moved.hz += bytes;
}

/** `marker`: the delete marker that a removal has written. */
export function journal(
  fold: Fold,
  bucket: BucketState,
  kind: ChangeKind,
  intent: Intent,
  now: SlotState | null,
  marker: VersionId | null = null,
  cause: ChangeCause | undefined = intent.who.cause,
): number {
  const moved = head(fold, bucket);
  moved.n += 1;
  const q = moved.q + moved.n;
  const row = { b: bucket.id, q, w: kind, k: intent.key, who: intent.who, cause };
  fold.plan.journal.push({ ...row, v: now?.versionId ?? marker, z: now?.size ?? null, e: now?.etag ?? null });
  return q;
}

function head(fold: Fold, bucket: BucketState) {
  const found = fold.plan.heads.get(bucket.id) ?? { r: bucket.revision, q: bucket.seq, n: 0, o: 0, z: 0, hn: 0, hz: 0 };
  fold.plan.heads.set(bucket.id, found);
  return found;
}
