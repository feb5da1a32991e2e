import { mkdir, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '#blob/disk-error';
import { nodeDiskOps } from '#blob/disk-ops';
import { writeFully } from '#blob/durable-write';
import type { BackedUpFile } from '#contracts/backups';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { besideName } from '../../backup-extract.ts';
import { assertReadable, type BackupFiles } from '../../backup-files.ts';
import { hashedPathOf, pathOf } from './file-names.ts';
import { diskRefusal, placeFile, REFUSED_NAMES } from './place-file.ts';

export interface DiskExtract {
  /** Where it lies. */
  to: string;
  files: number;
  bytes: number;
  /** Of `files`: were there already, with these very bytes. */
  unchanged: number;
  failed: number;
  failures: { key: string; why: string }[];
}

const WINDOW = 500;
const FAILURES_KEPT = 100;
const NAMES_MAX = 1_000;

/** Files of a backup as ordinary files, each verified before it has its name. What is there is never written over: another file comes beside it. */
export async function extractOnto(
  files: BackupFiles,
  { bucket, key, version }: { bucket: string; key: string; version: string | null },
  { to, name }: { to: string; name: string | null },
): Promise<DiskExtract> {
  const report: DiskExtract = { to, files: 0, bytes: 0, unchanged: 0, failed: 0, failures: [] };
  const windows = process.platform === 'win32';
  try {
    if (key !== '' && !key.endsWith('/')) {
      const file = files.file(bucket, key, version);
      const inside = name !== null || /[/\\]$/.test(to) || (await stat(to).catch(() => null))?.isDirectory() === true;
      const called = name ?? pathOf(key.split('/').at(-1) ?? key, { besideFolder: false, windows });
      await write(files, file, inside ? join(to, called) : to, report);
      return report;
    }
    const root = name === null ? to : join(to, name);
    report.to = root;
    if (files.below(bucket, key, '', 1).length === 0)
      throw new CloudStoreError('not_found', `The backup has nothing in ${bucket}/${key}.`);
    await mkdir(root, { recursive: true });
    for (let window = files.below(bucket, key, '', WINDOW); window.length > 0; ) {
      for (const file of window) await writeBelow(files, bucket, file, { root, prefix: key, windows }, report);
      window = files.below(bucket, key, window.at(-1)!.key, WINDOW);
    }
    return report;
  } catch (error) {
    throw diskRefusal(error, to, { goesOn: false });
  }
}

async function writeBelow(
  files: BackupFiles,
  bucket: string,
  file: BackedUpFile,
  { root, prefix, windows }: { root: string; prefix: string; windows: boolean },
  report: DiskExtract,
): Promise<void> {
  const way = file.key.slice(prefix.length);
  try {
    if (file.size === 0 && (way === '' || way.endsWith('/'))) {
      try {
        await mkdir(join(root, pathOf(way, { besideFolder: false, windows }).replace(/\/?%_$/, '')), { recursive: true });
        return;
      } catch (error) {
        // A file that was there before has its name.
        if (!REFUSED_NAMES.includes(codeOf(error) ?? '')) throw error;
        throw new CloudStoreError('corrupt', 'No folder can have its name here.', { cause: error });
      }
    }
    const besideFolder = files.below(bucket, `${file.key}/`, '', 1).length > 0;
    for (const path of [pathOf(way, { besideFolder, windows }), hashedPathOf(way)]) {
      try {
        return await write(files, file, join(root, path), report);
      } catch (error) {
        if (!REFUSED_NAMES.includes(codeOf(error) ?? '')) throw error;
      }
    }
    throw new CloudStoreError('corrupt', 'No name that it could have is free or fits.');
  } catch (error) {
    if (!isCloudStoreError(error, 'corrupt') && !isCloudStoreError(error, 'customer_key_needed')) throw error;
    report.failed++;
    if (report.failures.length < FAILURES_KEPT) report.failures.push({ key: file.key, why: error.message });
  }
}

async function write(files: BackupFiles, file: BackedUpFile, path: string, report: DiskExtract): Promise<void> {
  assertReadable(file);
  await mkdir(dirname(path), { recursive: true });
  // Beside where it goes: only then is giving it its name one step. Short, whatever its own name is.
  const temporary = join(dirname(path), `.${file.version.slice(-12)}.cloudstore-new`);
  try {
    await writeVerified(files, file, temporary);
    const seconds = (file.mtime || file.modified) / 1000;
    await utimes(temporary, seconds, seconds);
    for (let attempt = 0; attempt < NAMES_MAX; attempt++) {
      const target = attempt === 0 ? path : besideName(path, files.takenMs, attempt);
      if (await placeFile(temporary, target)) {
        report.files++;
        report.bytes += file.size;
        return;
      }
      if (!(await same(temporary, target, file.size))) continue;
      report.files++;
      report.unchanged++;
      return;
    }
    throw new CloudStoreError('corrupt', `${path} and ${NAMES_MAX} names like it are taken.`);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeVerified(files: BackupFiles, file: BackedUpFile, path: string): Promise<void> {
  const disk = nodeDiskOps();
  const open = await disk.open(path, 'w', 0o644);
  try {
    let at = 0;
    for await (const bytes of files.read(file)) {
      await writeFully(open, [bytes], at);
      at += bytes.length;
    }
    await open.sync();
  } finally {
    await open.close();
  }
}

async function same(one: string, other: string, size: number): Promise<boolean> {
  const there = await stat(other);
  if (!there.isFile() || there.size !== size) return false;
  const disk = nodeDiskOps();
  const [a, b] = [await disk.open(one, 'r'), await disk.open(other, 'r')];
  const [left, right] = [Buffer.allocUnsafe(1 << 20), Buffer.allocUnsafe(1 << 20)];
  try {
    for (let at = 0; at < size; ) {
      const [x, y] = [await a.read(left, 0, left.length, at), await b.read(right, 0, right.length, at)];
      if (x === 0 || x !== y || !left.subarray(0, x).equals(right.subarray(0, y))) return false;
      at += x;
    }
    return true;
  } finally {
    await a.close();
    await b.close();
  }
}
