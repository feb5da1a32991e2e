import type { Logger } from '#contracts/observability';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { type Metadata, openMetadata } from '#metadata/open';
import type { Config } from './config/load.ts';

export interface DatabaseOptions {
  config: Config;
  clock: Clock;
  random: Random;
  log: Logger;
}

export interface Database {
  metadata: Metadata;
  close(): Promise<void>;
}

/**
 * The gateway's database: the embedded one, which it runs and stops, or the owner's. The same code from the connection on.
 * @throws unavailable, insufficient_storage: one sentence that says what to do
 */
export async function openDatabase({ config, clock, random, log }: DatabaseOptions): Promise<Database> {
  const url = config.values['database-url'];
  if (url !== null) return openExternal(url, { clock, random, log });
  const server = await startEmbeddedPostgres({ dataDirectory: config.values['data-dir'], clock, random, log });
  try {
    const metadata = await openMetadata({ connection: server.connection, clock, random, log, gateway: true, soleOwner: true });
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

async function openExternal(url: string, options: Omit<DatabaseOptions, 'config'>): Promise<Database> {
  try {
    const metadata = await openMetadata({ connection: { url }, ...options, gateway: true });
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
