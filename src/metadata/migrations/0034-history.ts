import type { Knex } from 'knex';

/** Until when what a name held may be known no longer: the latest time at which a version was superseded that was let go since. */
const FORGOTTEN = 'ALTER TABLE slots ADD COLUMN forgotten_ms bigint';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(FORGOTTEN);
}

export async function down(): Promise<void> {
  throw new Error('This migration is not taken back: restore a backup instead.');
}
