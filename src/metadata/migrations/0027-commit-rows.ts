import type { Knex } from 'knex';

/** A row each of the sets that nearly every commit has, as src/metadata/commit/apply.ts writes them. What the letters stand for: `../commit/plan.ts`. */
const TYPES = `
CREATE TYPE cs_head AS (b int, r bigint, q bigint, n int, o bigint, z bigint, hn bigint, hz bigint);
CREATE TYPE cs_slot AS (i bigint, b int, k text, w bytea, l boolean, v bytea, s text, d boolean, n bigint, z bigint, e text, m bigint, t bigint, c bigint,
                        a jsonb, p jsonb);
CREATE TYPE cs_version AS (v bytea, i bigint, q bigint, n bigint, s text, d boolean, z bigint, e text, m bigint, t bigint, c bigint, a jsonb, g jsonb,
                           r bytea, h bytea, u bigint, rm text, ru bigint, lh boolean);
CREATE TYPE cs_changed AS (v bytea, s text, u bigint, t bigint);
CREATE TYPE cs_folder AS (b int, k text, z bigint);
CREATE TYPE cs_journal AS (b int, q bigint, w text, k text, v bytea, z bigint, e text, p int, o text, r text);
CREATE TYPE cs_used AS (p int, z bigint, o bigint);
`;

/**
 * As in 0040, with rows in place of JSON for what nearly every commit has (docs/adr/0047-commits-in-binary.md). A set is unnested as `unnest((SELECT slots_in))`, which
 * hides its length from the planner, as it would plan anew for each short one. `told`: who follows the journal is told by this gateway, and nobody by the
 * database. With 14, 15 and 18 arguments for gateways of an older version that still run.
 */
const COMMIT = `
CREATE FUNCTION cs_commit(gateway int, commit_id bytea, now_ms bigint, told boolean, heads cs_head[], slots_in cs_slot[], slots_there cs_slot[],
                          versions_in cs_version[], changed cs_changed[], kept json, gone json, ensured json, touched cs_folder[], explicit_in json,
                          candidates json, journal_in cs_journal[], usage_in cs_used[], extra json, guess json)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  swapped int;
  emptied int := 0;
BEGIN
  IF guess IS NOT NULL THEN
    IF slots_in IS NOT NULL THEN
      PERFORM 1 FROM unnest((SELECT slots_in)) AS x JOIN slots s ON s.bucket_id = x.b AND s.key = x.k;
      IF FOUND THEN
        RETURN -1;
      END IF;
    END IF;
    IF guess->'absent' IS NOT NULL THEN
      PERFORM 1 FROM json_to_recordset(guess->'absent') AS x(b int, k text) JOIN directories d ON d.bucket_id = x.b AND d.path = x.k;
      IF FOUND THEN
        RETURN -1;
      END IF;
    END IF;
    IF guess->'occupied' IS NOT NULL THEN
      PERFORM 1 FROM json_to_recordset(guess->'occupied') AS x(b int, k text, u text)
        WHERE NOT EXISTS (SELECT 1 FROM slots s WHERE s.live AND s.bucket_id = x.b AND s.key >= x.k AND s.key < x.u COLLATE "C"
                             AND s.key <> ALL (ARRAY(SELECT y.k FROM unnest((SELECT slots_there)) AS y)));
      IF FOUND THEN
        RETURN -1;
      END IF;
    END IF;
  END IF;

  PERFORM cs_alive(gateway);
  IF cardinality(heads) > 1 THEN
    PERFORM 1 FROM bucket_heads WHERE bucket_id IN (SELECT h.b FROM unnest((SELECT heads)) AS h) ORDER BY bucket_id FOR UPDATE;
  END IF;
  UPDATE bucket_heads t
     SET revision = t.revision + 1, seq = t.seq + h.n, objects = t.objects + h.o, bytes = t.bytes + h.z,
         history_versions = t.history_versions + h.hn, history_bytes = t.history_bytes + h.hz, last_ms = greatest(t.last_ms, now_ms)
    FROM unnest((SELECT heads)) AS h
   WHERE t.bucket_id = h.b AND t.revision = h.r;
  GET DIAGNOSTICS swapped = ROW_COUNT;
  IF swapped <> cardinality(heads) THEN
    RAISE EXCEPTION 'lost' USING ERRCODE = 'CS001';
  END IF;

  IF slots_in IS NOT NULL AND guess IS NOT NULL THEN
    INSERT INTO slots (id, bucket_id, key, live, version_id, visibility, delete_marker, node_id, size, etag, modified_ms, mtime_ms,
                            created_ms, attributes, properties)
    SELECT x.i, x.b, x.k, x.l, x.v, x.s, x.d, x.n, x.z, x.e, x.m, x.t, x.c, x.a, x.p
      FROM unnest((SELECT slots_in)) AS x;
  ELSIF slots_in IS NOT NULL THEN
    INSERT INTO slots AS t (id, bucket_id, key, live, version_id, visibility, delete_marker, node_id, size, etag, modified_ms, mtime_ms,
                            created_ms, attributes, properties)
    SELECT x.i, x.b, x.k, x.l, x.v, x.s, x.d, x.n, x.z, x.e, x.m, x.t, x.c, x.a, x.p
      FROM unnest((SELECT slots_in)) AS x
    ON CONFLICT (bucket_id, key) DO UPDATE
       SET live = excluded.live, version_id = excluded.version_id, visibility = excluded.visibility, delete_marker = excluded.delete_marker,
           node_id = excluded.node_id, size = excluded.size, etag = excluded.etag, modified_ms = excluded.modified_ms,
           mtime_ms = excluded.mtime_ms, created_ms = excluded.created_ms, attributes = excluded.attributes,
           properties = excluded.properties;
  END IF;

  IF slots_there IS NOT NULL THEN
    UPDATE slots t
       SET live = x.l, version_id = x.v, visibility = x.s, delete_marker = x.d, node_id = x.n, size = x.z, etag = x.e, modified_ms = x.m,
           mtime_ms = x.t, created_ms = x.c, attributes = x.a, properties = x.p
      FROM unnest((SELECT slots_there)) AS x
     WHERE t.id = x.i AND t.bucket_id = x.b AND t.key = x.k AND t.version_id IS NOT DISTINCT FROM x.w;
    GET DIAGNOSTICS swapped = ROW_COUNT;
    IF swapped <> cardinality(slots_there) THEN
      RAISE EXCEPTION 'lost' USING ERRCODE = 'CS001';
    END IF;
  END IF;

  IF changed IS NOT NULL THEN
    UPDATE versions t
       SET visibility = coalesce(x.s, t.visibility), superseded_ms = x.u, moved = t.moved AND x.u IS NULL, mtime_ms = coalesce(x.t, t.mtime_ms)
      FROM unnest((SELECT changed)) AS x
     WHERE t.id = x.v;
  END IF;
  IF kept IS NOT NULL THEN
    UPDATE versions t
       SET visibility = coalesce(x.s, t.visibility), superseded_ms = coalesce(x.u, t.superseded_ms), moved = t.moved AND x.u IS NULL,
           mtime_ms = coalesce(x.t, t.mtime_ms), retention_mode = x.rm, retain_until_ms = x.ru, legal_hold = x.lh
      FROM json_to_recordset(kept) AS x(v text, s text, u bigint, t bigint, k boolean, rm text, ru bigint, lh boolean)
     WHERE t.id = decode(x.v, 'hex') AND x.k;
  END IF;
  IF gone IS NOT NULL THEN
    DELETE FROM versions t USING json_to_recordset(gone) AS x(v text, d boolean) WHERE t.id = decode(x.v, 'hex') AND x.d;
  END IF;
  IF versions_in IS NOT NULL THEN
    INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes,
                          tags, content, content_hash, superseded_ms, retention_mode, retain_until_ms, legal_hold)
    SELECT x.v, x.i, x.q, x.n, x.s, x.d, x.z, x.e, x.m, x.t, x.c, x.a, x.g, x.r, x.h, x.u, x.rm,
           x.ru, x.lh
      FROM unnest((SELECT versions_in)) AS x;
  END IF;

  -- ensured to exist; only touched; made explicit or no longer so (e); candidates for removal, with the end of their key range (u)
  IF ensured IS NOT NULL THEN
    INSERT INTO directories AS t (bucket_id, path, explicit, revision, modified_ms, created_ms, bytes)
    SELECT x.b, x.k, coalesce(x.e, false), 1, now_ms, now_ms, x.z FROM json_to_recordset(ensured) AS x(b int, k text, e boolean, z bigint)
    ON CONFLICT (bucket_id, path) DO UPDATE SET revision = t.revision + 1, modified_ms = excluded.modified_ms, bytes = t.bytes + excluded.bytes;
  END IF;
  IF touched IS NOT NULL THEN
    UPDATE directories t SET revision = t.revision + 1, modified_ms = now_ms, bytes = t.bytes + x.z
      FROM unnest((SELECT touched)) AS x WHERE t.bucket_id = x.b AND t.path = x.k;
  END IF;
  IF explicit_in IS NOT NULL THEN
    UPDATE directories t SET explicit = x.e
      FROM json_to_recordset(explicit_in) AS x(b int, k text, e boolean)
     WHERE t.bucket_id = x.b AND t.path = x.k AND t.explicit <> x.e;
  END IF;
  IF candidates IS NOT NULL THEN
    -- mostly something is left, and a deletion of nothing sets off its triggers too
    PERFORM 1 FROM json_to_recordset(candidates) AS x(b int, k text, u text)
      WHERE NOT EXISTS (SELECT 1 FROM slots s WHERE s.live AND s.bucket_id = x.b AND s.key >= x.k AND s.key < x.u COLLATE "C");
    IF FOUND THEN
      DELETE FROM directories t USING json_to_recordset(candidates) AS x(b int, k text, u text)
       WHERE t.bucket_id = x.b AND t.path = x.k
         AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.live AND s.bucket_id = x.b AND s.key >= x.k AND s.key < x.u COLLATE "C");
      GET DIAGNOSTICS emptied = ROW_COUNT;
    END IF;
  END IF;

  INSERT INTO journal (bucket_id, seq, kind, key, version_id, size, etag, at_ms, principal, protocol, request_id, gateway, commit_id)
  SELECT x.b, x.q, x.w, x.k, x.v, x.z, x.e, now_ms, x.p, x.o, x.r, gateway, commit_id
    FROM unnest((SELECT journal_in)) AS x;
  IF NOT told THEN
    PERFORM pg_notify('cloudstore', 'journal ' || h.b || ':' || (h.q + h.n)) FROM unnest((SELECT heads)) AS h WHERE h.n > 0;
  END IF;

  IF usage_in IS NOT NULL THEN
    INSERT INTO usage AS t (principal, bytes, objects)
    SELECT x.p, x.z, x.o FROM unnest((SELECT usage_in)) AS x ORDER BY x.p
    ON CONFLICT (principal) DO UPDATE SET bytes = t.bytes + excluded.bytes, objects = t.objects + excluded.objects;
    PERFORM 1 FROM unnest((SELECT usage_in)) AS x JOIN principals q ON q.id = x.p JOIN usage u ON u.principal = x.p
      WHERE (x.z > 0 AND u.bytes > q.quota_bytes) OR (x.o > 0 AND u.objects > q.quota_objects);
    IF FOUND THEN
      RAISE EXCEPTION 'quota' USING ERRCODE = 'CS001';
    END IF;
  END IF;
  IF extra IS NOT NULL THEN
    PERFORM cs_apply_extra(now_ms, extra);
  END IF;
  RETURN emptied;
END $$;

`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(TYPES);
  await knex.raw(COMMIT);
}

export async function down(): Promise<void> {
  throw new Error('This migration is not taken back: restore a backup instead.');
}
