import { randomBytes } from 'node:crypto';
import type { MetadataStore, PutIntent } from '#contracts/metadata-store';
import type { Address } from '#core/address';
import type { Bucket, Versioning } from '#core/bucket';
import type { Principal, Who } from '#core/principal';
import { boardBytes, type ChangeBoard, createChangeBoard } from '#metadata/change-board';
import { type Metadata, openMetadata } from '#metadata/open';
import { freshDatabase, quiet, type TestDatabase } from './database.ts';

/** Time that a test turns. Starts at the real one, and goes on only when told. */
export interface TestClock {
  now(): number;
  advance(ms: number): void;
}

export interface MetadataRig {
  database: TestDatabase;
  clock: TestClock;
  /** One; two that know nothing of each other; or two processes of one, which tell each other what they change. */
  gateways: Metadata[];
  /** The gateways in turn: whatever one has done, the next must know. */
  store: MetadataStore;
  /** One more gateway, which asks each time. */
  open(): Promise<Metadata>;
  user(name?: string): Promise<Account>;
  /** A bucket of its own user, unless one is given. */
  bucket(options?: { owner?: Account; versioning?: Versioning; objectLock?: boolean }): Promise<Bucket & { who: Who }>;
  close(): Promise<void>;
}

export interface Account {
  principal: Principal;
  domain: number;
  who: Who;
}

export type RigKind = 'one gateway' | 'two gateways' | 'two processes';

export async function openMetadataRig(kind: RigKind): Promise<MetadataRig> {
  const database = await freshDatabase({ schema: true });
  let now = Date.now();
  const clock: TestClock = {
    now: () => now,
    advance(ms) {
      now += ms;
    },
  };
  const opened: Metadata[] = [];
  const open = async (more: { soleOwner?: boolean; board?: ChangeBoard } = {}): Promise<Metadata> => {
    const metadata = await openMetadata({ connection: database.connection, clock, random: randomBytes, log: quiet, ...more });
    opened.push(metadata);
    return metadata;
  };
  const memory = new ArrayBuffer(boardBytes(2));
  const gateways =
    kind === 'one gateway'
      ? [await open({ soleOwner: true })]
      : kind === 'two gateways'
        ? [await open(), await open()]
        : [await open({ board: createChangeBoard(memory, 0) }), await open({ board: createChangeBoard(memory, 1) })];
  const [first] = gateways as [Metadata];
  let turn = 0;
  const store = new Proxy(first.store, {
    get(_, name: keyof MetadataStore) {
      return gateways[turn++ % gateways.length]!.store[name];
    },
  });
  let names = 0;

  async function user(name = `user-${++names}`): Promise<Account> {
    // Not with 2 at the front, as what is sealed under a key that it names.
    const domain = await first.keys.insert(Buffer.concat([Buffer.of(1), randomBytes(8)]));
    const { id, role } = await first.principals.create({ name, role: 'member', passwordHash: null, domain });
    const principal = { id, name, role };
    return { principal, domain, who: { principal, protocol: 'rest', requestId: name } };
  }

  return {
    database,
    clock,
    gateways,
    store,
    open: () => open(),
    user,
    async bucket({ owner, versioning = 'off', objectLock = false } = {}) {
      const { principal, domain, who } = owner ?? (await user());
      const bucket = await first.buckets.create({
        name: `bucket-${++names}`,
        owner: principal.id,
        domain,
        versioning,
        objectLock,
      });
      return { ...bucket, who };
    },
    async close() {
      for (const metadata of opened) await metadata.close();
      await database.drop();
    },
  };
}

/** What a put that brings these bytes commits; `more` replaces any of it. */
export function putIntent(
  { id, domain, who }: Bucket & { who: Who },
  key: string,
  more: Partial<Omit<PutIntent, 'content'>> & { size?: number } = {},
): PutIntent {
  const { size = 3, ...rest } = more;
  return {
    kind: 'put',
    who,
    bucket: id,
    key,
    versionId: randomBytes(16).toString('hex'),
    content: { kind: 'inline', domain, size, sealed: Buffer.from('sealed') },
    etag: randomBytes(16).toString('hex'),
    attributes: {},
    contentHash: null,
    chunks: [],
    leaves: [],
    ...rest,
  };
}

export function address(bucket: Bucket, key: string): Address {
  return { bucket: bucket.id, key };
}
