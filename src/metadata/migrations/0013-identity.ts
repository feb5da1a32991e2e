import type { Knex } from 'knex';

/**
 * Who somebody is (docs/adr/0033-identity.md). `access_keys` holds every credential that an owner makes, of all kinds: of S3 keys and devices the secret is sealed, because
 * signatures need it; of app passwords and session tokens only a hash is kept. `parent` is the credential that a temporary one was made with, and ends with it.
 */
const TABLES = `
ALTER TABLE access_keys ALTER COLUMN sealed_secret DROP NOT NULL;
ALTER TABLE access_keys
  ADD COLUMN kind text NOT NULL DEFAULT 's3', ADD COLUMN secret_hash bytea, ADD COLUMN scope jsonb, ADD COLUMN networks jsonb, ADD COLUMN policies jsonb,
  ADD COLUMN parent text COLLATE "C" REFERENCES access_keys ON DELETE CASCADE, ADD COLUMN expires_ms bigint, ADD COLUMN used_ms bigint, ADD COLUMN used_from text,
  ADD CHECK (kind IN ('s3', 'app-password', 'device', 'temporary')), ADD CHECK (sealed_secret IS NOT NULL OR secret_hash IS NOT NULL);
CREATE UNIQUE INDEX access_keys_secret ON access_keys (secret_hash) WHERE secret_hash IS NOT NULL;
CREATE INDEX access_keys_expires ON access_keys (expires_ms) WHERE kind = 'temporary';
CREATE INDEX access_keys_parent ON access_keys (parent) WHERE parent IS NOT NULL;

ALTER TABLE sessions
  ADD COLUMN credential text COLLATE "C" REFERENCES access_keys ON DELETE CASCADE, ADD COLUMN used_ms bigint, ADD COLUMN used_from text;
CREATE INDEX sessions_credential ON sessions (credential) WHERE credential IS NOT NULL;
CREATE INDEX sessions_expires ON sessions (expires_ms);

CREATE TABLE second_factors (
  principal int PRIMARY KEY REFERENCES principals ON DELETE CASCADE, totp_sealed bytea NOT NULL, confirmed_ms bigint, step bigint NOT NULL DEFAULT 0);
CREATE TABLE recovery_codes (
  principal int NOT NULL REFERENCES principals ON DELETE CASCADE, hash bytea NOT NULL, PRIMARY KEY (principal, hash));
CREATE TABLE passkeys (
  id text COLLATE "C" PRIMARY KEY, principal int NOT NULL REFERENCES principals ON DELETE CASCADE, public_key bytea NOT NULL, counter bigint NOT NULL,
  transports jsonb NOT NULL, name text NOT NULL, created_ms bigint NOT NULL, used_ms bigint);
CREATE INDEX passkeys_principal ON passkeys (principal);
CREATE TABLE challenges (
  id text COLLATE "C" PRIMARY KEY, purpose text NOT NULL, principal int REFERENCES principals ON DELETE CASCADE, expires_ms bigint NOT NULL);
CREATE INDEX challenges_expires ON challenges (expires_ms);

CREATE TABLE groups (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE, created_ms bigint NOT NULL);
CREATE TABLE group_members (
  group_id int NOT NULL REFERENCES groups ON DELETE CASCADE, principal int NOT NULL REFERENCES principals ON DELETE CASCADE,
  PRIMARY KEY (group_id, principal));
CREATE INDEX group_members_principal ON group_members (principal);
`;

/** As in migration 0007, with one more place where something is sealed. */
const SEALED = `
CREATE OR REPLACE FUNCTION cs_assert_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  sealed bytea;
  current text;
BEGIN
  sealed := (to_jsonb(NEW) ->> CASE TG_TABLE_NAME WHEN 'domains' THEN 'wrapped' WHEN 'second_factors' THEN 'totp_sealed' ELSE 'sealed_secret' END)::bytea;
  SELECT value #>> '{}' INTO current FROM settings WHERE name = 'master-key-check' FOR SHARE;
  IF current IS NOT NULL AND length(sealed) > 9 AND get_byte(sealed, 0) = 2
     AND encode(substring(sealed FROM 2 FOR 8), 'hex') <> left(current, 16) THEN
    RAISE EXCEPTION 'sealed under another master key' USING ERRCODE = 'CS003';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER second_factors_sealed BEFORE INSERT OR UPDATE OF totp_sealed ON second_factors FOR EACH ROW EXECUTE FUNCTION cs_assert_sealed();
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
  await knex.raw(SEALED);
}

export async function down(): Promise<void> {
  throw new Error('Credentials of other kinds have no place in the schema before: restore a backup instead.');
}
