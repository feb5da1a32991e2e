import { CreateBucketCommand, PutBucketLoggingCommand, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { presign } from '../../support/presign.ts';
import { send } from '../../support/requests.ts';
import { KEY, type Rig, startRig } from './memory-rooms.ts';

/** A line's fields, as AWS's own pattern cuts them. */
const FIELDS =
  /^(\S+) (\S+) \[([^\]]+)\] (\S+) (\S+) (\S+) (\S+) (\S+) "([^"]*)" (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) "([^"]*)" "([^"]*)" (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)$/;

describe('S3 server access log', () => {
  let rig: Rig;
  let s3: S3Client;

  before(async () => {
    rig = await startRig();
    s3 = new S3Client({ endpoint: rig.url, region: 'us-east-1', credentials: KEY, forcePathStyle: true, maxAttempts: 1 });
    for (const Bucket of ['source', 'logs', 'silent']) await s3.send(new CreateBucketCommand({ Bucket }));
  });
  after(async () => {
    s3.destroy();
    await rig.close();
  });

  const logging = (LoggingEnabled?: object): Promise<unknown> =>
    s3.send(new PutBucketLoggingCommand({ Bucket: 'source', BucketLoggingStatus: { LoggingEnabled } as never }));
  const call = (method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
    send(method, presign(method, `${rig.url}/${path}`, KEY, new Date()), {
      ...(body === undefined ? {} : { body }),
      headers: { 'user-agent': 'test "agent"\tx', ...headers },
    });
  /** All lines that were written below `logs`, and their keys. */
  async function written(): Promise<{ keys: string[]; lines: string[][] }> {
    await new Promise((resolve) => setTimeout(resolve, 50));
    await rig.accessLog.flush();
    const objects = [...rig.stored.values()].filter(({ info }) => info.attributes.contentType === 'text/plain');
    const text = objects.map(({ bytes }) => bytes.toString()).join('');
    for (const { info } of objects) rig.stored.delete(`${info.bucket}/${info.key}`);
    const lines = text.split('\n').filter(Boolean);
    return {
      keys: objects.map(({ info }) => info.key),
      lines: lines.map((line) => {
        const fields = FIELDS.exec(line);
        if (fields === null) throw new Error(`Not a line of a log: ${line}`);
        return fields.slice(1);
      }),
    };
  }

  it('writes nothing until it is asked to, and then a line a request', async () => {
    await call('PUT', 'source/a', 'hello');
    expect((await written()).lines).to.deep.equal([]);
    await logging({ TargetBucket: 'logs', TargetPrefix: 'p/' });
    await call('PUT', 'source/a%20b/%C3%A9', 'hello', { 'content-type': 'text/html' });
    await call('GET', 'source/a');
    await call('GET', 'source/missing');
    await call('GET', 'source?list-type=2&prefix=%22');
    await call('GET', 'silent?list-type=2');
    await send('GET', `${rig.url}/source/a`);
    const { keys, lines } = await written();
    expect(keys[0]).to.match(/^p\/\d{4}(-\d\d){5}-[0-9A-F]{16}$/);
    const by = (operation: string, key: string) => lines.filter((line) => line[6] === operation && line[7] === key);
    const owner = (7).toString(16).padStart(64, '0');
    const [put] = by('REST.PUT.OBJECT', 'a%20b/%C3%A9');
    expect(put?.slice(0, 2)).to.deep.equal([owner, 'source']);
    expect(put?.[3]).to.equal('127.0.0.1');
    expect(put?.[4]).to.equal(owner);
    expect([put?.[9], put?.[10], put?.[12]]).to.deep.equal(['200', '-', '5']);
    expect(put?.[16]).to.equal('test %22agent%22%09x');
    expect(put?.[19]).to.equal('SigV4');
    expect(put?.[21]).to.equal('QueryString');
    const [get] = by('REST.GET.OBJECT', 'a').filter((line) => line[9] === '200');
    expect([get?.[11], get?.[12]]).to.deep.equal(['5', '5']);
    expect(by('REST.GET.OBJECT', 'missing')[0]?.slice(9, 11)).to.deep.equal(['404', 'NoSuchKey']);
    const list = by('REST.GET.BUCKET', '-').find((line) => line[8]?.includes('prefix'));
    expect(list?.[8]).to.match(/^GET \/source\?.*&list-type=2&prefix=%22&X-Amz-Signature=\* HTTP\/1.1$/);
    const anonymous = lines.find((line) => line[9] === '403');
    expect([anonymous?.[4], anonymous?.[10], anonymous?.[19], anonymous?.[21]]).to.deep.equal(['-', 'AccessDenied', '-', '-']);
    expect(lines.some((line) => line[1] === 'silent')).to.equal(false);
  });

  it('leaves the signature of a URL out of the page that asks, too', async () => {
    await logging({ TargetBucket: 'logs', TargetPrefix: 'p/' });
    const referer = 'http://127.0.0.1/source/page.html?X-Amz-Date=1&X-Amz-Signature=abc0&x-amz-security-token=abc1&b=2';
    await call('GET', 'source/a', undefined, { referer });
    await call('GET', 'source/a', undefined, { referer: 'http://127.0.0.1/page?Signature=abc2' });
    const told = (await written()).lines.map((line) => line[15]).filter((one) => one !== '-');
    expect(told).to.deep.equal([
      'http://127.0.0.1/source/page.html?X-Amz-Date=1&X-Amz-Signature=*&x-amz-security-token=*&b=2',
      'http://127.0.0.1/page?Signature=*',
    ]);
  });

  it('names a subresource', async () => {
    await call('GET', 'source?tagging');
    await call('GET', 'source?versioning');
    await call('GET', 'source/a?acl');
    const { lines } = await written();
    expect(lines.map((line) => line[6])).to.include.members(['REST.GET.TAGGING', 'REST.GET.VERSIONING', 'REST.GET.OBJECT_ACL']);
  });

  it('parts its keys by date where it is asked to', async () => {
    await logging({
      TargetBucket: 'logs',
      TargetPrefix: 'p/',
      TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: 'DeliveryTime' } },
    });
    await call('GET', 'source/a');
    expect((await written()).keys[0]).to.match(
      /^p\/000000000007\/us-east-1\/source\/\d{4}\/\d\d\/\d\d\/\d{4}(-\d\d){5}-[0-9A-F]{16}$/,
    );
  });

  it('ends when it is told to, and takes no target that is somebody else’s or missing', async () => {
    await logging();
    await written();
    await call('GET', 'source/a');
    expect((await written()).lines).to.deep.equal([]);
    const name = (target: string): Promise<string> =>
      logging({ TargetBucket: target, TargetPrefix: '' }).then(
        () => 'taken',
        (error: Error) => error.name,
      );
    expect(await name('nowhere')).to.equal('InvalidTargetBucketForLogging');
  });

  it('writes what had just ended when it closes', async () => {
    await logging({ TargetBucket: 'logs', TargetPrefix: '' });
    await written();
    const { buckets } = rig;
    const named = buckets.named.bind(buckets);
    buckets.named = async (name) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return named(name);
    };
    await call('GET', 'source/a');
    await new Promise((resolve) => setImmediate(resolve)); // it has ended on the door's side too
    await rig.accessLog.close();
    buckets.named = named;
    expect((await written()).lines.some((line) => line[6] === 'REST.GET.OBJECT' && line[7] === 'a')).to.equal(true);
  });

  it('keeps a bounded number of lines', async () => {
    await logging({ TargetBucket: 'logs', TargetPrefix: '' });
    for (let i = 0; i < 40; i++) await call('GET', 'source/a');
    const { keys, lines } = await written();
    expect(lines.length).to.be.within(40, 42);
    expect(keys.length, 'written as they fill up').to.be.greaterThan(1);
  });
});
