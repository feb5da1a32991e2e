import type { NameHit, NameStore } from '#contracts/name-store';
import { afterPrefix } from '#core/address';
import { indexWords } from '#core/names';
import type { Database } from './database.ts';
import { PACKED_DIRECTORY, PACKED_SLOT, packedDirectory, packedReader } from './rows.ts';

/** One gateway at a time: two that take in names of one file, before and after it was renamed, would leave words of both. */
const TURN = { name: 'names-turn', text: 'SELECT pg_advisory_xact_lock(7261504317)' };
/** Planned for the tables of now: a plan that was made while they were empty would read all words for every name. */
const PLAN_NOW = { name: 'names-plan', text: `SELECT set_config('plan_cache_mode', 'force_custom_plan', true)` };
const WANT = {
  name: 'names-want',
  text: "INSERT INTO settings (name, value) VALUES ('search-wanted', 'true') ON CONFLICT DO NOTHING",
};
const WANTED = { name: 'names-wanted', text: "SELECT 1 FROM settings WHERE name = 'search-wanted'" };
const WAITING = { name: 'names-waiting', text: 'SELECT 1 FROM names_pending LIMIT 1' };
const TAKE = {
  name: 'names-take',
  text: `WITH taken AS (DELETE FROM names_pending WHERE ctid = ANY(ARRAY(SELECT ctid FROM names_pending LIMIT $1)) RETURNING kind, ref)
         SELECT t.kind, t.ref, coalesce(s.bucket_id, d.bucket_id), coalesce(s.key, d.path) FROM (SELECT DISTINCT kind, ref FROM taken) t
           LEFT JOIN slots s ON t.kind = 0 AND s.id = t.ref LEFT JOIN directories d ON t.kind = 1 AND d.id = t.ref`,
};
const FORGET = {
  name: 'names-forget',
  text: `DELETE FROM name_words w USING unnest((SELECT $1::int[]), (SELECT $2::bigint[])) AS x(kind, ref) WHERE w.kind = x.kind AND w.ref = x.ref`,
};
const ADD = {
  name: 'names-add',
  text: `INSERT INTO name_words (bucket_id, word, kind, ref)
         SELECT * FROM unnest((SELECT $1::int[]), (SELECT $2::text[]), (SELECT $3::int[]), (SELECT $4::bigint[])) ON CONFLICT DO NOTHING`,
};
/** Each row is probed by its id alone: offered the bucket's index too, a plan made while the table was small reads the whole bucket for every hit. */
const FIND = {
  name: 'names-find',
  text: `SELECT w.word, w.kind, w.ref, s.key, CASE WHEN s.live AND s.bucket_id = $1 THEN ${PACKED_SLOT} END, d.path,
           CASE WHEN d.bucket_id = $1 THEN ${PACKED_DIRECTORY} END
           FROM (SELECT word, kind, ref FROM name_words WHERE bucket_id = $1 AND (word, kind, ref) > ($2, $3, $4) AND word < $5
                  ORDER BY word, kind, ref LIMIT $6) w
           LEFT JOIN LATERAL (SELECT * FROM slots WHERE id = CASE w.kind WHEN 0 THEN w.ref END OFFSET 0) s ON true
           LEFT JOIN LATERAL (SELECT * FROM directories WHERE id = CASE w.kind WHEN 1 THEN w.ref END OFFSET 0) d ON true
          ORDER BY w.word, w.kind, w.ref`,
};
const PRUNE = {
  name: 'names-prune',
  text: `WITH page AS (SELECT DISTINCT kind, ref FROM (SELECT kind, ref FROM name_words WHERE (kind, ref) > ($1, $2) ORDER BY kind, ref LIMIT $3) w),
           gone AS (DELETE FROM name_words w USING page p WHERE w.kind = p.kind AND w.ref = p.ref AND CASE p.kind
             WHEN 0 THEN NOT EXISTS (SELECT 1 FROM slots s WHERE s.id = p.ref) ELSE NOT EXISTS (SELECT 1 FROM directories d WHERE d.id = p.ref) END)
         SELECT kind, ref FROM page ORDER BY kind DESC, ref DESC LIMIT 1`,
};
const LAST = '\u{10ffff}';

type TakenRow = [kind: number, ref: number, bucket: number | null, key: string | null];
type FoundRow = [
  word: string,
  kind: number,
  ref: number,
  key: string | null,
  slot: string | null,
  path: string | null,
  directory: string | null,
];

/** The contract is NameStore. */
export function createNameStore(database: Database): NameStore {
  let isWanted = false;
  return {
    async want() {
      if (isWanted) return;
      await database.execute(WANT);
      isWanted = true;
    },
    async wanted() {
      isWanted ||= (await database.read(WANTED)).length > 0;
      return isWanted;
    },
    async catchUp(limit) {
      if ((await database.read(WAITING)).length === 0) return 0;
      return database.transaction(async (session) => {
        await session.query(TURN);
        await session.query(PLAN_NOW);
        const taken = await session.query<TakenRow>(TAKE, [limit]);
        if (taken.length === 0) return 0;
        await session.execute(FORGET, [taken.map(([kind]) => kind), taken.map(([, ref]) => ref)]);
        const words = taken.flatMap(([kind, ref, bucket, key]) => {
          // A folder's marker is its folder; a bucket's root has no name.
          if (bucket === null || key === null || key === '' || (kind === 0 && key.endsWith('/'))) return [];
          return indexWords(key).map((word) => ({ bucket, word, kind, ref }));
        });
        await session.execute(ADD, [
          words.map(({ bucket }) => bucket),
          words.map(({ word }) => word),
          words.map(({ kind }) => kind),
          words.map(({ ref }) => ref),
        ]);
        return taken.length;
      });
    },
    async find(bucket, prefix, after, limit) {
      // One lower bound: of two, the scan may begin at the one that is further away.
      const place = after === null ? [prefix, -1, -1] : [after.word, after.kind, after.ref];
      const rows = await database.read<FoundRow>(FIND, [bucket, ...place, afterPrefix(prefix) ?? LAST, limit]);
      const read = packedReader();
      return rows.map(([word, kind, ref, key, slot, path, directory]): NameHit => {
        const entry =
          key !== null && slot !== null
            ? read(bucket, key, slot)
            : path !== null && directory !== null
              ? packedDirectory(bucket, path, directory)
              : null;
        return { word, kind, ref, entry };
      });
    },
    async prune(from, limit) {
      const rows = await database.query<[number, number]>(PRUNE, [from?.kind ?? 0, from?.ref ?? 0, limit]);
      return rows[0] === undefined ? null : { kind: rows[0][0], ref: rows[0][1] };
    },
  };
}
