import type { ClaimedKind, ClaimRecord, ClaimStore } from '#contracts/claim-store';
import type { Signals } from '#contracts/signals';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { Database } from './database.ts';
import { assertLive, liveSession } from './live-session.ts';
import { PRINCIPAL_COLUMNS, type PrincipalRow, principalOf } from './principals.ts';

type Row = [
  id: string,
  principal: number,
  kind: ClaimedKind,
  name: string,
  scope: string | null,
  networks: string | null,
  credentialExpires: number | null,
  created: number,
  expires: number,
  redeemed: number | null,
  redeemedFrom: string | null,
  credential: string | null,
];

const COLUMNS =
  'id, principal, kind, name, scope, networks, credential_expires_ms, created_ms, expires_ms, redeemed_ms, redeemed_from, credential';
const ADD = {
  name: 'claim-add',
  text: `WITH ended AS (DELETE FROM claims WHERE expires_ms < $12), ${liveSession('$13')}
         INSERT INTO claims (id, token_hash, principal, kind, name, scope, networks, credential_expires_ms, created_ms, expires_ms)
         SELECT $1, $2, $3::int, $4, $5, $6, $7, $8::bigint, $9::bigint, $10::bigint
          WHERE (SELECT count(*) FROM claims WHERE principal = $3::int AND redeemed_ms IS NULL AND expires_ms > $9::bigint) < $11::int
            AND ($13::text IS NULL OR EXISTS (SELECT 1 FROM live))`,
};
const FIND = { name: 'claim-find', text: `SELECT ${COLUMNS} FROM claims WHERE id = $1 AND principal = $2` };
const BY_TOKEN = { name: 'claim-by-token', text: `SELECT ${COLUMNS} FROM claims WHERE token_hash = $1` };
const LIST = { name: 'claim-list', text: `SELECT ${COLUMNS} FROM claims WHERE principal = $1 ORDER BY created_ms DESC, id` };
const REMOVE = { name: 'claim-remove', text: 'DELETE FROM claims WHERE id = $1 AND principal = $2' };
/** The row's lock lets one through; whoever waited for it looks again, and finds it spent. */
const REDEEM = {
  name: 'claim-redeem',
  text: `WITH spent AS (
           UPDATE claims c SET redeemed_ms = $2, redeemed_from = $3, credential = $4
             FROM principals p
            WHERE c.token_hash = $1 AND c.redeemed_ms IS NULL AND c.expires_ms > $2 AND p.id = c.principal AND NOT p.disabled
            RETURNING c.principal, c.kind, c.name, c.scope, c.networks, c.credential_expires_ms),
         made AS (
           INSERT INTO access_keys (id, kind, principal, name, sealed_secret, secret_hash, scope, networks, expires_ms, created_ms)
           SELECT $4, kind, principal, name, CASE WHEN kind = 'device' THEN $5::bytea END, $6::bytea, scope, networks, credential_expires_ms, $2 FROM spent)
         SELECT s.kind, s.name, s.scope, s.networks, s.credential_expires_ms, ${PRINCIPAL_COLUMNS} FROM spent s JOIN principals p ON p.id = s.principal`,
};
const KEPT_MS = 24 * 3600 * 1000;

/** One-time claims, in `claims`. */
export function createClaimStore(options: { database: Database; clock: Clock; signals: Signals }): ClaimStore {
  const { database, clock, signals } = options;
  return {
    async add({ id, tokenHash, principal, kind, name, scope, networks, credentialExpires, expires }, openMax, session) {
      const now = clock.now();
      const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
      const values = [id, tokenHash, principal, kind, name, json(scope), json(networks), credentialExpires, now, expires];
      if ((await database.execute(ADD, [...values, openMax, now - KEPT_MS, session ?? null])) === 0) {
        if (session !== undefined) await assertLive(database, session);
        throw new CloudStoreError('rate_limited', `A user has at most ${openMax} open claims at a time.`);
      }
      const more = { created: now, redeemed: null, redeemedFrom: null, credential: null };
      return { id, principal, kind, name, scope, networks, credentialExpires, expires, ...more };
    },
    async find(id, principal) {
      const rows = await database.query<Row>(FIND, [id, principal]);
      return rows[0] ? claimOf(rows[0]) : null;
    },
    async findByToken(hash) {
      const rows = await database.query<Row>(BY_TOKEN, [hash]);
      return rows[0] ? claimOf(rows[0]) : null;
    },
    async list(principal) {
      return (await database.read<Row>(LIST, [principal])).map(claimOf);
    },
    async remove(id, principal) {
      if ((await database.execute(REMOVE, [id, principal])) === 0)
        throw new CloudStoreError('key_not_found', `There is no claim ${id}.`, { details: { id } });
    },
    async redeem(hash, { id, sealedSecret, secretHash }, from) {
      const now = clock.now();
      type Made = [ClaimedKind, string, string | null, string | null, number | null, ...PrincipalRow];
      const rows = await database.query<Made>(REDEEM, [hash, now, from, id, sealedSecret, secretHash]);
      if (!rows[0]) return null;
      const [kind, name, scope, networks, expires, ...owner] = rows[0];
      const principal = principalOf(owner);
      await signals.publish('principals', String(principal.id));
      const never = { policies: null, parent: null, lastUsed: null, lastUsedFrom: null };
      const reach = { scope: parsed(scope), networks: parsed(networks) };
      return { principal, credential: { id, kind, name, principal: principal.id, expires, created: now, ...reach, ...never } };
    },
  };
}

function claimOf([
  id,
  principal,
  kind,
  name,
  scope,
  networks,
  credentialExpires,
  created,
  expires,
  redeemed,
  redeemedFrom,
  credential,
]: Row): ClaimRecord {
  const reach = { scope: parsed(scope), networks: parsed(networks) };
  return { id, principal, kind, name, ...reach, credentialExpires, created, expires, redeemed, redeemedFrom, credential };
}

/** As it was written by us. */
function parsed(text: string | null) {
  return text === null ? null : JSON.parse(text);
}
