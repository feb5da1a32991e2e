import type { CredentialRecord, CredentialStore, FoundCredential, StoredKind } from '#contracts/credential-store';
import type { Signals } from '#contracts/signals';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { PrincipalId } from '#core/principal';
import { type Database, sqlState } from './database.ts';
import { PRINCIPAL_COLUMNS, type PrincipalRow, principalOf } from './principals.ts';

type Row = [
  id: string,
  kind: StoredKind,
  principal: number,
  name: string | null,
  scope: string | null,
  networks: string | null,
  policies: string | null,
  parent: string | null,
  expires: number | null,
  created: number,
  used: number | null,
  usedFrom: string | null,
];

const COLUMNS =
  'k.id, k.kind, k.principal, k.name, k.scope, k.networks, k.policies, k.parent, k.expires_ms, k.created_ms, k.used_ms, k.used_from';
const FOUND = `SELECT k.sealed_secret, k.secret_hash, ${COLUMNS}, ${PRINCIPAL_COLUMNS} FROM access_keys k JOIN principals p ON p.id = k.principal`;
const ADD = {
  name: 'credential-add',
  text: `INSERT INTO access_keys (id, kind, principal, name, sealed_secret, secret_hash, scope, networks, policies, parent, expires_ms, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING`,
};
const FIND = { name: 'credential-find', text: `${FOUND} WHERE k.id = $1` };
const BY_SECRET = { name: 'credential-by-secret', text: `${FOUND} WHERE k.secret_hash = $1` };
const LIST = {
  name: 'credential-list',
  text: `SELECT ${COLUMNS} FROM access_keys k WHERE ($1::int IS NULL OR k.principal = $1) AND ($2 OR k.kind <> 'temporary') ORDER BY k.created_ms, k.id`,
};
const REMOVE = {
  name: 'credential-remove',
  text: 'DELETE FROM access_keys WHERE id = $1 AND ($2::int IS NULL OR principal = $2) RETURNING principal',
};
const REMOVE_ALL = { name: 'credential-remove-all', text: 'DELETE FROM access_keys WHERE principal = $1' };
/** What came later stands, from whichever gateway it came. */
const USED = {
  name: 'credential-used',
  text: `UPDATE access_keys k SET used_ms = x.at, used_from = x.origin
           FROM unnest((SELECT $1::text[]), (SELECT $2::bigint[]), (SELECT $3::text[])) AS x(id, at, origin)
          WHERE k.id = x.id AND coalesce(k.used_ms, 0) < x.at`,
};
const SWEEP = { name: 'credential-sweep', text: `DELETE FROM access_keys WHERE kind = 'temporary' AND expires_ms < $1` };
const LIVE = {
  name: 'credential-live',
  text: `SELECT count(*) FROM access_keys WHERE principal = $1 AND kind = 'temporary' AND expires_ms > $2`,
};

/** A transfer that began in time may go on after the end of its key. */
const KEPT_MS = 24 * 3600 * 1000;

/** Credentials that have rows of their own, in `access_keys`. */
export function createCredentialStore(options: { database: Database; clock: Clock; signals: Signals }): CredentialStore {
  const { database, clock, signals } = options;
  const changed = (id: PrincipalId): Promise<void> => signals.publish('principals', String(id));
  return {
    async add(given) {
      const { id, kind, principal, name, sealedSecret, secretHash, scope, networks, policies, parent, expires } = given;
      const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
      const now = clock.now();
      const values = [
        id,
        kind,
        principal,
        name,
        sealedSecret,
        secretHash,
        json(scope),
        json(networks),
        json(policies),
        parent,
        expires,
        now,
      ];
      const count = await database.execute(ADD, values).catch((error: unknown) => {
        // The owner, or what it is made with, was removed meanwhile.
        if (sqlState(error) === '23503') throw noKey(parent ?? id);
        throw error;
      });
      if (count === 0) throw new CloudStoreError('already_exists', `The credential ${id} exists already.`, { details: { id } });
      await changed(principal);
      return {
        id,
        kind,
        principal,
        name,
        scope,
        networks,
        policies,
        parent,
        expires,
        created: now,
        lastUsed: null,
        lastUsedFrom: null,
      };
    },
    async find(id) {
      return found(await database.read<FoundRow>(FIND, [id]));
    },
    async findBySecret(hash) {
      return found(await database.read<FoundRow>(BY_SECRET, [hash]));
    },
    async list(principal, { temporary = false } = {}) {
      return (await database.read<Row>(LIST, [principal, temporary])).map(credentialOf);
    },
    async remove(id, owner) {
      const rows = await database.query<[number]>(REMOVE, [id, owner ?? null]);
      if (!rows[0]) throw noKey(id);
      await changed(rows[0][0]);
    },
    async removeAll(principal) {
      const count = await database.execute(REMOVE_ALL, [principal]);
      await changed(principal);
      return count;
    },
    async used(uses) {
      if (uses.length === 0) return;
      await database.execute(USED, [uses.map(({ id }) => id), uses.map(({ at }) => at), uses.map(({ from }) => from)]);
    },
    async sweep(principal) {
      const now = clock.now();
      await database.execute(SWEEP, [now - KEPT_MS]);
      const rows = await database.query<[number]>(LIVE, [principal, now]);
      return Number(rows[0]?.[0] ?? 0);
    },
  };
}

type FoundRow = [Buffer | null, Buffer | null, ...Row, ...PrincipalRow];

function found(rows: FoundRow[]): FoundCredential | null {
  if (!rows[0]) return null;
  const [sealedSecret, secretHash, ...rest] = rows[0];
  const credential = rest.slice(0, ROW_COLUMNS) as unknown as Row; // the statement's columns, in its order
  const principal = rest.slice(ROW_COLUMNS) as unknown as PrincipalRow;
  return { credential: credentialOf(credential), sealedSecret, secretHash, principal: principalOf(principal) };
}

const ROW_COLUMNS = COLUMNS.split(',').length;

function credentialOf([
  id,
  kind,
  principal,
  name,
  scope,
  networks,
  policies,
  parent,
  expires,
  created,
  lastUsed,
  lastUsedFrom,
]: Row): CredentialRecord {
  const parsed = (text: string | null) => (text === null ? null : JSON.parse(text));
  return {
    ...{ id, kind, principal, name, parent, expires, created, lastUsed, lastUsedFrom },
    ...{ scope: parsed(scope), networks: parsed(networks), policies: parsed(policies) },
  };
}

function noKey(id: string): CloudStoreError {
  return new CloudStoreError('key_not_found', `There is no credential ${id}.`, { details: { id } });
}
