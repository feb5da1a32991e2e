import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  RenameObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { runProcess } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';

describe('S3 objects, by clients of others', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let s3: S3Client;
  let home: string;
  const key = Buffer.alloc(32, 'k');

  before(async () => {
    gateway = await startGateway();
    home = mkdtempSync(join(tmpdir(), 'cloudstore-s3-objects-'));
    const { accessKeyId, secretAccessKey } = gateway;
    s3 = new S3Client({
      endpoint: gateway.s3Url,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
    });
  });
  after(async () => {
    s3?.destroy();
    await gateway?.stop();
    if (home !== undefined) rmSync(home, { recursive: true, force: true });
  });

  it('what is in memory is answered as what is not, to GET and to HEAD', async () => {
    const at = { Bucket: 'home', Key: 'paths/a' };
    const options = { ContentType: 'text/plain', CacheControl: 'max-age=9', Metadata: { by: 'me' }, Tagging: 'a=1' };
    const url = (method: 'GET' | 'HEAD'): string => presign(method, `${gateway.s3Url}/home/paths/a`, gateway, new Date());
    for (const Body of ['small', 'x'.repeat(200_000)]) {
      await s3.send(new PutObjectCommand({ ...at, ...options, Body }));
      const told = async (answer: Response): Promise<object> => {
        const own = ['date', 'connection', 'keep-alive', 'x-amz-request-id', 'x-amz-id-2'];
        const rest = Object.fromEntries([...answer.headers].filter(([name]) => !own.includes(name)));
        return { status: answer.status, ...rest, body: await answer.text() };
      };
      // An Origin sends a request the long way; no CORS is set up.
      const long = async (method: 'GET' | 'HEAD') =>
        told(await fetch(url(method), { method, headers: { origin: 'http://elsewhere' } }));
      const short = async (method: 'GET' | 'HEAD') => told(await fetch(url(method), { method }));
      const whole = await long('GET');
      expect(whole).to.include({ status: 200, body: Body, 'content-type': 'text/plain', 'x-amz-meta-by': 'me' });
      for (let times = 0; times < 3; times++) {
        expect(await short('GET')).to.deep.equal(whole);
        expect(await short('HEAD')).to.deep.equal({ ...whole, body: '' });
      }
      expect(await long('HEAD')).to.deep.equal({ ...whole, body: '' });
    }
    await s3.send(new DeleteObjectCommand(at));
    expect((await fetch(url('HEAD'), { method: 'HEAD' })).status).to.equal(404);
  });

  it('AWS SDK for JavaScript: tags, attributes, rename, conditional delete', async () => {
    const at = { Bucket: 'home', Key: 'sdk/a' };
    await s3.send(new PutObjectCommand({ ...at, Body: 'abc', Tagging: 'a=1', ChecksumAlgorithm: 'SHA256' }));
    await s3.send(new PutObjectTaggingCommand({ ...at, Tagging: { TagSet: [{ Key: 'b', Value: '2' }] } }));
    expect((await s3.send(new GetObjectTaggingCommand(at))).TagSet).to.deep.equal([{ Key: 'b', Value: '2' }]);
    const attributes = await s3.send(
      new GetObjectAttributesCommand({ ...at, ObjectAttributes: ['ETag', 'ObjectSize', 'Checksum'] }),
    );
    expect(attributes.ObjectSize).to.equal(3);
    expect(attributes.Checksum?.ChecksumSHA256).to.equal('ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=');
    await s3.send(
      new RenameObjectCommand({ Bucket: 'home', Key: 'sdk/b', RenameSource: 'sdk/a', SourceIfMatch: attributes.ETag }),
    );
    const moved = await s3.send(new HeadObjectCommand({ Bucket: 'home', Key: 'sdk/b' }));
    expect(moved.ETag).to.equal(`"${attributes.ETag}"`);
    const refused = await s3.send(new DeleteObjectCommand({ Bucket: 'home', Key: 'sdk/b', IfMatch: '"0"' })).then(
      () => 'removed',
      (error: Error) => error.name,
    );
    expect(refused).to.equal('PreconditionFailed');
    await s3.send(new DeleteObjectCommand({ Bucket: 'home', Key: 'sdk/b', IfMatch: moved.ETag }));
  });

  it("AWS SDK for JavaScript: a key of the customer's own, and a copy out of it", async () => {
    const at = { Bucket: 'home', Key: 'sdk/sealed' };
    const sealed = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: key.toString('base64') };
    await s3.send(new PutObjectCommand({ ...at, ...sealed, Body: 'secret' }));
    const { Body } = await s3.send(new GetObjectCommand({ ...at, ...sealed }));
    expect(await Body?.transformToString()).to.equal('secret');
    await s3.send(
      new CopyObjectCommand({
        Bucket: 'home',
        Key: 'sdk/open',
        CopySource: 'home/sdk/sealed',
        CopySourceSSECustomerAlgorithm: 'AES256',
        CopySourceSSECustomerKey: key.toString('base64'),
      }),
    );
    const open = await s3.send(new GetObjectCommand({ Bucket: 'home', Key: 'sdk/open' }));
    expect(await open.Body?.transformToString()).to.equal('secret');
  });

  it("aws-cli: tags, attributes and a key of the customer's own, also in parts", async function () {
    requireProgram(this, 'aws');
    const aws = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runProcess('aws', ['--endpoint-url', gateway.s3Url, ...args], {
        env: {
          HOME: home,
          AWS_ACCESS_KEY_ID: gateway.accessKeyId,
          AWS_SECRET_ACCESS_KEY: gateway.secretAccessKey,
          AWS_DEFAULT_REGION: 'us-east-1',
          AWS_CONFIG_FILE: join(home, 'none'),
          AWS_SHARED_CREDENTIALS_FILE: join(home, 'none'),
        },
      });
      expect(code, `${args.join(' ')}\n${stderr}`).to.equal(0);
      return stdout;
    };
    const [file, back, secret] = [join(home, 'file'), join(home, 'back'), join(home, 'key')];
    writeFileSync(file, Buffer.alloc(9_000_000, 'nine megabytes '));
    writeFileSync(secret, key);
    const sealed = ['--sse-c', 'AES256', '--sse-c-key', `fileb://${secret}`];
    await aws('s3', 'cp', file, 's3://home/cli/sealed', '--only-show-errors', ...sealed);
    await aws('s3', 'cp', 's3://home/cli/sealed', back, '--only-show-errors', ...sealed);
    expect(readFileSync(back).equals(readFileSync(file))).to.equal(true);
    await aws('s3', 'cp', file, 's3://home/cli/plain', '--only-show-errors');
    await aws('s3api', 'put-object-tagging', '--bucket', 'home', '--key', 'cli/plain', '--tagging', 'TagSet=[{Key=a,Value=b}]');
    expect(JSON.parse(await aws('s3api', 'get-object-tagging', '--bucket', 'home', '--key', 'cli/plain')).TagSet).to.deep.equal([
      { Key: 'a', Value: 'b' },
    ]);
    const wanted = ['--object-attributes', 'ObjectSize', 'ObjectParts'];
    const attributes = JSON.parse(
      await aws('s3api', 'get-object-attributes', '--bucket', 'home', '--key', 'cli/plain', ...wanted),
    );
    expect([attributes.ObjectSize, attributes.ObjectParts.TotalPartsCount]).to.deep.equal([9_000_000, 2]);
  });
});
