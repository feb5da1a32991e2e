import type { Knex } from 'knex';

/** What long work did: passes of the scrub, backups, checks of backups. */
const RUNS = `
CREATE TABLE runs (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL, started_ms bigint NOT NULL, ended_ms bigint NOT NULL,
  outcome text NOT NULL, message text, report jsonb NOT NULL);
CREATE INDEX runs_newest ON runs (kind, id DESC);
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(RUNS);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE runs');
}
