import type { FactorStore, PasskeyRecord } from '#contracts/factor-store';
import type { Signals } from '#contracts/signals';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { PrincipalId } from '#core/principal';
import { type Database, type Session, sqlState } from './database.ts';
import { liveSession } from './live-session.ts';
import { PRINCIPAL_COLUMNS, type PrincipalRow, principalOf } from './principals.ts';

type PasskeyRow = [string, number, Buffer, number, string, string, number, number | null];

const TOTP = { name: 'totp', text: 'SELECT totp_sealed, confirmed_ms, step FROM second_factors WHERE principal = $1' };
const BEGIN = {
  name: 'totp-begin',
  text: `INSERT INTO second_factors AS f (principal, totp_sealed) VALUES ($1, $2)
         ON CONFLICT (principal) DO UPDATE SET totp_sealed = excluded.totp_sealed, step = 0 WHERE f.confirmed_ms IS NULL`,
};
const CONFIRM = {
  name: 'totp-confirm',
  text: 'UPDATE second_factors SET confirmed_ms = $3, step = $4 WHERE principal = $1 AND totp_sealed = $2 AND confirmed_ms IS NULL',
};
const SPEND_STEP = {
  name: 'totp-spend',
  text: 'UPDATE second_factors SET step = $2 WHERE principal = $1 AND step < $2 AND confirmed_ms IS NOT NULL',
};
const REMOVE_TOTP = { name: 'totp-remove', text: 'DELETE FROM second_factors WHERE principal = $1' };
const CLEAR_CODES = { name: 'recovery-clear', text: 'DELETE FROM recovery_codes WHERE principal = $1' };
const ADD_CODES = {
  name: 'recovery-add',
  text: 'INSERT INTO recovery_codes (principal, hash) SELECT $1, h FROM unnest($2::bytea[]) AS h',
};
const SPEND_CODE = { name: 'recovery-spend', text: 'DELETE FROM recovery_codes WHERE principal = $1 AND hash = $2' };
const CODES_LEFT = { name: 'recovery-left', text: 'SELECT count(*) FROM recovery_codes WHERE principal = $1' };
/** Held until the end of the transaction: whoever comes with other codes waits, and finds these. */
const HOLD_OWNER = { name: 'recovery-hold', text: 'SELECT id FROM principals WHERE id = $1 FOR NO KEY UPDATE' };
const PASSKEY_COLUMNS = 'id, principal, public_key, counter, transports, name, created_ms, used_ms';
const ADD_PASSKEY = {
  name: 'passkey-add',
  text: `INSERT INTO passkeys (id, principal, public_key, counter, transports, name, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
};
const FIND_PASSKEY = { name: 'passkey-find', text: `SELECT ${PASSKEY_COLUMNS} FROM passkeys WHERE id = $1` };
const LIST_PASSKEYS = {
  name: 'passkey-list',
  text: `SELECT ${PASSKEY_COLUMNS} FROM passkeys WHERE principal = $1 ORDER BY created_ms, id`,
};
const USED_PASSKEY = {
  name: 'passkey-used',
  text: 'UPDATE passkeys SET counter = greatest(counter, $2), used_ms = $3 WHERE id = $1',
};
const REMOVE_PASSKEY = { name: 'passkey-remove', text: 'DELETE FROM passkeys WHERE id = $1 AND principal = $2' };
const REMOVE_PASSKEYS = { name: 'passkey-remove-all', text: 'DELETE FROM passkeys WHERE principal = $1' };
/** Who leaves a log-in half done leaves a row: whoever comes next takes it away. */
const ADD_CHALLENGE = {
  name: 'challenge-add',
  text: `WITH ended AS (DELETE FROM challenges WHERE expires_ms < $5), ${liveSession('$6')}
         INSERT INTO challenges (id, purpose, principal, expires_ms)
         SELECT $1::text, $2::text, $3::int, $4::bigint WHERE $6::text IS NULL OR EXISTS (SELECT 1 FROM live)`,
};
const SPEND_CHALLENGE = {
  name: 'challenge-spend',
  text: 'DELETE FROM challenges WHERE id = $1 AND purpose = $2 AND principal IS NOT DISTINCT FROM $3::int RETURNING expires_ms',
};

const BY_IDENTITY = { name: 'identity-find', text: `SELECT ${PRINCIPAL_COLUMNS} FROM principals p WHERE p.oidc_identity = $1` };
const HAS_IDENTITY = { name: 'identity-has', text: 'SELECT oidc_identity IS NOT NULL FROM principals WHERE id = $1' };
const SET_IDENTITY = {
  name: 'identity-set',
  text: `UPDATE principals SET oidc_identity = $2 WHERE id = $1 AND ($3::boolean OR (password_hash IS NOT DISTINCT FROM $4 AND NOT disabled))`,
};
const CLEAR_IDENTITY = { name: 'identity-clear', text: 'UPDATE principals SET oidc_identity = NULL WHERE id = $1' };

/** Second factors and what belongs to them. */
export function createFactorStore(options: { database: Database; clock: Clock; signals: Signals }): FactorStore {
  const { database, clock, signals } = options;
  const changed = (id: PrincipalId): Promise<void> => signals.publish('principals', String(id));
  return {
    async totp(principal) {
      const rows = await database.read<[Buffer, number | null, number]>(TOTP, [principal]);
      if (!rows[0]) return null;
      const [sealed, confirmed, step] = rows[0];
      return { sealed, confirmed: confirmed !== null, step };
    },
    async beginTotp(principal, sealed) {
      if ((await database.execute(BEGIN, [principal, sealed])) === 1) return;
      throw new CloudStoreError('already_exists', 'One-time codes are on already; turn them off first.');
    },
    async confirmTotp(principal, sealed, step) {
      if ((await database.execute(CONFIRM, [principal, sealed, clock.now(), step])) === 0) {
        throw new CloudStoreError('conflict', 'This was begun anew meanwhile, or is done already.');
      }
      await changed(principal);
    },
    spendStep: async (principal, step) => (await database.execute(SPEND_STEP, [principal, step])) === 1,
    async removeTotp(principal) {
      await database.execute(REMOVE_TOTP, [principal]);
      await changed(principal);
    },

    async putRecoveryCodes(principal, hashes) {
      await database.transaction(async (session) => {
        await session.execute(CLEAR_CODES, [principal]);
        await session.execute(ADD_CODES, [principal, hashes]);
      });
    },
    firstRecoveryCodes: (principal, hashes) => database.transaction((session) => firstCodes(session, principal, hashes)),
    spendRecoveryCode: async (principal, hash) => (await database.execute(SPEND_CODE, [principal, hash])) === 1,
    async recoveryCodesLeft(principal) {
      const rows = await database.read<[number]>(CODES_LEFT, [principal]);
      return Number(rows[0]?.[0] ?? 0);
    },

    async addPasskey({ id, principal, publicKey, counter, transports, name }, hashes) {
      const values = [id, principal, publicKey, counter, JSON.stringify(transports), name, clock.now()];
      const first = await database.transaction(async (session) => {
        const counts = await firstCodes(session, principal, hashes);
        if ((await session.execute(ADD_PASSKEY, values)) === 0)
          throw new CloudStoreError('already_exists', 'This passkey is known already.');
        return counts;
      });
      await changed(principal);
      return first;
    },
    async findPasskey(id) {
      const rows = await database.read<PasskeyRow>(FIND_PASSKEY, [id]);
      return rows[0] ? passkeyOf(rows[0]) : null;
    },
    async listPasskeys(principal) {
      return (await database.read<PasskeyRow>(LIST_PASSKEYS, [principal])).map(passkeyOf);
    },
    async usedPasskey(id, counter) {
      await database.execute(USED_PASSKEY, [id, counter, clock.now()]);
    },
    async removePasskey(id, owner) {
      if ((await database.execute(REMOVE_PASSKEY, [id, owner])) === 0)
        throw new CloudStoreError('key_not_found', 'There is no such passkey.');
      await changed(owner);
    },

    async findByIdentity(identity) {
      const rows = await database.query<PrincipalRow>(BY_IDENTITY, [identity]);
      return rows[0] ? principalOf(rows[0]) : null;
    },
    hasIdentity: async (principal) => (await database.read<[boolean]>(HAS_IDENTITY, [principal]))[0]?.[0] ?? false,
    async setIdentity(principal, identity, passwordHash) {
      const values = [principal, identity, passwordHash === undefined, passwordHash ?? null];
      const set = await database.execute(SET_IDENTITY, values).catch((error: unknown) => {
        throw sqlState(error) === '23505' ? new CloudStoreError('already_exists', 'It is linked to somebody else.') : error;
      });
      if (set === 0) throw new CloudStoreError('conflict', 'The user has changed meanwhile.');
      await changed(principal);
    },

    async removeAll(principal) {
      await database.transaction(async (session) => {
        for (const statement of [REMOVE_TOTP, REMOVE_PASSKEYS, CLEAR_CODES, CLEAR_IDENTITY])
          await session.execute(statement, [principal]);
      });
      await changed(principal);
    },

    async addChallenge({ id, purpose, principal, expires, session = null }) {
      if ((await database.execute(ADD_CHALLENGE, [id, purpose, principal, expires, clock.now(), session])) === 0)
        throw new CloudStoreError('unauthenticated', 'The session has ended.');
    },
    async spendChallenge(id, purpose, principal) {
      const rows = await database.query<[number]>(SPEND_CHALLENGE, [id, purpose, principal]);
      return rows[0] !== undefined && rows[0][0] > clock.now();
    },
  };
}

async function firstCodes(session: Session, principal: PrincipalId, hashes: readonly Buffer[]): Promise<boolean> {
  await session.query(HOLD_OWNER, [principal]);
  const [left] = await session.query<[number]>(CODES_LEFT, [principal]);
  if (Number(left?.[0] ?? 0) > 0) return false;
  await session.execute(ADD_CODES, [principal, hashes]);
  return true;
}

function passkeyOf([id, principal, publicKey, counter, transports, name, created, lastUsed]: PasskeyRow): PasskeyRecord {
  return { id, principal, publicKey, counter, transports: JSON.parse(transports), name, created, lastUsed };
}
