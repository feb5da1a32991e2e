import type { CollectionStore } from '#contracts/collection';
import type { Signals } from '#contracts/signals';
import { CloudStoreError } from '#core/errors';
import type { Database, Statement } from './database.ts';

export interface CollectionOptions {
  database: Database;
  signals: Signals;
  /** Rows of versions or parts a step. */
  pageRows?: number;
}

const PAGE_ROWS = 1_000;
/** A leaf has up to 1,024 chunks. */
const PAGE_LEAVES = 32;
/** Some thousands of chunks. They are read as they lie, because their keys are in no order on the disk. */
const PAGE_BLOCKS = 64;
const REMOVE_MAX = 1_000;
/** Long after anybody could still come back as a gateway of that number. */
const FORGET_MS = 7 * 24 * 3600 * 1000;

const NEXT_TURN = { name: 'collect-turn', text: `SELECT nextval('collection_turns')` };
const NOW = { name: 'collect-now', text: 'SELECT cs_now_ms()' };
const COUNT = { name: 'collect-count', text: 'SELECT coalesce(sum(chunks), 0)::bigint FROM space' };

const PAGES = {
  v: `SELECT id AS at, 0 AS number, content FROM versions WHERE id > decode($1, 'hex') AND $2::int IS NOT NULL ORDER BY id LIMIT $3`,
  p: `SELECT upload_id AS at, number, content FROM parts WHERE (upload_id, number) > (decode($1, 'hex'), $2::int) ORDER BY upload_id, number LIMIT $3`,
};
const LAST = `(SELECT encode(at, 'hex') || ':' || number FROM page ORDER BY at DESC, number DESC LIMIT 1)`;
const DIRECT = `SELECT DISTINCT cs_uint32(content, 2) AS domain, substring(content FROM 15 FOR 32) AS id FROM page WHERE get_byte(content, 1) = 2`;
const LISTED = `SELECT DISTINCT cs_uint32(content, 2) AS domain, x.id FROM page, cs_leaf_ids(content) AS x(id) WHERE get_byte(content, 1) = 3`;
const STRANGE = `(SELECT count(*) FROM page WHERE get_byte(content, 0) <> 1 OR get_byte(content, 1) NOT IN (1, 2, 3))::int`;
const keysOf = (rows: string) => `(SELECT string_agg(int4send(domain) || id, ''::bytea) FROM (${rows}) AS k)`;

function referencesOf(table: 'v' | 'p'): Statement {
  return {
    name: `collect-references-${table}`,
    text: `WITH page AS MATERIALIZED (${PAGES[table]}) SELECT ${LAST}, ${STRANGE}, ${keysOf(DIRECT)}, ${keysOf(LISTED)}`,
  };
}
function holdOf(table: 'v' | 'p'): Statement {
  return {
    name: `collect-hold-${table}`,
    text: `WITH page AS MATERIALIZED (${PAGES[table]}),
      direct AS (UPDATE chunks c SET condemned_ms = NULL FROM (${DIRECT}) AS k
                  WHERE c.domain = k.domain AND c.id = k.id AND c.condemned_ms IS NOT NULL RETURNING 1),
      listed AS (UPDATE leaves l SET condemned_ms = NULL FROM (${LISTED}) AS k
                  WHERE l.domain = k.domain AND l.id = k.id AND l.condemned_ms IS NOT NULL RETURNING 1)
      SELECT ${LAST}, ${STRANGE}, ((SELECT count(*) FROM direct) + (SELECT count(*) FROM listed))::int`,
  };
}
const REFERENCES = { v: referencesOf('v'), p: referencesOf('p') };
const HOLD = { v: holdOf('v'), p: holdOf('p') };

const LEAVES = {
  name: 'collect-leaves',
  text: `SELECT int4send(domain) || id, entries, turn <> $3 FROM leaves
          WHERE (domain, id) > ($1::int, decode($2, 'hex')) AND condemned_ms IS NULL ORDER BY domain, id LIMIT $4`,
};
const HOLD_LEAVES = {
  name: 'collect-hold-leaves',
  text: `WITH page AS MATERIALIZED (SELECT domain, id, entries FROM leaves
           WHERE (domain, id) > ($1::int, decode($2, 'hex')) AND condemned_ms IS NULL ORDER BY domain, id LIMIT $3),
    held AS (UPDATE chunks c SET condemned_ms = NULL FROM (SELECT DISTINCT p.domain, x.id FROM page p, cs_chunk_ids(p.entries) AS x(id)) AS k
              WHERE c.domain = k.domain AND c.id = k.id AND c.condemned_ms IS NOT NULL RETURNING 1)
    SELECT (SELECT domain || ':' || encode(id, 'hex') FROM page ORDER BY domain DESC, id DESC LIMIT 1), (SELECT count(*) FROM held)::int`,
};
const BLOCKS = { name: 'collect-blocks', text: `SELECT (pg_relation_size('chunks') / current_setting('block_size')::int)::int` };
const CHUNKS = {
  name: 'collect-chunks',
  text: `SELECT string_agg(int4send(domain) || id || int4send(length), ''::bytea) FROM chunks
          WHERE ctid >= $1::tid AND ctid < $2::tid AND condemned_ms IS NULL AND turn <> $3`,
};

const condemnOf = (table: 'chunks' | 'leaves'): Statement => ({
  name: `collect-condemn-${table}`,
  text: `UPDATE ${table} t SET condemned_ms = cs_now_ms() FROM unnest((SELECT $1::int[]), (SELECT $2::bytea[])) AS x(domain, id)
          WHERE t.domain = x.domain AND t.id = x.id AND t.condemned_ms IS NULL AND t.turn <> $3 AND (SELECT cs_turn()) = $3`,
});
const CONDEMN = { chunks: condemnOf('chunks'), leaves: condemnOf('leaves') };
const removeOf = (table: 'chunks' | 'leaves', bytes: string): Statement => ({
  name: `collect-remove-${table}`,
  text: `WITH doomed AS MATERIALIZED (SELECT domain, id FROM ${table} WHERE condemned_ms <= $1 ORDER BY condemned_ms LIMIT $2 FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM ${table} t USING doomed d WHERE t.domain = d.domain AND t.id = d.id RETURNING ${bytes} AS bytes)
    SELECT count(*)::int, coalesce(sum(bytes), 0)::bigint FROM gone`,
});
const REMOVE = { chunks: removeOf('chunks', 't.length'), leaves: removeOf('leaves', '0') };

/** Whoever writes to one of these holds its lock until the transaction ends. */
const WRITING = `FROM pg_locks WHERE locktype = 'relation' AND mode <> 'AccessShareLock' AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND relation IN ('versions'::regclass, 'parts'::regclass, 'leaves'::regclass, 'chunks'::regclass)`;
const WRITERS = { name: 'collect-writers', text: `SELECT DISTINCT virtualtransaction ${WRITING}` };
const RUNNING = {
  name: 'collect-running',
  text: `SELECT DISTINCT virtualtransaction ${WRITING} AND virtualtransaction = ANY((SELECT $1::text[])::text[])`,
};
const FENCE = {
  name: 'collect-fence',
  text: 'UPDATE gateways SET fenced = true WHERE NOT fenced AND seen_ms < cs_now_ms() - $1::bigint',
};
const FORGET = { name: 'collect-forget', text: 'DELETE FROM gateways WHERE fenced AND seen_ms < cs_now_ms() - $1::bigint' };
const WAITING = {
  name: 'collect-waiting',
  text: 'SELECT count(*)::int FROM gateways WHERE NOT fenced AND (known_turn < $1 OR oldest_lease_turn < $1)',
};

/** The contract is CollectionStore. */
export function createCollectionStore({ database, signals, pageRows = PAGE_ROWS }: CollectionOptions): CollectionStore {
  return {
    async nextTurn() {
      const rows = await database.query<[number]>(NEXT_TURN);
      return rows[0]![0];
    },
    async now() {
      const rows = await database.read<[number]>(NOW);
      return rows[0]![0];
    },
    async chunkCount() {
      const rows = await database.read<[number]>(COUNT);
      return rows[0]![0];
    },
    async references(after) {
      const { table, at, number } = placeOf(after);
      const rows = await database.read<[string | null, number, Buffer | null, Buffer | null]>(REFERENCES[table], [
        at,
        number,
        pageRows,
      ]);
      const [last, strange, chunks, leaves] = rows[0]!;
      assertKnown(strange);
      return { next: nextOf(table, last), chunks: chunks ?? Buffer.alloc(0), leaves: leaves ?? Buffer.alloc(0) };
    },
    async leaves(after, turn) {
      const [domain, id] = keyOf(after);
      const rows = await database.read<[Buffer, Buffer, boolean]>(LEAVES, [domain, id, turn, PAGE_LEAVES]);
      const last = rows.at(-1)?.[0];
      const next = last === undefined ? null : `${last.readInt32BE(0)}:${last.toString('hex', 4)}`;
      return { next, leaves: rows.map(([key, entries, old]) => ({ key, entries, old })) };
    },
    async chunks(after, turn) {
      const first = Number(after ?? 0);
      const blocks = (await database.read<[number]>(BLOCKS))[0]![0];
      const end = first + PAGE_BLOCKS;
      const rows = await database.read<[Buffer | null]>(CHUNKS, [`(${first},0)`, `(${end},0)`, turn]);
      return { next: end >= blocks ? null : String(end), chunks: rows[0]?.[0] ?? Buffer.alloc(0) };
    },
    async condemn(kind, keys, turn) {
      const domains: number[] = [];
      const ids: Buffer[] = [];
      for (let at = 0; at < keys.length; at += 36) {
        domains.push(keys.readInt32BE(at));
        ids.push(keys.subarray(at + 4, at + 36));
      }
      if (ids.length === 0) return 0;
      return database.transaction((session) => session.execute(CONDEMN[kind], [domains, ids, turn]));
    },
    async writers() {
      return (await database.query<[string]>(WRITERS)).map(([writer]) => writer);
    },
    async running(writers) {
      return (await database.query<[string]>(RUNNING, [writers])).map(([writer]) => writer);
    },
    async fence(silentMs) {
      await database.execute(FORGET, [FORGET_MS]);
      return database.execute(FENCE, [silentMs]);
    },
    async waitingFor(turn) {
      await signals.publish('leases', String(turn));
      return (await database.query<[number]>(WAITING, [turn]))[0]![0];
    },
    async holdReferences(after) {
      const { table, at, number } = placeOf(after);
      const rows = await database.transaction((session) =>
        session.query<[string | null, number, number]>(HOLD[table], [at, number, pageRows]),
      );
      const [last, strange, held] = rows[0]!;
      assertKnown(strange);
      return { next: nextOf(table, last), held };
    },
    async holdLeaves(after) {
      const [domain, id] = keyOf(after);
      const rows = await database.transaction((session) =>
        session.query<[string | null, number]>(HOLD_LEAVES, [domain, id, PAGE_LEAVES]),
      );
      const [next, held] = rows[0]!;
      return { next, held };
    },
    async remove(kind, untilMs) {
      const rows = await database.transaction((session) => session.query<[number, number]>(REMOVE[kind], [untilMs, REMOVE_MAX]));
      const [count, bytes] = rows[0]!;
      return { count, bytes };
    },
  };
}

/** `v:<id>:0` or `p:<upload>:<number>`; all versions come before all parts. */
function placeOf(after: string | null): { table: 'v' | 'p'; at: string; number: number } {
  if (after === null) return { table: 'v', at: '', number: 0 };
  const [table, at = '', number] = after.split(':');
  return { table: table === 'v' ? 'v' : 'p', at, number: Number(number) };
}

function nextOf(table: 'v' | 'p', last: string | null): string | null {
  if (last !== null) return `${table}:${last}`;
  return table === 'v' ? 'p::0' : null;
}

function keyOf(after: string | null): [number, string] {
  if (after === null) return [-1, ''];
  const [domain, id = ''] = after.split(':');
  return [Number(domain), id];
}

/** What we cannot read may refer to anything. */
function assertKnown(strange: number): void {
  if (strange === 0) return;
  throw new CloudStoreError(
    'corrupt',
    'A content has a format that this version of CloudStore does not know; nothing is collected.',
  );
}
