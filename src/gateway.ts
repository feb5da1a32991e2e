import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { createAccessControl } from '#auth/access-control';
import { createAuthorizer } from '#auth/authorizer';
import { createIdentity } from '#auth/identity';
import { createBeginLimiter, createLoginLimiter } from '#auth/login-limiter';
import { hashPassword, verifyPassword } from '#auth/passwords';
import type { Logger } from '#contracts/observability';
import type { Clock, Random } from '#core/clock';
import type { CloudStoreError } from '#core/errors';
import { createIntegrity } from '#engine/integrity';
import { createHub } from '#events/hub';
import { createJobFeed } from '#events/job-feed';
import { createPresence } from '#events/presence';
import { createTrace } from '#events/trace';
import { createWebhooks } from '#events/webhooks';
import type { RequestContext } from '#http/door';
import { createListeners, type Listeners } from '#http/server';
import { webUi } from '#http/web-ui';
import { HISTORY_JOB } from '#jobs/history';
import { verifyAudit } from '#metadata/audit-verify';
import { createBuckets } from '#namespace/buckets';
import { createHistory } from '#namespace/history';
import { createNamespace } from '#namespace/namespace';
import { createQuotas } from '#namespace/quotas';
import { createResumables } from '#namespace/resumables';
import { createSearch } from '#namespace/search';
import { createThumbnails } from '#namespace/thumbnails';
import { createUploads } from '#namespace/uploads';
import { createAudit } from '#observability/audit';
import { createMetrics } from '#observability/metrics';
import { createRestDoor } from '#protocols/rest/door';
import { createAccessLog } from '#protocols/s3/access-log';
import { createBucketDocuments } from '#protocols/s3/bucket-documents';
import { createS3Door } from '#protocols/s3/door';
import { createWebdavDoor } from '#protocols/webdav/door';
import { createNextcloudDoor } from '#protocols/webdav/nextcloud/door';
import { createPushDoor } from '#protocols/webdav/nextcloud/push';
import { sharedFolder } from '#protocols/webdav/shared-folder';
import { trashFolder } from '#protocols/webdav/trash-folder';
import { createWsHandler } from '#protocols/ws/door';
import { createLinks } from '#sharing/links';
import { createShares } from '#sharing/shares';
import { assertAlertTarget, createAlertDesk } from './alert-channels.ts';
import { createAttempts } from './attempts.ts';
import { SEALED_ROWS, startBackground } from './background.ts';
import { createBackups } from './backups.ts';
import { createCheckDesk } from './check-desk.ts';
import type { Config } from './config/load.ts';
import { tellLostPacks, watchDamage } from './damage-watch.ts';
import { assertUsable, fileSystemWarnings, writeFormat } from './data-directory-state.ts';
import { openDatabase } from './database.ts';
import { createDiskDesk } from './disk-desk.ts';
import { createExaminer } from './examiner.ts';
import { beginFirstRun, type FirstRun, finishFirstRun, type Urls } from './first-run.ts';
import { health } from './health.ts';
import { watchJournal } from './journal-mark.ts';
import { createKeyDesk } from './key-desk.ts';
import { watchKeys } from './key-watch.ts';
import { openLan } from './lan.ts';
import { listen } from './listen.ts';
import { createLoadHistory } from './load-history.ts';
import { watchLogins } from './login-watch.ts';
import { createRoomMaker } from './make-room.ts';
import { loadMasterKey, masterKeySource } from './master-key.ts';
import { announce } from './mdns.ts';
import { mirrorPlaceOf } from './mirror.ts';
import { oidcProvider } from './oidc-provider.ts';
import { openCache } from './open-cache.ts';
import { instanceIdOf } from './owner.ts';
import type { Handlers } from './peer.ts';
import { type ProcessRole, processNumber } from './process-role.ts';
import { register } from './registration.ts';
import { recordedOf, requestAudit } from './request-audit.ts';
import { createReserve } from './reserve.ts';
import { createSeal } from './seal.ts';
import { answerPacks } from './shared-packs.ts';
import { createSpaceGuard, guardHistory, guardStore } from './space-guard.ts';
import { createSpaceReports, watchSpace } from './space-report.ts';
import { openStorage } from './storage.ts';
import { createSystemReports } from './system-report.ts';
import { takeDataDirectory } from './take-data-directory.ts';
import { createThumbnailer } from './thumbnailer.ts';
import { readTls } from './tls-files.ts';
import { urlsOf } from './urls.ts';
import { WEB_DIRECTORY } from './web-directory.ts';
import { type Addresses, createWorkers } from './workers.ts';

export interface GatewayOptions {
  config: Config;
  clock: Clock;
  random: Random;
  log: Logger;
  version: string;
  role: ProcessRole;
}

export interface Gateway {
  urls: Urls;
  addresses: Addresses;
  /** The secrets of the first start; null on every later one. */
  firstRun: FirstRun | null;
  /** Of the certificate authority that other devices of the network are asked to trust. */
  fingerprint: string | null;
  /** Refuses new work, lets open transfers end (20 s at most), closes everything in the opposite order of its start. */
  close(): Promise<void>;
  /** What the first of several processes may ask of this one. */
  answers: Handlers;
}

const DRAIN_MS = 20_000;
const METRICS_MS_MAX = 5_000;

/**
 * The composition root: builds every room, wires them, listens. What was started is closed again when a later step fails.
 * @throws SettingError, CloudStoreError: one sentence that says what to do
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const started = new AsyncDisposableStack();
  try {
    const running = await build(options, started);
    return { ...running, close: () => started.disposeAsync() };
  } catch (error) {
    await started.disposeAsync().catch((err: unknown) => options.log.error({ err }, 'what had been started does not close'));
    throw error;
  }
}

async function build(options: GatewayOptions, started: AsyncDisposableStack): Promise<Omit<Gateway, 'close'>> {
  const { config, clock, random, log, role } = options;
  const { values } = config;
  const dataDirectory = values['data-dir'];
  const given = await readTls(config);
  // A worker is let in by the first process, which has the lock.
  if (role.kind !== 'worker') await assertUsable(dataDirectory, values['database-url'] === null);
  const reserve = values['database-url'] === null ? createReserve({ dataDirectory, log }) : null;
  // To note whose the directory is takes space too. A directory that is not there yet has nothing set aside.
  if (role.kind !== 'worker') await reserve?.look(0).catch(() => undefined);
  const lock = role.kind === 'worker' ? null : await takeDataDirectory(dataDirectory);
  started.defer(() => lock?.release());
  if (lock !== null) {
    await writeFormat(dataDirectory);
    for (const warning of await fileSystemWarnings(dataDirectory)) log.warn({}, warning);
  }
  const lan =
    values.lan === 'on' && given === null
      ? await openLan({
          dataDirectory,
          mayMake: lock !== null,
          plainForAll: values['plain-http'] === 'everywhere',
          clock,
          random,
          log,
        })
      : null;
  started.defer(() => lan?.close());
  const tls = lan?.tls ?? given;

  const database = await openDatabase(options);
  started.defer(() => database.close());
  const { metadata } = database;
  const { instance, signals } = metadata;
  const source = masterKeySource(config);
  const masterKey = await loadMasterKey({ source, sealed: metadata.sealed, random, mayCreate: lock !== null });
  // Nobody else has the embedded database yet: what is registered there has died, and nobody need wait for it.
  if (values['database-url'] === null && role.kind !== 'worker') await metadata.collection.fence(0);
  const registration = await register(metadata, options);
  started.defer(() => registration.end());
  if (lock !== null) {
    const { timeLine } = metadata;
    const marked = await watchJournal({ dataDirectory, instance: await instanceIdOf(instance, random), timeLine, signals, log });
    started.defer(() => marked.close());
  }
  const keys = watchKeys({ masterKey, source, sealed: metadata.sealed, store: metadata.keys, signals, instance, random, log });
  started.defer(() => keys.close());
  const { keyring } = keys;

  const metrics = createMetrics(role.kind === 'alone' ? {} : { process: processNumber(role) });
  const cache = await openCache(options);
  started.defer(() => cache.close());
  let makeRoom: (wantedBytes: number) => void = () => undefined;
  const guard = await createSpaceGuard({
    directories: ['packs', 'spool', ...(values['database-url'] === null ? ['postgres'] : [])].map((name) =>
      join(dataDirectory, name),
    ),
    minFree: values['min-free'],
    log,
    low: (wantedBytes) => makeRoom(wantedBytes),
    ...(reserve && { fileSystem: reserve.fileSystem }),
  });
  started.defer(() => guard.close());
  const setAside = role.kind === 'worker' ? null : reserve?.keep(guard.minFree);
  started.defer(() => setAside?.close());
  metrics.gauge('cloudstore_disk_free_bytes', 'Free on the fullest disk.', guard.free, 'max');
  metrics.gauge('cloudstore_disk_min_free_bytes', 'Below this, writes are refused.', guard.minFree, 'max');
  const storage = await openStorage({
    guard,
    dataDirectory,
    keyring,
    chunks: metadata.chunks,
    instance,
    registry: metadata.stores,
    settings: values,
    integrity: metadata.integrity,
    mirror: mirrorPlaceOf(values),
    encryption: values.encryption === 'on',
    compression: values.compression === 'on',
    clock,
    random,
    logger: log,
    role,
  });
  started.defer(() => storage.close());
  const { content } = storage;

  const tokenKey = (kid: string): Buffer => keys.derived(`access tokens ${kid}`);
  const identity = createIdentity({ ...metadata, keyring, cache, clock, random, tokenKey, log, oidc: oidcProvider(config) });
  const { authenticator } = identity;
  started.defer(() => authenticator.close());
  const authorizer = createAuthorizer({ authority: metadata.authority, signals, clock });
  const [store, history] = [guardStore(metadata.store, guard), guardHistory(metadata.history, guard)];
  const shared = { ...metadata, store, history, content, authorizer, authenticator, keyring, cache, clock, random, log, metrics };
  const buckets = createBuckets(shared);
  const access = createAccessControl({ ...shared, buckets, changed: () => buckets.cache.clear() });
  const unreadable = metrics.counter('cloudstore_damaged_reads_total', 'Reads that met damage which could not be healed.');
  const onDamage = (error: CloudStoreError): void => {
    unreadable.add(1);
    log.error({ ...error.details, why: error.message }, 'a file cannot be read: what is stored of it is damaged');
  };
  const namespace = createNamespace({ ...shared, buckets, onDamage });
  const uploads = createUploads({ ...shared, namespace });
  const resumables = createResumables(shared);
  const links = createLinks({
    ...shared,
    store: metadata.links,
    namespace,
    resumables,
    passwords: { hash: (password) => hashPassword(password, random), verify: verifyPassword },
    limiter: createLoginLimiter({ cache, clock, purpose: 'link' }),
    exists: async (at) => (await metadata.store.entry(at)) !== null,
    ticketKey: () => keys.derived('link tickets'),
    buckets: metadata.buckets,
  });
  started.defer(() => links.close());
  const seal = createSeal({ key: () => keys.derived(SEALED_ROWS), random });
  const maker = createThumbnailer({ log });
  started.defer(() => maker.close());
  const hub = createHub({ journal: metadata.journal, signals, log });
  started.defer(() => hub.close());
  assertAlertTarget(config);
  const webhooks = createWebhooks({
    targets: new Map(values.webhooks.map((one) => [one.slice(0, one.indexOf('=')), new URL(one.slice(one.indexOf('=') + 1))])),
    secret: values['webhook-secret'],
    allowPrivate: values['webhook-private'] === 'on',
    clock,
  });
  started.defer(() => webhooks.close());

  const firstRunOptions = {
    dataDirectory,
    instance,
    principals: metadata.principals,
    buckets: metadata.buckets,
    keyring,
    random,
    log,
    given: {
      password: values['admin-password'],
      accessKeyId: values['access-key-id'],
      secretAccessKey: values['secret-access-key'],
    },
  };
  const secrets = lock === null ? null : await beginFirstRun(firstRunOptions);

  const workers =
    role.kind !== 'primary'
      ? null
      : createWorkers({
          config,
          version: options.version,
          processes: role.processes,
          cache,
          metrics,
          clock,
          log,
          gone: (one) => instance.unregister(one),
          board: role.board,
        });
  const takesWork = role.kind !== 'worker';
  const encrypted = values.encryption === 'on';
  const room = async (): Promise<number> => guard.room();
  const work = {
    room,
    config,
    metadata: { ...metadata, history },
    storage,
    namespace,
    notify: { hub, webhooks, space: () => ({ free: guard.free(), minFree: guard.minFree() }) },
    keyring,
    encrypted,
    dataDirectory,
    masterKey: keys.master,
    clock,
    random,
    log,
  };
  let busy = (): boolean => false;
  const background = await startBackground({ ...work, takesWork, others: workers, busy: () => busy() });
  started.defer(() => background.close());
  if (takesWork) makeRoom = createRoomMaker({ jobs: background.jobs, giveBack: storage.giveBack, clock, log });

  const { secondCopy } = storage.repair;
  const integrity = createIntegrity({ rows: metadata.integrity, chunks: metadata.chunks, instance, clock, secondCopy });
  const damage = watchDamage(metadata.integrity, log);
  if (lock !== null)
    void tellLostPacks(metadata.integrity, storage.stores, storage.log, log).catch((err: unknown) =>
      log.debug({ err }, 'the packs could not be looked through'),
    );
  started.defer(() => damage.close());
  metrics.gauge('cloudstore_damaged_count', 'Stored things that are known to be damaged.', damage.count);
  const space = createSpaceReports({ space: metadata.space, stores: metadata.stores, dataDirectory });
  const spaceWatch = watchSpace(space, metrics, log);
  started.defer(() => spaceWatch.close());
  const healthNow = () => health(database, storage, keys.fits(), damage.count());
  const renderMetrics = role.kind === 'worker' ? () => role.primary.ask<string>('metrics', null, METRICS_MS_MAX) : metrics.render;
  const load = createLoadHistory({ instance, metrics: renderMetrics, dataDirectory, clock, log, samples: takesWork });
  started.defer(() => load.close());
  const reported = {
    config,
    load,
    health: healthNow,
    metrics: renderMetrics,
    stores: metadata.stores,
    runs: metadata.runs,
    jobs: background.jobs,
    guard,
    clock,
  };
  const auditStore = metadata.audit(keyring);
  const auditLog = { ...auditStore, verify: (signal?: AbortSignal) => verifyAudit(auditStore, signal) };
  const audit = createAudit({ store: auditStore, clock, log });
  started.defer(() => audit.close());
  const trace = createTrace({ signals, random });
  started.defer(() => trace.close());
  const attempts = createAttempts({ ...metadata, cache, clock, log });
  const presence = createPresence({ signals, clock, random });
  started.defer(() => presence.close());
  const tasked = { tasks: metadata.historyTasks, jobs: background.jobs, job: HISTORY_JOB };
  // A port that the system chooses is known later.
  const s3Reach = { port: values['s3-port'] === 0 ? null : values['s3-port'], domain: values['s3-domain'] };
  const deps = {
    s3Reach,
    ...shared,
    history: createHistory({ ...shared, ...tasked, buckets, onDamage }),
    quotas: createQuotas({ ...shared, buckets }),
    historyDays: values['history-days'],
    attempts,
    trace,
    presence,
    jobFeed: createJobFeed({ jobs: background.jobs, signals, log }),
    system: createSystemReports(reported),
    alerts: createAlertDesk(config, { alerts: metadata.alerts, webhooks, clock }),
    backups: createBackups({ ...shared, config, jobs: background.jobs, buckets, masterKey: keys.master }),
    disks: createDiskDesk({ config, metadata, jobs: background.jobs, random }),
    keyDesk: createKeyDesk({ config, source, keys, metadata, jobs: background.jobs, role, clock, random, log }),
    checks: createCheckDesk({ config, metadata, jobs: background.jobs, seal, clock, random }),
    examiner: createExaminer({ config, metadata, keys, source, random }),
    identity,
    ...(identity.singleSignOn && { singleSignOn: identity.singleSignOn }),
    space,
    integrity,
    jobs: background.jobs,
    namespace,
    buckets,
    access,
    uploads,
    resumables,
    search: createSearch({ names: metadata.names, buckets, authorizer }),
    idempotency: { store: metadata.idempotency, seal },
    thumbnails: createThumbnails({ thumbnails: metadata.thumbnails, maker, seal }),
    uploadDays: values['upload-days'],
    links,
    audit: auditLog,
    shares: createShares({ ...metadata, authorizer, clock }),
    hub,
    webhooks,
    version: options.version,
    publicUrl: values['public-url'],
    free: () => Math.max(0, Math.floor(guard.free() - guard.minFree())),
  };
  const documents = createBucketDocuments(deps);
  const accessLog = createAccessLog({ ...deps, region: 'us-east-1' });
  started.defer(() => accessLog.close());
  const recorded = requestAudit({ audit, level: values.audit, clock });
  const socketLoggedIn = (req: IncomingMessage, cx: RequestContext, status: number): void =>
    recorded(recordedOf(req, cx), 'ws', status);
  const logins = watchLogins({ alerts: metadata.alerts, jobs: background.jobs, log });
  started.defer(authenticator.onArrival(logins.arrived));
  const makeListeners = (): Listeners =>
    createListeners({
      host: values.host,
      s3Port: values['s3-port'],
      webPort: values.port,
      tls,
      lan: lan?.trust ?? null,
      trustedProxies: values['trusted-proxies'],
      metricsToken: values['metrics-token'],
      publicUrl: values['public-url'],
      s3: createS3Door({
        ...deps,
        domain: values['s3-domain'],
        websiteDomain: values['website-domain'],
        signatureV2: values['s3-signature-v2'],
        accessLog,
      }),
      webdav: createWebdavDoor({ ...deps, virtual: [trashFolder(deps.history), sharedFolder(deps.shares)] }),
      nextcloud: createNextcloudDoor({
        ...deps,
        nodes: metadata.nodes,
        sieve: metadata.sieve,
        begun: createBeginLimiter({ cache, clock }),
      }),
      push: createPushDoor({ ...deps, loggedIn: socketLoggedIn }),
      rest: createRestDoor({ ...deps, documents }),
      ws: createWsHandler({
        ...deps,
        loggedIn: socketLoggedIn,
      }),
      webUi: webUi(WEB_DIRECTORY),
      trace,
      health: healthNow,
      validity: authenticator,
      ended: (...about) => {
        recorded(...about);
        logins.ended(...about);
        attempts.ended(...about);
      },
      clock,
      random,
      log,
      metrics: { ...metrics, render: renderMetrics },
    });
  const listeners = workers ?? makeListeners();
  lan?.keepFresh('renewTls' in listeners ? listeners.renewTls : () => undefined);
  busy = () => listeners.busy();
  const addresses = await listen(listeners, config);
  started.defer(() => listeners.drain(DRAIN_MS));
  const { s3, web } = addresses;
  s3Reach.port = s3.port;
  if (values.lan === 'on' && lock !== null) {
    const withdraw = await announce({ port: web.port, plain: values['plain-http'] === 'everywhere', log });
    started.defer(withdraw);
  }

  const urls = urlsOf({
    host: values.host,
    s3Port: s3.port,
    webPort: web.port,
    tls: tls !== null,
    publicUrl: values['public-url'],
    s3Domain: values['s3-domain'],
  });
  const firstRun = secrets === null ? null : await finishFirstRun(firstRunOptions, secrets, urls);
  await lock?.describe({ kind: 'gateway', pid: process.pid, urls: { ...urls } });
  return {
    urls,
    addresses,
    firstRun,
    fingerprint: lan?.fingerprint ?? null,
    answers: { metrics: metrics.snapshot, ...answerPacks(storage.log) },
  };
}
