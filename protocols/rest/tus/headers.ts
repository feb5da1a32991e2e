import type { IncomingHttpHeaders } from 'node:http';
import type { AnnouncedSum } from '#contracts/resumables';
import type { DigestName, Digests } from '#core/digest';
import { CloudStoreError } from '#core/errors';
import { RestError } from '../problems.ts';

/** https://tus.io/protocols/resumable-upload, version 1.0.0. */
export const TUS_VERSION = '1.0.0';
export const TUS_EXTENSIONS = 'creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,concatenation';
/** What is hashed; both ends know each by the name of the other's. */
const CHECKSUMS: Record<string, DigestName> = { sha1: 'sha1', md5: 'md5', sha256: 'sha256', crc32: 'crc32', crc32c: 'crc32c' };
const CHECKSUM_BYTES: Record<DigestName, number> = {
  sha1: 20,
  md5: 16,
  sha256: 32,
  sha512: 64,
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  xxhash64: 8,
  xxhash3: 8,
  xxhash128: 16,
};
export const TUS_CHECKSUMS = Object.keys(CHECKSUMS).join(',');
/** 16 TiB: more chunks would not fit into a manifest that a reader can hold. */
export const TUS_BYTES_MAX = 2 ** 44;
const METADATA_CHARS_MAX = 8192;
const CONCAT_PARTS_MAX = 100;

export type Concat = { kind: 'whole' } | { kind: 'partial' } | { kind: 'final'; ids: string[] };

/** @throws unsupported_tus_version */
export function assertVersion(headers: IncomingHttpHeaders): void {
  if (headers['tus-resumable'] === TUS_VERSION) return;
  throw new RestError('unsupported_tus_version', `This is tus ${TUS_VERSION}: send Tus-Resumable: ${TUS_VERSION}.`, {
    headers: { 'Tus-Version': TUS_VERSION },
  });
}

/** A count of bytes; undefined when the header is not there. @throws invalid_argument, too_large */
export function byteCount(headers: IncomingHttpHeaders, name: 'upload-length' | 'upload-offset'): number | undefined {
  const text = headers[name];
  if (text === undefined) return undefined;
  if (typeof text !== 'string' || !/^\d{1,16}$/.test(text)) throw refuse(`${name} is a whole number of bytes`);
  const count = Number(text);
  if (count > TUS_BYTES_MAX)
    throw new CloudStoreError('too_large', 'The upload is larger than an upload can be.', {
      details: { bytesMax: TUS_BYTES_MAX },
    });
  return count;
}

/** The length of a new upload; null: it comes later. @throws invalid_argument */
export function declaredLength(headers: IncomingHttpHeaders): number | null {
  const length = byteCount(headers, 'upload-length');
  const later = headers['upload-defer-length'];
  if (later !== undefined && later !== '1') throw refuse('Upload-Defer-Length is 1');
  if ((length === undefined) === (later === undefined)) throw refuse('one of Upload-Length and Upload-Defer-Length is sent');
  return length ?? null;
}

/** `name base64,name base64`; a name without a value is empty. @throws invalid_argument */
export function parseMetadata(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  if (text.length > METADATA_CHARS_MAX) throw refuse(`Upload-Metadata has at most ${METADATA_CHARS_MAX} characters`);
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const match = /^\s*([^\s,]{1,64})(?: ([A-Za-z0-9+/]*={0,2}))?\s*$/.exec(pair);
    if (match === null) throw refuse('Upload-Metadata is pairs of a name and a base64 value');
    const [, name = '', value = ''] = match;
    if (Object.hasOwn(out, name)) throw refuse(`Upload-Metadata holds ${name} twice`);
    try {
      out[name] = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'base64'));
    } catch (cause) {
      throw new CloudStoreError('invalid_argument', `The value of ${name} in Upload-Metadata is no UTF-8.`, { cause });
    }
  }
  return out;
}

/** `sha1 base64`: what the body of this very request has. @throws invalid_argument */
export function declaredChecksum(headers: IncomingHttpHeaders): Digests | undefined {
  const text = headers['upload-checksum'];
  if (text === undefined) return undefined;
  const match = typeof text === 'string' ? /^([a-z0-9]{1,16}) ([A-Za-z0-9+/]+={0,2})$/.exec(text.trim()) : null;
  const name = match !== null && Object.hasOwn(CHECKSUMS, match[1]!) ? CHECKSUMS[match[1]!] : undefined;
  if (name === undefined) throw refuse(`Upload-Checksum names one of ${TUS_CHECKSUMS}`);
  const value = Buffer.from(match![2]!, 'base64');
  if (value.length !== CHECKSUM_BYTES[name]) throw refuse('the value of Upload-Checksum is not of its length');
  return { [name]: value };
}

/**
 * What the whole file adds up to, of `Repr-Digest` (RFC 9530): `sha-256`, or `sha-256-8mib`, which is ours; others are passed over, as it says.
 * @throws invalid_argument
 */
export function announcedSum(headers: IncomingHttpHeaders): AnnouncedSum | null {
  const text = headers['repr-digest'];
  if (typeof text !== 'string') return null;
  for (const member of text.split(',')) {
    const match = /^\s*([a-z0-9*._-]+)=:([A-Za-z0-9+/]*={0,2}):\s*$/.exec(member);
    if (match === null) throw refuse('Repr-Digest is a dictionary of digests');
    const [, algorithm, value = ''] = match;
    if (algorithm !== 'sha-256' && algorithm !== 'sha-256-8mib') continue;
    if (Buffer.from(value, 'base64').length !== 32) throw refuse('a SHA-256 in Repr-Digest has 32 bytes');
    return { algorithm, value };
  }
  return null;
}

/** @param idOf the id that an address of an upload names; null when it is none of ours. @throws invalid_argument */
export function parseConcat(headers: IncomingHttpHeaders, idOf: (url: string) => string | null): Concat {
  const text = headers['upload-concat'];
  if (text === undefined) return { kind: 'whole' };
  if (text === 'partial') return { kind: 'partial' };
  const match = typeof text === 'string' ? /^final;(.+)$/.exec(text) : null;
  if (match === null) throw refuse('Upload-Concat is partial, or final; and addresses of partial uploads');
  const ids = match[1]!.trim().split(/\s+/).map(idOf);
  if (ids.length > CONCAT_PARTS_MAX) throw refuse(`an upload is made of at most ${CONCAT_PARTS_MAX} partial ones`);
  if (ids.some((id) => id === null)) throw refuse('Upload-Concat names what is no upload');
  return { kind: 'final', ids: ids as string[] };
}

function refuse(what: string): CloudStoreError {
  return new CloudStoreError('invalid_argument', `The upload is not understood: ${what}.`);
}
