import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { expect } from 'chai';
import { Client } from 'minio';
import { type ClientsRig, clientsRig, noise } from '../../support/s3-clients.ts';

describe("MinIO's client for JavaScript at the S3 door", function () {
  this.timeout(60_000);
  let rig: ClientsRig;
  let minio: Client;
  const bucket = 'minio-js';

  before(async () => {
    rig = await clientsRig('minio-js');
    const { accessKeyId, secretAccessKey, s3Url } = rig.gateway;
    const { hostname, port } = new URL(s3Url);
    minio = new Client({
      endPoint: hostname,
      port: Number(port),
      useSSL: false,
      accessKey: accessKeyId,
      secretKey: secretAccessKey,
      partSize: 8 << 20,
    });
    await minio.makeBucket(bucket);
  });
  after(async () => {
    const names: string[] = [];
    for await (const item of minio.listObjectsV2(bucket, '', true)) names.push(item.name);
    await minio.removeObjects(bucket, names);
    await minio.removeBucket(bucket);
  });

  const read = async (stream: Readable): Promise<Buffer> => {
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    return Buffer.concat(parts);
  };
  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

  it('finds its bucket', async () => {
    expect(await minio.bucketExists(bucket)).to.equal(true);
    expect(await minio.bucketExists('minio-js-none')).to.equal(false);
    expect((await minio.listBuckets()).map(({ name }) => name)).to.include(bucket);
  });

  it('puts and gets, small and in parts, with metadata', async () => {
    for (const [name, bytes] of [
      ['empty', Buffer.alloc(0)],
      ['small ü+', noise(100)],
      ['large', noise(17 << 20, 7)],
    ] as const) {
      await minio.putObject(bucket, name, bytes, bytes.length, { 'X-Amz-Meta-Color': 'blue', 'Content-Type': 'x/y' });
      expect(sha256(await read(await minio.getObject(bucket, name)))).to.equal(sha256(bytes));
      const stat = await minio.statObject(bucket, name);
      expect([stat.size, stat.metaData.color, stat.metaData['content-type']]).to.deep.equal([bytes.length, 'blue', 'x/y']);
    }
    expect((await read(await minio.getPartialObject(bucket, 'small ü+', 10, 5))).length).to.equal(5);
  });

  it('puts a file and gets it back as one', async () => {
    const back = join(rig.home, 'back');
    await minio.fPutObject(bucket, 'file', join(rig.tree, 'large.bin'));
    await minio.fGetObject(bucket, 'file', back);
    expect(readFileSync(back).equals(readFileSync(join(rig.tree, 'large.bin')))).to.equal(true);
  });

  it('lists by levels and whole', async () => {
    for (const name of ['dir/a', 'dir/b/c', 'dir/b/d']) await minio.putObject(bucket, name, 'x');
    const level: string[] = [];
    for await (const item of minio.listObjectsV2(bucket, 'dir/', false)) level.push(item.name ?? item.prefix);
    expect(level.sort()).to.deep.equal(['dir/a', 'dir/b/']);
    const whole: string[] = [];
    for await (const item of minio.listObjects(bucket, 'dir/', true)) whole.push(item.name ?? '');
    expect(whole).to.deep.equal(['dir/a', 'dir/b/c', 'dir/b/d']);
  });

  it('presigns for reading and writing', async () => {
    const put = await minio.presignedPutObject(bucket, 'signed', 60);
    expect((await fetch(put, { method: 'PUT', body: 'by URL' })).status).to.equal(200);
    expect(await (await fetch(await minio.presignedGetObject(bucket, 'signed', 60))).text()).to.equal('by URL');
  });

  it('sets tags, lifecycle and encryption', async () => {
    await minio.setBucketTagging(bucket, { a: 'b' });
    expect(await minio.getBucketTagging(bucket)).to.deep.equal([{ Key: 'a', Value: 'b' }]);
    await minio.removeBucketTagging(bucket);
    await minio.setBucketLifecycle(bucket, {
      Rule: [{ ID: 'r', Status: 'Enabled', Filter: { Prefix: 'p' }, Expiration: { Days: 3 } }],
    });
    expect(JSON.stringify(await minio.getBucketLifecycle(bucket))).to.contain('"ID":"r"');
    await minio.removeBucketLifecycle(bucket);
    expect(JSON.stringify(await minio.getBucketEncryption(bucket))).to.contain('AES256');
  });
});
