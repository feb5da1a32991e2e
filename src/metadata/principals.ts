import type { AccessKeyRecord, PrincipalRecord, PrincipalStore, SessionRecord } from '#contracts/principal-store';
import type { Signals } from '#contracts/signals';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { PrincipalId, Role } from '#core/principal';
import type { Database, Session } from './database.ts';

export interface PrincipalStoreOptions {
  database: Database;
  clock: Clock;
  signals: Signals;
}

/** Columns of PRINCIPAL_COLUMNS. */
export type PrincipalRow = [
  number,
  string,
  Role,
  boolean,
  string | null,
  number,
  number | null,
  number,
  boolean,
  string | null,
  number | null,
];
type Row = PrincipalRow;
type KeyRow = [string, number, string | null, number];

/** Of `principals p`, for principalOf. */
export const PRINCIPAL_COLUMNS = `p.id, p.name, p.role, p.disabled, p.password_hash, p.domain, p.quota_bytes, p.created_ms,
  (EXISTS (SELECT 1 FROM second_factors f WHERE f.principal = p.id AND f.confirmed_ms IS NOT NULL) OR EXISTS (SELECT 1 FROM passkeys k WHERE k.principal = p.id)),
  (SELECT json_agg(m.group_id) FROM group_members m WHERE m.principal = p.id), p.quota_objects`;
/** Of the database's integers. */
const ID_MAX = 2_147_483_647;
const COLUMNS = PRINCIPAL_COLUMNS;
const KEY_COLUMNS = 'k.id, k.principal, k.name, k.created_ms';
const CREATE = {
  name: 'principal-create',
  text: `INSERT INTO principals AS p (name, role, password_hash, domain, created_ms, oidc_identity) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`,
};
const HASH_KINDS = {
  name: 'principals-hash-kinds',
  text: `SELECT min(password_hash) FROM principals WHERE password_hash IS NOT NULL GROUP BY regexp_replace(password_hash, '[$][^$]*[$][^$]*$', '')`,
};
const BY_NAME = { name: 'principal-by-name', text: `SELECT ${COLUMNS} FROM principals p WHERE p.name = $1` };
const BY_ID = { name: 'principal-by-id', text: `SELECT ${COLUMNS} FROM principals p WHERE p.id = $1` };
const LIST = { name: 'principal-list', text: `SELECT ${COLUMNS} FROM principals p ORDER BY p.name` };
/** Held until the end of the transaction: a session that begins waits, and sees what has become of its user. */
const HOLD = { name: 'principal-hold', text: 'SELECT id FROM principals WHERE id = $1 FOR NO KEY UPDATE' };
/** A new password, or none any more, ends what the old one began. */
const UPDATE = {
  name: 'principal-update',
  text: `WITH ended AS (UPDATE sessions SET revoked = true WHERE principal = $1 AND NOT revoked AND ($2::text IS NOT NULL OR $4::boolean)
                          AND id IS DISTINCT FROM $7::text)
         UPDATE principals p SET password_hash = coalesce($2, password_hash), role = coalesce($3, role), disabled = coalesce($4, disabled),
           quota_bytes = CASE WHEN $5 THEN $6::bigint ELSE quota_bytes END,
           quota_objects = CASE WHEN $8 THEN $9::bigint ELSE quota_objects END WHERE id = $1 RETURNING ${COLUMNS}`,
};
/** Also what was only begun, as the link to an account of an identity provider. After `UPDATE`, which waits for what is being made in the sessions that it ends. */
const FORGET_ASKED = { name: 'principal-forget-asked', text: 'DELETE FROM challenges WHERE principal = $1' };
const FORGET_CLAIMS = {
  name: 'principal-forget-claims',
  text: 'DELETE FROM claims WHERE principal = $1 AND redeemed_ms IS NULL',
};
const UPGRADE_HASH = {
  name: 'principal-upgrade-hash',
  text: 'UPDATE principals SET password_hash = $3 WHERE id = $1 AND password_hash = $2',
};
const ADD_KEY = {
  name: 'key-add',
  text: 'INSERT INTO access_keys (id, principal, sealed_secret, name, created_ms) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING',
};
const FIND_KEY = {
  name: 'key-find',
  text: `SELECT k.sealed_secret, ${KEY_COLUMNS}, ${COLUMNS} FROM access_keys k JOIN principals p ON p.id = k.principal WHERE k.id = $1`,
};
const LIST_KEYS = {
  name: 'key-list',
  text: `SELECT ${KEY_COLUMNS} FROM access_keys k WHERE k.kind = 's3' AND ($1::int IS NULL OR k.principal = $1) ORDER BY k.created_ms, k.id`,
};
const REMOVE_KEY = { name: 'key-remove', text: 'DELETE FROM access_keys WHERE id = $1 RETURNING principal' };
const CREATE_SESSION = {
  name: 'session-create',
  text: `WITH ended AS (DELETE FROM sessions WHERE expires_ms < $6),
           owner AS (SELECT id FROM principals WHERE id = $2::int AND NOT disabled AND ($9::text IS NULL OR password_hash = $9) FOR SHARE)
         INSERT INTO sessions (id, principal, token_hash, expires_ms, label, created_ms, credential, used_ms, used_from, confirmed_ms)
         SELECT $1::text, id, $3::bytea, $4::bigint, $5::text, $6::bigint, $7::text, $6, $8::text, $6 FROM owner`,
};
const LOCK_SESSION = {
  name: 'session-lock',
  text: `SELECT s.token_hash, s.used_ms, s.used_from, ${COLUMNS} FROM sessions s JOIN principals p ON p.id = s.principal
          WHERE s.id = $1 AND NOT s.revoked AND s.expires_ms > $2 AND NOT p.disabled FOR UPDATE OF s`,
};
const ROTATE = {
  name: 'session-rotate',
  text: 'UPDATE sessions SET token_hash = $2, expires_ms = $3, used_ms = $4, used_from = coalesce($5, used_from) WHERE id = $1',
};
const REVOKE = {
  name: 'session-revoke',
  text: 'UPDATE sessions SET revoked = true WHERE id = $1 AND NOT revoked RETURNING principal',
};
const CONFIRM = {
  name: 'session-confirm',
  text: 'UPDATE sessions SET confirmed_ms = $2 WHERE id = $1 AND NOT revoked AND expires_ms > $2 RETURNING principal',
};
const SESSIONS = {
  name: 'session-list',
  text: `SELECT id, principal, label, created_ms, expires_ms, credential, used_ms, used_from, confirmed_ms FROM sessions
          WHERE principal = $1 AND NOT revoked AND expires_ms > $2 ORDER BY created_ms, id`,
};
const SESSION = {
  name: 'session-find',
  text: `SELECT id, principal, label, created_ms, expires_ms, credential, used_ms, used_from, confirmed_ms FROM sessions WHERE id = $1 AND NOT revoked AND expires_ms > $2`,
};
const REVOKE_ALL = {
  name: 'session-revoke-all',
  text: 'UPDATE sessions SET revoked = true WHERE principal = $1 AND NOT revoked AND id IS DISTINCT FROM $2::text',
};
const ALIVE = {
  name: 'session-alive',
  text: `SELECT EXISTS (SELECT 1 FROM sessions s JOIN principals p ON p.id = s.principal
          WHERE s.id = $1 AND NOT s.revoked AND s.expires_ms > $2 AND NOT p.disabled)`,
};
/** Held until the end of the transaction: nobody else decides meanwhile who is left. */
const ADMINS = {
  name: 'principal-admins',
  text: `SELECT id FROM principals WHERE role = 'admin' AND NOT disabled ORDER BY id FOR UPDATE`,
};
const EXISTS = { name: 'principal-lock', text: 'SELECT id FROM principals WHERE id = ANY($1::int[]) ORDER BY id FOR UPDATE' };
/** In the order of cs_commit: heads first, then usage. An alias that the heir already has for another bucket is dropped. */
const REMOVAL = [
  `UPDATE bucket_heads SET revision = revision + 1 WHERE bucket_id IN
     (SELECT h.bucket_id FROM bucket_heads h JOIN buckets b ON b.id = h.bucket_id WHERE b.owner = $1 ORDER BY h.bucket_id FOR UPDATE OF h)
     AND $2::int IS NOT NULL`,
  `INSERT INTO usage AS t (principal, bytes, objects) SELECT $2::int, bytes, objects FROM usage WHERE principal = $1
     ON CONFLICT (principal) DO UPDATE SET bytes = t.bytes + excluded.bytes, objects = t.objects + excluded.objects`,
  'DELETE FROM usage WHERE principal = $1 AND $2::int IS NOT NULL',
  'UPDATE buckets SET owner = $2 WHERE owner = $1',
  'DELETE FROM bucket_names WHERE scope = $1 AND $2::int IS NOT NULL',
  'DELETE FROM locks WHERE principal = $1 AND $2::int IS NOT NULL',
  'DELETE FROM principals WHERE id = $1 AND $2::int IS NOT NULL',
].map((text, index) => ({ name: `principal-removal-${index}`, text }));

/** Users, their keys, sessions and grants. */
export function createPrincipalStore({ database, clock, signals }: PrincipalStoreOptions): PrincipalStore {
  async function changed(id: PrincipalId): Promise<void> {
    await signals.publish('principals', String(id));
  }
  async function revoke(id: string): Promise<void> {
    const rows = await database.query<[number]>(REVOKE, [id]);
    if (rows[0]) await changed(rows[0][0]);
  }
  return {
    async create({ name, role, passwordHash, domain, identity }) {
      const rows = await database.query<Row>(CREATE, [name, role, passwordHash, domain, clock.now(), identity ?? null]);
      if (!rows[0]) throw new CloudStoreError('already_exists', `A user named ${name} exists already.`, { details: { name } });
      await changed(rows[0][0]);
      return principalOf(rows[0]);
    },
    async findByName(name) {
      const rows = await database.read<Row>(BY_NAME, [name]);
      return rows[0] ? principalOf(rows[0]) : null;
    },
    async find(id) {
      if (id > ID_MAX) return null; // a stranger's, out of a policy or a list
      const rows = await database.read<Row>(BY_ID, [id]);
      return rows[0] ? principalOf(rows[0]) : null;
    },
    hashKinds: async () => (await database.read<[string]>(HASH_KINDS)).map(([hash]) => hash),
    async list() {
      return (await database.read<Row>(LIST)).map(principalOf);
    },
    async update(id, patch) {
      const { passwordHash = null, role = null, disabled = null, quotaBytes, quotaObjects, keepSession = null } = patch;
      const values = [
        id,
        passwordHash,
        role,
        disabled,
        quotaBytes !== undefined,
        quotaBytes ?? null,
        keepSession,
        quotaObjects !== undefined,
        quotaObjects ?? null,
      ];
      const steps = async (session: Session): Promise<Row[]> => {
        if (disabled === true || (role !== null && role !== 'admin')) await assertNotLastAdmin(session, id);
        if (disabled === true || passwordHash !== null) await session.query(HOLD, [id]);
        const updated = await session.query<Row>(UPDATE, values);
        if (disabled === true || passwordHash !== null) await session.execute(FORGET_ASKED, [id]);
        if (passwordHash !== null) await session.execute(FORGET_CLAIMS, [id]);
        return updated;
      };
      const held = disabled === true || role !== null || passwordHash !== null;
      const rows = held ? await database.transaction(steps) : await steps(database);
      if (!rows[0]) throw noPrincipal();
      await changed(id);
      return principalOf(rows[0]);
    },
    async upgradeHash(id, from, to) {
      if ((await database.execute(UPGRADE_HASH, [id, from, to])) === 1) await changed(id);
    },
    async remove(id, heir) {
      if (id === heir) throw new CloudStoreError('invalid_argument', 'A user cannot inherit from itself.');
      await database.transaction(async (session) => {
        await assertNotLastAdmin(session, id);
        const found = await session.query<[number]>(EXISTS, [[id, heir]]);
        if (found.length !== 2) throw noPrincipal();
        for (const statement of REMOVAL) await session.execute(statement, [id, heir]);
      });
      await changed(id);
      await signals.publish('buckets', '0');
    },

    async addKey({ id, principal, sealedSecret, name }) {
      const now = clock.now();
      if ((await database.execute(ADD_KEY, [id, principal, sealedSecret, name ?? null, now])) === 0) {
        throw new CloudStoreError('already_exists', `The access key ${id} exists already.`, { details: { id } });
      }
      await changed(principal);
      return { id, principal, name: name ?? null, created: now };
    },
    async findKey(id) {
      const rows = await database.read<[Buffer, ...KeyRow, ...Row]>(FIND_KEY, [id]);
      if (!rows[0]) return null;
      const [sealedSecret, keyId, owner, name, created, ...principal] = rows[0];
      return { key: keyOf([keyId, owner, name, created]), sealedSecret, principal: principalOf(principal) };
    },
    async listKeys(principal) {
      return (await database.read<KeyRow>(LIST_KEYS, [principal ?? null])).map(keyOf);
    },
    async removeKey(id) {
      const rows = await database.query<[number]>(REMOVE_KEY, [id]);
      if (!rows[0]) throw new CloudStoreError('key_not_found', `There is no access key ${id}.`, { details: { id } });
      await changed(rows[0][0]);
    },

    async createSession({ id, principal, tokenHash, expires, label, credential = null, from = null, passwordHash = null }) {
      const values = [id, principal, tokenHash, expires, label, clock.now(), credential, from, passwordHash];
      if ((await database.execute(CREATE_SESSION, values)) === 0)
        throw new CloudStoreError('unauthenticated', 'Who this is has changed meanwhile; log in again.');
    },
    async rotateSession(id, oldHash, newHash, { expires, from, repeatMs = 0 }) {
      const found = await database.transaction(async (session) => {
        const now = clock.now();
        const rows = await session.query<[Buffer, number | null, string | null, ...Row]>(LOCK_SESSION, [id, now]);
        if (!rows[0]) return { outcome: 'gone' as const };
        const [valid, usedAt, usedFrom, ...principal] = rows[0];
        if (valid.equals(oldHash)) {
          await session.execute(ROTATE, [id, newHash, expires, now, from ?? null]);
          return { outcome: 'rotated' as const, principal: principalOf(principal) };
        }
        const justNow = usedAt !== null && now - usedAt < repeatMs && from !== undefined && usedFrom === from;
        if (justNow && valid.equals(newHash)) return { outcome: 'repeated' as const, principal: principalOf(principal) };
        return { outcome: 'reused' as const };
      });
      if (found.outcome === 'reused') await revoke(id);
      return found;
    },
    async confirmSession(id) {
      const rows = await database.query<[number]>(CONFIRM, [id, clock.now()]);
      if (!rows[0]) throw new CloudStoreError('unauthenticated', 'The session has ended.');
      await changed(rows[0][0]);
    },
    async sessionAlive(id) {
      const rows = await database.read<[boolean]>(ALIVE, [id, clock.now()]);
      return rows[0]?.[0] ?? false;
    },
    async findSession(id) {
      const rows = await database.read<SessionRow>(SESSION, [id, clock.now()]);
      return rows[0] ? sessionOf(rows[0]) : null;
    },
    async listSessions(principal) {
      return (await database.read<SessionRow>(SESSIONS, [principal, clock.now()])).map(sessionOf);
    },
    revokeSession: revoke,
    async revokeSessions(principal, except) {
      const count = await database.execute(REVOKE_ALL, [principal, except ?? null]);
      await changed(principal);
      return count;
    },
  };
}

export function principalOf([
  id,
  name,
  role,
  disabled,
  passwordHash,
  domain,
  quotaBytes,
  created,
  secondFactor,
  groups,
  quotaObjects,
]: Row): PrincipalRecord {
  const record = { id, name, role, disabled, passwordHash, domain, quotaBytes, quotaObjects, created, secondFactor };
  return groups === null ? record : { ...record, groups: JSON.parse(groups) as number[] };
}

type SessionRow = [string, number, string, number, number, string | null, number | null, string | null, number];

function sessionOf(row: SessionRow): SessionRecord {
  const [id, principal, label, created, expires, credential, lastUsed, lastUsedFrom, confirmed] = row;
  return { id, principal, label, created, expires, credential, lastUsed: lastUsed ?? created, lastUsedFrom, confirmed };
}

function keyOf([id, principal, name, created]: KeyRow): AccessKeyRecord {
  return { id, principal, name, created };
}

async function assertNotLastAdmin(session: Session, id: PrincipalId): Promise<void> {
  const admins = await session.query<[number]>(ADMINS);
  if (admins.length === 1 && admins[0]?.[0] === id)
    throw new CloudStoreError('conflict', 'This is the last admin; make another one first.');
}

function noPrincipal(): CloudStoreError {
  return new CloudStoreError('principal_not_found', 'There is no such user.');
}
