import { CloudStoreError } from '#core/errors';
import { sendJson } from '../answer.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/shared.ts';

export const sharedRoutes = [
  route({
    method: 'get',
    path: '/shared',
    operation: 'ListShared',
    actions: ['account.read'],
    summary: 'Buckets and folders that others have shared with the caller, directly or through a group.',
    answers: { 200: { description: 'By name.', schema: schema.SharedList } },
    async handle({ deps, res, who }) {
      if (deps.shares === undefined) throw new CloudStoreError('not_implemented', 'This gateway has no shares.');
      const shares = await deps.shares.withMe(who);
      const items = await Promise.all(
        shares.map(async ({ bucket, ...rest }) => ({ ...rest, bucket: await deps.buckets.nameFor(who, bucket) })),
      );
      sendJson(res, 200, { items });
    },
  }),
];
