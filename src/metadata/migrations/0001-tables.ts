import type { Knex } from 'knex';

/**
 * Every table, by docs/adr/0002-schema.md. Times are milliseconds since the epoch, ids of versions 16 bytes minted by the gateway, keys and
 * names compare by their bytes (`COLLATE "C"`). Ids of slots and nodes come in blocks from `object_ids`, so that a commit knows them beforehand.
 */
const TABLES = `
CREATE TABLE settings (name text PRIMARY KEY, value jsonb NOT NULL);

CREATE TABLE gateways (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, host text NOT NULL, pid int NOT NULL, version text NOT NULL,
  started_ms bigint NOT NULL, seen_ms bigint NOT NULL, oldest_lease_ms bigint, fenced boolean NOT NULL DEFAULT false);

CREATE TABLE domains (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, wrapped bytea NOT NULL, created_ms bigint NOT NULL);

CREATE TABLE principals (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE, role text NOT NULL,
  password_hash text, domain int NOT NULL, quota_bytes bigint, disabled boolean NOT NULL DEFAULT false, created_ms bigint NOT NULL);
CREATE TABLE usage (principal int PRIMARY KEY, bytes bigint NOT NULL);
CREATE TABLE access_keys (
  id text COLLATE "C" PRIMARY KEY, principal int NOT NULL REFERENCES principals ON DELETE CASCADE,
  sealed_secret bytea NOT NULL, name text, created_ms bigint NOT NULL);
CREATE INDEX access_keys_principal ON access_keys (principal);
CREATE TABLE sessions (
  id text COLLATE "C" PRIMARY KEY, principal int NOT NULL REFERENCES principals ON DELETE CASCADE,
  token_hash bytea NOT NULL, expires_ms bigint NOT NULL, label text NOT NULL, created_ms bigint NOT NULL,
  revoked boolean NOT NULL DEFAULT false);
CREATE INDEX sessions_principal ON sessions (principal);

CREATE TABLE buckets (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL, owner int NOT NULL, domain int NOT NULL,
  kind text NOT NULL, versioning text NOT NULL, object_lock boolean NOT NULL, created_ms bigint NOT NULL,
  config jsonb NOT NULL DEFAULT '{}',
  linked_host text, linked_path text,
  CHECK (kind IN ('standard', 'linked', 'vault')), CHECK (versioning IN ('off', 'enabled', 'suspended')));
CREATE INDEX buckets_owner ON buckets (owner);
-- scope 0 is global (S3's names); any other scope is the principal whose alias it is
CREATE TABLE bucket_names (
  scope int NOT NULL, name text COLLATE "C" NOT NULL, bucket_id int NOT NULL REFERENCES buckets ON DELETE CASCADE,
  prefix text COLLATE "C" NOT NULL DEFAULT '', PRIMARY KEY (scope, name));
CREATE INDEX bucket_names_bucket ON bucket_names (bucket_id);
-- revision moves with whatever a commit's decision rests on (changes, locks, settings); seq only with the journal
CREATE TABLE bucket_heads (
  bucket_id int PRIMARY KEY REFERENCES buckets ON DELETE CASCADE, epoch int NOT NULL DEFAULT 1, revision bigint NOT NULL DEFAULT 0,
  seq bigint NOT NULL DEFAULT 0, floor_seq bigint NOT NULL DEFAULT 0, objects bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);
CREATE TABLE grants (
  principal int NOT NULL REFERENCES principals ON DELETE CASCADE, bucket_id int NOT NULL REFERENCES buckets ON DELETE CASCADE,
  prefix text COLLATE "C" NOT NULL, access text NOT NULL, PRIMARY KEY (principal, bucket_id, prefix));
CREATE INDEX grants_bucket ON grants (bucket_id);

CREATE SEQUENCE object_ids INCREMENT BY 4096 START WITH 4096;

CREATE TABLE slots (
  id bigint PRIMARY KEY, bucket_id int NOT NULL, key text COLLATE "C" NOT NULL, live boolean NOT NULL,
  version_id bytea, visibility text, delete_marker boolean NOT NULL, node_id bigint NOT NULL, size bigint NOT NULL,
  etag text NOT NULL, modified_ms bigint NOT NULL, mtime_ms bigint NOT NULL, created_ms bigint NOT NULL,
  attributes jsonb NOT NULL, properties jsonb) WITH (fillfactor = 85);
CREATE UNIQUE INDEX slots_key ON slots (bucket_id, key);
CREATE INDEX slots_live ON slots (bucket_id, key) WHERE live;

CREATE TABLE versions (
  id bytea PRIMARY KEY, slot_id bigint NOT NULL, seq bigint NOT NULL, node_id bigint NOT NULL, visibility text NOT NULL,
  delete_marker boolean NOT NULL, size bigint NOT NULL, etag text NOT NULL, modified_ms bigint NOT NULL, mtime_ms bigint NOT NULL,
  created_ms bigint NOT NULL, attributes jsonb NOT NULL, tags jsonb, content bytea, content_hash bytea,
  superseded_ms bigint, retention_mode text, retain_until_ms bigint, legal_hold boolean NOT NULL DEFAULT false,
  sealed_name bytea, CHECK (visibility IN ('id', 'null', 'hidden')));
CREATE INDEX versions_slot ON versions (slot_id, seq);
CREATE UNIQUE INDEX versions_null ON versions (slot_id) WHERE visibility = 'null';
CREATE INDEX versions_superseded ON versions (superseded_ms) WHERE superseded_ms IS NOT NULL;

CREATE TABLE directories (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, bucket_id int NOT NULL, path text COLLATE "C" NOT NULL,
  explicit boolean NOT NULL, identity uuid NOT NULL DEFAULT gen_random_uuid(), revision bigint NOT NULL,
  modified_ms bigint NOT NULL, created_ms bigint NOT NULL, properties jsonb, sealed_name bytea) WITH (fillfactor = 85);
CREATE UNIQUE INDEX directories_path ON directories (bucket_id, path);

CREATE TABLE uploads (
  id bytea PRIMARY KEY, bucket_id int NOT NULL, key text COLLATE "C" NOT NULL, principal int NOT NULL, attributes jsonb NOT NULL,
  tags jsonb, mtime_ms bigint, checksum jsonb, created_ms bigint NOT NULL, completed_version bytea, completed_ms bigint);
CREATE INDEX uploads_key ON uploads (bucket_id, key, id);
CREATE TABLE parts (
  upload_id bytea NOT NULL REFERENCES uploads ON DELETE CASCADE, number int NOT NULL, size bigint NOT NULL, etag text NOT NULL,
  content bytea NOT NULL, digests jsonb NOT NULL, modified_ms bigint NOT NULL, PRIMARY KEY (upload_id, number));

CREATE TABLE locks (
  token text COLLATE "C" PRIMARY KEY, bucket_id int NOT NULL REFERENCES buckets ON DELETE CASCADE, key text COLLATE "C" NOT NULL,
  principal int NOT NULL, exclusive boolean NOT NULL, infinite boolean NOT NULL, owner_xml text,
  timeout_ms bigint NOT NULL, expires_ms bigint NOT NULL);
CREATE INDEX locks_key ON locks (bucket_id, key);

-- commit_id tells a gateway that lost its connection whether its batch was committed
CREATE TABLE journal (
  bucket_id int NOT NULL, seq bigint NOT NULL, kind text NOT NULL, key text COLLATE "C" NOT NULL, from_key text COLLATE "C",
  from_bucket int, version_id bytea, size bigint, etag text, at_ms bigint NOT NULL, principal int, protocol text NOT NULL,
  request_id text NOT NULL, gateway int, commit_id bytea NOT NULL, PRIMARY KEY (bucket_id, seq));
CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at_ms bigint NOT NULL, principal int, protocol text NOT NULL,
  action text NOT NULL, bucket_id int, key text COLLATE "C", outcome text NOT NULL, request_id text NOT NULL, details jsonb);
CREATE INDEX audit_at ON audit (at_ms);

CREATE TABLE packs (
  id bytea PRIMARY KEY, store int NOT NULL, size bigint NOT NULL, sealed_ms bigint, live_bytes bigint, state text NOT NULL);
CREATE TABLE chunks (
  domain int NOT NULL, id bytea NOT NULL, size int NOT NULL, store int NOT NULL, pack bytea NOT NULL, pack_offset bigint NOT NULL,
  length int NOT NULL, condemned_ms bigint, PRIMARY KEY (domain, id));
CREATE INDEX chunks_pack ON chunks (pack);
CREATE INDEX chunks_condemned ON chunks (condemned_ms) WHERE condemned_ms IS NOT NULL;
CREATE TABLE leaves (
  domain int NOT NULL, id bytea NOT NULL, size bigint NOT NULL, entries bytea NOT NULL, condemned_ms bigint, PRIMARY KEY (domain, id));
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
}

export async function down(): Promise<void> {
  throw new Error('The first migration is not taken back: restore a backup instead.');
}
