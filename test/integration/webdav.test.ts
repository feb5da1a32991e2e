import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { MAIN, NODE_ARGS, runProcess } from '../support/process.ts';
import { doorsOf } from '../support/requests.ts';
import { describeDoor, type ServedDoor } from '../unit/webdav/door-suite.ts';
import { request, sender } from '../unit/webdav/serve-door.ts';
import { describeRenewed, describeTogether } from './webdav-renewed-suite.ts';
import { describeShared } from './webdav-shared-suite.ts';

const LOCK = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';

describeDoor('a real gateway', async () => {
  const gateway = await startGateway();
  for (const [name, role] of [
    ['ann', 'admin'],
    ['bob', 'admin'],
    ['guest', 'guest'],
  ] as const) {
    await cloudstore(gateway, ['user', 'add', name, '--role', role, '--password-stdin', '--json'], 'pw\n');
    // The suite begins with one bucket; a guest has none of its own.
    if (role !== 'guest') await cloudstore(gateway, ['bucket', 'remove', `home-${name}`], '');
  }
  return {
    ...placeOf(gateway),
    send: sender(placeOf(gateway)),
    plant: planter(gateway),
    errors: [],
    startPage: true,
    close: () => gateway.stop(),
  };
});

describe('WebDAV on a real gateway', () => {
  let gateway: TestGateway;
  let directory: string;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-webdav-'));
    gateway = await startGateway({ dataDir: directory });
  });
  after(async () => {
    await gateway?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const send = (method: string, path: string, headers: Record<string, string> = {}, body = '') => {
    const authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
    return request({
      ...placeOf(gateway),
      method,
      path: `/dav/${gateway.bucket}/${path}`,
      headers: { authorization, ...headers },
      body,
    });
  };

  it('holds a lock against S3, and over a restart', async () => {
    const made = await send('LOCK', 'held.txt', { timeout: 'Second-600' }, LOCK);
    expect(made.status).to.equal(201);
    const token = String(made.headers['lock-token']);
    const refused = await planter(gateway)(gateway.bucket, [['held.txt', 'through the other door']]).catch(
      (error: unknown) => error,
    );
    expect(refused, 'S3 wrote onto a locked file').to.be.instanceOf(S3ServiceException);
    await gateway.stop();
    gateway = await startGateway({ dataDir: gateway.dataDir });
    expect((await send('PUT', 'held.txt', {}, 'x')).status).to.equal(423);
    expect((await send('PUT', 'held.txt', { if: `(${token})` }, 'x')).status).to.equal(204);
    expect((await send('UNLOCK', 'held.txt', { 'lock-token': token })).status).to.equal(204);
  });

  it('tells the room that is left and refuses what is over it, by their elements (RFC 4331)', async () => {
    const quota = (bytes: string) => cloudstore(gateway, ['quota', 'set', '--user', gateway.user, '--bytes', bytes], '');
    await send('PUT', 'kept-small', {}, 'x'.repeat(1000));
    await quota('5000');
    const asked = '<propfind xmlns="DAV:"><prop><quota-available-bytes/><quota-used-bytes/></prop></propfind>';
    const room = async (): Promise<number[]> =>
      [...(await send('PROPFIND', '', { depth: '0' }, asked)).body.matchAll(/bytes>(\d+)</g)].map(([, bytes]) => Number(bytes));
    const [available = 0, used = 0] = await room();
    expect(available).to.equal(5000 - used);
    const headers = { destination: `/dav/${gateway.bucket}/copied` };
    for (const refused of [
      await send('PUT', 'kept-small', {}, 'x'.repeat(8000)),
      await send('PUT', 'over', {}, 'x'.repeat(100_000)),
      await send('PUT', 'fits', {}, 'x'.repeat(available)).then(() => send('COPY', 'kept-small', headers)),
    ])
      expect([refused.status, refused.body.includes('<d:quota-not-exceeded/>')]).to.deep.equal([507, true]);
    expect(await room()).to.deep.equal([0, 5000]);
    const patch =
      '<propertyupdate xmlns="DAV:"><set><prop><quota-available-bytes>9</quota-available-bytes></prop></set></propertyupdate>';
    expect((await send('PROPPATCH', '', {}, patch)).body)
      .to.include('403')
      .and.include('cannot-modify-protected-property');
    await quota('none');
    expect((await send('GET', 'kept-small')).body).to.have.length(1000);
  });

  it('says with a 304, at every door, what its 200 says to caches (RFC 9110 §15.4.5)', async () => {
    const s3 = s3Of(gateway);
    const said = { CacheControl: 'max-age=60', Expires: new Date('2035-01-01T00:00:00Z') };
    await s3.send(new PutObjectCommand({ Bucket: gateway.bucket, Key: 'kept.txt', Body: 'x', ...said }));
    await s3.send(new PutObjectCommand({ Bucket: gateway.bucket, Key: 'plain.txt', Body: 'x' }));
    s3.destroy();
    const { accessToken: token } = JSON.parse((await doorsOf(gateway).login()).body.toString());
    const [bearer, basic] = [`Bearer ${token}`, `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`];
    const signed = (query: string) =>
      presign('GET', `${gateway.s3Url.replace(/\/$/, '')}/${gateway.bucket}/kept.txt${query}`, gateway, new Date());
    const rest = `${gateway.restUrl.replace(/\/$/, '')}`;
    const asked: [url: string, authorization?: string][] = [
      [`${gateway.webdavUrl}${gateway.bucket}/kept.txt`, basic],
      [`${gateway.webdavUrl}${gateway.bucket}/plain.txt`, basic],
      [signed('')],
      [signed('?response-cache-control=no-cache&response-expires=Thu%2C%2001%20Dec%202033%2016%3A00%3A00%20GMT')],
      [`${rest}/files/${gateway.bucket}/kept.txt`, bearer],
      [`${rest}/files/${gateway.bucket}/plain.txt`, bearer],
      [`${rest}/files/${gateway.bucket}/`, bearer],
      [`${rest}/buckets/${gateway.bucket}`, bearer],
    ];
    for (const [url, authorization] of asked) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const get = async (condition: Record<string, string>) => {
        const answer = await fetch(url, { headers: { ...headers, ...condition } });
        await answer.arrayBuffer();
        const names = ['cache-control', 'content-location', 'etag', 'expires', 'vary'];
        return { status: answer.status, said: names.map((name) => [name, answer.headers.get(name)]) };
      };
      const whole = await get({});
      const etag = String(Object.fromEntries(whole.said).etag);
      expect(whole.status, url).to.equal(200);
      expect(etag, url).to.match(/^(W\/)?"/);
      expect(await get({ 'if-none-match': etag }), url).to.deep.equal({ status: 304, said: whole.said });
    }
    // Of what is no file no time is known, and a date decides nothing.
    const state = await fetch(`${rest}/buckets/${gateway.bucket}`, {
      headers: { authorization: bearer, 'if-modified-since': new Date(2 ** 41).toUTCString() },
    });
    expect(state.status).to.equal(200);
  });

  it('lets one of many win who write on one condition', async () => {
    const { etag } = (await send('PUT', 'raced.txt', {}, '0')).headers;
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) =>
        send('PUT', 'raced.txt', i % 2 ? { 'if-match': String(etag) } : { if: `([${etag}])` }, `${i}`),
      ),
    );
    expect(answers.filter(({ status }) => status === 204)).to.have.length(1);
    expect(answers.filter(({ status }) => status === 412)).to.have.length(15);
  });

  describeTogether(() => ({ send, plant: (files) => planter(gateway)(gateway.bucket, files) }));
  describeRenewed(() => ({ gateway, send, plant: (files) => planter(gateway)(gateway.bucket, files) }));

  for (const count of [800, 8])
    it(`shows a folder of ${count} as it is now, however often it was listed before`, async () => {
      const folder = `listed-${count}`;
      const names = Array.from({ length: count }, (_, i) => `entry-${i}.txt`);
      const put = planter(gateway);
      await put(
        gateway.bucket,
        names.map((name) => [`${folder}/${name}`, 'x']),
      );
      const list = async (body = '') => (await send('PROPFIND', `${folder}/`, { depth: '1' }, body)).body;
      const first = await list();
      expect(await list(), 'the same again').to.equal(first);
      expect(first.match(/<d:response>/g)).to.have.length(count + 1);
      expect((await send('PROPFIND', `${folder}/`, { depth: '0' })).body.match(/<d:response>/g)).to.have.length(1);
      const lengths = '<propfind xmlns="DAV:"><prop><getcontentlength/></prop></propfind>';
      expect(await list(lengths)).to.not.include('getetag');
      const patch = '<propertyupdate xmlns="DAV:"><set><prop><color xmlns="urn:x">red</color></prop></set></propertyupdate>';
      const changes: [string, () => Promise<unknown>, (body: string) => boolean][] = [
        ['a new object by S3', () => put(gateway.bucket, [[`${folder}/new`, 'x']]), (body) => body.includes(`/${folder}/new<`)],
        ['one overwritten', () => put(gateway.bucket, [[`${folder}/new`, 'longer']]), (body) => body.includes('length>6<')],
        ['a property', () => send('PROPPATCH', `${folder}/new`, {}, patch), (body) => body.includes('>red<')],
        ['one removed', () => send('DELETE', `${folder}/new`), (body) => !body.includes(`/${folder}/new<`)],
        ['a folder', () => send('MKCOL', `${folder}/sub`), (body) => body.includes(`/${folder}/sub/<`)],
        [
          'one moved in',
          () => send('MOVE', `${folder}/sub`, { destination: `/dav/${gateway.bucket}/${folder}/away` }),
          (body) => body.includes(`/${folder}/away/<`),
        ],
        [
          'a lock',
          () => send('LOCK', `${folder}/entry-7.txt`, { timeout: 'Second-60' }, LOCK),
          (body) => body.includes('opaquelocktoken') || body.includes('<d:activelock>'),
        ],
      ];
      for (const [what, change, shows] of changes) {
        await list();
        await change();
        for (const time of ['first', 'second']) expect(shows(await list()), `${what}, ${time} listing`).to.equal(true);
      }
    });

  it('moves a folder with all below and every dead property', async () => {
    await send('MKCOL', 'from');
    await send('MKCOL', 'from/sub');
    await Promise.all(Array.from({ length: 50 }, (_, i) => send('PUT', `from/sub/${i}`, {}, `${i}`)));
    const patch = '<propertyupdate xmlns="DAV:"><set><prop><color xmlns="urn:x">red</color></prop></set></propertyupdate>';
    for (const path of ['from/sub/', 'from/sub/7']) expect((await send('PROPPATCH', path, {}, patch)).status).to.equal(207);
    expect((await send('MOVE', 'from', { destination: `/dav/${gateway.bucket}/to` })).status).to.equal(201);
    expect((await send('PROPFIND', 'from', { depth: '0' })).status).to.equal(404);
    for (const path of ['to/sub/', 'to/sub/7']) {
      expect((await send('PROPFIND', path, { depth: '0' })).body, path).to.include('<x:color xmlns:x="urn:x">red</x:color>');
    }
    expect((await send('PROPFIND', 'to/sub', { depth: '1' })).body.match(/<d:response>/g)).to.have.length(51);
    expect((await send('GET', 'to/sub/7')).body).to.equal('7');
  });

  describeShared(() => gateway);
});

function placeOf(gateway: TestGateway): Pick<ServedDoor, 'host' | 'port'> {
  const { hostname, port } = new URL(gateway.webdavUrl);
  return { host: hostname, port: Number(port) };
}

function s3Of({ accessKeyId, secretAccessKey, s3Url: endpoint }: TestGateway): S3Client {
  const credentials = { accessKeyId, secretAccessKey };
  return new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, credentials });
}

/** Puts by S3, some at a time. */
function planter(gateway: TestGateway): ServedDoor['plant'] {
  return async (bucket, objects) => {
    const s3 = s3Of(gateway);
    const rest = [...objects];
    const worker = async (): Promise<void> => {
      for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key: next[0], Body: next[1] }));
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    s3.destroy();
  };
}

async function cloudstore(gateway: TestGateway, args: string[], input: string): Promise<void> {
  const env = { CLOUDSTORE_DATA_DIR: gateway.dataDir };
  const { code, stderr } = await runProcess(process.execPath, [...NODE_ARGS, MAIN, ...args], { env, input });
  expect(code, stderr).to.equal(0);
}
