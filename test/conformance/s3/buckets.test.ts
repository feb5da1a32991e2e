import { expect } from 'chai';
import { documentsOf } from './harness/documents.ts';
import { api, guide } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

const naming = guide('bucketnamingrules');
const configuration = (inner: string): string =>
  `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</CreateBucketConfiguration>`;
let made = 0;
const fresh = (): string => `conf-own-${process.pid}-${++made}`;

suite('CreateBucket', api('CreateBucket'), {
  'a bucket is made by an empty PUT, which says where it is': async ({ s3 }) => {
    const name = fresh();
    const answer = expectStatus(await s3.send('PUT', `/${name}`), 200);
    expect(answer.headers.location).to.equal(`/${name}`);
    expectStatus(await s3.send('HEAD', `/${name}`), 200);
    expectStatus(await s3.send('DELETE', `/${name}`), 204);
  },
  'its owner may make it again in us-east-1': async ({ s3, bucket }) => {
    expectStatus(await s3.send('PUT', `/${bucket}`), 200);
  },
  'making it again keeps what is in it': async ({ s3, bucket, put, get, key }) => {
    const name = key();
    await put(name, 'kept');
    expectStatus(await s3.send('PUT', `/${bucket}`), 200);
    expect((await get(name)).text).to.equal('kept');
  },
  'a name that another account has is BucketAlreadyExists': async ({ otherAccount, bucket }) => {
    expectError(await otherAccount().send('PUT', `/${bucket}`), 409, 'BucketAlreadyExists');
  },
  'a name that breaks the rules is InvalidBucketName': {
    page: naming,
    ...over(
      {
        'too short': 'ab',
        'too long': 'a'.repeat(64),
        'upper case': 'Conf-Upper',
        underscore: 'conf_under',
        'an address': '192.168.5.4',
        'doubled dots': 'conf..dots',
        'a hyphen first': '-conf',
        'a hyphen last': 'conf-',
        'a dot last': 'conf.',
        'the prefix of punycode': 'xn--conf',
        'the suffix of access points': 'conf-s3alias',
      },
      (name) =>
        async ({ s3 }) =>
          expectError(await s3.send('PUT', `/${name}`), 400, 'InvalidBucketName'),
    ),
  },
  'a name may have 3 to 63 letters, digits, dots and hyphens': {
    page: naming,
    ...over(['3 characters', '63 characters', 'dots'], (kind) => async ({ s3 }) => {
      const stem = String(process.pid).padStart(7, '0');
      const name = kind === 'dots' ? `a.${stem}.c` : kind === '3 characters' ? `z${stem.slice(-2)}` : `y${stem}`.padEnd(63, 'y');
      expectStatus(await s3.send('PUT', `/${name}`), 200);
      expectStatus(await s3.send('DELETE', `/${name}`), 204);
    }),
  },
  'a region that is none is InvalidLocationConstraint': async ({ s3 }) => {
    const body = configuration('<LocationConstraint>mars</LocationConstraint>');
    expectError(await s3.send('PUT', `/${fresh()}`, { body }), 400, 'InvalidLocationConstraint');
  },
  'another region than the endpoint’s is IllegalLocationConstraintException': async ({ s3 }) => {
    const body = configuration('<LocationConstraint>eu-west-1</LocationConstraint>');
    expectError(await s3.send('PUT', `/${fresh()}`, { body }), 400, 'IllegalLocationConstraintException');
  },
  'an empty configuration means the endpoint’s region': async ({ s3 }) => {
    const name = fresh();
    expectStatus(await s3.send('PUT', `/${name}`, { body: configuration('') }), 200);
    expectStatus(await s3.send('DELETE', `/${name}`), 204);
  },
  'tags that come with it are the bucket’s': async ({ s3 }) => {
    const name = fresh();
    const body = configuration('<Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags>');
    expectStatus(await s3.send('PUT', `/${name}`, { body }), 200);
    const answer = expectStatus(await documentsOf(s3, 'tagging', 'Tagging').get(name), 200);
    expect(answer.xml().child('TagSet')?.child('Tag')?.value('Key')).to.equal('a');
    expectStatus(await s3.send('DELETE', `/${name}`), 204);
  },
  'a body that is no XML is MalformedXML': async ({ s3 }) => {
    expectError(await s3.send('PUT', `/${fresh()}`, { body: '<CreateBucketConf' }), 400, 'MalformedXML');
  },
  'a body with another root is MalformedXML': async ({ s3 }) => {
    expectError(await s3.send('PUT', `/${fresh()}`, { body: '<Other/>' }), 400, 'MalformedXML');
  },
  'a name of an account’s own namespace is its own, and asked for as such': {
    page: guide('gpbucketnamespaces'),
    run: async ({ s3, otherAccount }) => {
      const asked = await s3.send('POST', '/', {
        service: 'sts',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: 'Action=GetCallerIdentity&Version=2011-06-15',
      });
      const account = /<Account>(\d{12})</.exec(asked.text)?.[1] ?? '000000000000';
      const name = `${fresh()}-${account}-${s3.region}-an`;
      const headers = { 'x-amz-bucket-namespace': 'account-regional' };
      expectError(await otherAccount().send('PUT', `/${name}`, { headers }), 400, 'InvalidBucketName');
      expectError(await s3.send('PUT', `/${name}`), 400, 'InvalidBucketName');
      expectError(await s3.send('PUT', `/${fresh()}`, { headers }), 400, 'InvalidBucketName');
      expectStatus(await s3.send('PUT', `/${name}`, { headers }), 200);
      expectStatus(await s3.send('DELETE', `/${name}`), 204);
    },
  },
  'nobody makes a bucket without signing': async ({ s3 }) => {
    expectError(await s3.send('PUT', `/${fresh()}`, { auth: 'none' }), 403, 'AccessDenied');
  },
});

suite('HeadBucket and GetBucketLocation', api('HeadBucket'), {
  'HEAD of a bucket says its region, without a body': async ({ send, s3 }) => {
    const answer = expectStatus(await send('HEAD', ''), 200);
    expect(answer.headers['x-amz-bucket-region']).to.equal(s3.region);
    expect(answer.headers['x-amz-access-point-alias']).to.equal('false');
    expect(answer.body.length).to.equal(0);
  },
  'HEAD of no bucket is 404 without a body': async ({ s3 }) => {
    const answer = expectStatus(await s3.send('HEAD', `/${fresh()}`), 404);
    expect(answer.body.length).to.equal(0);
  },
  'HEAD of another’s bucket is refused': async ({ otherAccount, bucket }) => {
    expect((await otherAccount().send('HEAD', `/${bucket}`)).status).to.be.oneOf([403, 404]);
  },
  'the location of a bucket of us-east-1 is empty': {
    page: api('GetBucketLocation'),
    run: async ({ send }) => {
      const answer = expectStatus(await send('GET', '', { query: { location: '' } }), 200);
      expect(answer.xml().name).to.equal('LocationConstraint');
      expect(answer.xml().text).to.equal('');
    },
  },
  'the location of no bucket is NoSuchBucket, with its name': {
    page: api('GetBucketLocation'),
    run: async ({ s3 }) => {
      const answer = await s3.send('GET', '/conf-no-such-bucket', { query: { location: '' } });
      expectError(answer, 404, 'NoSuchBucket');
      expect(answer.xml().value('BucketName')).to.equal('conf-no-such-bucket');
    },
  },
});

suite('DeleteBucket', api('DeleteBucket'), {
  'an empty bucket goes with 204 and no body': async ({ s3, newBucket }) => {
    const name = await newBucket();
    const answer = expectStatus(await s3.send('DELETE', `/${name}`), 204);
    expect(answer.body.length).to.equal(0);
    expectStatus(await s3.send('HEAD', `/${name}`), 404);
  },
  'one with an object is BucketNotEmpty and stays': async ({ s3, send, bucket, put, key }) => {
    await put(key(), 'x');
    expectError(await s3.send('DELETE', `/${bucket}`), 409, 'BucketNotEmpty');
    expectStatus(await send('HEAD', ''), 200);
  },
  'uploads that were begun keep no bucket, and end with it': async ({ s3, newBucket }) => {
    const name = await newBucket();
    const begun = expectStatus(await s3.send('POST', `/${name}/a`, { query: { uploads: '' } }), 200).xml();
    const part = { query: { partNumber: '1', uploadId: begun.value('UploadId') ?? '' }, body: 'abc' };
    expectStatus(await s3.send('PUT', `/${name}/a`, part), 200);
    expectStatus(await s3.send('DELETE', `/${name}`), 204);
    expectError(await s3.send('PUT', `/${name}/a`, part), 404, 'NoSuchBucket');
    expectStatus(await s3.send('PUT', `/${name}`), 200);
    expectError(await s3.send('PUT', `/${name}/a`, part), 404, 'NoSuchUpload');
    expectStatus(await s3.send('DELETE', `/${name}`), 204);
  },
  'one that is not there is NoSuchBucket': async ({ s3 }) => {
    expectError(await s3.send('DELETE', `/${fresh()}`), 404, 'NoSuchBucket');
  },
  'another account cannot delete it': async ({ otherAccount, send, bucket }) => {
    expect((await otherAccount().send('DELETE', `/${bucket}`)).status).to.be.oneOf([403, 404]);
    expectStatus(await send('HEAD', ''), 200);
  },
  'its name can be had again, without what it was set to': async ({ s3, newBucket }) => {
    const name = await newBucket();
    const tags = documentsOf(s3, 'tagging', 'Tagging');
    expectStatus(await tags.put(name, '<TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet>'), 200);
    expectStatus(await s3.send('DELETE', `/${name}`), 204);
    expectStatus(await s3.send('PUT', `/${name}`), 200);
    expectError(await tags.get(name), 404, 'NoSuchTagSet');
  },
});

suite('ListBuckets', api('ListBuckets'), {
  'it lists what the caller has, with owner, dates and regions': async ({ s3, bucket }) => {
    const answer = expectStatus(await s3.send('GET', '/'), 200);
    const root = answer.xml();
    expect(root.name).to.equal('ListAllMyBucketsResult');
    expect(root.child('Owner')?.value('ID')).to.match(/^[0-9a-f]{64}$/);
    const found = root
      .child('Buckets')
      ?.all('Bucket')
      .find((one) => one.value('Name') === bucket);
    expect(found?.value('CreationDate')).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  },
  'names are in order': async ({ s3, newBucket }) => {
    await newBucket();
    await newBucket();
    const names =
      (await s3.send('GET', '/'))
        .xml()
        .child('Buckets')
        ?.all('Bucket')
        .map((one) => one.value('Name')) ?? [];
    expect(names).to.deep.equal([...names].sort());
  },
  'another account’s buckets are not in it': async ({ otherAccount, bucket }) => {
    const answer = expectStatus(await otherAccount().send('GET', '/'), 200);
    expect(answer.text).to.not.contain(`>${bucket}<`);
  },
  'max-buckets parts it into pages, each bucket once': async ({ s3, newBucket }) => {
    for (let i = 0; i < 3; i++) await newBucket();
    const all =
      (await s3.send('GET', '/'))
        .xml()
        .child('Buckets')
        ?.all('Bucket')
        .map((one) => one.value('Name')) ?? [];
    const seen: string[] = [];
    for (let token: string | undefined; ; ) {
      const query = { 'max-buckets': 2, ...(token === undefined ? {} : { 'continuation-token': token }) };
      const page = expectStatus(await s3.send('GET', '/', { query }), 200).xml();
      const names =
        page
          .child('Buckets')
          ?.all('Bucket')
          .map((one) => one.value('Name')) ?? [];
      expect(names.length).to.be.at.most(2);
      seen.push(...names);
      token = page.value('ContinuationToken') || undefined;
      if (token === undefined) break;
    }
    expect(seen).to.deep.equal(all);
  },
  'prefix limits it, and is given back': async ({ s3, bucket }) => {
    const answer = expectStatus(await s3.send('GET', '/', { query: { prefix: bucket } }), 200).xml();
    expect(answer.value('Prefix')).to.equal(bucket);
    expect(
      answer
        .child('Buckets')
        ?.all('Bucket')
        .map((one) => one.value('Name')),
    ).to.deep.equal([bucket]);
  },
  'bucket-region limits it to a region': async ({ s3, bucket }) => {
    const here = expectStatus(await s3.send('GET', '/', { query: { 'bucket-region': s3.region, prefix: bucket } }), 200).xml();
    expect(here.child('Buckets')?.all('Bucket')[0]?.value('BucketRegion')).to.equal(s3.region);
    const there = expectStatus(await s3.send('GET', '/', { query: { 'bucket-region': 'eu-west-1' } }), 200).xml();
    expect(there.child('Buckets')?.all('Bucket') ?? []).to.deep.equal([]);
  },
  'max-buckets outside 1 to 10,000 is InvalidArgument': over(['0', '10001', '-1', 'x'], (max) => async ({ s3 }) => {
    expectError(await s3.send('GET', '/', { query: { 'max-buckets': max } }), 400, 'InvalidArgument');
  }),
  'a continuation token of nobody’s is InvalidArgument': async ({ s3 }) => {
    expectError(await s3.send('GET', '/', { query: { 'continuation-token': '***' } }), 400, 'InvalidArgument');
  },
  'nobody lists without signing': async ({ s3 }) => {
    const answer = await s3.send('GET', '/', { auth: 'none' });
    expect(answer.status).to.be.oneOf([307, 403]);
  },
});
