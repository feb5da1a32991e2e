import { type CloudStoreError, type ErrorCode, isCloudStoreError } from '#core/errors';

/**
 * AWS's error codes as this door answers them: status and AWS's wording (S3 API reference, "List of error codes").
 * What is not here cannot be said.
 */
export const CATALOGUE = {
  AccessControlListNotSupported: [400, 'The bucket does not allow ACLs'],
  AccessDenied: [403, 'Access Denied'],
  AccessForbidden: [403, 'CORSResponse: This CORS request is not allowed.'],
  AuthorizationHeaderMalformed: [400, 'The authorization header that you provided is not valid.'],
  AuthorizationQueryParametersError: [400, 'Error parsing the query-string authentication parameters.'],
  BadDigest: [400, 'The Content-MD5 or checksum value that you specified did not match what the server received.'],
  BadRequest: [400, 'Bad Request'],
  BucketAlreadyExists: [409, 'The requested bucket name is not available. Select a different name and try again.'],
  BucketAlreadyOwnedByYou: [409, 'Your previous request to create the named bucket succeeded and you already own it.'],
  BucketNotEmpty: [409, 'The bucket you tried to delete is not empty.'],
  ConditionalRequestConflict: [409, 'A conflicting operation occurred during the request. Retry it.'],
  EntityTooLarge: [400, 'Your proposed upload exceeds the maximum allowed size.'],
  EntityTooSmall: [400, 'Your proposed upload is smaller than the minimum allowed size.'],
  IllegalVersioningConfigurationException: [400, 'The Versioning element must be specified'],
  IllegalLocationConstraintException: [
    400,
    'The location constraint is incompatible for the region specific endpoint this request was sent to.',
  ],
  ExpiredToken: [400, 'The provided token has expired.'],
  IncompleteBody: [400, 'You did not provide the number of bytes specified by the Content-Length HTTP header.'],
  InternalError: [500, 'We encountered an internal error. Please try again.'],
  IdempotencyParameterMismatch: [
    400,
    'Parameters on this idempotent request are inconsistent with parameters used in previous request(s).',
  ],
  InvalidAccessKeyId: [403, 'The AWS Access Key Id you provided does not exist in our records.'],
  InvalidArgument: [400, 'Invalid Argument'],
  InvalidBucketAclWithBlockPublicAccessError: [400, 'Bucket cannot have public ACLs set with BlockPublicAccess enabled'],
  InvalidBucketAclWithObjectOwnership: [400, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"],
  InvalidBucketName: [400, 'The specified bucket is not valid.'],
  InvalidBucketOwnerAWSAccountID: [400, 'The value of the expected bucket owner parameter must be an AWS account ID.'],
  InvalidBucketState: [409, 'The request is not valid for the current state of the bucket.'],
  InvalidDigest: [400, 'The Content-MD5 you specified is not valid.'],
  InvalidEncryptionAlgorithmError: [400, 'The encryption request that you specified is not valid. The valid value is AES256.'],
  InvalidLocationConstraint: [400, 'The specified location constraint is not valid.'],
  InvalidPart: [
    400,
    'One or more of the specified parts could not be found. The part might not have been uploaded, or the specified entity tag might not have matched.',
  ],
  InvalidPartNumber: [416, 'The requested partnumber is not satisfiable.'],
  InvalidPartOrder: [400, 'The list of parts was not in ascending order. Parts must be ordered by part number.'],
  InvalidPolicyDocument: [400, 'The content of the form does not meet the conditions specified in the policy document.'],
  InvalidRange: [416, 'The requested range is not satisfiable'],
  InvalidRedirectLocation: [
    400,
    "The website redirect location must have a prefix of 'http://' or 'https://' or '/', and at most 2048 bytes.",
  ],
  InvalidRequest: [400, 'Invalid Request'],
  InvalidSecurity: [403, 'The provided security credentials are not valid.'],
  InvalidStorageClass: [400, 'The storage class you specified is not valid.'],
  InvalidTag: [400, 'The tag provided was not a valid tag.'],
  InvalidTargetBucketForLogging: [
    400,
    'The target bucket for logging does not exist, is not owned by you, or does not have the appropriate grants for the log-delivery group.',
  ],
  InvalidToken: [400, 'The provided token is malformed or otherwise invalid.'],
  InvalidURI: [400, "Couldn't parse the specified URI."],
  KeyTooLongError: [400, 'Your key is too long.'],
  MalformedACLError: [400, 'The XML you provided was not well-formed or did not validate against our published schema'],
  MalformedPolicy: [400, 'The policy is not valid.'],
  MalformedPOSTRequest: [400, 'The body of your POST request is not well-formed multipart/form-data.'],
  MalformedXML: [400, 'The XML you provided was not well-formed or did not validate against our published schema.'],
  MaxPostPreDataLengthExceeded: [400, 'Your POST request fields preceding the upload file were too large.'],
  MaxMessageLengthExceeded: [400, 'Your request was too big.'],
  MetadataConfigurationNotFound: [404, 'The metadata configuration was not found'],
  MetadataTableConfigurationNotFound: [404, 'The metadata table configuration was not found'],
  MetadataTooLarge: [400, 'Your metadata headers exceed the maximum allowed metadata size.'],
  MalformedTrailerError: [
    400,
    'The request contained trailing data that was not well-formed or did not conform to our published schema.',
  ],
  MethodNotAllowed: [405, 'The specified method is not allowed against this resource.'],
  MissingContentLength: [411, 'You must provide the Content-Length HTTP header.'],
  MissingRequestBodyError: [400, 'Request body is empty.'],
  MissingSecurityHeader: [400, 'Your request is missing a required header.'],
  NoSuchBucket: [404, 'The specified bucket does not exist'],
  NoSuchBucketPolicy: [404, 'The bucket policy does not exist'],
  NoSuchCORSConfiguration: [404, 'The CORS configuration does not exist'],
  NoSuchConfiguration: [404, 'The specified configuration does not exist.'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NoSuchLifecycleConfiguration: [404, 'The lifecycle configuration does not exist'],
  NoSuchObjectLockConfiguration: [404, 'The specified object does not have a ObjectLock configuration'],
  NoSuchPublicAccessBlockConfiguration: [404, 'The public access block configuration was not found'],
  NoSuchTagSet: [404, 'The TagSet does not exist'],
  NoSuchUpload: [
    404,
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  ],
  NoSuchVersion: [404, 'The specified version does not exist.'],
  NoSuchWebsiteConfiguration: [404, 'The specified bucket does not have a website configuration'],
  NotImplemented: [501, 'A header or operation that you provided implies functionality that is not implemented.'],
  NotModified: [304, 'Not Modified'],
  ObjectLockConfigurationNotFoundError: [404, 'Object Lock configuration does not exist for this bucket'],
  OperationAborted: [409, 'A conflicting conditional operation is currently in progress against this resource. Try again.'],
  OwnershipControlsNotFoundError: [404, 'The bucket ownership controls were not found'],
  PreconditionFailed: [412, 'At least one of the pre-conditions you specified did not hold'],
  QuotaExceeded: [403, 'The quota of the owner is used up.'],
  ReplicationConfigurationNotFoundError: [404, 'The replication configuration was not found'],
  RequestTimeTooSkewed: [403, 'The difference between the request time and the current time is too large.'],
  RequestTimeout: [400, 'Your socket connection to the server was not read from or written to within the timeout period.'],
  ServerSideEncryptionConfigurationNotFoundError: [404, 'The server side encryption configuration was not found'],
  ServiceUnavailable: [503, 'Service is unable to handle request.'],
  SignatureDoesNotMatch: [
    403,
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  ],
  SlowDown: [503, 'Please reduce your request rate.'],
  StorageFull: [507, 'The disk of the gateway is full.'],
  UnexpectedContent: [400, 'This request does not support content'],
  UnresolvableGrantByEmailAddress: [400, 'The e-mail address you provided does not match any account on record'],
  XAmzContentSHA256Mismatch: [400, "The provided 'x-amz-content-sha256' header does not match what was computed."],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type S3Code = keyof typeof CATALOGUE;

/** What S3 says and the core has no word for. `fields` become elements beside Code and Message. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly code: S3Code;
  readonly fields: Record<string, string | number>;

  constructor(code: S3Code, message?: string, fields: Record<string, string | number> = {}) {
    super(message ?? CATALOGUE[code][1]);
    this.code = code;
    this.fields = fields;
  }
}

/** What a client said of its body, and what came, both in base64. */
export function badDigest(expected: unknown, computed: unknown): S3Error {
  const fields = { ExpectedDigest: expected, CalculatedDigest: computed };
  return new S3Error('BadDigest', undefined, onlyTexts(fields));
}

/** The body is not what its signature covers. */
export function sha256Mismatch(signed: Buffer, computed: Buffer): S3Error {
  const S3ComputedContentSHA256 = computed.toString('hex');
  return new S3Error('XAmzContentSHA256Mismatch', undefined, {
    ClientComputedContentSHA256: signed.toString('hex'),
    ...(S3ComputedContentSHA256 === '' ? {} : { S3ComputedContentSHA256 }),
  });
}

function onlyTexts(fields: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
}

/** Every code of the core in S3's words. `locked` is AccessDenied, which no client retries for ever. */
export const CODES = {
  not_found: 'NoSuchKey',
  bucket_not_found: 'NoSuchBucket',
  version_not_found: 'NoSuchVersion',
  upload_not_found: 'NoSuchUpload',
  principal_not_found: 'InvalidAccessKeyId',
  key_not_found: 'InvalidAccessKeyId',
  already_exists: 'OperationAborted',
  bucket_exists: 'BucketAlreadyExists',
  bucket_owned_by_you: 'BucketAlreadyOwnedByYou',
  bucket_not_empty: 'BucketNotEmpty',
  parent_missing: 'InvalidRequest',
  not_a_directory: 'InvalidRequest',
  is_a_directory: 'InvalidRequest',
  name_clash: 'InvalidRequest',
  invalid_argument: 'InvalidArgument',
  invalid_key: 'InvalidURI',
  invalid_bucket_name: 'InvalidBucketName',
  invalid_range: 'InvalidRange',
  precondition_failed: 'PreconditionFailed',
  not_modified: 'NotModified',
  conflict: 'ConditionalRequestConflict',
  locked: 'AccessDenied',
  lock_not_found: 'InvalidRequest',
  object_locked: 'AccessDenied',
  access_denied: 'AccessDenied',
  customer_key_needed: 'InvalidRequest',
  unauthenticated: 'AccessDenied',
  expired: 'ExpiredToken',
  checksum_mismatch: 'BadDigest',
  incomplete_body: 'IncompleteBody',
  too_large: 'EntityTooLarge',
  invalid_part: 'InvalidPart',
  invalid_part_order: 'InvalidPartOrder',
  part_too_small: 'EntityTooSmall',
  quota_exceeded: 'QuotaExceeded',
  insufficient_storage: 'StorageFull',
  not_implemented: 'NotImplemented',
  corrupt: 'InternalError',
  unavailable: 'ServiceUnavailable',
  timeout: 'ServiceUnavailable',
  rate_limited: 'SlowDown',
  aborted: 'ServiceUnavailable',
  cursor_expired: 'InvalidToken',
  internal: 'InternalError',
} as const satisfies Record<ErrorCode, S3Code>;

/** What a request is about, for the fields of its errors. */
export interface Subject {
  bucket: string | null;
  key: string | null;
  query: { get(name: string): string | undefined };
}

/** Anything thrown, as S3 says it; what nobody planned says nothing of itself. */
export function toS3Error(error: unknown, subject?: Subject | null): S3Error {
  if (error instanceof S3Error) return error;
  if (!isCloudStoreError(error)) return new S3Error('InternalError');
  const { details } = error;
  switch (error.code) {
    case 'invalid_argument':
      if (details.policy === true) return new S3Error('MalformedPolicy', error.message);
      if (typeof details.acl === 'string') return aclError(details.acl);
      if (details.objectLock === false) return new S3Error('InvalidRequest', error.message);
      if (typeof details.declared === 'number') return sizeMismatch(details.declared, details.size);
      return details.xml === true ? new S3Error('MalformedXML') : new S3Error('InvalidArgument', error.message);
    case 'invalid_key':
      return details.tooLong === true
        ? new S3Error('KeyTooLongError', undefined, {
            ...(typeof details.size === 'number' ? { Size: details.size } : {}),
            MaxSizeAllowed: 1024,
          })
        : new S3Error('InvalidURI', error.message);
    case 'checksum_mismatch':
      return badDigest(details.expected, details.computed);
    case 'invalid_bucket_name':
      return new S3Error('InvalidBucketName', undefined, onlyTexts({ BucketName: details.bucket }));
    case 'invalid_part':
      return new S3Error('InvalidPart', undefined, {
        ...onlyTexts({ UploadId: subject?.query.get('uploadId') }),
        ...(typeof details.number === 'number' ? { PartNumber: details.number } : {}),
        ...(typeof details.etag === 'string' ? { ETag: details.etag.slice(0, 100) } : {}),
      });
    case 'invalid_range':
      return new S3Error('InvalidRange', undefined, typeof details.size === 'number' ? { ActualObjectSize: details.size } : {});
    case 'object_locked':
      return new S3Error('AccessDenied', 'Access Denied because object protected by object lock.');
    case 'conflict':
      return details.objectLock === undefined ? new S3Error(CODES.conflict) : new S3Error('InvalidBucketState', error.message);
    case 'customer_key_needed':
      return new S3Error(
        'InvalidRequest',
        'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
      );
    case 'version_not_found':
      if (details.deleteMarker === true) return new S3Error('MethodNotAllowed', undefined, { ResourceType: 'DeleteMarker' });
      return new S3Error('NoSuchVersion', undefined, subject ? fieldsOf(error, subject) : {});
    case 'precondition_failed':
      return new S3Error(
        'PreconditionFailed',
        undefined,
        typeof details.condition === 'string' ? { Condition: details.condition } : {},
      );
    case 'part_too_small':
      return new S3Error('EntityTooSmall', undefined, {
        ...(typeof details.size === 'number' ? { ProposedSize: details.size } : {}),
        ...(typeof details.minimum === 'number' ? { MinSizeAllowed: details.minimum } : {}),
        ...(typeof details.number === 'number' ? { PartNumber: details.number } : {}),
        ...(typeof details.etag === 'string' ? { ETag: details.etag } : {}),
      });
    default:
      return new S3Error(CODES[error.code], undefined, subject ? fieldsOf(error, subject) : {});
  }
}

/** What an error is about when it is not about the request's own key: see `ofSource`. */
export function sourceOf(details: CloudStoreError['details']): { bucket: string; key: string; version?: string } | null {
  return (details.source as { bucket: string; key: string; version?: string } | undefined) ?? null;
}

/** Of a completion's x-amz-mp-object-size. */
function sizeMismatch(declared: number, size: unknown): S3Error {
  const message = `The provided 'x-amz-mp-object-size' header value ${declared} does not match what was computed: ${size}`;
  return new S3Error('InvalidRequest', message);
}

/** AWS names what was looked for in elements of their own. */
function fieldsOf({ code, details }: CloudStoreError, { bucket, key, query }: Subject): Record<string, string> {
  const named: [string, unknown][] = [];
  const at = sourceOf(details) ?? { bucket, key, version: query.get('versionId') };
  if (code === 'not_found') named.push(['Key', at.key]);
  if (code === 'version_not_found') named.push(['Key', at.key], ['VersionId', at.version]);
  if (code === 'upload_not_found') named.push(['UploadId', query.get('uploadId')]);
  if (code === 'bucket_not_found' || code.startsWith('bucket_')) named.push(['BucketName', details.bucket ?? bucket]);
  return onlyTexts(Object.fromEntries(named));
}

function aclError(why: string): S3Error {
  if (why === 'unsupported') return new S3Error('AccessControlListNotSupported');
  if (why === 'ownership') return new S3Error('InvalidBucketAclWithObjectOwnership');
  return why === 'grantee' ? new S3Error('InvalidArgument', 'Invalid id') : new S3Error('MalformedACLError');
}
