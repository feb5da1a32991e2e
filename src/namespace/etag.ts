import { createHash } from 'node:crypto';
import type { Random } from '#core/clock';
import type { Digests } from '#core/digest';
import { CloudStoreError } from '#core/errors';

/** Of nothing; a folder's marker has it. */
export const EMPTY_MD5 = 'd41d8cd98f00b204e9800998ecf8427e';

/** 32 hex digits, `-`, digits: no S3 tool takes it for an MD5 and compares. */
export function opaqueEtag(random: Random): string {
  return `${random(16).toString('hex')}-1`;
}

/** AWS's ETag of an object put in one piece: the MD5 in hex. */
export function md5Etag(digests: Digests): string {
  if (digests.md5 === undefined) throw new CloudStoreError('internal', 'No MD5 was computed.');
  return digests.md5.toString('hex');
}

/** AWS's ETag of a multipart upload: the MD5 of the parts' binary MD5s, `-`, their number. */
export function multipartEtag(partEtags: readonly string[]): string {
  const hash = createHash('md5');
  for (const etag of partEtags) hash.update(Buffer.from(etag, 'hex'));
  return `${hash.digest('hex')}-${partEtags.length}`;
}
