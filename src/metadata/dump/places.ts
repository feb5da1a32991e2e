import type pg from 'pg';
import type { Logger } from '#contracts/observability';
import type { RegisteredStore } from '#contracts/store-registry';
import { CloudStoreError } from '#core/errors';
import { type Connection, openDatabase, translate } from '../database.ts';
import { copyIn } from './copy.ts';
import { encodeTuple } from './tuples.ts';

/** A chunk that was found in a pack. */
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
  /** The number of the store that its pack lies in; null: in none, so the pack has to be brought. */
  store: number | null;
}

/** What the packs say. */
export interface Finding {
  found: AsyncIterable<FoundChunk>;
  /** Whose packs were all looked through: what is in other stores is left as it is. */
  stores: readonly number[];
  /** Puts packs that lie in no store into the data directory's, durably: rows are about to name them there. */
  bring(packs: readonly string[]): Promise<void>;
  /** The data directory's store, where no row says which that is. */
  home(): Promise<{ identity: string; location: string }>;
  /** Of the others, those that are no stores of this database any more once nothing lies in them. null: it is the same installation as before, in its place. */
  left: readonly number[] | null;
  /** Gives a store that is taken over another identity, durably; the row follows. null: none is. */
  taken(): Promise<{ number: number; identity: string } | null>;
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
/** The data directory's. */
const HOME = 0;

const FOUND = `CREATE TEMP TABLE found (domain int NOT NULL, id bytea NOT NULL, pack bytea NOT NULL, pack_offset bigint NOT NULL, length int NOT NULL,
  open int NOT NULL, store int) ON COMMIT DROP`;
const RIGHT = `SELECT 1 FROM found g WHERE g.domain = c.domain AND g.id = c.id AND g.store = c.store AND g.pack = c.pack
  AND g.pack_offset = c.pack_offset AND g.length = c.length`;
const MEND = `UPDATE chunks c SET store = coalesce(f.store, ${HOME}), pack = f.pack, pack_offset = f.pack_offset, length = f.length
  FROM (SELECT DISTINCT ON (domain, id) * FROM found ORDER BY domain, id, store IS NULL, open, pack) AS f
  WHERE c.domain = f.domain AND c.id = f.id AND NOT EXISTS (${RIGHT})`;
/** A pack that is in no store, and that a row names by now. */
const TO_BRING = `SELECT DISTINCT encode(c.pack, 'hex') FROM chunks c JOIN found f ON f.domain = c.domain AND f.id = c.id AND f.pack = c.pack
  WHERE f.store IS NULL AND c.store = ${HOME} AND NOT EXISTS (SELECT 1 FROM found g WHERE g.pack = c.pack AND g.store = ${HOME}) ORDER BY 1`;
/** Places came to be in a store of which the row of the pack says nothing. */
const SAME_STORE = `UPDATE packs p SET store = x.store FROM (SELECT pack, min(store) AS store FROM chunks GROUP BY pack) x WHERE x.pack = p.id AND p.store <> x.store`;
const STORES = 'SELECT number, kind, identity, location, state FROM stores ORDER BY number';
const HOME_MISSING = `SELECT EXISTS (SELECT 1 FROM chunks WHERE store = ${HOME}) AND NOT EXISTS (SELECT 1 FROM stores WHERE number = ${HOME} AND state <> 'removed')`;
const ENTER_HOME = `INSERT INTO stores (number, kind, identity, location, created_ms) VALUES (${HOME}, 'local', $1, $2, cs_now_ms())
  ON CONFLICT (number) DO UPDATE SET identity = excluded.identity, location = excluded.location, state = 'active'`;
const LEAVE = `UPDATE stores s SET state = 'removed' WHERE number = ANY($1::int[]) AND NOT EXISTS (SELECT 1 FROM chunks c WHERE c.store = s.number)`;
/** What only the machine of before had on its way. */
const FORGET_SPOOL = `DELETE FROM settings WHERE name IN ('spool', 'spool-alone')`;
/** The mirror is the other one's, which may still run; so is what else names its owner (`src/owner.ts`). */
const NEW_OWNER = `DELETE FROM settings WHERE name IN ('mirror', 'owner-id');
  INSERT INTO settings (name, value) VALUES ('owner-id', to_jsonb(replace(gen_random_uuid()::text, '-', '')))`;
const TAKE = 'UPDATE stores SET identity = $2 WHERE number = $1';
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
 * @param look is told which stores the database knows
 */
export async function mendPlaces(
  connection: Connection,
  { look, log }: { look(stores: RegisteredStore[]): Promise<Finding>; log: Logger },
): Promise<Mended> {
  const database = openDatabase({ connection, poolSize: 1, log });
  const client = database.dedicated();
  client.on('error', () => undefined); // shows as the failing statement
  try {
    await client.connect();
    await client.query('BEGIN; SET LOCAL enable_hashjoin = on; SET LOCAL enable_seqscan = on; SET LOCAL enable_mergejoin = on');
    const known = await client.query<StoreRow>({ text: STORES, rowMode: 'array' });
    const { found, stores, left, taken, bring, home } = await look(known.rows.map(storeOf));
    await client.query(FOUND);
    await copyIn(client, 'found', tuplesOf(found));
    await client.query('CREATE INDEX ON found (domain, id); ANALYZE found');
    await client.query(RISE);
    const mended = (await client.query(MEND)).rowCount ?? 0;
    const outside = await client.query<[string]>({ text: TO_BRING, rowMode: 'array' });
    if (outside.rows.length > 0) await bring(outside.rows.map(([pack]) => pack));
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
    await client.query(SAME_STORE);
    const missingHome = await client.query<[boolean]>({ text: HOME_MISSING, rowMode: 'array' });
    if (missingHome.rows[0]?.[0] === true) {
      const { identity, location } = await home();
      await client.query(ENTER_HOME, [identity, location]);
    }
    if (left !== null) {
      await client.query(LEAVE, [left]);
      await client.query(FORGET_SPOOL);
      await client.query(NEW_OWNER);
    }
    const now = await taken();
    if (now !== null) await client.query(TAKE, [now.number, now.identity]);
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
  for await (const { domain, id, pack, offset, length, open, store } of found) {
    batch.push(
      encodeTuple([
        { int: domain },
        id,
        Buffer.from(pack, 'hex'),
        { bigint: offset },
        { int: length },
        { int: open ? 1 : 0 },
        store === null ? null : { int: store },
      ]),
    );
    if (batch.length < 1_000) continue;
    yield Buffer.concat(batch);
    batch = [];
  }
  if (batch.length > 0) yield Buffer.concat(batch);
}

type StoreRow = [number, RegisteredStore['kind'], string, string, RegisteredStore['state']];

function storeOf([number, kind, identity, location, state]: StoreRow): RegisteredStore {
  return { number, kind, identity, location, state };
}
