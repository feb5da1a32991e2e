import type { ChangeKind } from '#contracts/journal';
import type {
  AclIntent,
  AnnotateIntent,
  LockIntent,
  PutIntent,
  PutVerdict,
  RemoveIntent,
  RemoveVerdict,
  TagIntent,
} from '#contracts/metadata-store';
import { ancestorsOf, parentOf } from '#core/address';
import { checkConditions } from '#core/conditions';
import { encodeContentRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import type { ObjectInfo, VersionId } from '#core/object';
import type { ChangeCause } from '#core/principal';
import { isHeld, locked, type ObjectLock } from '#core/retention';
import { recordsOf } from '../chunk-index.ts';
import { withoutSlash } from '../locks.ts';
import { checkLocks, checkQuota, checkTree } from './checks.ts';
import { assertLockChange, clocksOf, lockOfNew } from './locking.ts';
import { emptyPlan, type Plan } from './plan.ts';
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

interface Fold {
  state: BatchState;
  plan: Plan;
  mint: Minting;
  /** Directories that may be gone after this batch's removals. */
  uncertain: Set<string>;
}

const EMPTY_MD5 = 'd41d8cd98f00b204e9800998ecf8427e';

/** Folds a batch in order over the state that was read: no I/O, no clock. Refused intents leave no trace. */
export function decide(state: BatchState, intents: readonly Intent[], mint: Minting): { plan: Plan; outcomes: Outcome[] } {
  const fold: Fold = { state, plan: emptyPlan(), mint, uncertain: new Set() };
  const outcomes = intents.map((intent): Outcome => {
    try {
      return decideOne(fold, intent);
    } catch (error) {
      return { kind: 'refused', error };
    }
  });
  return { plan: fold.plan, outcomes };
}

function decideOne(fold: Fold, intent: Intent): Outcome {
  const bucket = fold.state.buckets.get(intent.bucket);
  if (!bucket) throw new CloudStoreError('bucket_not_found', 'No such bucket.');
  if (intent.kind === 'put') return decidePut(fold, bucket, intent);
  if (intent.kind === 'remove') return decideRemove(fold, bucket, intent);
  if (intent.kind === 'lock') return decideLock(fold, bucket, intent);
  if (intent.kind === 'tag') return decideTag(fold, bucket, intent);
  if (intent.kind === 'acl') return decideAcl(fold, bucket, intent);
  return decideAnnotate(fold, bucket, intent);
}

function decidePut(fold: Fold, bucket: BucketState, intent: PutIntent): Outcome {
  const { state, plan } = fold;
  if (intent.completesUpload !== undefined) {
    const upload = state.uploads.get(intent.completesUpload);
    // Of another key it may be: some are told only at the end where they go.
    if (!upload || upload.bucket !== bucket.id) {
      throw new CloudStoreError('upload_not_found', 'There is no such upload.');
    }
    if (upload.completedVersion !== null) return { kind: 'completed', version: upload.completedVersion };
  }
  if (intent.content.domain !== bucket.domain) {
    throw new CloudStoreError('internal', 'The content belongs to another dedupe domain than the bucket.');
  }
  const before = state.slots.get(slotKey(bucket.id, intent.key));
  checkLocks(state, intent, before?.live !== true);
  if (intent.requireParent === true) {
    const deferred = checkTree(state, fold.uncertain, intent, before?.live === true);
    if (deferred) return { kind: 'defer' };
  }
  checkConditions(intent.conditions ?? {}, before?.live ? before : null, 'write');
  const size = intent.content.size;
  checkQuota(state, bucket, size - (before?.live ? before.size : 0), before?.live ? 0 : 1);

  const made = writeVersion(fold, bucket, intent.key, {
    versionId: intent.versionId,
    deleteMarker: false,
    size,
    etag: intent.etag,
    mtime: intent.mtime ?? state.now,
    attributes: intent.attributes,
    tags: intent.attributes.tags ?? null,
    content: encodeContentRef(intent.content).toString('base64'),
    contentHash: intent.contentHash?.toString('base64') ?? null,
    properties: intent.properties ?? null,
    lock: lockOfNew(state, bucket, intent.lock),
  });
  if (intent.lock?.legalHold !== undefined) plan.holds.push(intent.versionId);
  ensureDirectories(fold, bucket, intent.key);
  const records = recordsOf(bucket.domain, intent.chunks, intent.leaves);
  plan.chunks.push(...records.chunks);
  plan.leaves.push(...records.leaves);
  if (intent.completesUpload !== undefined) {
    plan.uploads.push({ i: intent.completesUpload, v: intent.versionId });
    const upload = state.uploads.get(intent.completesUpload);
    if (upload) upload.completedVersion = intent.versionId;
  }
  const seq = journal(
    fold,
    bucket,
    'put',
    intent,
    made,
    null,
    intent.completesUpload === undefined ? intent.who.cause : 'complete',
  );
  const info: ObjectInfo = { ...objectInfo(bucket, intent.key, made, intent.versionId), content: intent.content };
  return { kind: 'put', verdict: { info, created: before?.live !== true, seq } };
}

interface Written {
  versionId: VersionId;
  deleteMarker: boolean;
  size: number;
  etag: string;
  mtime: number;
  attributes: ObjectInfo['attributes'];
  tags: Record<string, string> | null;
  content: string | null;
  contentHash: string | null;
  properties: Record<string, string> | null;
  /** Absent: nothing keeps it. */
  lock?: ObjectLock | null;
}

/** A new current version in a slot, by the bucket's versioning; what was current becomes history, S3's or ours. */
function writeVersion(fold: Fold, bucket: BucketState, key: string, written: Written): SlotState {
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

function decideRemove(fold: Fold, bucket: BucketState, intent: RemoveIntent): Outcome {
  const { state } = fold;
  const before = state.slots.get(slotKey(bucket.id, intent.key));
  checkLocks(state, intent, before?.live === true);
  if (intent.version !== undefined && !isOnlyVersion(bucket, intent, before)) return removeVersion(fold, bucket, intent, before);
  checkConditions(intent.conditions ?? {}, before?.live ? before : null, 'write');
  if (before?.live !== true && intent.mustExist === true) throw new CloudStoreError('not_found', 'There is no such object.');
  const existed = before?.live === true;
  if (bucket.versioning === 'off') {
    if (!existed) return { kind: 'remove', verdict: { existed: false, deleteMarker: false, versionId: null } };
    if (before.nullVersion) hide(fold, before.nullVersion);
    past(fold, bucket, 1, before.size);
    setSlot(fold, bucket, intent.key, { ...before, ...NOTHING });
    journal(fold, bucket, 'remove', intent, null);
    afterRemoval(fold, bucket, intent);
    const named = intent.version === undefined ? null : 'null';
    return { kind: 'remove', verdict: { existed: true, deleteMarker: false, versionId: named } };
  }
  const marker = writeVersion(fold, bucket, intent.key, {
    versionId: intent.versionId,
    deleteMarker: true,
    size: 0,
    etag: '',
    mtime: state.now,
    attributes: {},
    tags: null,
    content: null,
    contentHash: null,
    properties: null,
  });
  journal(fold, bucket, 'remove', intent, null, marker.versionId);
  if (existed) afterRemoval(fold, bucket, intent);
  const versionId = bucket.versioning === 'enabled' ? intent.versionId : 'null';
  return { kind: 'remove', verdict: { existed, deleteMarker: true, versionId } };
}

/** Where there never were versions, whoever names the only one means the object; it goes into history like any. */
function isOnlyVersion(bucket: BucketState, { version }: RemoveIntent, before: SlotState | undefined): boolean {
  if (bucket.versioning !== 'off' || before?.live !== true) return false;
  return version === 'null' || version === before.versionId;
}

const NOTHING = {
  live: false,
  versionId: null,
  visibility: null,
  deleteMarker: false,
  size: 0,
  properties: null,
  nullVersion: null,
};

function removeVersion(fold: Fold, bucket: BucketState, intent: RemoveIntent, before: SlotState | undefined): Outcome {
  const { plan, state } = fold;
  const named = state.versions.get(slotKey(bucket.id, intent.key));
  if (!before || !named || named.visibility === 'hidden') {
    if (intent.mustExist === true) throw new CloudStoreError('version_not_found', 'There is no such version.');
    return { kind: 'remove', verdict: { existed: false, deleteMarker: false, versionId: intent.version ?? null } };
  }
  const held = isHeld(named.lock, clocksOf(state, bucket).ends);
  const bypassed = intent.bypassGovernance === true && !named.lock.legalHold && named.lock.retention?.mode === 'governance';
  if (held && !bypassed) throw locked(named.lock);
  if (before.versionId === named.id) checkConditions(intent.conditions ?? {}, before.live ? before : null, 'write');
  plan.changed.set(named.id, { v: named.id, d: true, ...(held ? { k: true, rm: null, ru: null, lh: false } : {}) });
  const nullVersion = before.nullVersion === named.id ? null : before.nullVersion;
  let after: SlotState = { ...before, nullVersion };
  if (before.versionId === named.id) {
    // What is there keeps its dead properties; what was deleted has them again.
    const properties = before.properties ?? named.next?.properties ?? null;
    after = named.next === null ? { ...before, ...NOTHING } : { ...before, ...named.next, properties, nullVersion };
    if (named.next?.versionId) plan.changed.set(named.next.versionId, { v: named.next.versionId, u: null });
    if (named.next === null) plan.emptied.add(before.id);
  }
  const sizes = (after.live ? after.size : 0) - (before.live ? before.size : 0);
  checkQuota(state, bucket, sizes, Number(after.live) - Number(before.live));
  // What is current again is no longer past; what was past is gone.
  if (before.versionId !== named.id && !named.deleteMarker) past(fold, bucket, -1, -named.size);
  else if (before.versionId === named.id && after.live) past(fold, bucket, -1, -after.size);
  setSlot(fold, bucket, intent.key, after);
  // What the key holds now, whichever of its versions went.
  const versionId = named.visibility === 'null' ? 'null' : named.id;
  journal(fold, bucket, after.live ? 'put' : 'remove', intent, after.live ? after : null, null, `gone ${versionId}`);
  if (after.live) ensureDirectories(fold, bucket, intent.key);
  else if (before.live) afterRemoval(fold, bucket, intent);
  return { kind: 'remove', verdict: { existed: true, deleteMarker: named.deleteMarker, versionId } };
}

function decideLock(fold: Fold, bucket: BucketState, intent: LockIntent): Outcome {
  const { state, plan } = fold;
  const named = state.versions.get(slotKey(bucket.id, intent.key));
  const before = state.slots.get(slotKey(bucket.id, intent.key));
  if (!before || !named || named.visibility === 'hidden' || named.deleteMarker) {
    if (intent.version === undefined) throw new CloudStoreError('not_found', 'There is no such object.');
    throw new CloudStoreError('version_not_found', 'There is no such version.');
  }
  const { retention, legalHold } = assertLockChange(state, bucket, named.lock, intent);
  plan.changed.set(named.id, {
    v: named.id,
    k: true,
    rm: retention?.mode ?? null,
    ru: retention?.until ?? null,
    lh: legalHold,
  });
  if (intent.legalHold !== undefined) plan.holds.push(named.id);
  journal(fold, bucket, 'annotate', intent, before.versionId === named.id ? before : null);
  return { kind: 'lock', version: named.id };
}

function decideTag(fold: Fold, bucket: BucketState, intent: TagIntent): Outcome {
  const { state, plan } = fold;
  const { named, current } = namedVersion(fold, bucket, intent);
  if (named.deleteMarker)
    throw new CloudStoreError('version_not_found', 'A delete marker has no tags.', { details: { deleteMarker: true } });
  checkLocks(state, intent, false);
  plan.tagged.push({ v: named.id, g: intent.tags });
  if (current !== null) {
    const { tags: _, ...rest } = current.attributes;
    setSlot(fold, bucket, intent.key, { ...current, attributes: intent.tags === null ? rest : { ...rest, tags: intent.tags } });
  }
  journal(fold, bucket, 'annotate', intent, current, null, intent.tags === null ? 'untag' : 'tag');
  return { kind: 'lock', version: named.id };
}

function decideAcl(fold: Fold, bucket: BucketState, intent: AclIntent): Outcome {
  const { named, current } = namedVersion(fold, bucket, intent);
  fold.plan.lists.push({ v: named.id, a: intent.acl === null ? null : JSON.parse(intent.acl) });
  journal(fold, bucket, 'annotate', intent, current, null, 'acl');
  return { kind: 'lock', version: named.id };
}

/** The version that an intent is about, as S3 sees it; `current` where it is that. @throws not_found, version_not_found */
function namedVersion({ state }: Fold, bucket: BucketState, intent: TagIntent | AclIntent) {
  const at = slotKey(bucket.id, intent.key);
  const named = state.versions.get(at);
  const before = state.slots.get(at);
  if (!before || !named || named.visibility === 'hidden' || (intent.version === undefined && !before.live)) {
    if (intent.version === undefined) throw new CloudStoreError('not_found', 'There is no such object.');
    throw new CloudStoreError('version_not_found', 'There is no such version.');
  }
  return { named, current: before.versionId === named.id ? before : null };
}

function decideAnnotate(fold: Fold, bucket: BucketState, intent: AnnotateIntent): Outcome {
  const { state, plan } = fold;
  checkLocks(state, intent, false);
  const at = slotKey(bucket.id, intent.key);
  if (intent.key === '' || intent.key.endsWith('/')) {
    const directory = state.directories.get(at);
    if (!directory) throw new CloudStoreError('not_found', 'There is no such folder.');
    if (fold.uncertain.has(at)) return { kind: 'defer' };
    checkConditions(intent.conditions ?? {}, directory, 'write');
    const properties = merged(directory.properties, intent.properties);
    state.directories.set(at, { ...directory, properties });
    plan.properties.set(at, { b: bucket.id, k: intent.key, p: properties });
    journal(fold, bucket, 'annotate', intent, null);
    for (const path of [...ancestorsOf(intent.key), intent.key]) touch(fold, bucket, path, false);
    return { kind: 'annotate' };
  }
  const before = state.slots.get(at);
  if (before?.live !== true || before.versionId === null) throw new CloudStoreError('not_found', 'There is no such object.');
  checkConditions(intent.conditions ?? {}, before, 'write');
  const after = { ...before, properties: merged(before.properties, intent.properties), mtime: intent.mtime ?? before.mtime };
  const fresh = plan.versions.get(before.versionId);
  if (fresh) fresh.t = after.mtime;
  else if (after.mtime !== before.mtime) plan.changed.set(before.versionId, { v: before.versionId, t: after.mtime });
  setSlot(fold, bucket, intent.key, after);
  journal(fold, bucket, 'annotate', intent, after);
  for (const path of ancestorsOf(intent.key)) touch(fold, bucket, path, false);
  return { kind: 'annotate' };
}

function afterRemoval(fold: Fold, bucket: BucketState, intent: RemoveIntent): void {
  const { state, plan } = fold;
  const own = withoutSlash(intent.key);
  for (const lock of state.locks)
    if (lock.at.bucket === bucket.id && lock.at.key === own && own !== '') plan.locks.add(lock.token);
  state.locks = state.locks.filter((lock) => !plan.locks.has(lock.token));
  const paths = ancestorsOf(intent.key);
  if (intent.key.endsWith('/')) paths.push(intent.key);
  for (const path of paths) {
    const change = touch(fold, bucket, path, false);
    if (path === '') continue;
    change.c = true;
    if (path === intent.key) change.e = false;
    fold.uncertain.add(slotKey(bucket.id, path));
  }
  const parent = parentOf(intent.key);
  if (intent.keepParent !== true || parent === '' || state.occupied.has(slotKey(bucket.id, parent))) return;
  // What this batch touches below the parent was not looked for in the database.
  const below = slotKey(bucket.id, parent);
  for (const [at, slot] of state.slots) if (slot.live && at.startsWith(below)) return;
  const empty = { kind: 'manifest' as const, domain: bucket.domain, size: 0, leaves: [] };
  const marker = writeVersion(fold, bucket, parent, {
    versionId: fold.mint.versionId(),
    deleteMarker: false,
    size: 0,
    etag: EMPTY_MD5,
    mtime: state.now,
    attributes: {},
    tags: null,
    content: encodeContentRef(empty).toString('base64'),
    contentHash: null,
    properties: null,
  });
  journal(fold, bucket, 'put', { ...intent, key: parent }, marker);
  ensureDirectories(fold, bucket, parent);
}

/** Every directory above a live key exists and moves with it; a marker `a/` makes `a/` explicit. */
function ensureDirectories(fold: Fold, bucket: BucketState, key: string): void {
  const paths = ancestorsOf(key);
  if (key.endsWith('/')) paths.push(key);
  for (const path of paths) {
    const change = touch(fold, bucket, path, true);
    if (path === key) change.e = true;
    const at = slotKey(bucket.id, path);
    if (fold.state.directories.has(at)) continue;
    const { now } = fold.state;
    const made = { directoryId: 0, explicit: path === key, etag: '', modified: now, created: now, properties: null };
    fold.state.directories.set(at, { kind: 'directory', bucket: bucket.id, key: path, ...made });
  }
}

function touch(fold: Fold, bucket: BucketState, path: string, ensure: boolean) {
  const at = slotKey(bucket.id, path);
  const change = fold.plan.directories.get(at) ?? { b: bucket.id, k: path, f: false, e: null, c: false };
  change.f ||= ensure;
  fold.plan.directories.set(at, change);
  return change;
}

function supersede(fold: Fold, id: VersionId): void {
  const fresh = fold.plan.versions.get(id);
  if (fresh) fresh.u = fold.state.now;
  else fold.plan.changed.set(id, { ...fold.plan.changed.get(id), v: id, u: fold.state.now });
}

function hide(fold: Fold, id: VersionId): void {
  supersede(fold, id);
  const fresh = fold.plan.versions.get(id);
  if (fresh) fresh.s = 'hidden';
  else fold.plan.changed.set(id, { ...fold.plan.changed.get(id), v: id, s: 'hidden', u: fold.state.now });
}

function setSlot(fold: Fold, bucket: BucketState, key: string, after: SlotState): void {
  const { state, plan } = fold;
  const at = slotKey(bucket.id, key);
  const before = state.slots.get(at);
  const objects = Number(after.live) - Number(before?.live === true);
  const bytes = (after.live ? after.size : 0) - (before?.live ? before.size : 0);
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
  plan.slots.set(at, { bucket: bucket.id, key, state: after });
}

function head(fold: Fold, bucket: BucketState) {
  const found = fold.plan.heads.get(bucket.id) ?? { r: bucket.revision, q: bucket.seq, n: 0, o: 0, z: 0, hn: 0, hz: 0 };
  fold.plan.heads.set(bucket.id, found);
  return found;
}

/** Counts what is no longer current, or not yet gone. */
function past(fold: Fold, bucket: BucketState, versions: number, bytes: number): void {
  const moved = head(fold, bucket);
  moved.hn += versions;
  moved.hz += bytes;
}

/** `marker`: the delete marker that a removal has written. */
function journal(
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

function objectInfo(bucket: BucketState, key: string, slot: SlotState, versionId: VersionId): ObjectInfo {
  const { nodeId, size, etag, modified, mtime, created, attributes, properties } = slot;
  const shown = { visibility: slot.visibility ?? 'null', deleteMarker: slot.deleteMarker, isLatest: true };
  const rest = { size, etag, modified, mtime, created, attributes, properties, content: null };
  return { kind: 'object', bucket: bucket.id, key, nodeId, versionId, ...shown, ...rest };
}

function merged(before: Record<string, string> | null, patch: Record<string, string | null> = {}): Record<string, string> | null {
  const out = { ...before };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete out[name];
    else out[name] = value;
  }
  return Object.keys(out).length === 0 ? null : out;
}
