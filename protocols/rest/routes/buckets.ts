import { sendJson, sendNothing } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { partOf } from '../pages.ts';
import { parsePlace } from '../paths.ts';
import { bucketJson } from '../represent.ts';
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
    summary: 'Makes a bucket of the caller.',
    body: schema.NewBucket,
    answers: { 201: { description: 'The new bucket.', schema: schema.Bucket } },
    async handle({ deps, res, who }, { body }) {
      sendJson(res, 201, bucketJson(await deps.buckets.create(who, body.name)));
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
    summary: 'Removes an empty bucket.',
    answers: { 204: { description: 'Removed.' } },
    async handle(x) {
      await x.deps.buckets.remove(x.who, (await named(x)).id);
      sendNothing(x.res);
    },
  }),
];

function named({ deps, who, path }: Exchange) {
  return deps.buckets.resolve(who, parsePlace(path.slice('/buckets/'.length)).bucket);
}
