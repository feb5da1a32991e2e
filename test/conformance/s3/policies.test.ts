import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { arn, idOf, KEYS, nobody, openBucket, POLICIES, putPolicy, statement } from './harness/access.ts';
import { api, guide } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

suite('bucket policies', POLICIES, {
  'a policy comes back as it was put, and goes': {
    page: api('GetBucketPolicy'),
    run: async (lab) => {
      const bucket = await openBucket(lab);
      const text = `{"Version":"2012-10-17", "Statement": [ ${JSON.stringify((statement(bucket) as { Statement: object[] }).Statement[0])} ]}`;
      expectStatus(await putPolicy(lab.s3, bucket, text), 204);
      const got = expectStatus(await lab.s3.send('GET', `/${bucket}`, { query: 'policy=' }), 200);
      expect(JSON.parse(got.text)).to.deep.equal(JSON.parse(text));
      expectStatus(await lab.s3.send('DELETE', `/${bucket}`, { query: 'policy=' }), 204);
      expectError(await lab.s3.send('GET', `/${bucket}`, { query: 'policy=' }), 404, 'NoSuchBucketPolicy');
    },
  },
  'a policy that is none is MalformedPolicy': {
    page: api('PutBucketPolicy'),
    ...over(
      {
        'no JSON': () => '{',
        'nesting without end': (bucket: string) =>
          statement(bucket, { Condition: JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`) }),
        'another bucket': () => statement('some-other-bucket'),
        'no principal': (bucket: string) => statement(bucket, { Principal: undefined }),
        'an unknown action': (bucket: string) => statement(bucket, { Action: 's3:Anything' }),
        'an unknown condition': (bucket: string) => statement(bucket, { Condition: { Same: { 'aws:SourceIp': '1.2.3.4' } } }),
        'an unknown key': (bucket: string) => statement(bucket, { Condition: { StringEquals: { 'aws:what': 'x' } } }),
        'an action of the bucket on objects': (bucket: string) => statement(bucket, { Action: 's3:ListBucket' }),
        'an account that is not there': (bucket: string) =>
          statement(bucket, { Principal: { AWS: 'arn:aws:iam::999999999999:root' } }),
        'a canonical user that is not there': (bucket: string) =>
          statement(bucket, { Principal: { CanonicalUser: 'ffffffffff'.padStart(64, '0') } }),
        'a user that is not there': (bucket: string) =>
          statement(bucket, { Principal: { AWS: 'arn:aws:iam::000000000000:user/nobody-of-this-name' } }),
      },
      (policy) => async (lab) => {
        const bucket = await openBucket(lab);
        expectError(await putPolicy(lab.s3, bucket, policy(bucket)), 400, 'MalformedPolicy');
        expectError(await lab.s3.send('GET', `/${bucket}`, { query: 'policy=' }), 404, 'NoSuchBucketPolicy');
      },
    ),
  },
  'a public policy lets nobody in particular read, and do nothing else': async (lab) => {
    const bucket = await openBucket(lab);
    expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x' }), 200);
    expectError(await lab.s3.send('GET', `/${bucket}/a`, nobody), 403, 'AccessDenied');
    expectStatus(await putPolicy(lab.s3, bucket, statement(bucket)), 204);
    expect(expectStatus(await lab.s3.send('GET', `/${bucket}/a`, nobody), 200).text).to.equal('x');
    expectStatus(await lab.s3.send('HEAD', `/${bucket}/a`, nobody), 200);
    expectError(await lab.s3.send('PUT', `/${bucket}/b`, { ...nobody, body: 'x' }), 403, 'AccessDenied');
    expectError(await lab.s3.send('DELETE', `/${bucket}/a`, nobody), 403, 'AccessDenied');
    expectError(await lab.s3.send('GET', `/${bucket}`, nobody), 403, 'AccessDenied');
    expectError(await lab.s3.send('GET', `/${bucket}`, { ...nobody, query: 'policy=' }), 403, 'AccessDenied');
  },
  'who may not list is told of a missing key as of a forbidden one': {
    page: api('GetObject'),
    run: async (lab) => {
      const bucket = await openBucket(lab);
      expectStatus(await putPolicy(lab.s3, bucket, statement(bucket)), 204);
      expectError(await lab.s3.send('GET', `/${bucket}/absent`, nobody), 403, 'AccessDenied');
      const listing = [arn(bucket), arn(bucket, '/*')];
      expectStatus(
        await putPolicy(lab.s3, bucket, statement(bucket, { Action: ['s3:GetObject', 's3:ListBucket'], Resource: listing })),
        204,
      );
      expectError(await lab.s3.send('GET', `/${bucket}/absent`, nobody), 404, 'NoSuchKey');
    },
  },
  'nobody may upload where a policy says so, also in parts': async (lab) => {
    const bucket = await openBucket(lab);
    expectStatus(await putPolicy(lab.s3, bucket, statement(bucket, { Action: ['s3:PutObject'] })), 204);
    expectStatus(await lab.s3.send('PUT', `/${bucket}/dropped`, { ...nobody, body: 'by nobody' }), 200);
    expect((await lab.s3.send('GET', `/${bucket}/dropped`)).text).to.equal('by nobody');
    const begun = expectStatus(await lab.s3.send('POST', `/${bucket}/parts`, { ...nobody, query: 'uploads=' }), 200);
    const uploadId = begun.xml().value('UploadId');
    const part = expectStatus(
      await lab.s3.send('PUT', `/${bucket}/parts`, { ...nobody, query: { partNumber: '1', uploadId }, body: 'p' }),
      200,
    );
    const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
    expectStatus(await lab.s3.send('POST', `/${bucket}/parts`, { ...nobody, query: { uploadId }, body }), 200);
    expect((await lab.s3.send('GET', `/${bucket}/parts`)).text).to.equal('p');
  },
  'nobody gives the answer headers of its choice': {
    page: api('GetObject'),
    run: async (lab) => {
      const bucket = await openBucket(lab);
      expectStatus(await putPolicy(lab.s3, bucket, statement(bucket)), 204);
      const answer = await lab.s3.send('GET', `/${bucket}/a`, { ...nobody, query: { 'response-content-type': 'text/html' } });
      expectError(answer, 400, 'InvalidRequest');
    },
  },
  'another account has what the policy gives it by its canonical id, and no more': async (lab) => {
    const other = lab.otherAccount();
    const bucket = await openBucket(lab);
    expectStatus(await lab.s3.send('PUT', `/${bucket}/in/a`, { body: 'x' }), 200);
    expectStatus(await lab.s3.send('PUT', `/${bucket}/out`, { body: 'x' }), 200);
    const change = { Principal: { CanonicalUser: await idOf(other) }, Resource: arn(bucket, '/in/*') };
    expectStatus(await putPolicy(lab.s3, bucket, statement(bucket, change)), 204);
    expectStatus(await other.send('GET', `/${bucket}/in/a`), 200);
    expectError(await other.send('GET', `/${bucket}/out`), 403, 'AccessDenied');
    expectError(await lab.s3.send('GET', `/${bucket}/in/a`, nobody), 403, 'AccessDenied');
  },
  'what an object is like is told to whoever may also read it': {
    page: api('GetObjectAttributes'),
    run: async (lab) => {
      const bucket = await openBucket(lab);
      expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x' }), 200);
      const look = () => {
        const headers = { 'x-amz-object-attributes': 'ETag,ObjectSize' };
        return lab.s3.send('GET', `/${bucket}/a`, { ...nobody, query: 'attributes=', headers });
      };
      const allow = async (...Action: string[]) =>
        expectStatus(await putPolicy(lab.s3, bucket, statement(bucket, { Action })), 204);
      await allow('s3:GetObjectAttributes');
      expectError(await look(), 403, 'AccessDenied');
      await allow('s3:GetObject');
      expectError(await look(), 403, 'AccessDenied');
      await allow('s3:GetObject', 's3:GetObjectAttributes');
      expectStatus(await look(), 200);
    },
  },
  "a copy of a version needs the right to read that version's tags": {
    page: guide('tagging-and-policies'),
    run: async (lab) => {
      const other = lab.otherAccount();
      const [source, target] = [await openBucket(lab), await openBucket(lab)];
      const Principal = { CanonicalUser: await idOf(other) };
      const Status = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await lab.s3.send('PUT', `/${source}`, { query: 'versioning=', body: Status }), 200);
      const put = await lab.s3.send('PUT', `/${source}/a`, { body: 'x', headers: { 'x-amz-tagging': 'a=b' } });
      const version = String(expectStatus(put, 200).headers['x-amz-version-id']);
      const allow = async (...Action: string[]) =>
        expectStatus(await putPolicy(lab.s3, source, statement(source, { Principal, Action })), 204);
      const all = { Principal, Action: 's3:*', Resource: [arn(target), arn(target, '/*')] };
      expectStatus(await putPolicy(lab.s3, target, statement(target, all)), 204);
      const headers = { 'x-amz-copy-source': `/${source}/a?versionId=${version}` };
      await allow('s3:GetObjectVersion', 's3:GetObjectTagging');
      expectError(await other.send('PUT', `/${target}/b`, { headers }), 403, 'AccessDenied');
      await allow('s3:GetObjectVersion', 's3:GetObjectVersionTagging');
      expectStatus(await other.send('PUT', `/${target}/b`, { headers }), 200);
    },
  },
  'a copy needs the right to read the source': {
    page: api('CopyObject'),
    run: async (lab) => {
      const other = lab.otherAccount();
      const [source, target] = [await openBucket(lab), await openBucket(lab)];
      const Principal = { CanonicalUser: await idOf(other) };
      expectStatus(await lab.s3.send('PUT', `/${source}/secret`, { body: 'x' }), 200);
      expectStatus(
        await putPolicy(lab.s3, source, statement(source, { Principal, Action: 's3:ListBucket', Resource: arn(source) })),
        204,
      );
      const all = { Principal, Action: 's3:*', Resource: [arn(target), arn(target, '/*')] };
      expectStatus(await putPolicy(lab.s3, target, statement(target, all)), 204);
      const headers = { 'x-amz-copy-source': `/${source}/secret` };
      expectError(await other.send('PUT', `/${target}/stolen`, { headers }), 403, 'AccessDenied');
      const begun = expectStatus(await other.send('POST', `/${target}/stolen`, { query: 'uploads=' }), 200);
      const query = { partNumber: '1', uploadId: begun.xml().value('UploadId') };
      expectError(await other.send('PUT', `/${target}/stolen`, { headers, query }), 403, 'AccessDenied');
      expectError(await lab.s3.send('GET', `/${target}/stolen`), 404, 'NoSuchKey');
    },
  },
  'a deny wins over an allow, for the owner too, who can always put another policy': {
    page: guide('access-policy-language-overview'),
    run: async (lab) => {
      const bucket = await openBucket(lab);
      expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x' }), 200);
      const { Statement } = statement(bucket) as { Statement: object[] };
      const deny = { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: [arn(bucket), arn(bucket, '/*')] };
      expectStatus(await putPolicy(lab.s3, bucket, { Version: '2012-10-17', Statement: [...Statement, deny] }), 204);
      for (const options of [{}, nobody]) expectError(await lab.s3.send('GET', `/${bucket}/a`, options), 403, 'AccessDenied');
      expectError(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'y' }), 403, 'AccessDenied');
      expectStatus(await lab.s3.send('DELETE', `/${bucket}`, { query: 'policy=' }), 204);
      expectStatus(await lab.s3.send('GET', `/${bucket}/a`), 200);
    },
  },
  'conditions decide': {
    page: KEYS,
    ...over(
      {
        'of the address': [
          { IpAddress: { 'aws:SourceIp': ['127.0.0.0/8', '::1'] } },
          {},
          { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } },
        ],
        'of the transport': [{ Bool: { 'aws:SecureTransport': 'false' } }, {}, { Bool: { 'aws:SecureTransport': 'true' } }],
        'of the user agent': [
          { StringLike: { 'aws:UserAgent': 'probe/*' } },
          { 'user-agent': 'probe/1' },
          { StringNotLike: { 'aws:UserAgent': 'probe/*' } },
        ],
        'of the referer': [
          { StringLike: { 'aws:Referer': 'https://example.com/*' } },
          { referer: 'https://example.com/page' },
          { StringEquals: { 'aws:Referer': 'https://example.com/' } },
        ],
        'of the date': [
          { DateGreaterThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } },
          {},
          { DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } },
        ],
        'of tags that the object has': [
          { StringEquals: { 's3:ExistingObjectTag/class': 'open' } },
          {},
          { StringEquals: { 's3:ExistingObjectTag/class': 'closed' } },
        ],
      } as Record<string, [object, Record<string, string>, object]>,
      ([holds, headers, fails]) =>
        async (lab) => {
          const bucket = await openBucket(lab);
          expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x', headers: { 'x-amz-tagging': 'class=open' } }), 200);
          expectStatus(await putPolicy(lab.s3, bucket, statement(bucket, { Condition: holds })), 204);
          expectStatus(await lab.s3.send('GET', `/${bucket}/a`, { ...nobody, headers }), 200);
          expectStatus(await putPolicy(lab.s3, bucket, statement(bucket, { Condition: fails })), 204);
          expectError(await lab.s3.send('GET', `/${bucket}/a`, { ...nobody, headers }), 403, 'AccessDenied');
        },
    ),
  },
  'a copy needs to read its source and to write its destination, and no more': {
    page: api('CopyObject'),
    ...over(
      {
        'as it is': {},
        'with a checksum of its own': { 'x-amz-checksum-algorithm': 'SHA256' },
        'under a key of its own': {
          'x-amz-server-side-encryption-customer-algorithm': 'AES256',
          'x-amz-server-side-encryption-customer-key': Buffer.alloc(32, 'k').toString('base64'),
          'x-amz-server-side-encryption-customer-key-md5': createHash('md5').update(Buffer.alloc(32, 'k')).digest('base64'),
        },
      } as Record<string, Record<string, string>>,
      (headers) => async (lab) => {
        const bucket = await openBucket(lab);
        await lab.s3.send('PUT', `/${bucket}/from/a`, { body: 'a' });
        const reads = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: arn(bucket, '/from/*') };
        const writes = { Effect: 'Allow', Principal: '*', Action: 's3:PutObject', Resource: arn(bucket, '/to/*') };
        expectStatus(await putPolicy(lab.s3, bucket, { Version: '2012-10-17', Statement: [reads, writes] }), 204);
        const copy = { ...nobody, headers: { 'x-amz-copy-source': `/${bucket}/from/a`, ...headers } };
        expectStatus(await lab.s3.send('PUT', `/${bucket}/to/b`, copy), 200);
        expectError(await lab.s3.send('PUT', `/${bucket}/b`, copy), 403, 'AccessDenied');
      },
    ),
  },
  'a list of versions is an action of its own, also where there never were versions': {
    page: api('ListObjectVersions'),
    ...over({ 'never versioned': null, versioned: 'Enabled' }, (status) => async (lab) => {
      const bucket = await openBucket(lab);
      const body = `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`;
      if (status !== null) expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'versioning', body }), 200);
      const listed = async (Action: string) => {
        expectStatus(await putPolicy(lab.s3, bucket, statement(bucket, { Action, Resource: arn(bucket) })), 204);
        const answers = ['', 'versions', 'versions&max-keys=0'].map((query) =>
          lab.s3.send('GET', `/${bucket}`, { ...nobody, query }),
        );
        return (await Promise.all(answers)).map((answer) => answer.status);
      };
      expect(await listed('s3:ListBucketVersions')).to.deep.equal([403, 200, 200]);
      expect(await listed('s3:ListBucket')).to.deep.equal([200, 403, 403]);
    }),
  },
  'a list may be given for a prefix alone': {
    page: KEYS,
    run: async (lab) => {
      const bucket = await openBucket(lab);
      for (const key of ['in/a', 'out']) expectStatus(await lab.s3.send('PUT', `/${bucket}/${key}`), 200);
      const Condition = { StringLike: { 's3:prefix': 'in/*' }, NumericLessThanEquals: { 's3:max-keys': '10' } };
      const change = { Action: 's3:ListBucket', Resource: arn(bucket), Condition };
      expectStatus(await putPolicy(lab.s3, bucket, statement(bucket, change)), 204);
      const list = (query: Record<string, string>) => lab.s3.send('GET', `/${bucket}`, { ...nobody, query });
      expect((await list({ prefix: 'in/', 'max-keys': '5' })).xml().all('Contents').length).to.equal(1);
      expectError(await list({ prefix: 'in/', 'max-keys': '11' }), 403, 'AccessDenied');
      expectError(await list({ 'max-keys': '5' }), 403, 'AccessDenied');
      expectError(await list({ prefix: 'ou', 'max-keys': '5' }), 403, 'AccessDenied');
    },
  },
});

suite('whether a policy is public', api('GetBucketPolicyStatus'), {
  'a policy for everybody is, and one for named accounts or networks is not': over(
    {
      everybody: [{}, 'true'],
      'an account': [{ Principal: { AWS: 'self' } }, 'false'],
      'a network': [{ Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } }, 'false'],
      'all networks': [{ Condition: { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } } }, 'true'],
      'half of all networks': [{ Condition: { IpAddress: { 'aws:SourceIp': '128.0.0.0/1' } } }, 'true'],
      'all networks but one': [{ Condition: { NotIpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } }, 'true'],
      'a principal that is fixed': [{ Condition: { StringEquals: { 'aws:PrincipalAccount': '000000000001' } } }, 'false'],
      'a principal with a wildcard': [{ Condition: { StringLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:user/*' } } }, 'true'],
      'a page that sends its visitors': [{ Condition: { StringLike: { 'aws:Referer': 'https://example.com/*' } } }, 'true'],
      'a denial to everybody': [{ Effect: 'Deny' }, 'false'],
    } as Record<string, [{ Effect?: string; Principal?: object; Condition?: object }, string]>,
    ([change, expected]) =>
      async (lab) => {
        const bucket = await openBucket(lab);
        const own = change.Principal === undefined ? change : { Principal: { CanonicalUser: await idOf(lab.s3) } };
        expectStatus(await putPolicy(lab.s3, bucket, statement(bucket, own)), 204);
        const status = expectStatus(await lab.s3.send('GET', `/${bucket}`, { query: 'policyStatus=' }), 200).xml();
        expect(status.name).to.equal('PolicyStatus');
        expect(status.value('IsPublic')).to.equal(expected);
      },
  ),
});
