import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  createWriteStream,
  type Dirent,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';

export interface TreeFile {
  /** From the tree's root, with `/`, as the file system spells it. */
  name: string;
  size: number;
}

export interface RealTreeOptions {
  /** What real files are taken from; a machine without it gets generated ones in their place. */
  source?: string;
  filesMin?: number;
  largeBytes?: number;
}

/** The folder of generated names, its hardest ones, and the large file: for who wants to pick them out. */
export const NAMES = 'names';
export const HARD_NAMES = {
  space: `${NAMES}/with  two spaces, and & more #1 100%.txt`,
  composed: `${NAMES}/Ünïcode/caf\u00e9.txt`,
  decomposed: `${NAMES}/Ünïcode/cafe\u0301.txt`,
  empty: `${NAMES}/empty`,
  deep: `${NAMES}/${Array.from({ length: 40 }, (_, level) => `level ${level}`).join('/')}/bottom.txt`,
};
export const LARGE = 'large file.bin';

const SHARE_FILES_MAX = 18_000;
const SHARE_BYTES_MAX = 250_000_000;
const SHARE_FILE_BYTES_MAX = 16 << 20;
const NAMES_FILES_MIN = 2_000;

/**
 * Makes a tree of what a PC really holds: a copy of part of /usr/share, hard names, and one file that no 32-bit length holds.
 * The same bytes each time, apart from what the machine has in /usr/share.
 */
export async function makeRealTree(
  root: string,
  { source = '/usr/share', filesMin = 20_500, largeBytes = 2 ** 31 + 4_321 }: RealTreeOptions = {},
): Promise<void> {
  const taken = copyShare(source, join(root, 'share'));
  makeNames(root, Math.max(NAMES_FILES_MIN, filesMin - taken));
  await writePseudoRandom(join(root, LARGE), largeBytes);
}

/** Every file below, sorted by name. */
export function listTree(root: string): TreeFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => ({ name, stat: statSync(join(root, name)) }))
    .filter(({ stat }) => stat.isFile())
    .map(({ name, stat }) => ({ name, size: stat.size }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Plain files with plain names, in the order of their names, until the bounds are met; what we may not read is left out. */
function copyShare(source: string, target: string): number {
  let files = 0;
  let bytes = 0;
  const copy = (entry: Dirent, from: string, to: string): void => {
    if (files >= SHARE_FILES_MAX || !/^[^\p{Cc}\p{Co}\ufffd]+$/u.test(entry.name)) return;
    if (entry.isDirectory()) {
      for (const child of entriesOf(from)) copy(child, join(from, child.name), join(to, child.name));
    } else if (entry.isFile()) {
      const { size } = lstatSync(from);
      if (size > SHARE_FILE_BYTES_MAX || bytes + size > SHARE_BYTES_MAX) return;
      mkdirSync(dirname(to), { recursive: true });
      if (!copyReadable(from, to)) return;
      files += 1;
      bytes += size;
    }
  };
  for (const child of existsSync(source) ? entriesOf(source) : [])
    copy(child, join(source, child.name), join(target, child.name));
  return files;
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isRefusal(error)) return [];
    throw error;
  }
}

/** With its time, which rclone and restic keep. */
function copyReadable(from: string, to: string): boolean {
  try {
    copyFileSync(from, to);
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
  const { atime, mtime } = statSync(from);
  utimesSync(to, atime, mtime);
  return true;
}

const isRefusal = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'ENOENT');

function makeNames(root: string, count: number): void {
  const bytes = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
  const put = (name: string, content: Buffer | string): void => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  };
  for (const [what, name] of Object.entries(HARD_NAMES)) put(name, what === 'empty' ? '' : `${what}\n`.repeat(300));
  const folders = [
    'plain',
    'a folder with spaces',
    'Ünïcode/日本語',
    'Ünïcode/E\u0301te\u0301',
    "it's (a) [folder] + $more",
    '.hidden/deep/er',
  ];
  for (let i = Object.keys(HARD_NAMES).length; i < count; i++) {
    const name = `${NAMES}/${folders[i % folders.length]}/${i % 16}/${i % 3 === 0 ? 'file ' : 'zażółć-'}${i}.${i % 2 === 0 ? 'txt' : 'bin'}`;
    // Most files of a PC are small, few are large: up to 128 KiB here, half of them below 2 KiB, every 50th empty.
    const size = i % 50 === 0 ? 0 : ((i * 7_919) % (1 << (4 + (i % 14)))) + 1;
    const random = bytes.update(Buffer.alloc(size));
    put(name, i % 2 === 0 ? random.toString('hex').slice(0, size) : random);
  }
}

/** Bytes that neither compress nor repeat. */
async function writePseudoRandom(path: string, size: number): Promise<void> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 2), Buffer.alloc(16));
  const out = createWriteStream(path);
  const zeros = Buffer.alloc(1 << 20);
  for (let left = size; left > 0; left -= zeros.length) {
    if (!out.write(cipher.update(zeros.subarray(0, Math.min(left, zeros.length))))) await once(out, 'drain');
  }
  out.end();
  await finished(out);
}
