import type { ThumbnailStore } from '#contracts/thumbnails';
import type { Clock } from '#core/clock';
import type { Database } from './database.ts';

const EXPIRED_MAX = 500;
const FIND = { name: 'thumbnail-find', text: 'SELECT sealed FROM thumbnails WHERE content = $1 AND size = $2' };
const PUT = {
  name: 'thumbnail-put',
  text: `INSERT INTO thumbnails (content, size, sealed, made_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (content, size) DO UPDATE SET sealed = excluded.sealed, made_ms = excluded.made_ms`,
};
const EXPIRE = {
  name: 'thumbnail-expire',
  text: `DELETE FROM thumbnails WHERE (content, size) IN (SELECT content, size FROM thumbnails WHERE made_ms < cs_now_ms() - $1::bigint
         ORDER BY made_ms LIMIT $2 FOR UPDATE SKIP LOCKED)`,
};

/** The contract is ThumbnailStore. */
export function createThumbnailStore({ database, clock }: { database: Database; clock: Clock }): ThumbnailStore {
  return {
    async find(content, size) {
      const rows = await database.read<[Buffer]>(FIND, [content, size]);
      return rows[0]?.[0] ?? null;
    },
    async put(content, size, sealed) {
      await database.execute(PUT, [content, size, sealed, clock.now()]);
    },
    expire: (olderMs) => database.execute(EXPIRE, [olderMs, EXPIRED_MAX]),
  };
}
