import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import type { DigestName } from '#core/digest';
import { isXxHash, openXxHash } from '#core/xxhash';
import { createCrc64 } from './small-digest.ts';

/** A digest of bytes as they pass the door; what is stored as it came is hashed by the content store, in its one pass. */
export interface StreamingDigest {
  update(bytes: Buffer): void;
  digest(): Buffer;
}

export async function streamingDigest(name: DigestName): Promise<StreamingDigest> {
  if (isXxHash(name)) return openXxHash(name);
  switch (name) {
    case 'crc32':
      return crcOf((bytes, before) => crc32(bytes, before));
    case 'crc32c':
      return crcOf((bytes, before) => crc32c(bytes, before));
    case 'crc64nvme':
      return createCrc64();
    default: {
      const hash = createHash(name);
      return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
    }
  }
}

function crcOf(step: (bytes: Buffer, before: number) => number): StreamingDigest {
  let value = 0;
  return {
    update(bytes) {
      value = step(bytes, value);
    },
    digest() {
      const out = Buffer.alloc(4);
      out.writeUInt32BE(value >>> 0);
      return out;
    },
  };
}
