import type { Knex } from 'knex';

/**
 * When the user last said who it is, with all that its account asks for, in this session. A log-in did: those of before have the time of theirs.
 */
const CONFIRMED = `
ALTER TABLE sessions ADD COLUMN confirmed_ms bigint NOT NULL DEFAULT 0;
UPDATE sessions SET confirmed_ms = created_ms;
ALTER TABLE sessions ALTER COLUMN confirmed_ms DROP DEFAULT;
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(CONFIRMED);
}

export async function down(): Promise<void> {
  throw new Error('This migration is not taken back: restore a backup instead.');
}
