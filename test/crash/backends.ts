import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDatabase } from '../support/database.ts';

const BACKENDS = `SELECT pid FROM pg_stat_activity
  WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`;

/** Who is connected to the database now. */
export async function backendsOf({ sql }: TestDatabase): Promise<unknown[]> {
  return (await sql(BACKENDS)).map(([pid]) => pid);
}

/** Resolves when the database has ended with whoever was killed: what a client has sent may still be under way in the server when the client is dead. */
export async function onlyLeft(database: TestDatabase, own: readonly unknown[] = []): Promise<void> {
  while ((await backendsOf(database)).some((pid) => !own.includes(pid))) await sleep(20);
}
