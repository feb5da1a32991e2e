import type { Lock, Locks } from '#contracts/locks';
import type { BucketId, ObjectKey } from '#core/address';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { Database, Session } from './database.ts';
import { HELD_MAX, type HeldLocks } from './held-locks.ts';
import type { KnownHeads } from './known-heads.ts';

export type LockRow = [string, number, string, number, boolean, boolean, string | null, number, number];

const COLUMNS = 'l.token, l.bucket_id, l.key, l.principal, l.exclusive, l.infinite, l.owner_xml, l.timeout_ms, l.expires_ms';
/** Locks by the paths that they may lie on, and with $4 all within key ranges: each by the index, so that it costs nothing how many others are held. */
const COVERING = {
  name: 'locks-covering',
  text: `SELECT * FROM (
           SELECT ${COLUMNS} FROM locks l WHERE l.bucket_id = $1 AND l.expires_ms > $2 AND l.key = ANY($3::text[])
           UNION SELECT ${COLUMNS} FROM unnest($4::text[], $5::text[]) AS r(low, high)
             JOIN locks l ON l.bucket_id = $1 AND l.expires_ms > $2 AND l.key >= r.low AND (r.high IS NULL OR l.key < r.high)) l
         ORDER BY l.key, l.token`,
};
const ALL = {
  name: 'locks-all',
  text: `SELECT ${COLUMNS} FROM locks l WHERE l.bucket_id = $1 AND l.expires_ms > $2 ORDER BY l.key, l.token LIMIT ${HELD_MAX + 1}`,
};
const TOUCH_HEAD = {
  name: 'locks-touch-head',
  text: 'UPDATE bucket_heads SET revision = revision + 1 WHERE bucket_id = $1 RETURNING revision',
};
const EXPIRE = { name: 'locks-expire', text: 'DELETE FROM locks WHERE bucket_id = $1 AND expires_ms <= $2' };
const INSERT = {
  name: 'locks-insert',
  text: `INSERT INTO locks (token, bucket_id, key, principal, exclusive, infinite, owner_xml, timeout_ms, expires_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
};
const BY_TOKEN = {
  name: 'locks-by-token',
  text: `SELECT ${COLUMNS} FROM locks l WHERE l.bucket_id = $1 AND l.token = $2 AND l.expires_ms > $3 FOR UPDATE`,
};
const REFRESH = { name: 'locks-refresh', text: 'UPDATE locks SET timeout_ms = $2, expires_ms = $3 WHERE token = $1' };
const DELETE = { name: 'locks-delete', text: 'DELETE FROM locks WHERE token = $1' };

/** WebDAV's locks as rows. Whoever adds one moves the bucket's head, so that a commit decided without it is decided again. */
export function createLocks({
  database,
  clock,
  random,
  held: memory,
  known,
}: {
  database: Database;
  clock: Clock;
  random: Random;
  held: HeldLocks | null;
  known: KnownHeads;
}): Locks {
  /** Those of a bucket that are kept in memory; null where they are not. */
  async function remembered(bucket: BucketId): Promise<readonly Lock[] | null> {
    const known = memory?.get(bucket);
    if (memory === null || known === 'many') return null;
    if (known !== undefined) return known;
    const keep = memory.reading(bucket);
    let read: Lock[] | null = null;
    try {
      read = (await database.read<LockRow>(ALL, [bucket, clock.now()])).map(lockOf);
    } finally {
      keep(read);
    }
    return read.length > HELD_MAX ? null : read;
  }

  async function held(session: Session, bucket: BucketId, key: ObjectKey, token: string): Promise<Lock> {
    const rows = await session.query<LockRow>(BY_TOKEN, [bucket, token, clock.now()]);
    const lock = rows[0] ? lockOf(rows[0]) : null;
    if (lock === null || !covers(lock, withoutSlash(key)))
      throw new CloudStoreError('lock_not_found', 'No such lock covers this resource.');
    return lock;
  }
  return {
    async acquire(wanted) {
      const { bucket } = wanted.at;
      const key = withoutSlash(wanted.at.key);
      const token = `urn:uuid:${uuid(random)}`;
      let head: number | undefined;
      const acquired = database.transaction(async (session) => {
        const now = clock.now();
        [head] = (await session.query<[number]>(TOUCH_HEAD, [bucket]))[0] ?? [];
        if (head === undefined) throw new CloudStoreError('bucket_not_found', 'No such bucket.');
        await session.execute(EXPIRE, [bucket, now]);
        const others = await locksFor(session, bucket, [key], wanted.infinite, now);
        const conflict = others.find((other) => wanted.exclusive || other.exclusive);
        if (conflict) throw lockedBy(conflict);
        const { principal, exclusive, infinite, ownerXml, timeoutMs } = wanted;
        const lock: Lock = {
          at: { bucket, key },
          principal,
          exclusive,
          infinite,
          ownerXml,
          timeoutMs,
          token,
          expires: now + timeoutMs,
        };
        await session.execute(INSERT, [token, bucket, key, principal, exclusive, infinite, ownerXml, timeoutMs, lock.expires]);
        return lock;
      });
      return acquired
        .then((lock) => {
          if (head !== undefined) known.passed(bucket, head - 1);
          return lock;
        })
        .finally(() => memory?.taken(bucket));
    },
    async refresh(at, token, principal, timeoutMs) {
      const refreshed = database.transaction(async (session) => {
        const lock = await held(session, at.bucket, at.key, token);
        if (lock.principal !== principal)
          throw new CloudStoreError('lock_not_found', 'No such lock of yours covers this resource.');
        const expires = clock.now() + timeoutMs;
        await session.execute(REFRESH, [token, timeoutMs, expires]);
        return { ...lock, timeoutMs, expires };
      });
      return refreshed.finally(() => memory?.taken(at.bucket));
    },
    async release(at, token, principal) {
      const released = database.transaction(async (session) => {
        const lock = await held(session, at.bucket, at.key, token);
        if (lock.principal !== principal) throw new CloudStoreError('access_denied', 'The lock is not yours.');
        await session.execute(DELETE, [token]);
      });
      await released.finally(() => memory?.released(at.bucket));
    },
    async covering(bucket, keys, below = false) {
      const all = await remembered(bucket);
      if (all !== null) return concerning(all, keys.map(withoutSlash), below);
      return locksFor({ ...database, query: database.read }, bucket, keys, below, clock.now());
    },
    peek(bucket, key, below = false) {
      const all = memory?.get(bucket);
      return all === undefined || all === 'many' ? undefined : concerning(all, [withoutSlash(key)], below);
    },
  };
}

/** Live locks that cover any of the keys, and with `below` those that lie below them. */
export async function locksFor(
  session: Session,
  bucket: BucketId,
  keys: ObjectKey[],
  below: boolean,
  now: number,
): Promise<Lock[]> {
  const wanted = keys.map(withoutSlash);
  const paths = new Set<string>();
  for (const key of wanted) for (const path of lockPaths(key)) paths.add(path);
  const low = below ? wanted.map((key) => (key === '' ? '' : `${key}/`)) : [];
  const high = below ? wanted.map((key) => (key === '' ? null : `${key}0`)) : [];
  const rows = await session.query<LockRow>(COVERING, [bucket, now, [...paths], low, high]);
  return concerning(rows.map(lockOf), wanted, below);
}

/** Of locks, those that cover one of the keys (no trailing slash), and with `below` those below them. */
function concerning(locks: readonly Lock[], keys: readonly string[], below: boolean): Lock[] {
  const inRange = (key: string) => below && keys.some((root) => root === '' || key.startsWith(`${root}/`));
  return locks.filter((lock) => inRange(lock.at.key) || keys.some((key) => covers(lock, key)));
}

/** The paths on which a lock covering `key` (no trailing slash) can lie: itself and every one above, the root (``) included. */
export function lockPaths(key: string): string[] {
  const out = key === '' ? [''] : ['', key];
  for (let at = key.indexOf('/'); at >= 0; at = key.indexOf('/', at + 1)) out.push(key.slice(0, at));
  return out;
}

/** Whether a lock covers a key without trailing slash. */
export function covers(lock: Pick<Lock, 'at' | 'infinite'>, key: string): boolean {
  if (lock.at.key === key) return true;
  return lock.infinite && (lock.at.key === '' || key.startsWith(`${lock.at.key}/`));
}

/** @throws locked when one of these locks is not opened by a token of the principal; of several shared ones, one token is enough */
export function assertUnlocked(locks: readonly Lock[], principal: number | null, tokens: readonly string[]): void {
  const roots = new Set(locks.map((lock) => lock.at.key));
  for (const root of roots) {
    const here = locks.filter((lock) => lock.at.key === root);
    const opened = here.some((lock) => lock.principal === principal && tokens.includes(lock.token));
    if (!opened) throw lockedBy(here[0]!);
  }
}

export function withoutSlash(key: ObjectKey): string {
  return key.endsWith('/') ? key.slice(0, -1) : key;
}

export function lockOf([token, bucket, key, principal, exclusive, infinite, ownerXml, timeoutMs, expires]: LockRow): Lock {
  return { token, at: { bucket, key }, principal, exclusive, infinite, ownerXml, timeoutMs, expires };
}

function lockedBy(lock: Lock): CloudStoreError {
  return new CloudStoreError('locked', 'The resource is locked.', { details: { token: lock.token, ...lock.at } });
}

function uuid(random: Random): string {
  const bytes = random(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
