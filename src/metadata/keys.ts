import type { KeyStore } from '#contracts/keyring';
import type { Clock } from '#core/clock';
import type { Database } from './database.ts';

const INSERT = { name: 'domain-insert', text: 'INSERT INTO domains (wrapped, created_ms) VALUES ($1, $2) RETURNING id' };
const FIND = { name: 'domain-find', text: 'SELECT wrapped FROM domains WHERE id = $1' };

const LIST = { name: 'domain-list', text: 'SELECT id FROM domains ORDER BY id' };
const REPLACE = {
  name: 'domain-replace',
  text: `WITH done AS (UPDATE domains SET wrapped = $3 WHERE id = $1 AND wrapped = $2 RETURNING id)
         SELECT pg_notify('cloudstore', 'keys ' || id) FROM done`,
};

/** Wrapped keys of dedupe domains. */
export function createKeyStore({ database, clock }: { database: Database; clock: Clock }): KeyStore {
  return {
    async insert(wrapped) {
      const rows = await database.query<[number]>(INSERT, [wrapped, clock.now()]);
      return rows[0]![0];
    },
    async find(id) {
      const rows = await database.read<[Buffer]>(FIND, [id]);
      return rows[0]?.[0] ?? null;
    },
    list: async () => (await database.read<[number]>(LIST)).map(([id]) => id),
    replace: async (id, before, after) => (await database.query(REPLACE, [id, before, after])).length > 0,
  };
}
