import type { ExpiryStore } from '#contracts/expiry-store';
import type { IdempotencyStore } from '#contracts/idempotency-store';
import type { Job } from '#contracts/jobs';
import type { ThumbnailStore } from '#contracts/thumbnails';

const HOUR_MS = 3600 * 1000;
/** After that a thumbnail is made again when somebody looks. */
const THUMBNAIL_MS = 30 * 24 * HOUR_MS;

/** A list of an object may come a moment before its version: for so long it waits for it. */
const LIST_MS = 2 * 24 * HOUR_MS;

/** Answers that are given again no more, thumbnails that nobody may want any more, and lists (ACLs) of versions that have gone. */
export function createExpireKeptJob({
  idempotency,
  thumbnails,
  expiry,
}: {
  idempotency: IdempotencyStore;
  thumbnails: ThumbnailStore;
  expiry: Pick<ExpiryStore, 'lists'>;
}): Job {
  return {
    name: 'expire-kept',
    everyMs: HOUR_MS,
    async run({ signal, progress }) {
      let done = 0;
      const lists = async (): Promise<number> => (await expiry.lists(LIST_MS)).count;
      for (const expire of [() => idempotency.expire(), () => thumbnails.expire(THUMBNAIL_MS), lists]) {
        for (let gone = await expire(); gone > 0; gone = await expire()) {
          done += gone;
          progress({ done, total: null, unit: 'rows' });
          signal.throwIfAborted();
        }
      }
    },
  };
}
