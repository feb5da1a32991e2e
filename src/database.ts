import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '#contracts/observability';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { type EmbeddedPostgres, openSocketConnection, startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { type Metadata, type MetadataOptions, openMetadata } from '#metadata/open';
import type { Config } from './config/load.ts';
import { type ProcessRole, poolSizeOf } from './process-role.ts';
import { SNAPSHOTS_DIRECTORY } from './snapshots.ts';

export interface DatabaseOptions {
  config: Config;
  clock: Clock;
  random: Random;
  log: Logger;
  role: ProcessRole;
}

export interface Database {
  metadata: Metadata;
  close(): Promise<void>;
}

/**
 * The gateway's database: the embedded one, which its first process runs and stops, or the owner's. The same code from the connection on.
 * @throws unavailable, insufficient_storage: one sentence that says what to do
 */
export async function openDatabase({ config, role, ...options }: DatabaseOptions): Promise<Database> {
  const url = config.values['database-url'];
  const common = { ...options, gateway: true, poolSize: poolSizeOf(role) };
  if (url !== null) return openExternal(url, common);
  const dataDirectory = config.values['data-dir'];
  await refuseToBeginAnew(dataDirectory);
  const server = role.kind === 'worker' ? joinServer(dataDirectory) : await startEmbeddedPostgres({ dataDirectory, ...options });
  try {
    const board = role.kind === 'alone' ? null : (role.board?.changes ?? null);
    const metadata = await openMetadata({ ...common, connection: server.connection, soleOwner: role.kind === 'alone', board });
    return {
      metadata,
      async close() {
        await metadata.close();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** The server that the gateway's first process runs. */
function joinServer(dataDirectory: string): EmbeddedPostgres {
  const socket = openSocketConnection(dataDirectory);
  return { connection: socket.connection, stop: async () => socket.close() };
}

async function openExternal(url: string, options: Omit<MetadataOptions, 'connection'>): Promise<Database> {
  try {
    const metadata = await openMetadata({ connection: { url }, ...options });
    return { metadata, close: () => metadata.close() };
  } catch (error) {
    const cause = error instanceof CloudStoreError && error.cause !== undefined ? error.cause : error;
    const why = cause instanceof Error ? cause.message || ('code' in cause ? String(cause.code) : 'no answer') : String(cause);
    throw new CloudStoreError(
      'unavailable',
      `The database of CLOUDSTORE_DATABASE_URL cannot be used: ${why}. Check the URL, and that the server runs and lets this machine in.`,
      { cause },
    );
  }
}

/** A new, empty database beside snapshots of one that is lost would begin another installation on the packs of the first. */
async function refuseToBeginAnew(dataDirectory: string): Promise<void> {
  if ((await stat(join(dataDirectory, 'postgres')).catch(() => null)) !== null) return;
  const names = await readdir(join(dataDirectory, SNAPSHOTS_DIRECTORY)).catch(() => []);
  if (!names.some((name) => name.endsWith('.dump'))) return;
  throw new CloudStoreError(
    'unavailable',
    `The database of ${dataDirectory} is gone, and snapshots of it are there. Make it anew with "cloudstore rebuild-index"; to begin with nothing, name another data directory.`,
  );
}
