import { readdir, readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '#blob/disk-error';
import { CloudStoreError } from '#core/errors';
import { writeDurably } from './data-directory.ts';

/** Of what lies in a data directory, as a whole; a version that writes another refuses nothing older. */
export const DATA_FORMAT = 1;
const FORMAT_FILE = 'format.json';

/** What a look at the directory's file system needs; a test gives its own. */
export interface FileSystemProbe {
  /** Linux's magic number of the file system's type (statfs(2)). */
  type(path: string): Promise<number>;
  /** Whether a name is found by other letters. */
  foldsCase(path: string): Promise<boolean>;
}

/** By magic number: those whose locks and fsync hold no further than the network does, and those that know no owners. */
const NETWORK: Record<number, string> = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'SMB (cifs)',
  4266872130: 'SMB',
  1702057286: 'FUSE',
  16914839: '9p',
  12805120: 'Ceph',
  198183888: 'Lustre',
  1397113167: 'AFS',
  428016422: 'FhGFS',
};
const OWNERLESS: Record<number, string> = { 19780: 'FAT', 538032816: 'exFAT', 1397118030: 'NTFS', 1936094318: 'NTFS' };

/**
 * What is wrong with a data directory before anything in it is touched. Nothing is written.
 * @param embedded whether its database lies in it too
 * @throws unavailable: one sentence that says what to do
 */
export async function assertUsable(path: string, embedded: boolean): Promise<void> {
  // What cannot be read at all is explained by whoever takes the directory.
  const names = await readdir(path).catch(() => [] as string[]);
  await assertOwn(path);
  const format = await readFormat(path);
  if (format !== null && format > DATA_FORMAT)
    throw new CloudStoreError(
      'unavailable',
      `The data directory ${path} was written by a newer version of CloudStore (format ${format}; this one knows ${DATA_FORMAT}); start that version, or one that is newer.`,
    );
  if (embedded && names.includes('postgres') && (await stat(join(path, 'postgres')).catch(() => null)) === null)
    throw new CloudStoreError(
      'unavailable',
      `The data directory ${path} has its database behind a link ("postgres") that leads nowhere; mount the disk that it leads to, and start again.`,
    );
  if (embedded && !names.includes('postgres') && (await hasPacks(path)))
    throw new CloudStoreError(
      'unavailable',
      `The data directory ${path} holds packs and no database; put its folder "postgres" back from your backup, or make it anew with cloudstore rebuild-index.`,
    );
}

/**
 * Also for root, which may write everywhere: what it left there, a pack or a new master key, the gateway's user could not read.
 * @throws unavailable: one sentence that says what to do
 */
export async function assertOwn(path: string): Promise<void> {
  const owner = await ownerOf(path);
  const self = process.geteuid?.();
  if (owner === null || self === undefined || owner === self) return;
  throw new CloudStoreError(
    'unavailable',
    `The data directory ${path} belongs to user ${owner}, and this is user ${self}; start CloudStore as that user, or give the directory to this one with chown -R.`,
  );
}

/** Marks the directory with the format that this version writes. Call it with the lock held. */
export async function writeFormat(path: string): Promise<void> {
  if ((await readFormat(path)) === null)
    await writeDurably(join(path, FORMAT_FILE), `${JSON.stringify({ format: DATA_FORMAT })}\n`);
}

/** null: none is written there. @throws unavailable when what is written there makes no sense */
export async function readFormat(path: string): Promise<number | null> {
  const text = await readFile(join(path, FORMAT_FILE), 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const format: unknown = /^\s*\{.*\}\s*$/s.test(text) ? /"format"\s*:\s*(\d+)/.exec(text)?.[1] : undefined;
  if (format !== undefined) return Number(format);
  throw new CloudStoreError(
    'unavailable',
    `${join(path, FORMAT_FILE)} cannot be understood; put it back from your backup, or remove it if the directory was always this version's.`,
  );
}

/** Sentences about the file system that a directory lies on; none when it is fit. */
export async function fileSystemWarnings(path: string, probe: FileSystemProbe = nodeProbe()): Promise<string[]> {
  const warnings: string[] = [];
  const type = await probe.type(path);
  const network = NETWORK[type];
  if (network !== undefined)
    warnings.push(
      `The data directory ${path} lies on a network file system (${network}), where locks and fsync may not hold and a lost connection stops everything; move it to a local disk.`,
    );
  const ownerless = OWNERLESS[type];
  if (ownerless !== undefined)
    warnings.push(
      `The data directory ${path} lies on ${ownerless}, which keeps no owners and modes, so other users of this machine can read its keys; move it to a file system such as ext4.`,
    );
  if (await probe.foldsCase(path))
    warnings.push(
      `The data directory ${path} lies on a file system that does not tell upper from lower case; CloudStore works there, but tools that copy it may mix names up.`,
    );
  return warnings;
}

export function nodeProbe(): FileSystemProbe {
  return {
    type: async (path) => (process.platform === 'linux' ? (await statfs(path)).type >>> 0 : 0),
    async foldsCase(path) {
      // Whatever is there already tells; nothing is written for it.
      const [name] = (await readdir(path)).filter((one) => one.toUpperCase() !== one && /^[a-z.]+$/.test(one));
      if (name === undefined) return false;
      const [found, other] = await Promise.all([stat(join(path, name)), stat(join(path, name.toUpperCase())).catch(() => null)]);
      return other !== null && other.ino === found.ino && !(await readdir(path)).includes(name.toUpperCase());
    },
  };
}

/** Of the files that CloudStore made there; null: none yet. */
async function ownerOf(path: string): Promise<number | null> {
  for (const name of ['lock', 'master.key']) {
    const found = await stat(join(path, name)).catch(() => null);
    if (found !== null) return found.uid;
  }
  return null;
}

async function hasPacks(path: string): Promise<boolean> {
  for (const folder of [join(path, 'packs'), join(path, 'packs', 'open')]) {
    const names = await readdir(folder).catch(() => [] as string[]);
    if (names.some((name) => /^[0-9a-f]{32}\.pack$/.test(name))) return true;
  }
  return false;
}
