import { mock } from 'node:test';
import {
  type _Object,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetBucketAclCommand,
  GetBucketEncryptionCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { CloudStoreError } from '#core/errors';
import { presign } from '../../support/presign.ts';
import { KEY, type Rig, startRig } from './memory-rooms.ts';

describe('S3 door, by the AWS SDK', () => {
  let rig: Rig;
  let s3: S3Client;
  const Bucket = 'first';

  before(async () => {
    rig = await startRig();
    s3 = new S3Client({ endpoint: rig.url, region: 'us-east-1', credentials: KEY, forcePathStyle: true, maxAttempts: 1 });
    await s3.send(new CreateBucketCommand({ Bucket }));
  });
  after(async () => {
    s3.destroy();
    await rig.close();
  });

  const refused = async (call: Promise<unknown>): Promise<{ name: string; status: number | undefined }> => {
    try {
      await call;
    } catch (error) {
      const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
      return { name, status: $metadata?.httpStatusCode };
    }
    throw new Error('The call succeeded.');
  };

  it('makes a bucket twice, lists and finds it, and answers its unset subresources', async () => {
    await s3.send(new CreateBucketCommand({ Bucket }));
    const { Buckets, Owner } = await s3.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).to.deep.equal([Bucket]);
    expect(Owner?.DisplayName).to.equal('alice');
    await s3.send(new HeadBucketCommand({ Bucket }));
    expect((await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint ?? '').to.equal('');
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).to.equal(undefined);
    expect((await s3.send(new GetBucketAclCommand({ Bucket }))).Grants?.[0]?.Grantee?.Type).to.equal('CanonicalUser');
    const encryption = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
    expect(encryption.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm).to.equal(
      'AES256',
    );
    expect(await refused(s3.send(new GetBucketPolicyCommand({ Bucket })))).to.deep.equal({
      name: 'NoSuchBucketPolicy',
      status: 404,
    });
    const lifecycle = new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [] } });
    expect(await refused(s3.send(lifecycle))).to.deep.equal({ name: 'MalformedXML', status: 400 });
  });

  it('keeps a body with its headers, metadata, time and default CRC32 trailer', async () => {
    const Key = 'dir//a b+c/../ü%2F.txt';
    const put = await s3.send(
      new PutObjectCommand({
        Bucket,
        Key,
        Body: 'hello',
        ContentType: 'text/plain',
        CacheControl: 'no-cache',
        Metadata: { mtime: '1700000000.123456789', other: 'x' },
      }),
    );
    expect(put.ETag).to.equal('"5d41402abc4b2a76b9719d911017c592"');
    expect(put.ChecksumCRC32).to.equal('NhCmhg==');
    const got = await s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    expect(await got.Body?.transformToString()).to.equal('hello');
    expect(got.ContentType).to.equal('text/plain');
    expect(got.CacheControl).to.equal('no-cache');
    expect(got.Metadata).to.deep.equal({ mtime: '1700000000.123456789', other: 'x' });
    expect(got.ChecksumCRC32).to.equal('NhCmhg==');
    const stored = [...rig.stored.values()].find(({ info }) => info.key === Key);
    expect(stored?.info.mtime).to.equal(1_700_000_000_123);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'DISABLED' as never }));
    expect(head.ContentLength).to.equal(5);
    expect(head.ChecksumCRC32).to.equal(undefined);
  });

  for (const algorithm of ['CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const) {
    it(`verifies and keeps a ${algorithm}`, async () => {
      const put = await s3.send(
        new PutObjectCommand({ Bucket, Key: algorithm, Body: 'x'.repeat(70_000), ChecksumAlgorithm: algorithm }),
      );
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key: algorithm, ChecksumMode: 'ENABLED' }));
      const member = `Checksum${algorithm}` as const;
      expect(put[member]).to.be.a('string').and.equal(head[member]);
    });
  }

  it('answers ranges, conditions and what lies past the end', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'r', Body: '0123456789' }));
    const text = async (Range: string) =>
      (await s3.send(new GetObjectCommand({ Bucket, Key: 'r', Range }))).Body?.transformToString();
    expect(await text('bytes=2-4')).to.equal('234');
    expect(await text('bytes=-3')).to.equal('789');
    expect(await text('bytes=7-')).to.equal('789');
    expect(await text('bytes=junk')).to.equal('0123456789');
    expect(await refused(text('bytes=10-'))).to.deep.equal({ name: 'InvalidRange', status: 416 });
    const { ETag } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'r' }));
    expect((await refused(s3.send(new GetObjectCommand({ Bucket, Key: 'r', IfNoneMatch: ETag ?? '' })))).status).to.equal(304);
    expect((await refused(s3.send(new GetObjectCommand({ Bucket, Key: 'r', IfMatch: '"no"' })))).name).to.equal(
      'PreconditionFailed',
    );
    expect((await refused(s3.send(new PutObjectCommand({ Bucket, Key: 'r', Body: 'x', IfNoneMatch: '*' })))).status).to.equal(
      412,
    );
    expect(await refused(s3.send(new GetObjectCommand({ Bucket, Key: 'absent' })))).to.deep.equal({
      name: 'NoSuchKey',
      status: 404,
    });
    expect((await refused(s3.send(new GetObjectCommand({ Bucket: 'absent', Key: 'k' })))).name).to.equal('NoSuchBucket');
    expect((await refused(s3.send(new GetObjectCommand({ Bucket, Key: 'k'.repeat(1025) })))).name).to.equal('KeyTooLongError');
  });

  it('copies, onto itself only with new metadata, and in parts', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'from ü', Body: '0123456789', Metadata: { a: '1' } }));
    const CopySource = `${Bucket}/${encodeURIComponent('from ü')}`;
    const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: 'to', CopySource }));
    expect(copied.CopyObjectResult?.ETag).to.equal('"781e5e245d69b566979b86e28d23f2c7"');
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'to' }))).Metadata).to.deep.equal({ a: '1' });
    expect((await refused(s3.send(new CopyObjectCommand({ Bucket, Key: 'from ü', CopySource })))).name).to.equal(
      'InvalidRequest',
    );
    await s3.send(
      new CopyObjectCommand({ Bucket, Key: 'from ü', CopySource, MetadataDirective: 'REPLACE', Metadata: { b: '2' } }),
    );
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'from ü' }))).Metadata).to.deep.equal({ b: '2' });
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'pieces' }));
    const part = await s3.send(
      new UploadPartCopyCommand({ Bucket, Key: 'pieces', UploadId, PartNumber: 1, CopySource, CopySourceRange: 'bytes=2-5' }),
    );
    await s3.send(
      new CompleteMultipartUploadCommand({
        Bucket,
        Key: 'pieces',
        UploadId,
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.CopyPartResult?.ETag }] },
      }),
    );
    expect(await (await s3.send(new GetObjectCommand({ Bucket, Key: 'pieces' }))).Body?.transformToString()).to.equal('2345');
  });

  it('keeps a completion that takes long alive by spaces, and tells in its body how it ended', async () => {
    const begin = async (Key: string) => {
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const part = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'long' }));
      const Parts = [{ PartNumber: 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 }];
      return new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } });
    };
    /** The answer to a completion after half a minute, by a clock of the test. */
    const late = async (command: CompleteMultipartUploadCommand, end: () => void) => {
      const reached = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      rig.completing = async () => {
        reached.resolve();
        await released.promise;
        end();
      };
      mock.timers.enable({ apis: ['setInterval'] });
      try {
        const url = presign(
          'POST',
          `${rig.url}/${Bucket}/${command.input.Key}?uploadId=${command.input.UploadId}`,
          KEY,
          new Date(),
        );
        const { ETag, ChecksumCRC32 } = command.input.MultipartUpload?.Parts?.[0] ?? {};
        const named = `<PartNumber>1</PartNumber><ETag>${ETag}</ETag><ChecksumCRC32>${ChecksumCRC32}</ChecksumCRC32>`;
        const body = `<CompleteMultipartUpload><Part>${named}</Part></CompleteMultipartUpload>`;
        const going = fetch(url, { method: 'POST', body });
        await reached.promise;
        for (let i = 0; i < 3; i++) mock.timers.tick(10_000);
        const answer = await going; // its head is there before the completion has ended
        released.resolve();
        return { status: answer.status, text: await answer.text() };
      } finally {
        mock.timers.reset();
        rig.completing = null;
      }
    };
    const good = await late(await begin('long'), () => undefined);
    expect(good.status).to.equal(200);
    expect(good.text).to.match(/^<\?xml [^>]*\?>\s* {3}<CompleteMultipartUploadResult/);
    const failed = await late(await begin('failed'), () => {
      throw new CloudStoreError('invalid_part', 'No part.');
    });
    expect(failed.status).to.equal(200);
    expect(failed.text).to.match(/^<\?xml [^>]*\?>\s* {3}<Error><Code>InvalidPart</);
    expect((await refused(s3.send(new HeadObjectCommand({ Bucket, Key: 'failed' })))).status).to.equal(404);
  });

  for (const [algorithm, type] of [
    ['CRC32', 'FULL_OBJECT'],
    ['CRC64NVME', 'FULL_OBJECT'],
    ['SHA256', 'COMPOSITE'],
  ] as const) {
    it(`uploads in parts with ${algorithm} ${type}`, async () => {
      const Key = `multi-${algorithm}`;
      const { UploadId } = await s3.send(
        new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: algorithm, ChecksumType: type }),
      );
      const Parts = [];
      for (const [index, Body] of ['aaaaa', 'bbb', 'c'].entries()) {
        const PartNumber = index + 1;
        const part = await s3.send(
          new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ChecksumAlgorithm: algorithm }),
        );
        Parts.push({ PartNumber, ETag: part.ETag, [`Checksum${algorithm}`]: part[`Checksum${algorithm}`] });
      }
      const listed = await s3.send(new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 2 }));
      expect(listed.Parts?.map(({ PartNumber }) => PartNumber)).to.deep.equal([1, 2]);
      expect(listed.IsTruncated).to.equal(true);
      const uploads = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'multi' }));
      expect(uploads.Uploads?.[0]?.UploadId).to.equal(UploadId);
      const wrong = [...Parts].reverse();
      expect(
        (await refused(s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: wrong } }))))
          .name,
      ).to.equal('InvalidPartOrder');
      const done = await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
      expect(done.ETag).to.match(/^"[0-9a-f]{32}-3"$/);
      const second = await s3.send(new GetObjectCommand({ Bucket, Key, PartNumber: 2 }));
      expect(await second.Body?.transformToString()).to.equal('bbb');
      expect(second.PartsCount).to.equal(3);
      expect(
        (
          await refused(
            s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId: 'f'.repeat(32), MultipartUpload: { Parts } })),
          )
        ).name,
      ).to.equal('NoSuchUpload');
    });
  }

  it('lists by pages in byte order, each common prefix once', async () => {
    const bucket = 'listing';
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const keys = ['a', 'a/1', 'a/2', 'b+', 'b ', 'c/\u0001x', 'foo+1/x', 'foo/x', '\uffee', '\u{1f600}'];
    for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: '' }));
    const names: string[] = [];
    let token: string | undefined;
    do {
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 3, Delimiter: '/', ContinuationToken: token, EncodingType: 'url' }),
      );
      expect(page.KeyCount).to.equal((page.Contents?.length ?? 0) + (page.CommonPrefixes?.length ?? 0));
      names.push(
        ...[
          ...(page.Contents ?? []).map(({ Key }: _Object) => Key),
          ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
        ].map((name) => decodeURIComponent(name ?? '')),
      );
      token = page.NextContinuationToken;
      expect(page.IsTruncated).to.equal(token !== undefined);
    } while (token !== undefined);
    expect([...names].sort()).to.deep.equal(['a', 'a/', 'b ', 'b+', 'c/', 'foo+1/', 'foo/', '\u{1f600}', '\uffee'].sort());
    const none = await s3.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 0 }));
    expect([none.IsTruncated, none.KeyCount]).to.deep.equal([false, 0]);
    const v1 = await s3.send(new ListObjectsCommand({ Bucket: bucket, MaxKeys: 2, Delimiter: '/' }));
    expect(v1.NextMarker).to.equal('a/');
    expect(v1.Contents?.[0]?.Owner?.DisplayName).to.equal('alice');
    const plain = await s3.send(new ListObjectsCommand({ Bucket: bucket, MaxKeys: 2 }));
    expect([plain.IsTruncated, plain.NextMarker]).to.deep.equal([true, undefined]);
  });

  it('deletes many at once, absent ones too', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'gone', Body: '1' }));
    const { Deleted, Errors } = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'gone' }, { Key: 'never' }, { Key: 'k'.repeat(1025) }] } }),
    );
    expect(Deleted?.map(({ Key }) => Key)).to.deep.equal(['gone', 'never']);
    expect(Errors?.map(({ Code }) => Code)).to.deep.equal(['KeyTooLongError']);
  });
});
