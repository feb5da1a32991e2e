import type { Client } from 'pg';
import { CloudStoreError } from '#core/errors';
import { type Connection, clientConfig, type Database, SAFE_OPTIONS, translate } from './database.ts';
import { MIGRATIONS, migrationSource } from './migrations.ts';

const ADVISORY_LOCK = 7_261_504_311;

/**
 * Brings the schema up to date. Gateways that start at once take turns by an advisory lock, under which knex's own lock (a row that a killed
 * process leaves behind) is freed first. A database that is up to date costs one statement and doesn't load knex.
 * @param only these migrations: the schema of a dump that an older version made
 */
export async function migrate(database: Database, connection: Connection, only?: readonly string[]): Promise<void> {
  const wanted = MIGRATIONS.filter(({ name }) => only?.includes(name) ?? true);
  if (await upToDate(database, wanted)) return;
  const guard = database.dedicated();
  guard.on('error', () => undefined); // a lost guard shows as the failing statement below
  try {
    await guard.connect();
    await guard.query(`SELECT pg_advisory_lock(${ADVISORY_LOCK})`);
    if (await upToDate(database, wanted)) return;
    await assertUnicode(guard);
    const { default: knex } = await import('knex');
    const runner = knex({ client: 'pg', connection: knexConnection(connection), pool: { min: 0, max: 2 } });
    try {
      const source = { migrationSource: migrationSource(wanted) };
      await runner.migrate.forceFreeMigrationsLock(source);
      await runner.migrate.latest(source);
    } finally {
      await runner.destroy();
    }
  } catch (error) {
    throw translate(error);
  } finally {
    await guard.end().catch(() => undefined);
  }
}

/** In another encoding most names cannot be stored, and which ones comes to light late. */
async function assertUnicode(client: Pick<Client, 'query'>): Promise<void> {
  const { rows } = await client.query<{ encoding: string; begun: boolean }>(
    `SELECT current_setting('server_encoding') AS encoding, to_regclass('knex_migrations') IS NOT NULL AS begun`,
  );
  const [found] = rows;
  if (found === undefined || found.begun || found.encoding === 'UTF8') return;
  throw new CloudStoreError(
    'unavailable',
    `The database is encoded in ${found.encoding}, in which most names of files cannot be stored; make one with ENCODING 'UTF8'`,
  );
}

async function upToDate(database: Database, wanted: typeof MIGRATIONS): Promise<boolean> {
  const exists = await database.read<[string | null]>({
    name: 'migrations-table',
    text: `SELECT to_regclass('knex_migrations')::text`,
  });
  if (exists[0]?.[0] === null) return false;
  const rows = await database.read<[string]>({ name: 'migrations-done', text: 'SELECT name FROM knex_migrations' });
  const done = new Set(rows.map(([name]) => name));
  const unknown = [...done].find((name) => !MIGRATIONS.some((migration) => migration.name === name));
  if (unknown !== undefined && !MIGRATIONS.some(({ name }) => done.has(name)))
    throw new CloudStoreError(
      'unavailable',
      `The database holds the tables of another program (its knex_migrations names ${unknown}, and nothing of CloudStore); give CloudStore a database of its own.`,
    );
  if (unknown !== undefined)
    throw new CloudStoreError(
      'unavailable',
      `The database was written by a newer version of CloudStore (this one does not know ${unknown}); start that version, or one that is newer.`,
    );
  return wanted.every(({ name }) => done.has(name));
}

function knexConnection(connection: Connection) {
  const { connectionString } = clientConfig(connection);
  const options = SAFE_OPTIONS;
  if (connectionString !== undefined || 'url' in connection) return { options, connectionString: connectionString ?? '' };
  const { socketDirectory, port, user, database } = connection;
  return { options, host: socketDirectory, port, user, database };
}
