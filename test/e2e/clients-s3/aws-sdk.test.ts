import { createHash } from 'node:crypto';
import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { Sha512 } from '@aws-sdk/checksums/sha';
import { Xxh3_64, Xxh3_128, Xxh64 } from '@aws-sdk/checksums/xxh';
import {
  AbortMultipartUploadCommand,
  ChecksumAlgorithm as ChecksumAlgorithmEnum,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketAbacCommand,
  GetBucketAccelerateConfigurationCommand,
  GetBucketAclCommand,
  GetBucketAnalyticsConfigurationCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketIntelligentTieringConfigurationCommand,
  GetBucketInventoryConfigurationCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketLoggingCommand,
  GetBucketMetadataConfigurationCommand,
  GetBucketMetadataTableConfigurationCommand,
  GetBucketMetricsConfigurationCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketReplicationCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetBucketWebsiteCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  GetObjectTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketAnalyticsConfigurationsCommand,
  ListBucketIntelligentTieringConfigurationsCommand,
  ListBucketInventoryConfigurationsCommand,
  ListBucketMetricsConfigurationsCommand,
  PutObjectCommand,
  paginateListBuckets,
  paginateListObjectsV2,
  S3Client,
  UploadPartCommand,
  waitUntilBucketExists,
} from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { type ClientsRig, clientsRig, noise } from '../../support/s3-clients.ts';

const MIB = 1 << 20;
/** Around where we, or clients, cut: inline contents, aws-chunked frames, bodies gathered first, chunks, parts. */
const SIZES = [
  0,
  1,
  1023,
  1024,
  1025,
  4096,
  8191,
  8192,
  65_535,
  65_536,
  65_537,
  131_072,
  MIB - 1,
  MIB,
  MIB + 1,
  5 * MIB,
  8 * MIB + 1,
];

describe('the AWS SDK for JavaScript at the S3 door', function () {
  this.timeout(120_000);
  let rig: ClientsRig;
  let s3: S3Client;
  const Bucket = 'sdk-js';

  before(async () => {
    rig = await clientsRig('aws-sdk');
    const { accessKeyId, secretAccessKey, s3Url } = rig.gateway;
    s3 = new S3Client({
      endpoint: s3Url,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
      maxAttempts: 1,
      // The client has these, and uses them where it is told to.
      checksumAlgorithms: { SHA512: Sha512, XXHASH64: Xxh64, XXHASH3: Xxh3_64, XXHASH128: Xxh3_128 },
      requestHandler: { httpAgent: new Agent({ keepAlive: true }) },
    });
    await s3.send(new CreateBucketCommand({ Bucket }));
    await waitUntilBucketExists({ client: s3, maxWaitTime: 30 }, { Bucket });
  });
  after(async () => {
    for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket })) {
      const Objects = page.Contents?.map(({ Key }) => ({ Key })) ?? [];
      if (Objects.length > 0) await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
    }
    await s3.send(new DeleteBucketCommand({ Bucket }));
    s3.destroy();
  });

  const stored = async (Key: string): Promise<Buffer> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

  for (const size of SIZES) {
    it(`keeps ${size} bytes, whole and as a stream`, async () => {
      const bytes = noise(size, size + 1);
      await s3.send(new PutObjectCommand({ Bucket, Key: `whole/${size}`, Body: bytes }));
      expect(sha256(await stored(`whole/${size}`))).to.equal(sha256(bytes));
      const halves = [bytes.subarray(0, size >> 1), bytes.subarray(size >> 1)].filter((part) => part.length > 0);
      await s3.send(new PutObjectCommand({ Bucket, Key: `stream/${size}`, Body: Readable.from(halves), ContentLength: size }));
      expect(sha256(await stored(`stream/${size}`))).to.equal(sha256(bytes));
    });
  }

  async function multipart(Key: string, parts: () => Iterable<Buffer>): Promise<void> {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
    for (const Body of parts()) {
      const PartNumber = Parts.length + 1;
      const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
      Parts.push({ PartNumber, ETag });
    }
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
  }

  it('puts parts together, and gives an upload up', async () => {
    const parts = [noise(5 * MIB, 1), noise(5 * MIB + 1, 2), noise(3, 3)];
    await multipart('parts', () => parts);
    expect(sha256(await stored('parts'))).to.equal(sha256(Buffer.concat(parts)));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'given up' }));
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'given up', UploadId }));
  });

  it('has each checksum of the model made, sent, kept and checked', async () => {
    const Body = noise(70_000, 4);
    for (const ChecksumAlgorithm of Object.values(ChecksumAlgorithmEnum)) {
      const Key = `checksum/${ChecksumAlgorithm}`;
      await s3.send(new PutObjectCommand({ Bucket, Key, Body, ChecksumAlgorithm }));
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
      expect(head, ChecksumAlgorithm).to.have.property(`Checksum${ChecksumAlgorithm}`);
      expect(sha256(await stored(Key))).to.equal(sha256(Body));
    }
  });

  it('is told that there is no key management service', async () => {
    const put = new PutObjectCommand({
      Bucket,
      Key: 'kms',
      Body: 'a',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'alias/mine',
    });
    const refused = await s3.send(put).then(
      () => null,
      (error: Error) => error,
    );
    expect(refused?.name).to.equal('NotImplemented');
    expect(refused?.message).to.contain('no key management service');
  });

  if (process.env.CLOUDSTORE_TEST_LONG === '1') {
    it('keeps an object of 5 GiB that came in parts', async function () {
      this.timeout(3_600_000);
      const hash = createHash('sha256');
      const part = noise(64 * MIB, 5);
      await multipart('5 GiB', function* () {
        for (let i = 0; i < 80; i++) {
          part.writeUInt32LE(i, 0);
          hash.update(part);
          yield part;
        }
      });
      const { Body, ContentLength } = await s3.send(new GetObjectCommand({ Bucket, Key: '5 GiB' }));
      expect(ContentLength).to.equal(5 * 1024 * MIB);
      const back = createHash('sha256');
      for await (const piece of Body as Readable) back.update(piece as Buffer);
      expect(back.digest('hex')).to.equal(hash.digest('hex'));
    });
  }

  it('pages through buckets', async () => {
    const names: (string | undefined)[] = [];
    for await (const page of paginateListBuckets({ client: s3, pageSize: 1 }, {}))
      names.push(...(page.Buckets ?? []).map(({ Name }) => Name));
    expect(names).to.include(Bucket);
    expect(new Set(names).size).to.equal(names.length);
  });

  /** What Terraform reads of a bucket that it has just made, in its order; it takes 501 or another code for a fault. */
  it('answers the probes of Terraform by the codes that it knows', async () => {
    const at = { Bucket };
    const of = { ...at, Key: 'probed' };
    await s3.send(new PutObjectCommand(of));
    const probes: [string, () => Promise<unknown>, string | null][] = [
      ['HeadBucket', () => s3.send(new HeadBucketCommand(at)), null],
      ['policy', () => s3.send(new GetBucketPolicyCommand(at)), 'NoSuchBucketPolicy'],
      ['policy status', () => s3.send(new GetBucketPolicyStatusCommand(at)), 'NoSuchBucketPolicy'],
      ['ACL', () => s3.send(new GetBucketAclCommand(at)), null],
      ['CORS', () => s3.send(new GetBucketCorsCommand(at)), 'NoSuchCORSConfiguration'],
      ['website', () => s3.send(new GetBucketWebsiteCommand(at)), 'NoSuchWebsiteConfiguration'],
      ['versioning', () => s3.send(new GetBucketVersioningCommand(at)), null],
      ['acceleration', () => s3.send(new GetBucketAccelerateConfigurationCommand(at)), null],
      ['payment', () => s3.send(new GetBucketRequestPaymentCommand(at)), null],
      ['logging', () => s3.send(new GetBucketLoggingCommand(at)), null],
      ['lifecycle', () => s3.send(new GetBucketLifecycleConfigurationCommand(at)), 'NoSuchLifecycleConfiguration'],
      ['replication', () => s3.send(new GetBucketReplicationCommand(at)), 'ReplicationConfigurationNotFoundError'],
      ['encryption', () => s3.send(new GetBucketEncryptionCommand(at)), null],
      ['object lock', () => s3.send(new GetObjectLockConfigurationCommand(at)), 'ObjectLockConfigurationNotFoundError'],
      ['location', () => s3.send(new GetBucketLocationCommand(at)), null],
      ['tagging', () => s3.send(new GetBucketTaggingCommand(at)), 'NoSuchTagSet'],
      ['notification', () => s3.send(new GetBucketNotificationConfigurationCommand(at)), null],
      ['public access', () => s3.send(new GetPublicAccessBlockCommand(at)), null],
      ['ownership', () => s3.send(new GetBucketOwnershipControlsCommand(at)), null],
      ['analytics', () => s3.send(new GetBucketAnalyticsConfigurationCommand({ ...at, Id: 'x' })), 'NoSuchConfiguration'],
      ['all analytics', () => s3.send(new ListBucketAnalyticsConfigurationsCommand(at)), null],
      ['tiering', () => s3.send(new GetBucketIntelligentTieringConfigurationCommand({ ...at, Id: 'x' })), 'NoSuchConfiguration'],
      ['all tiering', () => s3.send(new ListBucketIntelligentTieringConfigurationsCommand(at)), null],
      ['inventory', () => s3.send(new GetBucketInventoryConfigurationCommand({ ...at, Id: 'x' })), 'NoSuchConfiguration'],
      ['all inventories', () => s3.send(new ListBucketInventoryConfigurationsCommand(at)), null],
      ['metrics', () => s3.send(new GetBucketMetricsConfigurationCommand({ ...at, Id: 'x' })), 'NoSuchConfiguration'],
      ['all metrics', () => s3.send(new ListBucketMetricsConfigurationsCommand(at)), null],
      ['ABAC', () => s3.send(new GetBucketAbacCommand(at)), null],
      ['metadata', () => s3.send(new GetBucketMetadataConfigurationCommand(at)), 'MetadataConfigurationNotFound'],
      ['metadata table', () => s3.send(new GetBucketMetadataTableConfigurationCommand(at)), 'MetadataTableConfigurationNotFound'],
      ['tags of an object', () => s3.send(new GetObjectTaggingCommand(of)), null],
      ['list of an object', () => s3.send(new GetObjectAclCommand(of)), null],
      ['retention of an object', () => s3.send(new GetObjectRetentionCommand(of)), 'InvalidRequest'],
      ['hold of an object', () => s3.send(new GetObjectLegalHoldCommand(of)), 'InvalidRequest'],
    ];
    for (const [what, probe, code] of probes) {
      const answer = await probe().then(
        () => null,
        (error: Error) => error.name,
      );
      expect(answer, what).to.equal(code);
    }
  });
});
