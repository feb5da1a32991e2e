import { CloudStoreError } from '#core/errors';
import type { Database } from './database.ts';

const REVOKED = {
  name: 'session-not-revoked',
  text: 'SELECT EXISTS (SELECT 1 FROM sessions WHERE id = $1 AND NOT revoked)',
};

/**
 * The query `live` of a statement that makes, in a session, what a new password takes away: a row while the session is good, held until the statement ends. A
 * password that is being changed waits for it and then finds what was made; or it was first, and there is no row.
 * @param parameter of the session's id, as `$1`
 */
export function liveSession(parameter: string): string {
  return `live AS (SELECT 1 FROM sessions s JOIN principals p ON p.id = s.principal WHERE s.id = ${parameter}::text AND NOT s.revoked FOR KEY SHARE OF p FOR SHARE OF s)`;
}

/** @throws unauthenticated */
export async function assertLive(database: Database, session: string): Promise<void> {
  const rows = await database.query<[boolean]>(REVOKED, [session]);
  if (rows[0]?.[0] !== true) throw new CloudStoreError('unauthenticated', 'The session has ended.');
}
