import type { Knex } from 'knex';

/** When it was removed, and the aliases (scope, name) that it had then. What was in it stays until its retention is over. */
const REMOVED_BUCKETS = `
ALTER TABLE buckets ADD COLUMN removed_ms bigint, ADD COLUMN removed_aliases jsonb;
CREATE INDEX buckets_removed ON buckets (removed_ms) WHERE removed_ms IS NOT NULL;
`;

/** Room of a link for what is on its way through a gateway: it goes back if that dies with it. */
const LINK_ROOMS = `
CREATE TABLE link_rooms (
  link_id int NOT NULL REFERENCES links ON DELETE CASCADE, gateway int NOT NULL, bytes bigint NOT NULL, files int NOT NULL,
  PRIMARY KEY (link_id, gateway)) WITH (fillfactor = 50);
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(REMOVED_BUCKETS);
  await knex.raw(LINK_ROOMS);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE buckets DROP COLUMN removed_ms, DROP COLUMN removed_aliases; DROP TABLE link_rooms');
}
