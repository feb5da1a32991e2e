import pg from 'pg';
import type { SocketConnection } from '../embedded-postgres.ts';

/** What `doctor` wants to know of a database, whoever runs it. */
export interface DatabaseFacts {
  version: string;
  major: number;
  encoding: string;
  /** libc's idea of letters; with `C`, search by trigrams sees ASCII only. */
  ctype: string;
  sizeBytes: number;
  /** Sessions of gateways and commands, this one not counted. */
  sessions: number;
}

/** One short connection; opens no pool and runs no migration. @throws what pg throws */
export async function inspectDatabase(connection: { url: string } | SocketConnection): Promise<DatabaseFacts> {
  const client = new pg.Client({
    ...('url' in connection
      ? { connectionString: connection.url }
      : { host: connection.socketDirectory, port: connection.port, user: connection.user, database: connection.database }),
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => undefined); // shows as the failing statement
  await client.connect();
  try {
    const { rows } = await client.query(
      `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
              pg_encoding_to_char(encoding) AS encoding, datctype AS ctype, pg_database_size(oid)::float8 AS size,
              (SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()) AS sessions
       FROM pg_database WHERE datname = current_database()`,
    );
    const row = rows[0];
    return {
      version: row.version,
      major: Math.floor(row.number / 10_000),
      encoding: row.encoding,
      ctype: row.ctype,
      sizeBytes: row.size,
      sessions: row.sessions,
    };
  } finally {
    await client.end();
  }
}
