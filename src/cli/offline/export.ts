import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '#blob/disk-error';
import { writeFully } from '#blob/durable-write';
import type { DiskOps } from '#contracts/disk-ops';
import type { Logger } from '#contracts/observability';
import type { Shelf } from '#contracts/shelf';
import type { Random } from '#core/clock';
import { type ContentRef, decodeContentRef } from '#core/content-ref';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Bytes } from '#core/stream';
import { type ContentReader, createContentReader } from '#engine/content-reader';
import { createKeyring } from '#engine/keyring';
import { findGoodChain, openersOf } from '../../snapshots.ts';
import { WAS_PLAIN } from '../../storage.ts';
import { type Catalog, type CatalogBucket, type CatalogObject, openCatalog } from './catalog.ts';
import { hashedPathOf, pathOf } from './file-names.ts';
import { writeLines } from './lines.ts';
import type { PackFault } from './pack-records.ts';
import type { PackStores, UnreachedStore } from './pack-stores.ts';
import { diskRefusal, placeFile, REFUSED_NAMES } from './place-file.ts';

export interface ExportOptions {
  shelf: Shelf;
  packs: PackStores;
  masterKey: Buffer;
  disk: DiskOps;
  random: Random;
  log: Logger;
  /** Where the files go: absent, empty, or with an export of the same snapshot that was cut short. */
  to: string;
  /** Only this one. */
  bucket: string | null;
  /** The newest snapshot of before, ms since the epoch. */
  atMs: number | null;
}

export interface ExportReport {
  /** When the snapshot was taken, ISO. */
  snapshot: string;
  /** Newer snapshots that could not be used. */
  skipped: { name: string; why: string }[];
  files: number;
  bytes: number;
  folders: number;
  /** Of `files`, those that an earlier run had brought back already. */
  resumed: number;
  failed: number;
  /** The first of them; all are in the list. */
  failures: { bucket: string; key: string; why: string }[];
  packs: PackFault[];
  /** Whose packs could not be looked through. */
  stores: UnreachedStore[];
  /** Of the file that lists every key with its path. */
  list: string;
}

const STATE = '.cloudstore-export';
/** No bucket can be called so. */
export const LIST = '_files.jsonl';
const AT_ONCE = 8;
const FAILURES_SHOWN = 100;

/**
 * Brings the files of a snapshot back with nothing but packs, snapshots and the master key. Every byte is authenticated, and whole contents are compared
 * with their hash. No file that is there is ever written over.
 * @throws conflict when `to` holds something else; not_found without a snapshot or bucket
 */
export async function exportOffline(options: ExportOptions): Promise<ExportReport> {
  const { shelf, packs, masterKey, to, atMs, log } = options;
  await assertFree(to);
  const { chain, skipped } = await findGoodChain(shelf, masterKey, atMs);
  const tip = chain.at(-1)!;
  await mkdir(join(to, STATE), { recursive: true, mode: 0o700 });
  const catalog = await openState(join(to, STATE, 'state.sqlite'), tip.id);
  try {
    let faults: PackFault[] = [];
    let unreached: UnreachedStore[] = [];
    if (catalog.snapshot() === null) {
      log.info({ snapshot: tip.name, dumps: chain.length }, 'reading the snapshot and the packs');
      faults = await catalog.load(tip.id, openersOf(shelf, chain, masterKey), async (stores) => {
        unreached = await packs.know(stores);
        return packs;
      });
    } else {
      unreached = await packs.know(catalog.stores());
      faults = await catalog.look(packs);
    }
    // What could not be had may be there now: a disk that was not mounted, a pack from a backup.
    catalog.done.forgetFailures();
    const buckets = catalog.buckets().filter(({ name }) => options.bucket === null || name === options.bucket);
    if (options.bucket !== null && buckets.length === 0) {
      throw new CloudStoreError('bucket_not_found', `The snapshot has no bucket ${options.bucket}.`);
    }
    const report: ExportReport = {
      snapshot: new Date(tip.takenMs).toISOString(),
      skipped,
      files: 0,
      bytes: 0,
      folders: 0,
      resumed: 0,
      failed: 0,
      failures: [],
      packs: faults,
      stores: unreached,
      list: join(to, LIST),
    };
    for (const bucket of buckets) await exportBucket(options, catalog, bucket, report);
    await writeLines(options.disk, join(to, LIST), listed(catalog));
    catalog.close();
    await rm(join(to, STATE), { recursive: true, force: true });
    return report;
  } finally {
    catalog.close();
  }
}

async function assertFree(to: string): Promise<void> {
  const names = await readdir(to).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [] as string[];
    throw new CloudStoreError('unavailable', `${to} cannot be read (${codeOf(error)}).`, { cause: error });
  });
  if (names.length === 0 || names.includes(STATE)) return;
  throw new CloudStoreError(
    'conflict',
    `${to} is not empty, and what is in it is no export that was cut short. Name another directory.`,
  );
}

/** Of another snapshot, or of a machine that lost its power: begun anew. What was brought back is found by its bytes. */
async function openState(path: string, snapshot: string): Promise<Catalog> {
  try {
    const catalog = openCatalog(path);
    const found = catalog.snapshot();
    if (found === snapshot || found === null) return catalog;
    catalog.close();
  } catch {
    // damaged
  }
  await rm(path, { force: true });
  return openCatalog(path);
}

async function exportBucket(
  options: ExportOptions,
  catalog: Catalog,
  bucket: CatalogBucket,
  report: ExportReport,
): Promise<void> {
  const root = join(options.to, bucket.name);
  await mkdir(root, { recursive: true });
  const keyring = createKeyring({
    masterKey: options.masterKey,
    keys: { ...catalog.keys, insert: readOnly, replace: readOnly, list: readOnly },
    random: options.random,
  });
  const { packs, random } = options;
  const readers = [false, true].map((other) =>
    createContentReader({
      keyring,
      chunks: catalog.chunks(other),
      random,
      wasPlain: async () => catalog.setting(WAS_PLAIN) === true,
      read: ({ pack, offset }, at, length, into) => packs.read(pack, offset + at, length, into),
    }),
  );
  const objects = catalog.objects(bucket.id);
  const worker = async (): Promise<void> => {
    for (let next = objects.next(); !next.done; next = objects.next()) {
      await exportObject({ options, catalog, bucket, root, readers, report }, next.value);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

interface Work {
  options: ExportOptions;
  catalog: Catalog;
  bucket: CatalogBucket;
  root: string;
  /** By the first place of each chunk, and by another one where there is one. */
  readers: ContentReader[];
  report: ExportReport;
}

async function exportObject(work: Work, object: CatalogObject): Promise<void> {
  const { catalog, bucket, report } = work;
  const before = catalog.done.find(object.slot);
  if (before?.path != null) {
    report.resumed++;
    count(report, object);
    return;
  }
  const failed = (why: string): void => {
    report.failed++;
    if (report.failures.length < FAILURES_SHOWN) report.failures.push({ bucket: bucket.name, key: object.key, why });
    catalog.done.add(object.slot, bucket.name, object, null, why);
  };
  try {
    const path = await bringBack(work, object);
    catalog.done.add(object.slot, bucket.name, object, path, null);
    count(report, object);
  } catch (error) {
    // A disk that is full or gone would fail every one that follows.
    if (!isCloudStoreError(error, 'corrupt') && !isCloudStoreError(error, 'not_found'))
      throw diskRefusal(error, work.options.to, { goesOn: true });
    failed(error.message);
  }
}

function count(report: ExportReport, { key, size }: CatalogObject): void {
  if (key.endsWith('/') && size === 0) report.folders++;
  else report.files++;
  report.bytes += size;
}

/** Gives the path below the bucket's folder. */
async function bringBack(work: Work, object: CatalogObject): Promise<string> {
  const { root, catalog, bucket } = work;
  if (object.content === null) throw new CloudStoreError('corrupt', 'The snapshot does not have its current version.');
  if (object.sealed)
    throw new CloudStoreError(
      'not_found',
      'Only its client has its key (SSE-C): a gateway gives it to who brings the key, from a backup too.',
    );
  const content = decodeContentRef(object.content);
  const windows = process.platform === 'win32';
  if (object.key.endsWith('/') && content.size === 0) {
    const folder = pathOf(object.key, { besideFolder: false, windows }).replace(/\/%_$/, '');
    try {
      await mkdir(join(root, folder), { recursive: true });
      return `${folder}/`;
    } catch (error) {
      if (!['ENAMETOOLONG', 'EEXIST', 'ENOTDIR'].includes(codeOf(error) ?? '')) throw error;
    }
  }
  const natural = pathOf(object.key, { besideFolder: catalog.hasBelow(bucket.id, object.key), windows });
  for (const path of [natural, hashedPathOf(object.key)]) {
    try {
      if (await writeObject(work, object, content, join(root, path))) return path;
    } catch (error) {
      // A case-insensitive file system has a file where this one needs a folder; or all of the path is too long.
      if (!REFUSED_NAMES.includes(codeOf(error) ?? '')) throw error;
    }
  }
  throw new CloudStoreError('corrupt', 'Another file has its place, and its other name too.');
}

/** False: a file with other bytes is there already. */
async function writeObject(work: Work, object: CatalogObject, content: ContentRef, path: string): Promise<boolean> {
  const { options, readers } = work;
  const there = await stat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (there !== null)
    return there.isFile() && there.size === content.size && (await sameAs(options.disk, path, readers, object, content));
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(options.to, STATE, `${object.slot}.new`);
  try {
    await writeVerified(options.disk, temporary, readers, object, content);
    const seconds = (object.mtime || object.modified) / 1000;
    await utimes(temporary, seconds, seconds);
    return await placeFile(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeVerified(
  disk: DiskOps,
  path: string,
  readers: ContentReader[],
  object: CatalogObject,
  content: ContentRef,
): Promise<void> {
  let failure: unknown = null;
  for (const reader of readers) {
    const file = await disk.open(path, 'w', 0o644);
    try {
      let at = 0;
      for await (const bytes of verified(reader, object, content)) {
        await writeFully(file, [bytes], at);
        at += bytes.length;
      }
      await file.sync();
      return;
    } catch (error) {
      if (!isCloudStoreError(error, 'corrupt')) throw error;
      failure ??= error;
    } finally {
      await file.close();
    }
  }
  throw failure;
}

/** @throws corrupt at the end, when the whole is not what was stored */
async function* verified(reader: ContentReader, { contentHash }: CatalogObject, content: ContentRef): Bytes {
  const hasher = contentHash === null ? null : reader.hasher();
  let size = 0;
  for await (const bytes of reader.read(content)) {
    hasher?.update(bytes);
    size += bytes.length;
    yield bytes;
  }
  if (size !== content.size) throw new CloudStoreError('corrupt', 'It has another length than it should have.');
  if (hasher !== null && contentHash !== null && !hasher.digest().equals(contentHash)) {
    throw new CloudStoreError('corrupt', 'It does not have the hash that it was stored with.');
  }
}

async function sameAs(
  disk: DiskOps,
  path: string,
  readers: ContentReader[],
  object: CatalogObject,
  content: ContentRef,
): Promise<boolean> {
  const file = await disk.open(path, 'r');
  try {
    for (const reader of readers) {
      try {
        let at = 0;
        for await (const bytes of verified(reader, object, content)) {
          const there = Buffer.allocUnsafe(bytes.length);
          if ((await file.read(there, 0, bytes.length, at)) !== bytes.length || !there.equals(bytes)) return false;
          at += bytes.length;
        }
        return true;
      } catch (error) {
        if (!isCloudStoreError(error, 'corrupt') || reader === readers.at(-1)) throw error;
      }
    }
    return false;
  } finally {
    await file.close();
  }
}

function* listed(catalog: Catalog): Generator<unknown> {
  for (const { bucket, path, why, mtime, ...rest } of catalog.done.all()) {
    const where = path === null ? null : `${bucket}/${path}`;
    yield { bucket, ...rest, mtime: new Date(mtime).toISOString(), path: where, ...(why === null ? {} : { missing: why }) };
  }
}

async function readOnly(): Promise<never> {
  throw new CloudStoreError('internal', 'An export makes no keys.');
}
