import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobContext, JobProgress } from '#contracts/jobs';
import type { Logger } from '#contracts/observability';
import type { Bucket } from '#core/bucket';
import type { Principal } from '#core/principal';
import { collect } from '#core/stream';
import { createKeyring } from '#engine/keyring';
import { createPace } from '#engine/pace';
import { createScrub, SCRUB_REPORT, type ScrubReport, type ScrubState } from '#engine/scrub';
import type { Metadata } from '#metadata/open';
import { openStorage, type Storage, type StorageOptions } from '#storage';
import { freshDatabase, type TestDatabase } from './database.ts';
import { openRooms, type TestRooms } from './rooms.ts';

export interface ScrubRig {
  rooms: TestRooms;
  metadata: Metadata;
  database: TestDatabase;
  owner: Principal;
  bucket: Bucket;
  directory: string;
  /** Every line that said more than `info`, as `message`, with its fields. */
  lines: { level: string; message: string; fields: Record<string, unknown> }[];
  storage(): Storage;
  put(key: string, bytes: Buffer): Promise<void>;
  /** The bytes, or the code of the error. */
  read(key: string): Promise<Buffer | string>;
  /** Seals what is open: closes the storage and opens it again. */
  seal(): Promise<void>;
  packs(): string[];
  /** Changes a sealed pack behind everybody's back; nothing has it open afterwards. */
  damage(pack: string, change: (bytes: Buffer) => Buffer | undefined): Promise<void>;
  /** Changes rows as a disk would: no trigger hears of it. */
  damageRows(sql: string, values?: unknown[]): Promise<void>;
  /** One whole pass. */
  scrub(options?: {
    signal?: AbortSignal;
    state?: unknown;
    save?(state: ScrubState): void;
    bytesPerSecond?: number;
    everyStep?: boolean;
  }): Promise<ScrubReport>;
  hurt(): Promise<string[]>;
  /** As after a restart: keys are unwrapped anew. */
  reopenKeyring(): Promise<void>;
  close(): Promise<void>;
}

export async function openScrubRig(options: Partial<Pick<StorageOptions, 'mirror'>> = {}): Promise<ScrubRig> {
  const directory = mkdtempSync(join(tmpdir(), 'cloudstore-scrub-'));
  const database = await freshDatabase({ schema: true });
  const masterKey = randomBytes(32);
  const clock = { now: () => Date.now() };
  const lines: ScrubRig['lines'] = [];
  const say = (level: string) => (fields: object, message: string) => void lines.push({ level, message, fields: { ...fields } });
  const logger: Logger = { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error'), child: () => logger };
  let storage!: Storage;
  let open!: () => Promise<void>;
  let newKeyring!: () => void;
  const rooms = await openRooms(
    async (metadata) => {
      let keyring = createKeyring({ masterKey, keys: metadata.keys, random: randomBytes });
      newKeyring = () => {
        keyring = createKeyring({ masterKey, keys: metadata.keys, random: randomBytes });
      };
      open = async () => {
        storage = await openStorage({
          dataDirectory: directory,
          keyring,
          chunks: metadata.chunks,
          instance: metadata.instance,
          registry: metadata.stores,
          settings: { 'database-url': null, 'chunks-url': null, 'chunks-ack': 'local', 'chunks-local-bytes': 0, 'pack-dirs': [] },
          integrity: metadata.integrity,
          logger,
          encryption: true,
          compression: true,
          clock,
          random: randomBytes,
          ...options,
        });
      };
      await open();
      return {
        keyring,
        content: new Proxy(storage.content, { get: (_, name) => storage.content[name as keyof Storage['content']] }),
        close: () => storage.close(),
      };
    },
    { database, soleOwner: false },
  );
  const { metadata } = rooms;
  const owner = await rooms.user('owner', 'admin');
  const who = rooms.who(owner);
  const bucket = await rooms.bucket(owner, 'files');
  const folder = join(directory, 'packs');

  async function seal(): Promise<void> {
    await storage.close();
    await open();
  }

  return {
    rooms,
    metadata,
    database,
    owner,
    bucket,
    directory,
    lines,
    storage: () => storage,
    async put(key, bytes) {
      await rooms.namespace.put(who, { bucket: bucket.id, key }, bytesIn(bytes), { etag: 'md5' });
    },
    async read(key) {
      try {
        const { body } = await rooms.namespace.get(who, { bucket: bucket.id, key });
        return await collect(body(), 1 << 28, () => new Error('too large'));
      } catch (error) {
        return (error as { code?: string }).code ?? String(error);
      }
    },
    seal,
    packs: () =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.pack'))
        .sort(),
    async damage(pack, change) {
      const path = join(folder, pack);
      const bytes = readFileSync(path);
      const changed = change(bytes) ?? bytes;
      await storage.close();
      writeFileSync(path, changed);
      await open();
    },
    async scrub({ signal = new AbortController().signal, state = null, save, bytesPerSecond = 1e12, everyStep = false } = {}) {
      const { inspector: packs, records, repair, stores } = storage;
      const { integrity: rows, instance } = metadata;
      const pace = createPace({ bytesPerSecond, busy: () => false });
      const job = createScrub({
        rows,
        instance,
        stores,
        packs,
        records,
        repair,
        pace,
        clock,
        logger,
        everyMs: null,
        ...(everyStep ? { saveMs: 0 } : {}),
      });
      const context: JobContext = {
        signal,
        state,
        argument: null,
        save: async (saved) => void (saved !== null && save?.(structuredClone(saved as ScrubState))),
        progress: (_: JobProgress) => undefined,
      };
      await job.run(context);
      return (await instance.setting<ScrubReport>(SCRUB_REPORT))!;
    },
    async damageRows(sql, values) {
      const table = /(?:UPDATE|FROM) (\w+)/.exec(sql)?.[1];
      await database.sql(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
      await database.sql(sql, values);
      await database.sql(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
    },
    async reopenKeyring() {
      newKeyring();
      await seal();
    },
    async hurt() {
      const files: string[] = [];
      for await (const page of metadata.integrity.hurt()) files.push(...page.map(({ key }) => key));
      return files.sort();
    },
    async close() {
      await rooms.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function* bytesIn(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
