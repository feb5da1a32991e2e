import type { BucketStore } from '#contracts/bucket-store';
import type { Job, JobContext } from '#contracts/jobs';
import type { LifecyclePlace, LifecycleRows, LifecycleVersion } from '#contracts/lifecycle-rows';
import type { MetadataStore, RemoveIntent } from '#contracts/metadata-store';
import type { Logger } from '#contracts/observability';
import type { UploadStore } from '#contracts/upload-store';
import type { Bucket } from '#core/bucket';
import type { Clock } from '#core/clock';
import { type ErrorCode, isCloudStoreError } from '#core/errors';
import {
  expiryOf,
  type LifecycleRule,
  lifecycleRules,
  markerExpiryOf,
  noncurrentExpiryOf,
  uploadExpiryOf,
} from '#core/lifecycle';
import type { VersionId } from '#core/object';
import type { Who } from '#core/principal';

export interface LifecycleOptions {
  buckets: BucketStore;
  rows: LifecycleRows;
  store: MetadataStore;
  uploads: UploadStore;
  /** What counts as now for the ages of objects; a test turns it. */
  clock: Clock;
  /** A new version's id, for the delete markers that expiry writes. */
  mint(): VersionId;
  log: Logger;
  /** Rows of a step. Default 500. */
  step?: number;
}

/** Between two steps this is all that is kept, and all that a killed run leaves. */
interface State {
  /** Of the bucket under way; those with smaller ids are done in this round. */
  bucket: number;
  phase: 'versions' | 'uploads';
  place: LifecyclePlace | null;
  upload: { key: string; id: string } | null;
  /** Noncurrent versions of `place.key` that were passed, for NewerNoncurrentVersions. */
  newer: number;
}

export const LIFECYCLE_REQUEST = 'lifecycle';
const HOUR_MS = 3600 * 1000;
const STEP = 500;
const AT_ONCE = 16;
/** The system, by name: what it removes is journalled as what it is. */
const WHO: Who = { principal: null, protocol: 'system', requestId: LIFECYCLE_REQUEST };
/** What these refuse stays, and is looked at again in the next round: changed or gone meanwhile, under a lock or a retention. */
const KEPT: readonly ErrorCode[] = [
  'not_found',
  'bucket_not_found',
  'version_not_found',
  'upload_not_found',
  'precondition_failed',
  'conflict',
  'locked',
  'object_locked',
  'access_denied',
];

interface Counts extends Record<string, number> {
  expired: number;
  versions: number;
  markers: number;
  uploads: number;
  kept: number;
}

/**
 * Carries out the lifecycle of every bucket that has one: expires current objects (by a delete marker where the bucket is versioned), removes
 * noncurrent versions, delete markers that nothing is left behind, and unfinished uploads. Each removal is a commit like any other, decided again
 * against what is there then; a step is saved before the next begins, so a killed run goes on where it was.
 */
export function createLifecycleJob(options: LifecycleOptions): Job {
  const { buckets, clock } = options;
  return {
    name: 'lifecycle',
    everyMs: HOUR_MS,
    async run(context) {
      const counts: Counts = { expired: 0, versions: 0, markers: 0, uploads: 0, kept: 0 };
      const left = context.state as State | null; // our own
      const now = clock.now();
      const todo = (await buckets.list()).sort((a, b) => a.id - b.id).filter(({ id }) => id >= (left?.bucket ?? 0));
      for (const bucket of todo) {
        const rules = lifecycleRules(bucket);
        if (rules.length === 0) continue;
        const from = left?.bucket === bucket.id ? left : null;
        await oneBucket(options, context, { bucket, rules, now, counts }, from);
      }
      await context.save(null);
    },
  };
}

interface Work {
  bucket: Bucket;
  rules: LifecycleRule[];
  now: number;
  counts: Counts;
}

async function oneBucket(options: LifecycleOptions, context: JobContext, work: Work, from: State | null): Promise<void> {
  const state: State = from ?? { bucket: work.bucket.id, phase: 'versions', place: null, upload: null, newer: 0 };
  const { bucket, counts } = work;
  for (let done = 0; ; ) {
    context.signal.throwIfAborted();
    const found = await options.buckets.find(bucket.id);
    // A rule that was taken back removes nothing more.
    work.rules = found === null ? [] : lifecycleRules(found);
    if (work.rules.length === 0) return;
    const step = state.phase === 'versions' ? versionsStep : uploadsStep;
    const count = await step(options, work, state);
    const over = count === 0 && state.phase === 'uploads';
    if (count === 0) state.phase = 'uploads';
    done += count;
    context.progress({ done, total: null, unit: 'rows', counts });
    await context.save(state);
    if (over) return;
  }
}

/** Looks at the next versions and removes what is due. Gives how many it looked at; 0 at the end. */
async function versionsStep(options: LifecycleOptions, work: Work, state: State): Promise<number> {
  const { rows, store, mint, step = STEP } = options;
  const { bucket, counts } = work;
  const page = await rows.versions(bucket.id, state.place, step);
  const due: { what: 'expired' | 'versions' | 'markers'; intent: RemoveIntent }[] = [];
  for (const version of page) {
    if (state.place?.key !== version.key) state.newer = 0;
    const what = verdictOf(work, version, state.newer);
    if (!version.current) state.newer++;
    state.place = { key: version.key, seq: version.seq };
    if (what === null) continue;
    const base = { kind: 'remove' as const, who: WHO, bucket: bucket.id, key: version.key, versionId: mint() };
    due.push({
      what,
      intent:
        what === 'expired'
          ? // Whatever was written since is another object, and younger.
            { ...base, mustExist: true, conditions: { ifUnmodifiedSince: version.modified } }
          : // By its own id, as another may be the null version by now; and not what is the object again.
            { ...base, mustExist: true, version: version.versionId, conditions: { ifNoneMatch: '*' } },
    });
  }
  for (let i = 0; i < due.length; i += AT_ONCE) {
    await Promise.all(
      due.slice(i, i + AT_ONCE).map(async ({ what, intent }) => {
        if (await unlessKept(store.commit(intent))) counts[what] = (counts[what] ?? 0) + 1;
        else counts.kept++;
      }),
    );
  }
  return page.length;
}

function verdictOf({ rules, now }: Work, version: LifecycleVersion, newer: number): 'expired' | 'versions' | 'markers' | null {
  const { key, size, tags, modified } = version;
  const subject = { key, size, tags: tags ?? {} };
  if (!version.current) {
    const expiry = noncurrentExpiryOf(rules, subject, version.superseded ?? modified, newer);
    return expiry !== null && expiry.at <= now ? 'versions' : null;
  }
  if (version.deleteMarker) {
    const expiry = version.alone ? markerExpiryOf(rules, key, modified) : null;
    return expiry !== null && expiry.at <= now ? 'markers' : null;
  }
  const expiry = expiryOf(rules, subject, modified);
  return expiry !== null && expiry.at <= now ? 'expired' : null;
}

async function uploadsStep(options: LifecycleOptions, work: Work, state: State): Promise<number> {
  const { uploads, step = STEP } = options;
  const { bucket, rules, now, counts } = work;
  if (!rules.some((rule) => rule.AbortIncompleteMultipartUpload !== undefined)) return 0;
  const page = await uploads.list(bucket.id, '', state.upload, step);
  for (const upload of page) {
    state.upload = { key: upload.key, id: upload.id };
    const expiry = upload.completedVersion === null ? uploadExpiryOf(rules, upload.key, upload.created) : null;
    if (expiry === null || expiry.at > now) continue;
    if (await unlessKept(uploads.abort(bucket.id, upload.key, upload.id))) counts.uploads++;
    else counts.kept++;
  }
  return page.length;
}

/** false: it was refused for a reason that stands. */
async function unlessKept(removal: Promise<unknown>): Promise<boolean> {
  try {
    await removal;
    return true;
  } catch (error) {
    if (isCloudStoreError(error) && KEPT.includes(error.code)) return false;
    throw error;
  }
}
