import { setTimeout as sleep } from 'node:timers/promises';
import type { RetentionRule } from '#contracts/expiry-store';
import type { RestoreIntent, RestoreVerdict } from '#contracts/history-store';
import type { HistoryTask, TaskWork } from '#contracts/history-tasks';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import { HISTORY_JOB } from '#jobs/history';
import { runJob } from './jobs.ts';
import type { Session, SessionOptions } from './session.ts';
import { getUser } from './users.ts';

const PAGE = 1000;
const POLL_MS = 250;
/** Names that are counted in one step. */
const WINDOW = 10_000;
const WHO = { principal: null, protocol: 'cli' as const, requestId: 'command' };

export async function versionsOf(session: Session, name: string, key: string) {
  const bucket = await getBucket(session, name);
  const { history } = session.metadata;
  const found = await history.versions({ bucket: bucket.id, key }, null, PAGE);
  if (found.length === 0) throw new CloudStoreError('not_found', `Nothing is kept of ${key}.`);
  const writers = await history.writers(
    { bucket: bucket.id, key },
    found.map(({ versionId }) => versionId),
  );
  return found.map((one) => ({
    versionId: one.versionId,
    kind: one.deleteMarker ? 'deletion' : 'file',
    size: one.size,
    etag: one.etag,
    modified: timeOf(one.modified),
    superseded: one.superseded === null ? null : timeOf(one.superseded),
    lock: one.lock ?? null,
    writer: writers.get(one.versionId) ?? null,
  }));
}

export async function trashOf(session: Session, name: string, prefix: string, recursive: boolean) {
  const bucket = await getBucket(session, name);
  if (prefix !== '' && !prefix.endsWith('/')) throw new CloudStoreError('invalid_key', 'A folder ends in a slash.');
  const found: { key: string; size: number | null; deleted: string; versionId: string | null }[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const page = await session.metadata.history.trash({ bucket: bucket.id, prefix, recursive, after, limit: PAGE });
    for (const entry of page.entries) {
      if (entry.kind === 'folder') found.push({ key: entry.prefix, size: null, deleted: timeOf(entry.deleted), versionId: null });
      else {
        const { key, size, superseded, modified, versionId } = entry.info;
        found.push({ key, size, deleted: timeOf(superseded ?? modified), versionId });
      }
    }
    after = page.next;
  }
  return found;
}

/** By a task: who serves from this database commits it, so that nothing that it remembers is wrong. */
export async function restoreIn(
  session: Session,
  options: SessionOptions,
  name: string,
  {
    what,
    conflict,
    to,
    dryRun,
  }: { what: RestoreIntent['what']; conflict: RestoreIntent['conflict']; to: string | null; dryRun: boolean },
): Promise<Record<string, number>> {
  const intentIn = (bucket: number): RestoreIntent => ({ who: WHO, bucket, what, conflict, ...(to === null ? {} : { to }) });
  const bucket = await getBucket(session, name);
  // Counts all first: what cannot be done is to be known before any of it is.
  const counted = await countAll(session, { ...intentIn(bucket.id), dryRun: true });
  if (dryRun) return counted;
  return runTask(session, options, name, (id) => ({ kind: 'restore', intent: intentIn(id) }));
}

async function countAll({ metadata }: Session, intent: RestoreIntent): Promise<Record<string, number>> {
  const sum: Record<string, number> = {};
  for (let after: string | null = ''; after !== null; ) {
    const { next, ...counts }: RestoreVerdict = await metadata.history.restore(intent, { after, names: WINDOW });
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
    after = next;
  }
  return sum;
}

/** @throws aborted, internal with what a failed task said */
export async function runTask(
  session: Session,
  options: SessionOptions,
  name: string,
  work: (bucket: number) => TaskWork,
): Promise<Record<string, number>> {
  const { historyTasks } = session.metadata;
  const bucket = await getBucket(session, name);
  const { id } = await historyTasks.add(bucket.id, work(bucket.id));
  for (;;) {
    await runJob(session, options, HISTORY_JOB, null, { wait: true, shown: () => undefined });
    const task: HistoryTask | undefined = (await historyTasks.list(bucket.id, PAGE)).find((one) => one.id === id);
    if (task === undefined || task.state === 'cancelled') throw new CloudStoreError('aborted', 'It was cancelled.');
    if (task.state === 'failed') throw new CloudStoreError('conflict', task.message ?? 'It failed.');
    if (task.state === 'done') return task.counts;
    await sleep(POLL_MS);
  }
}

export async function retentionOf(
  session: Session,
  name: string,
  given: { [Rule in keyof RetentionRule]: number | null | undefined },
  usual: boolean,
  usualDays: number,
): Promise<{ days: number | null; versions: number | null; bytes: number | null }> {
  let bucket = await getBucket(session, name);
  const named = Object.entries(given).filter(([, limit]) => limit !== undefined);
  if (usual || named.length > 0) {
    const rule = usual ? null : { ...(bucket.config.retention as RetentionRule | undefined), ...Object.fromEntries(named) };
    bucket = await session.metadata.buckets.update(bucket.id, { config: { retention: rule } });
  }
  const { days = usualDays, versions = null, bytes = null } = (bucket.config.retention ?? {}) as RetentionRule; // as it was written above
  return { days, versions, bytes };
}

export async function setQuota(
  session: Session,
  of: { user: string | null; bucket: string | null },
  { bytes, objects }: { bytes: number | null | undefined; objects: number | null | undefined },
) {
  if ((of.user === null) === (of.bucket === null)) throw new CloudStoreError('invalid_argument', 'Name a --user or a --bucket.');
  const { metadata } = session;
  if (of.user !== null) {
    const user = await getUser(session, of.user);
    await metadata.principals.update(user.id, {
      ...(bytes === undefined ? {} : { quotaBytes: bytes }),
      ...(objects === undefined ? {} : { quotaObjects: objects }),
    });
    return (await metadata.usage.owners()).find((one) => one.owner === user.id);
  }
  const bucket = await getBucket(session, of.bucket ?? '');
  const quota = { ...(bytes === undefined ? {} : { bytes }), ...(objects === undefined ? {} : { objects }) };
  await metadata.buckets.update(bucket.id, { quota });
  return (await metadata.usage.buckets()).find((one) => one.bucket === bucket.id);
}

async function getBucket({ metadata }: Session, name: string): Promise<Bucket> {
  const bucket = await metadata.buckets.resolve(null, name);
  if (bucket === null) throw new CloudStoreError('bucket_not_found', `There is no bucket ${name}.`);
  return bucket;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
