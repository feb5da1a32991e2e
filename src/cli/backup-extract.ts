import { BACKUP_EXTRACT_JOB, type ExtractConflict } from '#contracts/backups';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { type ExtractCounts, type ExtractState, none } from '../backup-extract.ts';
import { sealedOrder } from '../backup-extract-job.ts';
import { assertTarget } from '../backups-inside.ts';
import { foundIn, type Wanted, withBackup } from './backup-files.ts';
import type { Flags } from './flags.ts';
import { runJob } from './jobs.ts';
import type { Session, SessionOptions } from './session.ts';

const BUSY =
  'Files are being brought back already. Wait until that has ended, or cancel it: cloudstore jobs cancel backup-extract';

type Report = ExtractCounts & Pick<ExtractState, 'failures'> & { to: string };

/** As the job of the gateway where one runs, else here; on behalf of the first admin, as all that is commanded on the machine. */
export async function extractIntoBucket(
  session: Session,
  options: SessionOptions,
  flags: Flags,
  { directory, path, name, version, into, conflict }: Wanted & { into: string; conflict: ExtractConflict },
): Promise<Report> {
  const { metadata, masterKey } = session;
  const admin = (await metadata.principals.list()).find(({ role, disabled }) => role === 'admin' && !disabled);
  if (admin === undefined)
    throw new CloudStoreError('principal_not_found', 'There is no admin on whose behalf files could be brought back.');
  const [, bucketName = '', given = ''] = /^\/?([^/]*)\/?(.*)$/s.exec(into) ?? [];
  const folder = given === '' || given.endsWith('/') ? given : `${given}/`;
  const bucket = await metadata.buckets.resolve(admin.id, bucketName);
  if (bucket === null) throw new CloudStoreError('bucket_not_found', `There is no bucket ${bucketName}.`);
  const order = await withBackup(flags, directory, (files, { from, name: backup }) => {
    const found = foundIn(files, path);
    const called = name ?? lastOf(found.key) ?? found.bucket;
    const target = { bucket: bucket.name, folder, name: called };
    assertTarget(target, found.key);
    if (version !== null) files.file(found.bucket, found.key, version);
    return {
      ...{ from, name: backup, id: options.random(8).toString('hex'), ...found, version, conflict },
      target: { ...target, id: bucket.id },
      ...{ by: admin.id, credential: null, protocol: 'cli' as const, requestId: 'command' },
    };
  });
  const [before] = await metadata.runs.list('backup-extract', 1);
  const failed = await runJob(session, options, BACKUP_EXTRACT_JOB, sealedOrder(order, masterKey), {
    ...{ wait: true, alone: true },
    shown: () => undefined,
  }).then(
    ({ outcome }) =>
      outcome?.kind === 'cancelled' ? new CloudStoreError('aborted', 'It was cancelled; what is back stays.') : null,
    (error: unknown) => error,
  );
  if (isCloudStoreError(failed, 'conflict')) throw new CloudStoreError('conflict', BUSY);
  const [last] = await metadata.runs.list('backup-extract', 1);
  const run = last === undefined || last.id === before?.id ? null : last;
  if (failed !== null && run?.outcome !== 'done') throw failed;
  return { ...none(), failures: [], ...run?.report, to: `${bucket.name}/${folder}${order.target.name}` };
}

/** The name of a file or folder; null: of a whole bucket. */
function lastOf(key: string): string | null {
  return key.replace(/\/$/, '').split('/').at(-1) || null;
}
