import {
  CreateBucketCommand,
  PutBucketWebsiteCommand,
  PutObjectCommand,
  S3Client,
  type WebsiteConfiguration,
} from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { type Answer, send } from '../../support/requests.ts';
import { KEY, type Rig, startRig } from './memory-rooms.ts';

describe('S3 websites', () => {
  let rig: Rig;
  let s3: S3Client;
  const Bucket = 'site';
  const host = (): string => `${Bucket}.s3-website.localhost:${rig.port}`;

  before(async () => {
    rig = await startRig();
    s3 = new S3Client({ endpoint: rig.url, region: 'us-east-1', credentials: KEY, forcePathStyle: true, maxAttempts: 1 });
    await s3.send(new CreateBucketCommand({ Bucket }));
    const pages = {
      'index.html': 'root',
      'docs/index.html': 'docs',
      'a b/é.html': 'accent',
      '404.html': 'sorry',
      '/example.org/index.html': 'slash',
      '/é/index.html': 'both',
      plain: 'x'.repeat(50),
    };
    for (const [Key, Body] of Object.entries(pages))
      await s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'text/html' }));
  });
  after(async () => {
    s3.destroy();
    await rig.close();
  });

  const configure = (WebsiteConfiguration: WebsiteConfiguration): Promise<unknown> =>
    s3.send(new PutBucketWebsiteCommand({ Bucket, WebsiteConfiguration }));
  const visit = (path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> =>
    send(method, `${rig.url}${path}`, { headers: { host: host(), ...headers } });
  const shown = async (path: string): Promise<[number, string]> => {
    const { status, body, headers } = await visit(path);
    return [status, headers.location ?? body.toString()];
  };

  it('has no website before there is a configuration, and no bucket where there is none', async () => {
    const [status, page] = await shown('/');
    expect(status).to.equal(404);
    expect(page).to.contain('<li>Code: NoSuchWebsiteConfiguration</li>');
    const other = await send('GET', `${rig.url}/`, { headers: { host: `nobody.s3-website.localhost:${rig.port}` } });
    expect([other.status, other.headers['x-amz-error-code']]).to.deep.equal([404, 'NoSuchBucket']);
  });

  it('shows the index of the root and of folders, and sends to a folder who forgot the slash', async () => {
    await configure({ IndexDocument: { Suffix: 'index.html' } });
    expect(await shown('/')).to.deep.equal([200, 'root']);
    expect(await shown('/docs/')).to.deep.equal([200, 'docs']);
    expect(await shown('/docs')).to.deep.equal([302, '/docs/']);
    expect(await shown('/a%20b/%C3%A9.html')).to.deep.equal([200, 'accent']);
  });

  it('sends to a folder whose name begins with a slash, and to no host of that name', async () => {
    for (const [path, page] of [
      ['/%2Fexample.org', 'slash'],
      ['/%2F%C3%A9', 'both'],
    ] as const) {
      expect(await shown(path)).to.deep.equal([302, `${path}/`]);
      expect(await shown(path.replace('%2F', '/'))).to.deep.equal([302, `${path}/`]);
      expect(await shown(`${path}/`)).to.deep.equal([200, page]);
    }
  });

  it('answers HEAD, conditions and ranges, and no other method', async () => {
    const first = await visit('/plain');
    expect(first.headers['content-type']).to.equal('text/html');
    const head = await visit('/plain', 'HEAD');
    expect([head.status, head.headers['content-length'], head.body.length]).to.deep.equal([200, '50', 0]);
    expect((await visit('/plain', 'GET', { 'if-none-match': first.headers.etag ?? '' })).status).to.equal(304);
    const part = await visit('/plain', 'GET', { range: 'bytes=0-9' });
    expect([part.status, part.headers['content-range'], part.body.length]).to.deep.equal([206, 'bytes 0-9/50', 10]);
    expect((await visit('/plain', 'POST')).status).to.equal(405);
    expect((await visit('/plain', 'DELETE')).status).to.equal(405);
  });

  it('shows the error document with the status of the error, else a page that runs nothing', async () => {
    await configure({ IndexDocument: { Suffix: 'index.html' } });
    const [status, page] = await shown('/%3Cscript%3E');
    expect(status).to.equal(404);
    expect(page).to.contain('NoSuchKey').and.not.contain('<script>');
    await configure({ IndexDocument: { Suffix: 'index.html' }, ErrorDocument: { Key: '404.html' } });
    expect(await shown('/missing')).to.deep.equal([404, 'sorry']);
    await configure({ IndexDocument: { Suffix: 'index.html' }, ErrorDocument: { Key: 'not there' } });
    expect((await visit('/missing')).headers['x-amz-error-code']).to.equal('NoSuchKey');
  });

  it('redirects everything to another host', async () => {
    await configure({ RedirectAllRequestsTo: { HostName: 'example.org', Protocol: 'https' } });
    expect(await shown('/a/b?c=d')).to.deep.equal([301, 'https://example.org/a/b?c=d']);
  });

  it('follows routing rules by prefix before it looks, and by error after', async () => {
    await configure({
      IndexDocument: { Suffix: 'index.html' },
      RoutingRules: [
        { Condition: { KeyPrefixEquals: 'docs/' }, Redirect: { ReplaceKeyPrefixWith: 'documents/' } },
        {
          Condition: { KeyPrefixEquals: 'lost/', HttpErrorCodeReturnedEquals: '404' },
          Redirect: { HostName: 'find.example', HttpRedirectCode: '307', ReplaceKeyPrefixWith: 'report?of=' },
        },
        {
          Condition: { HttpErrorCodeReturnedEquals: '404' },
          Redirect: { ReplaceKeyWith: 'index.html', HttpRedirectCode: '302' },
        },
      ],
    });
    expect(await shown('/docs/x y')).to.deep.equal([301, `http://${host()}/documents/x%20y`]);
    expect(await shown('/lost/1')).to.deep.equal([307, 'http://find.example/report%3Fof%3D1']);
    expect(await shown('/missing')).to.deep.equal([302, `http://${host()}/index.html`]);
    expect(await shown('/plain')).to.deep.equal([200, 'x'.repeat(50)]);
  });

  it('sends on from an object that says where', async () => {
    await configure({ IndexDocument: { Suffix: 'index.html' } });
    const to = (WebsiteRedirectLocation: string): Promise<unknown> =>
      s3.send(new PutObjectCommand({ Bucket, Key: 'moved', Body: '', WebsiteRedirectLocation }));
    await to('/a b/new');
    expect(await shown('/moved')).to.deep.equal([301, '/a%20b/new']);
    await to('https://example.org/x');
    expect(await shown('/moved')).to.deep.equal([301, 'https://example.org/x']);
    const outcome = await to('javascript:alert(1)').then(
      () => 'taken',
      (error: Error) => error.name,
    );
    expect(outcome).to.equal('InvalidRedirectLocation');
  });

  it('puts nothing of a request into a header of its own', async () => {
    await configure({ IndexDocument: { Suffix: 'index.html' }, RoutingRules: [{ Redirect: { HostName: 'example.org' } }] });
    const answer = await visit('/a%0d%0aSet-Cookie:%20x');
    expect(answer.headers).not.to.have.property('set-cookie');
    expect(answer.headers.location).to.equal('http://example.org/a%0D%0ASet-Cookie%3A%20x');
  });
});
