import type { Knex } from 'knex';

/** Who did what, as a chain of hashes: the head's row is what every append locks. Its key makes the hashes, and lies sealed under the master key. */
const AUDIT = `
ALTER TABLE audit ALTER COLUMN id DROP IDENTITY, DROP COLUMN bucket_id, DROP COLUMN key,
  ADD COLUMN name text, ADD COLUMN credential text, ADD COLUMN resource text, ADD COLUMN address text,
  ADD COLUMN status int NOT NULL, ADD COLUMN hash bytea NOT NULL;
CREATE INDEX audit_name ON audit (name, id);
CREATE TABLE audit_head (
  id int PRIMARY KEY CHECK (id = 1), sealed_key bytea NOT NULL, floor_id bigint NOT NULL DEFAULT 0, floor_hash bytea NOT NULL,
  head_id bigint NOT NULL DEFAULT 0, head_hash bytea NOT NULL);
`;

/** As in migration 0007, with two more places where something is sealed. */
const SEALED = `
CREATE OR REPLACE FUNCTION cs_assert_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  sealed bytea;
  current text;
BEGIN
  sealed := (to_jsonb(NEW) ->> CASE TG_TABLE_NAME WHEN 'domains' THEN 'wrapped' WHEN 'second_factors' THEN 'totp_sealed'
                                 WHEN 'links' THEN 'sealed_token' WHEN 'audit_head' THEN 'sealed_key' ELSE 'sealed_secret' END)::bytea;
  SELECT value #>> '{}' INTO current FROM settings WHERE name = 'master-key-check' FOR SHARE;
  IF current IS NOT NULL AND length(sealed) > 9 AND get_byte(sealed, 0) = 2
     AND encode(substring(sealed FROM 2 FOR 8), 'hex') <> left(current, 16) THEN
    RAISE EXCEPTION 'sealed under another master key' USING ERRCODE = 'CS003';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER links_sealed BEFORE INSERT OR UPDATE OF sealed_token ON links FOR EACH ROW EXECUTE FUNCTION cs_assert_sealed();
CREATE TRIGGER audit_head_sealed BEFORE INSERT OR UPDATE OF sealed_key ON audit_head FOR EACH ROW EXECUTE FUNCTION cs_assert_sealed();
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(AUDIT);
  await knex.raw(SEALED);
}

export async function down(): Promise<void> {
  throw new Error('Records of an audit are not taken back.');
}
