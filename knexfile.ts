import type { Knex } from 'knex';
import { migrationSource } from './src/metadata/migrations.ts';

/**
 * For knex's own command line. The gateway runs the same migrations by itself when it starts.
 * libpq's environment (PGHOST, PGUSER, …) says which database.
 */
const config: Knex.Config = { client: 'pg', connection: {}, migrations: { migrationSource: migrationSource() } };

export default config;
