import { hostname } from 'node:os';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { BACKUP_EXTRACT_JOB, BACKUP_OPEN_JOB, type BackupNamed, type Backups, type ExtractTarget } from '#contracts/backups';
import { assertKey } from '#core/address';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import type { Bytes } from '#core/stream';
import { sealedOrder } from './backup-extract-job.ts';
import { assertReadable, type BackupFiles } from './backup-files.ts';
import { isOpened, leaveMark, listOf, OPENED_DIRECTORY, type OpenAsked, openedBackup } from './backup-opened.ts';
import { assertBackupName, backupSource } from './backup-place.ts';
import type { BackupsOptions } from './backups.ts';

type Inside = Pick<Backups, 'open' | 'browse' | 'versions' | 'file' | 'extract'>;

/** Of the contract Backups what looks into one. Each call opens the index of the backup and closes it again: any process of the gateway may be asked next. */
export function createBackupsInside({ config, jobs, buckets, authorizer, clock, random, masterKey }: BackupsOptions): Inside {
  const directory = join(config.values['data-dir'], OPENED_DIRECTORY);
  const tools = () => ({ directory, masterKey: masterKey(), disk: nodeDiskOps(), random });

  async function placeOf({ from, name }: BackupNamed): Promise<BackupNamed> {
    assertBackupName(name);
    return { from: await backupSource(from), name };
  }

  async function opened(backup: BackupNamed): Promise<BackupFiles> {
    const files = await openedBackup(await placeOf(backup), tools(), clock.now());
    if (files === null) throw new CloudStoreError('conflict', 'This backup is not open here, or not any more. Open it again.');
    return files;
  }

  async function using<T>(backup: BackupNamed, use: (files: BackupFiles) => T): Promise<T> {
    const files = await opened(backup);
    try {
      return use(files);
    } finally {
      await files.close();
    }
  }

  async function isBusy(name: string): Promise<boolean> {
    return (await jobs.list()).some((job) => job.name === name && job.state !== 'idle');
  }

  return {
    async open(backup) {
      const place = await placeOf(backup);
      if (await isOpened(place, tools(), clock.now())) return true;
      await listOf(place, masterKey(), nodeDiskOps());
      if (!(await isBusy(BACKUP_OPEN_JOB))) {
        const asked: OpenAsked = { ...place, host: hostname(), mark: await leaveMark(directory, tools()) };
        await jobs.start(BACKUP_OPEN_JOB, asked);
      }
      return false;
    },
    browse: (backup, { bucket, folder, after, limit }) =>
      using(backup, (files) => {
        const { takenMs, missing } = files;
        const about = { takenMs, missingPacks: missing.length };
        if (bucket === null) return { ...about, buckets: files.buckets(), entries: [], next: null };
        assertFolder(folder);
        return { ...about, buckets: [], ...files.page(bucket, folder, after, limit) };
      }),
    versions: (backup, bucket, key) => using(backup, (files) => files.versions(bucket, key)),
    async file(backup, bucket, key, version) {
      const files = await opened(backup);
      try {
        const file = files.file(bucket, key, version);
        assertReadable(file);
        return { file, body: await begun(files.read(file)), close: () => files.close() };
      } catch (error) {
        await files.close();
        throw error;
      }
    },
    async extract(who, { to, conflict, version, ...wanted }) {
      const { principal } = who;
      if (principal === null) throw new CloudStoreError('unauthenticated', 'An access token is required.');
      assertTarget(to, wanted.key);
      const place = await placeOf(wanted);
      const bucket = await buckets.resolve(who, to.bucket);
      await mayBringInto(who, bucket, to);
      const { bucket: source, key } = wanted;
      await using(place, (files) => {
        const there = isFolder(key) ? files.below(source, key, '', 1).length > 0 : files.file(source, key, version) !== null;
        if (!there) throw new CloudStoreError('not_found', `The backup has nothing in ${source}/${key}.`);
      });
      if (version !== null && isFolder(key))
        throw new CloudStoreError('invalid_argument', 'A folder has no versions. Name a file, or no version.');
      const order = {
        ...{ ...place, id: random(8).toString('hex'), bucket: source, key, version, conflict },
        target: { ...to, bucket: bucket.name, id: bucket.id },
        ...{ by: principal.id, credential: principal.credential ?? null, protocol: who.protocol, requestId: who.requestId },
      };
      await jobs.startAlone(BACKUP_EXTRACT_JOB, sealedOrder(order, masterKey())).catch(toldBusy);
    },
  };

  /** What the job will be asked for each file, told at once: it looks at what is there before it writes. */
  async function mayBringInto(who: Who, bucket: Awaited<ReturnType<typeof buckets.resolve>>, to: ExtractTarget): Promise<void> {
    for (const action of ['read', 'write'] as const) await authorizer.require(who, action, bucket, `${to.folder}${to.name}`);
  }
}

/** The same bytes, the first of which are there: what is damaged from its beginning is said before anything is answered. */
async function begun(bytes: Bytes): Promise<Bytes> {
  const rest = bytes[Symbol.asyncIterator]();
  const first = await rest.next();
  return (async function* () {
    if (first.done === true) return;
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => rest };
  })();
}

/** Of any number of admins who ask at once, one is heard, and every other one knows that. */
function toldBusy(error: unknown): never {
  if (!isCloudStoreError(error, 'conflict')) throw error;
  throw new CloudStoreError('conflict', 'Files are being brought back already. Wait until that has ended, or cancel it.');
}

function isFolder(key: string): boolean {
  return key === '' || key.endsWith('/');
}

/** @throws invalid_key */
function assertFolder(folder: string): void {
  if (!isFolder(folder)) throw new CloudStoreError('invalid_key', "A folder's key ends in a slash.");
}

/** @throws invalid_argument, invalid_key */
export function assertTarget({ folder, name }: Pick<ExtractTarget, 'folder' | 'name'>, source: string): void {
  assertFolder(folder);
  if (folder !== '') assertKey(folder);
  if (name.includes('/') || name === '.' || name === '..')
    throw new CloudStoreError('invalid_argument', 'A name has no slash. Name the folder apart.');
  if (name !== '') assertKey(`${folder}${name}`);
  else if (!isFolder(source)) throw new CloudStoreError('invalid_argument', 'Say what the file is to be called.');
}
