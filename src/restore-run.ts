import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createPackReader } from '#blob/pack-reader';
import { createShelf } from '#blob/shelf';
import type { DiskOps } from '#contracts/disk-ops';
import type { RunStore } from '#contracts/runs';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { createLogger } from '#observability/logger';
import { aboutOf, type BackupOrders } from './backup-orders.ts';
import { recorded } from './backup-run.ts';
import { type BackupList, backupPaths, readBackupList } from './cli/offline/backup-list.ts';
import { restoreBackup } from './cli/offline/restore.ts';
import { gib } from './cli/output.ts';
import { lockDataDirectory } from './data-directory.ts';

export interface RestoreRunOptions {
  masterKey: Buffer;
  disk: DiskOps;
  clock: Clock;
  random: Random;
  runs: RunStore;
  signal: AbortSignal;
  progress(done: number, total: number): void;
  /** A server of the database that grows runs from now on, or no longer. */
  database(runs: boolean): void;
}

/** Rows take room beside the packs, and no file system is filled to its end. */
const ROOM_BYTES = 256 << 20;

/**
 * A backup as a data directory of its own, beside the gateway that runs: nothing of this installation's settings holds there, so its packs lie in it and its database
 * is the embedded one. The master key does not come along (a session that was taken over must not be able to put it beside the data). What is
 * not whole is refused.
 */
export async function restoreApart(
  task: BackupOrders['task'] & { kind: 'restore' },
  { runs, database, ...options }: RestoreRunOptions,
): Promise<string[]> {
  const { masterKey, disk, clock, signal } = options;
  const { from, name, to } = task;
  return recorded({ runs, kind: 'restore', clock, signal, about: aboutOf(task) }, async () => {
    const list = await readBackupList(createShelf({ directory: backupPaths(from).lists, disk }), name, masterKey);
    await assertRoom(to, list, disk);
    const lock = await lockDataDirectory(to, { kind: 'command', pid: process.pid });
    if (lock === null) throw new CloudStoreError('conflict', `Another process is using ${to}. Name another directory.`);
    try {
      const report = await restoreBackup({
        ...options,
        dataDirectory: to,
        databaseUrl: null,
        settings: { 'chunks-url': null, 'pack-dirs': [] },
        from,
        backup: { name, list, skipped: [] },
        force: false,
        takeOver: false,
        database,
        log: createLogger({ level: 'error' }),
      });
      const { snapshot, packsCopied, rows, hurtCount } = report;
      const taken = new Date(list.takenMs).toISOString();
      const made = hurtCount === 0 ? [] : [`${hurtCount} files or versions lack a part.`];
      return { made, shown: { taken, snapshot, packsCopied, hurtCount, names: rows.slots ?? 0, users: rows.principals ?? 0 } };
    } finally {
      await lock.release();
    }
  });
}

/** @throws insufficient_storage before hours of copying that could not end well */
async function assertRoom(to: string, list: BackupList, disk: DiskOps): Promise<void> {
  // It may be that only the directory around it is there yet.
  const room = await statfs(to).catch(() => statfs(dirname(to)));
  const free = room.bavail * room.bsize;
  const needed = list.packs.reduce((sum, { bytes }) => sum + bytes, ROOM_BYTES) - (await packBytesIn(to, disk));
  if (free < needed)
    throw new CloudStoreError(
      'insufficient_storage',
      `The disk of ${to} has ${gib(free)} free, and ${gib(needed)} are needed. Name a directory on another disk.`,
    );
}

/** What a restore that was cut short has brought there already. */
async function packBytesIn(to: string, disk: DiskOps): Promise<number> {
  const paths = backupPaths(to);
  const packs = createPackReader({ directories: [paths.packs], disk });
  try {
    return (await packs.list()).reduce((sum, { size }) => sum + size, 0);
  } finally {
    await packs.close();
  }
}
