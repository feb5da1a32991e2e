import { join } from 'node:path';
import { createPackReader } from '#blob/pack-reader';
import { createShelf } from '#blob/shelf';
import { IDENTITY_NAME } from '#blob/store-identity';
import type { DiskOps } from '#contracts/disk-ops';
import type { PackOnDisk, PackReader } from '#contracts/pack-reader';
import type { Shelf } from '#contracts/shelf';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { Metadata } from '#metadata/open';
import { writeDurably } from '../../data-directory.ts';
import { chainTo, snapshotFiles, takeSnapshot } from '../../snapshots.ts';
import { type BackupList, backupFiles, backupPaths, holds, namesOf, readBackupList, writeBackupList } from './backup-list.ts';
import { appendFile, copyFile } from './pack-copy.ts';

export interface BackupOptions {
  metadata: Metadata;
  dataDirectory: string;
  /** Of the data directory. */
  shelf: Shelf;
  packs: PackReader;
  masterKey: Buffer;
  to: string;
  /** Write the master key there too. */
  includeKey: boolean;
  /** How many backups stay; null: all. */
  keep: number | null;
  /** @throws conflict when collection does not wait for this process any more */
  alive(): Promise<void>;
  disk: DiskOps;
  random: Random;
}

export interface BackupReport {
  name: string;
  /** When its snapshot was taken, ISO. */
  taken: string;
  packs: number;
  bytes: number;
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
  const { metadata, shelf, masterKey, random, to, disk, alive, includeKey, dataDirectory } = options;
  await assertLocal(metadata);
  const paths = backupPaths(to);
  const lists = createShelf({ directory: paths.lists, disk });
  const target = createPackReader({ directories: [paths.packs], disk });
  try {
    await assertSameInstallation(disk, join(dataDirectory, 'packs', IDENTITY_NAME), join(paths.packs, IDENTITY_NAME));
    const tip = await takeSnapshot({ dumps: metadata.dumps, shelf, masterKey, random });
    const chain = chainTo(snapshotFiles(await shelf.list()), tip.id);
    if (chain === null) throw new CloudStoreError('internal', 'The snapshot that was taken is not there.');
    const copied = { bytes: 0 };
    const packs = await copyPacks(options, target, paths, copied);
    await copyFile(disk, join(dataDirectory, 'packs', IDENTITY_NAME), join(paths.packs, IDENTITY_NAME), null);
    const kept = createShelf({ directory: paths.snapshots, disk });
    const there = new Map((await kept.list()).map(({ name, bytes }) => [name, bytes]));
    for (const { name, bytes } of chain) {
      if (there.get(name) === bytes) continue;
      await kept.put(name, shelf.read(name));
      copied.bytes += bytes;
    }
    await copyFile(disk, join(dataDirectory, 'master-key.json'), join(to, 'master-key.json'), null);
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
  const { packs, disk, alive } = options;
  const done = new Map<string, BackupList['packs'][number]>();
  for (let vanished = true; vanished; ) {
    vanished = false;
    const there = new Map((await target.list()).map((pack) => [pack.id, pack]));
    for (const pack of await packs.list()) {
      await alive();
      if (done.has(pack.id)) continue;
      const entry = pack.open
        ? await copyOpen(options, target, there.get(pack.id), pack, join(paths.openPacks, `${pack.id}.pack`), copied)
        : await copySealed(disk, there.get(pack.id), pack, join(paths.packs, `${pack.id}.pack`), copied);
      // Sealed, or rewritten and removed, between our look and the copy: look again.
      if (entry === null) vanished = true;
      else done.set(pack.id, entry);
    }
  }
  return [...done.values()];
}

async function copySealed(
  disk: DiskOps,
  there: PackOnDisk | undefined,
  { id, path, size }: PackOnDisk,
  to: string,
  copied: { bytes: number },
): Promise<BackupList['packs'][number] | null> {
  const entry = { id, bytes: size, sealed: true };
  if (holds(there, entry)) return entry;
  if (!(await copyFile(disk, path, to, size))) return null;
  copied.bytes += size;
  if (there?.open === true) await disk.unlink(there.path);
  return entry;
}

/** Its whole records of now. What was copied before is a beginning of it. */
async function copyOpen(
  { packs, disk }: BackupOptions,
  target: PackReader,
  there: PackOnDisk | undefined,
  pack: PackOnDisk,
  to: string,
  copied: { bytes: number },
): Promise<BackupList['packs'][number] | null> {
  const source = await packs.verify(pack).catch((error: unknown) => {
    if (error instanceof CloudStoreError && error.code === 'not_found') return null;
    throw error;
  });
  if (source === null) return null;
  const { end } = source;
  const entry = { id: pack.id, bytes: end, sealed: false };
  if (there !== undefined && !there.open) return entry;
  const before = there === undefined ? null : await target.verify(there).catch(() => null);
  await target.forget(pack.id);
  if (before !== null && before.damaged.length === 0 && before.end <= end) {
    if (!(await appendFile(disk, pack.path, to, before.end, end))) return null;
    copied.bytes += end - before.end;
    return entry;
  }
  if (!(await copyFile(disk, pack.path, to, end))) return null;
  copied.bytes += end;
  return entry;
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

async function assertLocal({ stores }: Metadata): Promise<void> {
  const elsewhere = (await stores.list()).find(({ number, state }) => number !== 0 && state !== 'removed');
  if (elsewhere === undefined) return;
  throw new CloudStoreError(
    'invalid_argument',
    `Packs of this installation lie in ${elsewhere.location}, which this version does not back up. Copy that store by its own means, and the folder snapshots of the data directory.`,
  );
}

/** Two installations in one directory would take each other's packs for their own. */
async function assertSameInstallation(disk: DiskOps, ours: string, theirs: string): Promise<void> {
  const [one, other] = [await textOf(disk, ours), await textOf(disk, theirs)];
  if (one === null || other === null || one === other) return;
  throw new CloudStoreError(
    'conflict',
    'The directory holds the backups of another installation of CloudStore. Name another one.',
  );
}

async function textOf(disk: DiskOps, path: string): Promise<string | null> {
  if ((await disk.stat(path)) === null) return null;
  const file = await disk.open(path, 'r');
  try {
    const into = Buffer.alloc(4096);
    return into.toString('utf8', 0, await file.read(into, 0, into.length, 0));
  } finally {
    await file.close();
  }
}
