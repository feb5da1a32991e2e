import type { Knex } from 'knex';

/** The folders of one level in order, however many lie below them: how many slashes a path has, then the path. */
const LEVEL = `
CREATE INDEX directories_level ON directories (bucket_id, (length(path) - length(replace(path, '/', ''))), path);
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(LEVEL);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP INDEX directories_level');
}
