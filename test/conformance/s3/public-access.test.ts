import { expect } from 'chai';
import {
  BLOCK,
  blockOf,
  deep,
  listedBucket,
  nobody,
  OWNERSHIP,
  openBucket,
  ownershipOf,
  putPolicy,
  statement,
} from './harness/access.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

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
  'what is neither true nor false is MalformedXML, and changes nothing': over(['yes', 'on', '2'], (value) => async (lab) => {
    const bucket = await lab.newBucket();
    const before = (await blockOf(lab.s3).get(bucket)).text;
    expectError(await blockOf(lab.s3).put(bucket, `<BlockPublicPolicy>${value}</BlockPublicPolicy>`), 400, 'MalformedXML');
    expect((await blockOf(lab.s3).get(bucket)).text).to.equal(before);
  }),
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
