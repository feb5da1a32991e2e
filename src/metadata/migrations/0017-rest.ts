import type { Knex } from 'knex';

/**
 * Resumable uploads (docs/adr/0017-resumable-uploads.md): what an upload of the `uploads` table has besides its parts when it is sent as one stream that
 * may break. `received` is the sum of its parts, decided under the row's lock, so that two senders never both append.
 */
const RESUMABLES = `
CREATE TABLE resumables (
  id bytea PRIMARY KEY REFERENCES uploads ON DELETE CASCADE, bucket_id int NOT NULL, key text COLLATE "C" NOT NULL, principal int NOT NULL,
  kind text NOT NULL, length bigint, received bigint NOT NULL DEFAULT 0, conditions jsonb, metadata text NOT NULL, concat text,
  touched_ms bigint NOT NULL, CHECK (kind IN ('whole', 'partial', 'final')));
CREATE INDEX resumables_principal ON resumables (principal, id);
`;

/** What a request with an Idempotency-Key answered, sealed, for a day. Without a status it is still running, or its gateway died. */
const IDEMPOTENCY = `
CREATE TABLE idempotency (
  principal int NOT NULL, key text COLLATE "C" NOT NULL, request bytea NOT NULL, attempt bytea NOT NULL, begun_ms bigint NOT NULL,
  status int, answer bytea, digest bytea, PRIMARY KEY (principal, key));
CREATE INDEX idempotency_begun ON idempotency (begun_ms);
`;

/** Small pictures of contents, sealed; they can be made again. */
const THUMBNAILS = `
CREATE TABLE thumbnails (
  content bytea NOT NULL, size smallint NOT NULL, sealed bytea NOT NULL, made_ms bigint NOT NULL, PRIMARY KEY (content, size));
CREATE INDEX thumbnails_made ON thumbnails (made_ms);
`;

/**
 * Search by name (docs/adr/0037-search.md). A commit only writes down what got a name (`names_pending`); the words come into `name_words` a moment later, or
 * with the next search. Words refer to rows by id, so a folder that moves takes what is in it along without a change here. kind 0: a slot, 1: a directory.
 */
const NAMES = `
CREATE TABLE names_pending (kind smallint NOT NULL, ref bigint NOT NULL);
CREATE TABLE name_words (
  bucket_id int NOT NULL, word text COLLATE "C" NOT NULL, kind smallint NOT NULL, ref bigint NOT NULL,
  PRIMARY KEY (bucket_id, word, kind, ref));
CREATE INDEX name_words_ref ON name_words (kind, ref);

CREATE FUNCTION cs_slots_named() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO names_pending SELECT 0, id FROM came;
  RETURN NULL;
END $$;
CREATE FUNCTION cs_directories_named() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO names_pending SELECT 1, id FROM came;
  RETURN NULL;
END $$;
CREATE FUNCTION cs_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO names_pending VALUES (TG_ARGV[0]::smallint, NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER slots_named AFTER INSERT ON slots REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cs_slots_named();
CREATE TRIGGER directories_named AFTER INSERT ON directories REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION cs_directories_named();
-- the last name only: a folder's move renames none of what is in it
CREATE TRIGGER slots_renamed AFTER UPDATE OF key ON slots FOR EACH ROW
  WHEN (OLD.bucket_id <> NEW.bucket_id OR split_part(OLD.key, '/', -1) <> split_part(NEW.key, '/', -1)) EXECUTE FUNCTION cs_renamed('0');
CREATE TRIGGER directories_renamed AFTER UPDATE OF path ON directories FOR EACH ROW
  WHEN (OLD.bucket_id <> NEW.bucket_id OR split_part(OLD.path, '/', -2) <> split_part(NEW.path, '/', -2)) EXECUTE FUNCTION cs_renamed('1');

CREATE FUNCTION cs_name_all() RETURNS void LANGUAGE sql AS $$
  DELETE FROM names_pending;
  DELETE FROM name_words;
  INSERT INTO names_pending SELECT 0, id FROM slots;
  INSERT INTO names_pending SELECT 1, id FROM directories;
$$;
SELECT cs_name_all();
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(RESUMABLES);
  await knex.raw(IDEMPOTENCY);
  await knex.raw(THUMBNAILS);
  await knex.raw(NAMES);
}

export async function down(): Promise<void> {
  throw new Error('This migration is not taken back: restore a backup instead.');
}
