import type pg from 'pg';
import type { Logger } from '#contracts/observability';
import { CloudStoreError } from '#core/errors';
import { type Connection, openDatabase, translate } from '../database.ts';
import { copyIn } from './copy.ts';
import { encodeTuple } from './tuples.ts';

/** A chunk that was found in a pack of the data directory. */
export interface FoundChunk {
  domain: number;
  /** 32 bytes. */
  id: Buffer;
  /** 32 hex digits. */
  pack: string;
  offset: number;
  length: number;
  /** Its pack is not sealed: a place of last choice. */
  open: boolean;
}

export interface Mended {
  /** Chunks that the database knows. */
  chunks: number;
  /** Whose places were another one, and are right now. */
  mended: number;
  /** That are in no pack; the database forgets them, so that whoever brings such a chunk again stores it. */
  missing: number;
  hurtCount: number;
  /** Objects and older versions that lack something; the first of them. */
  hurt: { bucket: string; key: string; version: string; current: boolean }[];
}

const HURT_SHOWN = 1_000;
/** Where packs of the data directory lie. */
const STORE = 0;

const FOUND = `CREATE TEMP TABLE found (domain int NOT NULL, id bytea NOT NULL, pack bytea NOT NULL, pack_offset bigint NOT NULL, length int NOT NULL,
  open int NOT NULL) ON COMMIT DROP`;
const RIGHT = `SELECT 1 FROM found g WHERE g.domain = c.domain AND g.id = c.id AND c.store = ${STORE} AND g.pack = c.pack
  AND g.pack_offset = c.pack_offset AND g.length = c.length`;
const MEND = `UPDATE chunks c SET store = ${STORE}, pack = f.pack, pack_offset = f.pack_offset, length = f.length
  FROM (SELECT DISTINCT ON (domain, id) * FROM found ORDER BY domain, id, open, pack) AS f
  WHERE c.domain = f.domain AND c.id = f.id AND NOT EXISTS (${RIGHT})`;
/** A pack that a tombstone says is removed is there all the same: of a backup that was made before. */
const RISE = `UPDATE packs SET state = 'used' WHERE state = 'removed' AND id IN (SELECT pack FROM found)`;
const MISSING = `CREATE TEMP TABLE missing ON COMMIT DROP AS SELECT c.domain, c.id FROM chunks c
  WHERE c.store = ANY($1::int[]) AND NOT EXISTS (SELECT 1 FROM found f WHERE f.domain = c.domain AND f.id = c.id)`;
const HURT_LEAVES = `CREATE TEMP TABLE hurt_leaves ON COMMIT DROP AS SELECT l.domain, l.id FROM leaves l
  WHERE EXISTS (SELECT 1 FROM cs_chunk_ids(l.entries) AS x(id) JOIN missing m ON m.id = x.id WHERE m.domain = l.domain)`;
const HURT = `CREATE TEMP TABLE hurt ON COMMIT DROP AS SELECT v.id, v.slot_id FROM versions v
  WHERE (get_byte(v.content, 1) = 2 AND EXISTS (
          SELECT 1 FROM missing m WHERE m.domain = cs_uint32(v.content, 2) AND m.id = substring(v.content FROM 15 FOR 32)))
     OR (get_byte(v.content, 1) = 3 AND EXISTS (
          SELECT 1 FROM cs_leaf_ids(v.content) AS x(id) JOIN hurt_leaves h ON h.id = x.id WHERE h.domain = cs_uint32(v.content, 2)))
     OR (get_byte(v.content, 1) = 3 AND EXISTS (
          SELECT 1 FROM cs_leaf_ids(v.content) AS x(id)
           WHERE NOT EXISTS (SELECT 1 FROM leaves l WHERE l.domain = cs_uint32(v.content, 2) AND l.id = x.id)))`;
const SHOW = `SELECT b.name, s.key, encode(h.id, 'hex'), s.live AND s.version_id = h.id FROM hurt h JOIN slots s ON s.id = h.slot_id
  JOIN buckets b ON b.id = s.bucket_id ORDER BY 4 DESC, 1, 2 LIMIT ${HURT_SHOWN}`;
const FORGET = 'DELETE FROM chunks c USING missing m WHERE c.domain = m.domain AND c.id = m.id';

/**
 * Compares the places that a restored database has with what the packs hold, mends them, and tells what is missing. One transaction.
 * @param stores whose packs were all looked through: what is in other stores is left as it is
 */
export async function mendPlaces(
  connection: Connection,
  { found, stores, log }: { found: AsyncIterable<FoundChunk>; stores: readonly number[]; log: Logger },
): Promise<Mended> {
  const database = openDatabase({ connection, poolSize: 1, log });
  const client = database.dedicated();
  client.on('error', () => undefined); // shows as the failing statement
  try {
    await client.connect();
    await client.query('BEGIN; SET LOCAL enable_hashjoin = on; SET LOCAL enable_seqscan = on; SET LOCAL enable_mergejoin = on');
    await client.query(FOUND);
    await copyIn(client, 'found', tuplesOf(found));
    await client.query('CREATE INDEX ON found (domain, id); ANALYZE found');
    await client.query(RISE);
    const mended = (await client.query(MEND)).rowCount ?? 0;
    await client.query(MISSING.replace('$1::int[]', `'{${stores.join()}}'::int[]`));
    await client.query('ANALYZE missing');
    await client.query(HURT_LEAVES);
    await client.query(HURT);
    const hurt = await client.query<[string, string, string, boolean]>({ text: SHOW, rowMode: 'array' });
    const counts = {
      chunks: await count(client, 'chunks'),
      missing: await count(client, 'missing'),
      hurtCount: await count(client, 'hurt'),
    };
    await client.query(FORGET);
    await client.query('COMMIT');
    return {
      ...counts,
      mended,
      hurt: hurt.rows.map(([bucket, key, version, current]) => ({ bucket, key, version, current })),
    };
  } catch (error) {
    throw error instanceof CloudStoreError ? error : translate(error);
  } finally {
    await client.end().catch(() => undefined);
    await database.close();
  }
}

async function count(client: pg.Client, table: string): Promise<number> {
  const { rows } = await client.query({ text: `SELECT count(*)::text FROM ${table}`, rowMode: 'array' });
  return Number(rows[0]?.[0]);
}

async function* tuplesOf(found: AsyncIterable<FoundChunk>): AsyncGenerator<Buffer> {
  let batch: Buffer[] = [];
  for await (const { domain, id, pack, offset, length, open } of found) {
    batch.push(
      encodeTuple([{ int: domain }, id, Buffer.from(pack, 'hex'), { bigint: offset }, { int: length }, { int: open ? 1 : 0 }]),
    );
    if (batch.length < 1_000) continue;
    yield Buffer.concat(batch);
    batch = [];
  }
  if (batch.length > 0) yield Buffer.concat(batch);
}
