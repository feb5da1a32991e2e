import type { RemoveIntent } from '#contracts/metadata-store';
import { parentOf } from '#core/address';
import { checkConditions } from '#core/conditions';
import { encodeContentRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import { isHeld, locked } from '#core/retention';
import { withoutSlash } from '../locks.ts';
import { checkLocks, checkQuota } from './checks.ts';
import {
  ensureDirectories,
  type Fold,
  foldersOf,
  hide,
  journal,
  type Outcome,
  past,
  setSlot,
  touch,
  writeVersion,
} from './fold.ts';
import { clocksOf } from './locking.ts';
import { type BucketState, type SlotState, slotKey } from './state.ts';

const EMPTY_MD5 = 'd41d8cd98f00b204e9800998ecf8427e';

export function decideRemove(fold: Fold, bucket: BucketState, intent: RemoveIntent): Outcome {
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

function afterRemoval(fold: Fold, bucket: BucketState, intent: RemoveIntent): void {
  const { state, plan } = fold;
  const own = withoutSlash(intent.key);
  for (const lock of state.locks)
    if (lock.at.bucket === bucket.id && lock.at.key === own && own !== '') plan.locks.add(lock.token);
  state.locks = state.locks.filter((lock) => !plan.locks.has(lock.token));
  for (const path of foldersOf(intent.key)) {
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
    content: encodeContentRef(empty),
    contentHash: null,
    properties: null,
  });
  journal(fold, bucket, 'put', { ...intent, key: parent }, marker);
  ensureDirectories(fold, bucket, parent);
}
