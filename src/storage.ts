import { availableParallelism } from 'node:os';
import { createPackInspector } from '#blob/pack-inspector';
import type { BlobStores } from '#contracts/blob-stores';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { Content } from '#contracts/content';
import type { Delta } from '#contracts/delta';
import type { InstanceStore } from '#contracts/instance-store';
import type { IntegrityStore } from '#contracts/integrity-store';
import type { Job } from '#contracts/jobs';
import type { Keyring } from '#contracts/keyring';
import type { Log } from '#contracts/log';
import type { Logger } from '#contracts/observability';
import type { PackInspector } from '#contracts/pack-inspector';
import type { RecordInspector } from '#contracts/record-inspector';
import type { Rekeying } from '#contracts/rekeying';
import type { StoreRegistry } from '#contracts/store-registry';
import type { Clock, Random } from '#core/clock';
import { createContent } from '#engine/content-store';
import { createRecordInspector } from '#engine/record-inspector';
import { createRepair, type Repairs } from '#engine/repair';
import { type Mirror, type MirrorPlace, openMirror } from './mirror.ts';
import { openPacks, type PacksOptions } from './packs.ts';
import { type ProcessRole, threadsOf } from './process-role.ts';
import { guardContent, guardLog, type SpaceGuard } from './space-guard.ts';

export interface StorageOptions {
  dataDirectory: string;
  keyring: Keyring;
  chunks: ChunkIndex;
  instance: InstanceStore;
  registry: StoreRegistry;
  /** Where the packs go. */
  settings: PacksOptions['settings'];
  integrity: IntegrityStore;
  /** Where second copies of packs lie, if anywhere. */
  mirror?: MirrorPlace | null;
  /** What new bytes are; what is stored is read either way. */
  encryption: boolean;
  compression: boolean;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Which of the processes that share the data directory this is; by default the only one. */
  role?: ProcessRole;
  /** Refuses bodies when the disk is nearly full. */
  guard?: SpaceGuard;
}

/** The installation's setting that encryption was off at some time. */
export const WAS_PLAIN = 'was-plain';

export interface Storage {
  content: Content;
  delta: Delta;
  rekeying: Rekeying;
  log: Log;
  stores: BlobStores;
  /** What has to go on for the packs behind the requests. */
  jobs: Job[];
  /** See `Packs`. */
  giveBack(bytes: number): Promise<number>;
  /** Of these stores the one with the most room. */
  roomiest(numbers: number[]): Promise<number>;
  /** Whether bytes can be stored now. @throws why not */
  check(): Promise<void>;
  inspector: PackInspector;
  records: RecordInspector;
  repair: Repairs;
  /** Second copies of packs; null: none are kept. */
  mirror: Mirror | null;
  close(): Promise<void>;
}

/** Packs and what is stored in them: the log of open ones, the stores of sealed ones, the content store over both. @throws unavailable, insufficient_storage, corrupt */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { dataDirectory, keyring, chunks, clock, random, role = { kind: 'alone' } } = options;
  const opened = new AsyncDisposableStack();
  try {
    const { instance, encryption, compression, registry, settings, logger } = options;
    const packs = await openPacks({ dataDirectory, settings, instance, registry, clock, random, logger, role });
    opened.defer(() => packs.close());
    const { log, stores, jobs, check, roomiest, giveBack } = packs;
    // Before the first byte is written so: from then on, here and elsewhere, what is not encrypted may be ours.
    if (!encryption) await instance.putSetting(WAS_PLAIN, true);
    const wasPlain = async () => (await instance.setting<boolean>(WAS_PLAIN)) === true;
    const threads = threadsOf(role, availableParallelism());
    const inspector = createPackInspector();
    const records = createRecordInspector({ keyring, random, wasPlain });
    const mirror = options.mirror ? openMirror({ place: options.mirror, instance, random, clock }) : null;
    if (mirror !== null) opened.defer(() => mirror.close());
    const copies = mirror === null ? [] : [mirror];
    const repair = createRepair({ rows: options.integrity, log, stores, copies, packs: inspector, records, clock, logger });
    const { guard } = options;
    const bodies = guard === undefined ? log : guardLog(log, guard);
    const content = createContent({
      keyring,
      log: bodies,
      stores,
      chunks,
      random,
      encryption,
      compression,
      wasPlain,
      threads,
      repair,
    });
    opened.defer(() => content.close());
    const { delta, rekeying } = content;
    return {
      content: guard === undefined ? content : guardContent(content, guard),
      delta,
      rekeying,
      log,
      stores,
      jobs,
      check,
      roomiest,
      giveBack,
      inspector,
      records,
      repair,
      mirror,
      close: () => opened.disposeAsync(),
    };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}
