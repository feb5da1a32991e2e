import { constants, copyFile, link, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf } from '#blob/disk-error';
import { nodeDiskOps } from '#blob/disk-ops';
import { CloudStoreError } from '#core/errors';
import { masterKeyCheck } from '#engine/sealing';
import { decodeMasterKey } from './config/value-schemas.ts';
import { writeDurably } from './data-directory.ts';

/** The calls on files that a change of the master key is made of; an argument, so that a test can kill between them. */
export interface KeyFileOps {
  /** null when absent. */
  read(path: string): Promise<string | null>;
  list(directory: string): Promise<string[]>;
  /** Durable when it resolves, for the owner alone. */
  write(path: string, text: string): Promise<void>;
  /** What lies there gets a second name too, unless that name is taken or there is nothing. Durable when it resolves. */
  keep(from: string, to: string): Promise<void>;
  /** Durable when it resolves. false when there is no such file. */
  rename(from: string, to: string): Promise<boolean>;
  remove(path: string): Promise<void>;
}

export function nodeKeyFileOps(): KeyFileOps {
  return {
    async read(path) {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null;
        throw new CloudStoreError(
          'unavailable',
          `The master key ${path} cannot be read (${codeOf(error)}); it must belong to the user who starts CloudStore.`,
          { cause: error },
        );
      }
    },
    list: (directory) => readdir(directory),
    write: writeDurably,
    async keep(from, to) {
      try {
        await link(from, to).catch((error: unknown) => {
          if (['ENOENT', 'EEXIST'].includes(codeOf(error) ?? '')) throw error;
          return copyFile(from, to, constants.COPYFILE_EXCL); // a file system without links
        });
      } catch (error) {
        if (!['ENOENT', 'EEXIST'].includes(codeOf(error) ?? '')) throw error;
        return;
      }
      const kept = await open(to, 'r');
      await kept.sync().finally(() => kept.close());
      await nodeDiskOps().syncDirectory(dirname(to));
    },
    async rename(from, to) {
      try {
        await rename(from, to);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return false;
        throw error;
      }
      await nodeDiskOps().syncDirectory(dirname(to));
      return true;
    },
    remove: (path) => rm(path, { force: true }),
  };
}

/**
 * A file that holds the master key, and what lies beside it while the key changes: `<name>.<16 hex digits>` is the next one, named by its check and put
 * there before the database learns of it; `<name>.old-<8 hex digits>` the one before, for backups that were made under it. Which one counts is
 * for the database to say, so a crash between any two steps leaves a key that fits.
 */
export interface KeyFile {
  readonly path: string;
  /** What lies in the file itself. null when it is absent. @throws unavailable when it is no key */
  read(): Promise<Buffer | null>;
  /** The key of this check, from wherever it lies; it is then moved to the file itself. null: it is not here. @throws unavailable */
  find(check: string): Promise<Buffer | null>;
  /** Durable beside the one of now. Those that were never used go: call it only while no other change can run. `current` is the check of now. */
  prepare(next: Buffer, current: string): Promise<void>;
  /** The prepared key of this check takes the file's place. Nothing when it has already. */
  promote(check: string): Promise<void>;
  /** The key of this check counts no more, and none takes its place here. Where it lies now; null: another lies here, or none. */
  retire(check: string): Promise<string | null>;
}

const NAME_CHARS = 16;

export function createKeyFile(path: string, ops: KeyFileOps): KeyFile {
  const nextPath = (check: string): string => `${path}.${check.slice(0, NAME_CHARS)}`;
  const oldPath = (check: string): string => `${path}.old-${check.slice(0, 8)}`;

  async function readKey(from: string): Promise<Buffer | null> {
    const text = await ops.read(from);
    if (text === null) return null;
    const key = decodeMasterKey(text);
    if (key !== null) return key;
    throw new CloudStoreError(
      'unavailable',
      `${from} is not a master key (64 hex digits); put the right file back from your backup.`,
    );
  }

  async function promote(check: string): Promise<void> {
    const before = await readKey(path).catch(() => null);
    const old = before === null ? null : masterKeyCheck(before);
    if (old === check) return ops.remove(nextPath(check));
    if ((await readKey(nextPath(check))) === null) return; // another process was faster
    // Command and gateway may both be here: whoever replaces the file has kept the old one before, so nobody keeps the new one in its place.
    if (old !== null) await ops.keep(path, oldPath(old));
    await ops.rename(nextPath(check), path);
  }

  return {
    path,
    read: () => readKey(path),
    async find(check) {
      const here = await readKey(path);
      if (here !== null && masterKeyCheck(here) === check) return here;
      const next = await readKey(nextPath(check));
      if (next === null || masterKeyCheck(next) !== check) {
        // Moved by another process between our two looks.
        const again = await readKey(path);
        return again !== null && masterKeyCheck(again) === check ? again : null;
      }
      await promote(check);
      return next;
    },
    async prepare(next, current) {
      const mine = masterKeyCheck(next);
      const pattern = new RegExp(`^[0-9a-f]{${NAME_CHARS}}$`);
      const name = basename(path);
      for (const entry of await ops.list(dirname(path))) {
        const suffix = entry.startsWith(`${name}.`) ? entry.slice(name.length + 1) : '';
        if (pattern.test(suffix) && !current.startsWith(suffix)) await ops.remove(join(dirname(path), entry));
      }
      const there = await ops.read(path);
      if (there !== null && decodeMasterKey(there) === null)
        throw new CloudStoreError(
          'invalid_argument',
          `${path} is there and holds something that is no key; name another file. Nothing was changed.`,
        );
      // Where nothing is, nothing can be lost by writing.
      const to = there === null ? path : nextPath(mine);
      try {
        await ops.write(to, `${next.toString('hex')}\n`);
      } catch (error) {
        throw new CloudStoreError(
          'unavailable',
          `The new master key cannot be written to ${to} (${codeOf(error) ?? 'no reason given'}); name another file with --new-key-file. Nothing was changed.`,
          { cause: error },
        );
      }
    },
    promote,
    async retire(check) {
      const here = await readKey(path).catch(() => null);
      if (here === null || masterKeyCheck(here) !== check || !(await ops.rename(path, oldPath(check)))) return null;
      const moved = await readKey(oldPath(check));
      if (moved !== null && masterKeyCheck(moved) === check) return oldPath(check);
      await ops.rename(oldPath(check), path); // the next one, which came into its place between our look and our move
      return null;
    },
  };
}

export function masterKeyFile(dataDirectory: string): string {
  return join(dataDirectory, 'master.key');
}

export function isMasterKeyFile(path: string, dataDirectory: string): boolean {
  return resolve(path) === resolve(masterKeyFile(dataDirectory));
}
