import type { IdempotencyStore } from '#contracts/idempotency-store';
import type { Job } from '#contracts/jobs';
import type { ThumbnailStore } from '#contracts/thumbnails';

const HOUR_MS = 3600 * 1000;
/** After that a thumbnail is made again when somebody looks. */
const THUMBNAIL_MS = 30 * 24 * HOUR_MS;

/** Answers that are given again no more, and thumbnails that nobody may want any more. */
export function createExpireKeptJob({
  idempotency,
  thumbnails,
}: {
  idempotency: IdempotencyStore;
  thumbnails: ThumbnailStore;
}): Job {
  return {
    name: 'expire-kept',
    everyMs: HOUR_MS,
    async run({ signal, progress }) {
      let done = 0;
      for (const expire of [() => idempotency.expire(), () => thumbnails.expire(THUMBNAIL_MS)]) {
        for (let gone = await expire(); gone > 0; gone = await expire()) {
          done += gone;
          progress({ done, total: null, unit: 'rows' });
          signal.throwIfAborted();
        }
      }
    },
  };
}
