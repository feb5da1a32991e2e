import type {
  CreateMultipartUploadCommandInput,
  ListMultipartUploadsCommandInput,
  ListPartsCommandInput,
  UploadPartCommandInput,
  UploadPartCopyCommandInput,
} from '@aws-sdk/client-s3';
import type { ObjectRead } from '#contracts/namespace';
import type { Part, Upload } from '#contracts/upload-store';
import type { Address } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Conditions } from '#core/conditions';
import type { DigestName } from '#core/digest';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { lifecycleRules, uploadExpiryOf } from '#core/lifecycle';
import { parseRange, type RangeRequest } from '#core/range';
import { allowBody } from '#http/body';
import { parseConditions } from '#http/conditional-headers';
import { ALGORITHMS, CHECKSUM_NAMES, checksumNamed } from '../checksums.ts';
import { isCrc } from '../crc-combine.ts';
import {
  assertKeyFits,
  type CustomerKey,
  customerKeyOf,
  encryptionMembers,
  type KeyMark,
  newCustomerKey,
  newMark,
  newNonce,
  openBody,
  sealUpload,
} from '../customer-key.ts';
import { S3Error } from '../errors.ts';
import { addressOf, bucketOf, type Exchange, type Handler, ownerOf, personOf } from '../exchange.ts';
import { lockOption } from '../object-lock.ts';
import { type Upload as Body, openUpload, PUT_BYTES_MAX } from '../payload.ts';
import { readAttributes, shownVersion } from '../representation.ts';
import type { Output } from '../response-writer.ts';
import { encodeUri } from '../uri.ts';
import { newObjectAcl, withAcl } from './new-object-acl.ts';
import { allowTags, type CopySource, copySource, ofSource } from './put-object.ts';

const PAGE_MAX = 1000;
const COUNT_MAX = 2_147_483_647;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
export const createMultipartUpload: Handler<CreateMultipartUploadCommandInput> = async (x, input) => {
  const { attributes, mtime } = readAttributes(x.req.headers);
  const { bucket, at } = await addressOf(x);
  const algorithm = checksumNamed(input.ChecksumAlgorithm);
  if (algorithm === null && input.ChecksumType !== undefined) {
    throw new S3Error(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    );
  }
  // CRC64NVME exists for whole objects only; only CRCs can be put together from parts.
  const type = input.ChecksumType ?? (algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE');
  const impossible = type === 'FULL_OBJECT' ? algorithm !== null && !isCrc(algorithm) : algorithm === 'crc64nvme';
  if (impossible || (type !== 'FULL_OBJECT' && type !== 'COMPOSITE')) {
    throw new S3Error(
      'InvalidRequest',
      `The ${type} checksum type cannot be used with the ${input.ChecksumAlgorithm} checksum algorithm.`,
    );
  }
  await allowTags(x, bucket, at, attributes);
  const listed = withAcl(attributes, await newObjectAcl(x, { bucket, at }));
  const key = newCustomerKey(x.req.headers, bucket);
  const upload = await x.deps.uploads.begin(x.who, at, {
    attributes: key === null ? listed : { ...listed, customerKey: newMark(key, x.deps.random) },
    ...lockOption(x, bucket),
    ...(mtime === undefined ? {} : { mtime }),
    ...(algorithm === null ? {} : { checksum: { algorithm, type } }),
  });
  return {
    Bucket: bucket.name,
    Key: at.key,
    UploadId: upload.id,
    ...abortMembers(upload, bucket),
    ChecksumAlgorithm: algorithm?.toUpperCase(),
    ChecksumType: algorithm === null ? undefined : type,
    ...encryptionMembers(key),
  };
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
export const uploadPart: Handler<UploadPartCommandInput> = async (x, input) => {
  const upload = openUpload(x.req, x.payload);
  const number = partNumber(input.PartNumber);
  const { at } = await addressOf(x);
  const id = input.UploadId ?? '';
  const key = await keyOfUpload(x, at, id);
  allowBody(x.req, x.res);
  const part = await writePart(x, at, id, number, upload, key, (begun) => assertChecksumFits(begun, upload.digests));
  return { ETag: `"${part.etag}"`, ...encryptionMembers(key?.key ?? null), ...partChecksums(part, upload.digests) };
};

/** When the bucket's lifecycle gives the upload up, and by which rule. */
function abortMembers({ key, created }: Upload, bucket: Bucket): Output {
  const expiry = uploadExpiryOf(lifecycleRules(bucket), key, created);
  if (expiry === null) return {};
  // A rule's name may be any text, and what no header carries is escaped, as x-amz-expiration does.
  const name = /^[\x20-\x7e]+$/.test(expiry.rule) ? expiry.rule : encodeUri(expiry.rule);
  return { AbortDate: new Date(expiry.at), AbortRuleId: name };
}

interface UploadKey {
  key: CustomerKey;
  mark: KeyMark;
  /** What the upload's checksum is made of, which is of the plain bytes of each part. */
  digests: readonly DigestName[];
}

/** The customer's key of an upload, which every part must bring; where it brings none, `Uploads` refuses what needs one. */
async function keyOfUpload(x: Exchange, at: Address, id: string): Promise<UploadKey | null> {
  if (customerKeyOf(x.req.headers) === null) return null;
  const { upload } = await x.deps.uploads.parts(x.who, at, id, 0, 1);
  const key = assertKeyFits(x.req.headers, upload);
  if (key === null) return null;
  const digests = CHECKSUM_NAMES.filter((name) => name === upload.checksum?.algorithm);
  return { key, mark: upload.attributes.customerKey as KeyMark, digests };
}

/**
 * A part's checksum is of the algorithm that its upload was begun with; a composite one cannot do without.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
function assertChecksumFits({ checksum }: Upload, given: readonly string[]): void {
  if (checksum === undefined || given.includes(checksum.algorithm)) return;
  if (given.length === 0 && checksum.type === 'FULL_OBJECT') return;
  throw new S3Error(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${checksum.algorithm}, actual checksum Type: ${given[0] ?? 'null'}`,
  );
}

function writePart(
  x: Exchange,
  at: Address,
  id: string,
  number: number,
  upload: Body,
  by: UploadKey | null,
  accepts?: (upload: Upload) => void,
): Promise<Part> {
  const nonce = by === null ? undefined : newNonce(x.deps.random);
  const sealed =
    by === null ? null : sealUpload({ ...upload, digests: [...upload.digests, ...by.digests] }, by.key, by.mark, nonce);
  const { body, size, digests, expect } = sealed ?? upload;
  return x.deps.uploads.writePart(x.who, at, id, number, body, {
    ...(size === undefined ? {} : { size }),
    digests,
    expect,
    signal: x.cx.signal,
    ...(accepts === undefined ? {} : { accepts }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(sealed === null ? {} : { digestsOf: sealed.digestsOf }),
  });
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html */
export const uploadPartCopy: Handler<UploadPartCopyCommandInput> = async (x, input) => {
  const number = partNumber(input.PartNumber);
  const { at } = await addressOf(x);
  const source = await copySource(x, input.CopySource ?? '');
  const ranges = input.CopySourceRange === undefined ? null : parseRange(input.CopySourceRange, 1);
  const range = ranges?.[0];
  if (input.CopySourceRange !== undefined && (range === undefined || 'suffix' in range || range.end === null)) {
    throw new S3Error(
      'InvalidArgument',
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      {
        ArgumentName: 'x-amz-copy-source-range',
      },
    );
  }
  const id = input.UploadId ?? '';
  const options = {
    conditions: parseConditions(x.req.headers, 'x-amz-copy-source-'),
    ...(source.version === undefined ? {} : { version: source.version }),
    ...(range === undefined ? {} : { range }),
  };
  const key = await keyOfUpload(x, at, id);
  const read = await sourceOfPart(x, source, options);
  const sourceKey = assertKeyFits(x.req.headers, read.info, true);
  const length = read.range === null ? read.info.size : read.range.end - read.range.start + 1;
  if (length > PUT_BYTES_MAX) {
    throw new S3Error(
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size for a copy source: ${PUT_BYTES_MAX}`,
    );
  }
  const bytes = read.body(read.range ?? undefined, x.cx.signal);
  const body = sourceKey === null ? bytes : openBody(bytes, read.info, sourceKey, read.range);
  const part = await writePart(
    x,
    at,
    id,
    number,
    { body, size: length, digests: [], expect: () => ({}), checksumOf: () => undefined },
    key,
  );
  const { upload } = await x.deps.uploads.parts(x.who, at, id, 0, 1);
  const sums = upload.checksum === undefined ? {} : partChecksums(part, [upload.checksum.algorithm]);
  return {
    CopyPartResult: { ETag: `"${part.etag}"`, LastModified: new Date(part.modified), ...sums },
    CopySourceVersionId: shownVersion(read.info, source.bucket),
    ...encryptionMembers(key?.key ?? null),
  };
};

/** A copy has no 304, and a range past the end of its source is an argument that is wrong. */
async function sourceOfPart(x: Exchange, source: CopySource, options: PartSource): Promise<ObjectRead> {
  try {
    const read = await ofSource(source, x.deps.namespace.get(x.who, source.at, { ...options, sealed: true }));
    const { range } = options;
    if (read.info.deleteMarker)
      throw new S3Error(
        'InvalidRequest',
        'The source of a copy request may not specifically refer to a delete marker by version id.',
      );
    if (range !== undefined && !('suffix' in range) && (range.end ?? 0) >= read.info.size) throw outside(read.info.size);
    return read;
  } catch (error) {
    if (isCloudStoreError(error, 'invalid_range')) throw outside(error.details.size as number);
    if (!isCloudStoreError(error, 'not_modified')) throw error;
    throw new CloudStoreError('precondition_failed', 'A condition on the source does not hold.', { details: error.details });
  }
}

type PartSource = { conditions: Conditions; version?: string; range?: RangeRequest };

function outside(size: number): S3Error {
  return new S3Error('InvalidArgument', `Range specified is not valid for source object of size: ${size}`, {
    ArgumentName: 'x-amz-copy-source-range',
  });
}

export const abortMultipartUpload: Handler<{ UploadId?: string }> = async (x, input) => {
  const { at } = await addressOf(x);
  await x.deps.uploads.abort(x.who, at, input.UploadId ?? '');
  return {};
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
export const listParts: Handler<ListPartsCommandInput> = async (x, input) => {
  const { bucket, at } = await addressOf(x);
  await x.deps.authorizer.require(x.who, 'upload.parts', bucket, at.key);
  const limit = pageSize(input.MaxParts, 'max-parts');
  const marker = Number(input.PartNumberMarker ?? 0);
  if (!Number.isInteger(marker) || marker < 0 || marker > COUNT_MAX) {
    throw new S3Error('InvalidArgument', `Argument part-number-marker must be an integer between 0 and ${COUNT_MAX}`, {
      ArgumentName: 'part-number-marker',
      ArgumentValue: String(input.PartNumberMarker).slice(0, 100),
    });
  }
  const { upload, parts } = await x.deps.uploads.parts(x.who, at, input.UploadId ?? '', marker, limit + 1);
  if (upload.completedVersion !== null) throw new S3Error('NoSuchUpload');
  const page = parts.slice(0, limit);
  const algorithm = upload.checksum?.algorithm as (typeof CHECKSUM_NAMES)[number] | undefined;
  return {
    Bucket: bucket.name,
    Key: at.key,
    UploadId: upload.id,
    ...abortMembers(upload, bucket),
    PartNumberMarker: String(marker),
    NextPartNumberMarker: String(page.at(-1)?.number ?? 0),
    MaxParts: limit,
    IsTruncated: parts.length > limit && limit > 0,
    Parts: page.map((part) => ({
      PartNumber: part.number,
      LastModified: new Date(part.modified),
      ETag: `"${part.etag}"`,
      Size: part.size,
      ...(algorithm === undefined ? {} : partChecksums(part, [algorithm])),
    })),
    Initiator: personOf(x, upload.principal),
    Owner: ownerOf(x, bucket),
    StorageClass: upload.attributes.extra?.['s3.storageClass'] ?? 'STANDARD',
    ChecksumAlgorithm: upload.checksum?.algorithm.toUpperCase(),
    ChecksumType: upload.checksum?.type,
  };
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
export const listMultipartUploads: Handler<ListMultipartUploadsCommandInput> = async (x, input) => {
  const bucket = await bucketOf(x);
  const limit = pageSize(input.MaxUploads, 'max-uploads');
  const { Prefix = '', Delimiter = '', KeyMarker = '' } = input;
  const encode = input.EncodingType === 'url' ? (text: string) => encodeUri(text, true) : (text: string) => text;
  // Without an id, everything of the marker's key has been seen: no id is greater than this one.
  let after = KeyMarker === '' ? null : { key: KeyMarker, id: input.UploadIdMarker || '~' };
  const uploads: Upload[] = [];
  const prefixes: string[] = [];
  let truncated = false;
  scan: while (limit > 0) {
    const found = await x.deps.uploads.list(x.who, bucket.id, Prefix, after, PAGE_MAX);
    for (const upload of found) {
      const end = Delimiter === '' ? -1 : upload.key.indexOf(Delimiter, Prefix.length);
      const rolled = end < 0 ? null : upload.key.slice(0, end + Delimiter.length);
      const known = rolled !== null && (prefixes.at(-1) === rolled || rolled === KeyMarker);
      if (!known && uploads.length + prefixes.length >= limit) {
        truncated = true;
        break scan;
      }
      if (rolled === null) uploads.push(upload);
      else if (!known) prefixes.push(rolled);
      after = { key: upload.key, id: upload.id };
    }
    if (found.length < PAGE_MAX) break;
  }
  return {
    Bucket: bucket.name,
    KeyMarker: encode(KeyMarker),
    UploadIdMarker: input.UploadIdMarker ?? '',
    NextKeyMarker: truncated ? encode(after?.key ?? '') : undefined,
    NextUploadIdMarker: truncated ? after?.id : undefined,
    Prefix: encode(Prefix),
    Delimiter: Delimiter === '' ? undefined : encode(Delimiter),
    MaxUploads: limit,
    IsTruncated: truncated,
    EncodingType: input.EncodingType,
    CommonPrefixes: prefixes.map((prefix) => ({ Prefix: encode(prefix) })),
    Uploads: uploads.map((upload) => ({
      UploadId: upload.id,
      Key: encode(upload.key),
      Initiated: new Date(upload.created),
      StorageClass: upload.attributes.extra?.['s3.storageClass'] ?? 'STANDARD',
      Owner: ownerOf(x, bucket),
      Initiator: personOf(x, upload.principal),
      ChecksumAlgorithm: upload.checksum?.algorithm.toUpperCase(),
      ChecksumType: upload.checksum?.type,
    })),
  };
};

function partNumber(number: number | undefined): number {
  if (number !== undefined && number >= 1 && number <= 10_000) return number;
  throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', {
    ArgumentName: 'partNumber',
  });
}

function pageSize(given: number | undefined, argument: string): number {
  if (given !== undefined && (given < 0 || given > COUNT_MAX)) {
    throw new S3Error('InvalidArgument', `Argument ${argument} must be an integer between 0 and ${COUNT_MAX}`, {
      ArgumentName: argument,
    });
  }
  return Math.min(given ?? PAGE_MAX, PAGE_MAX);
}

function partChecksums(part: Part, names: readonly string[]): Output {
  const out: Output = {};
  for (const name of CHECKSUM_NAMES) {
    const value = part.digests[name];
    if (names.includes(name) && value !== undefined) out[ALGORITHMS[name].member] = value.toString('base64');
  }
  return out;
}
