import { expect } from 'chai';
import { leaveOut } from '../../support/programs.ts';
import { arn, openBucket, putPolicy, statement } from './harness/access.ts';
import type { S3Answer } from './harness/client.ts';
import { documentsOf } from './harness/documents.ts';
import { api, guide } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

const siteOf = ({ s3 }: Lab) => documentsOf(s3, 'website', 'WebsiteConfiguration');
const INDEX = '<IndexDocument><Suffix>index.html</Suffix></IndexDocument>';
const routing = (...rules: string[]): string =>
  `${INDEX}<RoutingRules>${rules.map((inner) => `<RoutingRule>${inner}</RoutingRule>`).join('')}</RoutingRules>`;
const refuses = (inner: string, code: string) => async (lab: Lab) => {
  expectError(await siteOf(lab).put(lab.bucket, inner), 400, code);
};

suite('bucket website configuration', api('PutBucketWebsite'), {
  'a bucket that is none has NoSuchWebsiteConfiguration': {
    page: api('GetBucketWebsite'),
    run: async (lab) => expectError(await siteOf(lab).get(await lab.newBucket()), 404, 'NoSuchWebsiteConfiguration'),
  },
  'a configuration comes back as it was put': async (lab) => {
    const inner = `<ErrorDocument><Key>404.html</Key></ErrorDocument>${routing(
      '<Condition><KeyPrefixEquals>a/</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith>b/</ReplaceKeyPrefixWith></Redirect>',
    )}`;
    expectStatus(await siteOf(lab).put(lab.bucket, inner), 200);
    const answer = expectStatus(await siteOf(lab).get(lab.bucket), 200).xml();
    expect(answer.name).to.equal('WebsiteConfiguration');
    expect(answer.child('IndexDocument')?.value('Suffix')).to.equal('index.html');
    expect(answer.child('ErrorDocument')?.value('Key')).to.equal('404.html');
    const found = answer.child('RoutingRules')?.child('RoutingRule');
    expect(found?.child('Condition')?.value('KeyPrefixEquals')).to.equal('a/');
    expect(found?.child('Redirect')?.value('ReplaceKeyPrefixWith')).to.equal('b/');
  },
  'a redirect of everything comes back': async (lab) => {
    const inner = '<RedirectAllRequestsTo><HostName>example.org</HostName><Protocol>https</Protocol></RedirectAllRequestsTo>';
    expectStatus(await siteOf(lab).put(lab.bucket, inner), 200);
    const all = (await siteOf(lab).get(lab.bucket)).xml().child('RedirectAllRequestsTo');
    expect([all?.value('HostName'), all?.value('Protocol')]).to.deep.equal(['example.org', 'https']);
  },
  'deleting ends it, with 204, also where there is none': {
    page: api('DeleteBucketWebsite'),
    run: async (lab) => {
      await siteOf(lab).put(lab.bucket, INDEX);
      expectStatus(await siteOf(lab).remove(lab.bucket), 204);
      expectError(await siteOf(lab).get(lab.bucket), 404, 'NoSuchWebsiteConfiguration');
      expectStatus(await siteOf(lab).remove(lab.bucket), 204);
    },
  },
  'an index document is needed': refuses('<ErrorDocument><Key>e</Key></ErrorDocument>', 'InvalidArgument'),
  'its suffix is a name without a slash': over(['', 'a/b', '/'], (suffix) =>
    refuses(`<IndexDocument><Suffix>${suffix}</Suffix></IndexDocument>`, 'InvalidArgument'),
  ),
  'a redirect of everything stands alone': refuses(
    `<RedirectAllRequestsTo><HostName>a</HostName></RedirectAllRequestsTo>${INDEX}`,
    'InvalidRequest',
  ),
  'a protocol is http or https': refuses(
    '<RedirectAllRequestsTo><HostName>a</HostName><Protocol>ftp</Protocol></RedirectAllRequestsTo>',
    'InvalidRequest',
  ),
  'there are at most 50 routing rules': async (lab) => {
    const one = '<Redirect><HostName>a</HostName></Redirect>';
    expectStatus(await siteOf(lab).put(lab.bucket, routing(...Array<string>(50).fill(one))), 200);
    await refuses(routing(...Array<string>(51).fill(one)), 'InvalidRequest')(lab);
  },
  'an empty condition is InvalidRequest': refuses(
    routing('<Condition/><Redirect><HostName>a</HostName></Redirect>'),
    'InvalidRequest',
  ),
  'an empty redirect is MalformedXML': refuses(routing('<Redirect/>'), 'MalformedXML'),
  'a key is replaced whole or by its prefix, not both': refuses(
    routing('<Redirect><ReplaceKeyWith>a</ReplaceKeyWith><ReplaceKeyPrefixWith>b</ReplaceKeyPrefixWith></Redirect>'),
    'InvalidRequest',
  ),
  'an error that rules are about is 4XX or 5XX': over(['200', '301', 'x'], (code) =>
    refuses(
      routing(
        `<Condition><HttpErrorCodeReturnedEquals>${code}</HttpErrorCodeReturnedEquals></Condition><Redirect><HostName>a</HostName></Redirect>`,
      ),
      'InvalidRequest',
    ),
  ),
  'a redirect’s status is 3XX but 300': over(['300', '200', '404'], (code) =>
    refuses(routing(`<Redirect><HttpRedirectCode>${code}</HttpRedirectCode></Redirect>`), 'InvalidRequest'),
  ),
});

/** Nobody signs at a website. Only our own gateway is known to have one at this host. */
async function visit(
  context: Mocha.Context,
  lab: Lab,
  path: string,
  bucket = lab.bucket,
  { method = 'GET', headers: more = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<S3Answer> {
  if (lab.gateway === null) leaveOut(context, 'the website endpoint of this server is not known');
  return lab.s3.send(
    method,
    { raw: path },
    {
      auth: 'none',
      headers: more,
      tamper: ({ headers }) => {
        const host = headers.find(([name]) => name === 'Host');
        if (host !== undefined) host[1] = `${bucket}.s3-website.localhost:${new URL(lab.s3.origin).port}`;
      },
    },
  );
}

suite('website endpoint', guide('WebsiteEndpoints'), {
  'a bucket that is no website has an HTML page with NoSuchWebsiteConfiguration': async function (lab) {
    const answer = expectStatus(await visit(this, lab, '/', await lab.newBucket()), 404);
    expect(answer.headers['content-type']).to.match(/^text\/html/);
    expect(answer.text).to.contain('NoSuchWebsiteConfiguration');
  },
  'no bucket has an HTML page with NoSuchBucket': async function (lab) {
    const answer = expectStatus(await visit(this, lab, '/', 'conf-no-such-bucket'), 404);
    expect(answer.text).to.contain('NoSuchBucket');
  },
  'what nobody opened to everybody is 403': {
    page: guide('WebsiteAccessPermissionsReqd'),
    async run(lab) {
      await lab.put('index.html', 'secret');
      expectStatus(await siteOf(lab).put(lab.bucket, INDEX), 200);
      const answer = expectStatus(await visit(this, lab, '/'), 403);
      expect(answer.text).to.contain('AccessDenied').and.not.contain('secret');
    },
  },
  'what is not there is 404 where everybody may list, and 403 where not': {
    page: guide('WebsiteAccessPermissionsReqd'),
    async run(lab) {
      const bucket = await openBucket(lab);
      expectStatus(await siteOf(lab).put(bucket, `${INDEX}<ErrorDocument><Key>error.html</Key></ErrorDocument>`), 200);
      expectStatus(await putPolicy(lab.s3, bucket, statement(bucket)), 204);
      expect(expectStatus(await visit(this, lab, '/absent', bucket), 403).text).to.contain('AccessDenied');
      expect(expectStatus(await visit(this, lab, '/folder/', bucket), 403).text).to.contain('AccessDenied');
      await lab.s3.send('PUT', `/${bucket}/error.html`, { body: 'sorry' });
      expect(expectStatus(await visit(this, lab, '/absent', bucket), 403).text).to.equal('sorry');
      const listing = { Action: ['s3:GetObject', 's3:ListBucket'], Resource: [arn(bucket), arn(bucket, '/*')] };
      expectStatus(await putPolicy(lab.s3, bucket, statement(bucket, listing)), 204);
      expect(expectStatus(await visit(this, lab, '/absent', bucket), 404).text).to.equal('sorry');
    },
  },
  'a redirect of everything needs no permission': {
    page: guide('how-to-page-redirect'),
    async run(lab) {
      const bucket = await lab.newBucket();
      await siteOf(lab).put(bucket, '<RedirectAllRequestsTo><HostName>example.org</HostName></RedirectAllRequestsTo>');
      const answer = expectStatus(await visit(this, lab, '/a%20b', bucket), 301);
      expect(answer.headers.location).to.equal('http://example.org/a%20b');
    },
  },
  'an object’s redirect is followed as it was given, encoded where it has to be': {
    page: guide('how-to-page-redirect'),
    ...over(
      {
        '/a%2Fb%23c': '/a%2Fb%23c',
        'https://example.org/?to=https%3A%2F%2Fb.example': 'https://example.org/?to=https%3A%2F%2Fb.example',
        '/a b/ä': '/a%20b/%C3%A4',
        '/日本': '/%E6%97%A5%E6%9C%AC',
        '/100%': '/100%25',
      },
      (to, from) =>
        async function (lab) {
          const bucket = await openBucket(lab);
          expectStatus(await putPolicy(lab.s3, bucket, statement(bucket)), 204);
          expectStatus(await siteOf(lab).put(bucket, INDEX), 200);
          await lab.s3.send('PUT', `/${bucket}/page`, { headers: { 'x-amz-website-redirect-location': from } });
          expect(expectStatus(await visit(this, lab, '/page', bucket), 301).headers.location).to.equal(to);
        },
    ),
  },
  'pages of other origins read what the rules of the bucket let them': {
    page: guide('cors'),
    async run(lab) {
      const bucket = await openBucket(lab);
      const rule =
        '<CORSRule><AllowedOrigin>https://a.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedHeader>x-*</AllowedHeader></CORSRule>';
      expectStatus(await documentsOf(lab.s3, 'cors', 'CORSConfiguration').put(bucket, rule), 200);
      expectStatus(await putPolicy(lab.s3, bucket, statement(bucket)), 204);
      expectStatus(await siteOf(lab).put(bucket, INDEX), 200);
      await lab.s3.send('PUT', `/${bucket}/font`, { body: 'font' });
      const allowed = async (origin: string, method: 'GET' | 'OPTIONS', status: number, path = '/font') => {
        const asked = { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-a' };
        const answer = await visit(this, lab, path, bucket, { method, headers: method === 'GET' ? { origin } : asked });
        return expectStatus(answer, status).headers['access-control-allow-origin'];
      };
      expect(await allowed('https://a.example', 'GET', 200)).to.equal('https://a.example');
      expect(await allowed('https://a.example', 'GET', 403, '/absent')).to.equal('https://a.example');
      expect(await allowed('https://b.example', 'GET', 200)).to.equal(undefined);
      expect(await allowed('https://a.example', 'OPTIONS', 200)).to.equal('https://a.example');
      expect(await allowed('https://b.example', 'OPTIONS', 403)).to.equal(undefined);
    },
  },
  'a routing rule by prefix redirects before anything is looked for': {
    page: guide('how-to-page-redirect'),
    async run(lab) {
      const bucket = await lab.newBucket();
      await siteOf(lab).put(
        bucket,
        routing(
          '<Condition><KeyPrefixEquals>old/</KeyPrefixEquals></Condition><Redirect><HostName>new.example</HostName><ReplaceKeyPrefixWith>new/</ReplaceKeyPrefixWith><HttpRedirectCode>302</HttpRedirectCode></Redirect>',
        ),
      );
      const answer = expectStatus(await visit(this, lab, '/old/page', bucket), 302);
      expect(answer.headers.location).to.equal('http://new.example/new/page');
    },
  },
});
