import type { PutIntent } from '#contracts/metadata-store';
import { checkConditions } from '#core/conditions';
import { encodeContentRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import type { ObjectInfo, VersionId } from '#core/object';
import { leafRow } from '../chunk-index.ts';
import { checkLocks, checkQuota, checkTree } from './checks.ts';
import { decideAcl, decideAnnotate, decideLock, decideTag } from './decide-annotate.ts';
import { decideRemove } from './decide-remove.ts';
import { ensureDirectories, type Fold, journal, type Minting, type Outcome, writeVersion } from './fold.ts';
import { lockOfNew } from './locking.ts';
import { emptyPlan, type Plan } from './plan.ts';
import { type BatchState, type BucketState, type Intent, type SlotState, slotKey } from './state.ts';

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
    content: encodeContentRef(intent.content),
    contentHash: intent.contentHash,
    properties: intent.properties ?? null,
    lock: lockOfNew(state, bucket, intent.lock, intent.completesUpload !== undefined),
  });
  if (intent.lock?.legalHold !== undefined) plan.holds.push(intent.versionId);
  ensureDirectories(fold, bucket, intent.key);
  for (const record of intent.chunks) plan.chunks.push({ domain: bucket.domain, record });
  for (const leaf of intent.leaves) plan.leaves.push(leafRow(bucket.domain, leaf));
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

function objectInfo(bucket: BucketState, key: string, slot: SlotState, versionId: VersionId): ObjectInfo {
  const { nodeId, size, etag, modified, mtime, created, attributes, properties } = slot;
  const shown = { visibility: slot.visibility ?? 'null', deleteMarker: slot.deleteMarker, isLatest: true };
  const rest = { size, etag, modified, mtime, created, attributes, properties, content: null };
  return { kind: 'object', bucket: bucket.id, key, nodeId, versionId, ...shown, ...rest };
}
