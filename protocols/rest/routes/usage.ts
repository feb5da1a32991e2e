import type { MeasureArgument, Quotas } from '#contracts/usage';
import { CloudStoreError } from '#core/errors';
import { sendJson } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { partOf } from '../pages.ts';
import { parsePlace } from '../paths.ts';
import { bucketUseJson } from '../represent-history.ts';
import { jobJson } from '../represent-job.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/history.ts';
import { PageQuery } from '../schemas/identity.ts';
import * as jobs from '../schemas/jobs.ts';

export const usageRoutes = [
  route({
    method: 'get',
    path: '/usage',
    operation: 'GetUsage',
    actions: ['account.read'],
    summary: 'What the caller and its buckets use, and may; for an admin, all.',
    query: PageQuery,
    answers: {
      200: { description: 'Exact at every moment, but for what was measured. Pages are of buckets.', schema: schema.Usage },
    },
    async handle(x, { query }) {
      const { owners, buckets } = await quotasOf(x).usage(x.who);
      const { page, next } = partOf(buckets, ({ bucket }) => [bucket], query);
      sendJson(x.res, 200, { owners: owners.map(({ owner: _, ...shown }) => shown), buckets: page.map(bucketUseJson), next });
    },
  }),
  route({
    method: 'post',
    path: '/usage/measure',
    operation: 'MeasureUsage',
    actions: ['account.read'],
    summary:
      'Asks that what buckets take after deduplication is measured anew, where something has changed; GetUsage tells of when it is.',
    answers: {
      202: { description: 'It runs, or will in a moment; what took long a moment ago waits a while.', schema: jobs.Job },
    },
    async handle({ deps, res }) {
      if (deps.jobs === undefined) throw new CloudStoreError('not_implemented', 'Usage is not measured here.');
      await deps.jobs.start('measure', 'asked' satisfies MeasureArgument);
      const job = (await deps.jobs.list()).find(({ name }) => name === 'measure');
      if (job === undefined) throw new CloudStoreError('not_found', 'There is no such job.');
      sendJson(res, 202, jobJson(job));
    },
  }),
  route({
    method: 'patch',
    path: '/buckets/{bucket}',
    operation: 'UpdateBucket',
    changes: 'GetBucket',
    actions: ['bucket.configure'],
    summary: 'Sets how much a bucket may hold; null: as much as its owner may.',
    body: schema.BucketPatch,
    answers: { 200: { description: 'What it uses, and may.', schema: schema.BucketUsage } },
    async handle(x, { body }) {
      const name = parsePlace(x.path.slice('/buckets/'.length)).bucket;
      const bucket = await x.deps.buckets.resolve(x.who, name);
      const { bytes, objects } = body.quota;
      const quota = { ...(bytes === undefined ? {} : { bytes }), ...(objects === undefined ? {} : { objects }) };
      sendJson(x.res, 200, bucketUseJson(await quotasOf(x).setBucket(x.who, bucket.id, quota)));
    },
  }),
];

function quotasOf(x: Exchange): Quotas {
  if (x.deps.quotas === undefined) throw new CloudStoreError('not_implemented', 'Usage is not served here.');
  return x.deps.quotas;
}
