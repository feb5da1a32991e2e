import type { Command } from 'commander';
import { CloudStoreError } from '#core/errors';
import { createIntegrity } from '#engine/integrity';
import { type Flags, subcommand, textFlag } from './flags.ts';
import type { WithSession } from './job-commands.ts';
import { EXIT, table } from './output.ts';

const FILES_SHOWN_MAX = 1_000;

/** `scrub` and `verify`: whether what is stored is what was stored. */
export function addIntegrity(program: Command, withSession: WithSession, setExit: (code: number) => void): void {
  subcommand(
    program,
    'scrub',
    'Read and check everything that is stored, heal what is damaged, and name the files that cannot be.',
  )
    .option('--report', 'only tell what the last pass found')
    .action((flags: Flags) =>
      withSession(flags, async (session, output, options) => {
        const { metadata } = session;
        if (flags.report !== true) {
          const { runJob } = await import('./jobs.ts');
          let shown = -1;
          await runJob(session, options, 'scrub', null, {
            wait: true,
            shown({ progress }) {
              const tenth = Math.floor((10 * (progress?.done ?? 0)) / Math.max(1, progress?.total ?? 1));
              if (progress !== null && tenth > shown) output.note(`${(shown = tenth) * 10} % of what is stored is read`);
            },
          });
        }
        const integrity = createIntegrity({
          rows: metadata.integrity,
          chunks: metadata.chunks,
          instance: metadata.instance,
          clock: Date,
        });
        const report = await integrity.report();
        const files = report.damaged === 0 ? [] : await integrity.hurt(FILES_SHOWN_MAX);
        const counts = report.lastScrub?.counts ?? {};
        const hurt = files.map(({ bucketName, key, version, current }) => ({ bucket: bucketName, key, version, current }));
        output.data(
          { ok: report.damaged === 0, counts, damaged: report.damaged, damage: report.damage, files: hurt },
          [
            report.lastScrub === null
              ? 'Nothing was ever checked.'
              : `${counts.packs} packs, ${counts.records} records, ${counts.leaves} leaves and ${counts.versions} versions were read; ${counts.damaged} were damaged, ${counts.healed} of them are healed.`,
            ...report.damage.map(({ kind, subject, reason }) => `damaged  ${kind} ${subject}: ${reason}`),
            ...(hurt.length === 0 ? [] : ['', 'These cannot be read; upload them again, or restore them from a backup:']),
            hurt.length === 0
              ? ''
              : table(hurt.map(({ bucket, key, version, current }) => [`${bucket}/${key}`, version, current ? '' : 'older'])),
          ]
            .join('\n')
            .trimEnd(),
        );
        if (report.damaged > 0 || (flags.report !== true && (counts.damaged ?? 0) > 0)) setExit(EXIT.partial);
      }),
    );
  subcommand(program, 'verify <bucket> <key>', 'Read one file now and check every byte of it.')
    .option('--object-version <id>', 'an older version')
    .action((bucket: string, key: string, flags: Flags) =>
      withSession(flags, async (session, output, options) => {
        const { runJob } = await import('./jobs.ts');
        const version = textFlag(flags, 'objectVersion');
        const argument = { bucket, key, ...(version === null ? {} : { version }) };
        try {
          await runJob(session, options, 'verify', argument, { wait: true, shown: () => undefined });
        } catch (error) {
          // A job's failure is its words alone.
          const words = error instanceof Error ? error.message : '';
          if (/^There is no (file|bucket) /.test(words)) throw new CloudStoreError('not_found', words);
          if (!(error instanceof Error) || !/ is damaged: /.test(words)) throw error;
          output.data({ bucket, key, ok: false, reason: error.message }, error.message);
          setExit(EXIT.partial);
          return;
        }
        output.data({ bucket, key, ok: true }, `${bucket}/${key} is as it was stored.`);
      }),
    );
}
