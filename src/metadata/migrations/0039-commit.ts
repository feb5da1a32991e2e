import type { Knex } from 'knex';

/**
 * As in 0036, and for a batch that was decided without a look at the database (docs/adr/0063-commits-from-memory.md): `absent` not NULL says that no key of
 * slots_in has a row, and that none of these folders is there. Where that is not so nothing is done, and the answer is false. It is looked for before the
 * heads are swapped: whoever adds one later has moved its head, and the swap fails. Rows that are known to be new need no second look for a conflict, and
 * no trigger of updates. With 14 arguments for gateways of an older version that still run.
 */
const COMMIT = `
CREATE FUNCTION cs_commit(gateway int, commit_id bytea, now_ms bigint, heads json, slots_in json, versions_in json, changed json,
                          ensured json, touched json, explicit_in json, candidates json, journal_in json, usage_in json, extra json, absent json)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  swapped int;
BEGIN
  IF absent IS NOT NULL THEN
    PERFORM 1 FROM json_to_recordset(slots_in) AS x(b int, k text) JOIN slots s ON s.bucket_id = x.b AND s.key = x.k;
    IF FOUND THEN
      RETURN false;
    END IF;
    IF json_array_length(absent) > 0 THEN
      PERFORM 1 FROM json_to_recordset(absent) AS x(b int, k text) JOIN directories d ON d.bucket_id = x.b AND d.path = x.k;
      IF FOUND THEN
        RETURN false;
      END IF;
    END IF;
  END IF;

  PERFORM cs_alive(gateway);
  IF json_array_length(heads) > 1 THEN
    PERFORM 1 FROM bucket_heads WHERE bucket_id IN (SELECT h.b FROM json_to_recordset(heads) AS h(b int)) ORDER BY bucket_id FOR UPDATE;
  END IF;
  UPDATE bucket_heads t
     SET revision = t.revision + 1, seq = t.seq + h.n, objects = t.objects + h.o, bytes = t.bytes + h.z,
         history_versions = t.history_versions + h.hn, history_bytes = t.history_bytes + h.hz, last_ms = greatest(t.last_ms, now_ms)
    FROM json_to_recordset(heads) AS h(b int, r bigint, n int, o bigint, z bigint, hn bigint, hz bigint)
   WHERE t.bucket_id = h.b AND t.revision = h.r;
  GET DIAGNOSTICS swapped = ROW_COUNT;
  IF swapped <> json_array_length(heads) THEN
    RAISE EXCEPTION 'lost' USING ERRCODE = 'CS001';
  END IF;

  IF absent IS NOT NULL THEN
    INSERT INTO slots (id, bucket_id, key, live, version_id, visibility, delete_marker, node_id, size, etag, modified_ms, mtime_ms,
                            created_ms, attributes, properties)
    SELECT x.i, x.b, x.k, x.l, decode(x.v, 'hex'), x.s, x.d, x.n, x.z, x.e, x.m, x.t, x.c, x.a, x.p
      FROM json_to_recordset(slots_in) AS x(i bigint, b int, k text, l boolean, v text, s text, d boolean, n bigint, z bigint, e text,
                                            m bigint, t bigint, c bigint, a jsonb, p jsonb);
  ELSIF slots_in IS NOT NULL THEN
    INSERT INTO slots AS t (id, bucket_id, key, live, version_id, visibility, delete_marker, node_id, size, etag, modified_ms, mtime_ms,
                            created_ms, attributes, properties)
    SELECT x.i, x.b, x.k, x.l, decode(x.v, 'hex'), x.s, x.d, x.n, x.z, x.e, x.m, x.t, x.c, x.a, x.p
      FROM json_to_recordset(slots_in) AS x(i bigint, b int, k text, l boolean, v text, s text, d boolean, n bigint, z bigint, e text,
                                            m bigint, t bigint, c bigint, a jsonb, p jsonb)
    ON CONFLICT (bucket_id, key) DO UPDATE
       SET live = excluded.live, version_id = excluded.version_id, visibility = excluded.visibility, delete_marker = excluded.delete_marker,
           node_id = excluded.node_id, size = excluded.size, etag = excluded.etag, modified_ms = excluded.modified_ms,
           mtime_ms = excluded.mtime_ms, created_ms = excluded.created_ms, attributes = excluded.attributes,
           properties = excluded.properties;
  END IF;

  IF changed IS NOT NULL THEN
    UPDATE versions t
       SET visibility = coalesce(x.s, t.visibility), superseded_ms = CASE WHEN x.k AND x.u IS NULL THEN t.superseded_ms ELSE x.u END,
           moved = t.moved AND x.u IS NULL, mtime_ms = coalesce(x.t, t.mtime_ms), retention_mode = CASE WHEN x.k THEN x.rm ELSE t.retention_mode END,
           retain_until_ms = CASE WHEN x.k THEN x.ru ELSE t.retain_until_ms END, legal_hold = CASE WHEN x.k THEN x.lh ELSE t.legal_hold END
      FROM json_to_recordset(changed) AS x(v text, s text, u bigint, t bigint, d boolean, k boolean, rm text, ru bigint, lh boolean)
     WHERE t.id = decode(x.v, 'hex') AND (x.d IS NULL OR x.k);
    DELETE FROM versions t USING json_to_recordset(changed) AS x(v text, d boolean) WHERE t.id = decode(x.v, 'hex') AND x.d;
  END IF;
  IF versions_in IS NOT NULL THEN
    INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes,
                          tags, content, content_hash, superseded_ms, retention_mode, retain_until_ms, legal_hold)
    SELECT decode(x.v, 'hex'), x.i, x.q, x.n, x.s, x.d, x.z, x.e, x.m, x.t, x.c, x.a, x.g, decode(x.r, 'base64'), decode(x.h, 'base64'), x.u,
           x.rm, x.ru, coalesce(x.lh, false)
      FROM json_to_recordset(versions_in) AS x(v text, i bigint, q bigint, n bigint, s text, d boolean, z bigint, e text, m bigint,
                                               t bigint, c bigint, a jsonb, g jsonb, r text, h text, u bigint, rm text, ru bigint, lh boolean);
  END IF;

  -- ensured to exist; only touched; made explicit or no longer so (e); candidates for removal, with the end of their key range (u)
  IF ensured IS NOT NULL THEN
    INSERT INTO directories AS t (bucket_id, path, explicit, revision, modified_ms, created_ms, bytes)
    SELECT x.b, x.k, coalesce(x.e, false), 1, now_ms, now_ms, x.z FROM json_to_recordset(ensured) AS x(b int, k text, e boolean, z bigint)
    ON CONFLICT (bucket_id, path) DO UPDATE SET revision = t.revision + 1, modified_ms = excluded.modified_ms, bytes = t.bytes + excluded.bytes;
  END IF;
  IF touched IS NOT NULL THEN
    UPDATE directories t SET revision = t.revision + 1, modified_ms = now_ms, bytes = t.bytes + x.z
      FROM json_to_recordset(touched) AS x(b int, k text, z bigint) WHERE t.bucket_id = x.b AND t.path = x.k;
  END IF;
  IF explicit_in IS NOT NULL THEN
    UPDATE directories t SET explicit = x.e
      FROM json_to_recordset(explicit_in) AS x(b int, k text, e boolean)
     WHERE t.bucket_id = x.b AND t.path = x.k AND t.explicit <> x.e;
  END IF;
  IF candidates IS NOT NULL THEN
    DELETE FROM directories t USING json_to_recordset(candidates) AS x(b int, k text, u text)
     WHERE t.bucket_id = x.b AND t.path = x.k
       AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.live AND s.bucket_id = x.b AND s.key >= x.k AND s.key < x.u COLLATE "C");
  END IF;

  INSERT INTO journal (bucket_id, seq, kind, key, version_id, size, etag, at_ms, principal, protocol, request_id, gateway, commit_id)
  SELECT x.b, x.q, x.w, x.k, decode(x.v, 'hex'), x.z, x.e, now_ms, x.p, x.o, x.r, gateway, commit_id
    FROM json_to_recordset(journal_in) AS x(b int, q bigint, w text, k text, v text, z bigint, e text, p int, o text, r text);
  PERFORM pg_notify('cloudstore', 'journal ' || h.b || ':' || (h.q + h.n)) FROM json_to_recordset(heads) AS h(b int, q bigint, n int) WHERE h.n > 0;

  IF usage_in IS NOT NULL THEN
    INSERT INTO usage AS t (principal, bytes, objects)
    SELECT x.p, x.z, x.o FROM json_to_recordset(usage_in) AS x(p int, z bigint, o bigint) ORDER BY x.p
    ON CONFLICT (principal) DO UPDATE SET bytes = t.bytes + excluded.bytes, objects = t.objects + excluded.objects;
    PERFORM 1 FROM json_to_recordset(usage_in) AS x(p int, z bigint, o bigint) JOIN principals q ON q.id = x.p JOIN usage u ON u.principal = x.p
      WHERE (x.z > 0 AND u.bytes > q.quota_bytes) OR (x.o > 0 AND u.objects > q.quota_objects);
    IF FOUND THEN
      RAISE EXCEPTION 'quota' USING ERRCODE = 'CS001';
    END IF;
  END IF;
  IF extra IS NOT NULL THEN
    PERFORM cs_apply_extra(now_ms, extra);
  END IF;
  RETURN true;
END $$;

CREATE OR REPLACE FUNCTION cs_commit(gateway int, commit_id bytea, now_ms bigint, heads json, slots_in json, versions_in json, changed json,
                          ensured json, touched json, explicit_in json, candidates json, journal_in json, usage_in json, extra json)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cs_commit(gateway, commit_id, now_ms, heads, slots_in, versions_in, changed, ensured, touched, explicit_in, candidates, journal_in, usage_in,
                    extra, NULL);
END $$;
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(COMMIT);
}

export async function down(): Promise<void> {
  throw new Error('This migration is not taken back: restore a backup instead.');
}
