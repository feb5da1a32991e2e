import type { Knex } from 'knex';
import { track } from './0006-changes.ts';

/**
 * What history, quotas and object lock rest on (docs/adr/0034-history.md).
 * `bucket_heads` counts what is not current any more beside what is, and knows the latest time that any commit had. `slot_names` is under which
 * names a file lay before it was renamed with its history, until when. `versions.moved`: what went was carried elsewhere, and is in no trash.
 */
const TABLES = `
ALTER TABLE bucket_heads ADD COLUMN history_versions bigint NOT NULL DEFAULT 0, ADD COLUMN history_bytes bigint NOT NULL DEFAULT 0,
  ADD COLUMN last_ms bigint NOT NULL DEFAULT 0;
UPDATE bucket_heads h SET history_versions = x.n, history_bytes = x.z
  FROM (SELECT s.bucket_id, count(*) AS n, sum(v.size) AS z FROM versions v JOIN slots s ON s.id = v.slot_id
         WHERE NOT v.delete_marker AND s.version_id IS DISTINCT FROM v.id GROUP BY 1) x WHERE x.bucket_id = h.bucket_id;
UPDATE bucket_heads h SET last_ms = coalesce((SELECT j.at_ms FROM journal j WHERE j.bucket_id = h.bucket_id AND j.seq = h.seq), 0);

ALTER TABLE buckets ADD COLUMN quota_bytes bigint, ADD COLUMN quota_objects bigint;
ALTER TABLE principals ADD COLUMN quota_objects bigint;
ALTER TABLE usage ADD COLUMN objects bigint NOT NULL DEFAULT 0;
INSERT INTO usage AS t (principal, bytes, objects)
SELECT b.owner, 0, sum(h.objects) FROM buckets b JOIN bucket_heads h ON h.bucket_id = b.id GROUP BY 1
ON CONFLICT (principal) DO UPDATE SET objects = excluded.objects;

ALTER TABLE versions ADD COLUMN moved boolean NOT NULL DEFAULT false;
ALTER TABLE uploads ADD COLUMN lock jsonb;
CREATE INDEX slots_dead ON slots (bucket_id, key) WHERE NOT live;

CREATE TABLE slot_names (
  slot_id bigint NOT NULL, until_ms bigint NOT NULL, bucket_id int NOT NULL, key text COLLATE "C" NOT NULL, PRIMARY KEY (slot_id, until_ms));
CREATE INDEX slot_names_bucket ON slot_names (bucket_id, until_ms);

-- restores and purges that are too large for one transaction: the job of that name takes them in turn
CREATE TABLE history_tasks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, bucket_id int NOT NULL REFERENCES buckets ON DELETE CASCADE, kind text NOT NULL,
  intent jsonb NOT NULL, state text NOT NULL DEFAULT 'waiting', position text COLLATE "C", counts jsonb NOT NULL DEFAULT '{}',
  message text, created_ms bigint NOT NULL, ended_ms bigint,
  CHECK (kind IN ('restore', 'purge')), CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')));
CREATE INDEX history_tasks_open ON history_tasks (id) WHERE state IN ('waiting', 'running');
-- what only one bucket's contents take after deduplication, as it was last measured
CREATE TABLE bucket_space (
  bucket_id int PRIMARY KEY REFERENCES buckets ON DELETE CASCADE, own_bytes bigint NOT NULL, shared_bytes bigint NOT NULL, measured_ms bigint NOT NULL);
`;

/**
 * The last line against every door, job and statement to come: a version under retention or legal hold is not deleted, and compliance is
 * neither shortened nor lifted. CS005. By the database's clock; commits compare with the earlier of theirs and this one.
 */
const LOCKED = `
CREATE FUNCTION cs_version_locked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a version is under retention or legal hold' USING ERRCODE = 'CS005';
END $$;
CREATE TRIGGER versions_locked BEFORE DELETE ON versions FOR EACH ROW
  WHEN (OLD.legal_hold OR (OLD.retain_until_ms IS NOT NULL AND OLD.retain_until_ms > cs_now_ms())) EXECUTE FUNCTION cs_version_locked();
CREATE TRIGGER versions_compliance BEFORE UPDATE OF retention_mode, retain_until_ms ON versions FOR EACH ROW
  WHEN (OLD.retention_mode = 'compliance' AND OLD.retain_until_ms > cs_now_ms()
        AND (NEW.retention_mode IS DISTINCT FROM 'compliance' OR NEW.retain_until_ms IS NULL OR NEW.retain_until_ms < OLD.retain_until_ms))
  EXECUTE FUNCTION cs_version_locked();
`;

/**
 * As in 0011, with what history, quotas and object lock add to its rows; no statement more. `changed`: k: retention and hold become rm, ru and lh,
 * and what it was superseded at stays unless it is said.
 */
const COMMIT = `
CREATE OR REPLACE FUNCTION cs_commit(gateway int, commit_id bytea, now_ms bigint, heads json, slots_in json, versions_in json, changed json,
                          ensured json, touched json, explicit_in json, candidates json, journal_in json, usage_in json, extra json)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  swapped int;
BEGIN
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

  IF slots_in IS NOT NULL THEN
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
    INSERT INTO directories AS t (bucket_id, path, explicit, revision, modified_ms, created_ms)
    SELECT x.b, x.k, coalesce(x.e, false), 1, now_ms, now_ms FROM json_to_recordset(ensured) AS x(b int, k text, e boolean)
    ON CONFLICT (bucket_id, path) DO UPDATE SET revision = t.revision + 1, modified_ms = excluded.modified_ms;
  END IF;
  IF touched IS NOT NULL THEN
    UPDATE directories t SET revision = t.revision + 1, modified_ms = now_ms
      FROM json_to_recordset(touched) AS x(b int, k text) WHERE t.bucket_id = x.b AND t.path = x.k;
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
END $$;
`;

/**
 * `cs_list_versions`: one page of what S3 sees, keys in byte order, the latest version of each first. Begins behind `after`, or within its versions,
 * behind (`after_seq`, `after_id`). A run of one common prefix is skipped by a seek, as in `cs_list`.
 */
const LIST = `
CREATE FUNCTION cs_list_versions(bucket int, prefix text, ending text, delimiter text, delimiter_after text, after text, inclusive boolean,
                                 after_seq bigint, after_id bytea, page int)
RETURNS TABLE (common text, key text, version_id bytea, latest boolean, visibility text, delete_marker boolean, node_id bigint, size bigint,
               etag text, modified_ms bigint, mtime_ms bigint, created_ms bigint, attributes jsonb)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  r record;
  v record;
  found_at int;
  start int := char_length(prefix) + 1;
  cursor_at text COLLATE "C" := after;
  inclusive_at boolean := inclusive OR after_seq IS NOT NULL;
  last_common text COLLATE "C" := NULL;
  run int := 0;
  emitted int := 0;
  again boolean := true;
BEGIN
  WHILE again AND emitted < page LOOP
    again := false;
    FOR r IN
      SELECT s.id, s.key, s.version_id FROM slots s
       WHERE s.bucket_id = bucket AND s.key >= cursor_at AND (inclusive_at OR s.key <> cursor_at)
         AND (ending IS NULL OR s.key < ending COLLATE "C")
       ORDER BY s.key
    LOOP
      found_at := CASE WHEN delimiter = '' THEN 0 ELSE strpos(substr(r.key, start), delimiter) END;
      IF found_at = 0 THEN
        common := NULL;
        key := r.key;
        FOR v IN
          SELECT w.* FROM versions w WHERE w.slot_id = r.id AND w.visibility <> 'hidden'
             AND (after_seq IS NULL OR r.key <> after OR (w.seq, w.id) < (after_seq, after_id))
           ORDER BY w.seq DESC, w.id DESC LIMIT page - emitted
        LOOP
          version_id := v.id; latest := coalesce(v.id = r.version_id, false); visibility := v.visibility; delete_marker := v.delete_marker;
          node_id := v.node_id; size := v.size; etag := v.etag; modified_ms := v.modified_ms; mtime_ms := v.mtime_ms;
          created_ms := v.created_ms; attributes := v.attributes;
          RETURN NEXT;
          emitted := emitted + 1;
        END LOOP;
        run := 0;
      ELSE
        common := substr(r.key, 1, start + found_at - 2 + char_length(delimiter));
        IF (last_common IS NULL OR common <> last_common)
           AND EXISTS (SELECT 1 FROM versions w WHERE w.slot_id = r.id AND w.visibility <> 'hidden') THEN
          last_common := common;
          run := 0;
          IF common COLLATE "C" > after COLLATE "C" OR inclusive THEN
            key := NULL; version_id := NULL; latest := NULL; visibility := NULL; delete_marker := NULL; node_id := NULL; size := NULL;
            etag := NULL; modified_ms := NULL; mtime_ms := NULL; created_ms := NULL; attributes := NULL;
            RETURN NEXT;
            emitted := emitted + 1;
          END IF;
        END IF;
        run := run + 1;
        IF run > 4 AND last_common = common AND delimiter_after IS NOT NULL AND emitted < page THEN
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

-- as parentOf (src/core/address.ts)
CREATE FUNCTION cs_parent(key text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(substring(left(key, -1) FROM '^.*/'), '') $$;
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
  await knex.raw(track('slot_names', 'slot_id bigint, until_ms bigint'));
  await knex.raw(LOCKED);
  await knex.raw(COMMIT);
  await knex.raw(LIST);
}

export async function down(): Promise<void> {
  throw new Error('This migration is not taken back: restore a backup instead.');
}
