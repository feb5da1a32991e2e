import type { LeafRecord } from '#contracts/content';
import { type ChunkRef, LEAF_CHUNKS_MAX } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import type { Hashes } from './hashes.ts';

/**
 * Leaves are cut by content too: behind a chunk whose id begins with a byte of zero, so that a change in the middle of a large file leaves all
 * leaves but one or two as they were. About 64 + 256 chunks on average.
 */
const LEAF_CHUNKS_MIN = 64;
const ENTRY_BYTES = 36;

/** Turns chunks, in order, into leaves. */
export interface LeafCutter {
  add(chunk: ChunkRef): void;
  /** The leaves that are complete since the last call; with `end`, also the last. */
  take(end: boolean): LeafRecord[];
}

export function createLeafCutter(hashes: Hashes, chunkIdKey: Buffer): LeafCutter {
  let entries = Buffer.alloc(ENTRY_BYTES * LEAF_CHUNKS_MAX);
  let count = 0;
  let size = 0;
  let leaves: LeafRecord[] = [];

  function cut(): void {
    const bytes = Buffer.from(entries.subarray(0, count * ENTRY_BYTES));
    const hasher = hashes.keyed(chunkIdKey);
    hasher.update(bytes);
    leaves.push({ id: hasher.digest(), size, entries: bytes });
    count = 0;
    size = 0;
  }

  return {
    add(chunk) {
      const at = count++ * ENTRY_BYTES;
      chunk.id.copy(entries, at);
      entries.writeUInt32BE(chunk.size, at + 32);
      size += chunk.size;
      if (count === LEAF_CHUNKS_MAX || (count >= LEAF_CHUNKS_MIN && chunk.id[0] === 0)) cut();
    },
    take(end) {
      if (end && count > 0) cut();
      if (end) entries = Buffer.alloc(0);
      const out = leaves;
      leaves = [];
      return out;
    },
  };
}

/** @throws corrupt */
export function decodeLeaf(entries: Buffer, size: number): ChunkRef[] {
  const count = entries.length / ENTRY_BYTES;
  if (!Number.isInteger(count) || count === 0 || count > LEAF_CHUNKS_MAX) throw bad();
  let total = 0;
  const chunks = Array.from({ length: count }, (_, index) => {
    const at = index * ENTRY_BYTES;
    const chunk = { id: entries.subarray(at, at + 32), size: entries.readUInt32BE(at + 32) };
    total += chunk.size;
    return chunk;
  });
  if (total !== size) throw bad();
  return chunks;
}

function bad(): CloudStoreError {
  return new CloudStoreError('corrupt', 'A leaf of a manifest cannot be read.');
}
