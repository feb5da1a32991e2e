import type { CompletedPart, CompleteMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import type { Address } from '#core/address';
import type { StoredChecksum } from '#core/object';
import { ALGORITHMS, type ChecksumName, checksumMembers } from '../checksums.ts';
import { combineCrcs, isCrc } from '../crc-combine.ts';
import { errorDocument } from '../error-answer.ts';
import { S3Error, toS3Error } from '../errors.ts';
import { addressOf, type Exchange, type Handler } from '../exchange.ts';
import { expirationOf } from '../expiration.ts';
import { shownVersion } from '../representation.ts';
import { type Output, XML_DECLARATION } from '../response-writer.ts';
import { smallDigest } from '../small-digest.ts';
import { locationOf } from '../target.ts';
import { aclOfUpload, keepAcl } from './new-object-acl.ts';
import { found, writeConditions } from './put-object.ts';

/** Clients give up on a silent connection after 20 to 60 seconds. */
const SILENCE_MS_MAX = 10_000;
const PARTS_MAX = 10_000;

/**
 * Makes the object of its parts. If that takes long the answer begins with 200 and spaces, and an error then stands in
 * its body, as at AWS. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
export const completeMultipartUpload: Handler<CompleteMultipartUploadCommandInput> = async (x, input) => {
  const parts = input.MultipartUpload?.Parts ?? [];
  if (parts.length === 0 || parts.length > PARTS_MAX) throw new S3Error('MalformedXML');
  let begun = false;
  const timer = setInterval(() => {
    if (!begun) x.res.writeHead(200, { 'content-type': 'application/xml' }).write(XML_DECLARATION);
    begun = true;
    x.res.write(' ');
  }, SILENCE_MS_MAX);
  try {
    const output = await complete(x, input, parts);
    if (!begun) return output;
    x.res.end((x.writer.body(output) ?? '').slice(XML_DECLARATION.length));
  } catch (error) {
    if (!begun) throw error;
    const said = toS3Error(error);
    if (said.code === 'InternalError')
      x.cx.log.error({ err: error, requestId: x.cx.requestId }, 's3: CompleteMultipartUpload failed');
    x.res.end(errorDocument(said, x.cx.requestId, x.target.path).slice(XML_DECLARATION.length));
  } finally {
    clearInterval(timer);
  }
  return null;
};

async function complete(x: Exchange, input: CompleteMultipartUploadCommandInput, named: CompletedPart[]): Promise<Output> {
  const { bucket, at } = await addressOf(x);
  const id = input.UploadId ?? '';
  const parts = named.map(({ PartNumber = 0, ETag = '' }) => ({ number: PartNumber, etag: ETag.replace(/^"(.*)"$/, '$1') }));
  for (const [index, part] of parts.entries()) {
    if (index > 0 && part.number <= (parts[index - 1]?.number ?? 0)) throw new S3Error('InvalidPartOrder');
  }
  const checksum = await checksumOf(x, at, id, input, named);
  const { info, seq } = await found(
    x.deps.uploads.complete(x.who, at, id, parts, {
      conditions: writeConditions(x),
      ...(checksum === undefined ? {} : { attributes: checksum }),
      ...(input.MpuObjectSize === undefined ? {} : { size: input.MpuObjectSize }),
    }),
  );
  // The same completion once more must not undo what was set since.
  if (seq > 0) await keepAcl(x, info, aclOfUpload(info.attributes));
  return {
    Location: locationOf(x, bucket.name, at.key),
    Bucket: bucket.name,
    Key: at.key,
    ETag: `"${info.etag}"`,
    Expiration: expirationOf(info, bucket),
    VersionId: shownVersion(info, bucket),
    ServerSideEncryption: 'AES256',
    ...checksumMembers(info.attributes.checksum),
  };
}

/** The object's checksum from its parts'; what the client declares for a part or the whole must agree. */
async function checksumOf(
  x: Exchange,
  at: Address,
  id: string,
  input: CompleteMultipartUploadCommandInput,
  named: CompletedPart[],
): Promise<{ checksum: StoredChecksum; partChecksums: string[] } | undefined> {
  const { upload } = await x.deps.uploads.parts(x.who, at, id, 0, 1);
  if (upload.checksum === undefined || upload.completedVersion !== null) return undefined;
  if (input.ChecksumType !== undefined && input.ChecksumType !== upload.checksum.type)
    throw new S3Error('BadDigest', `The upload was begun with the checksum type ${upload.checksum.type}.`);
  const { parts } = await x.deps.uploads.parts(x.who, at, id, 0, PARTS_MAX);
  const algorithm = upload.checksum.algorithm as ChecksumName;
  const { member } = ALGORITHMS[algorithm];
  const byNumber = new Map(parts.map((part) => [part.number, part]));
  const used: { crc: Buffer; size: number }[] = [];
  for (const given of named) {
    const part = byNumber.get(given.PartNumber ?? 0);
    const crc = part?.digests[algorithm];
    // A missing part is for the completion to refuse.
    if (part === undefined || crc === undefined) return undefined;
    const declared = given[member];
    if (declared === undefined && upload.checksum.type === 'COMPOSITE')
      throw new S3Error(
        'InvalidRequest',
        `The upload was created using a ${algorithm} checksum. The complete request must include the checksum for each part. It was missing for part ${part.number} in the request.`,
      );
    if (declared !== undefined && declared !== crc.toString('base64'))
      throw new S3Error('InvalidPart', undefined, { UploadId: id, PartNumber: part.number });
    used.push({ crc, size: part.size });
  }
  const whole = upload.checksum.type === 'FULL_OBJECT' && isCrc(algorithm);
  const value = whole
    ? combineCrcs(algorithm, used).toString('base64')
    : `${await compositeOf(
        algorithm,
        used.map(({ crc }) => crc),
      )}-${used.length}`;
  const declared = input[member];
  if (declared !== undefined && declared.replace(/-\d+$/, '') !== value.replace(/-\d+$/, '')) throw new S3Error('BadDigest');
  return {
    checksum: { algorithm, value, type: upload.checksum.type },
    partChecksums: used.map(({ crc }) => crc.toString('base64')),
  };
}

/** The checksum of the parts' checksums. */
async function compositeOf(algorithm: ChecksumName, values: Buffer[]): Promise<string> {
  const bytes = Buffer.concat(values);
  return (await smallDigest(algorithm, bytes)).toString('base64');
}
