import { createHmac, timingSafeEqual } from 'node:crypto';
import type { AuditQuery, AuditStore } from '#contracts/audit';
import type { Keyring } from '#contracts/keyring';
import { type AuditEvent, type AuditOutcome, type AuditRecord, auditBytes } from '#core/audit';
import type { Random } from '#core/clock';
import type { Protocol } from '#core/principal';
import type { Database, Session } from './database.ts';

export interface AuditStoreOptions {
  database: Database;
  keyring: Pick<Keyring, 'seal' | 'unseal'>;
  random: Random;
}

export const AUDIT_SEAL = 'audit chain';

type Row = [
  id: number,
  at: number,
  principal: number | null,
  name: string | null,
  credential: string | null,
  protocol: Protocol | 'web',
  action: string,
  resource: string | null,
  outcome: AuditOutcome,
  status: number,
  address: string | null,
  requestId: string,
  details: string | null,
  hash: Buffer,
];
type HeadRow = [sealedKey: Buffer, floorId: number, floorHash: Buffer, headId: number, headHash: Buffer];

const COLUMNS =
  'a.id, a.at_ms, a.principal, a.name, a.credential, a.protocol, a.action, a.resource, a.outcome, a.status, a.address, a.request_id, a.details, a.hash';
const BEGIN = {
  name: 'audit-begin',
  text: 'INSERT INTO audit_head (id, sealed_key, floor_hash, head_hash) VALUES (1, $1, $2, $2) ON CONFLICT DO NOTHING',
};
const MARK = { name: 'audit-mark', text: 'UPDATE audit_head SET sealed_key = $1, floor_hash = $2, head_hash = $3 WHERE id = 1' };
const HEAD_COLUMNS = 'sealed_key, floor_id, floor_hash, head_id, head_hash';
const HEAD = { name: 'audit-head', text: `SELECT ${HEAD_COLUMNS} FROM audit_head WHERE id = 1` };
const HOLD = { name: 'audit-hold', text: `SELECT ${HEAD_COLUMNS} FROM audit_head WHERE id = 1 FOR UPDATE` };
const INSERT = {
  name: 'audit-insert',
  text: `INSERT INTO audit (id, at_ms, principal, name, credential, protocol, action, resource, outcome, status, address, request_id, details, hash)
         SELECT x.id, x.at, x.principal, x.name, x.credential, x.protocol, x.action, x.resource, x.outcome, x.status, x.address, x.request, x.details,
                decode(x.hash, 'hex')
           FROM json_to_recordset($1) AS x(id bigint, at bigint, principal int, name text, credential text, protocol text, action text, resource text,
                  outcome text, status int, address text, request text, details jsonb, hash text)`,
};
const ADVANCE = { name: 'audit-advance', text: 'UPDATE audit_head SET head_id = $1, head_hash = $2 WHERE id = 1' };
const FILTER = `($2::text IS NULL OR a.name = $2) AND ($3::text IS NULL OR a.action = $3) AND ($4::text IS NULL OR a.protocol = $4)
  AND ($5::text IS NULL OR a.outcome = $5) AND ($6::text IS NULL OR a.address = $6) AND ($7::text IS NULL OR starts_with(a.resource, $7))
  AND ($8::bigint IS NULL OR a.at_ms >= $8) AND ($9::bigint IS NULL OR a.at_ms < $9)`;
const PAGE = {
  name: 'audit-page',
  text: `SELECT ${COLUMNS} FROM audit a WHERE ($1::bigint IS NULL OR a.id < $1) AND ${FILTER} ORDER BY a.id DESC LIMIT $10`,
};
const FROM = { name: 'audit-from', text: `SELECT ${COLUMNS} FROM audit a WHERE a.id > $1 AND ${FILTER} ORDER BY a.id LIMIT $10` };
const OLDEST = {
  name: 'audit-oldest',
  text: `WITH page AS MATERIALIZED (SELECT id, hash, at_ms FROM audit ORDER BY id LIMIT $2)
         SELECT id, hash FROM page WHERE id < coalesce((SELECT min(id) FROM page WHERE at_ms >= $1), ${Number.MAX_SAFE_INTEGER}) ORDER BY id DESC LIMIT 1`,
};
const REMOVE = { name: 'audit-remove', text: 'DELETE FROM audit WHERE id <= $1' };
const RAISE = { name: 'audit-raise', text: 'UPDATE audit_head SET floor_id = $1, floor_hash = $2 WHERE id = 1' };

const NOTHING = Buffer.alloc(0);
/** Before the chain's key where its ends are marked; chains of before had none. Whoever may only write to the database cannot seal one without. */
const MARKED = 1;
const KEY_BYTES = 32;
const MARK_BYTES = 32;

/** The audit as a chain: each append locks the head, so that gateways stand in one line. */
export function createAuditStore({ database, keyring, random }: AuditStoreOptions): AuditStore & AuditChain {
  async function held(session: Session): Promise<HeadRow> {
    const [row] = await session.query<HeadRow>(HOLD);
    if (row === undefined) {
      const key = random(KEY_BYTES);
      await session.execute(BEGIN, [sealed(key), markedEnd(key, 0, NOTHING)]);
      return held(session);
    }
    const [sealedKey, floorId, floorHash, headId, headHash] = row;
    const { key, marked } = await keyOf(sealedKey);
    if (marked) return row;
    await session.execute(MARK, [sealed(key), markedEnd(key, floorId, floorHash), markedEnd(key, headId, headHash)]);
    return held(session);
  }
  function sealed(key: Buffer): Buffer {
    return keyring.seal(Buffer.concat([Buffer.of(MARKED), key]), AUDIT_SEAL);
  }
  async function keyOf(sealedKey: Buffer): Promise<{ key: Buffer; marked: boolean }> {
    const opened = await keyring.unseal(sealedKey, AUDIT_SEAL);
    return { key: opened.subarray(-KEY_BYTES), marked: opened.length > KEY_BYTES };
  }
  const filters = (query: Partial<AuditQuery>): unknown[] => [
    query.name ?? null,
    query.action ?? null,
    query.protocol ?? null,
    query.outcome ?? null,
    query.address ?? null,
    query.resource ?? null,
    query.from ?? null,
    query.to ?? null,
  ];

  return {
    async append(events) {
      if (events.length === 0) return;
      await database.transaction(async (session) => {
        const [sealedKey, , , headId, headHash] = await held(session);
        const { key } = await keyOf(sealedKey);
        let id = headId;
        let hash = hashIn(headHash);
        const rows = events.map((event) => {
          id++;
          hash = linkOf(key, hash, id, event);
          const { requestId, ...rest } = event;
          return { ...rest, id, request: requestId, hash: hash.toString('hex') };
        });
        await session.execute(INSERT, [JSON.stringify(rows)]);
        await session.execute(ADVANCE, [id, movedEnd(key, [headId, headHash], id, hash)]);
      });
    },
    async page({ before, limit, ...query }) {
      return (await database.read<Row>(PAGE, [before ?? null, ...filters(query), limit])).map(recordOf);
    },
    async from(after, limit, query = {}) {
      return (await database.read<Row>(FROM, [after, ...filters(query), limit])).map(recordOf);
    },
    async expire(beforeMs, limit) {
      return database.transaction(async (session) => {
        const [sealedKey, floorId, floorHash] = await held(session);
        const [last] = await session.query<[number, Buffer]>(OLDEST, [beforeMs, limit]);
        if (last === undefined) return 0;
        const [id, hash] = last;
        const { key } = await keyOf(sealedKey);
        const count = await session.execute(REMOVE, [id]);
        await session.execute(RAISE, [id, movedEnd(key, [floorId, floorHash], id, hash)]);
        return count;
      });
    },
    async chain() {
      const [row] = await database.read<HeadRow>(HEAD);
      if (row === undefined) return null;
      const [sealedKey, floorId, floorHash, headId, headHash] = row;
      const { key, marked } = await keyOf(sealedKey);
      const end = (id: number, stored: Buffer): AuditEnd =>
        marked ? { id, hash: hashIn(stored), whole: isMarked(key, id, stored) } : { id, hash: stored, whole: true };
      return { key, floor: end(floorId, floorHash), head: end(headId, headHash) };
    },
  };
}

/** What verification needs besides the records. */
export interface AuditChain {
  /** null: nothing was ever recorded. @throws corrupt, unavailable */
  chain(): Promise<{ key: Buffer; floor: AuditEnd; head: AuditEnd } | null>;
}

/** The record that the chain begins behind, or ends with. */
export interface AuditEnd {
  id: number;
  hash: Buffer;
  /** Put there by who has the key. */
  whole: boolean;
}

/** A record tells its own hash, so an end has a mark as well: without the key nobody makes an earlier record the last one, or a later one the first. */
function markedEnd(key: Buffer, id: number, hash: Buffer): Buffer {
  return Buffer.concat([hash, createHmac('sha256', key).update('end').update(String(id)).update(hash).digest()]);
}

function isMarked(key: Buffer, id: number, end: Buffer): boolean {
  const right = markedEnd(key, id, hashIn(end));
  return right.length === end.length && timingSafeEqual(right, end);
}

/** An end that somebody else has moved keeps a mark that is not its own, however the chain goes on. */
function movedEnd(key: Buffer, [fromId, from]: [number, Buffer], id: number, hash: Buffer): Buffer {
  return isMarked(key, fromId, from) ? markedEnd(key, id, hash) : Buffer.concat([hash, Buffer.alloc(MARK_BYTES)]);
}

function hashIn(end: Buffer): Buffer {
  return end.subarray(0, Math.max(0, end.length - MARK_BYTES));
}

/** A record's hash. */
export function linkOf(key: Buffer, before: Buffer, id: number, event: AuditEvent): Buffer {
  return createHmac('sha256', key).update(before).update(auditBytes(id, event)).digest();
}

function recordOf(row: Row): AuditRecord {
  const [id, at, principal, name, credential, protocol, action, resource, outcome, status, address, requestId, details] = row;
  const event = { at, principal, name, credential, protocol, action, resource, outcome, status, address, requestId };
  return { ...event, id, details: details === null ? null : JSON.parse(details), hash: row[13] };
}
