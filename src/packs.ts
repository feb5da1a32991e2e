import { access, constants, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLocalDisk } from '#blob/local-disk';
import { createLog } from '#blob/log';
import { createBlobStores } from '#blob/stores';
import type { BlobStore } from '#contracts/blob-store';
import type { BlobStores } from '#contracts/blob-stores';
import type { DiskOps } from '#contracts/disk-ops';
import type { InstanceStore } from '#contracts/instance-store';
import type { Job } from '#contracts/jobs';
import type { Log } from '#contracts/log';
import type { Logger } from '#contracts/observability';
import type { RegisteredStore, StoreRegistry } from '#contracts/store-registry';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { SettingValues } from './config/settings.ts';
import { openDisks } from './disks.ts';
import { localLocation, recognize, somePacks } from './known-store.ts';
import { instanceIdOf } from './owner.ts';
import { type ProcessRole, processNumber } from './process-role.ts';
import { openRemotePacks } from './remote-packs.ts';

export interface PacksOptions {
  dataDirectory: string;
  settings: Pick<SettingValues, 'database-url' | 'chunks-url' | 'chunks-ack' | 'chunks-local-bytes' | 'pack-dirs'>;
  instance: InstanceStore;
  registry: StoreRegistry;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Which of the processes that share the data directory this is; by default the only one. */
  role?: ProcessRole;
  /** Free bytes of the disk of a directory; by default what the system says. */
  free?: (directory: string) => Promise<number>;
}

/** Where packs are written and read. */
export interface Packs {
  log: Log;
  stores: BlobStores;
  /** Sees at once what else is seen within seconds: disks that came, went, or are to be emptied. */
  look(): Promise<void>;
  /** Of these stores the one with the most room. */
  roomiest(numbers: number[]): Promise<number>;
  /** Where the disk runs short: so many bytes of what lies elsewhere too, or all there is. Gives how many it were. */
  giveBack(bytes: number): Promise<number>;
  /** What has to go on for them behind the requests. */
  jobs: Job[];
  /** Whether packs can be written now. @throws why not */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** What every part of the opening needs. */
export interface PacksContext extends PacksOptions {
  disk: DiskOps;
  /** How this process's log is told from those of others in the same directory, and whether it finds what a crash left. */
  ours: { process: number; recover: 'all' | 'own' };
  /** The first process tidies up, before others are there. */
  first: boolean;
  /** Of this installation, 32 hex digits; in every pack and every store. */
  instanceId: string;
  stores: Map<number, BlobStore>;
  /** What was opened so far, closed in the opposite order. */
  opened: AsyncDisposableStack;
}

/**
 * Opens the stores of packs and the log of open ones, by the settings: the data directory, more disks, or an S3-compatible store. Nothing is
 * written before every store has shown that it is the one that the database knows.
 * @throws unavailable, insufficient_storage, corrupt: one sentence that says what to do
 */
export async function openPacks(options: PacksOptions): Promise<Packs> {
  const { instance, random, settings } = options;
  const opened = new AsyncDisposableStack();
  try {
    const instanceId = await instanceIdOf(instance, random);
    const role = options.role ?? { kind: 'alone' };
    const first = role.kind !== 'worker';
    const ours = { process: processNumber(role), recover: first ? ('all' as const) : ('own' as const) };
    const stores = new Map<number, BlobStore>();
    const context = { ...options, instanceId, stores, opened, disk: nodeDiskOps(), ours, first };
    const packs = settings['chunks-url'] === null ? await openLocalPacks(context) : await openRemotePacks(context);
    return { ...packs, stores: createBlobStores(stores), close: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

const PACK_BYTES_MAX = 2 ** 30;
const PACK_BYTES_MIN = 2 ** 23;
/** Of a disk; well below what is kept free there. */
const PACK_SHARE = 1 / 80;

/** How large packs become on a disk of so many bytes: what lives in one must find room beside it before what is dead in it comes back. */
export function packBytesMax(size: number): number {
  return Math.floor(Math.min(PACK_BYTES_MAX, Math.max(PACK_BYTES_MIN, size * PACK_SHARE)));
}

/** Bytes of the smallest disk that these lie on. */
async function smallest(directories: string[]): Promise<number> {
  const sizes = await Promise.all(
    directories.map((directory) =>
      statfs(directory).then(
        ({ blocks, bsize }) => blocks * bsize,
        () => Number.POSITIVE_INFINITY, // a disk that is missing tells when it is back
      ),
    ),
  );
  return Math.min(...sizes);
}

type Opened = Omit<Packs, 'stores' | 'close'>;

async function openLocalPacks(context: PacksContext): Promise<Opened> {
  const { dataDirectory, registry, clock, random, instanceId: instance, opened, disk, ours } = context;
  const rows = await registry.list();
  const elsewhere = rows.find(({ kind, state }) => kind === 's3' && state !== 'removed');
  if (elsewhere !== undefined)
    throw new CloudStoreError(
      'unavailable',
      `The packs of this installation lie in ${elsewhere.location}; name it with CLOUDSTORE_CHUNKS_URL (chunks-url).`,
    );
  const directory = join(dataDirectory, 'packs');
  await openDataDirectoryStore(context, rows);
  const disks = await openDisks(context);
  const size = await smallest([directory, ...disks.others().values()]);
  const log = await createLog({ directory, disk, clock, random, instance, disks, packBytesMax: packBytesMax(size), ...ours });
  disks.onLost(() => log.seal());
  opened.defer(() => log.close());
  const check = (): Promise<void> => access(directory, constants.W_OK);
  return { log, jobs: [], check, roomiest: disks.roomiest, look: disks.look, giveBack: async () => 0 };
}

/** Store 0, the data directory's. @throws when it is another one than the database knows */
async function openDataDirectoryStore(context: PacksContext, rows: RegisteredStore[]): Promise<void> {
  const { dataDirectory, registry, random, instanceId: instance, stores, opened, disk, first } = context;
  const directory = join(dataDirectory, 'packs');
  const expected = rows.find(({ number }) => number === 0) ?? null;
  if (expected !== null && (await disk.stat(directory)) === null)
    throw new CloudStoreError(
      'unavailable',
      `The chunk store ${localLocation(directory)} (data-dir) is not the store of packs that the database knows (${expected.location}): it is not there. Is its disk mounted, and is this the right database?`,
    );
  const blobs = await createLocalDisk({ directory, disk, tidy: first });
  opened.defer(() => blobs.close());
  await recognize({
    blobs,
    kind: 'local',
    location: localLocation(directory),
    setting: 'data-dir',
    instance,
    registry,
    random,
    expected,
    number: 0,
    packs: () => somePacks(blobs, join(directory, 'open')),
  });
  stores.set(0, blobs);
}
