import { type Command, Option } from 'commander';
import { CONFLICTS, type Conflict, type Restored } from '#contracts/history-store';
import type { MeasureArgument, Physical } from '#contracts/usage';
import { CloudStoreError } from '#core/errors';
import { type Flags, subcommand, textFlag } from './flags.ts';
import type { WithSession } from './job-commands.ts';
import { gib, table } from './output.ts';

/** `versions`, `trash`, `restore-as-of`, `retention` and `quota`: what was, and how much may be. */
export function addHistory(program: Command, withSession: WithSession): void {
  addVersions(program, withSession);
  addTrash(program, withSession);
  restoring(
    subcommand(
      program,
      'restore-as-of <bucket> <time>',
      'Make a bucket, or a folder of it, as it was at a time (2026-11-25T18:00:00Z).',
    ),
  )
    .option('--prefix <folder>', 'only this folder; it ends in a slash')
    .option('--remove-added', 'also remove what has come since; it goes to the trash')
    .action((bucket: string, time: string, flags: Flags) =>
      restore(withSession, flags, bucket, {
        kind: 'asOf',
        prefix: textFlag(flags, 'prefix') ?? '',
        at: timeOf(time),
        added: flags.removeAdded === true ? 'remove' : 'keep',
      }),
    );
  addRetention(program, withSession);
  addQuota(program, withSession);
}

function addVersions(program: Command, withSession: WithSession): void {
  const versions = program.command('versions').description('What files were before.');
  subcommand(versions, 'list <bucket> <key>', 'Show every version of a file that is kept, the latest first.').action(
    (bucket: string, key: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { versionsOf } = await import('./history.ts');
        const found = await versionsOf(session, bucket, key);
        const rows = found.map(({ writer, ...one }) => [
          ...[one.versionId, one.kind, one.size, one.modified, one.superseded ?? 'current'],
          ...[writer === null ? '' : (writer.name ?? '-'), writer?.protocol ?? ''],
        ]);
        output.data(found, table([['VERSION', 'KIND', 'BYTES', 'FROM', 'UNTIL', 'WHO', 'DOOR'], ...rows]));
      }),
  );
  restoring(subcommand(versions, 'restore <bucket> <key> <version>', 'Make a version the current one again.')).action(
    (bucket: string, key: string, version: string, flags: Flags) =>
      restore(withSession, flags, bucket, { kind: 'version', key, version }),
  );
}

function addTrash(program: Command, withSession: WithSession): void {
  const trash = program.command('trash').description('What was deleted.');
  subcommand(trash, 'list <bucket> [folder]', 'Show what lies deleted in a folder.')
    .option('--recursive', 'all files below it')
    .action((bucket: string, folder: string | undefined, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { trashOf } = await import('./history.ts');
        const found = await trashOf(session, bucket, folder ?? '', flags.recursive === true);
        output.data(found, table([['KEY', 'BYTES', 'DELETED'], ...found.map((one) => [one.key, one.size ?? '', one.deleted])]));
      }),
    );
  restoring(
    subcommand(
      trash,
      'restore <bucket> <key>',
      'Bring a deleted file back, or (it ends in a slash) all that was deleted in a folder.',
    ),
  )
    .option('--since <time>', 'only what was deleted from then on')
    .option('--until <time>', 'only what was deleted until then')
    .action((bucket: string, key: string, flags: Flags) =>
      restore(withSession, flags, bucket, { kind: 'deleted', key, ...spanOf(flags) }),
    );
  subcommand(trash, 'purge <bucket> [key]', 'Remove for good what was deleted: a file, or (it ends in a slash) a folder.')
    .option('--all', 'the whole trash of the bucket')
    .option('--history', 'instead, what files that are there were before')
    .option('--since <time>', 'only what was deleted from then on')
    .option('--until <time>', 'only what was deleted until then')
    .action((bucket: string, key: string | undefined, flags: Flags) =>
      withSession(flags, async (session, output, options) => {
        if ((key === undefined) !== (flags.all === true)) {
          throw new CloudStoreError('invalid_argument', 'Name what is to go: a key, or --all.');
        }
        const { runTask } = await import('./history.ts');
        const span = flags.history === true ? { kind: 'history' as const } : { kind: 'deleted' as const, ...spanOf(flags) };
        const counts = await runTask(session, options, bucket, (id) => ({
          kind: 'purge',
          intent: { bucket: id, what: { ...span, key: key ?? '' } },
        }));
        const { versions = 0, bytes = 0, held = 0 } = counts;
        output.data(
          counts,
          `${versions} versions of ${gib(bytes)} are removed.${held > 0 ? ` ${held} are under retention or hold and stay.` : ''}`,
        );
      }),
    );
}

function restoring(command: Command): Command {
  return command
    .option('--to <key>', 'where to; default: where it was')
    .addOption(new Option('--conflict <choice>', 'what to do about files that are there now').choices(CONFLICTS).default('fail'))
    .option('--dry-run', 'only count');
}

function restore(withSession: WithSession, flags: Flags, bucket: string, what: Restored): Promise<void> {
  return withSession(flags, async (session, output, options) => {
    const { restoreIn } = await import('./history.ts');
    const conflict = flags.conflict as Conflict; // one of the choices
    const counts = await restoreIn(session, options, bucket, {
      what,
      conflict,
      to: textFlag(flags, 'to'),
      dryRun: flags.dryRun === true,
    });
    const verb = flags.dryRun === true ? 'would be' : 'are';
    const shown = Object.entries(counts).filter(([name, count]) => count > 0 && name !== 'bytes' && name !== 'restored');
    const more = shown.map(([name, count]) => `, ${count} ${name}`).join('');
    output.data(counts, `${counts.restored ?? 0} files of ${gib(counts.bytes ?? 0)} ${verb} restored${more}.`);
  });
}

function addRetention(program: Command, withSession: WithSession): void {
  subcommand(program, 'retention <bucket>', 'Show or set how much history of a bucket is kept.')
    .option('--days <days>', 'older history goes; `never`: it stays')
    .option('--versions <count>', 'so many old versions of a file are kept; `all`: every one')
    .option('--bytes <bytes>', 'so much history is kept in all; `all`: without a limit')
    .option('--default', 'as the gateway keeps it')
    .action((bucket: string, flags: Flags) =>
      withSession(flags, async (session, output, { config }) => {
        const { retentionOf } = await import('./history.ts');
        const given = { days: limitOf(flags, 'days'), versions: limitOf(flags, 'versions'), bytes: limitOf(flags, 'bytes') };
        const rule = await retentionOf(session, bucket, given, flags.default === true, config.values['history-days']);
        const days = rule.days === null ? 'for ever' : `for ${rule.days} days`;
        const versions = rule.versions === null ? '' : `, at most ${rule.versions} versions of a file`;
        const bytes = rule.bytes === null ? '' : `, at most ${gib(rule.bytes)} in all`;
        output.data(rule, `History is kept ${days}${versions}${bytes}.`);
      }),
    );
}

function addQuota(program: Command, withSession: WithSession): void {
  const quota = program.command('quota').description('How much users and buckets use, and may.');
  subcommand(quota, 'list', 'Show users and buckets.')
    .option('--measure', 'first count what buckets take after deduplication, where something has changed since that was done')
    .action((flags: Flags) =>
      withSession(flags, async (session, output, options) => {
        const { metadata } = session;
        if (flags.measure === true) {
          const { runJob } = await import('./jobs.ts');
          await runJob(session, options, 'measure', 'now' satisfies MeasureArgument, { wait: true, shown: () => undefined });
        }
        const [owners, buckets] = await Promise.all([metadata.usage.owners(), metadata.usage.buckets()]);
        const row = (
          kind: string,
          one: (typeof owners)[number] | (typeof buckets)[number],
          stored: number | null,
          shared: number | null,
          asOf: string,
        ) => [
          kind,
          one.name,
          one.objects,
          gib(one.bytes),
          one.quota.bytes === null ? '' : gib(one.quota.bytes),
          one.quota.objects ?? '',
          gib(one.historyBytes),
          stored === null ? '' : gib(stored),
          shared === null ? '' : gib(shared),
          asOf,
        ];
        output.data(
          { owners, buckets },
          table([
            ['KIND', 'NAME', 'OBJECTS', 'BYTES', 'QUOTA', 'OBJECTS MAX', 'HISTORY', 'STORED', 'SHARED', 'AS OF'],
            ...owners.map((one) => row('user', one, one.storedBytes, null, 'now')),
            ...buckets.map((one) =>
              row('bucket', one, one.physical?.ownBytes ?? null, one.physical?.sharedBytes ?? null, asOf(one.physical)),
            ),
          ]),
        );
      }),
    );
  subcommand(quota, 'set', 'Say how much a user or a bucket may hold.')
    .addOption(new Option('--user <name>', 'of a user: all its buckets together').conflicts('bucket'))
    .option('--bucket <name>', 'of a bucket')
    .option('--bytes <bytes>', 'bytes; `none`: no limit')
    .option('--objects <count>', 'objects; `none`: no limit')
    .action((flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { setQuota } = await import('./history.ts');
        const [user, bucket] = [textFlag(flags, 'user'), textFlag(flags, 'bucket')];
        const set = await setQuota(
          session,
          { user, bucket },
          { bytes: limitOf(flags, 'bytes'), objects: limitOf(flags, 'objects') },
        );
        output.data(set, `The quota of ${user ?? bucket} is set.`);
      }),
    );
}

function asOf(physical: Physical | null): string {
  if (physical === null) return 'never';
  return physical.current ? 'now' : new Date(physical.measured).toISOString();
}

/** undefined: not given, null: no limit. K, M, G and T are powers of 1,024. */
function limitOf(flags: Flags, name: string): number | null | undefined {
  const text = textFlag(flags, name);
  if (text === null) return undefined;
  if (['none', 'never', 'all'].includes(text)) return null;
  const match = /^(\d{1,12})([KMGT]?)(iB)?$/.exec(text);
  if (match === null) throw new CloudStoreError('invalid_argument', `--${name} takes a number, such as 100 or 10G.`);
  return Number(match[1]) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf(match[2] ?? '');
}

function spanOf(flags: Flags): { since?: number; until?: number } {
  const [since, until] = [textFlag(flags, 'since'), textFlag(flags, 'until')];
  return { ...(since === null ? {} : { since: timeOf(since) }), ...(until === null ? {} : { until: timeOf(until) }) };
}

function timeOf(text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new CloudStoreError('invalid_argument', `${text} is no time; write 2026-11-25T18:00:00Z.`);
  return at;
}
