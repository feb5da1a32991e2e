import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const TRY_EVERY_MS = 20;
const TRIES_MAX = 2_000;

/** Whatever would change a bucket waits in the gateway's database, until it is released. */
export interface HeldBucket {
  /** Some statement waits for it: ours, or one of the gateway's own. */
  somebodyWaits(): Promise<void>;
  release(): Promise<void>;
}

export async function holdBucket(dataDir: string, bucket: string): Promise<HeldBucket> {
  const where = { host: join(dataDir, 'postgres-socket'), port: 5432, user: 'cloudstore', database: 'cloudstore' };
  const holder = new pg.Client(where);
  await holder.connect();
  await holder.query('BEGIN');
  const held = await holder.query(
    'SELECT 1 FROM bucket_heads WHERE bucket_id = (SELECT bucket_id FROM bucket_names WHERE name = $1 LIMIT 1) FOR UPDATE',
    [bucket],
  );
  if (held.rowCount !== 1) throw new Error(`There is no bucket ${bucket} to hold.`);
  return {
    async somebodyWaits() {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        if ((await holder.query('SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1')).rowCount === 1) return;
        await sleep(TRY_EVERY_MS);
      }
      throw new Error('Nobody wants to change the bucket.');
    },
    async release() {
      await holder.query('ROLLBACK');
      await holder.end();
    },
  };
}
