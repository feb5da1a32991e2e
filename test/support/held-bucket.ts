import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const TRY_EVERY_MS = 20;
const TRIES_MAX = 2_000;

/** Whatever would change a bucket waits in the gateway's database, until it is released. */
export interface HeldBucket {
  /** Some statement waits for it: ours, or one of the gateway's own. */
  somebodyWaits(): Promise<void>;
  /** What waited was called off in the database too: released before that, the bucket would be changed. */
  nobodyWaits(): Promise<void>;
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
  async function until(waiting: number, otherwise: string): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if ((await holder.query('SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1')).rowCount === waiting) return;
      await sleep(TRY_EVERY_MS);
    }
    throw new Error(otherwise);
  }
  return {
    somebodyWaits: () => until(1, 'Nobody wants to change the bucket.'),
    nobodyWaits: () => until(0, 'Somebody still wants to change the bucket.'),
    async release() {
      await holder.query('ROLLBACK');
      await holder.end();
    },
  };
}
