import type { AlertStore } from '#contracts/alerts';
import type { AuditStore } from '#contracts/audit';
import type { AuthorityStore } from '#contracts/authority-store';
import type { BucketStore } from '#contracts/bucket-store';
import type { ChunkIndex, UploadLease } from '#contracts/chunk-index';
import type { ClaimStore } from '#contracts/claim-store';
import type { CollectionStore } from '#contracts/collection';
import type { CredentialStore } from '#contracts/credential-store';
import type { DumpStore } from '#contracts/dump-store';
import type { ExpiryStore } from '#contracts/expiry-store';
import type { FactorStore } from '#contracts/factor-store';
import type { GroupStore } from '#contracts/group-store';
import type { HistoryStore } from '#contracts/history-store';
import type { HistoryTasks } from '#contracts/history-tasks';
import type { IdempotencyStore } from '#contracts/idempotency-store';
import type { InstanceStore } from '#contracts/instance-store';
import type { IntegrityStore } from '#contracts/integrity-store';
import type { JobStore } from '#contracts/job-store';
import type { Journal } from '#contracts/journal';
import type { Keyring, KeyStore } from '#contracts/keyring';
import type { LifecycleRows } from '#contracts/lifecycle-rows';
import type { LinkStore } from '#contracts/link-store';
import type { Locks } from '#contracts/locks';
import type { MetadataStore } from '#contracts/metadata-store';
import type { NameStore } from '#contracts/name-store';
import type { Nodes } from '#contracts/nodes';
import type { Logger } from '#contracts/observability';
import type { PackStore } from '#contracts/pack-store';
import type { PrincipalStore } from '#contracts/principal-store';
import type { KeyedRows } from '#contracts/rekeying';
import type { ResumableStore } from '#contracts/resumable-store';
import type { RunStore } from '#contracts/runs';
import type { SealedStore } from '#contracts/sealed-store';
import type { Sieve } from '#contracts/sieve';
import type { Signals } from '#contracts/signals';
import type { SpaceStore } from '#contracts/space-report';
import type { StoreRegistry } from '#contracts/store-registry';
import type { ThumbnailStore } from '#contracts/thumbnails';
import type { TimeLine } from '#contracts/time-line';
import type { Turns } from '#contracts/turns';
import type { UploadStore } from '#contracts/upload-store';
import type { UsageStore } from '#contracts/usage';
import type { Clock, Random } from '#core/clock';
import { createAlertStore } from './alerts.ts';
import { type AuditChain, createAuditStore } from './audit.ts';
import { createAuthorityStore } from './authority.ts';
import { createBucketStore } from './buckets.ts';
import type { ChangeBoard } from './change-board.ts';
import { createChunkIndex } from './chunk-index.ts';
import { createClaimStore } from './claims.ts';
import { createCollectionStore } from './collection.ts';
import { createCredentialStore } from './credentials.ts';
import { type Connection, openDatabase } from './database.ts';
import { createDumpStore } from './dump/store.ts';
import { createExpiryStore } from './expiry.ts';
import { createFactorStore } from './factors.ts';
import { createGroupStore } from './groups.ts';
import { createHeldLocks } from './held-locks.ts';
import { createHistoryTasks } from './history/tasks.ts';
import { createIdempotencyStore } from './idempotency.ts';
import { createInstanceStore, type Registration } from './instance.ts';
import { createIntegrityStore } from './integrity.ts';
import { createJobStore } from './jobs.ts';
import { createJournal } from './journal.ts';
import { createKeyedRows } from './keyed-rows.ts';
import { createKeyStore } from './keys.ts';
import { createKnownHeads } from './known-heads.ts';
import { createLifecycleRows } from './lifecycle.ts';
import { createLinkStore } from './links.ts';
import { createLocks } from './locks.ts';
import { migrate } from './migrate.ts';
import { createNameStore } from './names.ts';
import { createNodes } from './nodes.ts';
import { createPackStore } from './packs.ts';
import { createPrincipalStore } from './principals.ts';
import { createResumableStore } from './resumables.ts';
import { createRunStore } from './runs.ts';
import { createSealedStore } from './sealed.ts';
import { createSieve } from './sieve.ts';
import { createSignals } from './signals.ts';
import { createSpaceStore } from './space.ts';
import { createMetadataStore } from './store.ts';
import { createStoreRegistry } from './store-registry.ts';
import { createThumbnailStore } from './thumbnails.ts';
import { createTimeLine } from './time-line.ts';
import { createTurns } from './turns.ts';
import { createUploadStore } from './uploads.ts';
import { createUsageStore } from './usage.ts';

export interface MetadataOptions {
  connection: Connection;
  clock: Clock;
  random: Random;
  log: Logger;
  /** This process serves (it registers with `instance.register`); its commits fail once it is fenced. */
  gateway?: boolean;
  /** No other process commits to this database: `key -> current version` may be cached. */
  soleOwner?: boolean;
  /** Where it is one of several that commit, and no others do: what they tell each other. */
  board?: ChangeBoard | null;
  /** Connections, besides one that listens. Default 8. */
  poolSize?: number;
}

export interface Metadata {
  store: MetadataStore;
  history: HistoryStore;
  historyTasks: HistoryTasks;
  usage: UsageStore;
  timeLine: TimeLine;
  journal: Journal;
  locks: Locks;
  buckets: BucketStore;
  uploads: UploadStore;
  authority: AuthorityStore;
  resumables: ResumableStore;
  names: NameStore;
  nodes: Nodes;
  sieve: Sieve;
  thumbnails: ThumbnailStore;
  idempotency: IdempotencyStore;
  principals: PrincipalStore;
  claims: ClaimStore;
  credentials: CredentialStore;
  factors: FactorStore;
  groups: GroupStore;
  links: LinkStore;
  alerts: AlertStore;
  runs: RunStore;
  /** Its key is sealed by the keyring, which itself is made of what is kept here. */
  audit(keyring: Keyring): AuditStore & AuditChain;
  chunks: ChunkIndex;
  keys: KeyStore;
  sealed: SealedStore;
  keyedRows: KeyedRows;
  instance: InstanceStore;
  jobStore: JobStore;
  collection: CollectionStore;
  packs: PackStore;
  stores: StoreRegistry;
  dumps: DumpStore;
  /** From now on, collection removes nothing that is named now: as if an upload had begun a turn ago. Of a registered process whose heart beats. */
  pin(): UploadLease;
  expiry: ExpiryStore;
  lifecycle: LifecycleRows;
  space: SpaceStore;
  integrity: IntegrityStore;
  signals: Signals;
  turns: Turns;
  close(): Promise<void>;
}

/** Opens the database, brings its schema up to date, and gives everything that is kept in it. @throws unavailable */
export async function openMetadata(options: MetadataOptions): Promise<Metadata> {
  const { connection, clock, random, log } = options;
  const database = openDatabase({ connection, poolSize: options.poolSize ?? 8, log });
  try {
    await migrate(database, connection);
  } catch (error) {
    await database.close();
    throw error;
  }
  const registration: Registration = { gateway: null, turn: 0, leases: new Set(), heard: null };
  const signals = createSignals({ database, log });
  const chunks = createChunkIndex({ database, registration });
  const { soleOwner = false, board = null } = options;
  const held = soleOwner ? createHeldLocks({ clock }) : null;
  const known = createKnownHeads();
  const { tell } = signals;
  const store = createMetadataStore({ database, clock, random, log, registration, soleOwner, board, held, known, tell });
  // With a user go the locks of that user, and commands beside the gateway remove users.
  if (held !== null) signals.subscribe('principals', () => held.released(null));
  // The connection was lost, and what is behind it may be another copy.
  if (soleOwner || board !== null) {
    signals.subscribe('journal', (payload) => {
      if (payload === null) store.forget(null);
    });
  }
  const uploads = createUploadStore({ database, clock, random, registration });
  return {
    store,
    history: store.history,
    historyTasks: createHistoryTasks({ database, clock }),
    usage: createUsageStore({ database, clock }),
    timeLine: createTimeLine({ database, clock }),
    chunks,
    signals,
    turns: createTurns(database),
    journal: createJournal(database),
    locks: createLocks({ database, clock, random, held, known }),
    buckets: createBucketStore({ database, clock, signals, forget: store.forget }),
    uploads,
    names: createNameStore(database),
    nodes: createNodes(database),
    sieve: createSieve(database),
    idempotency: createIdempotencyStore(database),
    thumbnails: createThumbnailStore({ database, clock }),
    resumables: createResumableStore({ database, clock, random, registration, uploads }),
    authority: createAuthorityStore({ database, signals, commit: store.commit }),
    principals: createPrincipalStore({ database, clock, signals }),
    claims: createClaimStore({ database, clock, signals }),
    credentials: createCredentialStore({ database, clock, signals }),
    factors: createFactorStore({ database, clock, signals }),
    groups: createGroupStore({ database, clock, signals }),
    links: createLinkStore({ database, clock, signals, registration }),
    alerts: createAlertStore({ database, clock }),
    runs: createRunStore(database),
    audit: (keyring) => createAuditStore({ database, keyring, random }),
    keys: createKeyStore({ database, clock }),
    sealed: createSealedStore(database),
    keyedRows: createKeyedRows(database),
    instance: createInstanceStore({ database, clock, registration }),
    jobStore: createJobStore({ database, signals }),
    collection: createCollectionStore({ database, signals }),
    packs: createPackStore(database),
    stores: createStoreRegistry({ database, clock }),
    dumps: createDumpStore({ database, clock, random }),
    pin() {
      const lease = { turn: registration.turn - 1 };
      registration.leases.add(lease);
      return { end: () => registration.leases.delete(lease) };
    },
    expiry: createExpiryStore(database),
    lifecycle: createLifecycleRows(database),
    space: createSpaceStore(database),
    integrity: createIntegrityStore({ database, clock }),
    async close() {
      await store.close();
      await signals.close();
      await database.close();
    },
  };
}
