import type { Knex } from 'knex';

/** The stores of packs. `identity` lies in the store itself too, so that another one in its place is noticed. */
const STORES = `
CREATE TABLE stores (
  number int PRIMARY KEY, kind text NOT NULL, identity text COLLATE "C" NOT NULL UNIQUE, location text NOT NULL,
  state text NOT NULL DEFAULT 'active', created_ms bigint NOT NULL,
  CHECK (kind IN ('local', 's3')), CHECK (state IN ('active', 'draining', 'removed')));
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(STORES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE stores');
}
