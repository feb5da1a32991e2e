import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLocalDisk } from '#blob/local-disk';
import { createLog } from '#blob/log';
import { createBlobStores } from '#blob/stores';
import type { BlobStores } from '#contracts/blob-stores';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { Content } from '#contracts/content';
import type { InstanceStore } from '#contracts/instance-store';
import type { Keyring } from '#contracts/keyring';
import type { Log } from '#contracts/log';
import type { Clock, Random } from '#core/clock';
import { createContent } from '#engine/content-store';
import { type ProcessRole, processNumber, threadsOf } from './process-role.ts';

export interface StorageOptions {
  dataDirectory: string;
  keyring: Keyring;
  chunks: ChunkIndex;
  instance: InstanceStore;
  /** What new bytes are; what is stored is read either way. */
  encryption: boolean;
  compression: boolean;
  clock: Clock;
  random: Random;
  /** Which of the processes that share the data directory this is; by default the only one. */
  role?: ProcessRole;
}

/** The installation's setting that encryption was off at some time. */
const WAS_PLAIN = 'was-plain';

export interface Storage {
  content: Content;
  log: Log;
  stores: BlobStores;
  close(): Promise<void>;
}

/** Packs and what is stored in them: the log of open ones, the stores of sealed ones, the content store over both. @throws unavailable, insufficient_storage, corrupt */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { dataDirectory, keyring, chunks, clock, random, role = { kind: 'alone' } } = options;
  const first = role.kind !== 'worker';
  const opened = new AsyncDisposableStack();
  try {
    const disk = nodeDiskOps();
    const directory = join(dataDirectory, 'packs');
    const local = await createLocalDisk({ directory, disk, tidy: first });
    opened.defer(() => local.close());
    const stores = createBlobStores(new Map([[0, local]]));
    const log = await createLog({ directory, disk, clock, random, process: processNumber(role), recover: first ? 'all' : 'own' });
    opened.defer(() => log.close());
    const { instance, encryption, compression } = options;
    // Before the first byte is written so: from then on, here and elsewhere, what is not encrypted may be ours.
    if (!encryption) await instance.putSetting(WAS_PLAIN, true);
    const wasPlain = async () => (await instance.setting<boolean>(WAS_PLAIN)) === true;
    const threads = threadsOf(role, availableParallelism());
    const content = createContent({ keyring, log, stores, chunks, random, encryption, compression, wasPlain, threads });
    opened.defer(() => content.close());
    return { content, log, stores, close: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}
