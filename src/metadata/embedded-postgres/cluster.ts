import { chown, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CloudStoreError } from '#core/errors';
import { type Binaries, POSTGRES_MAJOR } from './binaries.ts';
import { explainFailure } from './failure.ts';
import { runProgram } from './program.ts';
import type { ServerUser } from './server-user.ts';

/** Role and database of the gateway. */
export const DATABASE = 'cloudstore';

/**
 * Makes the cluster, if there is none, all or nothing: it grows under another name and is renamed when complete, so that a
 * crash never leaves half a cluster under the real one.
 * @throws unavailable, insufficient_storage with what to do
 */
export async function ensureCluster(directory: string, binaries: Binaries, user: ServerUser): Promise<void> {
  const version = await clusterVersion(directory);
  if (version !== null) return assertMajor(directory, version);
  const staging = `${directory}.new`;
  const common = { binaries, user, directories: [staging] };
  await initialise(staging, common);
  const create = await runProgram(
    binaries.postgres,
    (at) => ['--single', '-D', at(0), '-c', 'exit_on_error=on', '-c', 'log_checkpoints=off', 'postgres'],
    { ...common, input: `CREATE DATABASE ${DATABASE};\n` },
  );
  if (create.code !== 0 || / (ERROR|FATAL|PANIC): /.test(create.output))
    throw explainFailure('could not be initialised', create.output);
  await rename(staging, directory);
  await syncDirectory(dirname(directory));
}

/**
 * The database's locale is the server's own C.UTF-8: byte order like C, but it knows the letters of all scripts, and it does not
 * change under existing indexes when the system's libc does. pg_trgm still asks libc what a letter is, so the ctype is a
 * UTF-8 one where the system has one; with C it drops every letter that is not ASCII.
 */
async function initialise(
  staging: string,
  common: { binaries: Binaries; user: ServerUser; directories: string[] },
): Promise<void> {
  let output = '';
  for (const ctype of process.platform === 'darwin' ? ['en_US.UTF-8', 'C'] : ['C.UTF-8', 'C']) {
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging, { mode: 0o700 });
    await giveTo(staging, common.user);
    const initdb = await runProgram(
      common.binaries.initdb,
      (at) => [
        `--pgdata=${at(0)}`,
        `--username=${DATABASE}`,
        '--encoding=UTF8',
        '--no-locale',
        `--lc-ctype=${ctype}`,
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--auth=reject',
      ],
      common,
    );
    if (initdb.code === 0) return;
    output = initdb.output;
    if (!output.includes('invalid locale name')) break;
  }
  throw explainFailure('could not be initialised', output);
}

/** Who may connect: over the socket only, and only the system users named, whom the kernel vouches for (peer). Written anew at each start. */
export async function writeAccessRules(directory: string, user: ServerUser): Promise<void> {
  const map = user.clients.map((name) => `cloudstore "${name.replace(/"/g, '""')}" ${DATABASE}`).join('\n');
  await writeFor(join(directory, 'pg_hba.conf'), `local all all peer map=cloudstore\n`, user);
  await writeFor(join(directory, 'pg_ident.conf'), `${map}\n`, user);
}

/** The cluster's major version; null when there is no cluster. */
export async function clusterVersion(directory: string): Promise<string | null> {
  const text = await readFile(join(directory, 'PG_VERSION'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text !== null) return text.trim();
  const exists = await stat(directory).catch(() => null);
  if (exists === null) return null;
  throw new CloudStoreError(
    'unavailable',
    `${directory} holds no complete database. If it was never used, remove it; else put it back from a backup, or make it anew with cloudstore rebuild-index.`,
  );
}

function assertMajor(directory: string, version: string): void {
  if (version === String(POSTGRES_MAJOR)) return;
  throw new CloudStoreError(
    'unavailable',
    `${directory} was made by Postgres ${version}, this CloudStore brings Postgres ${POSTGRES_MAJOR}. Start the CloudStore version that made it, take a last snapshot with it (cloudstore snapshot), and make the database anew with this one: cloudstore rebuild-index.`,
  );
}

export async function giveTo(path: string, user: ServerUser): Promise<void> {
  if (user.spawn.uid !== undefined && user.spawn.gid !== undefined) await chown(path, user.spawn.uid, user.spawn.gid);
}

async function writeFor(path: string, text: string, user: ServerUser): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => null)) === text) return;
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await giveTo(`${path}.new`, user);
  await rename(`${path}.new`, path);
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
