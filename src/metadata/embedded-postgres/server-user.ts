import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { CloudStoreError } from '#core/errors';

/** As whom the database server runs. Postgres refuses root, so a root gateway runs it as `nobody` (or as whoever owns the cluster). */
export interface ServerUser {
  /** For spawn; empty when it is the gateway's own user. */
  spawn: { uid?: number; gid?: number };
  /** Whether the server runs as somebody else than the gateway. */
  other: boolean;
  /** Names of the system users who may connect: the gateway's, and root, who can read everything anyway. */
  clients: string[];
}

/**
 * @param clusterOwner of an existing cluster, so that data made by an ordinary user stays that user's when root starts it
 * @throws unavailable when the user cannot run a Postgres (no entry in the user database: initdb needs a name)
 */
export async function serverUser(clusterOwner: { uid: number; gid: number } | null): Promise<ServerUser> {
  const self = process.getuid?.();
  if (self === undefined) {
    throw new CloudStoreError(
      'unavailable',
      'The embedded Postgres is not supported on Windows; set CLOUDSTORE_DATABASE_URL to a Postgres of your own.',
    );
  }
  if (self !== 0) {
    if (clusterOwner !== null && clusterOwner.uid !== self) {
      throw new CloudStoreError(
        'unavailable',
        'The database in the data directory belongs to another user; start CloudStore as that user, or give the whole data directory to this one (chown -R).',
      );
    }
    return { spawn: {}, other: false, clients: unique(['root', ownName(self)]) };
  }
  if (clusterOwner !== null && clusterOwner.uid !== 0) {
    return { spawn: clusterOwner, other: true, clients: unique(['root', (await nameOfUid(clusterOwner.uid)) ?? 'root']) };
  }
  return { spawn: await nobody(), other: true, clients: ['root'] };
}

function ownName(uid: number): string {
  try {
    return userInfo().username;
  } catch (cause) {
    throw new CloudStoreError(
      'unavailable',
      `The user with id ${uid} has no name on this system, which the embedded Postgres needs; add one to /etc/passwd, or set CLOUDSTORE_DATABASE_URL.`,
      { cause },
    );
  }
}

async function nobody(): Promise<{ uid: number; gid: number }> {
  const line = (await passwdLines()).find((fields) => fields[0] === 'nobody');
  if (line !== undefined) return { uid: Number(line[2]), gid: Number(line[3]) };
  // macOS keeps its users elsewhere but has had this one as long as the file.
  if (process.platform === 'darwin') return { uid: -2, gid: -2 };
  throw new CloudStoreError(
    'unavailable',
    'Started as root, the embedded Postgres runs as the user "nobody", who does not exist here; start CloudStore as an ordinary user.',
  );
}

async function nameOfUid(uid: number): Promise<string | null> {
  return (await passwdLines()).find((fields) => Number(fields[2]) === uid)?.[0] ?? null;
}

async function passwdLines(): Promise<string[][]> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return text.split('\n').map((line) => line.split(':'));
}

function unique(names: string[]): string[] {
  return [...new Set(names)];
}
