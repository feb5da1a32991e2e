import { CloudStoreError } from '#core/errors';
import { sendJson, sendNothing } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { partOf } from '../pages.ts';
import { parsePlace } from '../paths.ts';
import { bucketJson, removedBucketJson } from '../represent.ts';
import { route } from '../route.ts';
import * as schema from '../schema.ts';
import { PageQuery } from '../schemas/identity.ts';

export const bucketRoutes = [
  route({
    method: 'get',
    path: '/buckets',
    operation: 'ListBuckets',
    actions: ['bucket.list'],
    summary: 'The buckets that the caller may see.',
    query: PageQuery,
    answers: { 200: { description: 'In byte order of names.', schema: schema.BucketList } },
    async handle({ deps, res, who }, { query }) {
      const { page, next } = partOf(await deps.buckets.list(who), ({ id }) => [id], query);
      const buckets = await Promise.all(
        page.map(async (bucket) => ({ ...bucketJson(bucket), name: await deps.buckets.nameFor(who, bucket) })),
      );
      sendJson(res, 200, { buckets, next });
    },
  }),
  route({
    method: 'post',
    path: '/buckets',
    operation: 'CreateBucket',
    actions: ['bucket.create'],
    summary: 'Makes a bucket of the caller, or for an admin of another user.',
    body: schema.NewBucket,
    answers: { 201: { description: 'The new bucket.', schema: schema.Bucket } },
    async handle({ deps, res, who }, { body }) {
      const { name, owner } = body;
      sendJson(res, 201, bucketJson(await deps.buckets.create(who, name, owner === undefined ? {} : { owner })));
    },
  }),
  route({
    method: 'get',
    path: '/buckets/{bucket}',
    operation: 'GetBucket',
    state: { without: ['usage'] },
    actions: ['list'],
    summary: 'One bucket and what is in it.',
    answers: { 200: { description: 'The bucket.', schema: schema.BucketDetails } },
    async handle(x) {
      const bucket = await named(x);
      const usage = await x.deps.buckets.usage(x.who, bucket.id);
      const quota = bucket.quota ?? { bytes: null, objects: null };
      sendJson(x.res, 200, { ...bucketJson(bucket), usage, quota });
    },
  }),
  route({
    method: 'delete',
    path: '/buckets/{bucket}',
    operation: 'RemoveBucket',
    changes: 'GetBucket',
    actions: ['bucket.remove'],
    summary:
      'Removes an empty bucket; on wish, for admins, one with everything in it. What was in it can come back: ListRemovedBuckets.',
    query: schema.RemoveBucketQuery,
    answers: { 204: { description: 'Removed.' } },
    async handle(x, { query }) {
      await x.deps.buckets.remove(x.who, (await named(x)).id, { force: query.force === true });
      sendNothing(x.res);
    },
  }),
  route({
    method: 'get',
    path: '/removed-buckets',
    operation: 'ListRemovedBuckets',
    actions: ['bucket.list'],
    summary: 'Removed buckets that the caller may have back, with all that was in them, as long as their retention says.',
    query: PageQuery,
    answers: { 200: { description: 'The latest removed first.', schema: schema.RemovedBucketList } },
    async handle({ deps, res, who }, { query }) {
      const { page, next } = partOf(await deps.buckets.removed(who), ({ id }) => [id], query);
      sendJson(res, 200, { buckets: page.map(removedBucketJson), next });
    },
  }),
  route({
    method: 'post',
    path: '/removed-buckets/{id}/restore',
    operation: 'RestoreBucket',
    actions: ['bucket.remove'],
    summary: 'Makes a removed bucket be there again: what was in it, its history, settings, rights and links.',
    body: schema.RestoreBucket,
    answers: { 200: { description: 'The bucket.', schema: schema.Bucket } },
    async handle({ deps, res, who, path }, { body }) {
      sendJson(res, 200, bucketJson(await deps.buckets.restore(who, removedId(path), body.name)));
    },
  }),
  route({
    method: 'delete',
    path: '/removed-buckets/{id}',
    operation: 'DropBucket',
    changes: { none: 'it ends what nobody changes any more' },
    actions: ['bucket.remove'],
    summary: 'Lets a removed bucket go for good, with all that was in it.',
    answers: { 204: { description: 'Gone.' } },
    async handle({ deps, res, who, path }) {
      await deps.buckets.drop(who, removedId(path));
      sendNothing(res);
    },
  }),
];

/** @throws bucket_not_found: no number is that of a bucket */
function removedId(path: string): number {
  const [, id = ''] = /^\/removed-buckets\/(\d{1,9})(?:\/|$)/.exec(path) ?? [];
  if (id === '') throw new CloudStoreError('bucket_not_found', 'No such bucket.');
  return Number(id);
}

function named({ deps, who, path }: Exchange) {
  return deps.buckets.resolve(who, parsePlace(path.slice('/buckets/'.length)).bucket);
}
