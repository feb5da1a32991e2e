import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { nodeDiskOps } from '#blob/disk-ops';
import { createShelf } from '#blob/shelf';
import { openSocketConnection } from '#metadata/embedded-postgres';
import { type Metadata, openMetadata } from '#metadata/open';
import { createLogger } from '#observability/logger';
import { isTaken } from './backup-lock.ts';
import { makeOpened, OPENED_DIRECTORY } from './backup-opened.ts';
import { aboutOf, type BackupOrders, type FromBackupThread } from './backup-orders.ts';
import { type BackupRun, faultsOf, recorded, runBackup, verdictOf } from './backup-run.ts';
import { backupPaths, chooseBackup, readBackupList } from './cli/offline/backup-list.ts';
import { openPackStores } from './cli/offline/pack-stores.ts';
import { verifyBackup } from './cli/offline/verify-backup.ts';
import type { Config } from './config/load.ts';
import { restoreApart } from './restore-run.ts';
import { SNAPSHOTS_DIRECTORY } from './snapshots.ts';

if (parentPort !== null) void serve(parentPort, workerData as BackupOrders); // of backup-job.ts

/** The body of the thread: any message to it means that nobody wants the work any more. */
async function serve(port: NonNullable<typeof parentPort>, orders: BackupOrders): Promise<void> {
  const unwanted = new AbortController();
  port.on('message', () => unwanted.abort(new Error('The backup was cancelled.')));
  const send = (message: FromBackupThread): void => port.postMessage(message);
  try {
    const faults = await withMetadata(orders.config, (metadata) => work(orders, metadata, unwanted.signal, send));
    send({ kind: 'done', faults });
  } catch (error) {
    send({ kind: 'failed', message: error instanceof Error ? error.message : String(error), taken: isTaken(error) });
  }
  port.close();
}

/** A connection of its own: a backup is to collection what another gateway is. */
async function withMetadata<T>({ values }: Config, use: (metadata: Metadata) => Promise<T>): Promise<T> {
  const log = createLogger({ level: 'error' });
  const url = values['database-url'];
  const socket = url === null ? openSocketConnection(values['data-dir']) : null;
  try {
    const connection = socket?.connection ?? { url: url ?? '' };
    const metadata = await openMetadata({ connection, clock: Date, random: randomBytes, log, poolSize: 2 });
    try {
      return await use(metadata);
    } finally {
      await metadata.close();
    }
  } finally {
    socket?.close();
  }
}

async function work(
  orders: BackupOrders,
  metadata: Metadata,
  signal: AbortSignal,
  send: (message: FromBackupThread) => void,
): Promise<string[]> {
  const { config, task } = orders;
  const { values } = config;
  const masterKey = Buffer.from(orders.masterKey);
  const disk = nodeDiskOps();
  const dataDirectory = values['data-dir'];
  const progress = (done: number, total: number): void => send({ kind: 'progress', done, total });
  const common = { clock: Date, random: randomBytes, disk, masterKey, signal, progress };
  if (task.kind === 'check') return check(task, metadata, common);
  if (task.kind === 'open') {
    const directory = join(dataDirectory, OPENED_DIRECTORY);
    await makeOpened(task, { ...common, directory, nowMs: common.clock.now() });
    return [];
  }
  if (task.kind === 'restore') {
    const database = (runs: boolean): void => send({ kind: 'database', runs });
    return restoreApart(task, { ...common, runs: metadata.runs, database });
  }
  const packs = openPackStores({ dataDirectory, settings: values, more: [], lastSeen: true, disk, random: randomBytes });
  try {
    const shelf = createShelf({ directory: join(dataDirectory, SNAPSHOTS_DIRECTORY), disk });
    const run: BackupRun = await runBackup({
      ...common,
      metadata,
      dataDirectory,
      shelf,
      packs,
      to: task.to,
      includeKey: false,
      keep: task.keep,
      verify: task.verify,
      by: 'gateway',
      registered: (number) => send({ kind: 'registered', number }),
    });
    return faultsOf(run);
  } finally {
    await packs.close();
  }
}

interface Common {
  clock: typeof Date;
  disk: ReturnType<typeof nodeDiskOps>;
  masterKey: Buffer;
  signal: AbortSignal;
  progress: (done: number, total: number) => void;
}

async function check(
  task: BackupOrders['task'] & { kind: 'check' },
  { runs }: Metadata,
  { clock, disk, masterKey, signal, progress }: Common,
): Promise<string[]> {
  const { from, name } = task;
  const lists = createShelf({ directory: backupPaths(from).lists, disk });
  return recorded({ runs, kind: 'backup-check', clock, signal, about: aboutOf(task) }, async () => {
    const backup =
      name === null
        ? await chooseBackup(lists, masterKey, null)
        : { name, list: await readBackupList(lists, name, masterKey), skipped: [] };
    const told = (done: number, total: number): void => {
      signal.throwIfAborted();
      progress(done, total);
    };
    const verdict = await verifyBackup({ from, masterKey, disk, progress: told, signal }, backup.list);
    const faults = [...backup.skipped.map((one) => `${one.name} cannot be used: ${one.why}`), ...verdict.faults];
    const taken = new Date(backup.list.takenMs).toISOString();
    return { made: faults, shown: { name: backup.name, taken, ...verdictOf({ ...verdict, faults }) } };
  });
}
