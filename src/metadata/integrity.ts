import type { ChunkPlace } from '#contracts/content';
import type { ChunkRow, Damage, DamageKind, IntegrityStore, LeafRow, PartRow, VersionRow } from '#contracts/integrity-store';
import type { Clock } from '#core/clock';
import type { DomainId } from '#core/content-ref';
import { rowOf } from './chunk-index.ts';
import type { Database, Statement } from './database.ts';
import { hurtFiles } from './hurt-files.ts';

const PACK_AFTER = {
  name: 'scrub-pack',
  text: `SELECT encode(pack, 'hex') FROM chunks WHERE pack > decode($1, 'hex') ORDER BY pack LIMIT 1`,
};
const PACK_ENDS = {
  name: 'scrub-pack-ends',
  text: `SELECT store, encode(pack, 'hex'), count(*), max(pack_offset + length) FROM chunks WHERE condemned_ms IS NULL GROUP BY store, pack`,
};
const IN_USE = {
  name: 'scrub-packs-in-use',
  text: `SELECT encode(id, 'hex'), live_bytes FROM packs WHERE store = $1 AND live_chunks > 0`,
};
const CHUNK = `c.domain, c.id, c.size, c.store, encode(c.pack, 'hex'), c.pack_offset, c.length, c.condemned_ms IS NOT NULL, c.damaged_ms IS NOT NULL`;
const CHUNKS_OF = {
  name: 'scrub-chunks-of',
  text: `SELECT ${CHUNK} FROM chunks c WHERE c.pack = decode($1, 'hex') ORDER BY c.pack_offset`,
};
const CHUNKS = {
  name: 'scrub-chunks',
  text: `SELECT ${CHUNK}, x.n::int FROM unnest((SELECT $2::bytea[])) WITH ORDINALITY AS x(id, n), ${rowOf('chunks')} AS c`,
};
const QUARANTINED = {
  name: 'scrub-quarantined',
  text: `SELECT ${CHUNK} FROM chunks c WHERE c.damaged_ms IS NOT NULL ORDER BY c.domain, c.id`,
};
const LEAVES_AFTER = {
  name: 'scrub-leaves',
  text: `SELECT domain, id, size, entries FROM leaves WHERE (domain, id) > ($1, $2) AND condemned_ms IS NULL ORDER BY domain, id LIMIT $3`,
};
const LEAF = {
  name: 'scrub-leaf',
  text: 'SELECT domain, id, size, entries FROM leaves WHERE domain = $1 AND id = $2 AND condemned_ms IS NULL',
};
const LEAF_SIZES = {
  name: 'scrub-leaf-sizes',
  text: `SELECT x.n::int, l.size FROM unnest((SELECT $2::bytea[])) WITH ORDINALITY AS x(id, n), ${rowOf('leaves')} AS l`,
};
const VERSION = `encode(id, 'hex'), delete_marker, size, content, content_hash`;
const VERSIONS_AFTER = {
  name: 'scrub-versions',
  text: `SELECT ${VERSION} FROM versions WHERE id > decode($1, 'hex') ORDER BY id LIMIT $2`,
};
const ONE_VERSION = { name: 'scrub-version', text: `SELECT ${VERSION} FROM versions WHERE id = decode($1, 'hex')` };
const PARTS_AFTER = {
  name: 'scrub-parts',
  text: `SELECT encode(upload_id, 'hex'), number, size, content FROM parts WHERE (upload_id, number) > (decode($1, 'hex'), $2) ORDER BY upload_id, number LIMIT $3`,
};
const AT = `c.domain = $1 AND c.id = $2 AND c.store = $3 AND c.pack = decode($4, 'hex') AND c.pack_offset = $5 AND c.length = $6`;
const QUARANTINE = {
  name: 'scrub-quarantine',
  text: `UPDATE chunks c SET damaged_ms = coalesce(c.damaged_ms, $7) WHERE ${AT}`,
};
const RELEASE = { name: 'scrub-release', text: `UPDATE chunks c SET damaged_ms = NULL WHERE ${AT} AND c.damaged_ms IS NOT NULL` };
const RELOCATE = {
  name: 'scrub-relocate',
  text: `UPDATE chunks c SET size = x.z, store = x.s, pack = decode(x.p, 'hex'), pack_offset = x.o, length = x.l, damaged_ms = NULL
           FROM json_to_recordset($1) AS x(d int, i text, z int, s int, p text, o bigint, l int, fs int, fp text, fo bigint, fl int)
          WHERE c.domain = x.d AND c.id = decode(x.i, 'hex') AND c.store = x.fs AND c.pack = decode(x.fp, 'hex') AND c.pack_offset = x.fo AND c.length = x.fl`,
};
const RESTORE_CHUNK = {
  name: 'scrub-restore-chunk',
  text: `INSERT INTO chunks AS c (domain, id, size, store, pack, pack_offset, length) VALUES ($1, $2, $3, $4, decode($5, 'hex'), $6, $7)
         ON CONFLICT (domain, id) DO UPDATE SET size = excluded.size, store = excluded.store, pack = excluded.pack,
           pack_offset = excluded.pack_offset, length = excluded.length, damaged_ms = NULL WHERE c.damaged_ms IS NOT NULL`,
};
const RESTORE_LEAF = {
  name: 'scrub-restore-leaf',
  text: `INSERT INTO leaves (domain, id, size, entries) VALUES ($1, $2, $3, $4)
         ON CONFLICT (domain, id) DO UPDATE SET size = excluded.size, entries = excluded.entries`,
};
const CHECKED = {
  name: 'scrub-checked',
  text: `INSERT INTO pack_checks (store, pack, checked_ms) VALUES ($1, decode($2, 'hex'), $3)
         ON CONFLICT (pack, store) DO UPDATE SET checked_ms = excluded.checked_ms`,
};
/** Compaction leaves a pack alone in which it met damage; there is none any more. */
const USABLE = {
  name: 'scrub-usable',
  text: `UPDATE packs SET state = 'used' WHERE id = decode($1, 'hex') AND state = 'damaged'`,
};
const CHECKED_SINCE = {
  name: 'scrub-checked-since',
  text: `SELECT min(p.checked_ms), bool_and(p.checked_ms IS NOT NULL AND x.pack IS NOT NULL)
           FROM (SELECT DISTINCT c.store, c.pack FROM unnest($2::bytea[]) AS y(id)
                   LEFT JOIN LATERAL (SELECT k.store, k.pack FROM chunks k WHERE k.domain = $1 AND k.id = y.id AND k.damaged_ms IS NULL OFFSET 0) c ON true) AS x
           LEFT JOIN pack_checks p ON p.pack = x.pack AND p.store = x.store`,
};
const NOTE = {
  name: 'damage-note',
  text: `INSERT INTO damage (kind, subject, reason, details, found_ms, seen_ms) VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT (kind, subject) DO UPDATE SET reason = excluded.reason, details = excluded.details, seen_ms = excluded.seen_ms`,
};
const CLEAR = { name: 'damage-clear', text: 'DELETE FROM damage WHERE kind = $1 AND subject = $2' };
const CLEAR_UNSEEN = { name: 'damage-clear-unseen', text: 'DELETE FROM damage WHERE seen_ms < $1' };
/** Of a chunk that was stored anew, or collected, the note is history. */
const CURRENT = `(d.kind <> 'chunk' OR d.details ? 'missing' OR EXISTS (
  SELECT 1 FROM chunks c WHERE c.domain = split_part(d.subject, ':', 1)::int AND c.id = decode(split_part(d.subject, ':', 2), 'hex')
    AND c.damaged_ms IS NOT NULL))`;
const DAMAGE = {
  name: 'damage-list',
  text: `SELECT d.kind, d.subject, d.reason, d.details, d.found_ms, d.seen_ms FROM damage d WHERE ${CURRENT} ORDER BY d.found_ms, d.kind, d.subject LIMIT $1`,
};
const DAMAGE_AFTER = {
  name: 'damage-after',
  text: `SELECT d.kind, d.subject, d.reason, d.details, d.found_ms, d.seen_ms FROM damage d
          WHERE ${CURRENT} AND (d.found_ms, d.kind, d.subject) > ($2, $3, $4) ORDER BY d.found_ms, d.kind, d.subject LIMIT $1`,
};
const COUNT = { name: 'damage-count', text: `SELECT count(*)::int FROM damage d WHERE ${CURRENT}` };

type ChunkColumns = [DomainId, Buffer, number, number, string, number, number, boolean, boolean, ...unknown[]];

/** Rows for scrub and repair, and the book of damage. */
export function createIntegrityStore({ database, clock }: { database: Database; clock: Clock }): IntegrityStore {
  async function chunkRows(statement: Statement, values?: unknown[]): Promise<ChunkRow[]> {
    return (await database.read<ChunkColumns>(statement, values)).map(chunkOf);
  }
  const versionRows = async (statement: Statement, values: unknown[]): Promise<VersionRow[]> =>
    (await database.read<[string, boolean, number, Buffer | null, Buffer | null]>(statement, values)).map(
      ([id, deleteMarker, size, content, contentHash]) => ({ id, deleteMarker, size, content, contentHash }),
    );
  const leafRows = async (statement: Statement, values: unknown[]): Promise<LeafRow[]> =>
    (await database.read<[DomainId, Buffer, number, Buffer]>(statement, values)).map(([domain, id, size, entries]) => ({
      domain,
      id,
      size,
      entries,
    }));

  async function damaged(statement: Statement, values: unknown[]): Promise<Damage[]> {
    const rows = await database.read<[DamageKind, string, string, string, number, number]>(statement, values);
    return rows.map(([kind, subject, reason, details, found, seen]) => ({
      kind,
      subject,
      reason,
      details: JSON.parse(details),
      found,
      seen,
    }));
  }

  const damage = (limit: number): Promise<Damage[]> => damaged(DAMAGE, [limit]);

  return {
    packAfter: async (pack) => (await database.read<[string]>(PACK_AFTER, [pack]))[0]?.[0] ?? null,
    async packEnds() {
      const rows = await database.read<[number, string, number, number]>(PACK_ENDS);
      return rows.map(([store, pack, chunks, end]) => ({ store, pack, chunks, end }));
    },
    async packsInUse(store) {
      const rows = await database.read<[string, number]>(IN_USE, [store]);
      return rows.map(([pack, liveBytes]) => ({ pack, liveBytes }));
    },
    chunksOf: (pack) => chunkRows(CHUNKS_OF, [pack]),
    async chunks(domain, ids) {
      const out: (ChunkRow | null)[] = ids.map(() => null);
      if (ids.length === 0) return out;
      for (const row of await database.read<ChunkColumns>(CHUNKS, [domain, ids])) out[Number(row[9]) - 1] = chunkOf(row);
      return out;
    },
    quarantined: () => chunkRows(QUARANTINED),
    leavesAfter: (after, limit) => leafRows(LEAVES_AFTER, [after?.domain ?? -1, after?.id ?? Buffer.alloc(0), limit]),
    leaf: async (domain, id) => (await leafRows(LEAF, [domain, id]))[0] ?? null,
    async leafSizes(domain, ids) {
      const out: (number | null)[] = ids.map(() => null);
      if (ids.length === 0) return out;
      for (const [n, size] of await database.read<[number, number]>(LEAF_SIZES, [domain, ids])) out[n - 1] = size;
      return out;
    },
    versionsAfter: (after, limit) => versionRows(VERSIONS_AFTER, [after, limit]),
    version: async (id) => (await versionRows(ONE_VERSION, [id]))[0] ?? null,
    async partsAfter(after, limit): Promise<PartRow[]> {
      const [upload = '', number = '0'] = after.split(':');
      const rows = await database.read<[string, number, number, Buffer]>(PARTS_AFTER, [upload, Number(number), limit]);
      return rows.map(([id, part, size, content]) => ({ at: `${id}:${part}`, size, content }));
    },

    quarantine: async (chunk, place) => (await database.execute(QUARANTINE, [...atOf(chunk, place), clock.now()])) > 0,
    async release(chunk, place) {
      await database.execute(RELEASE, atOf(chunk, place));
      await database.execute(CLEAR, ['chunk', `${chunk.domain}:${chunk.id.toString('hex')}`]);
    },
    async relocate(moves) {
      if (moves.length === 0) return 0;
      const rows = moves.map(({ domain, id, size, from, to }) => ({
        d: domain,
        i: id.toString('hex'),
        z: size,
        s: to.store,
        p: to.pack,
        o: to.offset,
        l: to.length,
        fs: from.store,
        fp: from.pack,
        fo: from.offset,
        fl: from.length,
      }));
      return database.execute(RELOCATE, [JSON.stringify(rows)]);
    },
    async restoreChunk(domain, { id, size, store, pack, offset, length }) {
      return (await database.execute(RESTORE_CHUNK, [domain, id, size, store, pack, offset, length])) > 0;
    },
    async restoreLeaf(domain, { id, size, entries }) {
      await database.execute(RESTORE_LEAF, [domain, id, size, entries]);
    },

    async checked(store, pack) {
      await database.execute(CHECKED, [store, pack, clock.now()]);
      await database.execute(USABLE, [pack]);
    },
    async checkedSince(domain, ids) {
      const [row] = await database.read<[number | null, boolean | null]>(CHECKED_SINCE, [domain, ids]);
      return row?.[1] === true ? row[0] : null;
    },

    async note({ kind, subject, reason, details = {} }) {
      await database.execute(NOTE, [kind, subject, reason, JSON.stringify(details), clock.now()]);
    },
    async clear(kind, subject) {
      await database.execute(CLEAR, [kind, subject]);
    },
    async clearUnseen(since) {
      await database.execute(CLEAR_UNSEEN, [since]);
    },
    damage,
    damageAfter: (after, limit) =>
      after === null ? damage(limit) : damaged(DAMAGE_AFTER, [limit, after.found, after.kind, after.subject]),
    damageCount: async () => (await database.read<[number]>(COUNT))[0]![0],
    async *hurt(after = '') {
      const [known, quarantined] = [await damage(100_000), await chunkRows(QUARANTINED)];
      yield* hurtFiles(database, known, quarantined, after);
    },
  };
}

function chunkOf([domain, id, size, store, pack, offset, length, condemned, damaged]: ChunkColumns): ChunkRow {
  const place: ChunkPlace = damaged ? { store, pack, offset, length, damaged } : { store, pack, offset, length };
  return { domain, id, size, place, condemned };
}

function atOf({ domain, id }: { domain: DomainId; id: Buffer }, { store, pack, offset, length }: ChunkPlace): unknown[] {
  return [domain, id, store, pack, offset, length];
}
