import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';

type Query = Record<string, string>;

/** A gateway that is alone keeps pages of lists that are asked for again. Here each is asked for three times before anything changes, so it is kept by then. */
describe('pages of S3 that are kept', () => {
  let gateway: TestGateway;
  let root: string;
  before(async () => {
    gateway = await startGateway();
    root = `${gateway.s3Url.replace(/\/$/, '')}/pages`;
    await s3('PUT', '');
  });
  after(() => gateway.stop());

  async function s3(method: string, path: string, query: Query = {}, body?: string): Promise<Response> {
    const url = new URL(root + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const answer = await fetch(presign(method, url.href, gateway, new Date()), {
      method,
      ...(body === undefined ? {} : { body }),
    });
    expect(answer.ok, `${method} ${path}: ${answer.status}`).to.equal(true);
    return answer;
  }

  async function dav(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<void> {
    const authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
    const url = `${gateway.webdavUrl}pages${path}`;
    const answer = await fetch(url, { method, headers: { authorization, ...headers }, ...(body === undefined ? {} : { body }) });
    expect(answer.ok, `${method} ${path}: ${answer.status}`).to.equal(true);
  }

  const page = async (query: Query): Promise<string> => (await s3('GET', '', query)).text();
  const keysOf = (text: string): string[] => [...text.matchAll(/<(?:Key|Prefix)>([^<]*)<\//g)].map(([, name = '']) => name);

  async function kept(query: Query): Promise<string> {
    const [first, second, third] = [await page(query), await page(query), await page(query)];
    expect([second, third]).to.deep.equal([first, first]);
    return first;
  }

  const FLAT = { 'list-type': '2' };
  const FOLDERS = { 'list-type': '2', delimiter: '/' };

  it('are each what was asked for', async () => {
    for (const name of ['a/1', 'a/2', 'a/3', 'a+b', 'b/1', 'c']) await s3('PUT', `/${name}`, {}, name);
    const asked: [Query, string[]][] = [
      [{ ...FLAT }, ['', 'a+b', 'a/1', 'a/2', 'a/3', 'b/1', 'c']],
      [{ ...FOLDERS }, ['a+b', 'c', '', 'a/', 'b/']],
      [{ ...FLAT, 'max-keys': '2' }, ['', 'a+b', 'a/1']],
      [{ ...FLAT, 'start-after': 'a/2' }, ['', 'a/3', 'b/1', 'c']],
      [{ ...FLAT, prefix: 'a/' }, ['a/1', 'a/2', 'a/3', 'a/']],
      [{ ...FLAT, prefix: 'a' }, ['a+b', 'a/1', 'a/2', 'a/3', 'a']],
      [{ ...FLAT, 'encoding-type': 'url' }, ['', 'a%2Bb', 'a/1', 'a/2', 'a/3', 'b/1', 'c']],
      [{ ...FLAT, 'fetch-owner': 'true' }, ['', 'a+b', 'a/1', 'a/2', 'a/3', 'b/1', 'c']],
      [{ delimiter: '/' }, ['a+b', 'c', '', 'a/', 'b/']],
      [{ versions: '' }, ['', 'a+b', 'a/1', 'a/2', 'a/3', 'b/1', 'c']],
      [{ ...FLAT, 'max-keys': '0' }, ['']],
    ];
    for (let round = 0; round < 4; round++) {
      for (const [query, expected] of asked) {
        const text = await page(query);
        expect(keysOf(text).sort(), JSON.stringify(query)).to.deep.equal(expected.sort());
        expect(text.includes('<Owner>')).to.equal(query['fetch-owner'] === 'true' || query['list-type'] !== '2');
        expect(text.includes('<VersionId>null</VersionId>')).to.equal(query.versions === '');
        expect(/<IsTruncated>true<.*<NextContinuationToken>/.test(text)).to.equal(query['max-keys'] === '2');
      }
    }
  });

  const changes: Record<string, [change: () => Promise<unknown>, keys: string[]]> = {
    'a PUT by S3': [() => s3('PUT', '/a/4', {}, 'x'), ['a+b', 'a/1', 'a/2', 'a/3', 'a/4', 'b/1', 'c']],
    'a DELETE by S3': [() => s3('DELETE', '/a/4'), ['a+b', 'a/1', 'a/2', 'a/3', 'b/1', 'c']],
    'a PUT by WebDAV': [() => dav('PUT', '/b/2', {}, 'x'), ['a+b', 'a/1', 'a/2', 'a/3', 'b/1', 'b/2', 'c']],
    'a folder renamed by WebDAV': [
      () => dav('MOVE', '/b', { destination: `${gateway.webdavUrl}pages/d` }),
      ['a+b', 'a/1', 'a/2', 'a/3', 'c', 'd/1', 'd/2'],
    ],
    'a folder copied by WebDAV': [
      () => dav('COPY', '/d', { destination: `${gateway.webdavUrl}pages/a/d` }),
      ['a+b', 'a/1', 'a/2', 'a/3', 'a/d/1', 'a/d/2', 'c', 'd/1', 'd/2'],
    ],
    'a folder removed by WebDAV': [() => dav('DELETE', '/a'), ['c', 'a+b', 'd/1', 'd/2']],
    'a key put anew': [() => s3('PUT', '/c', {}, 'another'), ['c', 'a+b', 'd/1', 'd/2']],
    'versions, of which the latest goes': [
      async () => {
        const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
        await s3('PUT', '', { versioning: '' }, on);
        const put = await s3('PUT', '/e', {}, 'first');
        await s3('PUT', '/e', {}, 'the second');
        const second = await kept(FLAT);
        expect(second).to.include('<Size>10</Size>');
        const latest = /<VersionId>([^<]+)<\/VersionId><IsLatest>true<\/IsLatest>/.exec(
          await page({ versions: '', prefix: 'e' }),
        )?.[1];
        await s3('DELETE', '/e', { versionId: latest ?? '' });
        const left = await kept(FLAT);
        expect(left).to.not.include('<Size>10</Size>');
        await s3('DELETE', '/e', { versionId: put.headers.get('x-amz-version-id') ?? '' });
      },
      ['c', 'a+b', 'd/1', 'd/2'],
    ],
  };
  for (const [what, [change, keys]] of Object.entries(changes)) {
    it(`are not shown after ${what}`, async () => {
      const before = await kept(FLAT);
      const folders = await kept(FOLDERS);
      await change();
      const after = await page(FLAT);
      expect(
        keysOf(after)
          .filter((key) => key !== '')
          .sort(),
      ).to.deep.equal([...keys].sort());
      if (what !== 'versions, of which the latest goes') expect(after).to.not.equal(before);
      expect(await kept(FLAT)).to.equal(after);
      const levels = new Set(keys.map((key) => (key.split('/').length > 1 ? `${key.split('/')[0]}/` : key)));
      expect(
        keysOf(await page(FOLDERS))
          .filter((key) => key !== '')
          .sort(),
        folders,
      ).to.deep.equal([...levels].sort());
    });
  }

  it('are shown to nobody whose right to list was taken back', async () => {
    const statements = [
      { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::pages/*' },
      { Effect: 'Allow', Principal: '*', Action: 's3:ListBucket', Resource: 'arn:aws:s3:::pages' },
    ];
    const allow = (count: number): Promise<unknown> =>
      s3('PUT', '', { policy: '' }, JSON.stringify({ Version: '2012-10-17', Statement: statements.slice(0, count) }));
    const stranger = async (): Promise<number> => (await fetch(`${root}?list-type=2`)).status;
    await s3('DELETE', '', { publicAccessBlock: '' });
    await allow(2);
    expect([await stranger(), await stranger(), await stranger()]).to.deep.equal([200, 200, 200]);
    await allow(1);
    expect((await fetch(`${root}/c`)).status).to.equal(200);
    expect(await stranger()).to.equal(403);
    await kept(FLAT);
  });
});
