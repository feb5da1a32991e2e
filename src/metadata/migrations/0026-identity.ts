import type { Knex } from 'knex';

/**
 * When the user last said who it is, with all that its account asks for, in this session. A log-in did: those of before have the time of theirs.
 */
const CONFIRMED = `
ALTER TABLE sessions ADD COLUMN confirmed_ms bigint NOT NULL DEFAULT 0;
UPDATE sessions SET confirmed_ms = created_ms;
ALTER TABLE sessions ALTER COLUMN confirmed_ms DROP DEFAULT;
`;

/** Links are credentials, reduced to a place (see sharing): nothing was ever granted to one. */
const NO_LINKS = `
DELETE FROM grants WHERE link_id IS NOT NULL;
ALTER TABLE grants DROP CONSTRAINT grants_once;
ALTER TABLE grants DROP COLUMN link_id,
  ADD CHECK (num_nonnulls(principal, group_id) = 1),
  ADD CONSTRAINT grants_once UNIQUE NULLS NOT DISTINCT (bucket_id, prefix, principal, group_id);
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(CONFIRMED);
  await knex.raw(NO_LINKS);
}

export async function down(): Promise<void> {
  throw new Error('This migration is not taken back: restore a backup instead.');
}
