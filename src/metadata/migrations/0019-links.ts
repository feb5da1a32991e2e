import type { Knex } from 'knex';

/** Share links. A token is found by its hash, and kept sealed under the master key for its maker. */
const LINKS = `
CREATE TABLE links (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash bytea NOT NULL UNIQUE, sealed_token bytea NOT NULL,
  maker int NOT NULL REFERENCES principals ON DELETE CASCADE, bucket_id int NOT NULL REFERENCES buckets ON DELETE CASCADE,
  key text COLLATE "C" NOT NULL, mode text NOT NULL, label text, password_hash text, expires_ms bigint,
  downloads_max bigint, downloads bigint NOT NULL DEFAULT 0, bytes_max bigint, bytes bigint NOT NULL DEFAULT 0,
  files_max bigint, files bigint NOT NULL DEFAULT 0, disabled boolean NOT NULL DEFAULT false, created_ms bigint NOT NULL, used_ms bigint,
  CHECK (mode IN ('view', 'download', 'drop')));
CREATE INDEX links_maker ON links (maker);
CREATE INDEX links_place ON links (bucket_id, key);
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(LINKS);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE links');
}
