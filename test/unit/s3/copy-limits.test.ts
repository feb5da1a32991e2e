import { CopyObjectCommand, CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { KEY, type Rig, startRig } from './memory-rooms.ts';

describe('S3 copies of more than 5 GiB', () => {
  let rig: Rig;
  let s3: S3Client;
  before(async () => {
    rig = await startRig();
    s3 = new S3Client({ endpoint: rig.url, region: 'us-east-1', credentials: KEY, forcePathStyle: true, maxAttempts: 1 });
    await s3.send(new CreateBucketCommand({ Bucket: 'first' }));
    await s3.send(new PutObjectCommand({ Bucket: 'first', Key: 'large', Body: 'a' }));
  });
  after(async () => {
    s3.destroy();
    await rig.close();
  });

  const sized = (size: number): void => {
    for (const one of rig.stored.values()) one.info.size = size;
  };
  const copy = async (): Promise<string> =>
    s3.send(new CopyObjectCommand({ Bucket: 'first', Key: 'to', CopySource: 'first/large' })).then(
      () => 'copied',
      (error: Error) => `${error.name}: ${error.message}`,
    );

  it('are refused with the largest size that goes at once', async () => {
    sized(5 * 2 ** 30 + 1);
    expect(await copy()).to.match(/^InvalidRequest: .*5368709120/);
  });

  it('of just that size are carried out', async () => {
    sized(5 * 2 ** 30);
    expect(await copy()).to.equal('copied');
  });
});
