import type { DeleteObjectCommandInput, DeleteObjectsCommandInput, ObjectIdentifier } from '@aws-sdk/client-s3';
import type { RemoveVerdict } from '#contracts/metadata-store';
import { assertKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Conditions } from '#core/conditions';
import { isCloudStoreError } from '#core/errors';
import { parseEtags } from '#http/conditional-headers';
import { S3Error, toS3Error } from '../errors.ts';
import { addressOf, bucketOf, type Exchange, type Handler } from '../exchange.ts';
import { versionOf } from '../representation.ts';
import type { Output } from '../response-writer.ts';

const OBJECTS_MAX = 1000;
const AT_ONCE = 64;

/** Idempotent: deleting what is absent succeeds. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
export const deleteObject: Handler<DeleteObjectCommandInput> = async (x, input) => {
  const { bucket, at } = await addressOf(x);
  const verdict = await orAbsent(
    x.deps.namespace.remove(x.who, at, {
      ...versionOf(input.VersionId),
      ...bypassOf(input),
      conditions: removeConditions(input.IfMatch, input.IfMatchLastModifiedTime, input.IfMatchSize),
    }),
  );
  return { DeleteMarker: verdict.deleteMarker || undefined, VersionId: shown(verdict, bucket) };
};

/** Up to 1,000 keys, each with its own outcome in a 200. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const deleteObjects: Handler<DeleteObjectsCommandInput> = async (x, input) => {
  requireIntegrity(x);
  const objects = input.Delete?.Objects ?? [];
  if (objects.length === 0 || objects.length > OBJECTS_MAX) throw new S3Error('MalformedXML');
  const bucket = await bucketOf(x);
  const Deleted: Output[] = [];
  const Errors: Output[] = [];
  for (let i = 0; i < objects.length; i += AT_ONCE) {
    const outcomes = await Promise.all(
      objects.slice(i, i + AT_ONCE).map((object) => removeOne(x, bucket, object, bypassOf(input))),
    );
    for (const { deleted, error } of outcomes) {
      if (error !== undefined) Errors.push(error);
      else if (deleted !== undefined && input.Delete?.Quiet !== true) Deleted.push(deleted);
    }
  }
  return { Deleted, Errors };
};

async function removeOne(
  x: Exchange,
  bucket: Bucket,
  object: ObjectIdentifier,
  bypass: { bypassGovernance?: true },
): Promise<{ deleted?: Output; error?: Output }> {
  const key = object.Key ?? '';
  try {
    assertKey(key);
    const conditions = removeConditions(object.ETag, object.LastModifiedTime, object.Size);
    // An empty element is as none: clients write it for what has no version.
    const named = versionOf(object.VersionId === '' ? undefined : object.VersionId);
    const verdict = await orAbsent(
      x.deps.namespace.remove(x.who, { bucket: bucket.id, key }, { ...named, ...bypass, conditions }),
    );
    const version = shown(verdict, bucket);
    return {
      deleted: {
        Key: key,
        VersionId: object.VersionId,
        DeleteMarker: verdict.deleteMarker || undefined,
        DeleteMarkerVersionId: verdict.deleteMarker ? version : undefined,
      },
    };
  } catch (error) {
    const said = toS3Error(error);
    if (said.code === 'InternalError')
      x.cx.log.error({ err: error, requestId: x.cx.requestId }, 's3: DeleteObjects failed on a key');
    return { error: { Key: key, VersionId: object.VersionId, Code: said.code, Message: said.message } };
  }
}

function bypassOf({ BypassGovernanceRetention }: { BypassGovernanceRetention?: boolean | undefined }): {
  bypassGovernance?: true;
} {
  return BypassGovernanceRetention === true ? { bypassGovernance: true } : {};
}

/** AWS wants MD5 or any of its checksums, in a header or as a trailer. */
function requireIntegrity({ req }: Exchange): void {
  const { headers } = req;
  const given =
    headers['content-md5'] ??
    headers['x-amz-trailer'] ??
    Object.keys(headers).find((name) => /^x-amz-checksum-(crc|sha|md5|xxhash)/.test(name));
  if (given === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  }
}

async function orAbsent(removal: Promise<RemoveVerdict>): Promise<RemoveVerdict> {
  try {
    return await removal;
  } catch (error) {
    const absent = isCloudStoreError(error, 'not_found') || isCloudStoreError(error, 'version_not_found');
    // A condition on what is not there holds: it is gone already.
    const unmet = isCloudStoreError(error, 'precondition_failed') && error.details.missing === true;
    if (!absent && !unmet) throw error;
    return { existed: false, deleteMarker: false, versionId: null };
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html */
function removeConditions(etag: string | undefined, modified: Date | undefined, size: number | undefined): Conditions {
  return {
    ...(etag === undefined ? {} : { ifMatch: parseEtags(etag, 'strong') }),
    ...(modified === undefined ? {} : { ifModifiedAt: modified.getTime() }),
    ...(size === undefined ? {} : { ifSize: size }),
  };
}

function shown(verdict: RemoveVerdict, bucket: Bucket): string | undefined {
  // A delete marker is of versioned days, also while what is remembered of the bucket is older.
  return bucket.versioning === 'off' && !verdict.deleteMarker ? undefined : (verdict.versionId ?? undefined);
}
