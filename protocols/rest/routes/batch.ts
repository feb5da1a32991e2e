import { sendJson } from '../answer.ts';
import { runBatch } from '../batch.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/batch.ts';

export const batchRoutes = [
  route({
    method: 'post',
    path: '/batch',
    operation: 'Batch',
    actions: ['read', 'write', 'delete', 'version.restore'],
    summary: 'Moves, copies, deletes and restores many files and folders. Each has its own verdict.',
    body: schema.Batch,
    answers: { 200: { description: 'A verdict for each item, in order.', schema: schema.BatchAnswer } },
    async handle(x, { body }) {
      const results = await runBatch(x, body.items);
      sendJson(x.res, 200, { results, failed: results.filter(({ ok }) => !ok).length });
    },
  }),
];
