import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, join, resolve, sep } from 'node:path';

/**
 * Preloaded into a process of the product (`--import`): makes the file system of CLOUDSTORE_TEST_BAD_DISK_PATH what CLOUDSTORE_TEST_BAD_DISK names, as far as calls of
 * node:fs/promises tell. Mounting one would need root, and the database's server, a process of its own, is not deceived.
 */
const [kind, path] = [process.env.CLOUDSTORE_TEST_BAD_DISK, process.env.CLOUDSTORE_TEST_BAD_DISK_PATH];
if (kind === undefined || path === undefined) throw new Error('Which disk is bad, and how?');
const root = resolve(path);
const real = { ...fs.promises };
const below = (at: unknown): at is string => typeof at === 'string' && (at === root || at.startsWith(root + sep));
const failure = (code: string, call: string): Error => Object.assign(new Error(`${code}: planted, ${call}`), { code });
type Any = (...args: never[]) => Promise<unknown>;

/** Calls that change what is below. */
function refuse(name: 'mkdir' | 'rename' | 'rm' | 'unlink' | 'writeFile' | 'chmod', code: string): void {
  const call = real[name] as Any;
  Object.assign(fs.promises, {
    [name]: async (...args: never[]) => {
      if (below(args[0])) throw failure(code, name);
      return call(...args);
    },
  });
}

if (kind === 'read-only') {
  for (const name of ['mkdir', 'rename', 'rm', 'unlink', 'writeFile', 'chmod'] as const) refuse(name, 'EROFS');
  fs.promises.access = async (at, mode) => {
    if (below(at) && ((mode ?? 0) & fs.constants.W_OK) !== 0) throw failure('EROFS', 'access');
    return real.access(at, mode);
  };
  fs.promises.open = async (at, flags, mode) => {
    if (below(at) && flags !== undefined && flags !== 'r') throw failure('EROFS', 'open');
    return real.open(at, flags, mode);
  };
}
if (kind === 'full') {
  refuse('writeFile', 'ENOSPC');
  // A name still has room in its directory, bytes have none.
  fs.promises.open = async (at, flags, mode) => {
    const file = await real.open(at, flags, mode);
    if (!below(at) || flags === undefined || flags === 'r') return file;
    for (const call of ['write', 'writev', 'writeFile', 'appendFile'])
      Object.assign(file, { [call]: async () => Promise.reject(failure('ENOSPC', call)) });
    return file;
  };
}
if (kind === 'full' || kind === 'network') {
  const statfs = real.statfs as (at: string, options?: object) => Promise<fs.StatsFs>;
  const changed = kind === 'full' ? { bavail: 0, bfree: 0 } : { type: 0x6969 };
  Object.assign(fs.promises, {
    statfs: async (at: string, options?: object) => Object.assign(await statfs(at, options), below(at) ? changed : {}),
  });
}
if (kind === 'folds-case') {
  const stat = real.stat as (at: string, options?: object) => Promise<fs.Stats>;
  Object.assign(fs.promises, {
    stat: async (at: string, options?: object) => {
      const folded = below(at) && at !== root ? join(dirname(at), basename(at).toLowerCase()) : at;
      return stat(at, options).catch((error: unknown) => {
        if (folded === at) throw error;
        return stat(folded, options);
      });
    },
  });
}
syncBuiltinESMExports();
