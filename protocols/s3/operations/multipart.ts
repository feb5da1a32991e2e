import type {
  CreateMultipartUploadCommandInput,
  ListMultipartUploadsCommandInput,
  ListPartsCommandInput,
  UploadPartCommandInput,
  UploadPartCopyCommandInput,
} from '@aws-sdk/client-s3';
import type { Part, Upload } from '#contracts/upload-store';
import { parseRange } from '#core/range';
import { allowBody } from '#http/body';
import { parseConditions } from '#http/conditional-headers';
import { ALGORITHMS, CHECKSUM_NAMES, checksumNamed } from '../checksums.ts';
import { S3Error } from '../errors.ts';
import { addressOf, bucketOf, type Handler, ownerOf } from '../exchange.ts';
import { openUpload } from '../payload.ts';
import { readAttributes } from '../representation.ts';
import type { Output } from '../response-writer.ts';
import { encodeUri } from '../uri.ts';
import { copySource } from './put-object.ts';

const PAGE_MAX = 1000;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
export const createMultipartUpload: Handler<CreateMultipartUploadCommandInput> = async (x, input) => {
  const { attributes, mtime } = readAttributes(x.req.headers);
  const { bucket, at } = await addressOf(x);
  const algorithm = checksumNamed(input.ChecksumAlgorithm);
  // CRC64NVME exists for whole objects only; the SHAs cannot be put together from parts.
  const type = input.ChecksumType ?? (algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE');
  const impossible = type === 'FULL_OBJECT' ? algorithm === 'sha1' || algorithm === 'sha256' : algorithm === 'crc64nvme';
  if (impossible || (type !== 'FULL_OBJECT' && type !== 'COMPOSITE')) {
    throw new S3Error(
      'InvalidRequest',
      `The ${type} checksum type cannot be used with the ${input.ChecksumAlgorithm} checksum algorithm.`,
    );
  }
  const upload = await x.deps.uploads.begin(x.who, at, {
    attributes,
    ...(mtime === undefined ? {} : { mtime }),
    ...(algorithm === null ? {} : { checksum: { algorithm, type } }),
  });
  return {
    Bucket: bucket.name,
    Key: at.key,
    UploadId: upload.id,
    ChecksumAlgorithm: algorithm?.toUpperCase(),
    ChecksumType: algorithm === null ? undefined : type,
    ServerSideEncryption: 'AES256',
  };
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
export const uploadPart: Handler<UploadPartCommandInput> = async (x, input) => {
  const upload = openUpload(x.req, x.payload);
  const number = partNumber(input.PartNumber);
  const { at } = await addressOf(x);
  allowBody(x.req, x.res);
  const part = await x.deps.uploads.writePart(x.who, at, input.UploadId ?? '', number, upload.body, {
    size: upload.size,
    digests: upload.digests,
    expect: upload.expect,
    signal: x.cx.signal,
  });
  return { ETag: `"${part.etag}"`, ServerSideEncryption: 'AES256', ...partChecksums(part, upload.digests) };
};

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
  const part = await x.deps.uploads.copyPart(x.who, at, input.UploadId ?? '', number, source.at, {
    conditions: parseConditions(x.req.headers, 'x-amz-copy-source-'),
    ...(source.version === undefined ? {} : { version: source.version }),
    ...(range === undefined ? {} : { range }),
  });
  return {
    CopyPartResult: { ETag: `"${part.etag}"`, LastModified: new Date(part.modified) },
    CopySourceVersionId: source.bucket.versioning === 'off' ? undefined : source.version,
    ServerSideEncryption: 'AES256',
  };
};

export const abortMultipartUpload: Handler<{ UploadId?: string }> = async (x, input) => {
  const { at } = await addressOf(x);
  await x.deps.uploads.abort(x.who, at, input.UploadId ?? '');
  return {};
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
export const listParts: Handler<ListPartsCommandInput> = async (x, input) => {
  const { bucket, at } = await addressOf(x);
  const limit = pageSize(input.MaxParts, 'max-parts');
  const marker = Number(input.PartNumberMarker ?? 0);
  if (!Number.isInteger(marker) || marker < 0)
    throw new S3Error('InvalidArgument', 'Argument part-number-marker is not a part number.');
  const { upload, parts } = await x.deps.uploads.parts(x.who, at, input.UploadId ?? '', marker, limit + 1);
  if (upload.completedVersion !== null) throw new S3Error('NoSuchUpload');
  const page = parts.slice(0, limit);
  const algorithm = upload.checksum?.algorithm as (typeof CHECKSUM_NAMES)[number] | undefined;
  return {
    Bucket: bucket.name,
    Key: at.key,
    UploadId: upload.id,
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
    Initiator: ownerOf(x, bucket),
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
      Initiator: ownerOf(x, bucket),
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
  if (given !== undefined && (given < 0 || given > 2_147_483_647)) {
    throw new S3Error('InvalidArgument', `Argument ${argument} must be an integer between 0 and 2147483647`, {
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
