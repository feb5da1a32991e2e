import { createCipheriv, hash, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Bucket } from '#core/bucket';
import type { Random } from '#core/clock';
import type { DigestName, Digests } from '#core/digest';
import { CloudStoreError } from '#core/errors';
import type { ObjectAttributes, ObjectInfo } from '#core/object';
import type { ByteRange } from '#core/range';
import type { Bytes } from '#core/stream';
import { documentOf, type EncryptionDocument } from './documents.ts';
import { S3Error } from './errors.ts';
import type { Upload } from './payload.ts';
import { streamingDigest } from './streaming-digest.ts';

/** S3's SSE-C: a key that comes with every request and is never kept. `md5` is the client's own text, given back. */
export interface CustomerKey {
  key: Buffer;
  md5: string;
}

/** What an object keeps of its customer's key. */
export type KeyMark = NonNullable<ObjectAttributes['customerKey']>;

const NONCE_BYTES = 12;
const BLOCK_BYTES = 16;
/** A whole object has a data key to itself, and so needs no nonce of its own. */
const NO_NONCE = Buffer.alloc(NONCE_BYTES);
const MISSING =
  'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.';

/**
 * The key that the headers bring along, null when they bring none.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
 * @param source of the copy source
 * @throws InvalidArgument, InvalidEncryptionAlgorithmError
 */
export function customerKeyOf(headers: IncomingHttpHeaders, source = false): CustomerKey | null {
  const prefix = source ? 'x-amz-copy-source-server-side-encryption-customer-' : 'x-amz-server-side-encryption-customer-';
  const [algorithm, keyText, md5] = ['algorithm', 'key', 'key-md5'].map((name) => headers[prefix + name] as string | undefined);
  if (algorithm === undefined && keyText === undefined && md5 === undefined) return null;
  const refuse = (what: string, name: string): S3Error => new S3Error('InvalidArgument', what, { ArgumentName: prefix + name });
  const need = 'Requests specifying Server Side Encryption with Customer provided keys must provide';
  if (algorithm === undefined) throw refuse(`${need} a valid encryption algorithm.`, 'algorithm');
  if (algorithm !== 'AES256')
    throw new S3Error('InvalidEncryptionAlgorithmError', undefined, { ArgumentName: `${prefix}algorithm` });
  if (keyText === undefined) throw refuse(`${need} an appropriate secret key.`, 'key');
  if (md5 === undefined) throw refuse(`${need} the client calculated MD5 of the secret key.`, 'key-md5');
  const key = Buffer.from(keyText, 'base64');
  if (key.length !== 32) throw refuse('The secret key was invalid for the specified algorithm.', 'key');
  if (hash('md5', key, 'base64') !== md5)
    throw refuse('The calculated MD5 hash of the key did not match the hash that was provided.', 'key-md5');
  if (!source && headers['x-amz-server-side-encryption'] !== undefined)
    throw refuse(
      'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
      'algorithm',
    );
  return { key, md5 };
}

/** The key for something new. @throws AccessDenied where the bucket keeps such objects out, as AWS's new buckets do */
export function newCustomerKey(headers: IncomingHttpHeaders, bucket: Bucket): CustomerKey | null {
  const key = customerKeyOf(headers);
  if (key === null) return null;
  const { Rules: [rule] = [] } = documentOf<EncryptionDocument>(bucket, 'encryption') ?? {};
  if (rule?.BlockedEncryptionTypes?.EncryptionType?.includes('SSE-C')) throw new S3Error('AccessDenied');
  return key;
}

/** A mark for a new object or upload. */
export function newMark({ key }: CustomerKey, random: Random): KeyMark {
  const salt = random(16);
  return { salt: salt.toString('base64'), check: derive(key, salt, 'check', 16).toString('base64') };
}

/**
 * The request's key for this object: null for an object that has none.
 * @throws InvalidRequest when one is missing or not wanted, AccessDenied when it is another
 */
export function assertKeyFits(
  headers: IncomingHttpHeaders,
  { attributes }: Pick<ObjectInfo, 'attributes'>,
  source = false,
): CustomerKey | null {
  const given = customerKeyOf(headers, source);
  const mark = attributes.customerKey;
  if (mark === undefined) {
    if (given !== null) throw new S3Error('InvalidRequest', 'The encryption parameters are not applicable to this object.');
    return null;
  }
  if (given === null) throw new S3Error('InvalidRequest', MISSING);
  const check = derive(given.key, Buffer.from(mark.salt, 'base64'), 'check', 16);
  if (!timingSafeEqual(check, Buffer.from(mark.check, 'base64'))) throw new S3Error('AccessDenied');
  return given;
}

/** How answers tell of encryption: everything is encrypted by the gateway, and this beside it by a customer's key. */
export function encryptionMembers(key: CustomerKey | null): Record<string, string> {
  return key === null ? { ServerSideEncryption: 'AES256' } : { SSECustomerAlgorithm: 'AES256', SSECustomerKeyMD5: key.md5 };
}

/** The members of every answer that leave out what does not belong there. */
export function replaceEncryption<T extends object>(output: T, key: CustomerKey | null): T {
  return key === null ? output : { ...output, ServerSideEncryption: undefined, ...encryptionMembers(key) };
}

export interface SealedUpload extends Upload {
  /** What of the plain bytes is kept with a part, in place of what the stored ones have; the ETag is of those. */
  digestsOf: (digests: Digests) => Digests;
}

/** For a part, which may be sent again under the same number: 12 bytes, kept with it. */
export function newNonce(random: Random): Buffer {
  return random(NONCE_BYTES);
}

/** The same upload, its bytes enciphered, its checksums still those of the plain ones. */
export function sealUpload(upload: Upload, { key }: CustomerKey, mark: KeyMark, nonce: Buffer = NO_NONCE): SealedUpload {
  const plain: Digests = {};
  const names = [...new Set<DigestName>([...upload.digests, ...(Object.keys(upload.expect()) as DigestName[])])];
  async function* body(): AsyncGenerator<Uint8Array> {
    const cipher = cipherAt(key, mark, nonce, 0);
    const digests = await Promise.all(names.map(async (name) => ({ name, digest: await streamingDigest(name) })));
    for await (const piece of upload.body) {
      const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
      for (const { digest } of digests) digest.update(bytes);
      yield cipher.update(bytes);
    }
    for (const { name, digest } of digests) plain[name] = digest.digest();
    for (const [name, value] of Object.entries(upload.expect()) as [DigestName, Buffer][]) {
      if (plain[name]?.equals(value) === true) continue;
      const details = { algorithm: name, expected: value.toString('base64'), computed: plain[name]?.toString('base64') ?? '' };
      throw new CloudStoreError('checksum_mismatch', 'The body has another checksum.', { details });
    }
  }
  return {
    ...upload,
    body: { [Symbol.asyncIterator]: () => body() },
    digests: [],
    expect: () => ({}),
    checksumOf: () => upload.checksumOf(plain),
    digestsOf: (digests) => ({ ...digests, ...plain }),
  };
}

/** The plain bytes of what was read from `range` of an object (whole: null). */
export async function* openBody(body: Bytes, info: ObjectInfo, { key }: CustomerKey, range: ByteRange | null): Bytes {
  const mark = info.attributes.customerKey as KeyMark;
  const parts = partsOf(info, mark);
  let at = range?.start ?? 0;
  let index = parts.findIndex(({ end }) => at < end);
  let cipher: ReturnType<typeof cipherAt> | null = null;
  for await (const piece of body) {
    let rest = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    while (rest.length > 0) {
      const part = parts[index];
      if (part === undefined) throw new CloudStoreError('corrupt', 'The object is longer than its parts.');
      cipher ??= cipherAt(key, mark, part.nonce, at - part.start);
      const own = rest.subarray(0, part.end - at);
      yield cipher.update(own);
      at += own.length;
      rest = rest.subarray(own.length);
      if (at === part.end) {
        cipher = null;
        index++;
      }
    }
  }
}

function partsOf({ size, attributes }: ObjectInfo, mark: KeyMark): { start: number; end: number; nonce: Buffer }[] {
  if (mark.nonces === undefined) return [{ start: 0, end: size, nonce: NO_NONCE }];
  let start = 0;
  return (attributes.partSizes ?? []).map((length, index) => {
    const part = { start, end: start + length, nonce: Buffer.from(mark.nonces?.[index] ?? '', 'base64') };
    start = part.end;
    return part;
  });
}

/** AES-256 in counter mode from a byte on, so that ranges cost what they read. That bytes are what was stored is the content store's own promise. */
function cipherAt(key: Buffer, mark: KeyMark, nonce: Buffer, offset: number): ReturnType<typeof createCipheriv> {
  const counter = Buffer.alloc(BLOCK_BYTES);
  nonce.copy(counter);
  counter.writeUInt32BE(Math.floor(offset / BLOCK_BYTES), NONCE_BYTES);
  const cipher = createCipheriv('aes-256-ctr', derive(key, Buffer.from(mark.salt, 'base64'), 'data', 32), counter);
  if (offset % BLOCK_BYTES > 0) cipher.update(Buffer.alloc(offset % BLOCK_BYTES));
  return cipher;
}

function derive(key: Buffer, salt: Buffer, use: 'data' | 'check', bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, `cloudstore s3 customer key ${use}`, bytes));
}
