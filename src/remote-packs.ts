import { access, constants } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalDisk } from '#blob/local-disk';
import { createLog } from '#blob/log';
import type { S3Store } from '#blob/s3';
import { createSharedLog } from '#blob/shared-log';
import { IDENTITY_NAME, readIdentity, writeIdentity } from '#blob/store-identity';
import { createWriteBack, type WriteBack } from '#blob/write-back';
import type { Job } from '#contracts/jobs';
import type { RegisteredStore, StoreRegistry } from '#contracts/store-registry';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { describeS3Location, parseS3Location } from '#core/s3-location';
import { localLocation, type Recognition, recognize, somePacks } from './known-store.ts';
import type { Packs, PacksContext } from './packs.ts';

/** Packs go in these sizes: each is one call, or a few parts, and what a broken one has to begin anew. */
const REMOTE_PACK_BYTES = 64 << 20;
const STALE_UPLOAD_MS = 24 * 3_600_000;
/** Heartbeats come every five seconds. */
const SILENT_MS = 12_000;
const LOOK_MS = 5_000;
const LOOK_AGAIN_MS = 500;
/** The spool whose gateway was found to be the only one when it took its note. */
const SPOOL_ALONE = 'spool-alone';

type Opened = Omit<Packs, 'stores' | 'close'>;

/**
 * Packs in an S3-compatible store. With one gateway the local disk acknowledges and the packs follow (write-back); with several, nothing is
 * acknowledged before it is in the store (docs/adr/0014-backends.md).
 */
export async function openRemotePacks(context: PacksContext): Promise<Opened> {
  const { settings, registry, random, stores, opened, instanceId: instance } = context;
  const location = parseS3Location(settings['chunks-url'] ?? '');
  const { createS3Store } = await import('#blob/s3'); // the client is only loaded where it is used
  const rows = await registry.list();
  const store = createS3Store({ location, random });
  opened.defer(() => store.close());
  const remote = ownOnly(store, registry);
  const expected = rows.find(({ kind, state }) => kind === 's3' && state !== 'removed') ?? null;
  const recognized = (): Promise<RegisteredStore> =>
    recognizeRemote({
      blobs: remote,
      kind: 's3',
      location: describeS3Location(location),
      setting: 'chunks-url',
      instance,
      registry,
      random,
      expected,
      packs: () => somePacks(remote),
    });
  const ack = settings['chunks-ack'];
  const local = ack === 'local' || (ack === 'auto' && settings['database-url'] === null);
  const row = await recognized().catch(async (error: unknown) => {
    if (!local || expected === null || !isSilence(error) || !(await hasSpool(context))) throw error;
    context.logger.warn(
      { err: error },
      'the chunk store does not answer; packs wait on the local disk, and what is there only cannot be read',
    );
    return null;
  });
  await connectDataDirectory(context, rows);
  if (row === null) return openWriteBack(context, knownFirst(remote, recognized), expected!);
  if (local) return openWriteBack(context, remote, row);
  await sendLeftovers(context, remote, row);
  stores.set(row.number, remote);
  const { clock } = context;
  const log = createSharedLog({ blobs: remote, store: row.number, clock, random, instance });
  opened.defer(() => log.close());
  return {
    log,
    jobs: [],
    roomiest: async () => row.number,
    look: async () => undefined,
    giveBack: async () => 0,
    async check() {
      await remote.stat(IDENTITY_NAME);
    },
  };
}

async function recognizeRemote(options: Recognition): Promise<RegisteredStore> {
  try {
    return await recognize(options);
  } catch (error) {
    if (!isCloudStoreError(error)) throw error;
    throw new CloudStoreError(error.code, `${error.message.replace(/\.?$/, '.')} The setting is CLOUDSTORE_CHUNKS_URL.`, {
      cause: error,
    });
  }
}

/** No answer, or that of a server in trouble: nothing that says it is another store, or another key. */
function isSilence(error: unknown): boolean {
  if (!isCloudStoreError(error, 'unavailable')) return false;
  const { status } = (isCloudStoreError(error.cause) ? error.cause : error).details;
  return status === null || (typeof status === 'number' && status >= 500);
}

/** Whether this directory is the one that may have packs on their way: then it goes on with them, whatever the store does. */
async function hasSpool(context: PacksContext): Promise<boolean> {
  const claim = await context.registry.spool();
  return claim !== null && (await spoolIdentity(context, join(context.dataDirectory, 'spool'), false)) === claim.identity;
}

/**
 * Nothing is removed from a store that somebody else has taken over since we began (`restore --take-over`): what is garbage to us may be all that they have.
 * A look before each removal, which are few.
 */
function ownOnly(store: S3Store, registry: StoreRegistry): S3Store {
  return {
    ...store,
    async remove(name) {
      const there = await readIdentity(store);
      const rows = await registry.list();
      if (there !== null && !rows.some(({ identity, state }) => identity === there.store && state !== 'removed'))
        throw new CloudStoreError(
          'unavailable',
          'The chunk store was taken over by another installation of CloudStore; nothing is removed from it any more. Stop this gateway, or give it another store.',
        );
      await store.remove(name);
    },
  };
}

/** Nothing is written before the store has answered and is the right one. */
function knownFirst(remote: S3Store, recognized: () => Promise<RegisteredStore>): S3Store {
  let known: Promise<unknown> | null = null;
  async function ensure(): Promise<void> {
    known ??= recognized();
    try {
      await known;
    } catch (error) {
      known = null;
      throw error;
    }
  }
  return {
    ...remote,
    async put(...args) {
      await ensure();
      await remote.put(...args);
    },
    async remove(name) {
      await ensure();
      await remote.remove(name);
    },
  };
}

/** What was written before the packs went to S3 is still read from the data directory, where this is the gateway that has it. */
async function connectDataDirectory(context: PacksContext, rows: RegisteredStore[]): Promise<void> {
  const { dataDirectory, stores, opened, logger, clock, random, disk, ours, first, instanceId: instance } = context;
  const row = rows.find(({ number, state }) => number === 0 && state !== 'removed');
  if (row === undefined) return;
  const directory = join(dataDirectory, 'packs');
  const blobs = await createLocalDisk({ directory, disk, tidy: first });
  opened.defer(() => blobs.close());
  if ((await readIdentity(blobs))?.store !== row.identity) {
    logger.warn(
      { store: 0, location: row.location },
      'what lies in store 0 of packs, in another data directory, cannot be read here',
    );
    return;
  }
  // Seals what a crash left open there; nothing new is written to it.
  await (await createLog({ directory, disk, clock, random, instance, ...ours })).close();
  stores.set(0, blobs);
}

async function openWriteBack(context: PacksContext, remote: S3Store, row: RegisteredStore): Promise<Opened> {
  const { dataDirectory, registry, settings, stores, instance } = context;
  const directory = join(dataDirectory, 'spool');
  const mine = await spoolIdentity(context, directory, true);
  const holder = await registry.claimSpool({ identity: mine!, location: localLocation(directory) });
  if (holder.identity !== mine) throw spoolElsewhere(holder.location);
  const alone = settings['database-url'] === null || (await instance.setting(SPOOL_ALONE)) === mine;
  if (!alone) {
    const other = await otherGateway(context);
    if (other !== null) {
      await registry.releaseSpool(holder.identity);
      throw new CloudStoreError(
        'unavailable',
        `Another gateway (process ${other.pid} on ${other.host}) serves from this database, so chunks-ack must be shared: what only this disk has, it could not read.`,
      );
    }
    // From here on whoever starts sees the note, and this needs no second look.
    await instance.putSetting(SPOOL_ALONE, mine);
  }
  const back = await createSpool(context, directory, remote, row);
  stores.set(row.number, back.store);
  return {
    log: back.log,
    jobs: [sendPacks(back, remote, context)],
    check: () => access(directory, constants.W_OK),
    roomiest: async () => row.number,
    look: async () => undefined,
    giveBack: back.giveBack,
  };
}

/** A gateway that was alone before has packs on their way: they arrive before it serves beside others. */
async function sendLeftovers(context: PacksContext, remote: S3Store, row: RegisteredStore): Promise<void> {
  const { dataDirectory, registry, logger } = context;
  const claim = await registry.spool();
  if (claim === null) return;
  const directory = join(dataDirectory, 'spool');
  if ((await spoolIdentity(context, directory, false)) !== claim.identity) throw spoolElsewhere(claim.location);
  const back = await createSpool(context, directory, remote, row);
  logger.info(back.state(), 'sending what waits on the local disk to the chunk store first');
  await back.flush({ all: true, signal: new AbortController().signal });
  await back.log.close();
  await back.close();
  await context.instance.putSetting(SPOOL_ALONE, null);
  await registry.releaseSpool(claim.identity);
}

async function createSpool(context: PacksContext, directory: string, remote: S3Store, row: RegisteredStore): Promise<WriteBack> {
  const { clock, random, logger, opened, settings, disk, ours, first, instanceId: instance } = context;
  const store = row.number;
  const log = await createLog({ directory, disk, clock, random, store, instance, packBytesMax: REMOTE_PACK_BYTES, ...ours });
  opened.defer(() => log.close());
  const bytesMax = settings['chunks-local-bytes'];
  const back = await createWriteBack({ log, directory, disk, remote, bytesMax, clock, logger, tidy: first });
  opened.defer(() => back.close());
  // Each process ends its own packs; the one that has the job sends them all.
  const timer = setInterval(
    () => void back.look().catch((err: unknown) => logger.warn({ err }, 'the packs on their way cannot be looked at')),
    LOOK_MS,
  );
  opened.defer(() => clearInterval(timer));
  return back;
}

/** The directory's own; made where it has none, on wish. @throws when it is of another installation */
async function spoolIdentity(context: PacksContext, directory: string, make: boolean): Promise<string | null> {
  const { random, disk, first, instanceId: instance } = context;
  const blobs = await createLocalDisk({ directory, disk, tidy: first });
  try {
    const there = await readIdentity(blobs);
    if (there === null && !make) return null;
    const { instance: owner, store } = there ?? (await writeIdentity(blobs, { instance, store: random(16).toString('hex') }));
    if (owner === instance) return store;
    throw new CloudStoreError(
      'unavailable',
      `${directory} holds packs of another installation of CloudStore (${owner}); this gateway needs a data directory of its own.`,
    );
  } finally {
    await blobs.close();
  }
}

function spoolElsewhere(location: string): CloudStoreError {
  return new CloudStoreError(
    'unavailable',
    `Packs that are acknowledged may lie in ${location} only, on their way to the chunk store. Start the gateway that has it with chunks-ack=shared, which sends them; if it is lost for good, run "cloudstore disk forget-spool".`,
  );
}

/** Another gateway that is alive: one whose heartbeat moves while we look. */
async function otherGateway({ registry }: PacksContext): Promise<{ host: string; pid: number } | null> {
  const others = (await registry.gateways()).filter(({ host, pid }) => host !== hostname() || pid !== process.pid);
  const suspects = new Map(others.map((one) => [one.id, one]));
  for (let waited = 0; suspects.size > 0 && waited < SILENT_MS; waited += LOOK_AGAIN_MS) {
    await sleep(LOOK_AGAIN_MS);
    for (const now of await registry.gateways()) {
      const before = suspects.get(now.id);
      if (before !== undefined && now.seenMs !== before.seenMs) return now;
    }
  }
  return null;
}

/** Runs as long as the gateway does. */
function sendPacks(back: WriteBack, remote: S3Store, { clock, logger }: PacksContext): Job {
  return {
    name: 'send-packs',
    everyMs: 1_000,
    async run({ signal, progress }) {
      await remote
        .abortStale(clock.now() - STALE_UPLOAD_MS)
        .catch((err: unknown) => logger.debug({ err }, 'unfinished uploads cannot be looked up'));
      while (!signal.aborted) {
        await back.flush({ all: false, signal }).catch(() => undefined); // it has logged it, and tries again
        const { waitingPacks, waitingBytes, cachedPacks, cachedBytes, failure } = back.state();
        const counts = { waitingPacks, waitingBytes, cachedPacks, cachedBytes };
        progress({ done: cachedPacks, total: null, unit: 'packs', counts });
        await back.news(failure === null ? 2_000 : 5_000, signal);
      }
    },
  };
}
