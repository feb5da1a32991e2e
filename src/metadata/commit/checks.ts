import type { PutIntent } from '#contracts/metadata-store';
import { parentOf } from '#core/address';
import type { Quota } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import { assertUnlocked, covers, withoutSlash } from '../locks.ts';
import { type BatchState, type BucketState, type Intent, slotKey } from './state.ts';

/** WebDAV's rules: the parent exists, and a file and a folder never share one name. True: cannot be known in this batch. */
export function checkTree(state: BatchState, uncertain: ReadonlySet<string>, intent: PutIntent, overwrites: boolean): boolean {
  const parent = slotKey(intent.bucket, parentOf(intent.key));
  const own = slotKey(intent.bucket, intent.key.endsWith('/') ? intent.key : `${intent.key}/`);
  if (uncertain.has(parent) || uncertain.has(own)) return true;
  const twin = intent.key.endsWith('/') ? state.slots.get(slotKey(intent.bucket, withoutSlash(intent.key))) : undefined;
  if (twin?.live) throw new CloudStoreError('already_exists', 'A file has this name already.');
  if (state.directories.has(own)) {
    if (intent.key.endsWith('/')) throw new CloudStoreError('already_exists', 'The folder exists already.');
    if (!overwrites) throw new CloudStoreError('is_a_directory', 'A folder has this name already.');
  }
  if (!state.directories.has(parent)) throw new CloudStoreError('parent_missing', 'The parent folder does not exist.');
  return false;
}

/** `membership`: an entry of the parent comes or goes, which a lock on the parent guards whatever its depth (RFC 4918 §7.4). */
export function checkLocks(state: BatchState, intent: Intent, membership: boolean): void {
  if (state.locks.length === 0) return;
  const key = withoutSlash(intent.key);
  const parent = membership ? withoutSlash(parentOf(intent.key)) : null;
  const covering = state.locks.filter(
    ({ at, infinite }) => at.bucket === intent.bucket && (covers({ at, infinite }, key) || at.key === parent),
  );
  assertUnlocked(covering, intent.who.principal?.id ?? null, intent.lockTokens ?? []);
}

/** @throws quota_exceeded when what is live grows beyond the quota of the owner or of the bucket */
export function checkQuota(state: BatchState, bucket: BucketState, bytes: number, objects: number): void {
  const account = state.accounts.get(bucket.owner);
  if (account !== undefined) assertWithin(account.quota, account.usedBytes, account.usedObjects, bytes, objects);
  assertWithin(bucket.quota, bucket.bytes, bucket.objects, bytes, objects);
}

function assertWithin(quota: Quota, usedBytes: number, usedObjects: number, bytes: number, objects: number): void {
  const full =
    (bytes > 0 && quota.bytes !== null && usedBytes + bytes > quota.bytes) ||
    (objects > 0 && quota.objects !== null && usedObjects + objects > quota.objects);
  if (full) throw quotaExceeded(quota);
}

export function quotaExceeded(quota: Quota): CloudStoreError {
  return new CloudStoreError('quota_exceeded', 'The quota is used up.', {
    details: { quotaBytes: quota.bytes, quotaObjects: quota.objects },
  });
}
