import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPackReader } from '#blob/pack-reader';
import { createShelf } from '#blob/shelf';
import type { DiskOps } from '#contracts/disk-ops';
import { CloudStoreError } from '#core/errors';
import { chainTo, openersOf, snapshotFiles } from '../../snapshots.ts';
import { type BackupList, backupPaths, holds } from './backup-list.ts';
import { openCatalog } from './catalog.ts';

export interface BackupVerdict {
  /** Records whose bytes were read and are what they were. */
  records: number;
  /** What is wrong, in sentences; none: all of it can be restored. */
  faults: string[];
}

export interface VerifyOptions {
  from: string;
  masterKey: Buffer;
  disk: DiskOps;
  /** Bytes of packs that were read, and of all. May throw, to end it. */
  progress?(done: number, total: number): void;
  signal?: AbortSignal;
}

const FAULTS_MAX = 1_000;

/**
 * Reads all of a backup: the snapshots to their end, every record of every pack, and that everything which a file consists of is in one of them.
 */
export async function verifyBackup(
  { from, masterKey, disk, progress, signal }: VerifyOptions,
  list: BackupList,
): Promise<BackupVerdict> {
  const paths = backupPaths(from);
  const shelf = createShelf({ directory: paths.snapshots, disk });
  const packs = createPackReader({ directories: [paths.packs], disk });
  const verdict: BackupVerdict = { records: 0, faults: [] };
  const fault = (text: string): void => {
    if (verdict.faults.length < FAULTS_MAX) verdict.faults.push(text);
  };
  const work = await mkdtemp(join(tmpdir(), 'cloudstore-verify-'));
  try {
    const there = new Map((await packs.list()).map((pack) => [pack.id, pack]));
    const total = list.packs.reduce((sum, { bytes }) => sum + bytes, 0);
    let read = 0;
    for (const entry of list.packs) {
      progress?.(read, total);
      read += entry.bytes;
      const pack = there.get(entry.id);
      if (pack === undefined || !holds(pack, entry)) {
        fault(`The pack ${entry.id} is ${pack === undefined ? 'missing' : 'shorter than it should be'}.`);
        continue;
      }
      const { records, damaged, indexGood, end } = await packs.verify(pack, signal);
      verdict.records += records - damaged.length;
      if (damaged.length > 0) fault(`The pack ${entry.id} has ${damaged.length} damaged records, the first at ${damaged[0]}.`);
      else if (!entry.sealed && end < entry.bytes) fault(`The pack ${entry.id} ends at ${end}, before ${entry.bytes}.`);
      if (entry.sealed && !indexGood) fault(`The pack ${entry.id} has no good index.`);
    }
    const files = snapshotFiles(await shelf.list());
    const chain = chainTo(files, list.tip);
    if (chain === null) fault('A snapshot is missing.');
    else {
      const catalog = openCatalog(join(work, 'state.sqlite'));
      try {
        await catalog.load(list.tip, openersOf(shelf, chain, masterKey), async () => packs);
        for (const { bucket, key, current } of catalog.incomplete()) {
          fault(`${bucket}/${key} lacks a part${current ? '' : ' (an older version)'}.`);
        }
      } catch (error) {
        if (!(error instanceof CloudStoreError)) throw error;
        fault(`A snapshot cannot be used: ${error.message}`);
      } finally {
        catalog.close();
      }
    }
    return verdict;
  } finally {
    await packs.close();
    await rm(work, { recursive: true, force: true });
  }
}
