import type { Knex } from 'knex';

/** Networks that a link opens from, as a JSON list; null: from anywhere. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE links ADD COLUMN networks text');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE links DROP COLUMN networks');
}
