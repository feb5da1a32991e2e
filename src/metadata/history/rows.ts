import type { KeptVersion } from '#contracts/history-store';
import type { BucketId } from '#core/address';
import type { RetentionMode } from '#core/retention';
import { type ObjectRow, objectOf } from '../rows.ts';

/** A version with the name that its slot has now. */
export type VersionRow = [
  ...ObjectRow,
  deleteMarker: boolean,
  latest: boolean,
  superseded: number | null,
  mode: RetentionMode | null,
  until: number | null,
  legalHold: boolean,
];

/** Without the content, which only reads need. */
export const VERSION_COLUMNS = `s.key, encode(v.id, 'hex'), v.visibility, v.node_id, v.size, v.etag, v.modified_ms, v.mtime_ms, v.created_ms, v.attributes,
  NULL, NULL, v.delete_marker, coalesce(s.version_id = v.id, false), v.superseded_ms, v.retention_mode, v.retain_until_ms, v.legal_hold`;

export function keptVersion(bucket: BucketId, row: VersionRow): KeptVersion {
  const [deleteMarker, isLatest, superseded, mode, until, legalHold] = row.slice(12) as [
    boolean,
    boolean,
    number | null,
    RetentionMode | null,
    number | null,
    boolean,
  ];
  const retention = mode === null || until === null ? null : { mode, until };
  const lock = retention === null && !legalHold ? {} : { lock: { retention, legalHold } };
  return { ...objectOf(bucket, row), deleteMarker, isLatest, superseded, ...lock };
}

/** Nothing may remove it, by the database's clock; commits ask the earlier of two (commit/locking.ts). */
export const HELD = (alias: string) => `(${alias}.legal_hold OR coalesce(${alias}.retain_until_ms, 0) > cs_now_ms())`;
