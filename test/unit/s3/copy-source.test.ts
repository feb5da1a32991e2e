import { CopyObjectCommand, CreateBucketCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { KEY, type Rig, startRig } from './memory-rooms.ts';

describe('S3 copies of a source that is replaced meanwhile', () => {
  let rig: Rig;
  let s3: S3Client;
  before(async () => {
    rig = await startRig();
    s3 = new S3Client({ endpoint: rig.url, region: 'us-east-1', credentials: KEY, forcePathStyle: true, maxAttempts: 1 });
    await s3.send(new CreateBucketCommand({ Bucket: 'first' }));
  });
  after(async () => {
    s3.destroy();
    await rig.close();
  });

  const put = (Key: string, Body: string) =>
    s3.send(new PutObjectCommand({ Bucket: 'first', Key, Body, ContentType: `text/${Body}`, ChecksumAlgorithm: 'CRC32' }));

  it('say of themselves what belongs to the bytes that they got', async () => {
    await put('from', 'old');
    const { ChecksumCRC32 } = await put('new', 'new');
    const { stored } = rig;
    const find = stored.get.bind(stored);
    const [replaced, by] = ['from', 'new'].map((name) => [...stored.keys()].find((id) => id.endsWith(name)) ?? '');
    let looks = 0;
    // The first look is the door's, the second the copy's.
    stored.get = (id) => find(id === replaced && ++looks > 1 ? (by ?? '') : id);
    await s3.send(new CopyObjectCommand({ Bucket: 'first', Key: 'to', CopySource: 'first/from' }));
    stored.get = find;
    const copy = await s3.send(new HeadObjectCommand({ Bucket: 'first', Key: 'to', ChecksumMode: 'ENABLED' }));
    expect([copy.ContentType, copy.ChecksumCRC32]).to.deep.equal(['text/new', ChecksumCRC32]);
  });
});
