import type { KeyDerivation, KnownMasterKey, SealedStore } from '#contracts/sealed-store';
import { CloudStoreError } from '#core/errors';
import { AUDIT_SEAL } from './audit.ts';
import type { Database, Session } from './database.ts';

/** Where sealed values lie, and in which context each was sealed. What seals another kind of secret adds its place here. */
const PLACES = [
  { table: 'domains', id: 'id', column: 'wrapped', context: () => 'cloudstore domain keys' },
  { table: 'access_keys', id: 'id', column: 'sealed_secret', context: (id: string) => `access-key:${id}` },
  { table: 'second_factors', id: 'principal', column: 'totp_sealed', context: (id: string) => `totp:${id}` },
  { table: 'links', id: 'token_hash', column: 'sealed_token', context: (id: string) => `link:${id.slice(2)}` }, // after `\\x`
  { table: 'audit_head', id: 'id', column: 'sealed_key', context: () => AUDIT_SEAL },
] as const;
const PAGE = 500;

const CHECK = 'master-key-check';
const DERIVATION = 'master-key-derivation';
const KNOWN = {
  name: 'master-key-known',
  text: `SELECT (SELECT value FROM settings WHERE name = '${CHECK}'), (SELECT value FROM settings WHERE name = '${DERIVATION}')`,
};
/** Both at once, and only the first of all gateways. */
const INSERT = {
  name: 'master-key-insert',
  text: `WITH first AS (INSERT INTO settings (name, value) VALUES ('${CHECK}', $1) ON CONFLICT DO NOTHING RETURNING 1)
         INSERT INTO settings (name, value) SELECT '${DERIVATION}', $2 FROM first ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
};
const HOLD = { name: 'master-key-hold', text: `SELECT value FROM settings WHERE name = '${CHECK}' FOR UPDATE` };
const PUT = {
  name: 'setting-put',
  text: 'INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
};
const TELL = { name: 'notify', text: `SELECT pg_notify('cloudstore', $1)` };

/** Values under the master key, and what is known of it. */
export function createSealedStore(database: Database): SealedStore {
  async function masterKey(): Promise<KnownMasterKey | null> {
    const [row] = await database.read<[string | null, string | null]>(KNOWN);
    const [check, derivation] = row!;
    return check === null ? null : { check: JSON.parse(check), derivation: derivation === null ? null : JSON.parse(derivation) };
  }

  return {
    masterKey,
    async masterKeyOrInsert(key) {
      await database.execute(INSERT, [JSON.stringify(key.check), JSON.stringify(key.derivation)]);
      return (await masterKey()) ?? key;
    },
    async replaceMasterKey(from, to, reseal, prepare) {
      try {
        return await database.transaction(async (session) => {
          const [row] = await session.query<[string]>(HOLD);
          if (row === undefined || JSON.parse(row[0]) !== from) throw changed();
          await prepare();
          await session.execute(PUT, [CHECK, JSON.stringify(to.check)]);
          await session.execute(PUT, [DERIVATION, JSON.stringify(to.derivation satisfies KeyDerivation | null)]);
          let count = 0;
          for (const place of PLACES) count += await resealPlace(session, place, reseal);
          await session.query(TELL, ['keys master']);
          return count;
        });
      } catch (error) {
        // The connection broke: perhaps only the answer was lost.
        const known = await masterKey().catch(() => null);
        if (known?.check !== to.check) throw error;
        return 0;
      }
    },
  };
}

async function resealPlace(
  session: Session,
  { table, id, column, context }: (typeof PLACES)[number],
  reseal: (sealed: Buffer, context: string) => Buffer,
): Promise<number> {
  const page = {
    name: `reseal-page-${table}`,
    text: `SELECT ${id}::text, ${column} FROM ${table} WHERE ${column} IS NOT NULL AND ($1::text IS NULL OR ${id}::text COLLATE "C" > $1) ORDER BY ${id}::text COLLATE "C" LIMIT ${PAGE}`,
  };
  const put = {
    name: `reseal-put-${table}`,
    text: `UPDATE ${table} t SET ${column} = x.sealed FROM unnest($1::text[], $2::bytea[]) AS x(id, sealed) WHERE t.${id}::text = x.id`,
  };
  let count = 0;
  for (let after: string | null = null; ; ) {
    const rows: [string, Buffer][] = await session.query<[string, Buffer]>(page, [after]);
    if (rows.length === 0) return count;
    const sealed = rows.map(([name, bytes]) => reseal(bytes, context(name)));
    await session.execute(put, [rows.map(([name]) => name), sealed]);
    count += rows.length;
    after = rows.at(-1)![0];
  }
}

function changed(): CloudStoreError {
  return new CloudStoreError(
    'conflict',
    'The master key was changed by somebody else meanwhile; start again with the key of now.',
  );
}
