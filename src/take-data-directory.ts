import { CloudStoreError } from '#core/errors';
import { type DataDirectoryLock, lockDataDirectory, nobodyServes, readOwner } from './data-directory.ts';

/** How long a command of the CLI may keep us waiting, and how long we look before we believe that it is a gateway. */
const COMMAND_MS_MAX = 30_000;
const SETTLE_MS = 500;
/** How long processes of a killed gateway may take to notice. */
const ORPHANS_MS_MAX = 30_000;

/** The lock of the directory that this gateway is to serve from. @throws unavailable: somebody else has it */
export async function takeDataDirectory(path: string): Promise<DataDirectoryLock> {
  const lock = await lockOrExplain(path);
  if (await nobodyServes(path, ORPHANS_MS_MAX)) return lock;
  await lock.release();
  throw new CloudStoreError(
    'unavailable',
    `A process of a gateway that was killed still serves from the data directory ${path} and does not end. End it, and start again.`,
  );
}

async function lockOrExplain(path: string): Promise<DataDirectoryLock> {
  const self = { kind: 'gateway', pid: process.pid } as const;
  const lock = await lockDataDirectory(path, self, SETTLE_MS);
  if (lock !== null) return lock;
  const owner = await readOwner(path);
  if (owner?.kind === 'command') {
    const later = await lockDataDirectory(path, self, COMMAND_MS_MAX);
    if (later !== null) return later;
  }
  const who =
    owner === null ? 'Another process' : `${owner.kind === 'gateway' ? 'Another gateway' : 'A command'} (process ${owner.pid})`;
  throw new CloudStoreError(
    'unavailable',
    `${who} is using the data directory ${path}. Stop it first, or give this gateway its own with --data-dir or CLOUDSTORE_DATA_DIR.`,
  );
}
