import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectTaggingCommand,
  DeletePublicAccessBlockCommand,
  type Event,
  GetBucketLifecycleConfigurationCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketLifecycleConfigurationCommand,
  PutBucketLoggingCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { cloudstore } from '../support/process.ts';
import { doorsOf, send } from '../support/requests.ts';

const SECRET = 'a secret of the receiver';

/** What only a whole gateway shows: jobs, webhooks and logs behind the settings of a bucket, and that they outlive it. */
describe('buckets of a running gateway', function () {
  this.timeout(120_000);
  let receiver: Server;
  let gateway: TestGateway;
  let s3: S3Client;
  let answer = 200;
  let got: { headers: Record<string, unknown>; body: string }[] = [];

  before(async () => {
    receiver = createServer((req, res) => {
      let body = '';
      req.on('data', (part: Buffer) => (body += part));
      req.on('end', () => {
        got.push({ headers: req.headers, body });
        res.writeHead(answer).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    await open();
  });
  after(async () => {
    s3?.destroy();
    await gateway?.stop();
    receiver.closeAllConnections();
    receiver.close();
  });

  async function open(dataDir?: string): Promise<void> {
    const { port } = receiver.address() as AddressInfo;
    gateway = await startGateway({
      ...(dataDir === undefined ? {} : { dataDir, keepData: false }),
      env: {
        CLOUDSTORE_WEBHOOKS: `hook=http://127.0.0.1:${port}/in,dead=http://127.0.0.1:1/`,
        CLOUDSTORE_WEBHOOK_SECRET: SECRET,
        CLOUDSTORE_WEBHOOK_PRIVATE: 'on',
      },
    });
    s3?.destroy();
    s3 = new S3Client({
      endpoint: gateway.s3Url,
      region: 'us-east-1',
      credentials: { accessKeyId: gateway.accessKeyId, secretAccessKey: gateway.secretAccessKey },
      forcePathStyle: true,
      maxAttempts: 1,
    });
  }
  const CHANGES: Event[] = ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'];
  const notify = (Bucket: string, target: string, more: object = {}, Events = CHANGES): Promise<unknown> =>
    s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket,
        NotificationConfiguration: {
          QueueConfigurations: [
            {
              Id: 'all',
              QueueArn: `arn:aws:sqs:us-east-1:000000000000:${target}`,
              Events,
            },
          ],
        },
        ...more,
      }),
    );
  const put = (Bucket: string, Key: string): Promise<unknown> => s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
  const told = (): string[] =>
    got.flatMap(({ body }) => {
      const [record] = JSON.parse(body).Records ?? [];
      return record === undefined ? [] : [`${record.eventName} ${record.s3.object.key}`];
    });
  async function until(what: () => boolean): Promise<void> {
    for (let i = 0; !what(); i++) {
      if (i > 600) throw new Error(`It did not come to that: ${JSON.stringify(told())}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  it('tells a webhook, with a test event first, signed, of the changes of every door', async () => {
    const Bucket = 'notified';
    await s3.send(new CreateBucketCommand({ Bucket }));
    await notify(Bucket, 'hook');
    expect(JSON.parse(got[0]?.body ?? '')).to.include({ Event: 's3:TestEvent', Bucket });
    got = [];
    await put(Bucket, 'by s3');
    const dav = { authorization: `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}` };
    expect((await send('PUT', `${gateway.webdavUrl}${Bucket}/by-dav`, { headers: dav, body: 'x' })).status).to.equal(201);
    expect((await send('DELETE', `${gateway.webdavUrl}${Bucket}/by-dav`, { headers: dav })).status).to.equal(204);
    await until(() => told().length >= 3);
    expect(told()).to.deep.equal(['ObjectCreated:Put by+s3', 'ObjectCreated:Put by-dav', 'ObjectRemoved:Delete by-dav']);
    const [{ headers, body }] = got as [(typeof got)[number]];
    const signature = createHmac('sha256', SECRET).update(`${headers['x-cloudstore-timestamp']}.${body}`).digest('hex');
    expect(headers['x-cloudstore-signature']).to.equal(`v1=${signature}`);
  });

  it('tells copies, parts, forms and tags as AWS names them', async () => {
    const Bucket = 'named';
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
    const Statement = [{ Effect: 'Allow', Principal: '*', Action: 's3:PutObject', Resource: `arn:aws:s3:::${Bucket}/*` }];
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }));
    await put(Bucket, 'a');
    await notify(Bucket, 'hook', {}, ['s3:ObjectCreated:*', 's3:ObjectTagging:*']);
    got = [];
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/a` }));
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'read again', CopySource: `${Bucket}/a`, ChecksumAlgorithm: 'SHA512' }));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }));
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber: 1, Body: 'x' }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'parts', UploadId, MultipartUpload }));
    const form = new FormData();
    form.set('key', 'form');
    form.set('file', new Blob(['x']), 'x.txt');
    expect((await fetch(`${gateway.s3Url}/${Bucket}`, { method: 'POST', body: form })).status).to.equal(204);
    await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'copy', Tagging: { TagSet: [{ Key: 'k', Value: 'v' }] } }));
    await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'copy' }));
    await until(() => told().length >= 6);
    expect(told()).to.deep.equal([
      'ObjectCreated:Copy copy',
      'ObjectCreated:Copy read+again',
      'ObjectCreated:CompleteMultipartUpload parts',
      'ObjectCreated:Post form',
      'ObjectTagging:Put copy',
      'ObjectTagging:Delete copy',
    ]);
  });

  it('takes no target that does not take the test event, unless it is told not to ask', async () => {
    const outcome = await notify('notified', 'dead').then(
      () => 'taken',
      (error: Error) => error.name,
    );
    expect(outcome).to.equal('InvalidArgument');
  });

  it('tells after a kill what could not be told before it', async () => {
    const Bucket = 'killed';
    await s3.send(new CreateBucketCommand({ Bucket }));
    await notify(Bucket, 'hook');
    answer = 503;
    got = [];
    for (let i = 0; i < 5; i++) await put(Bucket, `k${i}`);
    await until(() => got.length > 0);
    await gateway.kill();
    answer = 200;
    got = [];
    await open(gateway.dataDir);
    const wanted = [0, 1, 2, 3, 4].map((i) => `ObjectCreated:Put k${i}`);
    await until(() => wanted.every((one) => told().includes(one)));
    // In order; what was on its way when the gateway was killed may come twice.
    expect([...new Set(told().filter((one) => wanted.includes(one)))]).to.deep.equal(wanted);
  });

  it('expires what a lifecycle says, when the job runs', async () => {
    const Bucket = 'expiring';
    await s3.send(new CreateBucketCommand({ Bucket }));
    for (const key of ['old/a', 'old/b', 'kept']) await put(Bucket, key);
    const rule = {
      ID: 'r',
      Status: 'Enabled' as const,
      Filter: { Prefix: 'old/' },
      Expiration: { Date: new Date('2020-01-01') },
    };
    await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [rule] } }));
    const job = await cloudstore(['jobs', 'start', 'lifecycle', '--wait'], { env: { CLOUDSTORE_DATA_DIR: gateway.dataDir } });
    expect(job.code, job.stderr).to.equal(0);
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents?.map(({ Key }) => Key)).to.deep.equal(['kept']);
  });

  it('shows a website only to those who may read it', async () => {
    const { s3: door } = doorsOf(gateway);
    await put(gateway.bucket, 'index.html');
    const xml = '<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>';
    expect((await door('PUT', '?website', { body: xml })).status).to.equal(200);
    const host = `${gateway.bucket}.s3-website.localhost:${new URL(gateway.s3Url).port}`;
    const page = await send('GET', `${gateway.s3Url}/`, { headers: { host } });
    expect([page.status, page.headers['content-type']]).to.deep.equal([403, 'text/html; charset=utf-8']);
  });

  it('writes its access log when it ends', async () => {
    const Bucket = 'logged';
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new CreateBucketCommand({ Bucket: 'its-logs' }));
    const LoggingEnabled = { TargetBucket: 'its-logs', TargetPrefix: 'p/' };
    await s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: { LoggingEnabled } }));
    await put(Bucket, 'seen');
    const { dataDir } = gateway;
    process.kill(gateway.pid, 'SIGTERM');
    await new Promise((resolve) => gateway.process.once('exit', resolve));
    await open(dataDir);
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'its-logs' }));
    let text = '';
    // Its minute may have been up in between.
    for (const { Key } of Contents ?? []) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'its-logs', Key }));
      text += await Body?.transformToString();
    }
    expect(text, text).to.match(/ REST\.PUT\.OBJECT seen "PUT \/logged\/seen\S* HTTP\/1\.1" 200 - /);
  });

  it('are set by REST with the checks of S3: what one door puts the other gives, and what is wrong is told with its place', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'by-rest' }));
    const Authorization = `Basic ${btoa(`${gateway.user}:${gateway.password}`)}`;
    const rest = async (method: string, document: string, body?: object) => {
      const found = await fetch(`${gateway.restUrl}/buckets/by-rest/config/${document}`, {
        method,
        headers: { Authorization, 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await found.text();
      return { status: found.status, json: text === '' ? null : JSON.parse(text) };
    };
    const documents: Record<string, object> = {
      versioning: { Status: 'Enabled' },
      objectLock: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } },
      lifecycle: { Rules: [{ ID: 'a', Status: 'Enabled', Filter: { Prefix: 'x/' }, Expiration: { Days: 3 } }] },
      cors: { CORSRules: [{ AllowedOrigins: ['https://example.org'], AllowedMethods: ['GET'] }] },
      tagging: { TagSet: [{ Key: 'team', Value: 'b+c' }] },
      notification: {
        QueueConfigurations: [{ Id: 'n', QueueArn: 'arn:aws:sqs:us-east-1:000000000000:hook', Events: ['s3:ObjectCreated:*'] }],
      },
      website: { IndexDocument: { Suffix: 'index.html' } },
      logging: { LoggingEnabled: { TargetBucket: 'by-rest', TargetPrefix: 'logs/' } },
    };
    for (const [name, document] of Object.entries(documents)) {
      if (name !== 'versioning') expect(await rest('GET', name), name).to.include({ status: 404 });
      expect(await rest('PUT', name, document), name).to.deep.equal({ status: 204, json: null });
      const { status, json } = await rest('GET', name);
      expect(status, name).to.equal(200);
      expect(
        JSON.parse(JSON.stringify(json, (_key, value) => (Array.isArray(value) && value.length === 0 ? undefined : value))),
        name,
      ).to.deep.equal(document);
    }
    const { Rules } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: 'by-rest' }));
    expect(Rules?.[0]).to.deep.include({ ID: 'a', Expiration: { Days: 3 } });
    const refused = async (name: string, body: object): Promise<string> => {
      const { status, json } = await rest('PUT', name, body);
      return `${status} ${json.code} ${json.fields?.[0]?.field ?? '-'}`;
    };
    expect(await refused('lifecycle', { Rules: [{ Status: 'Enabled', Filter: {}, Expiration: { Days: '3' } }] })).to.equal(
      '400 invalid_argument Rules[0].Expiration.Days',
    );
    expect(await refused('cors', { Rules: [] })).to.equal('400 invalid_argument Rules');
    expect(await refused('cors', { CORSRules: [{ AllowedOrigins: ['*'] }] })).to.equal(
      '400 invalid_argument CORSRules[0].AllowedMethods',
    );
    expect(
      await refused('tagging', {
        TagSet: [
          { Key: 'a', Value: '1' },
          { Key: 'a', Value: '2' },
        ],
      }),
    ).to.match(/^400 /);
    expect(
      await refused('encryption', { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } }] }),
    ).to.match(/^400 /);
    for (const name of ['lifecycle', 'cors', 'tagging', 'notification', 'website', 'logging']) {
      expect((await rest('DELETE', name)).status, name).to.equal(204);
      expect((await rest('GET', name)).status, name).to.equal(404);
    }
    expect((await rest('DELETE', 'versioning')).status).to.equal(501);
    const stranger = await fetch(`${gateway.restUrl}/buckets/by-rest/config/cors`);
    expect(stranger.status).to.equal(401);
  });
});
