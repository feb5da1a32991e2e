import type { Knex } from 'knex';

/**
 * Which rows a snapshot of the metadata has not carried yet. Triggers write the keys, so that no statement can forget it: commits, moves of
 * whole folders, cascades, and what an administrator does by hand. One insert a statement, however many rows; no index, because the only
 * reader takes all. `dump_heads` is the same for the journal, whose rows are numbered and never change.
 */
const TRACKED: Record<string, string> = {
  slots: 'id bigint',
  versions: 'id bytea',
  directories: 'id bigint',
  chunks: 'domain int, id bytea',
  leaves: 'domain int, id bytea',
  uploads: 'id bytea',
  parts: 'upload_id bytea, number int',
  audit: 'id bigint',
};

export function track(table: string, key: string): string {
  const columns = key.replace(/ (bigint|int|bytea)/g, '');
  const trigger = (event: string, rows: string) =>
    `CREATE TRIGGER changed_${event} AFTER ${event} ON ${table} REFERENCING ${rows} TABLE AS affected FOR EACH STATEMENT EXECUTE FUNCTION cs_changed_${table}();`;
  return `
CREATE TABLE changed_${table} (${key.replace(/(bigint|int|bytea)/g, '$1 NOT NULL')});
CREATE FUNCTION cs_changed_${table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO changed_${table} SELECT ${columns} FROM affected;
  RETURN NULL;
END $$;
${trigger('insert', 'NEW')}
${trigger('update', 'NEW')}
${trigger('delete', 'OLD')}`;
}

const JOURNAL = `
CREATE TABLE dump_heads (bucket_id int PRIMARY KEY, seq bigint NOT NULL);
`;

export async function up(knex: Knex): Promise<void> {
  for (const [table, key] of Object.entries(TRACKED)) await knex.raw(track(table, key));
  await knex.raw(JOURNAL);
}

export async function down(knex: Knex): Promise<void> {
  for (const table of Object.keys(TRACKED)) {
    await knex.raw(`DROP FUNCTION cs_changed_${table} CASCADE; DROP TABLE changed_${table}`);
  }
  await knex.raw('DROP TABLE dump_heads');
}
