import { CloudStoreError } from '#core/errors';
import { sendJson } from '../answer.ts';
import { bucketJson } from '../represent.ts';
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
      const items = (await deps.shares.withMe(who)).map(({ bucket, ...rest }) => ({ ...rest, bucket: bucketJson(bucket).name }));
      sendJson(res, 200, { items });
    },
  }),
];
