import { setTimeout as sleep } from 'node:timers/promises';
import type { ChangeKind } from '#contracts/journal';
import type { BucketId, ObjectKey } from '#core/address';
import type { Quota, Versioning } from '#core/bucket';
import type { Clock, Random } from '#core/clock';
import type { DomainId } from '#core/content-ref';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { PrincipalId, Who } from '#core/principal';
import type { DefaultRetention } from '#core/retention';
import { quotaExceeded } from '../commit/checks.ts';
import type { Database, Session, Statement } from '../database.ts';
import { unlessGone } from '../unless-gone.ts';

export interface TreeRooms {
  database: Database;
  clock: Clock;
  random: Random;
  registration: { gateway: number | null };
  /** Told before the database is. `end` is called before any verdict leaves. */
  changing(buckets: BucketId[]): { end(): void } | null;
  /** Told before any verdict leaves, whatever the outcome. */
  changed(buckets: BucketId[]): void;
}

export interface Event {
  kind: ChangeKind;
  key: ObjectKey;
  from?: { bucket: BucketId; key: ObjectKey };
  version?: string;
  size?: number;
  etag?: string;
}

/** A bucket under its head's lock, with what the operation changes of it. */
export interface Head {
  id: BucketId;
  owner: PrincipalId;
  domain: DomainId;
  versioning: Versioning;
  seq: number;
  ownerQuota: Quota;
  quota: Quota;
  objectLock: boolean;
  defaultRetention: DefaultRetention | null;
  /** The latest time that any commit had. */
  lastMs: number;
  databaseNow: number;
  /** What is live before. */
  had: { objects: number; bytes: number };
  /** What it grows by. */
  objects: number;
  bytes: number;
  /** What of versions that are not current comes. */
  historyVersions: number;
  historyBytes: number;
  events: Event[];
}

export interface Work {
  session: Session;
  now: number;
  head(bucket: BucketId): Head;
}

/** For everything that one operation writes into the history of a bucket. */
export const seqOf = (head: Head) => head.seq + 1;

const ALIVE: Statement = { name: 'tree-alive', text: 'SELECT 1 FROM gateways WHERE id = $1 AND NOT fenced FOR SHARE' };
const LOCK_HEADS: Statement = {
  name: 'tree-lock-heads',
  text: 'SELECT bucket_id FROM bucket_heads WHERE bucket_id = ANY($1::int[]) ORDER BY bucket_id FOR UPDATE',
};
const READ_HEADS: Statement = {
  name: 'tree-read-heads',
  text: `SELECT b.id, b.owner, b.domain, b.versioning, h.seq, p.quota_bytes, p.quota_objects, b.quota_bytes, b.quota_objects, b.object_lock,
                b.config->'objectLock', h.last_ms, cs_now_ms(), h.objects, h.bytes
           FROM buckets b JOIN bucket_heads h ON h.bucket_id = b.id LEFT JOIN principals p ON p.id = b.owner
          WHERE b.id = ANY($1::int[]) AND b.removed_ms IS NULL ORDER BY b.id`,
};
const MOVE_HEAD: Statement = {
  name: 'tree-move-head',
  text: `UPDATE bucket_heads SET revision = revision + 1, seq = seq + $2, objects = objects + $3, bytes = bytes + $4,
                history_versions = history_versions + $5, history_bytes = history_bytes + $6, last_ms = greatest(last_ms, $7) WHERE bucket_id = $1`,
};
const JOURNAL: Statement = {
  name: 'tree-journal',
  text: `INSERT INTO journal (bucket_id, seq, kind, key, from_key, from_bucket, version_id, size, etag, at_ms, principal, protocol, request_id,
                              gateway, commit_id)
         VALUES ($1, $2, $3, $4, $5, $6, decode($7, 'hex'), $8, $9, $10, $11, $12, $13, $14, $15)`,
};
const NOTIFY: Statement = {
  name: 'tree-notify',
  text: `SELECT pg_notify('cloudstore', 'journal ' || $1::int || ':' || $2::bigint)`,
};
const USAGE: Statement = {
  name: 'tree-usage',
  text: `INSERT INTO usage AS t (principal, bytes, objects) VALUES ($1, $2, $3)
         ON CONFLICT (principal) DO UPDATE SET bytes = t.bytes + excluded.bytes, objects = t.objects + excluded.objects RETURNING bytes, objects`,
};
const FIND_COMMIT: Statement = {
  name: 'tree-find',
  text: 'SELECT 1 FROM journal WHERE bucket_id = $1 AND seq = $2 AND commit_id = $3',
};
/** The big joins of a tree are hashed; the pool's setting is for look-ups of single rows. */
const HASH_JOINS: Statement = { name: 'tree-hash-joins', text: 'SET LOCAL enable_hashjoin = on' };

const RECONNECT_MS = [20, 50, 100, 200, 400, 800, 1600, 1600];

interface Attempt<T> {
  id: Buffer;
  first: { bucket: BucketId; seq: number } | null;
  result: T;
}

/**
 * One transaction under the locks of the buckets' heads, in the order of their ids, which is what every commit takes first. When the
 * connection broke while committing, the journal tells whether it was done; if it was not, it is done again. `signal`: calls it off, until it is committed.
 */
export async function commitTree<T>(
  rooms: TreeRooms,
  { who, signal }: { who: Who; signal?: AbortSignal | undefined },
  wanted: BucketId[],
  work: (work: Work) => Promise<T>,
): Promise<T> {
  const buckets = [...new Set(wanted)].sort((a, b) => a - b);
  let lost: Attempt<T> | null = null;
  for (let broken = 0; ; broken++) {
    const started: { attempt: Attempt<T> | null } = { attempt: null };
    const previous: Attempt<T> | null = lost;
    const changing = rooms.changing(buckets);
    try {
      return await rooms.database.transaction((session) =>
        unlessGone(rooms.database, session, signal, () => attempt(rooms, session, who, buckets, previous, started, work)),
      );
    } catch (error) {
      const wait = RECONNECT_MS[broken];
      if (!isCloudStoreError(error, 'unavailable') || error.details.fenced === true || wait === undefined) throw error;
      lost = started.attempt ?? lost;
      await sleep(wait);
    } finally {
      rooms.changed(buckets);
      changing?.end();
    }
  }
}

async function attempt<T>(
  { clock, random, registration }: TreeRooms,
  session: Session,
  who: Who,
  buckets: BucketId[],
  lost: Attempt<T> | null,
  started: { attempt: Attempt<T> | null },
  work: (work: Work) => Promise<T>,
): Promise<T> {
  if (registration.gateway !== null && (await session.query(ALIVE, [registration.gateway])).length === 0) {
    throw new CloudStoreError('unavailable', 'This gateway was fenced: it was silent for too long.', {
      details: { fenced: true },
    });
  }
  await session.query(LOCK_HEADS, [buckets]);
  if (lost?.first && (await session.query(FIND_COMMIT, [lost.first.bucket, lost.first.seq, lost.id])).length > 0)
    return lost.result;
  await session.query(HASH_JOINS);
  const heads = new Map<BucketId, Head>();
  for (const row of await session.query<HeadRow>(READ_HEADS, [buckets])) heads.set(row[0], headOf(row));
  const now = clock.now();
  const result = await work({
    session,
    now,
    head(bucket) {
      const head = heads.get(bucket);
      if (!head) throw new CloudStoreError('bucket_not_found', 'No such bucket.');
      return head;
    },
  });
  const id = random(16);
  const written = [...heads.values()].filter((head) => head.events.length > 0);
  await chargeOwners(session, written);
  for (const head of written) await record(session, head, { who, now, id, gateway: registration.gateway });
  started.attempt = { id, first: written[0] ? { bucket: written[0].id, seq: seqOf(written[0]) } : null, result };
  return result;
}

type HeadRow = [
  id: number,
  owner: number,
  domain: number,
  versioning: Versioning,
  seq: number,
  ownerBytesMax: number | null,
  ownerObjectsMax: number | null,
  bytesMax: number | null,
  objectsMax: number | null,
  objectLock: boolean,
  defaultRetention: string | null,
  lastMs: number,
  databaseNow: number,
  objects: number,
  bytes: number,
];

function headOf([id, owner, domain, versioning, seq, ...rest]: HeadRow): Head {
  const [ownerBytesMax, ownerObjectsMax, bytesMax, objectsMax, objectLock, retention, lastMs, databaseNow, objects, bytes] = rest;
  return {
    id,
    owner,
    domain,
    versioning,
    seq,
    ownerQuota: { bytes: ownerBytesMax, objects: ownerObjectsMax },
    quota: { bytes: bytesMax, objects: objectsMax },
    objectLock,
    defaultRetention: retention === null ? null : JSON.parse(retention),
    lastMs,
    databaseNow,
    had: { objects, bytes },
    objects: 0,
    bytes: 0,
    historyVersions: 0,
    historyBytes: 0,
    events: [],
  };
}

/** @throws quota_exceeded when an owner's or a bucket's use grows beyond the quota */
async function chargeOwners(session: Session, heads: Head[]): Promise<void> {
  const growth = new Map<PrincipalId, { bytes: number; objects: number; quota: Quota }>();
  for (const { owner, bytes, objects, ownerQuota, quota, had } of heads) {
    assertWithin(quota, { bytes, objects }, { bytes: had.bytes + bytes, objects: had.objects + objects });
    const sum = growth.get(owner) ?? { bytes: 0, objects: 0, quota: ownerQuota };
    growth.set(owner, { ...sum, bytes: sum.bytes + bytes, objects: sum.objects + objects });
  }
  for (const [owner, { quota, ...grown }] of [...growth].sort(([a], [b]) => a - b)) {
    if (grown.bytes === 0 && grown.objects === 0) continue;
    // What is used by then: another bucket of the owner may have grown since this one was locked.
    const [row] = await session.query<[number, number]>(USAGE, [owner, grown.bytes, grown.objects]);
    assertWithin(quota, grown, { bytes: row![0], objects: row![1] });
  }
}

type Amount = { bytes: number; objects: number };

function assertWithin(quota: Quota, grown: Amount, used: Amount): void {
  for (const what of ['bytes', 'objects'] as const) {
    const most = quota[what];
    if (grown[what] > 0 && most !== null && used[what] > most) throw quotaExceeded(quota);
  }
}

async function record(
  session: Session,
  head: Head,
  { who, now, id, gateway }: { who: Who; now: number; id: Buffer; gateway: number | null },
): Promise<void> {
  const { events } = head;
  const moved = [events.length, head.objects, head.bytes, head.historyVersions, head.historyBytes, now];
  await session.execute(MOVE_HEAD, [head.id, ...moved]);
  for (const [index, event] of events.entries()) {
    const { kind, key, from, version, size, etag } = event;
    const what = [kind, key, from?.key ?? null, from?.bucket ?? null, version ?? null, size ?? null, etag ?? null];
    const by = [now, who.principal?.id ?? null, who.protocol, who.requestId, gateway, id];
    await session.execute(JOURNAL, [head.id, head.seq + 1 + index, ...what, ...by]);
  }
  await session.query(NOTIFY, [head.id, head.seq + events.length]);
}
