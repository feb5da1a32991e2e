import type { Knex } from 'knex';

/** SHA-256 of issuer and subject: whose identity at the provider opens this account. */
const IDENTITY = 'ALTER TABLE principals ADD COLUMN oidc_identity bytea UNIQUE';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(IDENTITY);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE principals DROP COLUMN oidc_identity');
}
