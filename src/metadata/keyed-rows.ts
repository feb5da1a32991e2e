import type { InlineKind, KeyedRows } from '#contracts/rekeying';
import { type ContentRef, decodeContentRef, encodeContentRef } from '#core/content-ref';
import type { Database } from './database.ts';

const CHUNKS_PAGE = 256;
const ROWS_PAGE = 2_000;

const CHUNKS = {
  name: 'keyed-chunks',
  text: `SELECT domain, id, store, encode(pack, 'hex'), pack_offset, length FROM chunks
          WHERE $1::int IS NULL OR (domain, id) > ($1, decode($2, 'hex')) ORDER BY domain, id LIMIT ${CHUNKS_PAGE}`,
};
/** Which contents of a page lie in their rows under another key than wished; layouts in docs/FORMAT.md. */
const OLD = `get_byte(p.content, 1) = 1 AND length(p.content) > 14 AND (get_byte(p.content, 15) <> $2 OR (get_byte(p.content, 15) = 1 AND NOT EXISTS (
  SELECT 1 FROM unnest((SELECT $3::int[]), (SELECT $4::int[])) AS e(domain, epoch)
   WHERE e.domain = cs_uint32(p.content, 2) AND e.epoch = cs_uint32(p.content, 16))))`;
const INLINE: Record<InlineKind, { page: { name: string; text: string }; replace: { name: string; text: string } }> = {
  versions: {
    page: {
      name: 'keyed-versions',
      text: `WITH p AS (SELECT id, content FROM versions WHERE $1::text IS NULL OR id > decode($1, 'hex') ORDER BY id LIMIT ${ROWS_PAGE})
             SELECT encode(p.id, 'hex'), CASE WHEN ${OLD} THEN p.content END FROM p ORDER BY p.id`,
    },
    replace: {
      name: 'keyed-versions-put',
      text: `UPDATE versions v SET content = x.after FROM unnest((SELECT $1::text[]), (SELECT $2::bytea[]), (SELECT $3::bytea[])) AS x(id, before, after)
              WHERE v.id = decode(x.id, 'hex') AND v.content = x.before`,
    },
  },
  parts: {
    page: {
      name: 'keyed-parts',
      text: `WITH p AS (SELECT upload_id, number, content FROM parts
                         WHERE $1::text IS NULL OR (upload_id, number) > (decode(split_part($1, ' ', 1), 'hex'), split_part($1, ' ', 2)::int)
                         ORDER BY upload_id, number LIMIT ${ROWS_PAGE})
             SELECT encode(p.upload_id, 'hex') || ' ' || p.number, CASE WHEN ${OLD} THEN p.content END FROM p ORDER BY p.upload_id, p.number`,
    },
    replace: {
      name: 'keyed-parts-put',
      text: `UPDATE parts t SET content = x.after FROM unnest((SELECT $1::text[]), (SELECT $2::bytea[]), (SELECT $3::bytea[])) AS x(id, before, after)
              WHERE t.upload_id = decode(split_part(x.id, ' ', 1), 'hex') AND t.number = split_part(x.id, ' ', 2)::int AND t.content = x.before`,
    },
  },
};

/** The contract is KeyedRows. */
export function createKeyedRows(database: Database): KeyedRows {
  return {
    async chunks(after) {
      const [domain, id] = after === null ? [null, null] : after.split(' ');
      const rows = await database.read<[number, Buffer, number, string, number, number]>(CHUNKS, [domain, id]);
      const chunks = rows.map(([domain, id, store, pack, offset, length]) => ({
        domain,
        id,
        place: { store, pack, offset, length },
      }));
      const last = chunks.at(-1);
      const more = chunks.length === CHUNKS_PAGE && last !== undefined;
      return { next: more ? `${last.domain} ${last.id.toString('hex')}` : null, chunks };
    },
    async inline(kind, after, { epochs, encrypted }) {
      const values = [after, encrypted ? 1 : 0, [...epochs.keys()], [...epochs.values()]];
      const found = await database.read<[string, Buffer | null]>(INLINE[kind].page, values);
      const rows = found.flatMap(([id, content]) => (content === null ? [] : [{ id, content: decodeContentRef(content) }]));
      return { next: found.length === ROWS_PAGE ? found.at(-1)![0] : null, rows };
    },
    async replaceInline(kind, rows) {
      if (rows.length === 0) return 0;
      const bytes = (of: (row: (typeof rows)[0]) => ContentRef) => rows.map((row) => encodeContentRef(of(row)));
      const values = [rows.map(({ id }) => id), bytes(({ before }) => before), bytes((row) => row.after)];
      return database.transaction((session) => session.execute(INLINE[kind].replace, values));
    },
  };
}
