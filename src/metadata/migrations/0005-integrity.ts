import type { Knex } from 'knex';

/**
 * What is known to be damaged, and when packs were last read to their end. `chunks.damaged_ms` quarantines a chunk: it is claimed by nobody, read by
 * nobody, and healed by being stored anew. `damage` says what was found, for people; of what is healed no row stays.
 * `cs_apply_extra` is that of 0002, but for the chunks' conflict clause, without usage (`cs_commit` keeps it), and a set that is not named costs nothing.
 */
const TABLES = `
ALTER TABLE chunks ADD COLUMN damaged_ms bigint;
CREATE INDEX chunks_damaged ON chunks (domain, id) WHERE damaged_ms IS NOT NULL;

CREATE TABLE damage (
  kind text NOT NULL, subject text COLLATE "C" NOT NULL, reason text NOT NULL, details jsonb NOT NULL DEFAULT '{}',
  found_ms bigint NOT NULL, seen_ms bigint NOT NULL, PRIMARY KEY (kind, subject));
CREATE TABLE pack_checks (
  store int NOT NULL, pack bytea NOT NULL, checked_ms bigint NOT NULL, PRIMARY KEY (pack, store));
`;

const APPLY_EXTRA = `
CREATE OR REPLACE FUNCTION cs_apply_extra(now_ms bigint, extra json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF extra->'chunks' IS NOT NULL THEN
    INSERT INTO chunks AS t (domain, id, size, store, pack, pack_offset, length)
    SELECT DISTINCT ON (x.d, x.i) x.d, decode(x.i, 'hex'), x.z, x.s, decode(x.p, 'hex'), x.o, x.l
      FROM json_to_recordset(extra->'chunks') AS x(d int, i text, z int, s int, p text, o bigint, l int) ORDER BY x.d, x.i
    ON CONFLICT (domain, id) DO UPDATE SET size = excluded.size, store = excluded.store, pack = excluded.pack, pack_offset = excluded.pack_offset,
      length = excluded.length, condemned_ms = NULL, damaged_ms = NULL WHERE t.condemned_ms IS NOT NULL OR t.damaged_ms IS NOT NULL;
  END IF;
  IF extra->'leaves' IS NOT NULL THEN
    INSERT INTO leaves AS t (domain, id, size, entries)
    SELECT DISTINCT ON (x.d, x.i) x.d, decode(x.i, 'hex'), x.z, decode(x.e, 'base64')
      FROM json_to_recordset(extra->'leaves') AS x(d int, i text, z bigint, e text) ORDER BY x.d, x.i
    ON CONFLICT (domain, id) DO UPDATE SET size = excluded.size, entries = excluded.entries, condemned_ms = NULL
      WHERE t.condemned_ms IS NOT NULL OR t.size <> excluded.size OR t.entries <> excluded.entries;
  END IF;

  IF extra->'uploads' IS NOT NULL THEN
    UPDATE uploads t SET completed_version = decode(x.v, 'hex'), completed_ms = now_ms
      FROM json_to_recordset(extra->'uploads') AS x(i text, v text) WHERE t.id = decode(x.i, 'hex');
    DELETE FROM parts t USING json_to_recordset(extra->'uploads') AS x(i text) WHERE t.upload_id = decode(x.i, 'hex');
  END IF;
  IF extra->'locks' IS NOT NULL THEN
    DELETE FROM locks t USING json_array_elements_text(extra->'locks') AS x(token) WHERE t.token = x.token;
  END IF;
  IF extra->'properties' IS NOT NULL THEN
    UPDATE directories t SET properties = x.p
      FROM json_to_recordset(extra->'properties') AS x(b int, k text, p jsonb) WHERE t.bucket_id = x.b AND t.path = x.k;
  END IF;
  IF extra->'emptied' IS NOT NULL THEN
    DELETE FROM slots t USING json_array_elements_text(extra->'emptied') AS x(id)
      WHERE t.id = x.id::bigint AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.slot_id = t.id);
  END IF;
END $$;
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
  await knex.raw(APPLY_EXTRA);
}

export async function down(): Promise<void> {
  throw new Error('What is quarantined must stay so: restore a backup instead.');
}
