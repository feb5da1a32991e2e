import type { Knex } from 'knex';

/** The rows of chunks that a commit brings, as src/metadata/commit/apply.ts writes them. */
const TYPES = `
CREATE TYPE cs_chunk AS (d int, i bytea, z int, s int, p bytea, o bigint, l int);
`;

/** As with 19 arguments (0027), and with chunks in binary: as JSON in `extra` they went through one function more. */
const COMMIT = `
CREATE FUNCTION cs_commit(gateway int, commit_id bytea, now_ms bigint, told boolean, heads cs_head[], slots_in cs_slot[], slots_there cs_slot[],
                          versions_in cs_version[], changed cs_changed[], kept json, gone json, ensured json, touched cs_folder[], explicit_in json,
                          candidates json, journal_in cs_journal[], usage_in cs_used[], extra json, guess json, chunks_in cs_chunk[])
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  emptied int := cs_commit(gateway, commit_id, now_ms, told, heads, slots_in, slots_there, versions_in, changed, kept, gone, ensured, touched, explicit_in,
                           candidates, journal_in, usage_in, extra, guess);
BEGIN
  IF emptied >= 0 THEN
    INSERT INTO chunks AS t (domain, id, size, store, pack, pack_offset, length)
    SELECT DISTINCT ON (x.d, x.i) x.d, x.i, x.z, x.s, x.p, x.o, x.l FROM unnest((SELECT chunks_in)) AS x ORDER BY x.d, x.i
    ON CONFLICT (domain, id) DO UPDATE SET size = excluded.size, store = excluded.store, pack = excluded.pack, pack_offset = excluded.pack_offset,
      length = excluded.length, condemned_ms = NULL, damaged_ms = NULL WHERE t.condemned_ms IS NOT NULL OR t.damaged_ms IS NOT NULL;
  END IF;
  RETURN emptied;
END $$;
`;

/** After an insert one trigger and as few statements as it takes, in place of `changed_insert` (0006) and another: a statement costs as much as a row. */
const TRIGGERS = `
CREATE OR REPLACE FUNCTION cs_slots_named() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH tracked AS (INSERT INTO changed_slots SELECT id FROM came)
  INSERT INTO names_pending SELECT 0, id FROM came;
  RETURN NULL;
END $$;
DROP TRIGGER changed_insert ON slots;
DROP TRIGGER slots_named ON slots;
CREATE TRIGGER changed_insert AFTER INSERT ON slots REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cs_slots_named();

CREATE OR REPLACE FUNCTION cs_directories_named() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH tracked AS (INSERT INTO changed_directories SELECT id FROM came)
  INSERT INTO names_pending SELECT 1, id FROM came;
  RETURN NULL;
END $$;
DROP TRIGGER changed_insert ON directories;
DROP TRIGGER directories_named ON directories;
CREATE TRIGGER changed_insert AFTER INSERT ON directories REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cs_directories_named();

CREATE OR REPLACE FUNCTION cs_versions_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH tracked AS (INSERT INTO changed_versions SELECT id FROM came)
  INSERT INTO space AS t (domain, shard, versions, version_bytes)
  SELECT cs_uint32(content, 2), pg_backend_pid() & 31, count(*), sum(size) FROM came WHERE content IS NOT NULL GROUP BY 1 ORDER BY 1
  ON CONFLICT (domain, shard) DO UPDATE SET versions = t.versions + excluded.versions, version_bytes = t.version_bytes + excluded.version_bytes;
  RETURN NULL;
END $$;
DROP TRIGGER changed_insert ON versions;
DROP TRIGGER versions_came ON versions;
CREATE TRIGGER changed_insert AFTER INSERT ON versions REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cs_versions_came();

CREATE OR REPLACE FUNCTION cs_chunks_came() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  missing int;
BEGIN
  WITH lying AS (
    INSERT INTO packs AS t (id, store, live_chunks, live_bytes)
    SELECT pack, min(store), count(*), sum(length) FROM came GROUP BY pack ORDER BY pack
    ON CONFLICT (id) DO UPDATE SET live_chunks = t.live_chunks + excluded.live_chunks, live_bytes = t.live_bytes + excluded.live_bytes,
      store = excluded.store WHERE t.state <> 'removed'
    RETURNING 1)
  SELECT (SELECT count(DISTINCT pack) FROM came) - count(*) INTO missing FROM lying;
  IF missing > 0 THEN
    RAISE EXCEPTION 'a pack was removed' USING ERRCODE = 'CS004';
  END IF;
  WITH tracked AS (INSERT INTO changed_chunks SELECT domain, id FROM came)
  INSERT INTO space AS t (domain, shard, chunks, plain_bytes, stored_bytes)
  SELECT domain, pg_backend_pid() & 31, count(*), sum(size), sum(length) FROM came GROUP BY domain ORDER BY domain
  ON CONFLICT (domain, shard) DO UPDATE SET chunks = t.chunks + excluded.chunks, plain_bytes = t.plain_bytes + excluded.plain_bytes,
    stored_bytes = t.stored_bytes + excluded.stored_bytes;
  RETURN NULL;
END $$;
DROP TRIGGER changed_insert ON chunks;
DROP TRIGGER chunks_came ON chunks;
CREATE TRIGGER changed_insert AFTER INSERT ON chunks REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cs_chunks_came();
`;

/** A content of one chunk that is there and is not condemned, which is nearly every one, needs no more than to be looked at. */
const HELD = `
CREATE OR REPLACE FUNCTION cs_row_held() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of_domain int;
  chunk bytea;
BEGIN
  IF get_byte(NEW.content, 1) = 2 THEN
    of_domain := cs_uint32(NEW.content, 2);
    chunk := substring(NEW.content FROM 15 FOR 32);
    PERFORM 1 FROM chunks c WHERE c.domain = of_domain AND c.id = chunk AND c.condemned_ms IS NULL;
    IF FOUND THEN
      RETURN NULL;
    END IF;
  END IF;
  PERFORM cs_hold_content(NEW.content);
  RETURN NULL;
END $$;
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(TYPES);
  await knex.raw(COMMIT);
  await knex.raw(TRIGGERS);
  await knex.raw(HELD);
}

export async function down(): Promise<void> {
  throw new Error('This migration is not taken back: restore a backup instead.');
}
