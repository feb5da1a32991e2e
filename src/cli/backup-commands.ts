import { type Command, Option } from 'commander';
import { EXTRACT_CONFLICTS, type ExtractConflict } from '#contracts/backups';
import { type Flags, outputOf, subcommand, textFlag } from './flags.ts';
import type { WithSession } from './job-commands.ts';
import { EXIT, gib, table } from './output.ts';

/** `backup list` and `backup extract`: single files and folders out of a backup. */
export function addBackupFiles(backup: Command, withSession: WithSession, setExit: (code: number) => void): void {
  // `--to` behind a subcommand is the subcommand's.
  backup.enablePositionalOptions();
  subcommand(
    backup,
    'list <directory> [path]',
    'Show the backups in a directory; with a path (/, bucket/, bucket/folder/) what is in the newest; with a file its versions.',
  )
    .option('--at <time>', 'in the last backup of before')
    .option('--recursive', 'all files below the folder')
    .action(async (directory: string, path: string | undefined, flags: Flags) => {
      const { listBackups, listInside } = await import('./backup-files.ts');
      if (path === undefined) {
        const found = await listBackups(flags, directory);
        const rows = found.map((one) => [one.name, one.taken, one.bytes === null ? '' : gib(one.bytes), one.why ?? '']);
        return outputOf(flags).data(found, table([['BACKUP', 'OF', 'SIZE', ''], ...rows]));
      }
      const found = await listInside(flags, directory, path, flags.recursive === true);
      const rows = found.map((one) => [one.path, one.bytes ?? '', one.modified ?? '', one.version ?? '', one.note ?? '']);
      outputOf(flags).data(found, table([['PATH', 'BYTES', 'FROM', 'VERSION', ''], ...rows]));
    });
  subcommand(
    backup,
    'extract <directory> <path>',
    'Bring a file, or (bucket/folder/) all below a folder, back out of a backup: onto this machine, or into a bucket.',
  )
    .addOption(new Option('--to <path>', 'a file or directory of this machine; nothing is written over').conflicts('into'))
    .option('--into <bucket/folder/>', 'a bucket of this CloudStore, and a folder in it; the gateway may run')
    .option('--name <name>', 'what it is called there; default: as in the backup')
    .option('--version-id <version>', 'this version of the file (see backup list)')
    .option('--at <time>', 'out of the last backup of before')
    .addOption(
      new Option('--conflict <choice>', 'with --into, where a name is taken: both files, a new version, or none')
        .choices(EXTRACT_CONFLICTS)
        .default('both'),
    )
    .action(async (directory: string, path: string, flags: Flags) => {
      const [to, into] = [textFlag(flags, 'to'), textFlag(flags, 'into')];
      if ((to === null) === (into === null)) backup.error("error: say where to: '--to <path>' or '--into <bucket/folder/>'");
      const wanted = { directory, path, name: textFlag(flags, 'name'), version: textFlag(flags, 'versionId') };
      if (to !== null) {
        const { extractToDisk } = await import('./backup-files.ts');
        const report = await extractToDisk(flags, wanted, to);
        const { files, bytes, unchanged, failures } = report;
        const lines = [
          `${files} files, ${gib(bytes)}, are in ${report.to}${unchanged === 0 ? '' : `; ${unchanged} of them were there already`}.`,
          ...failures.map(({ key, why }) => `missing: ${key}: ${why}`),
        ];
        outputOf(flags).data(report, lines.join('\n'));
        if (report.failed > 0) setExit(EXIT.partial);
        return;
      }
      await withSession(flags, async (session, output, options) => {
        const { extractIntoBucket } = await import('./backup-extract.ts');
        const conflict = flags.conflict as ExtractConflict; // one of the choices
        const report = await extractIntoBucket(session, options, flags, { ...wanted, into: into ?? '', conflict });
        const { restored, bytes, versions, renamed, unchanged, skipped, failures } = report;
        const more = Object.entries({ versions, renamed, unchanged, skipped }).filter(([, count]) => count > 0);
        const lines = [
          `${restored} files of ${gib(bytes)} are back${more.map(([what, count]) => `, ${count} ${what}`).join('')}: ${report.to}`,
          ...failures.map(({ key, why }) => `missing: ${key}: ${why}`),
        ];
        output.data(report, lines.join('\n'));
        if (report.failed > 0) setExit(EXIT.partial);
      });
    });
}
