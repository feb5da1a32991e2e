import type { ChunkIndex } from '#contracts/chunk-index';
import type { DomainKeys } from '#contracts/keyring';
import type { Repair } from '#contracts/repair';
import type { ChunkRef, LeafRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import type { Hashes } from './hashes.ts';
import { decodeLeaf } from './manifest.ts';
import type { PlainCache } from './plain-cache.ts';

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
  const entries = await readEntries(deps, domain, leaves);
  return leaves.map(({ size }, index) => decodeLeaf(entries[index]!, size));
}

/** As `readLeaves`, of one, which may be in memory from a read before: whoever reads a film by ranges asks for the same leaf each time. */
export async function readLeaf(deps: LeafDeps, cache: PlainCache, domain: DomainKeys, leaf: LeafRef): Promise<ChunkRef[]> {
  const key = `leaf ${domain.id}:${leaf.id.toString('latin1')}`;
  let entries = cache.get(key);
  if (entries === undefined) {
    const [read] = await readEntries(deps, domain, [leaf]);
    // A copy: what the database's driver gives may lie in a larger buffer.
    entries = Buffer.allocUnsafeSlow(read!.length);
    read!.copy(entries);
    cache.put(key, entries);
  }
  return decodeLeaf(entries, leaf.size);
}

async function readEntries({ chunks, hashes, repair }: LeafDeps, domain: DomainKeys, leaves: LeafRef[]): Promise<Buffer[]> {
  const found = await chunks.leaves(
    domain.id,
    leaves.map(({ id }) => id),
  );
  const out: Buffer[] = [];
  for (const [index, leaf] of leaves.entries()) {
    let entries = found[index] ?? null;
    if (entries === null || !isLeafOf(hashes, domain.chunkIdKey, leaf.id, entries)) {
      const healed = (await repair?.leaf(domain.id, leaf, entries)) ?? null;
      if (healed === null)
        throw new CloudStoreError('corrupt', `A leaf of a manifest is ${entries === null ? 'missing' : 'damaged'}.`);
      entries = healed;
    }
    out.push(entries);
  }
  return out;
}
