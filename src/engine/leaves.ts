import type { ChunkIndex } from '#contracts/chunk-index';
import type { DomainKeys } from '#contracts/keyring';
import type { Repair } from '#contracts/repair';
import type { ChunkRef, LeafRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import type { Hashes } from './hashes.ts';
import { decodeLeaf } from './manifest.ts';

export interface LeafDeps {
  chunks: ChunkIndex;
  hashes: Hashes;
  repair?: Repair;
}

/** Whether a leaf's entries are those that its id was made of: 5 µs for a full one, so every read asks. */
export function isLeafOf(hashes: Hashes, chunkIdKey: Buffer, id: Buffer, entries: Buffer): boolean {
  const hasher = hashes.keyed(chunkIdKey);
  hasher.update(entries);
  return hasher.digest().equals(id);
}

/** The chunks of some leaves, in order. @throws corrupt when one is missing or is not what its id says */
export async function readLeaves(deps: LeafDeps, domain: DomainKeys, leaves: LeafRef[]): Promise<ChunkRef[][]> {
  const found = await deps.chunks.leaves(
    domain.id,
    leaves.map(({ id }) => id),
  );
  const out: ChunkRef[][] = [];
  for (const [index, leaf] of leaves.entries()) {
    let entries = found[index] ?? null;
    if (entries === null || !isLeafOf(deps.hashes, domain.chunkIdKey, leaf.id, entries)) {
      const healed = (await deps.repair?.leaf(domain.id, leaf, entries)) ?? null;
      if (healed === null)
        throw new CloudStoreError('corrupt', `A leaf of a manifest is ${entries === null ? 'missing' : 'damaged'}.`);
      entries = healed;
    }
    out.push(decodeLeaf(entries, leaf.size));
  }
  return out;
}
