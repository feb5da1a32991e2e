import { CloudStoreError } from './errors.ts';

/** Dedupe domain: the owner who pays the quota. Chunk ids, gear table and encryption keys are a domain's own. */
export type DomainId = number;

/** One entry of a manifest's leaf, or a whole object of one chunk. `id` is 32 bytes, keyed; `size` is plaintext bytes. */
export interface ChunkRef {
  id: Buffer;
  size: number;
}

/** A content-addressed run of up to 1,024 chunks. */
export interface LeafRef {
  id: Buffer;
  /** Plaintext bytes below this leaf. */
  size: number;
}

/** Where an object's bytes are: sealed in its row, one chunk, or a manifest of leaves. Copies share it. */
export type ContentRef =
  | { kind: 'inline'; domain: DomainId; size: number; sealed: Buffer }
  | { kind: 'chunk'; domain: DomainId; size: number; id: Buffer }
  | { kind: 'manifest'; domain: DomainId; size: number; leaves: LeafRef[] };

export const INLINE_BYTES_MAX = 1024;
export const LEAF_CHUNKS_MAX = 1024;

const INLINE = 1;
const CHUNK = 2;
const MANIFEST = 3;
const ID_BYTES = 32;
const LEAF_BYTES = ID_BYTES + 8;

/**
 * Layout (big-endian): u8 format (1), u8 kind, u32 domain, u64 size, then inline: the sealed bytes; chunk: its id (32);
 * manifest: for each leaf its id (32) and u64 size. Golden bytes in test/golden.
 */
export function encodeContentRef(ref: ContentRef): Buffer {
  const tail = ref.kind === 'inline' ? ref.sealed.length : ref.kind === 'chunk' ? ID_BYTES : ref.leaves.length * LEAF_BYTES;
  const out = Buffer.allocUnsafe(14 + tail);
  out[0] = 1;
  out[1] = ref.kind === 'inline' ? INLINE : ref.kind === 'chunk' ? CHUNK : MANIFEST;
  out.writeUInt32BE(ref.domain, 2);
  out.writeBigUInt64BE(BigInt(ref.size), 6);
  if (ref.kind === 'inline') ref.sealed.copy(out, 14);
  else if (ref.kind === 'chunk') ref.id.copy(out, 14);
  else {
    let at = 14;
    for (const leaf of ref.leaves) {
      leaf.id.copy(out, at);
      out.writeBigUInt64BE(BigInt(leaf.size), at + ID_BYTES);
      at += LEAF_BYTES;
    }
  }
  return out;
}

/** @throws corrupt */
export function decodeContentRef(bytes: Buffer): ContentRef {
  if (bytes.length < 14 || bytes[0] !== 1) throw bad();
  const domain = bytes.readUInt32BE(2);
  const size = Number(bytes.readBigUInt64BE(6));
  if (!Number.isSafeInteger(size)) throw bad();
  const tail = bytes.subarray(14);
  switch (bytes[1]) {
    case INLINE:
      return { kind: 'inline', domain, size, sealed: tail };
    case CHUNK:
      if (tail.length !== ID_BYTES) throw bad();
      return { kind: 'chunk', domain, size, id: tail };
    case MANIFEST: {
      if (tail.length % LEAF_BYTES !== 0) throw bad();
      const leaves: LeafRef[] = [];
      let total = 0;
      for (let at = 0; at < tail.length; at += LEAF_BYTES) {
        const leafSize = Number(tail.readBigUInt64BE(at + ID_BYTES));
        leaves.push({ id: tail.subarray(at, at + ID_BYTES), size: leafSize });
        total += leafSize;
      }
      if (total !== size) throw bad();
      return { kind: 'manifest', domain, size, leaves };
    }
    default:
      throw bad();
  }
}

function bad(): CloudStoreError {
  return new CloudStoreError('corrupt', 'A content reference cannot be read.');
}
