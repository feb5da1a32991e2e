import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { nodeDiskOps } from '#blob/disk-ops';
import { createPackReader } from '#blob/pack-reader';
import type { ChunkPlace } from '#contracts/content';
import { encodeContentRef } from '#core/content-ref';
import type { ObjectAttributes } from '#core/object';
import { createKeyring } from '#engine/keyring';
import { type BackupFiles, openBackupFiles } from '../../src/backup-files.ts';
import { completeIndex, INDEXED_TABLES } from '../../src/backup-index.ts';
import { backupPaths } from '../../src/cli/offline/backup-list.ts';
import { loadDumps } from '../../src/cli/offline/dump-tables.ts';
import { RECORDS_TABLE, takePacks } from '../../src/cli/offline/pack-records.ts';
import { keysInMemory } from './content-rig.ts';
import { openLocalContent } from './local-content.ts';
import { memoryChunks } from './memory-chunks.ts';

/** What a test wants in a backup. */
export interface WantedFile {
  key: string;
  body?: Buffer;
  etag?: string;
  attributes?: ObjectAttributes;
  /** In place of the true one. */
  contentHash?: Buffer;
  /** In place of the true one. */
  size?: number;
}

/** A backup that was opened: real packs, and the index as the gateway makes it, without a gateway. */
export interface OpenedBackup {
  from: string;
  files: BackupFiles;
  /** Where the chunks of a file lie, in their order. */
  places(key: string): Promise<ChunkPlace[]>;
  /** Damages one byte of a record, in the pack itself. */
  flip(place: ChunkPlace): void;
  close(): Promise<void>;
}

export const TAKEN_MS = Date.parse('2026-11-25T03:00:00Z');
export const BUCKET = 'home';

/** @param twice every pack is there twice, the second under another id */
export async function openBackup(wanted: readonly WantedFile[], { twice = false } = {}): Promise<OpenedBackup> {
  const from = mkdtempSync(join(tmpdir(), 'cloudstore-opened-'));
  const paths = backupPaths(from);
  mkdirSync(paths.packs, { recursive: true });
  const disk = nodeDiskOps();
  const masterKey = randomBytes(32);
  const keys = keysInMemory();
  const keyring = createKeyring({ masterKey, keys, random: randomBytes });
  const domain = await keyring.create();
  const chunks = memoryChunks();
  const storage = await openLocalContent({ directory: paths.packs, disk, clock: Date, keyring, chunks });
  const path = join(from, 'index.sqlite');
  const database = new DatabaseSync(path);
  await loadDumps(database, INDEXED_TABLES, []);
  database.prepare('INSERT INTO buckets (id, name, kind) VALUES (1, ?, ?)').run(BUCKET, 'standard');
  database.prepare('INSERT INTO domains (id, wrapped) VALUES (?, ?)').run(domain, (await keys.find(domain))!);
  const slot = database.prepare('INSERT INTO slots (id, bucket_id, key, live, version_id) VALUES (?, 1, ?, 1, ?)');
  const version = database.prepare(
    `INSERT INTO versions (id, slot_id, seq, delete_marker, size, etag, modified_ms, mtime_ms, attributes, content, content_hash)
     VALUES (?, ?, 1, 0, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const leaf = database.prepare('INSERT OR IGNORE INTO leaves (domain, id, entries) VALUES (?, ?, ?)');
  const ids = new Map<string, Buffer[]>();
  for (const [index, { key, body = Buffer.alloc(0), etag = `etag-${index}`, attributes = {}, ...wrong }] of wanted.entries()) {
    const staged = await storage.content.write(whole(body), { domain, size: body.length });
    chunks.commit(staged);
    staged.release();
    ids.set(
      key,
      staged.chunks.map(({ id }) => id),
    );
    for (const { id, entries } of staged.leaves) leaf.run(domain, id, entries);
    const id = randomBytes(16);
    slot.run(index + 1, key, id);
    const { size = body.length, contentHash = staged.contentHash } = wrong;
    const content = encodeContentRef(staged.content);
    version.run(id, index + 1, size, etag, TAKEN_MS, TAKEN_MS, JSON.stringify(attributes), content, contentHash);
  }
  await storage.close();
  if (twice)
    for (const folder of [paths.packs, paths.openPacks])
      for (const name of readdirSync(folder).filter((one) => one.endsWith('.pack')))
        writeFileSync(join(folder, `${'f'.repeat(8)}${name.slice(8)}`), readFileSync(join(folder, name)));
  database.exec(RECORDS_TABLE);
  const packs = createPackReader({ directories: [paths.packs], disk });
  await takePacks(database, packs);
  if (twice)
    database.exec(
      `INSERT INTO records SELECT domain, id, 'ffffffff' || substr(pack, 9), offset, length FROM records WHERE pack NOT LIKE 'ffffffff%'`,
    );
  await packs.close();
  completeIndex(database, TAKEN_MS, []);
  database.close();
  const files = openBackupFiles({ path, from, masterKey, disk, random: randomBytes });
  if (files === null) throw new Error('The index that was just made is none.');
  return {
    from,
    files,
    places: async (key) => (await chunks.places(domain, ids.get(key)!)).map((place) => place!),
    flip({ pack, offset, length }) {
      const found = readdirSync(paths.packs, { recursive: true, withFileTypes: true }).find(
        ({ name }) => name === `${pack}.pack`,
      );
      const file = join(found!.parentPath, found!.name);
      const bytes = readFileSync(file);
      bytes[offset + length - 20]! ^= 1;
      writeFileSync(file, bytes);
    },
    async close() {
      await files.close();
      rmSync(from, { recursive: true, force: true });
    },
  };
}

async function* whole(body: Buffer): AsyncGenerator<Buffer> {
  if (body.length > 0) yield body;
}
