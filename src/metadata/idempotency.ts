import type { Begun, IdempotencyStore } from '#contracts/idempotency-store';
import type { Database } from './database.ts';

const KEPT_MS = 24 * 3600 * 1000;
const EXPIRED_MAX = 1_000;

/** All times are the database's, so gateways whose clocks differ agree on who is silent. */
const BEGIN = {
  name: 'idempotency-begin',
  text: `INSERT INTO idempotency AS t (principal, key, request, attempt, begun_ms) VALUES ($1, $2, $3, $4, cs_now_ms())
         ON CONFLICT (principal, key) DO UPDATE SET request = excluded.request, attempt = excluded.attempt, begun_ms = excluded.begun_ms,
           status = NULL, answer = NULL, digest = NULL
         WHERE t.begun_ms < cs_now_ms() - ${KEPT_MS} OR (t.status IS NULL AND t.request = excluded.request AND t.begun_ms < cs_now_ms() - $5::bigint)
         RETURNING 1`,
};
const FIND = {
  name: 'idempotency-find',
  text: 'SELECT request, status, answer, digest FROM idempotency WHERE principal = $1 AND key = $2',
};
const RENEW = {
  name: 'idempotency-renew',
  text: 'UPDATE idempotency SET begun_ms = cs_now_ms() WHERE principal = $1 AND key = $2 AND attempt = $3 AND status IS NULL',
};
const END = {
  name: 'idempotency-end',
  text: 'UPDATE idempotency SET status = $4, answer = $5, digest = $6, begun_ms = cs_now_ms() WHERE principal = $1 AND key = $2 AND attempt = $3',
};
const RELEASE = {
  name: 'idempotency-release',
  text: 'DELETE FROM idempotency WHERE principal = $1 AND key = $2 AND attempt = $3 AND status IS NULL',
};
const EXPIRE = {
  name: 'idempotency-expire',
  text: `DELETE FROM idempotency WHERE (principal, key) IN (SELECT principal, key FROM idempotency WHERE begun_ms < cs_now_ms() - ${KEPT_MS}
         ORDER BY begun_ms LIMIT $1 FOR UPDATE SKIP LOCKED)`,
};

type Row = [request: Buffer, status: number | null, answer: Buffer | null, digest: Buffer | null];

/** The contract is IdempotencyStore. */
export function createIdempotencyStore(database: Database): IdempotencyStore {
  return {
    async begin(principal, key, request, attempt, staleMs): Promise<Begun> {
      for (let tries = 0; ; tries++) {
        const mine = await database.query(BEGIN, [principal, key, request, attempt, staleMs]);
        if (mine.length > 0) return { kind: 'mine' };
        const [row] = await database.query<Row>(FIND, [principal, key]);
        if (row === undefined) {
          // It was released between the two: try again, but not for ever.
          if (tries < 3) continue;
          return { kind: 'running' };
        }
        const [of, status, sealed, digest] = row;
        if (!of.equals(request)) return { kind: 'other' };
        if (status === null || sealed === null || digest === null) return { kind: 'running' };
        return { kind: 'ended', status, sealed, digest };
      }
    },
    async renew(principal, key, attempt) {
      await database.execute(RENEW, [principal, key, attempt]);
    },
    async end(principal, key, attempt, { status, sealed, digest }) {
      await database.execute(END, [principal, key, attempt, status, sealed, digest]);
    },
    async release(principal, key, attempt) {
      await database.execute(RELEASE, [principal, key, attempt]);
    },
    expire: () => database.execute(EXPIRE, [EXPIRED_MAX]),
  };
}
