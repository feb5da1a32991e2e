import type { Handler } from '../exchange.ts';
import * as access from './bucket-access.ts';
import * as cors from './bucket-cors.ts';
import * as lifecycle from './bucket-lifecycle.ts';
import * as logging from './bucket-logging.ts';
import * as notification from './bucket-notification.ts';
import * as settings from './bucket-settings.ts';
import * as website from './bucket-website.ts';
import * as buckets from './buckets.ts';
import { completeMultipartUpload } from './complete-multipart.ts';
import { copyObject } from './copy-object.ts';
import { deleteObject, deleteObjects } from './delete-objects.ts';
import { getObject } from './get-object.ts';
import { listObjects, listObjectsV2, listObjectVersions } from './list-objects.ts';
import * as multipart from './multipart.ts';
import { getObjectAttributes } from './object-attributes.ts';
import * as lock from './object-lock.ts';
import * as tagging from './object-tagging.ts';
import { putObject } from './put-object.ts';
import { renameObject } from './rename-object.ts';
import { unsetHandlers } from './unset.ts';

/** What is carried out, by AWS's name. The request parser makes each input of the same model that the SDK's types come from. */
export function createTable(): ReadonlyMap<string, Handler> {
  const written = {
    ListBuckets: buckets.listBuckets,
    CreateBucket: buckets.createBucket,
    HeadBucket: buckets.headBucket,
    DeleteBucket: buckets.deleteBucket,
    GetBucketLocation: buckets.getBucketLocation,
    GetBucketVersioning: buckets.getBucketVersioning,
    PutBucketVersioning: buckets.putBucketVersioning,
    GetBucketAcl: access.getBucketAcl,
    PutBucketAcl: access.putBucketAcl,
    GetObjectAcl: access.getObjectAcl,
    PutObjectAcl: access.putObjectAcl,
    GetBucketPolicy: access.getBucketPolicy,
    PutBucketPolicy: access.putBucketPolicy,
    DeleteBucketPolicy: access.deleteBucketPolicy,
    GetBucketPolicyStatus: access.getBucketPolicyStatus,
    GetPublicAccessBlock: access.getPublicAccessBlock,
    PutPublicAccessBlock: access.putPublicAccessBlock,
    DeletePublicAccessBlock: access.deletePublicAccessBlock,
    GetBucketOwnershipControls: access.getBucketOwnershipControls,
    PutBucketOwnershipControls: access.putBucketOwnershipControls,
    DeleteBucketOwnershipControls: access.deleteBucketOwnershipControls,
    GetBucketTagging: settings.getBucketTagging,
    PutBucketTagging: settings.putBucketTagging,
    DeleteBucketTagging: settings.deleteBucketTagging,
    GetBucketEncryption: settings.getBucketEncryption,
    PutBucketEncryption: settings.putBucketEncryption,
    DeleteBucketEncryption: settings.deleteBucketEncryption,
    PutBucketRequestPayment: settings.putBucketRequestPayment,
    PutBucketAccelerateConfiguration: settings.putBucketAccelerateConfiguration,
    PutBucketAbac: settings.putBucketAbac,
    GetBucketLifecycleConfiguration: lifecycle.getBucketLifecycleConfiguration,
    PutBucketLifecycleConfiguration: lifecycle.putBucketLifecycleConfiguration,
    DeleteBucketLifecycle: lifecycle.deleteBucketLifecycle,
    GetBucketNotificationConfiguration: notification.getBucketNotificationConfiguration,
    PutBucketNotificationConfiguration: notification.putBucketNotificationConfiguration,
    GetBucketLogging: logging.getBucketLogging,
    PutBucketLogging: logging.putBucketLogging,
    GetBucketWebsite: website.getBucketWebsite,
    PutBucketWebsite: website.putBucketWebsite,
    DeleteBucketWebsite: website.deleteBucketWebsite,
    GetBucketCors: cors.getBucketCors,
    PutBucketCors: cors.putBucketCors,
    DeleteBucketCors: cors.deleteBucketCors,
    GetObjectLockConfiguration: lock.getObjectLockConfiguration,
    PutObjectLockConfiguration: lock.putObjectLockConfiguration,
    GetObjectRetention: lock.getObjectRetention,
    PutObjectRetention: lock.putObjectRetention,
    GetObjectLegalHold: lock.getObjectLegalHold,
    PutObjectLegalHold: lock.putObjectLegalHold,
    PutObject: putObject,
    CopyObject: copyObject,
    GetObjectAttributes: getObjectAttributes,
    GetObjectTagging: tagging.getObjectTagging,
    PutObjectTagging: tagging.putObjectTagging,
    DeleteObjectTagging: tagging.deleteObjectTagging,
    RenameObject: renameObject,
    GetObject: getObject,
    HeadObject: getObject,
    DeleteObject: deleteObject,
    DeleteObjects: deleteObjects,
    ListObjects: listObjects,
    ListObjectsV2: listObjectsV2,
    ListObjectVersions: listObjectVersions,
    CreateMultipartUpload: multipart.createMultipartUpload,
    UploadPart: multipart.uploadPart,
    UploadPartCopy: multipart.uploadPartCopy,
    ListParts: multipart.listParts,
    ListMultipartUploads: multipart.listMultipartUploads,
    AbortMultipartUpload: multipart.abortMultipartUpload,
    CompleteMultipartUpload: completeMultipartUpload,
  };
  return new Map(Object.entries({ ...unsetHandlers(), ...written } as unknown as Record<string, Handler>));
}
