import type { Authorizer } from '#contracts/authorizer';
import type { BucketStore } from '#contracts/bucket-store';
import type { Content, WriteOptions } from '#contracts/content';
import type { Keyring } from '#contracts/keyring';
import type { MetadataStore } from '#contracts/metadata-store';
import type { Namespace } from '#contracts/namespace';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Signals } from '#contracts/signals';
import type { Part, Upload, UploadStore } from '#contracts/upload-store';
import type { PartOptions, Uploads } from '#contracts/uploads';
import type { UsageStore } from '#contracts/usage';
import { type Address, assertKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Clock, Random } from '#core/clock';
import { DIGEST_NAMES, type DigestName } from '#core/digest';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import type { Bytes } from '#core/stream';
import { adding, createAccess } from './access.ts';
import { createBucketCache } from './bucket-cache.ts';
import { complete } from './complete-upload.ts';
import { md5Etag } from './etag.ts';
import { requireLock } from './put.ts';
import { createQuotaGuard } from './quota-guard.ts';
import { createVersionIds } from './version-id.ts';

export interface UploadsDeps {
  store: MetadataStore;
  content: Content;
  buckets: BucketStore;
  uploads: UploadStore;
  /** For the sources of copied parts, which it authorizes. */
  namespace: Namespace;
  authorizer: Authorizer;
  usage: UsageStore;
  principals: PrincipalStore;
  signals: Signals;
  keyring: Keyring;
  clock: Clock;
  random: Random;
}

/** S3's. */
export const PART_NUMBER_MAX = 10_000;

/** Uploads in parts, authorized. Whoever may write the key may go on with its uploads, and nobody else may see them. */
export function createUploads(deps: UploadsDeps): Uploads {
  const { content, uploads, clock, namespace } = deps;
  const access = createAccess({ cache: createBucketCache(deps), authorizer: deps.authorizer });
  const quotas = createQuotaGuard(deps);
  const mint = createVersionIds(deps);

  async function running(at: Address, id: string): Promise<Upload> {
    const upload = await uploads.find(at.bucket, at.key, id);
    if (upload === null || upload.completedVersion !== null) throw uploadMissing(id);
    return upload;
  }

  async function store(
    bucket: Bucket,
    upload: Upload,
    number: number,
    body: Bytes,
    options: Omit<WriteOptions, 'digests'> & Pick<PartOptions, 'nonce' | 'digestsOf'> & { digests: readonly DigestName[] },
  ): Promise<Part> {
    const digests = [...new Set<DigestName>(['md5', ...options.digests, ...checksumOf(upload)])];
    const { nonce, digestsOf, ...write } = options;
    if (upload.attributes.customerKey !== undefined && nonce === undefined) {
      throw new CloudStoreError('customer_key_needed', "The upload is under a customer's key, and so is each of its parts.");
    }
    // What other parts brought is no one's use yet, and will be.
    const others = (): Promise<number> => uploads.stored(upload.id, number);
    const again = async (): Promise<number> => (await uploads.stored(upload.id, 0)) - (await others());
    const admitted = await quotas.admitPiece(bucket, body, options.size, async () => -(await others()), again);
    const staged = await content.write(admitted, { ...write, digests, contentHash: false });
    try {
      const etag = md5Etag(staged.digests);
      const kept = digestsOf?.(staged.digests) ?? staged.digests;
      const part = { number, size: staged.size, etag, content: staged.content, digests: kept, modified: clock.now() };
      return await uploads.putPart(upload.id, nonce === undefined ? part : { ...part, nonce }, staged.chunks, staged.leaves);
    } finally {
      staged.release();
    }
  }

  /** Whoever writes an upload must know what it has; listing its parts as such is a right of its own, which the door asks for. */
  async function seesParts(who: Who, at: Address): Promise<void> {
    try {
      await access.requireWrite(who, at);
    } catch (error) {
      if (!isCloudStoreError(error, 'access_denied') && !isCloudStoreError(error, 'unauthenticated')) throw error;
      await access.require(who, 'upload.parts', at.bucket, at.key);
    }
  }

  return {
    async begin(who, at, options) {
      assertKey(at.key);
      await access.requireWrite(who, at, options.attributes.tags);
      await requireLock(access, who, at, options.lock);
      return uploads.create({ ...at, ...options, principal: who.principal?.id ?? 0 });
    },
    async writePart(who, at, id, number, body, { size, digests = [], expect, signal, nonce, digestsOf, numberMax, accepts }) {
      assertPartNumber(number, numberMax);
      const { bucket } = await access.requireWrite(who, at);
      const upload = await running(at, id);
      accepts?.(upload);
      return store(bucket, upload, number, body, {
        domain: bucket.domain,
        digests,
        ...(size === undefined ? {} : { size }),
        ...(expect === undefined ? {} : { expect }),
        ...(signal === undefined ? {} : { signal }),
        ...(nonce === undefined ? {} : { nonce }),
        ...(digestsOf === undefined ? {} : { digestsOf }),
      });
    },
    async copyPart(who, at, id, number, from, options) {
      assertPartNumber(number);
      const { bucket } = await access.requireWrite(who, at);
      const upload = await running(at, id);
      const read = await namespace.get(who, from, options);
      if (read.info.deleteMarker) throw new CloudStoreError('not_found', 'The source is a delete marker.');
      const size = read.range === null ? read.info.size : read.range.end - read.range.start + 1;
      return store(bucket, upload, number, read.body(read.range ?? undefined), { domain: bucket.domain, digests: [], size });
    },
    async parts(who, at, id, after, limit) {
      await seesParts(who, at);
      const upload = await uploads.find(at.bucket, at.key, id);
      if (upload === null) throw uploadMissing(id);
      return { upload, parts: upload.completedVersion === null ? await uploads.parts(id, after, limit) : [] };
    },
    async list(who, bucket, prefix, after, limit) {
      await access.require(who, 'list.uploads', bucket, prefix);
      return uploads.list(bucket, prefix, after, limit);
    },
    async complete(who, at, id, parts, options) {
      const { bucket, addsOnly } = await access.requireWrite(who, at);
      const upload = await uploads.find(at.bucket, at.key, id);
      if (upload === null) throw uploadMissing(id);
      const { target = at.key } = options;
      assertKey(target);
      const there = target === at.key ? addsOnly : (await access.requireWrite(who, { ...at, key: target })).addsOnly;
      return adding(addsOnly || there, options.conditions, (conditions) =>
        complete({ ...deps, mint }, who, bucket, upload, parts, conditions === undefined ? options : { ...options, conditions }),
      );
    },
    async abort(who, at, id) {
      await access.require(who, 'upload.abort', at.bucket, at.key);
      await uploads.abort(at.bucket, at.key, id);
    },
  };
}

/** What S3 was promised for the whole is made of what the parts have. */
function checksumOf({ checksum }: Upload): DigestName[] {
  return DIGEST_NAMES.filter((name) => name === checksum?.algorithm);
}

function assertPartNumber(number: number, max = PART_NUMBER_MAX): void {
  if (Number.isInteger(number) && number >= 1 && number <= max) return;
  throw new CloudStoreError('invalid_part', `A part's number is 1 to ${max}.`, { details: { number } });
}

function uploadMissing(id: string): CloudStoreError {
  return new CloudStoreError('upload_not_found', 'There is no such upload.', { details: { upload: id } });
}
