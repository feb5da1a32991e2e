import { expect } from 'chai';
import type { S3Answer } from './harness/client.ts';
import { documentsOf } from './harness/documents.ts';
import { api, guide } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

const PREFLIGHT = 'https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html';
const rulesOf = ({ s3 }: Lab) => documentsOf(s3, 'cors', 'CORSConfiguration');
const rule = (members: Record<string, string | string[]>): string =>
  `<CORSRule>${Object.entries(members)
    .flatMap(([name, values]) => [values].flat().map((value) => `<${name}>${value}</${name}>`))
    .join('')}</CORSRule>`;
const anyGet = rule({ AllowedMethod: 'GET', AllowedOrigin: '*' });

function preflight(lab: Lab, origin: string | undefined, method?: string, headers?: string): Promise<S3Answer> {
  return lab.send('OPTIONS', 'key', {
    auth: 'none',
    headers: {
      ...(origin === undefined ? {} : { Origin: origin }),
      ...(method === undefined ? {} : { 'Access-Control-Request-Method': method }),
      ...(headers === undefined ? {} : { 'Access-Control-Request-Headers': headers }),
    },
  });
}

suite('bucket CORS configuration', api('PutBucketCors'), {
  'a bucket without rules has NoSuchCORSConfiguration': {
    page: api('GetBucketCors'),
    run: async (lab) => expectError(await rulesOf(lab).get(await lab.newBucket()), 404, 'NoSuchCORSConfiguration'),
  },
  'rules come back as they were put, in order': async (lab) => {
    const inner =
      rule({ ID: 'one', AllowedMethod: ['PUT', 'GET'], AllowedOrigin: ['http://a', 'http://*.b'], AllowedHeader: '*' }) +
      rule({ AllowedMethod: 'HEAD', AllowedOrigin: '*', ExposeHeader: ['ETag', 'x-amz-version-id'], MaxAgeSeconds: '30' });
    expectStatus(await rulesOf(lab).put(lab.bucket, inner), 200);
    const answer = expectStatus(await rulesOf(lab).get(lab.bucket), 200).xml();
    expect(answer.name).to.equal('CORSConfiguration');
    const [one, two] = answer.all('CORSRule');
    expect(one?.value('ID')).to.equal('one');
    expect(one?.all('AllowedMethod').map(({ text }) => text)).to.deep.equal(['PUT', 'GET']);
    expect(one?.all('AllowedOrigin').map(({ text }) => text)).to.deep.equal(['http://a', 'http://*.b']);
    expect(two?.all('ExposeHeader').map(({ text }) => text)).to.deep.equal(['ETag', 'x-amz-version-id']);
    expect(two?.value('MaxAgeSeconds')).to.equal('30');
  },
  'deleting takes the rules away, with 204': {
    page: api('DeleteBucketCors'),
    run: async (lab) => {
      await rulesOf(lab).put(lab.bucket, anyGet);
      expectStatus(await rulesOf(lab).remove(lab.bucket), 204);
      expectError(await rulesOf(lab).get(lab.bucket), 404, 'NoSuchCORSConfiguration');
      expectStatus(await rulesOf(lab).remove(lab.bucket), 204);
    },
  },
  'a document without a rule, or a rule without origin or method, is MalformedXML': over(
    { 'no rule': '', 'no origin': rule({ AllowedMethod: 'GET' }), 'no method': rule({ AllowedOrigin: '*' }), 'no XML': '!<CORS' },
    (inner) => async (lab) => expectError(await rulesOf(lab).put(lab.bucket, inner), 400, 'MalformedXML'),
  ),
  'a method that browsers cannot send here is InvalidRequest': over(
    ['PATCH', 'OPTIONS', 'get', '*'],
    (method) => async (lab) =>
      expectError(await rulesOf(lab).put(lab.bucket, rule({ AllowedMethod: method, AllowedOrigin: '*' })), 400, 'InvalidRequest'),
  ),
  'more than one * is InvalidRequest': over(
    {
      'in an origin': rule({ AllowedMethod: 'GET', AllowedOrigin: 'http://*.*' }),
      'in a header': rule({ AllowedMethod: 'GET', AllowedOrigin: '*', AllowedHeader: 'x-*-*' }),
    },
    (inner) => async (lab) => expectError(await rulesOf(lab).put(lab.bucket, inner), 400, 'InvalidRequest'),
  ),
  'a * in ExposeHeader is InvalidRequest': async (lab) => {
    const inner = rule({ AllowedMethod: 'GET', AllowedOrigin: '*', ExposeHeader: 'x-*' });
    expectError(await rulesOf(lab).put(lab.bucket, inner), 400, 'InvalidRequest');
  },
  'there are at most 100 rules': async (lab) => {
    expectStatus(await rulesOf(lab).put(lab.bucket, anyGet.repeat(100)), 200);
    expectError(await rulesOf(lab).put(lab.bucket, anyGet.repeat(101)), 400, 'InvalidRequest');
  },
  'MaxAgeSeconds that is no number is MalformedXML': async (lab) => {
    const inner = rule({ AllowedMethod: 'GET', AllowedOrigin: '*', MaxAgeSeconds: 'x' });
    expectError(await rulesOf(lab).put(lab.bucket, inner), 400, 'MalformedXML');
  },
  'another account reads and changes none': async (lab) => {
    const theirs = documentsOf(lab.otherAccount(), 'cors', 'CORSConfiguration');
    for (const answer of [await theirs.get(lab.bucket), await theirs.put(lab.bucket, anyGet), await theirs.remove(lab.bucket)])
      expect(answer.status).to.be.oneOf([403, 404]);
  },
});

suite('CORS preflight', PREFLIGHT, {
  'it needs no signature': async (lab) => {
    await rulesOf(lab).put(lab.bucket, anyGet);
    expectStatus(await preflight(lab, 'http://a', 'GET'), 200);
  },
  'without an origin it is a bad request': async (lab) => expectError(await preflight(lab, undefined, 'GET'), 400, 'BadRequest'),
  'without a method, or with one that is none, it is a bad request': over(
    { none: undefined, unknown: 'BREW' },
    (method) => async (lab) => expectError(await preflight(lab, 'http://a', method), 400, 'BadRequest'),
  ),
  'of a bucket without rules it is AccessForbidden': async (lab) => {
    await rulesOf(lab).remove(lab.bucket);
    expectError(await preflight(lab, 'http://a', 'GET'), 403, 'AccessForbidden');
  },
  'of no bucket it is AccessForbidden': async (lab) => {
    const headers = { Origin: 'http://a', 'Access-Control-Request-Method': 'GET' };
    expectError(await lab.s3.send('OPTIONS', '/conf-no-such-bucket/k', { auth: 'none', headers }), 403, 'AccessForbidden');
  },
  'a refusal names method and kind of resource': async (lab) => {
    await rulesOf(lab).put(lab.bucket, anyGet);
    const error = (await preflight(lab, 'http://a', 'PUT')).xml();
    expect([error.value('Method'), error.value('ResourceType')]).to.deep.equal(['PUT', 'OBJECT']);
  },
  'an origin matches whole, with * for any part': over(
    {
      'the same': ['http://a.example', 'http://a.example', true],
      'another scheme': ['http://a.example', 'https://a.example', false],
      'another port': ['http://a.example', 'http://a.example:8080', false],
      'case matters': ['http://a.example', 'http://A.example', false],
      'a subdomain': ['http://*.example', 'http://a.b.example', true],
      'no subdomain': ['http://*.example', 'http://.example', true],
      'not behind it': ['http://*.example', 'http://a.example.org', false],
      'a * at the end': ['http://a*', 'http://a.anything', true],
      'a * alone': ['*', 'null', true],
    } as Record<string, [string, string, boolean]>,
    ([pattern, origin, fits]) =>
      async (lab) => {
        await rulesOf(lab).put(lab.bucket, rule({ AllowedMethod: 'GET', AllowedOrigin: pattern }));
        expect((await preflight(lab, origin, 'GET')).status).to.equal(fits ? 200 : 403);
      },
  ),
  'each header that is asked for must be allowed, in any case': over(
    {
      'in another case': [['X-Custom'], 'x-custom', true],
      'one of two': [['x-one'], 'x-one, x-two', false],
      'by a *': [['x-amz-*'], 'x-amz-date,X-AMZ-content-sha256', true],
      'any by * alone': [['*'], 'authorization, x-anything', true],
      'none allowed': [[], 'x-one', false],
      'none asked for': [[], '', true],
    } as Record<string, [string[], string, boolean]>,
    ([allowed, asked, fits]) =>
      async (lab) => {
        await rulesOf(lab).put(lab.bucket, rule({ AllowedMethod: 'PUT', AllowedOrigin: '*', AllowedHeader: allowed }));
        expect((await preflight(lab, 'http://a', 'PUT', asked)).status).to.equal(fits ? 200 : 403);
      },
  ),
  'the answer says what is allowed': async (lab) => {
    await rulesOf(lab).put(
      lab.bucket,
      rule({
        AllowedMethod: ['PUT', 'GET'],
        AllowedOrigin: 'http://a',
        AllowedHeader: '*',
        ExposeHeader: ['ETag', 'x-amz-request-id'],
        MaxAgeSeconds: '600',
      }),
    );
    const { headers, body } = expectStatus(await preflight(lab, 'http://a', 'PUT', 'X-One, content-type'), 200);
    expect(headers['access-control-allow-origin']).to.equal('http://a');
    expect(headers['access-control-allow-methods']).to.equal('PUT, GET');
    expect(headers['access-control-allow-headers']).to.equal('x-one, content-type');
    expect(headers['access-control-expose-headers']).to.equal('ETag, x-amz-request-id');
    expect(headers['access-control-max-age']).to.equal('600');
    expect(headers['access-control-allow-credentials']).to.equal('true');
    expect(headers.vary).to.equal('Origin, Access-Control-Request-Headers, Access-Control-Request-Method');
    expect(body.length).to.equal(0);
  },
  'an origin of * is answered with *, and no credentials': async (lab) => {
    await rulesOf(lab).put(lab.bucket, anyGet);
    const { headers } = await preflight(lab, 'http://a', 'GET');
    expect(headers['access-control-allow-origin']).to.equal('*');
    expect(headers['access-control-allow-credentials']).to.equal(undefined);
  },
  'the first rule that fits counts': async (lab) => {
    await rulesOf(lab).put(
      lab.bucket,
      rule({ AllowedMethod: 'PUT', AllowedOrigin: 'http://a', MaxAgeSeconds: '1' }) +
        rule({ AllowedMethod: 'GET', AllowedOrigin: 'http://a', MaxAgeSeconds: '2' }) +
        rule({ AllowedMethod: 'GET', AllowedOrigin: '*', MaxAgeSeconds: '3' }),
    );
    expect((await preflight(lab, 'http://a', 'GET')).headers['access-control-max-age']).to.equal('2');
    expect((await preflight(lab, 'http://b', 'GET')).headers['access-control-max-age']).to.equal('3');
  },
  'the bucket itself has preflights too': async (lab) => {
    await rulesOf(lab).put(lab.bucket, anyGet);
    const headers = { Origin: 'http://a', 'Access-Control-Request-Method': 'GET' };
    expectStatus(await lab.send('OPTIONS', '', { auth: 'none', headers }), 200);
  },
});

suite('CORS on answers', guide('cors'), {
  'an answer to an allowed origin says so': async (lab) => {
    await rulesOf(lab).put(lab.bucket, rule({ AllowedMethod: ['GET', 'PUT'], AllowedOrigin: 'http://a', ExposeHeader: 'ETag' }));
    const key = lab.key();
    const put = await lab.put(key, 'x', { Origin: 'http://a' });
    expect(put.headers['access-control-allow-origin']).to.equal('http://a');
    const { headers, text } = await lab.get(key, { headers: { Origin: 'http://a' } });
    expect(headers['access-control-allow-origin']).to.equal('http://a');
    expect(headers['access-control-expose-headers']).to.equal('ETag');
    expect(headers['access-control-allow-methods']).to.equal('GET, PUT');
    expect(headers.vary).to.contain('Origin');
    expect(text).to.equal('x');
  },
  'errors say so too': over({ 'no such key': 'none', 'no signature': 'anonymous' }, (kind) => async (lab) => {
    await rulesOf(lab).put(lab.bucket, rule({ AllowedMethod: 'GET', AllowedOrigin: 'http://a' }));
    const answer = await lab.get(lab.key(), {
      headers: { Origin: 'http://a' },
      ...(kind === 'anonymous' ? { auth: 'none' as const } : {}),
    });
    expect(answer.status).to.be.oneOf([403, 404]);
    expect(answer.headers['access-control-allow-origin']).to.equal('http://a');
  }),
  'an answer to another origin, or by another method, says nothing and is the same': async (lab) => {
    await rulesOf(lab).put(lab.bucket, rule({ AllowedMethod: 'PUT', AllowedOrigin: 'http://a' }));
    const key = lab.key();
    await lab.put(key, 'x');
    for (const Origin of ['http://a', 'http://b']) {
      const answer = expectStatus(await lab.get(key, { headers: { Origin } }), 200);
      expect(answer.headers['access-control-allow-origin']).to.equal(undefined);
    }
  },
  'without an Origin there is no word of it': async (lab) => {
    await rulesOf(lab).put(lab.bucket, anyGet);
    const key = lab.key();
    await lab.put(key, 'x');
    expect((await lab.get(key)).headers['access-control-allow-origin']).to.equal(undefined);
  },
  'a listing is marked like an object': async (lab) => {
    await rulesOf(lab).put(lab.bucket, anyGet);
    const answer = expectStatus(await lab.send('GET', '', { headers: { Origin: 'http://a' } }), 200);
    expect(answer.headers['access-control-allow-origin']).to.equal('*');
  },
});
