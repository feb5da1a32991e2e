import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Logger } from '#contracts/observability';
import { startEmbeddedPostgres } from '#metadata/embedded-postgres';
import type { Connection } from '../../src/metadata/database.ts';
import { placeCluster } from './cluster-template.ts';
import { kept } from './kept.ts';

export interface TestDatabase {
  connection: Connection;
  /** Runs one statement, as an administrator would beside the gateway. */
  sql(text: string, values?: unknown[]): Promise<unknown[][]>;
  drop(): Promise<void>;
}

export const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => quiet };

interface Server {
  at(database: string): Connection;
  admin: Connection;
  /** Of CREATE DATABASE, for one that has the schema. */
  template: string;
}

const shared: { server: Promise<Server> | null } = { server: null };

/**
 * A new empty database: on CLOUDSTORE_TEST_DATABASE_URL (an administrator's), else on one embedded server of this test process.
 * @param schema the newest schema may be there already: it is where that is quicker than to make it
 */
export async function freshDatabase({ schema = false } = {}): Promise<TestDatabase> {
  shared.server ??= startServer();
  const server = await shared.server;
  const name = `test_${randomBytes(8).toString('hex')}`;
  await run(server.admin, `CREATE DATABASE ${name}${schema ? server.template : ''}`);
  const connection = server.at(name);
  return {
    connection,
    sql: (text, values) => run(connection, text, values),
    async drop() {
      await run(server.admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

async function startServer(): Promise<Server> {
  const url = process.env.CLOUDSTORE_TEST_DATABASE_URL;
  if (url !== undefined) {
    const at = (database: string) => {
      const own = new URL(url);
      own.pathname = `/${database}`;
      return { url: own.href };
    };
    return { at, admin: { url }, template: '' };
  }
  const dataDirectory = await mkdtemp(join(tmpdir(), 'cloudstore-db-'));
  await placeCluster(dataDirectory);
  const clock = { now: () => Date.now() };
  const server = await startEmbeddedPostgres({ dataDirectory, clock, random: randomBytes, log: quiet });
  kept.push(async () => {
    shared.server = null;
    await server.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  });
  const { connection } = server;
  const admin = { ...connection, database: 'postgres' };
  return { at: (database) => ({ ...connection, database }), admin, template: ` TEMPLATE ${connection.database}` };
}

async function run(connection: Connection, text: string, values: unknown[] = []): Promise<unknown[][]> {
  const config = 'url' in connection ? { connectionString: connection.url } : { ...connection, host: connection.socketDirectory };
  const client = new pg.Client(config);
  await client.connect();
  try {
    const result = await client.query<unknown[]>({ text, values, rowMode: 'array' });
    return result.rows;
  } finally {
    await client.end();
  }
}
