import type { Knex } from 'knex';

/**
 * An upload that a commit completes is still there and unfinished when it does, or the commit is lost and decided again (CS001): else one that was
 * given up meanwhile would make its object all the same. `cs_apply_extra` is else that of 0028.
 */
const COMPLETED_ONCE = `
CREATE OR REPLACE FUNCTION cs_apply_extra(now_ms bigint, extra json) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  completed int;
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
      FROM json_to_recordset(extra->'uploads') AS x(i text, v text)
      WHERE t.id = decode(x.i, 'hex') AND t.completed_version IS NULL;
    GET DIAGNOSTICS completed = ROW_COUNT;
    IF completed <> json_array_length(extra->'uploads') THEN
      RAISE EXCEPTION 'lost' USING ERRCODE = 'CS001';
    END IF;
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
  IF extra->'tagged' IS NOT NULL THEN
    UPDATE versions t SET tags = x.g, attributes = CASE WHEN x.g IS NULL THEN t.attributes - 'tags' ELSE jsonb_set(t.attributes, '{tags}', x.g) END
      FROM json_to_recordset(extra->'tagged') AS x(v text, g jsonb) WHERE t.id = decode(x.v, 'hex');
  END IF;
  IF extra->'lists' IS NOT NULL THEN
    DELETE FROM object_acls t USING json_to_recordset(extra->'lists') AS x(v text, a jsonb) WHERE t.version_id = decode(x.v, 'hex') AND x.a IS NULL;
    INSERT INTO object_acls (version_id, acl)
    SELECT decode(x.v, 'hex'), x.a FROM json_to_recordset(extra->'lists') AS x(v text, a jsonb) WHERE x.a IS NOT NULL
    ON CONFLICT (version_id) DO UPDATE SET acl = excluded.acl;
  END IF;
  IF extra->'holds' IS NOT NULL THEN
    UPDATE versions t SET hold_set = true FROM json_array_elements_text(extra->'holds') AS x(v) WHERE t.id = decode(x.v, 'hex');
  END IF;
END $$;
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(COMPLETED_ONCE);
}

export async function down(): Promise<void> {
  throw new Error('This migration is not taken back: restore a backup instead.');
}
