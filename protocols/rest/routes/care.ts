import type { z } from 'zod';
import { STORE_CHECK_JOB, VERIFY_JOB } from '#contracts/check-desk';
import type { Run } from '#contracts/runs';
import { forAdmins } from '../admin.ts';
import { sendJson } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { isoTime } from '../represent.ts';
import { jobJson } from '../represent-job.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/care.ts';

const SHOWN_MAX = 20;

/** What looks after an installation when somebody asks for it. */
export const careRoutes = [
  route({
    method: 'get',
    path: '/system/doctor',
    operation: 'Examine',
    short: 'one for each kind of trouble that is looked for',
    actions: ['admin'],
    summary: 'Looks at the installation as `cloudstore doctor` does, and says what to do about each thing. For admins.',
    answers: { 200: { description: 'In the order in which a start would stumble.', schema: schema.Findings } },
    async handle({ deps, res, who }) {
      const { dataDirectory, masterKey } = forAdmins(who, deps.backups).about();
      const findings = await forAdmins(who, deps.examiner).examine();
      const ok = findings.every(({ status }) => status !== 'fail');
      sendJson(res, 200, {
        ok,
        findings: findings.map(({ advice = null, ...rest }) => ({ ...rest, advice })),
        about: { dataDirectory, masterKey: { from: masterKey.from, path: masterKey.from === 'file' ? masterKey.path : null } },
      });
    },
  }),
  route({
    method: 'get',
    path: '/system/checks',
    operation: 'ListChecks',
    short: 'the latest runs',
    actions: ['admin'],
    summary: 'Single files that were read to their last byte, stores that were tried out, and what runs now. For admins.',
    answers: { 200: { description: 'Newest first.', schema: schema.Checks } },
    async handle(x) {
      sendJson(x.res, 200, await checksOf(x, null));
    },
  }),
  route({
    method: 'post',
    path: '/system/verify',
    operation: 'VerifyFile',
    actions: ['admin'],
    summary: 'Reads one file, or one version of it, to its last byte and checks each, as the job `verify`. For admins.',
    body: schema.FileToCheck,
    answers: { 202: { description: 'It runs, or will in a moment.', schema: schema.Checks } },
    async handle(x, { body }) {
      const desk = forAdmins(x.who, x.deps.checks);
      const { name } = await x.deps.buckets.resolve(x.who, body.bucket);
      sendJson(x.res, 202, await checksOf(x, await desk.verify({ ...body, bucket: name })));
    },
  }),
  // PUT: a POST could be sent with an Idempotency-Key, of which a sum of its body would be kept.
  route({
    method: 'put',
    path: '/system/check-storage',
    operation: 'CheckStore',
    changes: { none: 'it leaves nothing behind' },
    actions: ['admin'],
    summary: 'Tries out a store for packs, measures it, and leaves nothing behind, as the job `check-storage`. For admins.',
    body: schema.StoreToCheck,
    answers: { 202: { description: 'It runs, or will in a moment.', schema: schema.Checks } },
    async handle(x, { body }) {
      sendJson(x.res, 202, await checksOf(x, await forAdmins(x.who, x.deps.checks).checkStore(x.who, body)));
    },
  }),
];

async function checksOf({ deps, who }: Exchange, ask: string | null): Promise<z.infer<typeof schema.Checks>> {
  const [{ files, stores }, jobs] = await Promise.all([
    forAdmins(who, deps.checks).history(SHOWN_MAX),
    forAdmins(who, deps.jobs).list(),
  ]);
  const job = (name: string) => {
    const found = jobs.find((one) => one.name === name);
    return found === undefined ? null : jobJson(found);
  };
  return {
    files: files.map(fileJson),
    stores: stores.slice(0, SHOWN_MAX / 2).map(storeJson),
    verifying: job(VERIFY_JOB),
    checking: job(STORE_CHECK_JOB),
    ask,
  };
}

/** A report is what the job wrote into it. */
function fileJson({ id, startedMs, endedMs, outcome, message, report }: Run): z.infer<typeof schema.FileCheck> {
  const { bucket, key, version, ask, bytes } = report as Record<'bucket' | 'key' | 'version' | 'ask', string | null> & {
    bytes: number;
  };
  const times = { started: isoTime(startedMs), ended: isoTime(endedMs) };
  return { id, ask, ...times, outcome, message, bucket, key, versionId: version, bytes };
}

function storeJson({ id, startedMs, endedMs, outcome, message, report }: Run): z.infer<typeof schema.StoreCheck> {
  const { place, host, ask, ok, checks, measured, left } = report as Pick<
    z.infer<typeof schema.StoreCheck>,
    'place' | 'host' | 'ask'
  > &
    Partial<NonNullable<z.infer<typeof schema.StoreCheck>['report']>>;
  const whole =
    ok === undefined || checks === undefined
      ? null
      : { ok, checks: checks.map(({ why = null, ...one }) => ({ ...one, why })), measured: measured ?? null, left: left ?? 0 };
  const times = { started: isoTime(startedMs), ended: isoTime(endedMs) };
  return { id, ask, ...times, outcome, message, place, host, report: whole };
}
