import type { ChunkIndex } from '#contracts/chunk-index';
import type { ChunkPlace, ChunkRecord, LeafRecord, Staged } from '#contracts/content';
import type { DomainId } from '#core/content-ref';

export interface MemoryChunks extends ChunkIndex {
  /** Uploads whose lease runs. */
  leases(): number;
  condemn(domain: DomainId, ids: Buffer[]): void;
  quarantine(domain: DomainId, ids: Buffer[]): void;
  /** What a commit does with what was staged. */
  commit(staged: Staged): void;
}

/** A chunk index that ends with the process. */
export function memoryChunks(): MemoryChunks {
  const chunks = new Map<string, { place: ChunkPlace; size: number; condemned: boolean; damaged: boolean }>();
  const leaves = new Map<string, Buffer>();
  let leases = 0;
  const keyOf = (domain: DomainId, id: Buffer): string => `${domain} ${id.toString('hex')}`;

  function record(domain: DomainId, added: ChunkRecord[], addedLeaves: LeafRecord[]): void {
    for (const { id, size, store, pack, offset, length } of added) {
      const known = chunks.get(keyOf(domain, id));
      if (known === undefined || known.condemned || known.damaged) {
        chunks.set(keyOf(domain, id), { place: { store, pack, offset, length }, size, condemned: false, damaged: false });
      }
    }
    for (const { id, entries } of addedLeaves) leaves.set(keyOf(domain, id), Buffer.from(entries));
  }

  return {
    async lease() {
      leases++;
      let held = true;
      return {
        end() {
          if (held) leases--;
          held = false;
        },
      };
    },
    async claim(domain, ids) {
      return ids.map((id) => {
        const found = chunks.get(keyOf(domain, id));
        return found === undefined || found.condemned || found.damaged ? null : found.place;
      });
    },
    async claimSizes(domain, ids) {
      return ids.map((id) => {
        const found = chunks.get(keyOf(domain, id));
        return found === undefined || found.condemned || found.damaged ? null : found.size;
      });
    },
    record: async (...args) => record(...args),
    places: async (domain, ids) =>
      ids.map((id) => {
        const found = chunks.get(keyOf(domain, id));
        return found?.damaged ? { ...found.place, damaged: true } : (found?.place ?? null);
      }),
    leaves: async (domain, ids) => ids.map((id) => leaves.get(keyOf(domain, id)) ?? null),
    leases: () => leases,
    condemn(domain, ids) {
      for (const id of ids) chunks.get(keyOf(domain, id))!.condemned = true;
    },
    quarantine(domain, ids) {
      for (const id of ids) chunks.get(keyOf(domain, id))!.damaged = true;
    },
    commit: (staged) => record(staged.content.domain, staged.chunks, staged.leaves),
  };
}
