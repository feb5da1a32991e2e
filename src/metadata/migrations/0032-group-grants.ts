import type { Knex } from 'knex';

/** What was granted to a group goes with it. Groups came after grants to them. */
const UP = `
DELETE FROM grants g WHERE g.group_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM groups t WHERE t.id = g.group_id);
ALTER TABLE grants ADD CONSTRAINT grants_group_id_fkey FOREIGN KEY (group_id) REFERENCES groups ON DELETE CASCADE;
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(UP);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE grants DROP CONSTRAINT grants_group_id_fkey');
}
