import { createHash } from 'node:crypto';
import type { Content } from '#contracts/content';
import type { MetadataStore } from '#contracts/metadata-store';
import type { PutResult } from '#contracts/namespace';
import type { Part, Upload, UploadStore } from '#contracts/upload-store';
import type { CompletedPart, CompleteOptions } from '#contracts/uploads';
import type { Address } from '#core/address';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import type { VersionId } from '#core/object';
import type { Who } from '#core/principal';
import { consume } from '#core/stream';
import { multipartEtag } from './etag.ts';

/** AWS's least size of every part but the last, bytes. */
const PART_BYTES_MIN = 5 * 1024 * 1024;
const PARTS_MAX = 10_000;

export interface CompleteDeps {
  store: MetadataStore;
  content: Content;
  uploads: UploadStore;
  mint(): VersionId;
}

/** Makes the object of the named parts; those not named are forgotten with the upload. */
export async function complete(
  deps: CompleteDeps,
  who: Who,
  bucket: Bucket,
  upload: Upload,
  named: CompletedPart[],
  options: CompleteOptions,
): Promise<PutResult> {
  const at = { bucket: upload.bucket, key: options.target ?? upload.key };
  if (upload.completedVersion !== null) return repeated(deps, at, upload.completedVersion);
  const stored = await deps.uploads.parts(upload.id, 0, PARTS_MAX);
  if (stored.length === 0) {
    // A completion takes the parts away, as giving it up does: perhaps the same one, sent twice, has just ended.
    const now = await deps.uploads.find(upload.bucket, upload.key, upload.id);
    if (now === null)
      throw new CloudStoreError('upload_not_found', 'There is no such upload.', { details: { upload: upload.id } });
    if (now.completedVersion !== null) return repeated(deps, at, now.completedVersion);
  }
  const parts = choose(named, stored, options.partBytesMin ?? PART_BYTES_MIN);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  if (options.size !== undefined && options.size !== size) {
    throw new CloudStoreError('invalid_argument', 'The parts together have another size than declared.', {
      details: { declared: options.size, size },
    });
  }
  if (options.expect !== undefined) await assertDigests(deps, parts, options.expect);
  if (options.reads !== undefined) {
    const { update, end } = options.reads;
    for (const part of parts) await consume(deps.content.read(part.content), (bytes) => update(bytes));
    end();
  }
  const staged = await deps.content.concat(
    parts.map((part) => part.content),
    bucket.domain,
  );
  try {
    const mtime = options.mtime ?? upload.mtime;
    const { lockTokens, requireParent } = options;
    const verdict = await deps.store.commit({
      kind: 'put',
      who,
      ...at,
      versionId: deps.mint(),
      content: staged.content,
      etag: multipartEtag(parts.map((part) => part.etag)),
      attributes: { ...withNonces(upload.attributes, parts), ...options.attributes, partSizes: parts.map((part) => part.size) },
      contentHash: staged.contentHash,
      chunks: staged.chunks,
      leaves: staged.leaves,
      completesUpload: upload.id,
      ...(mtime === undefined ? {} : { mtime }),
      ...(lockTokens === undefined ? {} : { lockTokens }),
      ...(requireParent === undefined ? {} : { requireParent }),
      ...(upload.lock === undefined ? {} : { lock: upload.lock }),
      ...(options.conditions === undefined ? {} : { conditions: options.conditions }),
    });
    return { ...verdict, digests: {} };
  } finally {
    staged.release();
  }
}

/** Each part is under a nonce of its own. */
function withNonces(attributes: Upload['attributes'], parts: Part[]): Upload['attributes'] {
  if (attributes.customerKey === undefined) return attributes;
  const nonces = parts.map(({ nonce }) => nonce?.toString('base64') ?? '');
  return { ...attributes, customerKey: { ...attributes.customerKey, nonces } };
}

/** A client whose connection broke asks again, and gets what it made, also when it has been overwritten since. */
async function repeated(deps: CompleteDeps, at: Address, version: VersionId): Promise<PutResult> {
  const info = await deps.store.version(at, version, { hidden: true });
  if (info === null) throw new CloudStoreError('upload_not_found', 'The upload was completed, and its object is gone.');
  return { info, created: false, seq: 0, digests: {} };
}

/** The parts are known by digests of their own, which say nothing of the whole. @throws checksum_mismatch */
async function assertDigests(
  { content }: CompleteDeps,
  parts: readonly Part[],
  expected: NonNullable<CompleteOptions['expect']>,
): Promise<void> {
  const hashes = (['md5', 'sha1', 'sha256'] as const).flatMap((name) => {
    const value = expected[name];
    return value === undefined ? [] : [{ name, value, hash: createHash(name) }];
  });
  for (const part of parts) {
    await consume(content.read(part.content), (bytes) => {
      for (const { hash } of hashes) hash.update(bytes);
    });
  }
  const wrong = hashes.find(({ value, hash }) => !hash.digest().equals(value));
  if (wrong === undefined) return;
  throw new CloudStoreError('checksum_mismatch', `The parts together have another ${wrong.name} than was told.`, {
    details: { algorithm: wrong.name },
  });
}

/** @throws invalid_part, invalid_part_order, part_too_small */
function choose(named: CompletedPart[], stored: Part[], bytesMin: number): Part[] {
  if (named.length === 0) throw new CloudStoreError('invalid_part', 'A completion names at least one part.');
  const byNumber = new Map(stored.map((part) => [part.number, part]));
  let last = 0;
  const parts = named.map(({ number, etag }) => {
    if (number <= last) throw new CloudStoreError('invalid_part_order', 'Parts are named in ascending order.');
    last = number;
    const part = byNumber.get(number);
    if (part === undefined || part.etag !== etag.replace(/^"(.*)"$/, '$1').toLowerCase()) {
      throw new CloudStoreError('invalid_part', `Part ${number} was not uploaded, or has another ETag.`, {
        details: { number, etag },
      });
    }
    return part;
  });
  for (const { number, size, etag } of parts.slice(0, -1)) {
    if (size >= bytesMin) continue;
    throw new CloudStoreError('part_too_small', `Part ${number} is smaller than ${bytesMin} bytes.`, {
      details: { number, size, etag, minimum: bytesMin },
    });
  }
  return parts;
}
