import type { History } from '#contracts/history';
import type { HistoryStore, RestoreIntent, RestoreVerdict } from '#contracts/history-store';
import type { HistoryTasks } from '#contracts/history-tasks';
import type { Jobs } from '#contracts/jobs';
import { type Address, assertKey, type ObjectKey } from '#core/address';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import { type RangeRequest, resolveRange } from '#core/range';
import type { ObjectLock } from '#core/retention';
import { BELOW, createAccess } from './access.ts';
import type { NamespaceDeps, Rooms } from './deps.ts';
import { assertOpen, find } from './get.ts';
import { namedBody } from './named-body.ts';
import { createQuotaGuard } from './quota-guard.ts';
import { createVersionIds } from './version-id.ts';

export interface HistoryDeps extends NamespaceDeps {
  history: HistoryStore;
  tasks: HistoryTasks;
  jobs: Pick<Jobs, 'start'>;
  /** The job that carries tasks out. */
  job: string;
}

/** Up to so many names are done at once, in one transaction, while whoever asked waits. */
const AT_ONCE = 10_000;
const TASKS_MAX = 100;

/** The contract is History. */
export function createHistory(deps: HistoryDeps): History {
  const { history, tasks, authorizer } = deps;
  const access = createAccess({ cache: deps.buckets.cache, authorizer });
  const rooms: Rooms = { ...deps, access, quotas: createQuotaGuard(deps), mint: createVersionIds(deps) };

  async function later(
    bucket: number,
    work: Parameters<HistoryTasks['add']>[1],
  ): Promise<{ kind: 'task'; task: Awaited<ReturnType<HistoryTasks['add']>> }> {
    const task = await tasks.add(bucket, work);
    await deps.jobs.start(deps.job);
    return { kind: 'task', task };
  }

  return {
    async versions(who, at, after, limit) {
      await access.require(who, 'version.read', at.bucket, at.key);
      const found = await history.versions(at, after, limit);
      if (found.length === 0 && after === null) throw new CloudStoreError('not_found', 'Nothing is kept of this key.');
      return found;
    },
    async writers(who, at, versions) {
      await access.require(who, 'version.read', at.bucket, at.key);
      return history.writers(at, versions);
    },
    async activity(who, { bucket, key }, before, limit) {
      assertFolder(key);
      await access.require(who, 'list.versions', bucket, key);
      return history.activity({ bucket, prefix: key }, before, limit);
    },
    async read(who, at, version, options = {}) {
      await access.require(who, 'version.read', at.bucket, at.key);
      return readVersion(rooms, at, version, options.range);
    },
    async visible(who, query) {
      await access.require(who, 'list.versions', query.bucket, query.prefix, {
        delimiter: query.delimiter,
        maxKeys: query.limit,
      });
      return history.visible(query);
    },
    async trash(who, query) {
      assertFolder(query.prefix);
      await access.require(who, 'list.versions', query.bucket, query.prefix);
      return history.trash(query);
    },
    async deleted(who, at) {
      await access.require(who, 'version.read', at.bucket, at.key);
      const found = await history.deleted(at);
      if (found === null) throw new CloudStoreError('not_found', 'There is no such file in the trash.');
      return found;
    },
    async marker(who, at) {
      await access.require(who, 'read', at.bucket, at.key);
      const [latest] = await history.versions(at, null, 1);
      if (latest === undefined || !latest.deleteMarker || !latest.isLatest) return null;
      return latest.visibility === 'null' ? 'null' : latest.versionId;
    },
    async restore(who, given, signal) {
      assertIntent(given);
      await requireRestore(rooms, who, given);
      const intent = { ...given, who: withoutContext(who) };
      if (!(await history.exceeds(intent, AT_ONCE))) {
        return { kind: 'done', verdict: await history.restore(intent, { after: '', names: AT_ONCE + 1 }, signal) };
      }
      if (intent.dryRun === true || intent.conflict === 'fail') {
        const counted = await countAll(history, { ...intent, dryRun: true }, signal);
        if (intent.dryRun === true) return { kind: 'done', verdict: counted };
      }
      return later(intent.bucket, { kind: 'restore', intent });
    },
    async purge(who, intent, signal) {
      const { key } = intent.what;
      if (key !== '') assertKey(key);
      await access.require(who, 'version.delete', intent.bucket, key, isFolder(key) ? BELOW : undefined);
      if (!(await history.exceeds(intent, AT_ONCE))) {
        return { kind: 'done', verdict: await history.purge(intent, { after: '', names: AT_ONCE + 1 }, signal) };
      }
      return later(intent.bucket, { kind: 'purge', intent });
    },
    async tasks(who, bucket) {
      await access.require(who, 'list.versions', bucket, '');
      return tasks.list(bucket, TASKS_MAX);
    },
    async cancel(who, bucket, id) {
      await access.require(who, 'bucket.configure', bucket, '');
      if (!(await tasks.cancel(bucket, id))) throw new CloudStoreError('not_found', 'There is no such task that goes on.');
    },
    async lock(who, at, change) {
      if (change.retention !== undefined) {
        const about = change.retention === null ? {} : { retainUntil: change.retention.until };
        await access.require(who, 'retention.write', at.bucket, at.key, about);
      }
      if (change.legalHold !== undefined) await access.require(who, 'hold.write', at.bucket, at.key);
      if (change.bypassGovernance === true) await access.require(who, 'retention.bypass', at.bucket, at.key);
      return rooms.store.commit({ kind: 'lock', who, ...at, ...change });
    },
    async lockOf(who, at, about, version) {
      await access.require(who, about === 'hold' ? 'hold.read' : 'retention.read', at.bucket, at.key);
      const found = await find(rooms, at, version);
      if (found.deleteMarker)
        throw new CloudStoreError('version_not_found', 'A delete marker is never held.', { details: { deleteMarker: true } });
      const info = found.lock === undefined && version === undefined ? await find(rooms, at, found.versionId) : found;
      return { info, lock: info.lock ?? FREE };
    },
    async shownLock(who, { bucket, key, versionId, lock }) {
      const [retention, hold] = await Promise.all([
        allowed(access.require(who, 'retention.read', bucket, key)),
        allowed(access.require(who, 'hold.read', bucket, key)),
      ]);
      if (!retention && !hold) return {};
      const kept = lock ?? (await rooms.store.version({ bucket, key }, versionId, { hidden: true }))?.lock ?? FREE;
      const said = hold && (kept.legalHold || kept.holdSet === true);
      return { ...(retention ? { retention: kept.retention } : {}), ...(said ? { legalHold: kept.legalHold } : {}) };
    },
  };
}

const FREE: ObjectLock = { retention: null, legalHold: false };

async function allowed(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (isCloudStoreError(error, 'access_denied') || isCloudStoreError(error, 'unauthenticated')) return false;
    throw error;
  }
}

async function readVersion(
  rooms: Rooms,
  at: Address,
  version: string,
  asked: RangeRequest | undefined,
): ReturnType<History['read']> {
  const info = await rooms.store.version(at, version, { hidden: true });
  if (info === null || info.deleteMarker)
    throw new CloudStoreError('version_not_found', 'There is no such version.', { details: { version } });
  assertOpen(info, false);
  const range = asked === undefined ? null : resolveRange(asked, info.size);
  return {
    info,
    range,
    body(part = range ?? undefined, signal) {
      if (info.content === null) throw new CloudStoreError('not_found', 'A delete marker has no bytes.');
      return namedBody(rooms.content.read(info.content, part, signal), info, rooms.onDamage);
    },
  };
}

/** Where it comes from, and where it goes to; who takes away what has come since, deletes. */
async function requireRestore(rooms: Rooms, who: Who, { bucket, what, to }: Omit<RestoreIntent, 'who'>): Promise<void> {
  const key = what.kind === 'asOf' ? what.prefix : what.key;
  const about = what.kind !== 'version' && isFolder(key) ? BELOW : undefined;
  await rooms.access.require(who, 'version.restore', bucket, key, about);
  if (to !== undefined && to !== key) {
    await rooms.access.require(who, 'version.restore', bucket, to, about);
    // Elsewhere it may be read by a rule that forbids it where it was.
    await rooms.access.require(who, 'version.read', bucket, key, about);
  }
  await rooms.access.require(who, 'write', bucket, to ?? key, about);
  if (what.kind === 'asOf' && what.added === 'remove') await rooms.access.require(who, 'delete', bucket, to ?? key, about);
}

/** @throws invalid_argument, invalid_key */
function assertIntent({ what, to }: Omit<RestoreIntent, 'who'>): void {
  const key = what.kind === 'asOf' ? what.prefix : what.key;
  if (what.kind === 'asOf') assertFolder(what.prefix);
  if (key !== '') assertKey(key);
  if (to === undefined) return;
  if (to !== '') assertKey(to);
  const folder = what.kind !== 'version' && isFolder(key);
  if (folder !== isFolder(to)) {
    throw new CloudStoreError('invalid_argument', 'A folder goes to a folder, a file to a file.');
  }
  if (what.kind === 'asOf' && what.added === 'remove' && to !== key) {
    throw new CloudStoreError('invalid_argument', 'What has come since can only be removed where it is restored in place.');
  }
}

/** All windows of a restore that only counts. @throws already_exists */
async function countAll(history: HistoryStore, intent: RestoreIntent, signal: AbortSignal | undefined): Promise<RestoreVerdict> {
  const sum: RestoreVerdict = {
    restored: 0,
    replaced: 0,
    renamed: 0,
    skipped: 0,
    unchanged: 0,
    removed: 0,
    bytes: 0,
    next: null,
  };
  for (let after: string | null = ''; after !== null; ) {
    const { next, ...counts } = await history.restore(intent, { after, names: AT_ONCE }, signal);
    for (const [name, count] of Object.entries(counts) as [keyof typeof counts, number][]) sum[name] += count;
    after = next;
  }
  return sum;
}

/** What a task keeps of who asked: a request's facts end with it. */
function withoutContext({ principal, protocol, requestId }: Who): Who {
  const kept = principal === null ? null : { id: principal.id, name: principal.name, role: principal.role };
  return { principal: kept, protocol, requestId };
}

function isFolder(key: ObjectKey): boolean {
  return key === '' || key.endsWith('/');
}

function assertFolder(prefix: ObjectKey): void {
  if (!isFolder(prefix)) throw new CloudStoreError('invalid_key', "A folder's key ends in a slash.");
}
