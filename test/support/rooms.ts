import { randomBytes } from 'node:crypto';
import { createAuthorizer } from '#auth/authorizer';
import type { Authorizer } from '#contracts/authorizer';
import type { Content } from '#contracts/content';
import type { Keyring } from '#contracts/keyring';
import type { Namespace } from '#contracts/namespace';
import type { Uploads } from '#contracts/uploads';
import type { Bucket } from '#core/bucket';
import type { Random } from '#core/clock';
import type { Principal, Role, Who } from '#core/principal';
import { collect } from '#core/stream';
import { type Metadata, openMetadata } from '#metadata/open';
import { type BucketsRoom, createBuckets } from '#namespace/buckets';
import { createNamespace } from '#namespace/namespace';
import { createUploads } from '#namespace/uploads';
import { freshDatabase, quiet, type TestDatabase } from './database.ts';
import { type CountedContent, countClaims, memoryContent } from './memory-content.ts';

export interface TestRooms {
  metadata: Metadata;
  content: CountedContent;
  namespace: Namespace;
  buckets: BucketsRoom;
  uploads: Uploads;
  /** A user with a dedupe domain of its own. */
  user(name: string, role: Role): Promise<Principal>;
  who(principal: Principal | null): Who;
  bucket(owner: Principal, name: string): Promise<Bucket>;
  /** What rooms are made of, for a test that makes another one. */
  shared(): { authorizer: Authorizer; random: Random };
  /** Runs one statement. */
  sql(text: string, values?: unknown[]): Promise<unknown[][]>;
  text(who: Who, bucket: Bucket, key: string): Promise<string>;
  put(who: Who, bucket: Bucket, key: string, text: string): ReturnType<Namespace['put']>;
  close(): Promise<void>;
}

/** What the rooms store bytes in. */
export interface Storage {
  content: Content;
  keyring: Keyring;
  close(): Promise<void>;
}

/** Namespace, buckets and uploads over a real database; bytes go to memory, or to what `open` gives. */
export async function openRooms(
  open: (metadata: Metadata) => Promise<Storage> = inMemory,
  given: { database?: TestDatabase; soleOwner?: boolean } = {},
): Promise<TestRooms> {
  const database = given.database ?? (await freshDatabase({ schema: true }));
  const clock = { now: () => Date.now() };
  const metadata = await openMetadata({
    connection: database.connection,
    clock,
    random: randomBytes,
    log: quiet,
    soleOwner: given.soleOwner ?? true,
  });
  const storage = await open(metadata);
  const { keyring } = storage;
  const content = countClaims(storage.content);
  const authorizer = createAuthorizer({ authority: metadata.authority, signals: metadata.signals, clock });
  const shared = { ...metadata, content, authorizer, keyring, clock, random: randomBytes };
  const buckets = createBuckets(shared);
  const namespace = createNamespace({ ...shared, buckets });
  const uploads = createUploads({ ...shared, namespace });
  const who = (principal: Principal | null): Who => ({ principal, protocol: 'rest', requestId: 'test' });
  const body = async function* (text: string) {
    if (text !== '') yield Buffer.from(text);
  };
  return {
    metadata,
    content,
    namespace,
    buckets,
    uploads,
    who,
    shared: () => ({ authorizer, random: randomBytes }),
    sql: (text, values) => database.sql(text, values),
    async user(name, role) {
      const domain = await keyring.create();
      const { id } = await metadata.principals.create({ name, role, passwordHash: null, domain });
      return { id, name, role };
    },
    bucket: (owner, name) => buckets.create(who(owner), name),
    async text(as, bucket, key) {
      const read = await namespace.get(as, { bucket: bucket.id, key });
      return (await collect(read.body(), 1 << 26, () => new Error('too large'))).toString();
    },
    put: (as, bucket, key, text) => namespace.put(as, { bucket: bucket.id, key }, body(text), { etag: 'md5' }),
    async close() {
      await storage.close();
      await metadata.close();
      await database.drop();
    },
  };
}

async function inMemory(metadata: Metadata): Promise<Storage> {
  const keyring = {
    create: () => metadata.keys.insert(randomBytes(8)),
    load: async (id: number) => ({ id }),
  } as Partial<Keyring> as Keyring;
  return { content: memoryContent(), keyring, close: async () => undefined };
}

/** The error code that a call ends with; `none` when it does not fail. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: Error & { code?: string }) => error.code ?? String(error),
  );
}

/** What was granted is seen when its signal has come. Who waits in vain is ended by the limit of the test. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}
