import type { z } from 'zod';
import { BACKUP_CHECK_JOB, BACKUP_EXTRACT_JOB, BACKUP_JOB, BACKUP_OPEN_JOB, RESTORE_JOB } from '#contracts/backups';
import type { JobStatus } from '#contracts/jobs';
import type { Run } from '#contracts/runs';
import { forAdmins } from '../admin.ts';
import { sendJson } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { isoTime } from '../represent.ts';
import { jobJson } from '../represent-job.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/backups.ts';

const SHOWN_MAX = 50;

/** Backups of the whole installation. A restore makes another data directory, which another gateway is started on; what runs stays as it is. */
export const backupRoutes = [
  route({
    method: 'get',
    path: '/backups',
    operation: 'ListBackups',
    short: 'the latest runs',
    actions: ['admin'],
    summary: 'Backups that were made and checked, what runs now, and what a restore needs. For admins.',
    answers: { 200: { description: 'The newest fifty of each.', schema: schema.Backups } },
    async handle(x) {
      sendJson(x.res, 200, await overview(x));
    },
  }),
  route({
    method: 'post',
    path: '/backups',
    operation: 'MakeBackup',
    actions: ['admin'],
    summary: "Copies what is new into a directory of backups on the gateway's machine, as the job `backup`. For admins.",
    body: schema.BackupWanted,
    answers: { 202: { description: 'It runs, or will in a moment.', schema: schema.Backups } },
    async handle(x, { body }) {
      await forAdmins(x.who, x.deps.backups).begin(body);
      sendJson(x.res, 202, await overview(x));
    },
  }),
  route({
    method: 'post',
    path: '/backups/check',
    operation: 'CheckBackup',
    actions: ['admin'],
    summary:
      'Reads a backup to its last byte and tells whether all of it can be restored, as the job `backup-check`. For admins.',
    body: schema.BackupCheckWanted,
    answers: { 202: { description: 'It runs, or will in a moment.', schema: schema.Backups } },
    async handle(x, { body }) {
      await forAdmins(x.who, x.deps.backups).check(body);
      sendJson(x.res, 202, await overview(x));
    },
  }),
  route({
    method: 'post',
    path: '/backups/look',
    operation: 'LookForBackups',
    actions: ['admin'],
    summary: "The backups in a directory of the gateway's machine, whoever made them. For admins.",
    body: schema.BackupPlace,
    answers: { 200: { description: 'Newest first.', schema: schema.BackupsThere } },
    async handle({ deps, res, who }, { body }) {
      const { directory, backups, count } = await forAdmins(who, deps.backups).look(body.from);
      const shown = backups.map(({ name, takenMs, holds, why }) => ({ name, taken: isoTime(takenMs), holds, why }));
      sendJson(res, 200, { directory, backups: shown, count });
    },
  }),
  route({
    method: 'post',
    path: '/backups/restore',
    operation: 'RestoreBackup',
    actions: ['admin'],
    summary:
      'Checks a backup and makes a data directory of its own from it, as the job `restore`; what runs stays as it is. For admins.',
    body: schema.RestoreWanted,
    answers: { 202: { description: 'It runs, or will in a moment.', schema: schema.Backups } },
    async handle(x, { body }) {
      await forAdmins(x.who, x.deps.backups).restore(body);
      sendJson(x.res, 202, await overview(x));
    },
  }),
];

export async function overview({ deps, who }: Exchange): Promise<z.infer<typeof schema.Backups>> {
  const desk = forAdmins(who, deps.backups);
  const [{ backups, checks, restores, extracts }, jobs] = await Promise.all([
    desk.history(SHOWN_MAX),
    forAdmins(who, deps.jobs).list(),
  ]);
  const job = (name: string) => {
    const found = jobs.find((one: JobStatus) => one.name === name);
    return found === undefined ? null : jobJson(found);
  };
  const { host, dataDirectory, settingsApart, masterKey } = desk.about();
  return {
    backups: backups.map(backupJson),
    checks: checks.map(checkJson),
    restores: restores.map(restoreJson),
    extracts: extracts.map(extractJson),
    opening: job(BACKUP_OPEN_JOB),
    extracting: job(BACKUP_EXTRACT_JOB),
    running: job(BACKUP_JOB),
    checking: job(BACKUP_CHECK_JOB),
    restoring: job(RESTORE_JOB),
    host,
    dataDirectory,
    settingsApart,
    masterKey: { from: masterKey.from, path: masterKey.from === 'file' ? masterKey.path : null },
  };
}

function runJson({ id, startedMs, endedMs, outcome, message }: Run) {
  return { id, started: isoTime(startedMs), ended: isoTime(endedMs), outcome, message };
}

/** A report is what backup-run.ts wrote into it. */
function backupJson(run: Run): z.infer<typeof schema.BackupRun> {
  const { directory, host, by, ...made } = run.report as z.infer<typeof schema.BackupRun> & { name?: string };
  const whole = 'name' in made ? (made as unknown as z.infer<typeof schema.BackupRun>['made']) : null;
  return { ...runJson(run), directory, host, by, made: whole };
}

function checkJson(run: Run): z.infer<typeof schema.BackupCheck> {
  const report = run.report as { directory: string; host: string; name?: string; taken?: string } & Partial<
    NonNullable<z.infer<typeof schema.BackupCheck>['verdict']>
  >;
  const { directory, host, name = null, taken = null, records, faults = [], faultCount = 0 } = report;
  return {
    ...runJson(run),
    directory,
    host,
    name,
    taken,
    verdict: records === undefined ? null : { records, faults, faultCount },
  };
}

function restoreJson(run: Run): z.infer<typeof schema.RestoreRun> {
  const { directory, host, name, to, ...made } = run.report as z.infer<typeof schema.RestoreRun> & { taken?: string };
  const whole = 'taken' in made ? (made as unknown as z.infer<typeof schema.RestoreRun>['made']) : null;
  return { ...runJson(run), directory, host, name, to, made: whole };
}

function extractJson(run: Run): z.infer<typeof schema.ExtractRun> {
  return { ...(run.report as Omit<z.infer<typeof schema.ExtractRun>, 'id'>), ...runJson(run) };
}
