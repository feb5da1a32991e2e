import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLocalDisk } from '#blob/local-disk';
import { createLog } from '#blob/log';
import { createPackFiles } from '#blob/pack-files';
import { createBlobStores } from '#blob/stores';
import type { BlobStores } from '#contracts/blob-stores';
import type { JobContext } from '#contracts/jobs';
import type { Log } from '#contracts/log';
import type { PackFiles } from '#contracts/pack-files';
import type { Bucket } from '#core/bucket';
import type { ContentRef } from '#core/content-ref';
import type { Who } from '#core/principal';
import { createContent } from '#engine/content-store';
import { createKeyring } from '#engine/keyring';
import { createGcJob, type GcOptions } from '#jobs/gc/gc';
import { address, type MetadataRig, openMetadataRig, putIntent } from './metadata-rig.ts';

/** The engine on this machine's disk and a real database, with collection beside it. */
export interface GcRig {
  metadata: MetadataRig;
  home: Bucket & { who: Who };
  content: ReturnType<typeof createContent>;
  log: Log;
  stores: BlobStores;
  masterKey: Buffer;
  directory: string;
  domain: number;
  files: PackFiles;
  put(key: string, bytes: Buffer): Promise<void>;
  read(key: string): Promise<Buffer>;
  bytesOf(content: ContentRef): Promise<Buffer>;
  /** Removes an object and all its history, as when its retention is over. */
  purge(key: string): Promise<void>;
  gc(options?: Partial<GcOptions>, context?: Partial<JobContext>): Promise<Record<string, number>>;
  counts(): Promise<{ chunks: number; leaves: number }>;
  packBytes(): number;
  close(): Promise<void>;
}

export async function openGcRig({ packBytesMax = 8 << 20 } = {}): Promise<GcRig> {
  const metadata = await openMetadataRig('two gateways');
  const { keys, chunks, collection, packs, instance, store } = metadata.gateways[0]!;
  await instance.register({ host: 'here', pid: 1, version: '0' });
  const beat = metadata.gateways[0]!.signals.subscribe('leases', () => void instance.heartbeat(1).catch(() => undefined));
  const directory = mkdtempSync(join(tmpdir(), 'cloudstore-gc-'));
  const disk = nodeDiskOps();
  const clock = { now: () => Date.now() };
  const masterKey = randomBytes(32);
  const keyring = createKeyring({ masterKey, keys, random: randomBytes });
  const local = await createLocalDisk({ directory, disk });
  const log = await createLog({ directory, disk, clock, random: randomBytes, packBytesMax });
  const stores = createBlobStores(new Map([[0, local]]));
  const content = createContent({ keyring, log, stores, chunks, random: randomBytes });
  const files = createPackFiles({ stores, log });
  const domain = await keyring.create();
  const user = await metadata.user('owner');
  const home = await metadata.bucket({ owner: { ...user, domain } });

  let state: unknown = null;

  async function bytesOf(ref: ContentRef): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of content.read(ref)) parts.push(Buffer.from(part));
    return Buffer.concat(parts);
  }

  return {
    metadata,
    home,
    content,
    log,
    stores,
    masterKey,
    directory,
    domain,
    files,
    bytesOf,
    async put(key, bytes) {
      const body = async function* () {
        yield bytes;
      };
      const staged = await content.write(body(), { domain, size: bytes.length });
      const { chunks: added, leaves } = staged;
      await store.commit({ ...putIntent(home, key, { chunks: added, leaves }), content: staged.content });
      staged.release();
    },
    async read(key) {
      const info = await store.current(address(home, key));
      return bytesOf(info!.content!);
    },
    async purge(key) {
      await store.commit({ kind: 'remove', who: home.who, bucket: home.id, key, versionId: randomBytes(16).toString('hex') });
      const slots = 'SELECT id FROM slots WHERE bucket_id = $1 AND key = $2 AND NOT live';
      await metadata.database.sql(`DELETE FROM versions WHERE slot_id IN (${slots})`, [home.id, key]);
    },
    async gc(options = {}, context = {}) {
      const job = createGcJob({
        collection,
        packs,
        files,
        room: async () => Number.POSITIVE_INFINITY,
        clock,
        random: randomBytes,
        pollMs: 20,
        patienceMs: 60_000,
        ...options,
      });
      let counts: Record<string, number> = {};
      await job.run({
        signal: new AbortController().signal,
        state,
        argument: {},
        save: async (saved) => void (state = saved),
        progress: (progress) => void (counts = { ...progress.counts }),
        ...context,
      });
      return counts;
    },
    async counts() {
      const rows = await metadata.database.sql('SELECT (SELECT count(*)::int FROM chunks), (SELECT count(*)::int FROM leaves)');
      const [chunkCount, leafCount] = rows[0] as [number, number];
      return { chunks: chunkCount, leaves: leafCount };
    },
    packBytes: () =>
      readdirSync(directory)
        .filter((name) => name.endsWith('.pack'))
        .reduce((sum, name) => sum + statSync(join(directory, name)).size, 0) +
      log.open().reduce((sum, { size }) => sum + size, 0),
    async close() {
      beat();
      await content.close();
      await log.close();
      await local.close();
      await metadata.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
