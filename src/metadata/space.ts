import type { SpaceStore } from '#contracts/space-report';
import type { Database } from './database.ts';

const STORED = {
  name: 'space-stored',
  text: `SELECT h.objects, h.bytes, s.versions, s.version_bytes, s.chunks, s.plain_bytes, s.stored_bytes
           FROM (SELECT coalesce(sum(objects), 0)::bigint AS objects, coalesce(sum(bytes), 0)::bigint AS bytes FROM bucket_heads) h,
                (SELECT coalesce(sum(versions), 0)::bigint AS versions, coalesce(sum(version_bytes), 0)::bigint AS version_bytes,
                        coalesce(sum(chunks), 0)::bigint AS chunks, coalesce(sum(plain_bytes), 0)::bigint AS plain_bytes,
                        coalesce(sum(stored_bytes), 0)::bigint AS stored_bytes FROM space) s`,
};

/** The contract is SpaceStore. */
export function createSpaceStore(database: Database): SpaceStore {
  return {
    async stored() {
      const rows = await database.read<[number, number, number, number, number, number, number]>(STORED);
      const [objects, bytes, versions, versionBytes, chunks, plainBytes, storedBytes] = rows[0]!;
      return { objects, bytes, versions, versionBytes, chunks, plainBytes, storedBytes };
    },
  };
}
