import type { Health } from '#http/operations';
import type { Database } from './database.ts';
import type { Storage } from './storage.ts';

const HEALTH_MS_MAX = 2_000;

/** What /readyz tells. What does not answer in time has failed; damage makes nobody else's file unreadable, so it only degrades. */
export async function health({ metadata }: Database, storing: Storage, keysFit: boolean, damaged: number): Promise<Health> {
  const within = AbortSignal.timeout(HEALTH_MS_MAX);
  const database = Promise.race([
    metadata.instance.setting('first-run').then(() => 'ok' as const),
    new Promise<'failed'>((done) => within.addEventListener('abort', () => done('failed'))),
  ]).catch(() => 'failed' as const);
  const storage = Promise.race([
    storing.check().then(() => 'ok' as const),
    new Promise<'failed'>((done) => within.addEventListener('abort', () => done('failed'))),
  ]).catch(() => 'failed' as const);
  const keys = keysFit ? ('ok' as const) : ('failed' as const);
  const integrity = damaged === 0 ? ('ok' as const) : ('degraded' as const);
  const checks = { database: await database, storage: await storage, keys, integrity };
  return { ready: Object.values(checks).every((check) => check !== 'failed'), checks };
}
