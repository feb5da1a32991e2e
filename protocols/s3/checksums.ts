import type { IncomingHttpHeaders } from 'node:http';
import type { DigestName, Digests } from '#core/digest';
import type { StoredChecksum } from '#core/object';
import { S3Error } from './errors.ts';

/** S3's checksum algorithms: the header, the member of AWS's model, the length in bytes. */
export const ALGORITHMS = {
  crc32: { header: 'x-amz-checksum-crc32', member: 'ChecksumCRC32', name: 'CRC32', bytes: 4 },
  crc32c: { header: 'x-amz-checksum-crc32c', member: 'ChecksumCRC32C', name: 'CRC32C', bytes: 4 },
  crc64nvme: { header: 'x-amz-checksum-crc64nvme', member: 'ChecksumCRC64NVME', name: 'CRC64NVME', bytes: 8 },
  sha1: { header: 'x-amz-checksum-sha1', member: 'ChecksumSHA1', name: 'SHA1', bytes: 20 },
  sha256: { header: 'x-amz-checksum-sha256', member: 'ChecksumSHA256', name: 'SHA256', bytes: 32 },
  sha512: { header: 'x-amz-checksum-sha512', member: 'ChecksumSHA512', name: 'SHA512', bytes: 64 },
  md5: { header: 'x-amz-checksum-md5', member: 'ChecksumMD5', name: 'MD5', bytes: 16 },
  xxhash64: { header: 'x-amz-checksum-xxhash64', member: 'ChecksumXXHASH64', name: 'XXHASH64', bytes: 8 },
  xxhash3: { header: 'x-amz-checksum-xxhash3', member: 'ChecksumXXHASH3', name: 'XXHASH3', bytes: 8 },
  xxhash128: { header: 'x-amz-checksum-xxhash128', member: 'ChecksumXXHASH128', name: 'XXHASH128', bytes: 16 },
} as const satisfies Partial<Record<DigestName, { header: string; member: string; name: string; bytes: number }>>;

export type ChecksumName = keyof typeof ALGORITHMS;
export const CHECKSUM_NAMES = Object.keys(ALGORITHMS) as ChecksumName[];

export interface DeclaredChecksum {
  name: ChecksumName;
  value: Buffer;
}

/**
 * The one checksum that the headers give along. @throws InvalidRequest for two, for a malformed or an unknown one
 * @param ofParts it may end in how many parts it is of
 */
export function declaredChecksum(headers: IncomingHttpHeaders, ofParts = false): DeclaredChecksum | null {
  let found: DeclaredChecksum | null = null;
  for (const header in headers) {
    if (!header.startsWith('x-amz-checksum-')) continue;
    const suffix = header.slice(15);
    if (suffix === 'mode' || suffix === 'algorithm' || suffix === 'type') continue;
    if (found !== null)
      throw new S3Error('InvalidRequest', 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
    const text = String(headers[header]);
    found = readChecksum(header, ofParts ? text.replace(/-\d{1,5}$/, '') : text);
  }
  return found;
}

/** @throws InvalidRequest, NotImplemented for an algorithm that is not ours */
export function readChecksum(header: string, text: string): DeclaredChecksum {
  const name = CHECKSUM_NAMES.find((one) => ALGORITHMS[one].header === header);
  if (name === undefined)
    throw new S3Error('NotImplemented', `The checksum of ${header} is not implemented.`, { Header: header });
  const value = Buffer.from(text, 'base64');
  if (value.length !== ALGORITHMS[name].bytes || value.toString('base64') !== text) {
    throw new S3Error('InvalidRequest', `Value for ${header} header is invalid.`);
  }
  return { name, value };
}

/** `CRC32` and the like, as x-amz-sdk-checksum-algorithm and x-amz-checksum-algorithm name them. @throws InvalidRequest */
export function checksumNamed(text: string | undefined): ChecksumName | null {
  if (text === undefined) return null;
  const name = text.toLowerCase();
  if (Object.hasOwn(ALGORITHMS, name)) return name as ChecksumName;
  throw new S3Error(
    'InvalidRequest',
    'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256, SHA512, XXHASH128, XXHASH3, XXHASH64]',
  );
}

/** Content-MD5 (RFC 1864). @throws InvalidDigest */
export function contentMd5(headers: IncomingHttpHeaders): Buffer | null {
  const text = headers['content-md5'];
  if (typeof text !== 'string') return null;
  const value = Buffer.from(text, 'base64');
  if (value.length !== 16) throw new S3Error('InvalidDigest', undefined, { 'Content-MD5': text.slice(0, 100) });
  return value;
}

/** The members of an answer that carry a stored checksum. */
export function checksumMembers(checksum: StoredChecksum | undefined): Record<string, string> {
  if (checksum === undefined || !Object.hasOwn(ALGORITHMS, checksum.algorithm)) return {};
  return { [ALGORITHMS[checksum.algorithm as ChecksumName].member]: checksum.value, ChecksumType: checksum.type };
}

/** Of the digests that were computed, what the object keeps as its checksum. */
export function storedChecksum(name: ChecksumName, digests: Digests): StoredChecksum | undefined {
  const value = digests[name];
  return value === undefined ? undefined : { algorithm: name, value: value.toString('base64'), type: 'FULL_OBJECT' };
}
