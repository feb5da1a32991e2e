import { join } from 'node:path';
import { createLocalDisk } from '#blob/local-disk';
import { createPackReader } from '#blob/pack-reader';
import { createShelf } from '#blob/shelf';
import { IDENTITY_NAME, readIdentity, type StoreIdentity, writeIdentity } from '#blob/store-identity';
import type { DiskOps } from '#contracts/disk-ops';
import type { PackOnDisk, PackReader, PackVerdict } from '#contracts/pack-reader';
import type { Shelf } from '#contracts/shelf';
import type { Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Metadata } from '#metadata/open';
import { writeDurably } from '../../data-directory.ts';
import { instanceIdOf } from '../../owner.ts';
import { chainTo, snapshotFiles, takeSnapshot, untilAborted } from '../../snapshots.ts';
import { identityIn } from '../disks.ts';
import { type BackupList, backupFiles, backupPaths, holds, namesOf, readBackupList, writeBackupList } from './backup-list.ts';
import { lostPacks, packsInUse } from './lost-packs.ts';
import { appendPack, copyFile, copyPack } from './pack-copy.ts';
import type { PackStores } from './pack-stores.ts';

export interface BackupOptions {
  metadata: Metadata;
  dataDirectory: string;
  /** Of the data directory. */
  shelf: Shelf;
  /** Of every store. */
  packs: PackStores;
  masterKey: Buffer;
  to: string;
  /** Write the master key there too. */
  includeKey: boolean;
  /** How many backups stay; null: all. */
  keep: number | null;
  /** @throws conflict when collection does not wait for this process any more, aborted when nobody wants it any more */
  alive(): Promise<void>;
  /** Bytes of packs that are in the backup by now, and of all that are to be. */
  progress?(done: number, total: number): void;
  /** Fires when nobody wants it any more: seen within a piece of a pack, so that a slow disk need not take all of one first. */
  signal?: AbortSignal;
  disk: DiskOps;
  random: Random;
}

export interface BackupReport {
  name: string;
  /** When its snapshot was taken, ISO. */
  taken: string;
  packs: number;
  bytes: number;
  /** Packs in use that are neither in a store nor in a backup of before, in sentences. */
  lacking: string[];
  /** What this run has copied. */
  copiedBytes: number;
  snapshots: number;
  removed: { backups: number; packs: number };
  includesKey: boolean;
}

/**
 * Copies what is new since the last backup, beside a gateway that runs. The database comes first: every chunk that a snapshot names was durable in a pack before
 * it was named, so packs that are copied later have it; the other way round, a file that came in between would lack its bytes. What could take a chunk away in
 * between is collection, which waits for us as it waits for uploads (`pin`, from before the snapshot); compaction only puts it into another pack, which we then
 * see when we look again. docs/adr/0013.
 */
export async function backupTo(options: BackupOptions): Promise<BackupReport> {
  const { metadata, shelf, masterKey, random, to, disk, alive, includeKey, dataDirectory, signal } = options;
  await assertReached(options);
  const paths = backupPaths(to);
  const lists = createShelf({ directory: paths.lists, disk });
  const target = createPackReader({ directories: [paths.packs], disk });
  try {
    const store = await identityFor(options, paths.packs);
    await removeUnfinished(disk, to);
    const tip = await takeSnapshot({ dumps: metadata.dumps, shelf, masterKey, random, ...(signal && { signal }) });
    const chain = chainTo(snapshotFiles(await shelf.list()), tip.id);
    if (chain === null) throw new CloudStoreError('internal', 'The snapshot that was taken is not there.');
    const then = await packsInUse(metadata);
    const copied = { bytes: 0 };
    const found = await copyPacks(options, target, paths, copied);
    const { kept: lost, lacking } = await lostPacks(found, { then, now: await packsInUse(metadata) }, target);
    const packs = [...found, ...lost];
    await store.write();
    const kept = createShelf({ directory: paths.snapshots, disk });
    const there = new Map((await kept.list()).map(({ name, bytes }) => [name, bytes]));
    for (const { name, bytes } of chain) {
      if (there.get(name) === bytes) continue;
      await kept.put(name, untilAborted(shelf.read(name), signal));
      copied.bytes += bytes;
    }
    await copyFile(disk, join(dataDirectory, 'master-key.json'), join(to, 'master-key.json'), null, signal);
    if (includeKey) await writeDurably(join(to, 'master.key'), `${masterKey.toString('hex')}\n`);
    await alive();
    const number = Math.max(0, ...(await backupFiles(lists)).map((file) => file.number)) + 1;
    const list: BackupList = { number, takenMs: tip.takenMs, tip: tip.id, snapshots: namesOf(chain), packs };
    const name = await writeBackupList(lists, list, { masterKey, random });
    const removed = options.keep === null ? { backups: 0, packs: 0 } : await prune(options, lists, kept, target, options.keep);
    return {
      name,
      taken: new Date(tip.takenMs).toISOString(),
      packs: packs.length,
      bytes: packs.reduce((sum, { bytes }) => sum + bytes, 0),
      lacking,
      copiedBytes: copied.bytes,
      snapshots: chain.length,
      removed,
      includesKey: includeKey,
    };
  } finally {
    await target.close();
  }
}

async function copyPacks(
  options: BackupOptions,
  target: PackReader,
  paths: ReturnType<typeof backupPaths>,
  copied: { bytes: number },
): Promise<BackupList['packs']> {
  const { packs, alive, progress } = options;
  const done = new Map<string, BackupList['packs'][number]>();
  for (let vanished = true; vanished; ) {
    vanished = false;
    const there = new Map((await target.list()).map((pack) => [pack.id, pack]));
    const all = await packs.list();
    const total = all.reduce((sum, { size }) => sum + size, 0);
    let safe = 0;
    for (const pack of all) {
      await alive();
      progress?.(safe, total);
      safe += pack.size;
      if (done.has(pack.id)) continue;
      const copy = pack.open ? copyOpen : copySealed;
      const path = join(pack.open ? paths.openPacks : paths.packs, `${pack.id}.pack`);
      const entry = await copy(options, target, there.get(pack.id), pack, path, copied);
      // Sealed, or rewritten and removed, between our look and the copy: look again.
      if (entry === null) vanished = true;
      else done.set(pack.id, entry);
    }
  }
  return [...done.values()];
}

async function copySealed(
  { disk, packs, signal, to: directory }: BackupOptions,
  target: PackReader,
  there: PackOnDisk | undefined,
  pack: PackOnDisk,
  to: string,
  copied: { bytes: number },
): Promise<BackupList['packs'][number] | null> {
  const { id, size } = pack;
  const entry = { id, bytes: size, sealed: true };
  if (holds(there, entry)) return entry;
  if (there?.open === false) {
    if (isGood(await target.verify(there, signal))) {
      if (isGood(await packs.verify(pack, signal).catch(unlessGone))) throw parted(id, directory);
      return { id, bytes: there.size, sealed: true }; // ours is damaged since it was copied
    }
    await target.forget(id);
  }
  if (!(await copyPack(disk, packs, id, to, size, signal))) return null;
  copied.bytes += size;
  if (there?.open === true) await disk.unlink(there.path);
  return entry;
}

/** Its whole records of now. What was copied before is a beginning of it. */
async function copyOpen(
  { packs, disk, signal, to: directory }: BackupOptions,
  target: PackReader,
  there: PackOnDisk | undefined,
  pack: PackOnDisk,
  to: string,
  copied: { bytes: number },
): Promise<BackupList['packs'][number] | null> {
  const source = await packs.verify(pack, signal).catch(unlessGone);
  if (source === null) return null;
  const { end } = source;
  const entry = { id: pack.id, bytes: end, sealed: false };
  if (there?.open === false) {
    if ((await target.verify(there, signal)).end >= end) return entry;
    throw parted(pack.id, directory);
  }
  const before = there === undefined ? null : await target.verify(there, signal).catch(() => null);
  signal?.throwIfAborted();
  await target.forget(pack.id);
  if (before !== null && before.damaged.length === 0 && before.end <= end) {
    if (!(await appendPack(disk, packs, pack.id, to, { at: before.end, end, signal }))) return null;
    copied.bytes += end - before.end;
    return entry;
  }
  if (!(await copyPack(disk, packs, pack.id, to, end, signal))) return null;
  copied.bytes += end;
  return entry;
}

function isGood(verdict: PackVerdict | null): boolean {
  return verdict !== null && verdict.damaged.length === 0 && verdict.indexGood;
}

function unlessGone(error: unknown): null {
  if (isCloudStoreError(error, 'not_found')) return null;
  throw error;
}

/**
 * A pack that was open when a backup was taken goes on here, and was ended where that backup was restored: under one name there are two, and whichever took the other's
 * place would break its backups.
 */
function parted(id: string, directory: string): CloudStoreError {
  return new CloudStoreError(
    'conflict',
    `Another installation, which was restored from a backup of this one, has its backups in ${directory} too, and the pack ${id} has become another there. Give one of the two a directory of its own.`,
  );
}

/** Backups beyond the newest, then what none of those that stay needs. */
async function prune(
  { masterKey, disk }: BackupOptions,
  lists: Shelf,
  snapshots: Shelf,
  target: PackReader,
  keep: number,
): Promise<BackupReport['removed']> {
  const files = await backupFiles(lists);
  const gone = files.slice(0, Math.max(0, files.length - keep));
  const neededPacks = new Set<string>();
  const neededSnapshots = new Set<string>();
  for (const { name } of files.slice(gone.length)) {
    const list = await readBackupList(lists, name, masterKey);
    for (const { id } of list.packs) neededPacks.add(id);
    for (const snapshot of list.snapshots) neededSnapshots.add(snapshot.name);
  }
  for (const { name } of gone) await lists.remove(name);
  let packs = 0;
  for (const { id, path } of await target.list()) {
    if (neededPacks.has(id)) continue;
    await disk.unlink(path);
    packs++;
  }
  for (const { name } of await snapshots.list()) if (!neededSnapshots.has(name)) await snapshots.remove(name);
  return { backups: gone.length, packs };
}

/** What one that was killed was writing: nobody would come by its name again once the pack is rewritten into another. */
async function removeUnfinished(disk: DiskOps, to: string): Promise<void> {
  for (const directory of Object.values(backupPaths(to))) {
    if ((await disk.stat(directory)) === null) continue;
    for (const name of await disk.readdir(directory)) if (name.endsWith('.new')) await disk.unlink(join(directory, name));
  }
  for (const path of ['master-key.json.new', 'master.key.new'].map((name) => join(to, name)))
    if ((await disk.stat(path)) !== null) await disk.unlink(path);
}

/** A backup without the packs of a store would be none. */
async function assertReached({ metadata, packs, dataDirectory }: BackupOptions): Promise<void> {
  const { stores } = metadata;
  for (const { number, location, why } of await packs.know(await stores.list())) {
    if (number === null || !(await stores.holds(number))) continue;
    throw new CloudStoreError('unavailable', `Packs of this installation lie in ${location}, and ${why}.`);
  }
  const spool = await stores.spool();
  if (spool === null || spool.identity === (await identityIn(join(dataDirectory, 'spool')))) return;
  throw new CloudStoreError(
    'unavailable',
    `Packs may be on their way to the chunk store in ${spool.location}: make the backup on the machine that has that directory.`,
  );
}

/**
 * The identity under which the packs of a backup are the store of whoever restores it: that of the data directory's store, or where packs never lay there, one of
 * its own. Two installations in one directory would take each other's packs for their own. @throws conflict
 */
async function identityFor(
  { dataDirectory, disk, metadata, random }: BackupOptions,
  directory: string,
): Promise<{ write(): Promise<void> }> {
  const instance = await instanceIdOf(metadata.instance, random);
  const [ours, theirs] = [await identityOf(disk, join(dataDirectory, 'packs')), await identityOf(disk, directory)];
  if (theirs !== null && (theirs.instance !== instance || (ours !== null && theirs.store !== ours.store)))
    throw new CloudStoreError(
      'conflict',
      'The directory holds the backups of another installation of CloudStore. Name another one.',
    );
  return {
    async write() {
      if (theirs !== null) return;
      const blobs = await createLocalDisk({ directory, disk, tidy: false });
      try {
        await writeIdentity(blobs, ours ?? { instance, store: random(16).toString('hex') });
      } finally {
        await blobs.close();
      }
    },
  };
}

async function identityOf(disk: DiskOps, directory: string): Promise<StoreIdentity | null> {
  if ((await disk.stat(join(directory, IDENTITY_NAME))) === null) return null;
  const blobs = await createLocalDisk({ directory, disk, tidy: false });
  try {
    return await readIdentity(blobs);
  } finally {
    await blobs.close();
  }
}
