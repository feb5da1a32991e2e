import { expect } from 'chai';
import type { S3Client } from './harness/client.ts';
import { documentsOf } from './harness/documents.ts';
import { api, guide } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';
import type { Element } from './harness/xml.ts';

const BLOCK = guide('access-control-block-public-access');
const ACL = guide('acl-overview');
const OWNERSHIP = guide('about-object-ownership');
const POLICIES = guide('bucket-policies');
const KEYS = guide('amazon-s3-policy-keys');
const ALL_USERS = 'http://acs.amazonaws.com/groups/global/AllUsers';
const nobody = { auth: 'none' as const };

const blockOf = (s3: S3Client) => documentsOf(s3, 'publicAccessBlock', 'PublicAccessBlockConfiguration');
const ownershipOf = (s3: S3Client) => documentsOf(s3, 'ownershipControls', 'OwnershipControls');
const putPolicy = (s3: S3Client, bucket: string, policy: unknown) =>
  s3.send('PUT', `/${bucket}`, { query: 'policy=', body: typeof policy === 'string' ? policy : JSON.stringify(policy) });
const arn = (bucket: string, key = '') => `arn:aws:s3:::${bucket}${key}`;

/** A bucket that says nothing about the public. */
async function openBucket({ s3, newBucket }: Lab): Promise<string> {
  const bucket = await newBucket();
  // An endpoint that has no such thing blocks nothing, and may take its removal for the bucket's.
  if ((await blockOf(s3).get(bucket)).status === 200) expectStatus(await blockOf(s3).remove(bucket), 204);
  return bucket;
}

/** One whose lists count. */
async function listedBucket(lab: Lab, ownership = 'ObjectWriter'): Promise<string> {
  const bucket = await openBucket(lab);
  const rule = `<Rule><ObjectOwnership>${ownership}</ObjectOwnership></Rule>`;
  expectStatus(await ownershipOf(lab.s3).put(bucket, rule), 200);
  return bucket;
}

const idOf = async (s3: S3Client) => deep((await s3.send('GET', '/')).xml(), 'ID');

/** Of the first element of this name, however deep; '' when there is none. */
function deep(element: Element, name: string): string {
  if (element.name === name) return element.text;
  for (const child of element.children) {
    const found = deep(child, name);
    if (found !== '') return found;
  }
  return '';
}

function grantsOf(acl: Element): Element[] {
  return acl.child('AccessControlList')?.all('Grant') ?? [];
}

function statement(bucket: string, change: object = {}): object {
  return {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: arn(bucket, '/*'), ...change }],
  };
}

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
    } as Record<string, [{ Principal?: object; Condition?: object }, string]>,
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

suite('the public access block', BLOCK, {
  'a new bucket blocks everything': async ({ s3, bucket }) => {
    const block = expectStatus(await blockOf(s3).get(bucket), 200).xml();
    for (const name of ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'])
      expect(block.value(name)).to.equal('true');
    expectError(await putPolicy(s3, bucket, statement(bucket)), 403, 'AccessDenied');
  },
  'what is not named is not blocked, and what was taken away is not there': async (lab) => {
    const bucket = await lab.newBucket();
    expectStatus(await blockOf(lab.s3).put(bucket, '<IgnorePublicAcls>true</IgnorePublicAcls>'), 200);
    const block = (await blockOf(lab.s3).get(bucket)).xml();
    const set = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'].map((name) =>
      block.value(name),
    );
    expect(set).to.deep.equal(['false', 'true', 'false', 'false']);
    expectStatus(await blockOf(lab.s3).remove(bucket), 204);
    expectError(await blockOf(lab.s3).get(bucket), 404, 'NoSuchPublicAccessBlockConfiguration');
  },
  'restricting keeps all but the owner out of a bucket with a public policy': async (lab) => {
    const bucket = await openBucket(lab);
    expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x' }), 200);
    expectStatus(await putPolicy(lab.s3, bucket, statement(bucket)), 204);
    expectStatus(await lab.s3.send('GET', `/${bucket}/a`, nobody), 200);
    expectStatus(await blockOf(lab.s3).put(bucket, '<RestrictPublicBuckets>true</RestrictPublicBuckets>'), 200);
    expectError(await lab.s3.send('GET', `/${bucket}/a`, nobody), 403, 'AccessDenied');
    expectStatus(await lab.s3.send('GET', `/${bucket}/a`), 200);
  },
  'public lists are refused, or count for nothing': async (lab) => {
    const bucket = await listedBucket(lab);
    const put = (key: string, acl: string) =>
      lab.s3.send('PUT', `/${bucket}/${key}`, { body: 'x', headers: { 'x-amz-acl': acl } });
    expectStatus(await put('a', 'public-read'), 200);
    expectStatus(await lab.s3.send('GET', `/${bucket}/a`, nobody), 200);
    expectStatus(await blockOf(lab.s3).put(bucket, '<IgnorePublicAcls>true</IgnorePublicAcls>'), 200);
    expectError(await lab.s3.send('GET', `/${bucket}/a`, nobody), 403, 'AccessDenied');
    expectStatus(await blockOf(lab.s3).put(bucket, '<BlockPublicAcls>true</BlockPublicAcls>'), 200);
    expectError(await put('b', 'public-read'), 403, 'AccessDenied');
    expectStatus(await put('b', 'private'), 200);
    const query = 'acl=';
    const headers = { 'x-amz-acl': 'authenticated-read' };
    expectError(await lab.s3.send('PUT', `/${bucket}/b`, { query, headers }), 403, 'AccessDenied');
    expectError(await lab.s3.send('PUT', `/${bucket}`, { query, headers }), 403, 'AccessDenied');
  },
});

suite('ownership controls', OWNERSHIP, {
  'a new bucket enforces its owner, and refuses lists': async (lab) => {
    const rule = expectStatus(await ownershipOf(lab.s3).get(lab.bucket), 200).xml();
    expect(deep(rule, 'ObjectOwnership')).to.equal('BucketOwnerEnforced');
    const headers = { 'x-amz-acl': 'public-read' };
    expectError(await lab.s3.send('PUT', lab.path(lab.key()), { headers }), 400, 'AccessControlListNotSupported');
    expectError(await lab.s3.send('PUT', `/${lab.bucket}`, { query: 'acl=', headers }), 400, 'AccessControlListNotSupported');
    await lab.put(lab.key(), 'x', { 'x-amz-acl': 'bucket-owner-full-control' });
  },
  'there is one rule, with one of the three names': over(
    {
      none: '',
      two: '<Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>',
      'an empty one': '<Rule></Rule>',
      'an unknown name': '<Rule><ObjectOwnership>Mine</ObjectOwnership></Rule>',
    },
    (rules) => async (lab) => expectError(await ownershipOf(lab.s3).put(lab.bucket, rules), 400, 'MalformedXML'),
  ),
  'they can be set, taken away, and given at birth': async (lab) => {
    const bucket = await listedBucket(lab, 'BucketOwnerPreferred');
    expect(deep((await ownershipOf(lab.s3).get(bucket)).xml(), 'ObjectOwnership')).to.equal('BucketOwnerPreferred');
    expectStatus(await ownershipOf(lab.s3).remove(bucket), 204);
    expectError(await ownershipOf(lab.s3).get(bucket), 404, 'OwnershipControlsNotFoundError');
    expectError(
      await ownershipOf(lab.s3).put(bucket, '<Rule><ObjectOwnership>Mine</ObjectOwnership></Rule>'),
      400,
      'MalformedXML',
    );
    const name = `${bucket}-born`;
    const headers = { 'x-amz-object-ownership': 'ObjectWriter', 'x-amz-acl': 'authenticated-read' };
    expectError(await lab.s3.send('PUT', `/${name}`, { headers }), 400, 'InvalidBucketAclWithBlockPublicAccessError');
    expectError(
      await lab.s3.send('PUT', `/${name}`, { headers: { 'x-amz-acl': 'public-read' } }),
      400,
      'InvalidBucketAclWithObjectOwnership',
    );
    expectStatus(await lab.s3.send('PUT', `/${name}`, { headers: { 'x-amz-object-ownership': 'ObjectWriter' } }), 200);
    expect(deep((await ownershipOf(lab.s3).get(name)).xml(), 'ObjectOwnership')).to.equal('ObjectWriter');
    expectStatus(await lab.s3.send('DELETE', `/${name}`), 204);
  },
});

suite('access control lists', ACL, {
  'a body and a ready list do not go together': async (lab) => {
    const bucket = await listedBucket(lab);
    const acl = (await lab.s3.send('GET', `/${bucket}`, { query: 'acl=' })).text;
    const both = await lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', body: acl, headers: { 'x-amz-acl': 'private' } });
    expectError(both, 400, 'UnexpectedContent');
    expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', body: acl }), 200);
  },
  'a bucket and an object are their owner’s': over(['', 'a'], (key) => async (lab) => {
    if (key !== '') await lab.put(key);
    const acl = expectStatus(await lab.s3.send('GET', lab.path(key), { query: 'acl=' }), 200).xml();
    expect(acl.name).to.equal('AccessControlPolicy');
    expect(grantsOf(acl).length).to.equal(1);
    expect(deep(acl, 'Permission')).to.equal('FULL_CONTROL');
    expect(deep(acl, 'ID')).to.equal(await idOf(lab.s3));
  }),
  'an object is read by everybody when its list says so': over(
    ['public-read', 'grant header', 'body', 'copy', 'parts'],
    (how) => async (lab) => {
      const bucket = await listedBucket(lab);
      const at = `/${bucket}/a`;
      const canned = { 'x-amz-acl': 'public-read' };
      if (how === 'public-read') expectStatus(await lab.s3.send('PUT', at, { body: 'x', headers: canned }), 200);
      else if (how === 'grant header')
        expectStatus(await lab.s3.send('PUT', at, { body: 'x', headers: { 'x-amz-grant-read': `uri="${ALL_USERS}"` } }), 200);
      else if (how === 'body') {
        expectStatus(await lab.s3.send('PUT', at, { body: 'x' }), 200);
        const grantee = `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>${ALL_USERS}</URI></Grantee>`;
        const body = `<AccessControlPolicy><Owner><ID>${await idOf(lab.s3)}</ID></Owner><AccessControlList><Grant>${grantee}<Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`;
        expectStatus(await lab.s3.send('PUT', at, { query: 'acl=', body }), 200);
      } else if (how === 'copy') {
        expectStatus(await lab.s3.send('PUT', `/${bucket}/source`, { body: 'x', headers: canned }), 200);
        const from = { 'x-amz-copy-source': `/${bucket}/source` };
        // A list is not copied.
        expectStatus(await lab.s3.send('PUT', at, { headers: from }), 200);
        expectError(await lab.s3.send('GET', at, nobody), 403, 'AccessDenied');
        expectStatus(await lab.s3.send('PUT', at, { headers: { ...from, ...canned } }), 200);
      } else {
        const uploadId = (await lab.s3.send('POST', at, { query: 'uploads=', headers: canned })).xml().value('UploadId');
        const part = await lab.s3.send('PUT', at, { query: { partNumber: '1', uploadId }, body: 'x' });
        const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
        expectStatus(await lab.s3.send('POST', at, { query: { uploadId }, body }), 200);
      }
      expect(expectStatus(await lab.s3.send('GET', at, nobody), 200).text).to.equal('x');
      expectError(await lab.s3.send('GET', at, { ...nobody, query: 'acl=' }), 403, 'AccessDenied');
      expectError(await lab.s3.send('GET', `/${bucket}`, nobody), 403, 'AccessDenied');
      // What is written anew is private.
      expectStatus(await lab.s3.send('PUT', at, { body: 'y' }), 200);
      expectError(await lab.s3.send('GET', at, nobody), 403, 'AccessDenied');
    },
  ),
  'a bucket’s list opens its listing and its uploads': async (lab) => {
    const bucket = await listedBucket(lab);
    expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', headers: { 'x-amz-acl': 'public-read-write' } }), 200);
    expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { ...nobody, body: 'x' }), 200);
    expectStatus(await lab.s3.send('GET', `/${bucket}`, nobody), 200);
    const acl = (await lab.s3.send('GET', `/${bucket}`, { query: 'acl=' })).xml();
    expect(grantsOf(acl).length).to.equal(3);
    expectError(await lab.s3.send('GET', `/${bucket}`, { ...nobody, query: 'acl=' }), 403, 'AccessDenied');
    expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', headers: { 'x-amz-acl': 'private' } }), 200);
    expectError(await lab.s3.send('GET', `/${bucket}`, nobody), 403, 'AccessDenied');
  },
  'an object of another writer is the writer’s, unless the owner is preferred and it says so': {
    page: OWNERSHIP,
    run: async (lab) => {
      const other = lab.otherAccount();
      const bucket = await listedBucket(lab, 'BucketOwnerPreferred');
      const grant = {
        query: 'acl=',
        headers: { 'x-amz-grant-write': `id="${await idOf(other)}"`, 'x-amz-grant-full-control': `id="${await idOf(lab.s3)}"` },
      };
      expectStatus(await lab.s3.send('PUT', `/${bucket}`, grant), 200);
      expectStatus(await other.send('PUT', `/${bucket}/theirs`, { body: 'x' }), 200);
      expectStatus(
        await other.send('PUT', `/${bucket}/given`, { body: 'x', headers: { 'x-amz-acl': 'bucket-owner-full-control' } }),
        200,
      );
      expectStatus(await other.send('GET', `/${bucket}/theirs`), 200);
      expectError(await other.send('GET', `/${bucket}/given`), 403, 'AccessDenied');
      expect(deep((await other.send('GET', `/${bucket}/theirs`, { query: 'acl=' })).xml(), 'ID')).to.equal(await idOf(other));
      expect(deep((await lab.s3.send('GET', `/${bucket}/given`, { query: 'acl=' })).xml(), 'ID')).to.equal(await idOf(lab.s3));
    },
  },
  'a list that is none is refused': over(
    {
      'an unknown ready list': [{ 'x-amz-acl': 'public' }, 'InvalidArgument'],
      'a ready list and grants': [{ 'x-amz-acl': 'private', 'x-amz-grant-read': `uri="${ALL_USERS}"` }, 'InvalidRequest'],
      'nobody’s id': [{ 'x-amz-grant-read': 'id="0123"' }, 'InvalidArgument'],
      'an unknown group': [{ 'x-amz-grant-read': 'uri="http://acs.amazonaws.com/groups/global/Some"' }, 'InvalidArgument'],
      'a mail address': [{ 'x-amz-grant-read': 'emailAddress="a@example.com"' }, 'UnresolvableGrantByEmailAddress'],
    } as Record<string, [Record<string, string>, string]>,
    ([headers, code]) =>
      async (lab) => {
        const bucket = await listedBucket(lab);
        expectError(await lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', headers }), 400, code);
      },
  ),
  'a body that is none is MalformedACLError': async (lab) => {
    const bucket = await listedBucket(lab);
    const body = '<AccessControlPolicy><AccessControlList/></AccessControlPolicy>';
    expectError(await lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', body }), 400, 'MalformedACLError');
  },
});
