import { expect } from 'chai';
import { documentsOf } from './harness/documents.ts';
import { api, guide } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

const encryptionOf = ({ s3 }: Lab) => documentsOf(s3, 'encryption', 'ServerSideEncryptionConfiguration');
const byDefault = (inner: string): string =>
  `<Rule><ApplyServerSideEncryptionByDefault>${inner}</ApplyServerSideEncryptionByDefault></Rule>`;
const AES = byDefault('<SSEAlgorithm>AES256</SSEAlgorithm>');

suite('bucket encryption', api('PutBucketEncryption'), {
  'every bucket is encrypted with AES256 by default': {
    page: api('GetBucketEncryption'),
    run: async (lab) => {
      const answer = expectStatus(await encryptionOf(lab).get(await lab.newBucket()), 200).xml();
      expect(answer.name).to.equal('ServerSideEncryptionConfiguration');
      const rule = answer.child('Rule');
      expect(rule?.child('ApplyServerSideEncryptionByDefault')?.value('SSEAlgorithm')).to.equal('AES256');
      expect(rule?.value('BucketKeyEnabled')).to.equal('false');
    },
  },
  'AES256 can be put, and comes back': async (lab) => {
    expectStatus(await encryptionOf(lab).put(lab.bucket, AES), 200);
    expect((await encryptionOf(lab).get(lab.bucket)).text).to.contain('<SSEAlgorithm>AES256</SSEAlgorithm>');
  },
  'deleting goes back to the default': {
    page: api('DeleteBucketEncryption'),
    run: async (lab) => {
      expectStatus(await encryptionOf(lab).remove(lab.bucket), 204);
      expect((await encryptionOf(lab).get(lab.bucket)).text).to.contain('AES256');
    },
  },
  'an unknown algorithm is MalformedXML': async (lab) =>
    expectError(await encryptionOf(lab).put(lab.bucket, byDefault('<SSEAlgorithm>ROT13</SSEAlgorithm>')), 400, 'MalformedXML'),
  'a key without KMS is InvalidArgument': async (lab) => {
    const inner = byDefault('<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>');
    expectError(await encryptionOf(lab).put(lab.bucket, inner), 400, 'InvalidArgument');
  },
  'there is one rule': over(
    { none: '', two: AES + AES },
    (inner) => async (lab) => expectError(await encryptionOf(lab).put(lab.bucket, inner), 400, 'MalformedXML'),
  ),
  'what is stored says that it is encrypted': {
    page: guide('serv-side-encryption'),
    run: async (lab) => {
      const key = lab.key();
      expect((await lab.put(key, 'x')).headers['x-amz-server-side-encryption']).to.equal('AES256');
      expect((await lab.get(key)).headers['x-amz-server-side-encryption']).to.equal('AES256');
    },
  },
});

const loggingOf = ({ s3 }: Lab) => documentsOf(s3, 'logging', 'BucketLoggingStatus');
const enabled = (target: string, more = ''): string =>
  `<LoggingEnabled><TargetBucket>${target}</TargetBucket><TargetPrefix>logs/</TargetPrefix>${more}</LoggingEnabled>`;

suite('bucket logging', api('PutBucketLogging'), {
  'it is off until it is put': {
    page: api('GetBucketLogging'),
    run: async (lab) => {
      const answer = expectStatus(await loggingOf(lab).get(await lab.newBucket()), 200).xml();
      expect([answer.name, answer.children.length]).to.deep.equal(['BucketLoggingStatus', 0]);
    },
  },
  'it comes back as it was put, and goes with an empty status': async (lab) => {
    const target = await lab.newBucket();
    expectStatus(await loggingOf(lab).put(lab.bucket, enabled(target)), 200);
    const found = (await loggingOf(lab).get(lab.bucket)).xml().child('LoggingEnabled');
    expect([found?.value('TargetBucket'), found?.value('TargetPrefix')]).to.deep.equal([target, 'logs/']);
    expectStatus(await loggingOf(lab).put(lab.bucket, ''), 200);
    expect((await loggingOf(lab).get(lab.bucket)).xml().child('LoggingEnabled')).to.equal(undefined);
  },
  'the names of logs can be parted by date': async (lab) => {
    const format =
      '<TargetObjectKeyFormat><PartitionedPrefix><PartitionDateSource>EventTime</PartitionDateSource></PartitionedPrefix></TargetObjectKeyFormat>';
    expectStatus(await loggingOf(lab).put(lab.bucket, enabled(lab.bucket, format)), 200);
    expect((await loggingOf(lab).get(lab.bucket)).text).to.contain('<PartitionDateSource>EventTime</PartitionDateSource>');
  },
  'a target that is not there is InvalidTargetBucketForLogging': async (lab) =>
    expectError(await loggingOf(lab).put(lab.bucket, enabled('conf-no-such-bucket')), 400, 'InvalidTargetBucketForLogging'),
  'a target of another owner is refused': async (lab) => {
    const other = lab.otherAccount();
    const name = `conf-logs-${process.pid}`;
    expectStatus(await other.send('PUT', `/${name}`), 200);
    const answer = await loggingOf(lab).put(lab.bucket, enabled(name));
    expectStatus(await other.send('DELETE', `/${name}`), 204);
    expect(answer.status).to.be.oneOf([400, 403]);
  },
  'a target and its prefix are needed': async (lab) =>
    expectError(await loggingOf(lab).put(lab.bucket, '<LoggingEnabled/>'), 400, 'MalformedXML'),
});

const notificationOf = ({ s3 }: Lab) => documentsOf(s3, 'notification', 'NotificationConfiguration');
const queue = (inner: string, arn = 'arn:aws:sqs:us-east-1:000000000000:conf-no-such-queue'): string =>
  `<QueueConfiguration><Queue>${arn}</Queue>${inner}</QueueConfiguration>`;
const CREATED = '<Event>s3:ObjectCreated:*</Event>';
const filter = (...rules: [string, string][]): string =>
  `<Filter><S3Key>${rules.map(([name, value]) => `<FilterRule><Name>${name}</Name><Value>${value}</Value></FilterRule>`).join('')}</S3Key></Filter>`;

suite('bucket notification configuration', api('PutBucketNotificationConfiguration'), {
  'it is empty until it is put': {
    page: api('GetBucketNotificationConfiguration'),
    run: async (lab) => {
      const answer = expectStatus(await notificationOf(lab).get(await lab.newBucket()), 200).xml();
      expect([answer.name, answer.children.length]).to.deep.equal(['NotificationConfiguration', 0]);
    },
  },
  'an empty one can be put': async (lab) => {
    expectStatus(await notificationOf(lab).put(lab.bucket, ''), 200);
  },
  'a destination that is not there is InvalidArgument': async (lab) =>
    expectError(await notificationOf(lab).put(lab.bucket, queue(CREATED)), 400, 'InvalidArgument'),
  'what is no ARN is InvalidArgument': over(
    ['hook', 'http://example.org/', 'arn:aws:sqs'],
    (arn) => async (lab) => expectError(await notificationOf(lab).put(lab.bucket, queue(CREATED, arn)), 400, 'InvalidArgument'),
  ),
  'an event that does not exist is InvalidArgument': over(
    ['s3:ObjectDreamt:*', 'ObjectCreated:*', 's3:*', 's3:ObjectCreated'],
    (event) => async (lab) =>
      expectError(await notificationOf(lab).put(lab.bucket, queue(`<Event>${event}</Event>`)), 400, 'InvalidArgument'),
  ),
  'a configuration without an event is MalformedXML': async (lab) =>
    expectError(await notificationOf(lab).put(lab.bucket, queue('')), 400, 'MalformedXML'),
  'a filter is by prefix and suffix, once each': over(
    { 'another name': filter(['size', '1']), 'two prefixes': filter(['prefix', 'a'], ['Prefix', 'b']) },
    (inner) => async (lab) =>
      expectError(await notificationOf(lab).put(lab.bucket, queue(CREATED + inner)), 400, 'InvalidArgument'),
  ),
  'two configurations have two ids': async (lab) => {
    const twice = queue(`<Id>i</Id>${CREATED}`) + queue('<Id>i</Id><Event>s3:ObjectRemoved:*</Event>');
    expectError(await notificationOf(lab).put(lab.bucket, twice), 400, 'InvalidArgument');
  },
  'two configurations of a destination do not overlap': async (lab) => {
    const both = queue(`<Id>i</Id>${CREATED}`) + queue('<Id>j</Id><Event>s3:ObjectCreated:Put</Event>');
    expectError(await notificationOf(lab).put(lab.bucket, both), 400, 'InvalidArgument');
  },
  'what refuses leaves it as it was': async (lab) => {
    await notificationOf(lab).put(lab.bucket, queue(CREATED));
    expect((await notificationOf(lab).get(lab.bucket)).xml().children.length).to.equal(0);
  },
});
