import type { BucketId } from '#core/address';
import { ancestorsOf, parentOf } from '#core/address';
import type { Versioning } from '#core/bucket';
import type { ObjectAttributes, Visibility } from '#core/object';
import type { DefaultRetention, RetentionMode } from '#core/retention';
import type { Session } from '../database.ts';
import { type LockRow, lockOf, lockPaths, withoutSlash } from '../locks.ts';
import { DIRECTORY_COLUMNS, directoryOf, endOf } from '../rows.ts';
import { type BatchState, emptyBatch, type Intent, type NamedVersion, slotKey } from './state.ts';

/**
 * What a batch may have to know. `$1`, `$2`, … are the values of the section; one whose first value is empty has nothing to ask and is left out of
 * the statement, because to start it costs Postgres as much as to answer it.
 */
const SECTIONS = {
  buckets: `SELECT json_agg(json_build_array(b.id, b.owner, b.domain, b.versioning, h.revision, h.seq, h.epoch, p.quota_bytes, coalesce(u.bytes, 0),
                                      p.quota_objects, coalesce(u.objects, 0), b.quota_bytes, b.quota_objects, h.bytes, h.objects, b.object_lock,
                                      b.config->'objectLock', h.last_ms, cs_now_ms(),
                                      EXISTS (SELECT 1 FROM locks l WHERE l.bucket_id = b.id AND l.expires_ms > $2)))
       FROM unnest((SELECT $1::int[])) AS x(id) JOIN buckets b ON b.id = x.id AND b.removed_ms IS NULL JOIN bucket_heads h ON h.bucket_id = b.id
       LEFT JOIN principals p ON p.id = b.owner LEFT JOIN usage u ON u.principal = b.owner`,
  slots: `SELECT json_agg(json_build_array(s.bucket_id, s.key, s.id, s.live, encode(s.version_id, 'hex'), s.visibility, s.delete_marker, s.node_id,
                                      s.size, s.etag, s.modified_ms, s.mtime_ms, s.created_ms, s.attributes, s.properties, encode(v.id, 'hex')))
       FROM unnest((SELECT $1::int[]), (SELECT $2::text[])) AS x(bucket_id, key) JOIN slots s ON s.bucket_id = x.bucket_id AND s.key = x.key
       LEFT JOIN versions v ON v.slot_id = s.id AND v.visibility = 'null'`,
  locks: `SELECT json_agg(json_build_array(l.token, l.bucket_id, l.key, l.principal, l.exclusive, l.infinite, l.owner_xml, l.timeout_ms, l.expires_ms))
       FROM unnest((SELECT $1::int[]), (SELECT $2::text[])) AS x(bucket_id, key) JOIN locks l ON l.bucket_id = x.bucket_id AND l.key = x.key
      WHERE l.expires_ms > $3`,
  directories: `SELECT json_agg(json_build_array(d.bucket_id, ${DIRECTORY_COLUMNS}))
       FROM unnest((SELECT $1::int[]), (SELECT $2::text[])) AS x(bucket_id, path) JOIN directories d ON d.bucket_id = x.bucket_id AND d.path = x.path`,
  versions: `SELECT json_agg(json_build_array(s.bucket_id, s.key, encode(v.id, 'hex'), v.visibility, v.delete_marker, v.size,
                                      v.retention_mode, v.retain_until_ms, v.legal_hold, n.row))
       FROM unnest((SELECT $1::int[]), (SELECT $2::text[]), (SELECT $3::text[])) AS x(bucket_id, key, version)
       JOIN slots s ON s.bucket_id = x.bucket_id AND s.key = x.key
       JOIN versions v ON v.slot_id = s.id AND CASE x.version WHEN '' THEN v.id = s.version_id WHEN 'null' THEN v.visibility = 'null' ELSE encode(v.id, 'hex') = x.version END
       LEFT JOIN LATERAL (
         SELECT json_build_array(encode(w.id, 'hex'), w.visibility, w.delete_marker, w.node_id, w.size, w.etag, w.modified_ms, w.mtime_ms,
                                 w.created_ms, w.attributes, w.properties) AS row
           FROM versions w WHERE w.slot_id = s.id AND w.visibility <> 'hidden' AND w.id <> v.id ORDER BY w.seq DESC LIMIT 1) n ON true`,
  occupied: `SELECT json_agg(json_build_array(x.bucket_id, x.path)) FROM unnest((SELECT $1::int[]), (SELECT $2::text[]), (SELECT $3::text[])) AS x(bucket_id, path, high)
      WHERE EXISTS (SELECT 1 FROM slots s WHERE s.bucket_id = x.bucket_id AND s.live AND s.key >= x.path AND s.key < x.high COLLATE "C"
                      AND s.key <> ALL($4::text[]))`,
  uploads: `SELECT json_agg(json_build_array(encode(u.id, 'hex'), u.bucket_id, u.key, encode(u.completed_version, 'hex')))
       FROM unnest((SELECT $1::text[])) AS x(id) JOIN uploads u ON u.id = decode(x.id, 'hex')`,
};

type Section = keyof typeof SECTIONS;

/** One statement, so one snapshot: what the heads say then, is what all the rest goes with. */
async function ask(
  session: Session,
  wanted: Record<Section, [unknown[], ...unknown[]]>,
): Promise<Partial<Record<Section, Text>>> {
  const names: Section[] = [];
  const texts: string[] = [];
  const values: unknown[] = [];
  for (const [name, own] of Object.entries(wanted) as [Section, [unknown[], ...unknown[]]][]) {
    if (own[0].length === 0) continue;
    const before = values.length;
    texts.push(`(${SECTIONS[name].replace(/\$(\d)/g, (_, n: string) => `$${before + Number(n)}`)})`);
    names.push(name);
    values.push(...own);
  }
  const statement = { name: `commit-read-${names.map(([letter]) => letter).join('')}`, text: `SELECT ${texts.join(', ')}` };
  const [row] = await session.query<Text[]>(statement, values);
  return Object.fromEntries(names.map((name, index) => [name, row?.[index] ?? null]));
}

type Text = string | null;
type BucketJson = [
  number,
  number,
  number,
  Versioning,
  number,
  number,
  number,
  number | null,
  number,
  number | null,
  number,
  number | null,
  number | null,
  number,
  number,
  boolean,
  DefaultRetention | null,
  number,
  number,
  boolean,
];
type SlotJson = [
  number,
  string,
  number,
  boolean,
  Text,
  Visibility | null,
  boolean,
  number,
  number,
  string,
  number,
  number,
  number,
  ObjectAttributes,
  Record<string, string> | null,
  Text,
];
type DirectoryJson = [
  number,
  string,
  number,
  boolean,
  string,
  number,
  number,
  number,
  Record<string, string> | null,
  number | null,
];
type NextJson = [
  ...[string, Visibility, boolean, number, number, string, number, number, number],
  ObjectAttributes,
  Record<string, string> | null,
];
type VersionJson = [
  number,
  string,
  string,
  Visibility,
  boolean,
  number,
  RetentionMode | null,
  number | null,
  boolean,
  NextJson | null,
];

/** Reads all that the intents touch. */
export async function readBatch(session: Session, intents: readonly Intent[], now: number): Promise<BatchState> {
  const touched = touchedBy(intents);
  const read = await ask(session, {
    buckets: [[...touched.buckets], now],
    slots: columns(touched.slots),
    locks: [...columns(touched.lockPaths), now],
    directories: columns(touched.directories),
    versions: [...columns(touched.versions), touched.versions.map((one) => one[2])],
    occupied: [...columns(touched.parents), touched.parents.map(([, path]) => endOf(path)), touched.slots.map(([, key]) => key)],
    uploads: [touched.uploads],
  });
  const state: BatchState = {
    ...emptyBatch(now),
    locks: list<LockRow>(read.locks).map(lockOf),
    occupied: new Set(list<[number, string]>(read.occupied).map(([bucket, path]) => slotKey(bucket, path))),
  };
  for (const row of list<BucketJson>(read.buckets)) {
    const [id, owner, domain, versioning, revision, seq, epoch, ownerBytesMax, usedBytes, ownerObjectsMax, usedObjects, ...own] =
      row;
    const [bytesMax, objectsMax, bytes, objects, objectLock, defaultRetention, lastMs, databaseNow, locked] = own;
    const quota = { bytes: bytesMax, objects: objectsMax };
    const lock = { objectLock, defaultRetention, lastMs, locked };
    state.buckets.set(id, { id, owner, domain, versioning, revision, seq, epoch, objects, bytes, quota, ...lock });
    state.accounts.set(owner, { usedBytes, usedObjects, quota: { bytes: ownerBytesMax, objects: ownerObjectsMax } });
    state.databaseNow = databaseNow;
  }
  for (const row of list<SlotJson>(read.slots)) {
    const [
      bucket,
      key,
      id,
      live,
      versionId,
      visibility,
      deleteMarker,
      nodeId,
      size,
      etag,
      modified,
      mtime,
      created,
      attributes,
      ...rest
    ] = row;
    const [properties, nullVersion] = rest;
    const slot = { id, live, versionId, visibility, deleteMarker, nodeId, size, etag, modified, mtime, created, attributes };
    state.slots.set(slotKey(bucket, key), { ...slot, properties, nullVersion });
  }
  for (const [bucket, path, id, explicit, identity, revision, modified, created, properties, bytes] of list<DirectoryJson>(
    read.directories,
  )) {
    const info = directoryOf(bucket, [path, id, explicit, identity, revision, modified, created, null, bytes]);
    state.directories.set(slotKey(bucket, path), { ...info, properties });
  }
  for (const [bucket, key, id, visibility, deleteMarker, size, mode, until, legalHold, next] of list<VersionJson>(
    read.versions,
  )) {
    const lock = { retention: mode === null || until === null ? null : { mode, until }, legalHold };
    const named = { id, visibility, deleteMarker, size, lock };
    state.versions.set(slotKey(bucket, key), { ...named, next: next === null ? null : nextOf(next) });
  }
  for (const [id, bucket, key, completedVersion] of list<[string, number, string, Text]>(read.uploads)) {
    state.uploads.set(id, { bucket, key, completedVersion });
  }
  return state;
}

type Path = [BucketId, string];

function touchedBy(intents: readonly Intent[]) {
  const buckets = new Set<BucketId>();
  const slots = new Map<string, Path>();
  const paths = new Map<string, Path>();
  const directories = new Map<string, Path>();
  const parents = new Map<string, Path>();
  const versions: [BucketId, string, string][] = [];
  const uploads: string[] = [];
  const add = (map: Map<string, Path>, bucket: BucketId, key: string) => map.set(slotKey(bucket, key), [bucket, key]);
  for (const intent of intents) {
    const { bucket, key } = intent;
    buckets.add(bucket);
    add(slots, bucket, key);
    for (const path of lockPaths(withoutSlash(key))) add(paths, bucket, path);
    if (intent.requireParent === true) {
      add(directories, bucket, parentOf(key));
      add(directories, bucket, key.endsWith('/') ? key : `${key}/`);
      add(slots, bucket, withoutSlash(key));
    }
    if (intent.kind === 'lock' || intent.kind === 'tag' || intent.kind === 'acl')
      versions.push([bucket, key, intent.version ?? '']);
    if (intent.kind === 'annotate' && (key === '' || key.endsWith('/'))) {
      add(directories, bucket, key);
    }
    if (intent.kind === 'remove') {
      if (intent.version !== undefined) versions.push([bucket, key, intent.version]);
      const parent = parentOf(key);
      if (intent.keepParent === true && parent !== '') {
        add(parents, bucket, parent);
        add(slots, bucket, parent);
      }
    }
    if (intent.kind === 'put') {
      for (const path of ancestorsOf(key)) add(directories, bucket, path);
      if (intent.completesUpload !== undefined) uploads.push(intent.completesUpload);
    }
  }
  return {
    buckets,
    slots: [...slots.values()],
    lockPaths: [...paths.values()],
    directories: [...directories.values()],
    parents: [...parents.values()],
    versions,
    uploads: uploads.filter((id) => /^[0-9a-f]{32}$/.test(id)),
  };
}

function columns(paths: readonly (readonly [BucketId, string, ...string[]])[]): [number[], string[]] {
  return [paths.map(([bucket]) => bucket), paths.map(([, key]) => key)];
}

function list<T>(text: Text | undefined): T[] {
  return text == null ? [] : JSON.parse(text);
}

function nextOf([
  versionId,
  visibility,
  deleteMarker,
  nodeId,
  size,
  etag,
  modified,
  mtime,
  created,
  attributes,
  properties,
]: NextJson): NamedVersion['next'] {
  const state = { versionId, visibility, deleteMarker, live: !deleteMarker, nodeId, size, etag, modified, mtime, created };
  return { ...state, attributes, properties };
}
