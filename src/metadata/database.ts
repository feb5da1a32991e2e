import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from '#contracts/observability';
import { CloudStoreError } from '#core/errors';
import { limitUnacknowledged } from '#core/unacknowledged';
import { type OnRow, rawRows } from './row-stream.ts';

export type Connection = { url: string } | { socketDirectory: string; port: number; user: string; database: string };

/**
 * A statement that is planned once a connection. The name stands for the text. An array is unnested as `unnest((SELECT $1::int[]))`: that hides its length
 * from the planner, which otherwise plans anew for every short one, and takes longer than the statement itself.
 */
export interface Statement {
  name: string;
  text: string;
}

/** Rows come as arrays in the order of the columns: bigint as number, json and jsonb as their text, bytea as Buffer. */
export interface Session {
  query<Row extends unknown[]>(statement: Statement, values?: unknown[]): Promise<Row[]>;
  /** Rows that the statement touched. */
  execute(statement: Statement, values?: unknown[]): Promise<number>;
}

export interface Database extends Session {
  /** As `query`, tried again for a moment while the database cannot be reached. Only for what changes nothing. */
  read<Row extends unknown[]>(statement: Statement, values?: unknown[]): Promise<Row[]>;
  /** As `read`, where each row is told as it comes, in binary (row-stream.ts), while the server makes the next ones. `begin` is called anew, for the first one, where it is tried again. */
  readRows(statement: Statement, values: unknown[], begin: () => OnRow): Promise<void>;
  /**
   * One transaction; run anew after a deadlock or a serialization failure. @throws unavailable: also where this process let it lie for 20 seconds, stopped or cut off: others wait
   * for what it has locked
   */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** As `transaction`, where `work` may take its time between two statements: it locks nothing that requests wait for. */
  patientTransaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** A connection of its own, outside the pool. */
  dedicated(): pg.Client;
  close(): Promise<void>;
}

const READ_RETRY_MS = [25, 50, 100, 200, 400, 800];
const DEADLOCK_RETRIES = 5;
/** Then a connection over a network is asked for a sign of life, ten times, once a second. */
const SILENT_MS = 10_000;
/** What was sent and not acknowledged for so long ends a connection of the pool, and what was under way on it is tried again on another. */
const UNACKNOWLEDGED_MS = 20_000;
/** By the server's own look at a machine that is gone: as ours at it. */
const SERVER_ALIVE = `-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=10 -c tcp_user_timeout=${UNACKNOWLEDGED_MS}`;
const IDLE_MS_MAX = 20_000;

/** Whatever the server, the database or the role says: what is committed is on the disk, and work that takes its time is not ended in the middle. */
export const SAFE_OPTIONS =
  '-c synchronous_commit=on -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0';
/** What every connection is set to; also plans that stay right while an empty table grows to millions of rows. */
const OPTIONS = `${SAFE_OPTIONS} -c jit=off -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c default_transaction_isolation=read\\ committed`;

export interface DatabaseOptions {
  connection: Connection;
  poolSize: number;
  log: Logger;
  /** How long a transaction may lie idle. Default 20,000. */
  idleMsMax?: number;
}

export function openDatabase(options: DatabaseOptions): Database {
  const { log, idleMsMax = IDLE_MS_MAX } = options;
  const config = clientConfig(options.connection);
  const stream = 'url' in options.connection ? { stream: impatientSocket } : {};
  const limits = { max: options.poolSize, idleTimeoutMillis: 60_000, connectionTimeoutMillis: 10_000 };
  const pool = new pg.Pool({ ...config, ...stream, ...limits });
  pool.on('error', (error) => {
    // Once it ends, the server may be gone before a connection has said goodbye.
    if (!pool.ending) log.warn({ error: error.message }, 'An idle database connection was lost.');
  });
  // A server that dies may say so in one breath with its welcome, when the pool listens no longer and we not yet: unheard, that would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));

  async function transaction<T>(begin: string, work: (session: Session) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await guarded(pool, (client) => inTransaction(client, begin, work));
      } catch (error) {
        if (!(error instanceof CloudStoreError) || error.details.retry !== true || attempt >= DEADLOCK_RETRIES) throw error;
      }
    }
  }

  const database: Database = {
    query: (statement, values) => guarded(pool, (client) => sessionOf(client).query(statement, values)),
    execute: (statement, values) => guarded(pool, (client) => sessionOf(client).execute(statement, values)),
    read: (statement, values) => again(() => database.query(statement, values)),
    readRows: (statement, values, begin) => again(() => guarded(pool, (client) => tellEach(client, statement, values, begin()))),
    transaction: (work) => transaction(`BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${idleMsMax}`, work),
    patientTransaction: (work) => transaction('BEGIN', work),
    dedicated: () => new pg.Client(config),
    close: () => pool.end(),
  };
  return database;
}

/** Tries for a moment while the database cannot be reached. */
async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      const wait = READ_RETRY_MS[attempt];
      if (!(error instanceof CloudStoreError) || error.code !== 'unavailable' || wait === undefined) throw error;
      await sleep(wait);
    }
  }
}

/** The client's settings, for knex too. */
export function clientConfig(connection: Connection): pg.ClientConfig {
  const common = { options: OPTIONS, application_name: 'cloudstore', types: { getTypeParser: typeParser } };
  // A machine that loses its power says nothing: without these, who waits for its answer would wait for ever.
  const alive = { keepAlive: true, keepAliveInitialDelayMillis: SILENT_MS };
  if ('url' in connection) return { ...common, ...alive, ...withOptionsOf(connection.url) };
  const { socketDirectory, port, user, database } = connection;
  return { ...common, host: socketDirectory, port, user, database };
}

/** Not for a dump or its restore, which may send more than a busy server takes for a while. */
function impatientSocket(): Socket {
  const socket = new Socket();
  return socket.once('connect', () => limitUnacknowledged(socket, UNACKNOWLEDGED_MS));
}

/** What a URL says among its options is set too, and ours go before it: pg takes either the one or the other. */
function withOptionsOf(url: string): { connectionString: string; options: string } {
  const at = url.indexOf('?');
  const query = new URLSearchParams(at < 0 ? '' : url.slice(at));
  const theirs = query.get('options');
  if (theirs === null) return { connectionString: url, options: `${SERVER_ALIVE} ${OPTIONS}` };
  query.delete('options');
  return { connectionString: `${url.slice(0, at)}?${query}`, options: `${SERVER_ALIVE} ${theirs} ${OPTIONS}` };
}

/** The SQLSTATE or errno of whatever pg threw; empty when there is none. */
export function sqlState(error: unknown): string {
  const source = error instanceof CloudStoreError ? error.cause : error;
  return source instanceof Error && 'code' in source && typeof source.code === 'string' ? source.code : '';
}

/** Out of reach, full, or lost against another transaction become errors of the core; anything else stays as it is. */
export function translate(error: unknown): unknown {
  if (error instanceof CloudStoreError || !(error instanceof Error)) return error;
  const state = sqlState(error);
  if (state === '40001' || state === '40P01') {
    return new CloudStoreError('conflict', 'Another change came first.', { cause: error, details: { retry: true } });
  }
  if (state === 'CS003') {
    return new CloudStoreError('conflict', 'The master key was changed, and this process has not got the new one yet.', {
      cause: error,
    });
  }
  if (state === 'CS002') {
    return new CloudStoreError('unavailable', 'This gateway was fenced: it was silent for too long.', {
      cause: error,
      details: { fenced: true },
    });
  }
  if (state === 'CS004') {
    return new CloudStoreError('unavailable', 'What this refers to was collected meanwhile; try again.', {
      cause: error,
      details: { collected: true },
    });
  }
  if (state === 'CS005') {
    return new CloudStoreError('object_locked', 'A version is under retention or legal hold.', { cause: error });
  }
  if (state === '53100')
    return new CloudStoreError('insufficient_storage', 'The disk of the database is full.', { cause: error });
  if (state === '22P05' || state === '22021' || state === '22P02') {
    return new CloudStoreError('invalid_argument', 'A value holds characters that cannot be stored.', { cause: error });
  }
  // A server that was made a stand-by, or is shut for changes: another connection may lead to the one that takes its place.
  if (state === '25006')
    return new CloudStoreError('unavailable', 'The database takes no changes at the moment.', { cause: error });
  if (/^(28|3D000)/.test(state))
    return new CloudStoreError('unavailable', 'The database does not let this gateway in.', { cause: error });
  if (isConnectionTrouble(error, state)) {
    return new CloudStoreError('unavailable', 'The database cannot be reached.', { cause: error });
  }
  return error;
}

/** It has no room for us, ended the connection, or an administrator ended the statement. */
const SERVER_TROUBLE = /^(08|53|57P0|25P0[34]|57014)/;
const NETWORK_TROUBLE: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EMFILE', 'ENFILE'],
]);

function isConnectionTrouble(error: Error, state: string): boolean {
  return (
    SERVER_TROUBLE.test(state) ||
    NETWORK_TROUBLE.has(state) ||
    /Connection terminated|timeout exceeded when trying to connect|not queryable|Client was closed/i.test(error.message)
  );
}

async function guarded<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw translate(error);
  }
  let broken: Error | null = null;
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    return await work(client);
  } catch (error) {
    const translated = translate(error);
    if (translated instanceof CloudStoreError && translated.code === 'unavailable' && !/^CS/.test(sqlState(error)))
      broken = translated;
    throw translated;
  } finally {
    client.off('error', onError);
    client.release(broken ?? undefined);
  }
}

async function inTransaction<T>(client: pg.PoolClient, begin: string, work: (session: Session) => Promise<T>): Promise<T> {
  await client.query(begin);
  try {
    const result = await work(sessionOf(client));
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // A connection that is gone has rolled back already; its own error is the one to tell.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

function sessionOf(client: pg.ClientBase): Session {
  return {
    async query<Row extends unknown[]>(statement: Statement, values: unknown[] = []) {
      const result = await client.query<Row>({ name: statement.name, text: statement.text, values, rowMode: 'array' });
      return result.rows;
    },
    async execute(statement, values = []) {
      const result = await client.query({ name: statement.name, text: statement.text, values, rowMode: 'array' });
      return result.rowCount ?? 0;
    },
  };
}

/** What `onRow` throws is told when the statement has ended, and its connection serves on: thrown where rows come, nobody could catch it. */
function tellEach(client: pg.ClientBase, statement: Statement, values: unknown[], onRow: OnRow): Promise<void> {
  return new Promise((resolve, reject) => {
    let failed: { error: unknown } | null = null;
    const query = rawRows(statement, values, (bytes, at) => {
      if (failed !== null) return;
      try {
        onRow(bytes, at);
      } catch (error) {
        failed = { error };
      }
    });
    query.once('end', () => (failed === null ? resolve() : reject(failed.error)));
    query.once('error', reject);
    client.query(query);
  });
}

const INT8 = 20;
const JSON_TYPES = [114, 3802];

/** pg's parsers, but for bigint (ours stay below 2^53) and json (parsed where it is needed). */
function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === INT8) return Number;
  if (JSON_TYPES.includes(oid)) return (text) => text;
  return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
}
