import type { Knex } from 'knex';

/** What the owner is told of, and from where users log in. */
const ALERTS = `
CREATE TABLE alerts (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL, subject text NOT NULL, text text NOT NULL, raised_ms bigint NOT NULL,
  cleared_ms bigint, told jsonb NOT NULL DEFAULT '[]');
CREATE UNIQUE INDEX alerts_open ON alerts (kind, subject) WHERE cleared_ms IS NULL;
CREATE TABLE known_places (
  principal int NOT NULL REFERENCES principals ON DELETE CASCADE, network text NOT NULL, first_ms bigint NOT NULL, last_ms bigint NOT NULL,
  PRIMARY KEY (principal, network));
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(ALERTS);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE known_places; DROP TABLE alerts');
}
