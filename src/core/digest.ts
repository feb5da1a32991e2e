/** Whole-object checksums that a protocol may ask the content store to compute in its one pass. Values are raw bytes, big-endian for CRCs and XXHs (as S3 base64-encodes them). */
export const DIGEST_NAMES = [
  'md5',
  'sha1',
  'sha256',
  'sha512',
  'crc32',
  'crc32c',
  'crc64nvme',
  'xxhash64',
  'xxhash3',
  'xxhash128',
] as const;
export type DigestName = (typeof DIGEST_NAMES)[number];
export type Digests = Partial<Record<DigestName, Buffer>>;
