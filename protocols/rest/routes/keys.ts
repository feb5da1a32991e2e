import type { z } from 'zod';
import { forAdmins } from '../admin.ts';
import { sendJson } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { jobJson } from '../represent-job.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/keys.ts';

const JOB = 'rekey';

/** The keys of the installation, as `cloudstore master-key` and `data-key` have them. No answer holds one. */
export const keyRoutes = [
  route({
    method: 'get',
    path: '/system/keys',
    operation: 'ShowKeys',
    short: 'one line for each user',
    actions: ['admin'],
    summary:
      'Where the master key comes from, which data key each user has, and whether older ones are still needed. For admins.',
    answers: { 200: { description: 'Never a key.', schema: schema.Keys } },
    async handle(x) {
      sendJson(x.res, 200, await overview(x));
    },
  }),
  // PUT: a POST could be sent with an Idempotency-Key, of which a sum of its body would be kept.
  route({
    method: 'put',
    path: '/system/keys/master',
    operation: 'ChangeMasterKey',
    changes: { none: 'it asks who one is, and is a whole change whatever was before' },
    actions: ['admin'],
    summary:
      'Changes the key that all stored keys are wrapped with, at once; asks who has not said lately who it is. For admins.',
    body: schema.MasterKeyWanted,
    answers: {
      200: { description: 'It is changed, whole; access tokens end, sessions go on.', schema: schema.MasterKeyChanged },
    },
    async handle({ res, who, deps }, { body }) {
      sendJson(res, 200, { ...(await forAdmins(who, deps.keyDesk).changeMasterKey(who, body)) });
    },
  }),
  route({
    method: 'post',
    path: '/system/keys/data',
    operation: 'RenewDataKeys',
    actions: ['admin'],
    summary:
      'Begins new data keys; the job `rekey` writes anew what is stored, and then forgets the older ones. Asks who has not said lately who it is. For admins.',
    body: schema.DataKeysWanted,
    answers: { 202: { description: 'What is written from now on has the new key.', schema: schema.Keys } },
    async handle(x, { body }) {
      await forAdmins(x.who, x.deps.keyDesk).renewDataKeys(x.who, body.user);
      sendJson(x.res, 202, await overview(x));
    },
  }),
];

async function overview({ deps, who }: Exchange): Promise<z.infer<typeof schema.Keys>> {
  const [report, jobs] = await Promise.all([forAdmins(who, deps.keyDesk).report(), forAdmins(who, deps.jobs).list()]);
  const job = jobs.find(({ name }) => name === JOB);
  return { ...report, rekey: job === undefined ? null : jobJson(job) };
}
