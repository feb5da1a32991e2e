import type { Command } from 'commander';
import type { JobStatus } from '#contracts/jobs';
import { CloudStoreError } from '#core/errors';
import { type Flags, subcommand, textFlag } from './flags.ts';
import { EXIT, gib, type Output, table } from './output.ts';
import type { Session, SessionOptions } from './session.ts';

export type WithSession = (
  flags: Flags,
  run: (session: Session, output: Output, options: SessionOptions) => Promise<void>,
) => Promise<void>;

/** `jobs` and `gc`: what goes on behind the requests. */
export function addJobs(program: Command, withSession: WithSession, setExit: (code: number) => void): void {
  const jobs = program.command('jobs').description('What goes on behind the requests.');
  subcommand(jobs, 'list', 'Show every job, and how its last run ended.').action((flags: Flags) =>
    withSession(flags, async ({ metadata }, output) => {
      const all = await metadata.jobStore.list();
      output.data(all.map(shown), table([['NAME', 'STATE', 'PROGRESS', 'STARTED', 'ENDED', 'OUTCOME'], ...all.map(rowOf)]));
    }),
  );
  subcommand(jobs, 'start <name>', 'Run a job now: on a gateway if one runs, else here.')
    .option('--argument <json>', 'what the job is told')
    .option('--wait', 'until it has ended')
    .action((name: string, flags: Flags) =>
      withSession(flags, async (session, output, options) => {
        const { runJob } = await import('./jobs.ts');
        const wait = flags.wait === true;
        const argument = argumentOf(textFlag(flags, 'argument'));
        const status = await runJob(session, options, name, argument, { wait, shown: () => undefined });
        output.data(shown(status), status.state === 'idle' ? `${name}: ${outcomeOf(status)}` : `${name} is ${status.state}.`);
      }),
    );
  subcommand(jobs, 'cancel <name>', 'Ask a running job to stop.').action((name: string, flags: Flags) =>
    withSession(flags, async ({ metadata }, output) => {
      await metadata.jobStore.cancel(name);
      output.data({ name, cancelled: true }, `${name} is asked to stop.`);
    }),
  );
  subcommand(program, 'usage', 'Show how much is stored, and what it takes.').action((flags: Flags) =>
    withSession(flags, async ({ metadata }, output, { config }) => {
      const { createSpaceReports } = await import('../space-report.ts');
      const { space, stores } = metadata;
      const report = await createSpaceReports({ space, stores, dataDirectory: config.values['data-dir'] }).report();
      const shown = (bytes: number | null) => (bytes === null ? 'see the store' : gib(bytes));
      output.data(
        report,
        table([
          ['objects', report.objects, gib(report.bytes)],
          ['history', report.historyVersions, gib(report.historyBytes)],
          ['after deduplication', '', gib(report.uniqueBytes)],
          ['after compression', '', gib(report.storedBytes)],
          ['in packs', '', shown(report.physicalBytes)],
          ['of it, gc can give back', '', shown(report.reclaimableBytes)],
        ]),
      );
    }),
  );
  subcommand(program, 'gc', 'Give back the space of what nobody refers to any more.')
    .option('--dry-run', 'only count it')
    .action((flags: Flags) =>
      withSession(flags, async (session, output, options) => {
        const { runJob } = await import('./jobs.ts');
        const dryRun = flags.dryRun === true;
        let looks = 0;
        const status = await runJob(
          session,
          options,
          'gc',
          { dryRun },
          {
            wait: true,
            shown({ progress }) {
              if ((progress?.counts?.waitingForUploads ?? 0) === 0) looks = 0;
              else if (++looks === 8) output.note('Waiting for uploads that were running before.');
            },
          },
        );
        if (status.outcome?.kind !== 'done') throw new CloudStoreError('aborted', 'The collection was cancelled.');
        const counts = status.progress?.counts ?? {};
        const { removedChunks = 0, removedBytes = 0, removedPacks = 0, freedBytes = 0, waitingForUploads = 0 } = counts;
        const verb = dryRun ? 'would be ' : '';
        output.data(
          { dryRun, ...counts },
          [
            `${removedChunks} chunks of ${gib(removedBytes)} ${verb}removed`,
            dryRun ? `${gib(freedBytes)} of packs are dead already` : `${removedPacks} packs removed, ${gib(freedBytes)} freed`,
          ].join('\n'),
        );
        if (waitingForUploads === 0) return;
        output.note('Uploads are still running that may need what was found; the rest goes with the next run.');
        setExit(EXIT.partial);
      }),
    );
}

function argumentOf(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CloudStoreError('invalid_argument', '--argument is not JSON.', { cause });
  }
}

function shown({ startedMs, endedMs, ...rest }: JobStatus): object {
  return { ...rest, started: timeOf(startedMs), ended: timeOf(endedMs) };
}

function rowOf(status: JobStatus): string[] {
  const { name, state, progress, startedMs, endedMs } = status;
  const done =
    progress === null ? '' : `${progress.done}${progress.total === null ? '' : ` of ${progress.total}`} ${progress.unit}`;
  return [name, state, done, timeOf(startedMs) ?? '', timeOf(endedMs) ?? '', outcomeOf(status)];
}

function outcomeOf({ outcome }: JobStatus): string {
  if (outcome === null) return '';
  return outcome.message === null ? outcome.kind : `${outcome.kind}: ${outcome.message}`;
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
