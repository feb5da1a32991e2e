import type { Knex } from 'knex';

/** Taking a lock removes what has expired: found by time, it costs nothing however many locks are held. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('CREATE INDEX locks_expires ON locks (bucket_id, expires_ms)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP INDEX locks_expires');
}
