import { randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  S3Client,
  type S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';

const DAY_MS = 24 * 3600 * 1000;

/** S3's versions and object lock over the wire, by AWS's own client. */
describe('versions and object lock by the AWS SDK', function () {
  this.timeout(60_000);
  let gateway: TestGateway;
  let s3: S3Client;
  let Bucket: string;

  before(async () => {
    gateway = await startGateway();
    const { accessKeyId, secretAccessKey, s3Url: endpoint } = gateway;
    s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  });
  after(async () => {
    s3?.destroy();
    await gateway?.stop();
  });

  const fresh = async (how: 'off' | 'enabled' | 'locked' = 'enabled') => {
    Bucket = `b-${randomBytes(6).toString('hex')}`;
    await s3.send(new CreateBucketCommand({ Bucket, ...(how === 'locked' ? { ObjectLockEnabledForBucket: true } : {}) }));
    if (how === 'enabled') await versioning('Enabled');
  };
  const versioning = (Status: 'Enabled' | 'Suspended') =>
    s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
  const put = async (Key: string, Body: string, more = {}) =>
    (await s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))).VersionId;
  const text = async (Key: string, VersionId?: string) =>
    (await s3.send(new GetObjectCommand({ Bucket, Key, VersionId }))).Body?.transformToString();
  const remove = (Key: string, VersionId?: string, more = {}) =>
    s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId, ...more }));
  const list = (more = {}) => s3.send(new ListObjectVersionsCommand({ Bucket, ...more }));
  const failure = async (
    call: Promise<unknown>,
  ): Promise<{ name: string; status: number | undefined; error: S3ServiceException | null }> =>
    call.then(
      () => ({ name: 'none', status: 200, error: null }),
      (error: S3ServiceException) => ({ name: error.name, status: error.$metadata.httpStatusCode, error }),
    );

  it('gives every version an id, on every answer, and reads each by it', async () => {
    await fresh();
    const [one, two] = [await put('a', 'one'), await put('a', 'two')];
    expect(one)
      .to.match(/^[0-9a-f]{32}$/)
      .and.not.equal(two);
    expect([await text('a'), await text('a', one), await text('a', two)]).to.deep.equal(['two', 'one', 'two']);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a', VersionId: one }));
    expect([head.VersionId, head.ContentLength]).to.deep.equal([one, 3]);
    expect((await failure(text('a', 'f'.repeat(32)))).name).to.equal('NoSuchVersion');
    expect(await failure(text('a', 'nonsense'))).to.include({ status: 400 });
    const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: 'b', CopySource: `${Bucket}/a?versionId=${one}` }));
    expect([copied.CopySourceVersionId, await text('b')]).to.deep.equal([one, 'one']);
    const upload = (await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'a' }))).UploadId;
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key: 'a', UploadId: upload, PartNumber: 1, Body: 'three' }));
    const parts = { MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } };
    const three = (await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'a', UploadId: upload, ...parts }))).VersionId;
    expect(await text('a', three)).to.equal('three');
  });

  it('hides a deleted key behind a marker, says so, and gives it back when the marker is deleted', async () => {
    await fresh();
    const one = await put('a', 'one');
    const gone = await remove('a');
    expect(gone).to.include({ DeleteMarker: true });
    const missing = await failure(text('a'));
    expect(missing).to.include({ name: 'NoSuchKey', status: 404 });
    expect(missing.error?.$response?.headers).to.include({ 'x-amz-delete-marker': 'true', 'x-amz-version-id': gone.VersionId });
    const head = await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'a' })));
    expect(head.error?.$response?.headers).to.include({ 'x-amz-delete-marker': 'true' });
    expect(await failure(text('a', gone.VersionId))).to.include({ name: 'MethodNotAllowed', status: 405 });
    expect(await text('a', one)).to.equal('one');
    const back = await remove('a', gone.VersionId);
    expect(back).to.deep.include({ DeleteMarker: true, VersionId: gone.VersionId });
    expect(await text('a')).to.equal('one');
    expect((await failure(s3.send(new DeleteBucketCommand({ Bucket })))).name).to.equal('BucketNotEmpty');
  });

  it('keeps one null version while versions are suspended, and those with ids', async () => {
    await fresh('off');
    expect(await put('a', 'before')).to.equal(undefined);
    await versioning('Enabled');
    const kept = await put('a', 'kept');
    await versioning('Suspended');
    expect(await put('a', 'null one')).to.equal('null');
    expect(await put('a', 'null two')).to.equal('null');
    const { Versions = [] } = await list();
    expect(Versions.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).to.deep.equal([
      ['null', true],
      [kept, false],
    ]);
    expect((await remove('a')).VersionId).to.equal('null');
    expect((await list()).DeleteMarkers?.map(({ VersionId }) => VersionId)).to.deep.equal(['null']);
    await remove('a', 'null');
    expect(await text('a')).to.equal('kept');
  });

  it('lists keys in order, the latest version first, in pages of any size', async () => {
    await fresh();
    const expected: string[] = [];
    for (const key of ['a', 'b/1', 'b/2', 'c']) {
      const ids = [await put(key, '1'), await put(key, '2')];
      const marker = key === 'b/2' ? (await remove(key)).VersionId : undefined;
      expected.push(...[...ids, ...(marker === undefined ? [] : [marker])].reverse().map((id) => `${key} ${id}`));
    }
    for (const MaxKeys of [1, 2, 3, 1000]) {
      const seen: string[] = [];
      let more = {};
      for (;;) {
        const page = await list({ MaxKeys, ...more });
        const entries = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
        expect(entries.length).to.be.at.most(MaxKeys);
        seen.push(...entries.map(({ Key, VersionId }) => `${Key} ${VersionId}`));
        if (page.IsTruncated !== true) break;
        more = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
      }
      expect(seen.sort(), String(MaxKeys)).to.deep.equal([...expected].sort());
    }
    const rolled = await list({ Delimiter: '/' });
    expect(rolled.CommonPrefixes).to.deep.equal([{ Prefix: 'b/' }]);
    expect(rolled.Versions?.map(({ Key }) => Key)).to.deep.equal(['a', 'a', 'c', 'c']);
    const paged = await list({ Delimiter: '/', MaxKeys: 3 });
    expect([paged.NextKeyMarker, paged.IsTruncated]).to.deep.equal(['b/', true]);
    expect((await list({ Delimiter: '/', KeyMarker: 'b/' })).Versions?.map(({ Key }) => Key)).to.deep.equal(['c', 'c']);
    expect((await list({ KeyMarker: 'b/1' })).Versions?.map(({ Key }) => Key)).to.deep.equal(['b/2', 'b/2', 'c', 'c']);
    expect((await list({ MaxKeys: 0 })).IsTruncated).to.equal(false);
    expect((await failure(list({ VersionIdMarker: 'a'.repeat(32) }))).name).to.equal('InvalidArgument');
  });

  it('is emptied page by page, though every marker is gone before it is named', async () => {
    await fresh();
    for (let n = 0; n < 5; n++) await put('same', String(n));
    for (const key of ['x', 'y']) await put(key, '1');
    await remove('x');
    let more = {};
    for (;;) {
      const page = await list({ MaxKeys: 2, ...more });
      const Objects = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) => ({ Key, VersionId }));
      if (Objects.length > 0)
        expect((await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))).Errors).to.equal(undefined);
      if (page.IsTruncated !== true) break;
      more = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
    }
    await s3.send(new DeleteBucketCommand({ Bucket }));
  });

  it('refuses MFA delete by name', async () => {
    await fresh();
    const call = s3.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled', MFADelete: 'Enabled' } }),
    );
    expect((await failure(call)).name).to.equal('NotImplemented');
  });

  it('shows a bucket that never had versions as its current objects, and keeps what a null version was', async () => {
    await fresh('off');
    await put('a', 'one');
    await put('a', 'two');
    expect((await list()).Versions?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).to.deep.equal([['null', true]]);
    await remove('a', 'null');
    expect((await list()).Versions).to.equal(undefined);
    await s3.send(new DeleteBucketCommand({ Bucket }));
  });

  describe('object lock', () => {
    const until = (ms = DAY_MS) => new Date(Date.now() + ms);

    it('comes with its bucket, keeps its versions enabled, and has a default', async () => {
      await fresh('locked');
      expect((await failure(versioning('Suspended'))).name).to.equal('InvalidBucketState');
      const rule = (DefaultRetention: object) =>
        s3.send(
          new PutObjectLockConfigurationCommand({
            Bucket,
            ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention } as never },
          }),
        );
      expect((await failure(rule({ Mode: 'GOVERNANCE', Days: 1, Years: 1 }))).name).to.equal('MalformedXML');
      expect((await failure(rule({ Mode: 'GOVERNANCE', Days: 0 }))).name).to.equal('InvalidArgument');
      expect((await failure(rule({ Mode: 'abc', Days: 1 }))).name).to.equal('MalformedXML');
      await rule({ Mode: 'GOVERNANCE', Days: 2 });
      const { ObjectLockConfiguration } = await s3.send(new GetObjectLockConfigurationCommand({ Bucket }));
      expect(ObjectLockConfiguration?.Rule?.DefaultRetention).to.include({ Mode: 'GOVERNANCE', Days: 2 });
      await put('a', 'x');
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a' }));
      expect(head.ObjectLockMode).to.equal('GOVERNANCE');
      expect(Number(head.ObjectLockRetainUntilDate)).to.be.greaterThan(Date.now() + DAY_MS);
      await fresh('off');
      expect((await failure(rule({ Mode: 'GOVERNANCE', Days: 2 }))).name).to.equal('InvalidBucketState');
      expect((await failure(s3.send(new GetObjectLockConfigurationCommand({ Bucket })))).name).to.equal(
        'ObjectLockConfigurationNotFoundError',
      );
      const locked = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until() };
      expect((await failure(put('a', 'x', locked))).name).to.equal('InvalidRequest');
      await put('a', 'x');
      expect((await failure(s3.send(new GetObjectRetentionCommand({ Bucket, Key: 'a' })))).name).to.equal('InvalidRequest');
    });

    it('keeps versions from DELETE and DeleteObjects, by mode and hold; on put, copy and multipart alike', async () => {
      await fresh('locked');
      const governed = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until() };
      const id = await put('a', 'x', governed);
      const copy = (await s3.send(
        new CopyObjectCommand({ Bucket, Key: 'b', CopySource: `${Bucket}/a`, ...governed } as never),
      )) as { VersionId?: string };
      const upload = (await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'c', ...governed } as never))).UploadId;
      const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key: 'c', UploadId: upload, PartNumber: 1, Body: 'x' }));
      const parts = { MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } };
      const whole = (await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'c', UploadId: upload, ...parts })))
        .VersionId;
      for (const [Key, VersionId] of [
        ['a', id],
        ['b', copy.VersionId],
        ['c', whole],
      ] as const) {
        expect(await failure(remove(Key, VersionId)), Key).to.include({ name: 'AccessDenied', status: 403 });
        const all = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key, VersionId }] } }));
        expect(
          all.Errors?.map(({ Code }) => Code),
          Key,
        ).to.deep.equal(['AccessDenied']);
        await s3.send(new PutObjectLegalHoldCommand({ Bucket, Key, VersionId, LegalHold: { Status: 'ON' } }));
        expect((await failure(remove(Key, VersionId, { BypassGovernanceRetention: true }))).name).to.equal('AccessDenied');
        expect((await s3.send(new HeadObjectCommand({ Bucket, Key, VersionId }))).ObjectLockLegalHoldStatus).to.equal('ON');
        await s3.send(new PutObjectLegalHoldCommand({ Bucket, Key, VersionId, LegalHold: { Status: 'OFF' } }));
        expect((await s3.send(new GetObjectLegalHoldCommand({ Bucket, Key, VersionId }))).LegalHold).to.deep.equal({
          Status: 'OFF',
        });
        await remove(Key, VersionId, { BypassGovernanceRetention: true });
      }
      expect((await list()).Versions).to.equal(undefined);
    });

    it('lengthens and does not shorten, but by who may bypass governance', async () => {
      await fresh('locked');
      const VersionId = await put('a', 'x');
      const retain = (Mode: string, RetainUntilDate: Date, more = {}) =>
        s3.send(
          new PutObjectRetentionCommand({ Bucket, Key: 'a', VersionId, Retention: { Mode, RetainUntilDate } as never, ...more }),
        );
      expect((await failure(s3.send(new GetObjectRetentionCommand({ Bucket, Key: 'a' })))).name).to.equal(
        'NoSuchObjectLockConfiguration',
      );
      expect((await failure(retain('governance', until()))).name).to.equal('MalformedXML');
      expect((await failure(retain('GOVERNANCE', until(-DAY_MS)))).name).to.equal('InvalidArgument');
      await retain('GOVERNANCE', until(2 * DAY_MS));
      expect((await failure(retain('GOVERNANCE', until()))).name).to.equal('AccessDenied');
      await retain('GOVERNANCE', until(), { BypassGovernanceRetention: true });
      await retain('COMPLIANCE', until(3 * DAY_MS), { BypassGovernanceRetention: true });
      expect((await failure(retain('GOVERNANCE', until(4 * DAY_MS), { BypassGovernanceRetention: true }))).name).to.equal(
        'AccessDenied',
      );
      expect((await failure(remove('a', VersionId, { BypassGovernanceRetention: true }))).name).to.equal('AccessDenied');
      const { Retention } = await s3.send(new GetObjectRetentionCommand({ Bucket, Key: 'a' }));
      expect(Retention?.Mode).to.equal('COMPLIANCE');
      await remove('a');
      expect(await text('a', VersionId)).to.equal('x');
    });
  });
});
