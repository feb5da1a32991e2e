import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { DumpTip } from '#contracts/dump-store';
import type { Logger } from '#contracts/observability';
import type { Shelf } from '#contracts/shelf';
import { SettingError } from '../config/setting-error.ts';
import { configOf, type Flags, outputOf, subcommand, textFlag } from './flags.ts';
import { EXIT, gib } from './output.ts';

/** What brings data back, or away to where it is safe. */
export function addRecovery(program: Command, setExit: (code: number) => void): void {
  subcommand(program, 'export', 'Copy files out into a directory, as ordinary files.')
    .requiredOption('--to <directory>', 'where they go; it must be empty, or hold an export that was cut short')
    .option('--offline', 'start no database: read the last snapshot and the packs, and nothing else')
    .option('--bucket <name>', 'only this bucket')
    .option('--at <time>', 'as they were at a time (2026-11-25T18:00:00Z): the last snapshot of before')
    .option('--packs <directory>', 'look for packs there too, such as those of a backup (again for more)', gather, [])
    .action((flags: Flags) => runExport(flags, setExit));
  subcommand(
    program,
    'snapshot',
    'Write down now what changed in the database since the last snapshot; the gateway does it every few minutes.',
  ).action(async (flags: Flags) => {
    const { takenMs, number, length } = await freshSnapshot(flags);
    const taken = new Date(takenMs).toISOString();
    outputOf(flags).data({ taken, number, length }, `The newest snapshot is of ${taken}.`);
  });
}

async function runExport(flags: Flags, setExit: (code: number) => void): Promise<void> {
  const config = configOf(flags);
  const dataDirectory = config.values['data-dir'];
  const atMs = timeFlag(flags, 'at');
  const log = await logger();
  if (flags.offline !== true && atMs === null) await freshSnapshot(flags);
  const [{ exportOffline }, { offlineMasterKey }, { masterKeySource }, { createPackReader }, { nodeDiskOps }] = await Promise.all(
    [
      import('./offline/export.ts'),
      import('./offline/master-key.ts'),
      import('../master-key.ts'),
      import('#blob/pack-reader'),
      import('#blob/disk-ops'),
    ],
  );
  const disk = nodeDiskOps();
  const shelf = await snapshotShelf(dataDirectory);
  const directories = [join(dataDirectory, 'packs'), ...(flags.packs as string[]).map((path) => resolve(path))]; // commander's, see `gather`
  const packs = createPackReader({ directories, disk });
  try {
    const report = await exportOffline({
      shelf,
      packs,
      masterKey: await offlineMasterKey(masterKeySource(config), shelf),
      disk,
      random: randomBytes,
      log,
      to: resolve(String(flags.to)),
      bucket: textFlag(flags, 'bucket'),
      atMs,
    });
    const lines = [
      `${report.files} files, ${gib(report.bytes)}, of the snapshot of ${report.snapshot}`,
      `every key and its path: ${report.list}`,
      ...report.skipped.map(({ name, why }) => `not used: ${name}: ${why}`),
      ...report.packs.map(({ pack, why }) => `pack ${pack}: ${why}`),
      ...report.failures.map(({ bucket, key, why }) => `missing: ${bucket}/${key}: ${why}`),
      ...(report.failed > report.failures.length ? [`… and ${report.failed - report.failures.length} more, see the list`] : []),
    ];
    outputOf(flags).data(report, lines.join('\n'));
    if (report.failed > 0 || report.skipped.length > 0) setExit(EXIT.partial);
  } finally {
    await packs.close();
  }
}

/** What is in the database now. */
async function freshSnapshot(flags: Flags): Promise<DumpTip> {
  const config = configOf(flags);
  const [{ openSession }, { takeSnapshot }] = await Promise.all([import('./session.ts'), import('../snapshots.ts')]);
  const session = await openSession({ config, clock: Date, random: randomBytes, log: await logger() });
  try {
    const { masterKey, metadata } = session;
    return await takeSnapshot({
      dumps: metadata.dumps,
      shelf: await snapshotShelf(config.values['data-dir']),
      masterKey,
      random: randomBytes,
    });
  } finally {
    await session.close();
  }
}

async function snapshotShelf(dataDirectory: string): Promise<Shelf> {
  const [{ createShelf }, { nodeDiskOps }, { SNAPSHOTS_DIRECTORY }] = await Promise.all([
    import('#blob/shelf'),
    import('#blob/disk-ops'),
    import('../snapshots.ts'),
  ]);
  return createShelf({ directory: join(dataDirectory, SNAPSHOTS_DIRECTORY), disk: nodeDiskOps() });
}

async function logger(): Promise<Logger> {
  const { createLogger } = await import('#observability/logger');
  return createLogger({ level: 'error' });
}

function timeFlag(flags: Flags, name: string): number | null {
  const text = textFlag(flags, name);
  if (text === null) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new SettingError(`--${name} ${text} is no time; write it as 2026-11-25T18:00:00Z.`);
  return ms;
}

function gather(value: string, before: string[]): string[] {
  return [...before, value];
}
