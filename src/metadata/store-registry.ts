import type { RegisteredStore, Spool, StoreRegistry } from '#contracts/store-registry';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { type Database, sqlState } from './database.ts';

const COLUMNS = 'number, kind, identity, location, state';
const LIST = { name: 'stores-list', text: `SELECT ${COLUMNS} FROM stores ORDER BY number` };
const FIND = { name: 'stores-find', text: `SELECT ${COLUMNS} FROM stores WHERE identity = $1` };
const INSERT = {
  name: 'stores-insert',
  text: `INSERT INTO stores (number, kind, identity, location, created_ms)
    VALUES (coalesce($1, (SELECT greatest(0, max(number)) + 1 FROM stores), 1), $2, $3, $4, $5) ON CONFLICT (identity) DO NOTHING`,
};
const UPDATE = {
  name: 'stores-update',
  text: `UPDATE stores SET identity = coalesce($2, identity), location = coalesce($3, location), state = coalesce($4, state) WHERE number = $1`,
};
const USAGE = {
  name: 'stores-usage',
  text: 'SELECT count(DISTINCT pack), count(*), coalesce(sum(length), 0)::bigint FROM chunks WHERE store = $1',
};
const HOLDS = { name: 'stores-holds', text: 'SELECT EXISTS (SELECT 1 FROM chunks WHERE store = $1)' };
const KNOWS = {
  name: 'stores-knows',
  text: `SELECT EXISTS (SELECT 1 FROM unnest($1::text[]) AS x(id) JOIN chunks c ON c.pack = decode(x.id, 'hex'))`,
};
const PACKS = {
  name: 'stores-packs',
  text: `SELECT DISTINCT ON (pack) encode(pack, 'hex') FROM chunks WHERE store = $1 AND pack > decode($2, 'hex') ORDER BY pack LIMIT $3`,
};
const MOVE = {
  name: 'stores-move-pack',
  text: `WITH moved AS (UPDATE packs SET store = $3 WHERE id = decode($1, 'hex') AND store = $2)
    UPDATE chunks SET store = $3 WHERE pack = decode($1, 'hex') AND store = $2`,
};
const CLAIM_SPOOL = {
  name: 'spool-claim',
  text: `INSERT INTO settings (name, value) VALUES ('spool', $1) ON CONFLICT (name) DO NOTHING`,
};
const SPOOL = { name: 'spool-find', text: `SELECT value FROM settings WHERE name = 'spool'` };
const RELEASE_SPOOL = {
  name: 'spool-release',
  text: `DELETE FROM settings WHERE name = 'spool' AND value->>'identity' = $1`,
};
const GATEWAYS = { name: 'gateways-list', text: 'SELECT id, host, pid, seen_ms FROM gateways WHERE NOT fenced ORDER BY id' };
const UNIQUE_VIOLATION = '23505';
const ATTEMPTS = 20;

type Row = [number, RegisteredStore['kind'], string, string, RegisteredStore['state']];

/** The stores of packs, as rows. */
export function createStoreRegistry({ database, clock }: { database: Database; clock: Clock }): StoreRegistry {
  async function spool(): Promise<Spool | null> {
    const [row] = await database.read<[string]>(SPOOL);
    return row === undefined ? null : JSON.parse(row[0]);
  }

  return {
    spool,
    async claimSpool(wanted) {
      for (;;) {
        await database.execute(CLAIM_SPOOL, [JSON.stringify(wanted)]);
        const there = await spool();
        if (there !== null) return there; // else it was released between the two
      }
    },
    async releaseSpool(identity) {
      await database.execute(RELEASE_SPOOL, [identity]);
    },
    async list() {
      return (await database.read<Row>(LIST)).map(storeOf);
    },
    async register({ identity, kind, location, number }) {
      for (let attempt = 1; ; attempt++) {
        try {
          await database.execute(INSERT, [number ?? null, kind, identity, location, clock.now()]);
          break;
        } catch (error) {
          // Another gateway took the same number in the same moment.
          if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
          if (number !== undefined) throw new CloudStoreError('conflict', `Another store of packs has the number ${number}.`);
          if (attempt === ATTEMPTS) throw error;
        }
      }
      const [row] = await database.read<Row>(FIND, [identity]);
      return storeOf(row!);
    },
    async update(number, { identity, location, state }) {
      const changed = await database.execute(UPDATE, [number, identity ?? null, location ?? null, state ?? null]);
      if (changed === 0) throw new CloudStoreError('not_found', `There is no store ${number} of packs.`);
    },
    async usage(number) {
      const [row] = await database.read<[number, number, number]>(USAGE, [number]);
      const [packs, chunks, bytes] = row!;
      return { packs, chunks, bytes };
    },
    async holds(number) {
      return (await database.read<[boolean]>(HOLDS, [number]))[0]![0];
    },
    async knows(packs) {
      return (await database.read<[boolean]>(KNOWS, [packs]))[0]![0];
    },
    async packs(number, after, limit) {
      return (await database.read<[string]>(PACKS, [number, after, limit])).map(([id]) => id);
    },
    movePack: (pack, from, to) => database.execute(MOVE, [pack, from, to]),
    async gateways() {
      const rows = await database.read<[number, string, number, number]>(GATEWAYS);
      return rows.map(([id, host, pid, seenMs]) => ({ id, host, pid, seenMs }));
    },
  };
}

function storeOf([number, kind, identity, location, state]: Row): RegisteredStore {
  return { number, kind, identity, location, state };
}
