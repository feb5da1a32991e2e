import type { Knex } from 'knex';

/** One-time claims, each good for one credential. What opens one is kept as its hash alone. */
const CLAIMS = `
CREATE TABLE claims (
  id text PRIMARY KEY, token_hash bytea NOT NULL UNIQUE, principal int NOT NULL REFERENCES principals ON DELETE CASCADE,
  kind text NOT NULL, name text NOT NULL, scope jsonb, networks jsonb, credential_expires_ms bigint,
  created_ms bigint NOT NULL, expires_ms bigint NOT NULL, redeemed_ms bigint, redeemed_from text, credential text,
  CHECK (kind IN ('app-password', 'device')));
CREATE INDEX claims_principal ON claims (principal);
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(CLAIMS);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE claims');
}
