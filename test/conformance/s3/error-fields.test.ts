import { expect } from 'chai';
import type { S3Answer } from './harness/client.ts';
import { api, guide, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

/** What is asked, its status and code, and the fields that stand beside Code and Message: a text for its value, true for any. */
type Asked = [
  ask: (lab: Lab) => Promise<S3Answer>,
  status: number,
  code: string,
  fields: Record<string, string | true | ((lab: Lab) => string)>,
];

const ofBucket = ({ bucket }: Lab): string => bucket;
const unset = (query: string, code: string): Asked => [
  ({ send }) => send('GET', '', { query }),
  404,
  code,
  { BucketName: ofBucket },
];

const CASES: Record<string, Asked> = {
  NoSuchVersion: [
    async ({ put, get }) => {
      await put('versioned', 'x');
      return get('versioned', { query: { versionId: '0123456789abcdef0123456789abcdef' } });
    },
    404,
    'NoSuchVersion',
    { Key: 'versioned', VersionId: '0123456789abcdef0123456789abcdef' },
  ],
  NoSuchUpload: [
    ({ send }) => send('DELETE', 'a', { query: { uploadId: '0123456789abcdef0123456789abcdef' } }),
    404,
    'NoSuchUpload',
    { UploadId: '0123456789abcdef0123456789abcdef' },
  ],
  BucketNotEmpty: [
    async ({ put, send }) => {
      await put('kept', 'x');
      return send('DELETE', '');
    },
    409,
    'BucketNotEmpty',
    { BucketName: ofBucket },
  ],
  InvalidBucketName: [
    ({ s3 }) => s3.send('PUT', '/No_Bucket_Of_Ours'),
    400,
    'InvalidBucketName',
    { BucketName: 'No_Bucket_Of_Ours' },
  ],
  InvalidRange: [
    async ({ put, get }) => {
      await put('ten', '0123456789');
      return get('ten', { headers: { range: 'bytes=20-30' } });
    },
    416,
    'InvalidRange',
    { ActualObjectSize: '10', RangeRequested: 'bytes=20-30' },
  ],
  InvalidPartNumber: [
    async ({ put, get }) => {
      await put('ten', '0123456789');
      return get('ten', { query: { partNumber: 3 } });
    },
    416,
    'InvalidPartNumber',
    { ActualPartCount: '1', PartNumberRequested: '3' },
  ],
  PreconditionFailed: [
    async ({ put, get }) => {
      await put('ten', '0123456789');
      return get('ten', { headers: { 'if-match': '"0"' } });
    },
    412,
    'PreconditionFailed',
    { Condition: 'If-Match' },
  ],
  MethodNotAllowed: [({ send }) => send('PATCH', 'a'), 405, 'MethodNotAllowed', { Method: 'PATCH', ResourceType: 'OBJECT' }],
  InvalidArgument: [
    ({ send }) => send('GET', '', { query: { 'list-type': 2, 'max-keys': 'x' } }),
    400,
    'InvalidArgument',
    { ArgumentName: 'max-keys', ArgumentValue: 'x' },
  ],
  InvalidDigest: [
    ({ send }) => send('PUT', 'd', { body: 'x', headers: { 'content-md5': 'none' } }),
    400,
    'InvalidDigest',
    { 'Content-MD5': 'none' },
  ],
  BadDigest: [
    ({ send }) => send('PUT', 'd', { body: 'x', headers: { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' } }),
    400,
    'BadDigest',
    { ExpectedDigest: true, CalculatedDigest: true },
  ],
  XAmzContentSHA256Mismatch: [
    ({ send }) => send('PUT', 'd', { body: 'x', headers: { 'x-amz-content-sha256': '0'.repeat(64) } }),
    400,
    'XAmzContentSHA256Mismatch',
    {
      ClientComputedContentSHA256: '0'.repeat(64),
      S3ComputedContentSHA256: '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881',
    },
  ],
  MetadataTooLarge: [
    ({ send }) => send('PUT', 'm', { body: 'x', headers: { 'x-amz-meta-a': 'b'.repeat(2100) } }),
    400,
    'MetadataTooLarge',
    { Size: true, MaxSizeAllowed: '2048' },
  ],
  InvalidStorageClass: [
    ({ send }) => send('PUT', 'm', { body: 'x', headers: { 'x-amz-storage-class': 'TAPE' } }),
    400,
    'InvalidStorageClass',
    { StorageClassRequested: 'TAPE' },
  ],
  RequestTimeTooSkewed: [
    ({ get }) => get('m', { at: new Date('2020-01-01T00:00:00Z') }),
    403,
    'RequestTimeTooSkewed',
    { RequestTime: true, ServerTime: true, MaxAllowedSkewMilliseconds: '900000' },
  ],
  InvalidAccessKeyId: [
    ({ get }) => get('m', { keys: { accessKeyId: 'NOBODYS00000', secretAccessKey: 'x' } }),
    403,
    'InvalidAccessKeyId',
    { AWSAccessKeyId: 'NOBODYS00000' },
  ],
  SignatureDoesNotMatch: [
    ({ get, s3 }) => get('m', { keys: { ...s3.keys, secretAccessKey: 'another' } }),
    403,
    'SignatureDoesNotMatch',
    {
      AWSAccessKeyId: true,
      StringToSign: true,
      SignatureProvided: true,
      StringToSignBytes: true,
      CanonicalRequest: true,
      CanonicalRequestBytes: true,
    },
  ],
  AuthorizationHeaderMalformed: [
    ({ get }) => get('m', { region: 'eu-nowhere-1' }),
    400,
    'AuthorizationHeaderMalformed',
    { Region: true },
  ],
  InvalidPart: [
    async ({ send }) => {
      const uploadId = (await send('POST', 'p', { query: 'uploads=' })).xml().value('UploadId');
      const body = `<CompleteMultipartUpload><Part><PartNumber>7</PartNumber><ETag>"${'0'.repeat(32)}"</ETag></Part></CompleteMultipartUpload>`;
      return send('POST', 'p', { query: { uploadId }, body });
    },
    400,
    'InvalidPart',
    { UploadId: true, PartNumber: '7', ETag: '0'.repeat(32) },
  ],
  NoSuchTagSet: unset('tagging=', 'NoSuchTagSet'),
  NoSuchCORSConfiguration: unset('cors=', 'NoSuchCORSConfiguration'),
  NoSuchLifecycleConfiguration: unset('lifecycle=', 'NoSuchLifecycleConfiguration'),
  NoSuchWebsiteConfiguration: unset('website=', 'NoSuchWebsiteConfiguration'),
  NoSuchBucketPolicy: unset('policy=', 'NoSuchBucketPolicy'),
  ObjectLockConfigurationNotFoundError: unset('object-lock=', 'ObjectLockConfigurationNotFoundError'),
  ReplicationConfigurationNotFoundError: unset('replication=', 'ReplicationConfigurationNotFoundError'),
};

suite('fields of errors', PAGES.errors, {
  'an error says what it is about in fields of its own': over(CASES, ([ask, status, code, fields]) => async (lab) => {
    const answer = await ask(lab);
    expectError(answer, status, code);
    for (const [name, wanted] of Object.entries(fields)) {
      const said = answer.xml().value(name);
      if (wanted === true) expect(said, name).to.not.equal('');
      else expect(said, name).to.equal(typeof wanted === 'string' ? wanted : wanted(lab));
    }
  }),
  'an error names its resource': async ({ get, path, key }) => {
    const absent = key('absent');
    expect((await get(absent)).xml().value('Resource')).to.equal(path(absent));
  },
  'who reads a delete marker is told that it is one': {
    page: guide('DeleteMarker'),
    run: async ({ s3, newBucket }) => {
      const bucket = await newBucket();
      const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await s3.send('PUT', `/${bucket}`, { query: 'versioning=', body: on }), 200);
      expectStatus(await s3.send('PUT', `/${bucket}/a`, { body: 'x' }), 200);
      const versionId = (await s3.send('DELETE', `/${bucket}/a`)).headers['x-amz-version-id'] ?? '';
      const answer = await s3.send('GET', `/${bucket}/a`, { query: { versionId } });
      expectError(answer, 405, 'MethodNotAllowed');
      expect([answer.headers['x-amz-delete-marker'], answer.headers['x-amz-version-id'], answer.headers.allow]).to.deep.equal([
        'true',
        versionId,
        'DELETE',
      ]);
      expect(answer.xml().value('ResourceType')).to.equal('DeleteMarker');
    },
  },
  'HEAD of what is not there has no body and its id': {
    page: api('HeadObject'),
    run: async ({ head, key }) => {
      const answer = expectStatus(await head(key('absent')), 404);
      expect([answer.body.length, answer.headers['x-amz-request-id'] !== undefined]).to.deep.equal([0, true]);
    },
  },
});
