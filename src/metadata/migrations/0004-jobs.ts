import type { Knex } from 'knex';

/**
 * Jobs: one row a name. `holder` is the attempt that runs it, good until `lease_until_ms`; `since_ms` is where its schedule counts from.
 * `cs_now_ms` is the database's clock, for whatever several gateways must agree on.
 */
const JOBS = `
CREATE FUNCTION cs_now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

CREATE TABLE jobs (
  name text COLLATE "C" PRIMARY KEY, holder text, lease_until_ms bigint NOT NULL DEFAULT 0, requested boolean NOT NULL DEFAULT false,
  cancelled boolean NOT NULL DEFAULT false, argument jsonb, state jsonb, progress jsonb, since_ms bigint NOT NULL,
  started_ms bigint, ended_ms bigint, outcome text, message text);
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(JOBS);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE jobs; DROP FUNCTION cs_now_ms()');
}
