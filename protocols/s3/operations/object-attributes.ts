import type { GetObjectAttributesCommandInput } from '@aws-sdk/client-s3';
import type { ObjectInfo } from '#core/object';
import { checksumMembers } from '../checksums.ts';
import { assertKeyFits } from '../customer-key.ts';
import { tellingOfMarker } from '../delete-marker.ts';
import { S3Error } from '../errors.ts';
import { addressOf, type Handler } from '../exchange.ts';
import { refuseMarker, shownVersion, versionOf } from '../representation.ts';
import type { Output } from '../response-writer.ts';

const KNOWN = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const;
const PARTS_MAX = 1000;

/** Only what was asked for. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */
export const getObjectAttributes: Handler<GetObjectAttributesCommandInput> = async (x, input) => {
  const wanted = new Set<string>(input.ObjectAttributes ?? []);
  if (wanted.size === 0 || [...wanted].some((name) => !KNOWN.some((known) => known === name))) {
    throw new S3Error('InvalidArgument', 'Invalid attribute name specified.', { ArgumentName: 'x-amz-object-attributes' });
  }
  const { bucket, at } = await addressOf(x);
  const { version } = versionOf(input.VersionId);
  // AWS asks for two rights here: what an object is like is nothing for who may not read it.
  if (version === undefined) await x.deps.authorizer.require(x.who, 'read', bucket, at.key);
  else await x.deps.authorizer.require(x.who, 'version.read', bucket, at.key, { version });
  const looking = x.deps.namespace.stat(x.who, at, { ...versionOf(input.VersionId), only: 'attributes' });
  const info = await (input.VersionId === undefined ? tellingOfMarker(x, bucket, at, looking) : looking);
  refuseMarker(x, info);
  assertKeyFits(x.req.headers, info);
  const { checksum, extra } = info.attributes;
  const output: Output = { LastModified: new Date(info.modified), VersionId: shownVersion(info, bucket) };
  if (wanted.has('ETag')) output.ETag = info.etag;
  if (wanted.has('Checksum') && checksum !== undefined) output.Checksum = checksumMembers(checksum);
  if (wanted.has('ObjectParts')) output.ObjectParts = partsOf(info, input);
  if (wanted.has('StorageClass')) output.StorageClass = extra?.['s3.storageClass'] ?? 'STANDARD';
  if (wanted.has('ObjectSize')) output.ObjectSize = info.size;
  return output;
};

/** AWS names the parts one by one only where they have checksums. */
function partsOf({ attributes }: ObjectInfo, input: GetObjectAttributesCommandInput): Output | undefined {
  const { partSizes, partChecksums, checksum } = attributes;
  if (partSizes === undefined) return undefined;
  if (partChecksums === undefined || checksum === undefined) return { TotalPartsCount: partSizes.length };
  const max = input.MaxParts ?? PARTS_MAX;
  const after = Number(input.PartNumberMarker ?? 0);
  if (max < 0 || !Number.isInteger(after) || after < 0) {
    throw new S3Error('InvalidArgument', 'x-amz-max-parts and x-amz-part-number-marker are numbers of parts.');
  }
  const limit = Math.min(max, PARTS_MAX);
  const numbers = partSizes.map((_, index) => index + 1).filter((number) => number > after);
  const page = numbers.slice(0, limit);
  return {
    TotalPartsCount: partSizes.length,
    PartNumberMarker: String(after),
    NextPartNumberMarker: String(page.at(-1) ?? 0),
    MaxParts: limit,
    IsTruncated: numbers.length > page.length,
    Parts: page.map((number) => {
      const { ChecksumType: _, ...sums } = checksumMembers({ ...checksum, value: partChecksums[number - 1] ?? '' });
      return { PartNumber: number, Size: partSizes[number - 1], ...sums };
    }),
  };
}
