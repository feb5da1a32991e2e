import type { JobStatus } from '#contracts/jobs';
import { CloudStoreError } from '#core/errors';
import { forAdmins } from '../admin.ts';
import { sendJson } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { parsePlace } from '../paths.ts';
import { jobJson } from '../represent-job.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/jobs.ts';

export const jobRoutes = [
  route({
    method: 'get',
    path: '/jobs',
    operation: 'ListJobs',
    short: 'there is one of each name',
    actions: ['admin'],
    summary: 'What goes on behind the requests: every job, its progress, and how its last run ended. For admins.',
    answers: { 200: { description: 'In order of names.', schema: schema.JobList } },
    async handle({ deps, res, who }) {
      const all = await forAdmins(who, deps.jobs).list();
      sendJson(res, 200, { jobs: all.map(jobJson) });
    },
  }),
  route({
    method: 'get',
    path: '/jobs/{name}',
    operation: 'GetJob',
    actions: ['admin'],
    summary: 'One job. For admins.',
    answers: { 200: { description: 'The job.', schema: schema.Job } },
    async handle(x) {
      sendJson(x.res, 200, jobJson(await find(x, nameIn(x.path))));
    },
  }),
  route({
    method: 'post',
    path: '/jobs/{name}/start',
    operation: 'StartJob',
    actions: ['admin'],
    summary: 'Asks for a run now; one that runs already goes on. For admins.',
    body: schema.JobStart,
    answers: { 202: { description: 'It runs, or will in a moment.', schema: schema.Job } },
    async handle(x, { body }) {
      const name = nameIn(x.path);
      await forAdmins(x.who, x.deps.jobs).start(name, body.argument ?? null);
      sendJson(x.res, 202, jobJson(await find(x, name)));
    },
  }),
  route({
    method: 'post',
    path: '/jobs/{name}/cancel',
    operation: 'CancelJob',
    actions: ['admin'],
    summary: 'Asks a running job to stop. For admins.',
    answers: { 202: { description: 'It stops as soon as it can.', schema: schema.Job } },
    async handle(x) {
      const name = nameIn(x.path);
      await forAdmins(x.who, x.deps.jobs).cancel(name);
      sendJson(x.res, 202, jobJson(await find(x, name)));
    },
  }),
];

function nameIn(path: string): string {
  return parsePlace(path.split('/')[2] ?? '').bucket;
}

/** @throws not_found */
async function find({ deps, who }: Exchange, name: string): Promise<JobStatus> {
  const found = (await forAdmins(who, deps.jobs).list()).find((job) => job.name === name);
  if (found === undefined) throw new CloudStoreError('not_found', 'There is no such job.');
  return found;
}
