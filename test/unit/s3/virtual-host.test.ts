import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { createHostedBucket } from '#protocols/s3/target';
import { presign } from '../../support/presign.ts';
import { send } from '../../support/requests.ts';
import { KEY, type Rig, startRig } from './memory-rooms.ts';

describe('S3 virtual hosts', () => {
  const cases: Record<string, string | null> = {
    'photos.s3.example.test': 'photos',
    'photos.s3.example.test:9000': 'photos',
    'PHOTOS.S3.Example.Test': 'photos',
    'my.photos.s3.example.test': 'my.photos',
    's3.example.test:9000': null,
    'photos.example.test': null,
    'photos.localhost:9000': 'photos',
    'photos.s3.localhost:9000': 'photos',
    'localhost:9000': null,
    's3.localhost:9000': null,
    '127.0.0.1:9000': null,
    '[::1]:9000': null,
    evillocalhost: null,
  };
  for (const [host, bucket] of Object.entries(cases)) {
    it(`${host} names ${bucket ?? 'no bucket'}`, () => {
      expect(createHostedBucket('s3.example.test')(host)).to.equal(bucket);
    });
  }

  describe('with signatures', () => {
    let rig: Rig;
    before(async () => {
      rig = await startRig();
    });
    after(() => rig.close());

    it('an SDK without forcePathStyle reads and writes below its bucket.localhost', async () => {
      const s3 = new S3Client({
        endpoint: `http://localhost:${rig.port}`,
        region: 'us-east-1',
        credentials: KEY,
        maxAttempts: 1,
      });
      const hosts: unknown[] = [];
      s3.middlewareStack.add(
        (next) => (args) => {
          const request = args.request as { hostname: string };
          hosts.push(request.hostname);
          request.hostname = '127.0.0.1'; // not every resolver knows bucket.localhost; the signed Host stays
          return next(args);
        },
        { step: 'finalizeRequest', priority: 'low', name: 'connectHere' },
      );
      const Bucket = 'sdk-hosted';
      await s3.send(new CreateBucketCommand({ Bucket }));
      await s3.send(new PutObjectCommand({ Bucket, Key: 'a//b c', Body: 'x' }));
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'a//b c' }));
      expect(await got.Body?.transformToString()).to.equal('x');
      expect((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents?.map(({ Key }) => Key)).to.deep.equal(['a//b c']);
      expect(new Set(hosts)).to.deep.equal(new Set(['sdk-hosted.localhost']));
      s3.destroy();
    });

    it('a signature for one host opens no other', async () => {
      const url = new URL(presign('GET', `http://sdk-hosted.localhost:${rig.port}/a%2F%2Fb%20c`, KEY, new Date()));
      const path = `http://127.0.0.1:${rig.port}${url.pathname}${url.search}`;
      expect((await send('GET', path, { headers: { host: `other-one.localhost:${rig.port}` } })).status).to.equal(403);
    });
  });
});
