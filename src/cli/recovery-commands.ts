import { randomBytes } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { DumpTip } from '#contracts/dump-store';
import type { Logger } from '#contracts/observability';
import type { Shelf } from '#contracts/shelf';
import { CloudStoreError } from '#core/errors';
import type { Config } from '../config/load.ts';
import { SettingError } from '../config/setting-error.ts';
import { addBackupFiles } from './backup-commands.ts';
import { configOf, type Flags, outputOf, subcommand, textFlag, timeFlag } from './flags.ts';
import type { WithSession } from './job-commands.ts';
import type { UnreachedStore } from './offline/pack-stores.ts';
import type { RebuildReport } from './offline/rebuild.ts';
import { EXIT, gib } from './output.ts';

const LOCK_MS_MAX = 5_000;

/** What brings data back, or away to where it is safe. */
export function addRecovery(program: Command, withSession: WithSession, setExit: (code: number) => void): void {
  subcommand(program, 'export', 'Copy files out into a directory, as ordinary files.')
    .requiredOption('--to <directory>', 'where they go; it must be empty, or hold an export that was cut short')
    .option('--offline', 'start no database: read the last snapshot and the packs, and nothing else')
    .option('--bucket <name>', 'only this bucket')
    .option('--at <time>', 'as they were at a time (2026-11-25T18:00:00Z): the last snapshot of before')
    .option('--packs <directory>', 'look for packs there too, such as those of a backup (again for more)', gather, [])
    .action((flags: Flags) => runExport(flags, setExit));
  const backup = subcommand(program, 'backup', 'Copy what is new into a directory of backups, while the gateway runs or not.')
    .usage('--to <directory> [options]')
    .option('--to <directory>', 'where backups go, on another disk')
    .option('--verify', 'then read all of it, and check that everything can be restored')
    .option('--keep <count>', 'keep so many backups, and remove what only older ones need')
    .option('--include-key', 'write the master key there too: who has the directory can then read everything')
    .action((flags: Flags) => {
      // Not commander's: its subcommands would have to be given it too.
      if (textFlag(flags, 'to') === null) backup.error("error: required option '--to <directory>' not specified");
      return runBackup(flags, setExit);
    });
  addBackupFiles(backup, withSession, setExit);
  subcommand(program, 'restore', 'Make an empty data directory from a backup.')
    .requiredOption('--from <directory>', 'where the backups are')
    .option('--at <time>', 'the last backup of before')
    .option('--check', 'only check that it can be restored')
    .option('--force', 'restore what is there of a backup that is not whole')
    .option('--take-over', "the chunk store of chunks-url was that of an installation that is gone for good: make it this one's")
    .action((flags: Flags) => runRestore(flags, setExit));
  subcommand(program, 'rebuild-index', 'Make a database that is lost or broken anew, from the last snapshot and the packs.')
    .option('--force', 'put a database that works aside')
    .option('--at <time>', 'from the last snapshot of before')
    .option('--packs <directory>', 'look for packs there too (again for more)', gather, [])
    .action((flags: Flags) => runRebuild(flags, setExit));
  subcommand(
    program,
    'snapshot',
    'Write down now what changed in the database since the last snapshot; the gateway does it every few minutes.',
  )
    .option('--base', 'write down all of it: a base that later snapshots go on from')
    .action(async (flags: Flags) => {
      const { takenMs, number, length } = await freshSnapshot(flags, flags.base === true);
      const taken = new Date(takenMs).toISOString();
      outputOf(flags).data({ taken, number, length }, `The newest snapshot is of ${taken}.`);
    });
}

async function runExport(flags: Flags, setExit: (code: number) => void): Promise<void> {
  const config = configOf(flags);
  const atMs = timeFlag(flags, 'at');
  if (flags.offline !== true && atMs === null) await freshSnapshot(flags);
  const tools = await recoveryTools(config);
  const { exportOffline } = await import('./offline/export.ts');
  const packs = tools.packs(flags.packs as string[]); // commander's, see `gather`
  try {
    const report = await exportOffline({
      ...tools,
      packs,
      masterKey: await tools.masterKey(tools.shelf),
      to: resolve(String(flags.to)),
      bucket: textFlag(flags, 'bucket'),
      atMs,
    });
    const lines = [
      `${report.files} files, ${gib(report.bytes)}, of the snapshot of ${report.snapshot}`,
      `every key and its path: ${report.list}`,
      ...report.skipped.map(({ name, why }) => `not used: ${name}: ${why}`),
      ...report.stores.map(unreachedLine),
      ...report.packs.map(({ pack, why }) => `pack ${pack}: ${why}`),
      ...report.failures.map(({ bucket, key, why }) => `missing: ${bucket}/${key}: ${why}`),
      ...(report.failed > report.failures.length ? [`… and ${report.failed - report.failures.length} more, see the list`] : []),
    ];
    outputOf(flags).data(report, lines.join('\n'));
    if (report.failed > 0 || report.skipped.length > 0 || report.stores.some(({ number }) => number !== null))
      setExit(EXIT.partial);
  } finally {
    await packs.close();
  }
}

async function runBackup(flags: Flags, setExit: (code: number) => void): Promise<void> {
  const config = configOf(flags);
  const keep = countFlag(flags, 'keep');
  const to = resolve(String(flags.to));
  const dataDirectory = config.values['data-dir'];
  const { assertApart } = await import('../backup-place.ts');
  await assertApart(to, await realpath(to).catch(() => to), config.values);
  const tools = await recoveryTools(config);
  const [{ openSession }, { faultsOf, runBackup: run }] = await Promise.all([import('./session.ts'), import('../backup-run.ts')]);
  const packs = tools.packs([]);
  const session = await openSession({ config, clock: Date, random: randomBytes, log: tools.log });
  try {
    const { metadata, masterKey } = session;
    const wanted = { to, includeKey: flags.includeKey === true, keep, verify: flags.verify === true, by: 'command' } as const;
    const made = await run({ ...tools, metadata, dataDirectory, packs, masterKey, ...wanted });
    const { report, verdict } = made;
    const state = report.lacking.length === 0 ? 'complete' : 'not whole';
    const text = [
      `The backup ${report.name} is ${state}: ${report.packs} packs, ${gib(report.bytes)}; ${gib(report.copiedBytes)} were copied.`,
      ...(report.includesKey ? [] : ['The master key is not in it: keep a copy of that elsewhere.']),
      ...(verdict === null ? [] : [`${verdict.records} records were read and are good.`]),
      ...faultsOf(made),
    ];
    outputOf(flags).data({ ...report, verified: verdict }, text.join('\n'));
    if (faultsOf(made).length > 0) setExit(EXIT.partial);
  } finally {
    await session.close();
    await packs.close();
  }
}

async function runRestore(flags: Flags, setExit: (code: number) => void): Promise<void> {
  const config = configOf(flags);
  const from = resolve(String(flags.from));
  const dataDirectory = config.values['data-dir'];
  const tools = await recoveryTools(config);
  const [{ assertRestorable, restoreBackup }, { verifyBackup }, { chooseBackup, backupPaths }, { createShelf }] =
    await Promise.all([
      import('./offline/restore.ts'),
      import('./offline/verify-backup.ts'),
      import('./offline/backup-list.ts'),
      import('#blob/shelf'),
    ]);
  const lists = createShelf({ directory: backupPaths(from).lists, disk: tools.disk });
  const masterKey = await tools.masterKey(lists, [from]);
  const backup = await chooseBackup(lists, masterKey, timeFlag(flags, 'at'));
  if (flags.check === true) {
    const verdict = await verifyBackup({ from, masterKey, disk: tools.disk }, backup.list);
    const text =
      verdict.faults.length === 0 ? `The backup ${backup.name} is whole: ${verdict.records} records.` : verdict.faults.join('\n');
    outputOf(flags).data({ backup: backup.name, skipped: backup.skipped, ...verdict }, text);
    if (verdict.faults.length > 0 || backup.skipped.length > 0) setExit(EXIT.partial);
    return;
  }
  await assertRestorable(dataDirectory, backup.name); // before the lock, whose file would lie among what is somebody's
  await withLock(dataDirectory, async () => {
    const databaseUrl = config.values['database-url'];
    const report = await restoreBackup({
      ...tools,
      dataDirectory,
      databaseUrl,
      settings: config.values,
      from,
      backup,
      masterKey,
      force: flags.force === true,
      takeOver: flags.takeOver === true,
    });
    outputOf(flags).data(report, [`Restored from ${report.backup}.`, ...report.faults, describeRebuilt(report)].join('\n'));
    if (report.hurtCount + report.faults.length > 0 || report.skipped.length > 0) setExit(EXIT.partial);
  });
}

async function runRebuild(flags: Flags, setExit: (code: number) => void): Promise<void> {
  const config = configOf(flags);
  const dataDirectory = config.values['data-dir'];
  const tools = await recoveryTools(config);
  const { rebuildDatabase } = await import('./offline/rebuild.ts');
  await withLock(dataDirectory, async () => {
    const packs = tools.packs(flags.packs as string[]); // commander's, see `gather`
    try {
      const report = await rebuildDatabase({
        ...tools,
        packs,
        dataDirectory,
        databaseUrl: config.values['database-url'],
        masterKey: await tools.masterKey(tools.shelf),
        atMs: timeFlag(flags, 'at'),
        force: flags.force === true,
      });
      outputOf(flags).data(report, describeRebuilt(report));
      if (report.hurtCount > 0 || report.skipped.length > 0 || report.stores.some(({ number }) => number !== null))
        setExit(EXIT.partial);
    } finally {
      await packs.close();
    }
  });
}

function describeRebuilt(report: RebuildReport): string {
  return [
    `The database is that of the snapshot of ${report.snapshot}: ${report.rows.slots ?? 0} names, ${report.rows.principals ?? 0} users.`,
    `${report.chunks} chunks, ${report.mended} of them in another place than the snapshot said, ${report.missing} in no pack.`,
    'Users and keys that were removed since are back; look through them. Everybody logs in anew.',
    ...(report.aside === null ? [] : [`The database of before is in ${report.aside}; remove it when you need it no more.`]),
    ...report.skipped.map(({ name, why }) => `not used: ${name}: ${why}`),
    ...(report.brought === 0 ? [] : [`${report.brought} packs were copied into the data directory.`]),
    ...report.stores.map(unreachedLine),
    ...report.packs.map(({ pack, why }) => `pack ${pack}: ${why}`),
    ...report.hurt.map(({ bucket, key, current }) => `hurt: ${bucket}/${key}${current ? '' : ' (an older version)'}`),
    ...(report.hurtCount > report.hurt.length ? [`… and ${report.hurtCount - report.hurt.length} more`] : []),
  ].join('\n');
}

function unreachedLine({ location, why }: UnreachedStore): string {
  return `not looked through: ${location}: ${why}`;
}

/** What all of them work with. */
async function recoveryTools(config: Config) {
  const dataDirectory = config.values['data-dir'];
  const [{ offlineMasterKey }, { masterKeySource }, { openPackStores }, { nodeDiskOps }] = await Promise.all([
    import('./offline/master-key.ts'),
    import('../master-key.ts'),
    import('./offline/pack-stores.ts'),
    import('#blob/disk-ops'),
  ]);
  const disk = nodeDiskOps();
  return {
    disk,
    clock: Date,
    random: randomBytes,
    log: await logger(),
    shelf: await snapshotShelf(dataDirectory),
    /** @param more directories beside the stores */
    packs: (more: readonly string[]) =>
      openPackStores({
        dataDirectory,
        settings: config.values,
        more: more.map((path) => resolve(path)),
        lastSeen: true,
        disk,
        random: randomBytes,
      }),
    /** That opens what lies on a shelf. */
    masterKey: (shelf: Shelf, more: readonly string[] = []) => offlineMasterKey(masterKeySource(config), shelf, more),
  };
}

/** Nobody else works in the data directory meanwhile. */
async function withLock<T>(dataDirectory: string, work: () => Promise<T>): Promise<T> {
  const [{ lockDataDirectory, readOwner }, { assertOwn }] = await Promise.all([
    import('../data-directory.ts'),
    import('../data-directory-state.ts'),
  ]);
  await assertOwn(dataDirectory);
  const lock = await lockDataDirectory(dataDirectory, { kind: 'command', pid: process.pid }, LOCK_MS_MAX);
  if (lock === null) {
    const owner = await readOwner(dataDirectory);
    const who = owner === null ? 'Another process' : `A ${owner.kind} (process ${owner.pid})`;
    throw new CloudStoreError('unavailable', `${who} is using the data directory ${dataDirectory}. Stop it first.`);
  }
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** What is in the database now. */
async function freshSnapshot(flags: Flags, base = false): Promise<DumpTip> {
  const config = configOf(flags);
  const [{ openSession }, { takeSnapshot }] = await Promise.all([import('./session.ts'), import('../snapshots.ts')]);
  const session = await openSession({ config, clock: Date, random: randomBytes, log: await logger() });
  try {
    const { masterKey, metadata } = session;
    const shelf = await snapshotShelf(config.values['data-dir']);
    return await takeSnapshot({ dumps: metadata.dumps, shelf, masterKey, random: randomBytes }, base);
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

function countFlag(flags: Flags, name: string): number | null {
  const text = textFlag(flags, name);
  if (text === null) return null;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new SettingError(`--${name} ${text} is no count; it must be 1 or more.`);
  return Number(text);
}

function gather(value: string, before: string[]): string[] {
  return [...before, value];
}
