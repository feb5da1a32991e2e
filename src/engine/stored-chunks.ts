import type { ChunkPlace, ChunkRecord } from '#contracts/content';
import type { DomainKeys } from '#contracts/keyring';
import type { Log } from '#contracts/log';
import { dispose } from '#core/stream';
import type { Gate } from './gate.ts';
import type { PlainChunk, Seal } from './sealer.ts';

export interface StoreOptions {
  /** Wait for the fsync; else the caller syncs. */
  durable: boolean;
  /** Where the chunk lies already, which the database is still being asked: it is sealed meanwhile, and not appended then. */
  claimed?: Promise<ChunkPlace | null>;
  /** Somebody waits for it: it is sealed here and now, and waits for no thread. */
  soon?: boolean;
  /** Called when the plaintext is not needed any more; once more changes nothing. */
  done(): void;
}

/** Seals a chunk and appends it to the log. Two bodies that bring the same new chunk at a time store it once. */
export type StoreChunk = (domain: DomainKeys, chunk: PlainChunk, options: StoreOptions) => Promise<ChunkRecord>;

export interface StoreChunkDeps {
  seal: Seal;
  log: Log;
  /** What is on its way to the disk. Small contents have a bound of their own, so that none waits behind the megabytes of somebody's film. */
  gates: { small: Gate; bulk: Gate };
}

export function createStoreChunk({ seal, log, gates }: StoreChunkDeps): StoreChunk {
  const running = new Map<string, Promise<ChunkPlace>>();

  async function store(
    domain: DomainKeys,
    chunk: PlainChunk,
    { durable, claimed, soon = false, done }: StoreOptions,
  ): Promise<ChunkPlace> {
    const leave = await (durable ? gates.small : gates.bulk).enter(chunk.size);
    try {
      const { record, borrowed, crc, blocks } = await seal(domain, chunk, soon);
      if (!borrowed) done();
      try {
        const there = await claimed;
        return there ?? (await (durable ? log.append(record, crc) : log.appendUnsynced(record, crc, blocks)));
      } finally {
        for (const bytes of record) dispose(bytes);
      }
    } finally {
      done();
      leave();
    }
  }

  return async (domain, chunk, options) => {
    const key = `${domain.id}:${chunk.id.toString('latin1')}`;
    const { id, size } = chunk;
    const other = running.get(key);
    const shared = await other?.catch(() => null); // if it could not, perhaps we can
    if (shared) {
      options.done();
      if (options.durable) await log.sync([shared]);
      return { id, size, ...shared };
    }
    const place = store(domain, chunk, options);
    running.set(key, place);
    try {
      return { id, size, ...(await place) };
    } finally {
      if (running.get(key) === place) running.delete(key);
    }
  };
}
