import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createAuthorizer } from '#auth/authorizer';
import { nodeDiskOps } from '#blob/disk-ops';
import type { Content } from '#contracts/content';
import type { Namespace } from '#contracts/namespace';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import { collect } from '#core/stream';
import { createKeyring } from '#engine/keyring';
import { startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { type Metadata, openMetadata } from '#metadata/open';
import { createBuckets } from '#namespace/buckets';
import { createNamespace } from '#namespace/namespace';
import { quiet } from './database.ts';
import { openLocalContent } from './local-content.ts';
import { serverPid } from './server-pid.ts';

/** A data directory with everything in it, its own Postgres included, opened as a gateway does. */
export interface WholeStore {
  metadata: Metadata;
  content: Content;
  namespace: Namespace;
  who: Who;
  /** The only one, with versions of everything. */
  bucket: Bucket;
  /** Of the database's server. */
  serverPid(): Promise<number>;
  /** null when there is none. */
  read(key: string): Promise<Buffer | null>;
  close(): Promise<void>;
}

const MASTER_KEY = Buffer.alloc(32, 'm');

export async function openWholeStore(dataDirectory: string): Promise<WholeStore> {
  const clock = { now: () => Date.now() };
  const common = { clock, random: randomBytes };
  const opened = new AsyncDisposableStack();
  const postgres = await startEmbeddedPostgres({ dataDirectory, ...common, log: quiet });
  opened.defer(() => postgres.stop());
  const metadata = await openMetadata({
    connection: postgres.connection,
    ...common,
    log: quiet,
    gateway: true,
    soleOwner: true,
  });
  opened.defer(() => metadata.close());
  const gateway = await metadata.instance.register({ host: 'test', pid: process.pid, version: '0' });
  opened.defer(() => metadata.instance.unregister(gateway));
  const keyring = createKeyring({ masterKey: MASTER_KEY, keys: metadata.keys, random: randomBytes });
  const disk = nodeDiskOps();
  const directory = join(dataDirectory, 'packs');
  const storage = await openLocalContent({ directory, disk, clock, keyring, chunks: metadata.chunks });
  opened.defer(() => storage.close());
  const { content } = storage;
  const authorizer = createAuthorizer({ authority: metadata.authority, signals: metadata.signals, clock });
  const shared = { ...metadata, content, authorizer, keyring, ...common };
  const buckets = createBuckets(shared);
  const namespace = createNamespace({ ...shared, buckets });

  const domain = await keyring.create();
  const ann =
    (await metadata.principals.findByName('ann')) ??
    (await metadata.principals.create({ name: 'ann', role: 'member', passwordHash: null, domain }));
  const who: Who = { principal: { id: ann.id, name: 'ann', role: 'member' }, protocol: 'rest', requestId: 'test' };
  const bucket =
    (await metadata.buckets.resolve(null, 'everything')) ??
    (await metadata.buckets.create({ name: 'everything', owner: ann.id, domain: ann.domain, versioning: 'enabled' }));
  return {
    metadata,
    content,
    namespace,
    who,
    bucket,
    serverPid: () => serverPid(dataDirectory),
    async read(key) {
      if ((await metadata.store.current({ bucket: bucket.id, key })) === null) return null;
      const { body, info } = await namespace.get(who, { bucket: bucket.id, key });
      return collect(body(), info.size, () => new Error(`${key} is longer than it says`));
    },
    close: () => opened.disposeAsync(),
  };
}
