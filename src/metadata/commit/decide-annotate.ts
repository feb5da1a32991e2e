import type { AclIntent, AnnotateIntent, LockIntent, TagIntent } from '#contracts/metadata-store';
import { ancestorsOf } from '#core/address';
import { checkConditions } from '#core/conditions';
import { CloudStoreError } from '#core/errors';
import { checkLocks } from './checks.ts';
import { type Fold, journal, type Outcome, setSlot, touch } from './fold.ts';
import { assertLockChange } from './locking.ts';
import { type BucketState, slotKey } from './state.ts';

export function decideAnnotate(fold: Fold, bucket: BucketState, intent: AnnotateIntent): Outcome {
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

export function decideLock(fold: Fold, bucket: BucketState, intent: LockIntent): Outcome {
  const { state, plan } = fold;
  const named = state.versions.get(slotKey(bucket.id, intent.key));
  const before = state.slots.get(slotKey(bucket.id, intent.key));
  if (!before || !named || named.visibility === 'hidden' || named.deleteMarker) {
    if (intent.version === undefined) throw new CloudStoreError('not_found', 'There is no such object.');
    const marker = named?.deleteMarker === true && named.visibility !== 'hidden' ? { deleteMarker: true } : {};
    throw new CloudStoreError('version_not_found', 'There is no such version.', { details: marker });
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

export function decideTag(fold: Fold, bucket: BucketState, intent: TagIntent): Outcome {
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

export function decideAcl(fold: Fold, bucket: BucketState, intent: AclIntent): Outcome {
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

function merged(before: Record<string, string> | null, patch: Record<string, string | null> = {}): Record<string, string> | null {
  const out = { ...before };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete out[name];
    else out[name] = value;
  }
  return Object.keys(out).length === 0 ? null : out;
}
