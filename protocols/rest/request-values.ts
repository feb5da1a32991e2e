import type { IncomingHttpHeaders } from 'node:http';
import type { DigestName, Digests } from '#core/digest';
import { CloudStoreError } from '#core/errors';

const YEAR_1 = -62_135_596_800_000;
const YEAR_9999 = 253_402_300_799_999;

/** A client's modification time: milliseconds since the epoch, or ISO 8601 with a zone. @throws invalid_argument */
export function parseTime(text: string): number {
  const ms = /^-?\d{1,15}$/.test(text) ? Number(text) : ISO.test(text) ? Date.parse(text) : Number.NaN;
  if (!(ms >= YEAR_1 && ms <= YEAR_9999)) {
    throw new CloudStoreError('invalid_argument', 'A time is milliseconds since 1970 or an ISO 8601 date with a zone.');
  }
  return ms;
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/** Structured field keys of RFC 9530 and our names of the same. */
const ALGORITHMS: Record<string, DigestName> = { 'sha-256': 'sha256', md5: 'md5', sha: 'sha1', crc32c: 'crc32c' };
const SIZES: Partial<Record<DigestName, number>> = { md5: 16, sha1: 20, sha256: 32, crc32c: 4 };

/**
 * Checksums that a PUT declares: `Repr-Digest` and `Content-Digest` (RFC 9530; algorithms that we do not know are passed over, as
 * it says), `Content-MD5` (base64), `X-Checksum-SHA256` (hex or base64).
 * @throws invalid_argument when one cannot be read, or two of one algorithm differ
 */
export function declaredDigests(headers: IncomingHttpHeaders): Digests {
  const out: Digests = {};
  const declare = (name: DigestName, value: Buffer, header: string): void => {
    const before = out[name];
    if (value.length !== SIZES[name] || (before !== undefined && !before.equals(value))) throw unreadable(header);
    out[name] = value;
  };
  for (const header of ['repr-digest', 'content-digest']) {
    const text = headers[header];
    if (typeof text !== 'string') continue;
    for (const member of text.split(',')) {
      const match = /^\s*([a-z0-9*._-]+)=:([A-Za-z0-9+/]*={0,2}):\s*$/.exec(member);
      if (match === null) throw unreadable(header);
      const [, algorithm = '', value = ''] = match;
      if (Object.hasOwn(ALGORITHMS, algorithm)) {
        declare(ALGORITHMS[algorithm] as DigestName, Buffer.from(value, 'base64'), header);
      }
    }
  }
  const md5 = headers['content-md5'];
  if (typeof md5 === 'string') declare('md5', Buffer.from(md5, 'base64'), 'content-md5');
  const sha256 = headers['x-checksum-sha256'];
  if (typeof sha256 === 'string') {
    const hex = /^[0-9a-f]{64}$/i.test(sha256);
    declare('sha256', Buffer.from(sha256, hex ? 'hex' : 'base64'), 'x-checksum-sha256');
  }
  return out;
}

function unreadable(header: string): CloudStoreError {
  return new CloudStoreError('invalid_argument', `The header ${header} cannot be read.`);
}
