import { CloudStoreError } from '#core/errors';
import { sendJson } from '../answer.ts';
import { partOf } from '../pages.ts';
import { route } from '../route.ts';
import { PageQuery } from '../schemas/identity.ts';
import * as schema from '../schemas/shared.ts';

export const sharedRoutes = [
  route({
    method: 'get',
    path: '/shared',
    operation: 'ListShared',
    actions: ['account.read'],
    summary: 'Buckets and folders that others have shared with the caller, directly or through a group.',
    query: PageQuery,
    answers: { 200: { description: 'By name.', schema: schema.SharedList } },
    async handle({ deps, res, who }, { query }) {
      if (deps.shares === undefined) throw new CloudStoreError('not_implemented', 'This gateway has no shares.');
      const { page, next } = partOf(await deps.shares.withMe(who), ({ name }) => [name], query);
      const items = await Promise.all(
        page.map(async ({ bucket, ...rest }) => ({ ...rest, bucket: await deps.buckets.nameFor(who, bucket) })),
      );
      sendJson(res, 200, { items, next });
    },
  }),
];
