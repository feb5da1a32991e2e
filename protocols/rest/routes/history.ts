import type { RetentionRule } from '#contracts/expiry-store';
import type { History, Outcome } from '#contracts/history';
import type { PurgeIntent, RestoreIntent, RestoreVerdict } from '#contracts/history-store';
import { CloudStoreError } from '#core/errors';
import { sendJson, sendNothing } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { decodeCursor, encodeCursor, sendFile } from '../file-read.ts';
import { partOf } from '../pages.ts';
import { parsePlace } from '../paths.ts';
import { locate, locateKey } from '../place.ts';
import { isoTime } from '../represent.ts';
import { taskJson, trashedJson, versionJson } from '../represent-history.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/history.ts';
import { PageQuery } from '../schemas/identity.ts';

const LIMIT = 1000;
const ACTIVITY_LIMIT = 20;
const LATER = { description: 'Too large for one step: a task has it.', schema: schema.TaskStarted };

export const historyRoutes = [
  route({
    method: 'get',
    path: '/versions/{bucket}/{key}',
    operation: 'ListVersions',
    actions: ['version.read'],
    summary: 'Every version of a file that is kept, the latest first; or one of them, as it was.',
    query: schema.VersionsQuery,
    headers: { Range: 'RFC 9110, with `version`' },
    answers: {
      200: { description: 'The versions, or the bytes of one.', schema: schema.Versions },
      206: { description: 'The ranges asked for.', schema: 'bytes' },
    },
    async handle(x, { query }) {
      const { at } = await locate(x, '/versions/', query.key);
      const history = historyOf(x);
      if (query.version !== undefined) return sendFile(x, await history.read(x.who, at, query.version), query.download ?? false);
      const limit = query.limit ?? LIMIT;
      const found = await history.versions(x.who, at, query.cursor ?? null, limit + 1);
      const page = found.slice(0, limit);
      const writers = await history.writers(
        x.who,
        at,
        page.map(({ versionId }) => versionId),
      );
      const next = found.length > limit ? (page.at(-1)?.versionId ?? null) : null;
      sendJson(x.res, 200, {
        versions: page.map((one) => ({ ...versionJson(one), writer: writers.get(one.versionId) ?? null })),
        next,
      });
    },
  }),
  route({
    method: 'post',
    path: '/versions/restore',
    operation: 'RestoreVersion',
    actions: ['version.restore'],
    summary: 'Makes a version current again, as a new one.',
    body: schema.RestoreVersion,
    answers: { 200: { description: 'Done.', schema: schema.Restored }, 202: LATER },
    async handle(x, { body }) {
      const { at } = await locateKey(x, body.bucket, body.key);
      await restore(x, at.bucket, { kind: 'version', key: at.key, version: body.versionId }, body);
    },
  }),
  route({
    method: 'get',
    path: '/activity/{bucket}/{key}',
    operation: 'ListActivity',
    actions: ['list.versions'],
    summary:
      'What was done in a folder and below, by whom and by which door. A page looks through 10,000 changes of the bucket, and may be empty while there is a next one.',
    query: schema.ActivityQuery,
    answers: { 200: { description: 'The latest first.', schema: schema.Activities } },
    async handle(x, { query }) {
      const { at } = await locate(x, '/activity/', query.key);
      const { changes, next } = await historyOf(x).activity(
        x.who,
        at,
        query.cursor === undefined ? null : changeOf(query.cursor),
        query.limit ?? ACTIVITY_LIMIT,
      );
      sendJson(x.res, 200, {
        changes: changes.map((one) => ({ ...one, at: isoTime(one.at) })),
        next: next === null ? null : encodeCursor(String(next)),
      });
    },
  }),
  route({
    method: 'get',
    path: '/trash/{bucket}/{key}',
    operation: 'ListTrash',
    actions: ['list.versions'],
    summary: 'What lies deleted in a folder.',
    query: schema.TrashQuery,
    answers: { 200: { description: 'In byte order of keys.', schema: schema.Trash } },
    async handle(x, { query }) {
      const { at } = await locate(x, '/trash/', query.key);
      const page = await historyOf(x).trash(x.who, {
        bucket: at.bucket,
        prefix: at.key,
        recursive: query.recursive ?? false,
        after: query.cursor === undefined ? '' : decodeCursor(query.cursor),
        limit: query.limit ?? LIMIT,
      });
      const next = page.next === null ? null : encodeCursor(page.next);
      sendJson(x.res, 200, { entries: page.entries.map(trashedJson), next });
    },
  }),
  route({
    method: 'post',
    path: '/trash/restore',
    operation: 'RestoreTrash',
    actions: ['version.restore'],
    summary: 'Brings back what was deleted: a file, or all below a folder.',
    body: schema.RestoreTrash,
    answers: { 200: { description: 'Done.', schema: schema.Restored }, 202: LATER },
    async handle(x, { body }) {
      const { at } = await locateKey(x, body.bucket, body.key);
      await restore(x, at.bucket, { kind: 'deleted', key: at.key, ...spanOf(body) }, body);
    },
  }),
  route({
    method: 'post',
    path: '/trash/purge',
    operation: 'PurgeTrash',
    actions: ['version.delete'],
    summary: 'Removes for good: deleted files, old versions, or one version.',
    body: schema.Purge,
    answers: { 200: { description: 'Done.', schema: schema.Purged }, 202: LATER },
    async handle(x, { body }) {
      const { at } = await locateKey(x, body.bucket, body.key);
      const what: PurgeIntent['what'] =
        body.versionId !== undefined
          ? { kind: 'version', key: at.key, version: body.versionId }
          : body.what === 'history'
            ? { kind: 'history', key: at.key }
            : { kind: 'deleted', key: at.key, ...spanOf(body) };
      sendOutcome(x, await historyOf(x).purge(x.who, { bucket: at.bucket, what }, signalOf(x, body)));
    },
  }),
  route({
    method: 'post',
    path: '/restore-as-of',
    operation: 'RestoreAsOf',
    actions: ['version.restore'],
    summary: 'Makes a folder, or a whole bucket, as it was at a time.',
    body: schema.RestoreAsOf,
    answers: { 200: { description: 'Done.', schema: schema.Restored }, 202: LATER },
    async handle(x, { body }) {
      const { at } = await locateKey(x, body.bucket, body.prefix ?? '');
      const what = { kind: 'asOf' as const, prefix: at.key, at: Date.parse(body.at), added: body.added ?? ('keep' as const) };
      await restore(x, at.bucket, what, body);
    },
  }),
  route({
    method: 'get',
    path: '/buckets/{bucket}/history-tasks',
    operation: 'ListHistoryTasks',
    actions: ['list.versions'],
    summary: 'Restores and purges of a bucket that take more than one step.',
    query: PageQuery,
    answers: { 200: { description: 'The latest first.', schema: schema.Tasks } },
    async handle(x, { query }) {
      const bucket = await bucketOf(x);
      const { page, next } = partOf(await historyOf(x).tasks(x.who, bucket.id), ({ id }) => [id], query);
      sendJson(x.res, 200, { tasks: page.map(taskJson), next });
    },
  }),
  route({
    method: 'delete',
    path: '/buckets/{bucket}/history-tasks/{id}',
    operation: 'CancelHistoryTask',
    changes: { none: 'it ends what has no other state' },
    actions: ['bucket.configure'],
    summary: 'Ends a task where it is; what it has done stays done.',
    answers: { 204: { description: 'It ends.' } },
    async handle(x) {
      const bucket = await bucketOf(x);
      const id = Number(x.path.split('/').at(-1));
      if (!Number.isSafeInteger(id)) throw new CloudStoreError('not_found', 'There is no such task.');
      await historyOf(x).cancel(x.who, bucket.id, id);
      sendNothing(x.res);
    },
  }),
  route({
    method: 'get',
    path: '/buckets/{bucket}/retention',
    operation: 'GetRetention',
    state: {},
    actions: ['bucket.configure'],
    summary: 'How much history of a bucket is kept.',
    answers: { 200: { description: 'null: without a limit.', schema: schema.RetentionShown } },
    async handle(x) {
      const bucket = await bucketOf(x);
      await x.deps.authorizer.require(x.who, 'bucket.configure', bucket);
      sendJson(x.res, 200, shown(bucket.config.retention as RetentionRule | undefined, x.deps.historyDays ?? null));
    },
  }),
  route({
    method: 'put',
    path: '/buckets/{bucket}/retention',
    operation: 'PutRetention',
    changes: 'GetRetention',
    actions: ['bucket.configure'],
    summary: 'Says how much history of a bucket is kept. The oldest goes first; what is locked stays.',
    body: schema.Retention,
    answers: { 200: { description: 'As it is kept from now on.', schema: schema.RetentionShown } },
    async handle(x, { body }) {
      const bucket = await bucketOf(x);
      const rule = Object.keys(body).length === 0 ? null : body;
      const { config } = await x.deps.buckets.update(x.who, bucket.id, { config: { retention: rule } });
      sendJson(x.res, 200, shown(config.retention as RetentionRule | undefined, x.deps.historyDays ?? null));
    },
  }),
];

function historyOf(x: Exchange): History {
  if (x.deps.history === undefined) throw new CloudStoreError('not_implemented', 'History is not served here.');
  return x.deps.history;
}

async function restore(
  x: Exchange,
  bucket: number,
  what: RestoreIntent['what'],
  {
    to,
    conflict,
    dryRun,
    onDisconnect,
  }: {
    to?: string | undefined;
    conflict?: RestoreIntent['conflict'] | undefined;
    dryRun?: boolean | undefined;
    onDisconnect?: OnDisconnect;
  },
): Promise<void> {
  const intent = {
    bucket,
    what,
    conflict: conflict ?? 'fail',
    ...(to === undefined ? {} : { to }),
    ...(dryRun === undefined ? {} : { dryRun }),
  };
  sendOutcome(x, await historyOf(x).restore(x.who, intent, signalOf(x, { onDisconnect })));
}

/** @throws invalid_argument */
function changeOf(cursor: string): number {
  const text = decodeCursor(cursor);
  if (!/^\d{1,15}$/.test(text)) throw new CloudStoreError('invalid_argument', 'The cursor is not one of ours.');
  return Number(text);
}

type OnDisconnect = 'finish' | 'cancel' | undefined;

function signalOf(x: Exchange, { onDisconnect }: { onDisconnect?: OnDisconnect }): AbortSignal | undefined {
  return onDisconnect === 'cancel' ? x.cx.signal : undefined;
}

function sendOutcome(x: Exchange, outcome: Outcome<RestoreVerdict | { next: string | null }>): void {
  if (outcome.kind === 'task') {
    sendJson(x.res, 202, { task: taskJson(outcome.task) });
    return;
  }
  const { next: _, ...counts } = outcome.verdict;
  sendJson(x.res, 200, counts);
}

function spanOf(body: { deletedSince?: string | undefined; deletedUntil?: string | undefined }): {
  since?: number;
  until?: number;
} {
  const { deletedSince, deletedUntil } = body;
  return {
    ...(deletedSince === undefined ? {} : { since: Date.parse(deletedSince) }),
    ...(deletedUntil === undefined ? {} : { until: Date.parse(deletedUntil) }),
  };
}

function shown(rule: RetentionRule | undefined, usualDays: number | null) {
  const { days = usualDays, versions = null, bytes = null } = rule ?? {};
  return { days, versions, bytes, own: rule !== undefined };
}

function bucketOf({ deps, who, path }: Exchange) {
  return deps.buckets.resolve(who, parsePlace(path.slice('/buckets/'.length)).bucket);
}
