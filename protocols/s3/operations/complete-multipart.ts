import type { CompletedPart, CompleteMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import { checksumMembers } from '../checksums.ts';
import { errorDocument } from '../error-answer.ts';
import { S3Error, toS3Error } from '../errors.ts';
import { addressOf, type Exchange, type Handler } from '../exchange.ts';
import { expirationOf } from '../expiration.ts';
import { shownVersion } from '../representation.ts';
import { type Output, XML_DECLARATION } from '../response-writer.ts';
import { locationOf } from '../target.ts';
import { aclOfUpload, keepAcl } from './new-object-acl.ts';
import { found, writeConditions } from './put-object.ts';
import { checksumOfUpload, PARTS_MAX } from './upload-checksum.ts';

/** Clients give up on a silent connection after 20 to 60 seconds. */
const SILENCE_MS_MAX = 10_000;

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
  const { attributes, reads } = await checksumOfUpload(x, at, id, input, named);
  const { info, seq } = await found(
    x.deps.uploads.complete(x.who, at, id, parts, {
      conditions: writeConditions(x),
      ...(attributes === undefined ? {} : { attributes }),
      ...(reads === undefined ? {} : { reads }),
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
