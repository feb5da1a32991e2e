import type { LifecycleRows } from '#contracts/lifecycle-rows';
import type { Database } from './database.ts';

type Row = [string, number, string, boolean, boolean, boolean, number, number, number | null, string | null];

/** By slots in the order of their keys; a slot's versions are few beside the scan, so they are sorted as they come. */
const VERSIONS = {
  name: 'lifecycle-versions',
  text: `SELECT s.key, v.seq, encode(v.id, 'hex'), v.id IS NOT DISTINCT FROM s.version_id, v.delete_marker,
                v.delete_marker AND NOT EXISTS (SELECT 1 FROM versions o WHERE o.slot_id = s.id AND o.id <> v.id AND o.visibility <> 'hidden'),
                v.size, v.modified_ms, v.superseded_ms, v.tags
           FROM slots s JOIN versions v ON v.slot_id = s.id
          WHERE s.bucket_id = $1 AND s.key >= $2 AND (s.key > $2 OR v.seq < $3) AND v.visibility <> 'hidden'
          ORDER BY s.key, v.seq DESC LIMIT $4`,
};

/** The contract is LifecycleRows. */
export function createLifecycleRows(database: Database): LifecycleRows {
  return {
    async versions(bucket, after, limit) {
      const rows = await database.read<Row>(VERSIONS, [bucket, after?.key ?? '', after?.seq ?? 0, limit]);
      return rows.map(([key, seq, versionId, current, deleteMarker, alone, size, modified, superseded, tags]) => ({
        key,
        seq,
        versionId,
        current,
        deleteMarker,
        alone,
        size,
        modified,
        superseded,
        tags: tags === null ? null : JSON.parse(tags),
      }));
    },
  };
}
