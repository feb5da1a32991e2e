import type { Knex } from 'knex';

/**
 * What collection rests on (docs/adr/0011-space.md). `collection_turns` counts its turns: what is stored carries the turn it came in, and gateways
 * report the turn in which their oldest upload began, so that nothing compares two clocks.
 */
const TABLES = `
CREATE SEQUENCE collection_turns;
CREATE FUNCTION cs_turn() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT coalesce(pg_sequence_last_value('collection_turns'), 0) $$;

ALTER TABLE gateways DROP COLUMN oldest_lease_ms;
ALTER TABLE gateways ADD COLUMN oldest_lease_turn bigint, ADD COLUMN known_turn bigint NOT NULL DEFAULT 0;

ALTER TABLE chunks ADD COLUMN turn bigint NOT NULL DEFAULT 0;
ALTER TABLE chunks ALTER COLUMN turn SET DEFAULT coalesce(pg_sequence_last_value('collection_turns'), 0);
ALTER TABLE leaves ADD COLUMN turn bigint NOT NULL DEFAULT 0;
ALTER TABLE leaves ALTER COLUMN turn SET DEFAULT coalesce(pg_sequence_last_value('collection_turns'), 0);
CREATE INDEX leaves_condemned ON leaves (condemned_ms) WHERE condemned_ms IS NOT NULL;
DROP INDEX versions_superseded;
CREATE INDEX versions_hidden ON versions (superseded_ms, id) WHERE visibility = 'hidden' AND superseded_ms IS NOT NULL;
CREATE INDEX uploads_created ON uploads (created_ms, id);

-- one row a pack that a chunk ever lay in; a removed one stays as a tombstone for a while, so that nothing late can name it
DROP TABLE packs;
CREATE TABLE packs (
  id bytea PRIMARY KEY, store int NOT NULL, live_chunks bigint NOT NULL DEFAULT 0, live_bytes bigint NOT NULL DEFAULT 0,
  state text NOT NULL DEFAULT 'used', state_ms bigint NOT NULL DEFAULT 0, CHECK (state IN ('used', 'damaged', 'removed'))) WITH (fillfactor = 50);
INSERT INTO packs (id, store, live_chunks, live_bytes) SELECT pack, min(store), count(*), sum(length) FROM chunks GROUP BY pack;

-- what a domain holds, spread over rows so that commits of several connections rarely wait for one another; the sum counts
CREATE TABLE space (
  domain int NOT NULL, shard int NOT NULL, versions bigint NOT NULL DEFAULT 0, version_bytes bigint NOT NULL DEFAULT 0,
  chunks bigint NOT NULL DEFAULT 0, plain_bytes bigint NOT NULL DEFAULT 0, stored_bytes bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (domain, shard)) WITH (fillfactor = 50);
INSERT INTO space (domain, shard, versions, version_bytes)
SELECT cs_uint32(content, 2), 0, count(*), sum(size) FROM versions WHERE content IS NOT NULL GROUP BY 1;
INSERT INTO space (domain, shard, chunks, plain_bytes, stored_bytes)
SELECT domain, 1, count(*), sum(size), sum(length) FROM chunks GROUP BY 1;
`;

/** Contents as docs/FORMAT.md has them. */
const FORMATS = `
CREATE FUNCTION cs_uint32(bytes bytea, at int) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT (get_byte(bytes, at) << 24) | (get_byte(bytes, at + 1) << 16) | (get_byte(bytes, at + 2) << 8) | get_byte(bytes, at + 3) $$;
CREATE FUNCTION cs_leaf_ids(content bytea) RETURNS SETOF bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT substring(content FROM at FOR 32) FROM generate_series(15, length(content) - 39, 40) AS at $$;
-- joined to nothing, the entries are fetched from where they are stored once instead of for each id
CREATE FUNCTION cs_chunk_ids(entries bytea) RETURNS SETOF bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  whole bytea := entries || ''::bytea;
BEGIN
  FOR n IN 0 .. length(whole) / 36 - 1 LOOP
    RETURN NEXT substring(whole FROM 36 * n + 1 FOR 32);
  END LOOP;
END $$;
`;

/**
 * Whatever names a chunk or a leaf lifts its condemnation and proves that it is there, in the transaction that names it. CS004: it was
 * collected. The order matters: the update waits for a deletion that is under way, and what is looked for after it is not there any more. Versions are
 * looked at as the last thing in their transaction, because what they name may come after them in it.
 */
const BARRIER = `
CREATE FUNCTION cs_hold_chunks(of_domain int, ids bytea[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  -- one probe of the primary key an id: a join would be planned while the table is small, by reading all of a domain, and be kept so
  PERFORM 1 FROM unnest(ids) AS x(id)
    WHERE (SELECT c.condemned_ms IS NULL FROM chunks c WHERE c.domain = of_domain AND c.id = x.id) IS NOT TRUE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE chunks c SET condemned_ms = NULL WHERE c.domain = of_domain AND c.id = ANY (ids) AND c.condemned_ms IS NOT NULL;
  PERFORM 1 FROM unnest(ids) AS x(id) WHERE (SELECT true FROM chunks c WHERE c.domain = of_domain AND c.id = x.id) IS NULL;
  IF FOUND THEN
    RAISE EXCEPTION 'a chunk was collected' USING ERRCODE = 'CS004';
  END IF;
END $$;

CREATE FUNCTION cs_hold_content(content bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  of_domain int := cs_uint32(content, 2);
BEGIN
  IF get_byte(content, 1) = 2 THEN
    PERFORM cs_hold_chunks(of_domain, ARRAY[substring(content FROM 15 FOR 32)]);
  ELSIF get_byte(content, 1) = 3 THEN
    PERFORM 1 FROM cs_leaf_ids(content) AS x(id)
      WHERE (SELECT l.condemned_ms IS NULL FROM leaves l WHERE l.domain = of_domain AND l.id = x.id) IS NOT TRUE;
    IF NOT FOUND THEN
      RETURN;
    END IF;
    UPDATE leaves l SET condemned_ms = NULL
     WHERE l.domain = of_domain AND l.id = ANY (ARRAY(SELECT cs_leaf_ids(content))) AND l.condemned_ms IS NOT NULL;
    PERFORM 1 FROM cs_leaf_ids(content) AS x(id) WHERE (SELECT true FROM leaves l WHERE l.domain = of_domain AND l.id = x.id) IS NULL;
    IF FOUND THEN
      RAISE EXCEPTION 'a leaf was collected' USING ERRCODE = 'CS004';
    END IF;
  END IF;
END $$;

CREATE FUNCTION cs_row_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cs_hold_content(NEW.content);
  RETURN NULL;
END $$;
CREATE FUNCTION cs_leaf_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cs_hold_chunks(NEW.domain, ARRAY(SELECT cs_chunk_ids(NEW.entries)));
  RETURN NULL;
END $$;
CREATE FUNCTION cs_versions_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO space AS t (domain, shard, versions, version_bytes)
  SELECT cs_uint32(content, 2), pg_backend_pid() & 31, count(*), sum(size) FROM came WHERE content IS NOT NULL GROUP BY 1 ORDER BY 1
  ON CONFLICT (domain, shard) DO UPDATE SET versions = t.versions + excluded.versions, version_bytes = t.version_bytes + excluded.version_bytes;
  RETURN NULL;
END $$;
CREATE FUNCTION cs_versions_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO space AS t (domain, shard, versions, version_bytes)
  SELECT cs_uint32(content, 2), pg_backend_pid() & 31, -count(*), -sum(size) FROM went WHERE content IS NOT NULL GROUP BY 1 ORDER BY 1
  ON CONFLICT (domain, shard) DO UPDATE SET versions = t.versions + excluded.versions, version_bytes = t.version_bytes + excluded.version_bytes;
  RETURN NULL;
END $$;

CREATE TRIGGER versions_came AFTER INSERT ON versions REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cs_versions_came();
CREATE TRIGGER versions_went AFTER DELETE ON versions REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION cs_versions_went();
CREATE CONSTRAINT TRIGGER versions_held AFTER INSERT ON versions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (get_byte(NEW.content, 1) > 1) EXECUTE FUNCTION cs_row_held();
CREATE CONSTRAINT TRIGGER versions_content AFTER UPDATE OF content ON versions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.content IS DISTINCT FROM OLD.content AND get_byte(NEW.content, 1) > 1) EXECUTE FUNCTION cs_row_held();
CREATE TRIGGER parts_came AFTER INSERT OR UPDATE OF content ON parts FOR EACH ROW EXECUTE FUNCTION cs_row_held();
CREATE TRIGGER leaves_came AFTER INSERT ON leaves FOR EACH ROW EXECUTE FUNCTION cs_leaf_held();
CREATE TRIGGER leaves_back AFTER UPDATE OF condemned_ms ON leaves FOR EACH ROW
  WHEN (OLD.condemned_ms IS NOT NULL AND NEW.condemned_ms IS NULL) EXECUTE FUNCTION cs_leaf_held();
`;

/** How much of each pack and domain is alive, exact at every commit. A chunk cannot come to lie in a pack that is removed. */
const ACCOUNTS = `
CREATE FUNCTION cs_chunks_came() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wanted int;
  counted int;
BEGIN
  SELECT count(DISTINCT pack) INTO wanted FROM came;
  IF wanted = 0 THEN
    RETURN NULL;
  END IF;
  INSERT INTO packs AS t (id, store, live_chunks, live_bytes)
  SELECT pack, min(store), count(*), sum(length) FROM came GROUP BY pack ORDER BY pack
  ON CONFLICT (id) DO UPDATE SET live_chunks = t.live_chunks + excluded.live_chunks, live_bytes = t.live_bytes + excluded.live_bytes,
    store = excluded.store WHERE t.state <> 'removed';
  GET DIAGNOSTICS counted = ROW_COUNT;
  IF counted < wanted THEN
    RAISE EXCEPTION 'a pack was removed' USING ERRCODE = 'CS004';
  END IF;
  INSERT INTO space AS t (domain, shard, chunks, plain_bytes, stored_bytes)
  SELECT domain, pg_backend_pid() & 31, count(*), sum(size), sum(length) FROM came GROUP BY domain ORDER BY domain
  ON CONFLICT (domain, shard) DO UPDATE SET chunks = t.chunks + excluded.chunks, plain_bytes = t.plain_bytes + excluded.plain_bytes,
    stored_bytes = t.stored_bytes + excluded.stored_bytes;
  RETURN NULL;
END $$;
CREATE FUNCTION cs_chunks_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE packs t SET live_chunks = t.live_chunks - x.n, live_bytes = t.live_bytes - x.z
    FROM (SELECT pack, count(*) AS n, sum(length) AS z FROM went GROUP BY pack ORDER BY pack) AS x WHERE t.id = x.pack;
  INSERT INTO space AS t (domain, shard, chunks, plain_bytes, stored_bytes)
  SELECT domain, pg_backend_pid() & 31, -count(*), -sum(size), -sum(length) FROM went GROUP BY domain ORDER BY domain
  ON CONFLICT (domain, shard) DO UPDATE SET chunks = t.chunks + excluded.chunks, plain_bytes = t.plain_bytes + excluded.plain_bytes,
    stored_bytes = t.stored_bytes + excluded.stored_bytes;
  RETURN NULL;
END $$;
CREATE FUNCTION cs_chunk_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE packs SET live_chunks = live_chunks - 1, live_bytes = live_bytes - OLD.length WHERE id = OLD.pack;
  INSERT INTO packs AS t (id, store, live_chunks, live_bytes) VALUES (NEW.pack, NEW.store, 1, NEW.length)
  ON CONFLICT (id) DO UPDATE SET live_chunks = t.live_chunks + 1, live_bytes = t.live_bytes + excluded.live_bytes, store = excluded.store
    WHERE t.state <> 'removed';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'a pack was removed' USING ERRCODE = 'CS004';
  END IF;
  IF NEW.length <> OLD.length THEN
    INSERT INTO space AS t (domain, shard, stored_bytes) VALUES (NEW.domain, pg_backend_pid() & 31, NEW.length - OLD.length)
    ON CONFLICT (domain, shard) DO UPDATE SET stored_bytes = t.stored_bytes + excluded.stored_bytes;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER chunks_came AFTER INSERT ON chunks REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cs_chunks_came();
CREATE TRIGGER chunks_went AFTER DELETE ON chunks REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION cs_chunks_went();
CREATE TRIGGER chunks_moved AFTER UPDATE OF pack, length ON chunks FOR EACH ROW
  WHEN (NEW.pack <> OLD.pack OR NEW.length <> OLD.length) EXECUTE FUNCTION cs_chunk_moved();
`;

/** For what writes outside of a commit: only a gateway that is not fenced. CS002 otherwise. */
const ALIVE = `
CREATE FUNCTION cs_alive(gateway int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF gateway IS NOT NULL THEN
    PERFORM 1 FROM gateways g WHERE g.id = gateway AND NOT g.fenced FOR SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'fenced' USING ERRCODE = 'CS002';
    END IF;
  END IF;
END $$;
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(FORMATS);
  await knex.raw(TABLES);
  await knex.raw(BARRIER);
  await knex.raw(ACCOUNTS);
  await knex.raw(ALIVE);
}

export async function down(): Promise<void> {
  throw new Error('This migration is not taken back: restore a backup instead.');
}
