import { expect } from 'chai';
import { documentsOf } from './harness/documents.ts';
import { api, guide, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

/** What Terraform, mc, s3cmd and the console ask of every bucket: unset, with the code that each is known by. */
const MISSING: Record<string, [operation: string, query: Record<string, string>, code: string]> = {
  'no CORS rules': ['GetBucketCors', { cors: '' }, 'NoSuchCORSConfiguration'],
  'no lifecycle': ['GetBucketLifecycleConfiguration', { lifecycle: '' }, 'NoSuchLifecycleConfiguration'],
  'no policy': ['GetBucketPolicy', { policy: '' }, 'NoSuchBucketPolicy'],
  'no status of a policy': ['GetBucketPolicyStatus', { policyStatus: '' }, 'NoSuchBucketPolicy'],
  'no replication': ['GetBucketReplication', { replication: '' }, 'ReplicationConfigurationNotFoundError'],
  'no tags': ['GetBucketTagging', { tagging: '' }, 'NoSuchTagSet'],
  'no website': ['GetBucketWebsite', { website: '' }, 'NoSuchWebsiteConfiguration'],
  'no object lock': ['GetObjectLockConfiguration', { 'object-lock': '' }, 'ObjectLockConfigurationNotFoundError'],
  'no analytics of a name': ['GetBucketAnalyticsConfiguration', { analytics: '', id: 'x' }, 'NoSuchConfiguration'],
  'no tiering of a name': [
    'GetBucketIntelligentTieringConfiguration',
    { 'intelligent-tiering': '', id: 'x' },
    'NoSuchConfiguration',
  ],
  'no inventory of a name': ['GetBucketInventoryConfiguration', { inventory: '', id: 'x' }, 'NoSuchConfiguration'],
  'no metrics of a name': ['GetBucketMetricsConfiguration', { metrics: '', id: 'x' }, 'NoSuchConfiguration'],
};

suite('what a new bucket has not', api('Operations_Amazon_Simple_Storage_Service'), {
  ...Object.fromEntries(
    Object.entries(MISSING).map(([name, [operation, query, code]]) => [
      `it has ${name}: ${code}`,
      {
        page: api(operation),
        run: async ({ send }) => {
          const answer = await send('GET', '', { query });
          expectError(answer, 404, code);
        },
      },
    ]),
  ),
  'versioning has no status': {
    page: api('GetBucketVersioning'),
    run: async ({ send }) => {
      const answer = expectStatus(await send('GET', '', { query: { versioning: '' } }), 200).xml();
      expect([answer.name, answer.children.length]).to.deep.equal(['VersioningConfiguration', 0]);
    },
  },
  'the owner pays for requests': {
    page: api('GetBucketRequestPayment'),
    run: async ({ send }) => {
      const answer = expectStatus(await send('GET', '', { query: { requestPayment: '' } }), 200).xml();
      expect([answer.name, answer.value('Payer')]).to.deep.equal(['RequestPaymentConfiguration', 'BucketOwner']);
    },
  },
  'acceleration has no status': {
    page: api('GetBucketAccelerateConfiguration'),
    run: async ({ send }) => {
      const answer = expectStatus(await send('GET', '', { query: { accelerate: '' } }), 200).xml();
      expect([answer.name, answer.value('Status')]).to.deep.equal(['AccelerateConfiguration', '']);
    },
  },
  'public access is blocked whole': {
    page: api('GetPublicAccessBlock'),
    run: async ({ send }) => {
      const answer = expectStatus(await send('GET', '', { query: { publicAccessBlock: '' } }), 200).xml();
      expect(answer.children.map(({ text }) => text)).to.deep.equal(['true', 'true', 'true', 'true']);
    },
  },
  'objects belong to the bucket’s owner': {
    page: api('GetBucketOwnershipControls'),
    run: async ({ send }) => {
      const answer = expectStatus(await send('GET', '', { query: { ownershipControls: '' } }), 200).xml();
      expect(answer.child('Rule')?.value('ObjectOwnership')).to.equal('BucketOwnerEnforced');
    },
  },
  'lists of configurations are empty': {
    page: api('ListBucketMetricsConfigurations'),
    each: Object.fromEntries(
      ['analytics', 'intelligent-tiering', 'inventory', 'metrics'].map((name) => [
        name,
        async ({ send }) => {
          const answer = expectStatus(await send('GET', '', { query: { [name]: '' } }), 200).xml();
          expect(answer.value('IsTruncated')).to.equal('false');
        },
      ]),
    ),
  },
  'deleting a configuration that has no name here is NoSuchConfiguration': {
    page: api('DeleteBucketMetricsConfiguration'),
    each: Object.fromEntries(
      ['analytics', 'intelligent-tiering', 'inventory', 'metrics'].map((name) => [
        name,
        async ({ send }) => expectError(await send('DELETE', '', { query: { [name]: '', id: 'x' } }), 404, 'NoSuchConfiguration'),
      ]),
    ),
  },
  'deleting what is not set is 204': {
    page: api('DeleteBucketReplication'),
    each: Object.fromEntries(
      ['cors', 'lifecycle', 'policy', 'replication', 'tagging', 'website', 'encryption'].map((name) => [
        name,
        async ({ s3, newBucket }) => {
          expectStatus(await documentsOf(s3, name, '').remove(await newBucket()), 204);
        },
      ]),
    ),
  },
  'an operation on a subresource that needs a name does not fall through to the bucket': {
    page: api('DeleteBucketAnalyticsConfiguration'),
    run: async ({ send, s3, newBucket }) => {
      const bucket = await newBucket();
      expect((await s3.send('DELETE', `/${bucket}`, { query: { analytics: '' } })).status).to.be.within(400, 499);
      expectStatus(await s3.send('HEAD', `/${bucket}`), 200);
      expectStatus(await send('HEAD', ''), 200);
    },
  },
  'requests of a bucket that is not there are NoSuchBucket, whatever they are about': {
    page: api('GetBucketCors'),
    each: Object.fromEntries(
      [
        'cors',
        'encryption',
        'lifecycle',
        'logging',
        'notification',
        'policy',
        'replication',
        'tagging',
        'versioning',
        'website',
        'acl',
      ].map((name) => [
        name,
        async ({ s3 }) =>
          expectError(await s3.send('GET', '/conf-no-such-bucket', { query: { [name]: '' } }), 404, 'NoSuchBucket'),
      ]),
    ),
  },
});

suite('settings that one machine cannot have', api('PutBucketAccelerateConfiguration'), {
  'the owner may be said to pay': {
    page: api('PutBucketRequestPayment'),
    run: async ({ s3, bucket }) => {
      const payment = documentsOf(s3, 'requestPayment', 'RequestPaymentConfiguration');
      expectStatus(await payment.put(bucket, '<Payer>BucketOwner</Payer>'), 200);
      expectError(await payment.put(bucket, '<Payer>Nobody</Payer>'), 400, 'MalformedXML');
    },
  },
  'acceleration may be suspended, and has no other states': async ({ s3, bucket }) => {
    const accelerate = documentsOf(s3, 'accelerate', 'AccelerateConfiguration');
    expectStatus(await accelerate.put(bucket, '<Status>Suspended</Status>'), 200);
    expectError(await accelerate.put(bucket, '<Status>Faster</Status>'), 400, 'MalformedXML');
  },
  'a name with dots has no acceleration': async ({ s3 }) => {
    const name = `conf.${process.pid}.dots`;
    expectStatus(await s3.send('PUT', `/${name}`), 200);
    const accelerate = documentsOf(s3, 'accelerate', 'AccelerateConfiguration');
    expectError(await accelerate.put(name, '<Status>Suspended</Status>'), 400, 'InvalidRequest');
    expectStatus(await s3.send('DELETE', `/${name}`), 204);
  },
});

suite('what a new object has not', api('Operations_Amazon_Simple_Storage_Service'), {
  'it has no tags: an empty set': {
    page: api('GetObjectTagging'),
    run: async ({ put, send, key }) => {
      const name = key();
      await put(name, 'a');
      const xml = expectStatus(await send('GET', name, { query: { tagging: '' } }), 200).xml();
      expect([xml.name, xml.child('TagSet')?.children.length]).to.deep.equal(['Tagging', 0]);
    },
  },
  'in a bucket without lock it has neither retention nor hold: InvalidRequest': {
    page: guide('object-lock'),
    ...over(['retention', 'legal-hold'], (what) => async ({ put, send, key }) => {
      const name = key();
      await put(name, 'a');
      expectError(await send('GET', name, { query: { [what]: '' } }), 400, 'InvalidRequest');
    }),
  },
  'in a bucket with lock it has no retention: NoSuchObjectLockConfiguration': {
    page: api('GetObjectRetention'),
    run: async ({ s3, newBucket }) => {
      const bucket = await newBucket();
      await documentsOf(s3, 'versioning', 'VersioningConfiguration').put(bucket, '<Status>Enabled</Status>');
      const lock = documentsOf(s3, 'object-lock', 'ObjectLockConfiguration');
      expectStatus(await lock.put(bucket, '<ObjectLockEnabled>Enabled</ObjectLockEnabled>'), 200);
      expectStatus(await s3.send('PUT', `/${bucket}/a`, { body: 'a' }), 200);
      expectError(await s3.send('GET', `/${bucket}/a`, { query: { retention: '' } }), 404, 'NoSuchObjectLockConfiguration');
      expect((await lock.get(bucket)).xml().child('Rule')).to.equal(undefined);
    },
  },
  'its list has the owner alone': {
    page: api('GetObjectAcl'),
    run: async ({ put, send, key }) => {
      const name = key();
      await put(name, 'a');
      const xml = expectStatus(await send('GET', name, { query: { acl: '' } }), 200).xml();
      expect(
        xml
          .child('AccessControlList')
          ?.all('Grant')
          .map((one) => one.value('Permission')),
      ).to.deep.equal(['FULL_CONTROL']);
    },
  },
  'its head names nothing that is not set': {
    page: api('HeadObject'),
    run: async ({ put, head, key }) => {
      const name = key();
      await put(name, 'a');
      const { headers } = await head(name);
      for (const unset of [
        'x-amz-tagging-count',
        'x-amz-version-id',
        'x-amz-delete-marker',
        'x-amz-storage-class',
        'x-amz-expiration',
        'x-amz-restore',
        'x-amz-replication-status',
        'x-amz-object-lock-mode',
        'x-amz-object-lock-legal-hold',
        'x-amz-website-redirect-location',
        'x-amz-mp-parts-count',
        'x-amz-missing-meta',
        'content-encoding',
        'content-disposition',
        'cache-control',
        'expires',
      ])
        expect(headers).to.not.have.property(unset);
    },
  },
  'of a key that is not there each is NoSuchKey': {
    page: PAGES.errors,
    ...over(['tagging', 'acl', 'attributes'], (what) => async ({ send, key }) => {
      const headers: Record<string, string> = what === 'attributes' ? { 'x-amz-object-attributes': 'ETag' } : {};
      expectError(await send('GET', key(), { query: { [what]: '' }, headers }), 404, 'NoSuchKey');
    }),
  },
});

suite('what a bucket has no more', api('Operations_Amazon_Simple_Storage_Service'), {
  'what was taken away is answered by its code': over(
    {
      'the public access block': ['publicAccessBlock', 'NoSuchPublicAccessBlockConfiguration'],
      'ownership controls': ['ownershipControls', 'OwnershipControlsNotFoundError'],
    } as Record<string, [string, string]>,
    ([what, code]) =>
      async ({ s3, newBucket }) => {
        const bucket = await newBucket();
        expectStatus(await documentsOf(s3, what, '').remove(bucket), 204);
        expectError(await s3.send('GET', `/${bucket}`, { query: { [what]: '' } }), 404, code);
      },
  ),
  'encryption falls back to AES256': {
    page: api('DeleteBucketEncryption'),
    run: async ({ s3, newBucket }) => {
      const bucket = await newBucket();
      expectStatus(await documentsOf(s3, 'encryption', '').remove(bucket), 204);
      const xml = expectStatus(await s3.send('GET', `/${bucket}`, { query: { encryption: '' } }), 200).xml();
      const rule = xml.child('Rule')?.child('ApplyServerSideEncryptionByDefault');
      expect(rule?.value('SSEAlgorithm')).to.equal('AES256');
    },
  },
  'logging and notifications are empty documents': over(
    { logging: 'BucketLoggingStatus', notification: 'NotificationConfiguration' },
    (root, what) =>
      async ({ send }) => {
        const xml = expectStatus(await send('GET', '', { query: { [what]: '' } }), 200).xml();
        expect([xml.name, xml.children.length]).to.deep.equal([root, 0]);
      },
  ),
});
