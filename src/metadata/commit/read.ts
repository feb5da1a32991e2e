import type { BucketId } from '#core/address';
import { ancestorsOf, parentOf } from '#core/address';
import type { Versioning } from '#core/bucket';
import type { ObjectAttributes, Visibility } from '#core/object';
import type { Session } from '../database.ts';
import { type LockRow, lockOf, lockPaths, withoutSlash } from '../locks.ts';
import { DIRECTORY_COLUMNS, directoryOf, endOf } from '../rows.ts';
import { type BatchState, type Intent, type NamedVersion, slotKey } from './state.ts';

/** One statement, so one snapshot: what the heads say then, is what all the rest goes with. */
const READ = {
  name: 'commit-read',
  text: `SELECT
    (SELECT json_agg(json_build_array(b.id, b.owner, b.domain, b.versioning, h.revision, h.seq, h.epoch, p.quota_bytes, coalesce(u.bytes, 0)))
       FROM unnest($1::int[]) AS x(id) JOIN buckets b ON b.id = x.id JOIN bucket_heads h ON h.bucket_id = b.id
       LEFT JOIN principals p ON p.id = b.owner LEFT JOIN usage u ON u.principal = b.owner),
    (SELECT json_agg(json_build_array(s.bucket_id, s.key, s.id, s.live, encode(s.version_id, 'hex'), s.visibility, s.delete_marker, s.node_id,
                                      s.size, s.etag, s.modified_ms, s.mtime_ms, s.created_ms, s.attributes, s.properties, encode(v.id, 'hex')))
       FROM unnest($2::int[], $3::text[]) AS x(bucket_id, key) JOIN slots s ON s.bucket_id = x.bucket_id AND s.key = x.key
       LEFT JOIN versions v ON v.slot_id = s.id AND v.visibility = 'null'),
    (SELECT json_agg(json_build_array(l.token, l.bucket_id, l.key, l.principal, l.exclusive, l.infinite, l.owner_xml, l.timeout_ms, l.expires_ms))
       FROM unnest($4::int[], $5::text[]) AS x(bucket_id, key) JOIN locks l ON l.bucket_id = x.bucket_id AND l.key = x.key
      WHERE l.expires_ms > $6),
    (SELECT json_agg(json_build_array(d.bucket_id, ${DIRECTORY_COLUMNS}))
       FROM unnest($7::int[], $8::text[]) AS x(bucket_id, path) JOIN directories d ON d.bucket_id = x.bucket_id AND d.path = x.path),
    (SELECT json_agg(json_build_array(s.bucket_id, s.key, encode(v.id, 'hex'), v.visibility, v.delete_marker,
                                      v.legal_hold OR coalesce(v.retain_until_ms, 0) > $6, n.row))
       FROM unnest($9::int[], $10::text[], $11::text[]) AS x(bucket_id, key, version)
       JOIN slots s ON s.bucket_id = x.bucket_id AND s.key = x.key
       JOIN versions v ON v.slot_id = s.id AND CASE WHEN x.version = 'null' THEN v.visibility = 'null' ELSE encode(v.id, 'hex') = x.version END
       LEFT JOIN LATERAL (
         SELECT json_build_array(encode(w.id, 'hex'), w.visibility, w.delete_marker, w.node_id, w.size, w.etag, w.modified_ms, w.mtime_ms,
                                 w.created_ms, w.attributes) AS row
           FROM versions w WHERE w.slot_id = s.id AND w.visibility <> 'hidden' AND w.id <> v.id ORDER BY w.seq DESC LIMIT 1) n ON true),
    (SELECT json_agg(json_build_array(x.bucket_id, x.path)) FROM unnest($12::int[], $13::text[], $14::text[]) AS x(bucket_id, path, high)
      WHERE EXISTS (SELECT 1 FROM slots s WHERE s.bucket_id = x.bucket_id AND s.live AND s.key >= x.path AND s.key < x.high COLLATE "C"
                      AND s.key <> ALL($3::text[]))),
    (SELECT json_agg(json_build_array(encode(u.id, 'hex'), u.bucket_id, u.key, encode(u.completed_version, 'hex')))
       FROM unnest($15::text[]) AS x(id) JOIN uploads u ON u.id = decode(x.id, 'hex'))`,
};

type Text = string | null;
type BucketJson = [number, number, number, Versioning, number, number, number, number | null, number];
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
type DirectoryJson = [number, string, number, boolean, string, number, number, number, Record<string, string> | null];
type NextJson = [string, Visibility, boolean, number, number, string, number, number, number, ObjectAttributes];
type VersionJson = [number, string, string, Visibility, boolean, boolean, NextJson | null];

/** Reads all that the intents touch. */
export async function readBatch(session: Session, intents: readonly Intent[], now: number): Promise<BatchState> {
  const touched = touchedBy(intents);
  const values = [
    [...touched.buckets],
    ...columns(touched.slots),
    ...columns(touched.lockPaths),
    now,
    ...columns(touched.directories),
    touched.versions.map((one) => one[0]),
    touched.versions.map((one) => one[1]),
    touched.versions.map((one) => one[2]),
    ...columns(touched.parents),
    touched.parents.map(([, path]) => endOf(path)),
    touched.uploads,
  ];
  const rows = await session.query<[Text, Text, Text, Text, Text, Text, Text]>(READ, values);
  const [buckets, slots, locks, directories, versions, occupied, uploads] = rows[0]!;
  const state: BatchState = {
    now,
    buckets: new Map(),
    accounts: new Map(),
    slots: new Map(),
    directories: new Map(),
    locks: list<LockRow>(locks).map(lockOf),
    versions: new Map(),
    occupied: new Set(list<[number, string]>(occupied).map(([bucket, path]) => slotKey(bucket, path))),
    uploads: new Map(),
  };
  for (const [id, owner, domain, versioning, revision, seq, epoch, quotaBytes, usedBytes] of list<BucketJson>(buckets)) {
    state.buckets.set(id, { id, owner, domain, versioning, revision, seq, epoch });
    state.accounts.set(owner, { quotaBytes, usedBytes });
  }
  for (const row of list<SlotJson>(slots)) {
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
  for (const [bucket, path, id, explicit, identity, revision, modified, created, properties] of list<DirectoryJson>(
    directories,
  )) {
    const info = directoryOf(bucket, [path, id, explicit, identity, revision, modified, created, null]);
    state.directories.set(slotKey(bucket, path), { ...info, properties });
  }
  for (const [bucket, key, id, visibility, deleteMarker, held, next] of list<VersionJson>(versions)) {
    state.versions.set(slotKey(bucket, key), { id, visibility, deleteMarker, held, next: next === null ? null : nextOf(next) });
  }
  for (const [id, bucket, key, completedVersion] of list<[string, number, string, Text]>(uploads)) {
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

function columns(paths: Path[]): [number[], string[]] {
  return [paths.map(([bucket]) => bucket), paths.map(([, key]) => key)];
}

function list<T>(text: Text): T[] {
  return text === null ? [] : JSON.parse(text);
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
]: NextJson): NamedVersion['next'] {
  return { versionId, visibility, deleteMarker, live: !deleteMarker, nodeId, size, etag, modified, mtime, created, attributes };
}
