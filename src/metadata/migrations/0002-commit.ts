import type { Knex } from 'knex';

/**
 * `cs_apply`: carries out one decided batch in one round trip, if the heads of its buckets are still those that the decision read. Raises
 * CS001 (another commit won: decide again) and CS002 (this gateway is fenced). The lock on the heads, taken in the order of bucket ids, is
 * what keeps two gateways apart: whatever changes a bucket takes it first.
 */
const APPLY = `
CREATE FUNCTION cs_apply(gateway int, commit_id bytea, now_ms bigint, heads json, slots_in json, versions_in json, changed json,
                         directories_in json, journal_in json, extra json) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  swapped int;
BEGIN
  IF gateway IS NOT NULL THEN
    PERFORM 1 FROM gateways g WHERE g.id = gateway AND NOT g.fenced FOR SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'fenced' USING ERRCODE = 'CS002';
    END IF;
  END IF;
  IF json_array_length(heads) > 1 THEN
    PERFORM 1 FROM bucket_heads WHERE bucket_id IN (SELECT h.b FROM json_to_recordset(heads) AS h(b int)) ORDER BY bucket_id FOR UPDATE;
  END IF;
  UPDATE bucket_heads t
     SET revision = t.revision + 1, seq = t.seq + h.n, objects = t.objects + h.o, bytes = t.bytes + h.z
    FROM json_to_recordset(heads) AS h(b int, r bigint, n int, o bigint, z bigint)
   WHERE t.bucket_id = h.b AND t.revision = h.r;
  GET DIAGNOSTICS swapped = ROW_COUNT;
  IF swapped <> json_array_length(heads) THEN
    RAISE EXCEPTION 'lost' USING ERRCODE = 'CS001';
  END IF;

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

  IF json_array_length(changed) > 0 THEN
    UPDATE versions t
       SET visibility = coalesce(x.s, t.visibility), superseded_ms = x.u, mtime_ms = coalesce(x.t, t.mtime_ms)
      FROM json_to_recordset(changed) AS x(v text, s text, u bigint, t bigint, d boolean)
     WHERE t.id = decode(x.v, 'hex') AND x.d IS NULL;
    DELETE FROM versions t USING json_to_recordset(changed) AS x(v text, d boolean) WHERE t.id = decode(x.v, 'hex') AND x.d;
  END IF;
  INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes,
                        tags, content, content_hash, superseded_ms)
  SELECT decode(x.v, 'hex'), x.i, x.q, x.n, x.s, x.d, x.z, x.e, x.m, x.t, x.c, x.a, x.g, decode(x.r, 'base64'), decode(x.h, 'base64'), x.u
    FROM json_to_recordset(versions_in) AS x(v text, i bigint, q bigint, n bigint, s text, d boolean, z bigint, e text, m bigint, t bigint,
                                             c bigint, a jsonb, g jsonb, r text, h text, u bigint);

  -- ensured (f) or only touched; explicit set or cleared (e); candidates for removal (c) with the end of their key range (u); properties (p)
  INSERT INTO directories AS t (bucket_id, path, explicit, revision, modified_ms, created_ms)
  SELECT x.b, x.k, coalesce(x.e, false), 1, now_ms, now_ms
    FROM json_to_recordset(directories_in) AS x(b int, k text, f boolean, e boolean) WHERE x.f
  ON CONFLICT (bucket_id, path) DO UPDATE SET revision = t.revision + 1, modified_ms = excluded.modified_ms;
  UPDATE directories t SET revision = t.revision + 1, modified_ms = now_ms
    FROM json_to_recordset(directories_in) AS x(b int, k text, f boolean) WHERE NOT x.f AND t.bucket_id = x.b AND t.path = x.k;
  UPDATE directories t SET explicit = x.e
    FROM json_to_recordset(directories_in) AS x(b int, k text, e boolean)
   WHERE x.e IS NOT NULL AND t.bucket_id = x.b AND t.path = x.k AND t.explicit <> x.e;
  DELETE FROM directories t USING json_to_recordset(directories_in) AS x(b int, k text, c boolean, u text)
   WHERE x.c AND t.bucket_id = x.b AND t.path = x.k
     AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.live AND s.bucket_id = x.b AND s.key >= x.k AND s.key < x.u COLLATE "C");

  INSERT INTO journal (bucket_id, seq, kind, key, version_id, size, etag, at_ms, principal, protocol, request_id, gateway, commit_id)
  SELECT x.b, x.q, x.w, x.k, decode(x.v, 'hex'), x.z, x.e, now_ms, x.p, x.o, x.r, gateway, commit_id
    FROM json_to_recordset(journal_in) AS x(b int, q bigint, w text, k text, v text, z bigint, e text, p int, o text, r text);
  PERFORM pg_notify('cloudstore', 'journal ' || h.b || ':' || (h.q + h.n)) FROM json_to_recordset(heads) AS h(b int, q bigint, n int) WHERE h.n > 0;

  IF extra IS NOT NULL THEN
    PERFORM cs_apply_extra(now_ms, extra);
  END IF;
END $$;

CREATE FUNCTION cs_apply_extra(now_ms bigint, extra json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO usage AS t (principal, bytes)
  SELECT x.p, x.z FROM json_to_recordset(extra->'usage') AS x(p int, z bigint) ORDER BY x.p
  ON CONFLICT (principal) DO UPDATE SET bytes = t.bytes + excluded.bytes;
  PERFORM 1 FROM json_to_recordset(extra->'usage') AS x(p int, z bigint) JOIN principals q ON q.id = x.p JOIN usage u ON u.principal = x.p
    WHERE x.z > 0 AND u.bytes > q.quota_bytes;
  IF FOUND THEN
    RAISE EXCEPTION 'quota' USING ERRCODE = 'CS001';
  END IF;

  INSERT INTO chunks AS t (domain, id, size, store, pack, pack_offset, length)
  SELECT DISTINCT ON (x.d, x.i) x.d, decode(x.i, 'hex'), x.z, x.s, decode(x.p, 'hex'), x.o, x.l
    FROM json_to_recordset(extra->'chunks') AS x(d int, i text, z int, s int, p text, o bigint, l int) ORDER BY x.d, x.i
  ON CONFLICT (domain, id) DO UPDATE SET store = excluded.store, pack = excluded.pack, pack_offset = excluded.pack_offset,
    length = excluded.length, condemned_ms = NULL WHERE t.condemned_ms IS NOT NULL;
  INSERT INTO leaves AS t (domain, id, size, entries)
  SELECT DISTINCT ON (x.d, x.i) x.d, decode(x.i, 'hex'), x.z, decode(x.e, 'base64')
    FROM json_to_recordset(extra->'leaves') AS x(d int, i text, z bigint, e text) ORDER BY x.d, x.i
  ON CONFLICT (domain, id) DO UPDATE SET condemned_ms = NULL WHERE t.condemned_ms IS NOT NULL;

  UPDATE uploads t SET completed_version = decode(x.v, 'hex'), completed_ms = now_ms
    FROM json_to_recordset(extra->'uploads') AS x(i text, v text) WHERE t.id = decode(x.i, 'hex');
  DELETE FROM parts t USING json_to_recordset(extra->'uploads') AS x(i text) WHERE t.upload_id = decode(x.i, 'hex');
  DELETE FROM locks t USING json_array_elements_text(extra->'locks') AS x(token) WHERE t.token = x.token;
  UPDATE directories t SET properties = x.p
    FROM json_to_recordset(extra->'properties') AS x(b int, k text, p jsonb) WHERE t.bucket_id = x.b AND t.path = x.k;
  DELETE FROM slots t USING json_array_elements_text(extra->'emptied') AS x(id)
    WHERE t.id = x.id::bigint AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.slot_id = t.id);
END $$;
`;

/**
 * `cs_list`: one page with common prefixes, in one statement. A scan that walks rows and, when a run of one prefix goes on for
 * more than a few rows, seeks past it: a flat folder costs one range scan, a thousand prefixes a thousand seeks.
 */
const LIST = `
CREATE FUNCTION cs_list(bucket int, prefix text, ending text, delimiter text, delimiter_after text, after text, inclusive boolean, page int)
RETURNS TABLE (common text, key text, version_id bytea, visibility text, node_id bigint, size bigint, etag text, modified_ms bigint,
               mtime_ms bigint, created_ms bigint, attributes jsonb, properties jsonb)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  r record;
  found_at int;
  start int := char_length(prefix) + 1;
  cursor_at text COLLATE "C" := after;
  inclusive_at boolean := inclusive;
  last_common text COLLATE "C" := NULL;
  run int := 0;
  emitted int := 0;
  again boolean := true;
BEGIN
  WHILE again AND emitted < page LOOP
    again := false;
    FOR r IN
      SELECT s.key, s.version_id, s.visibility, s.node_id, s.size, s.etag, s.modified_ms, s.mtime_ms, s.created_ms, s.attributes, s.properties
        FROM slots s
       WHERE s.bucket_id = bucket AND s.live AND s.key >= cursor_at AND (inclusive_at OR s.key <> cursor_at)
         AND (ending IS NULL OR s.key < ending COLLATE "C")
       ORDER BY s.key
    LOOP
      found_at := strpos(substr(r.key, start), delimiter);
      IF found_at = 0 THEN
        common := NULL; key := r.key; version_id := r.version_id; visibility := r.visibility; node_id := r.node_id; size := r.size;
        etag := r.etag; modified_ms := r.modified_ms; mtime_ms := r.mtime_ms; created_ms := r.created_ms;
        attributes := r.attributes; properties := r.properties;
        RETURN NEXT;
        emitted := emitted + 1;
        run := 0;
      ELSE
        common := substr(r.key, 1, start + found_at - 2 + char_length(delimiter));
        IF last_common IS NULL OR common <> last_common THEN
          last_common := common;
          run := 0;
          IF common COLLATE "C" > after COLLATE "C" OR inclusive THEN
            key := NULL; version_id := NULL; visibility := NULL; node_id := NULL; size := NULL; etag := NULL; modified_ms := NULL;
            mtime_ms := NULL; created_ms := NULL; attributes := NULL; properties := NULL;
            RETURN NEXT;
            emitted := emitted + 1;
          END IF;
        END IF;
        run := run + 1;
        IF run > 4 AND delimiter_after IS NOT NULL AND emitted < page THEN
          cursor_at := left(common, -char_length(delimiter)) || delimiter_after;
          inclusive_at := true;
          again := true;
          EXIT;
        END IF;
      END IF;
      EXIT WHEN emitted >= page;
    END LOOP;
  END LOOP;
END $$;
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(APPLY);
  await knex.raw(LIST);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP FUNCTION cs_apply; DROP FUNCTION cs_apply_extra; DROP FUNCTION cs_list');
}
