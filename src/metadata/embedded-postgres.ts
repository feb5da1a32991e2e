import { closeSync, openSync } from 'node:fs';
import { chmod, mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '#contracts/observability';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { findBinaries, locatePackage } from './embedded-postgres/binaries.ts';
import { DATABASE, ensureCluster, giveTo, writeAccessRules } from './embedded-postgres/cluster.ts';
import { runServer } from './embedded-postgres/server.ts';
import { serverUser } from './embedded-postgres/server-user.ts';

export interface EmbeddedPostgresOptions {
  /** The gateway's data directory; exists. The caller holds its lock. */
  dataDirectory: string;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Nobody will look for this server: it is to end when this process dies, even by SIGKILL. */
  endsWithUs?: boolean;
}

/** How to reach the server: a Unix socket in a directory, no password (the kernel vouches for the caller). */
export interface SocketConnection {
  socketDirectory: string;
  port: number;
  user: string;
  database: string;
}

export interface EmbeddedPostgres {
  connection: SocketConnection;
  /** Ends all sessions, writes a checkpoint, and resolves when the server has exited. */
  stop(): Promise<void>;
}

/**
 * Starts the Postgres that comes with the npm packages, on `<data>/postgres`, made first if absent; socket in
 * `<data>/postgres-socket`, log in `<data>/postgres.log`. Until `stop` it is started again whenever it ends unasked.
 * Works as root (the server then runs as `nobody`) and as an ordinary user, under 0700 parents too. docs/adr/0003.
 * @throws unavailable, insufficient_storage: one sentence that says what to do
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDirectory, clock, random, log, endsWithUs = false } = options;
  const cluster = join(dataDirectory, 'postgres');
  const socketDirectory = join(dataDirectory, 'postgres-socket');
  const user = await serverUser(await stat(cluster).catch(() => null));
  const copyDirectories = user.other
    ? ['/var/cache/cloudstore', join(tmpdir(), 'cloudstore-root')]
    : [join(dataDirectory, 'postgres-binaries')];
  const binaries = await findBinaries(await locatePackage(), user, copyDirectories, random);
  await ensureCluster(cluster, binaries, user);
  await writeAccessRules(cluster, user);
  await mkdir(socketDirectory, { recursive: true, mode: 0o700 });
  await chmod(socketDirectory, 0o700);
  await giveTo(socketDirectory, user);
  const place = { cluster, socketDirectory, logFile: join(dataDirectory, 'postgres.log') };
  const server = await runServer({ place, binaries, user, clock, log, endsWithUs });
  const socket = openSocketConnection(dataDirectory);
  return {
    connection: socket.connection,
    async stop() {
      await server.stop();
      socket.close();
    },
  };
}

/**
 * The connection to the embedded server of a data directory, whoever runs it. A Unix socket's path has at most 107 bytes (103 on macOS): in a
 * deeper directory the connection goes through an open descriptor, which `close` gives back.
 * @throws unavailable where descriptors have no path
 */
export function openSocketConnection(dataDirectory: string): { connection: SocketConnection; close(): void } {
  const port = 5432;
  const directory = join(dataDirectory, 'postgres-socket');
  const connection = { socketDirectory: directory, port, user: DATABASE, database: DATABASE };
  const bytesMax = process.platform === 'linux' ? 107 : 103;
  if (Buffer.byteLength(join(directory, `.s.PGSQL.${port}`)) <= bytesMax) return { connection, close: () => undefined };
  if (process.platform !== 'linux') {
    throw new CloudStoreError(
      'unavailable',
      `The path of the data directory is too long for a socket; set CLOUDSTORE_DATA_DIR to a shorter one.`,
    );
  }
  const descriptor = openSync(directory, 'r');
  return { connection: { ...connection, socketDirectory: `/proc/self/fd/${descriptor}` }, close: () => closeSync(descriptor) };
}
