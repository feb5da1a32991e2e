import type { ChunkIndex } from '#contracts/chunk-index';
import type { ChunkPlace } from '#contracts/content';
import type { DomainId } from '#core/content-ref';

/** Places of chunks, asked for or claimed by all bodies of a domain, coalesced: what comes while one statement runs goes out together in the next. */
export type Claim = (domain: DomainId, ids: Buffer[]) => Promise<(ChunkPlace | null)[]>;

interface Waiting {
  ids: Buffer[];
  resolve(places: (ChunkPlace | null)[]): void;
  reject(error: unknown): void;
}

const IDS_MAX = 512;

export function createClaim(chunks: ChunkIndex): Claim {
  return coalesced((domain, ids) => chunks.claim(domain, ids));
}

/** As the index given, with look-ups of places coalesced: of many small reads at once one statement serves many. */
export function withSharedLooks(chunks: ChunkIndex): ChunkIndex {
  return { ...chunks, places: coalesced((domain, ids) => chunks.places(domain, ids)) };
}

function coalesced(ask: Claim): Claim {
  const queues = new Map<DomainId, Waiting[]>();

  async function run(domain: DomainId, queue: Waiting[]): Promise<void> {
    while (queue.length > 0) {
      let count = 0;
      let ids = 0;
      while (count < queue.length && (count === 0 || ids + queue[count]!.ids.length <= IDS_MAX))
        ids += queue[count++]!.ids.length;
      const batch = queue.splice(0, count);
      try {
        const places = await ask(
          domain,
          batch.flatMap((one) => one.ids),
        );
        let at = 0;
        for (const one of batch) one.resolve(places.slice(at, (at += one.ids.length)));
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    queues.delete(domain);
  }

  return (domain, ids) =>
    new Promise((resolve, reject) => {
      const waiting = { ids, resolve, reject };
      const queue = queues.get(domain);
      if (queue !== undefined) queue.push(waiting);
      else {
        const started = [waiting];
        queues.set(domain, started);
        void run(domain, started);
      }
    });
}
