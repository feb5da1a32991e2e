import type { PackRow, PackStore } from '#contracts/pack-store';
import type { Database } from './database.ts';

const CHUNKS_MAX = 1_024;
const FIND = {
  name: 'packs-find',
  text: `SELECT x.n::int, p.live_chunks, p.live_bytes, p.state FROM unnest((SELECT $1::text[])) WITH ORDINALITY AS x(id, n)
           JOIN packs p ON p.id = decode(x.id, 'hex')`,
};
const CHUNKS = {
  name: 'packs-chunks',
  text: `SELECT domain, id, store, pack_offset, length FROM chunks
          WHERE pack = decode($1, 'hex') AND pack_offset > $2 AND condemned_ms IS NULL ORDER BY pack_offset LIMIT $3`,
};
const MOVE = {
  name: 'packs-move',
  text: `UPDATE chunks c SET store = x.store, pack = decode(x.pack, 'hex'), pack_offset = x.pack_offset, length = x.length
           FROM unnest((SELECT $1::int[]), (SELECT $2::bytea[]), (SELECT $3::text[]), (SELECT $4::bigint[]), (SELECT $5::int[]),
                       (SELECT $6::text[]), (SELECT $7::bigint[]), (SELECT $8::int[]))
                AS x(domain, id, old_pack, old_offset, store, pack, pack_offset, length)
          WHERE c.domain = x.domain AND c.id = x.id AND c.pack = decode(x.old_pack, 'hex') AND c.pack_offset = x.old_offset`,
};
const DAMAGED = {
  name: 'packs-damaged',
  text: `UPDATE packs SET state = 'damaged' WHERE id = decode($1, 'hex') AND state = 'used'`,
};
const BURY = {
  name: 'packs-bury',
  text: `INSERT INTO packs AS t (id, store, state, state_ms)
         SELECT decode($1, 'hex'), $2, 'removed', cs_now_ms() WHERE NOT EXISTS (SELECT 1 FROM chunks WHERE pack = decode($1, 'hex'))
         ON CONFLICT (id) DO UPDATE SET state = 'removed', state_ms = excluded.state_ms WHERE t.live_chunks = 0`,
};
const FORGET = {
  name: 'packs-forget',
  text: `DELETE FROM packs WHERE state = 'removed' AND state_ms < cs_now_ms() - $1::bigint`,
};

/** The contract is PackStore. */
export function createPackStore(database: Database): PackStore {
  return {
    async find(packs) {
      const out: (PackRow | null)[] = packs.map(() => null);
      const rows = await database.read<[number, number, number, PackRow['state']]>(FIND, [packs]);
      for (const [n, liveChunks, liveBytes, state] of rows) out[n - 1] = { liveChunks, liveBytes, state };
      return out;
    },
    async chunks(pack, afterOffset) {
      const rows = await database.read<[number, Buffer, number, number, number]>(CHUNKS, [pack, afterOffset, CHUNKS_MAX]);
      return rows.map(([domain, id, store, offset, length]) => ({ domain, id, place: { store, pack, offset, length } }));
    },
    async move(moves) {
      const from = moves.map(({ chunk }) => chunk);
      const to = moves.map((one) => one.to);
      const values = [
        from.map(({ domain }) => domain),
        from.map(({ id }) => id),
        from.map(({ place }) => place.pack),
        from.map(({ place }) => place.offset),
        to.map(({ store }) => store),
        to.map(({ pack }) => pack),
        to.map(({ offset }) => offset),
        to.map(({ length }) => length),
      ];
      return database.transaction((session) => session.execute(MOVE, values));
    },
    async markDamaged(pack) {
      await database.execute(DAMAGED, [pack]);
    },
    async bury({ store, pack }) {
      return database.transaction(async (session) => (await session.execute(BURY, [pack, store])) > 0);
    },
    async forget(afterMs) {
      await database.execute(FORGET, [afterMs]);
    },
  };
}
