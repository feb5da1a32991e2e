import { expect } from 'chai';
import { guide, PAGES } from './harness/pages.ts';
import { EMPTY_SHA256 } from './harness/signer.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

const MINUTE = 60_000;
const ago = (ms: number): Date => new Date(Date.now() - ms);

suite('SigV4 in the header', PAGES.sigv4Header, {
  'a signed request is let in': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    expectStatus(await get(name), 200);
  },
  'an unsigned one is AccessDenied': over(['GET', 'PUT', 'DELETE'], (method) => async ({ put, send, get, key }) => {
    const name = key();
    await put(name, 'a');
    expectError(await send(method, name, { auth: 'none' }), 403, 'AccessDenied');
    expect((await get(name)).text).to.equal('a');
  }),
  'another secret is SignatureDoesNotMatch, and the answer says what was signed': async ({ s3, get, key }) => {
    const answer = await get(key(), { keys: { ...s3.keys, secretAccessKey: 'wrong' } });
    expectError(answer, 403, 'SignatureDoesNotMatch');
    expect(answer.xml().value('AWSAccessKeyId')).to.equal(s3.keys.accessKeyId);
    expect(answer.xml().value('StringToSign')).to.match(/^AWS4-HMAC-SHA256\n/);
    expect(answer.xml().value('SignatureProvided')).to.match(/^[0-9a-f]{64}$/);
  },
  'as much metadata as an object may have can be signed': async ({ send, get, key }) => {
    const name = key();
    const headers = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`x-amz-meta-${n}`, 'abc']));
    expectStatus(await send('PUT', name, { body: 'a', headers }), 200);
    expect((await get(name)).headers['x-amz-meta-299']).to.equal('abc');
  },
  'a scheme that is none is InvalidArgument': over(
    ['Bearer abc', 'Basic YTpi', 'nonsense'],
    (authorization) =>
      async ({ get, key }) => {
        const answer = await get(key(), { auth: 'none', headers: { authorization } });
        expectError(answer, 400, 'InvalidArgument');
        expect(answer.xml().value('ArgumentName')).to.equal('Authorization');
      },
  ),
  'an unknown access key is InvalidAccessKeyId': async ({ s3, get, key }) => {
    const answer = await get(key(), { keys: { ...s3.keys, accessKeyId: 'AKIAUNKNOWN' } });
    expectError(answer, 403, 'InvalidAccessKeyId');
    expect(answer.xml().value('AWSAccessKeyId')).to.equal('AKIAUNKNOWN');
  },
  'what is changed after signing is SignatureDoesNotMatch': over<(target: string) => string>(
    { 'the key': (target) => `${target}x`, 'a query': (target) => `${target}?a=b` },
    (change) =>
      async ({ put, get, key }) => {
        const name = key();
        await put(name, 'a');
        await put(`${name}x`, 'b');
        expectError(
          await get(name, { tamper: (request) => void (request.target = change(request.target)) }),
          403,
          'SignatureDoesNotMatch',
        );
      },
  ),
  'a method that is changed after signing is SignatureDoesNotMatch': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    expectError(await get(name, { tamper: (request) => void (request.method = 'DELETE') }), 403, 'SignatureDoesNotMatch');
    expectStatus(await get(name), 200);
  },
  'a signed header that is changed is SignatureDoesNotMatch': async ({ send, key }) => {
    const tamper = ({ headers }: { headers: [string, string][] }): void => {
      for (const header of headers) if (header[0] === 'x-amz-meta-a') header[1] = 'changed';
    };
    expectError(await send('PUT', key(), { body: 'a', headers: { 'x-amz-meta-a': 'b' }, tamper }), 403, 'SignatureDoesNotMatch');
  },
  'the host must be signed': async ({ get, key }) =>
    expect((await get(key(), { signedHeaders: ['x-amz-content-sha256', 'x-amz-date'] })).status).to.equal(403),
  'another region is AuthorizationHeaderMalformed and says which': async ({ s3, get, key }) => {
    const answer = await get(key(), { region: 'mars-1' });
    expectError(answer, 400, 'AuthorizationHeaderMalformed');
    expect(answer.xml().value('Region')).to.equal(s3.region);
  },
  'another service is AuthorizationHeaderMalformed': async ({ get, key }) =>
    expectError(await get(key(), { service: 'ec2' }), 400, 'AuthorizationHeaderMalformed'),
  'a time within 15 minutes is taken': over(
    { 'fourteen minutes ago': 14, 'in fourteen minutes': -14 },
    (minutes) =>
      async ({ put, get, key }) => {
        const name = key();
        await put(name, 'a');
        expectStatus(await get(name, { at: ago(minutes * MINUTE) }), 200);
      },
  ),
  "a time beyond is RequestTimeTooSkewed and says the endpoint's": over(
    { 'sixteen minutes ago': 16, 'in sixteen minutes': -16 },
    (minutes) =>
      async ({ get, key }) => {
        const answer = await get(key(), { at: ago(minutes * MINUTE) });
        expectError(answer, 403, 'RequestTimeTooSkewed');
        expect(Date.parse(answer.xml().value('ServerTime'))).to.be.closeTo(Date.now(), 5 * MINUTE);
        expect(answer.xml().value('MaxAllowedSkewMilliseconds')).to.equal('900000');
      },
  ),
  'an Authorization that cannot be read is refused': over(
    {
      'nothing of it': 'AWS4-HMAC-SHA256',
      'no signature': 'AWS4-HMAC-SHA256 Credential=A/20300101/us-east-1/s3/aws4_request, SignedHeaders=host',
      'a short credential': 'AWS4-HMAC-SHA256 Credential=A/20300101, SignedHeaders=host, Signature=0',
      'another scheme': 'Basic YTpi',
      'signature version 2': 'AWS AKIA:abc=',
    },
    (authorization) =>
      async ({ get, key }) => {
        const answer = await get(key(), {
          auth: 'none',
          headers: { authorization, 'x-amz-date': '20300101T000000Z', 'x-amz-content-sha256': EMPTY_SHA256 },
        });
        expect([400, 403]).to.include(answer.status);
        expect(answer.xml().name).to.equal('Error');
      },
  ),
  'a missing x-amz-content-sha256 is refused': async ({ get, key }) =>
    expect([400, 403]).to.include(
      (
        await get(key(), {
          headers: { 'x-amz-content-sha256': undefined },
          tamper: ({ headers }) =>
            void headers.splice(
              headers.findIndex(([name]) => name === 'x-amz-content-sha256'),
              1,
            ),
        })
      ).status,
    ),
  'a content hash that is none is InvalidArgument': async ({ send, key }) =>
    expectError(await send('PUT', key(), { body: 'a', headers: { 'x-amz-content-sha256': 'hash' } }), 400, 'InvalidArgument'),
  'a Date in place of x-amz-date is taken': async ({ put, s3, path, key }) => {
    const name = key();
    await put(name, 'a');
    const at = new Date(Math.floor(Date.now() / 1000) * 1000);
    expectStatus(await s3.send('GET', path(name), { at, headers: { date: at.toUTCString() } }), 200);
  },
  'queries are signed in the order of their bytes': over(
    [
      'prefix=a&delimiter=/&list-type=2',
      'list-type=2&prefix=%C3%A9+x',
      'list-type=2&prefix=a%2Bb&prefix=c',
      'list-type=2&start-after=~-_.',
    ],
    (query) =>
      async ({ send }) =>
        void expectStatus(
          await send('GET', '', { query: query.replaceAll('+', '%20').replace('delimiter=/', 'delimiter=%2F') }),
          200,
        ),
  ),
  'a subresource is signed with an empty value': over(
    ['uploads', 'uploads='],
    (query) =>
      async ({ send }) =>
        void expectStatus(await send('GET', '', { query }), 200),
  ),
  'spaces within a header count as one': async ({ send, key }) =>
    void expectStatus(await send('PUT', key(), { body: 'a', headers: { 'x-amz-meta-a': 'b   c' } }), 200),
  'a header that comes twice is signed as its values joined': async ({ send, key }) =>
    void expectStatus(await send('PUT', key(), { body: 'a', headers: { 'x-amz-meta-a': ['b', 'c'] } }), 200),
  'an unsigned payload is taken': async ({ send, get, key }) => {
    const name = key();
    expectStatus(await send('PUT', name, { body: 'a', payload: 'unsigned' }), 200);
    expect((await get(name)).text).to.equal('a');
  },
  'a replayed request is the same request': async ({ s3, path, put, key }) => {
    const name = key();
    await put(name, 'a');
    const request = s3.prepare('GET', path(name));
    for (let i = 0; i < 2; i++) expectStatus(await s3.transmit(request), 200);
  },
});

suite('SigV4 in the query', PAGES.sigv4Query, {
  'a presigned URL reads': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    expect(expectStatus(await get(name, { auth: 'query' }), 200).text).to.equal('a');
  },
  'a presigned URL writes': async ({ send, get, key }) => {
    const name = key();
    expectStatus(await send('PUT', name, { auth: 'query', body: 'a' }), 200);
    expect((await get(name)).text).to.equal('a');
  },
  'a presigned URL removes': async ({ put, send, get, key }) => {
    const name = key();
    await put(name, 'a');
    expectStatus(await send('DELETE', name, { auth: 'query' }), 204);
    expectStatus(await get(name), 404);
  },
  'a presigned URL lists': async ({ send }) =>
    void expectStatus(await send('GET', '', { auth: 'query', query: { 'list-type': 2, prefix: 'a b' } }), 200),
  'HEAD is not GET': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    expect((await get(name, { auth: 'query', tamper: (request) => void (request.method = 'HEAD') })).status).to.equal(403);
  },
  'it expires': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    const answer = await get(name, { auth: 'query', at: ago(10 * MINUTE), expiresSeconds: 300 });
    expectError(answer, 403, 'AccessDenied');
    expect(answer.xml().value('Message')).to.contain('expired');
    expect(answer.xml().value('X-Amz-Expires')).to.equal('300');
  },
  'it lasts as long as it says': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    expectStatus(await get(name, { auth: 'query', at: ago(10 * MINUTE), expiresSeconds: 3600 }), 200);
  },
  'one of the future is refused': async ({ get, key }) =>
    expect((await get(key(), { auth: 'query', at: ago(-20 * MINUTE) })).status).to.equal(403),
  'a week is the longest': over(
    { '604800 is taken': 604_800, '604801 is not': 604_801 },
    (expiresSeconds) =>
      async ({ put, get, key }) => {
        const name = key();
        await put(name, 'a');
        const answer = await get(name, { auth: 'query', expiresSeconds });
        if (expiresSeconds === 604_800) expectStatus(answer, 200);
        else expectError(answer, 400, 'AuthorizationQueryParametersError');
      },
  ),
  'what is changed of it is refused': over<(target: string) => string>(
    {
      'the key': (target) => target.replace('?', 'x?'),
      'the time to live': (target) => target.replace('X-Amz-Expires=300', 'X-Amz-Expires=3000'),
      'the date': (target) =>
        target.replace(/X-Amz-Date=\d{8}T\d{6}Z/, (text) => text.replace(/\d{2}Z$/, '01Z').replace('T', 'T')),
      'the signature': (target) =>
        target.replace(/Signature=./, (text) => `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`),
      'another parameter': (target) => `${target}&response-content-type=text/html`,
    },
    (change) =>
      async ({ put, get, key }) => {
        const name = key();
        await put(name, 'a');
        const tamper = (request: { target: string }): void => {
          const changed = change(request.target);
          request.target = changed === request.target ? `${changed}&x=1` : changed;
        };
        expect((await get(name, { auth: 'query', tamper })).status).to.equal(403);
      },
  ),
  'a policy may say how old its signature may be': {
    page: guide('bucket-policy-s3-sigv4-conditions'),
    run: async ({ s3, newBucket }) => {
      const bucket = await newBucket();
      expectStatus(await s3.send('PUT', `/${bucket}/a`, { body: 'x' }), 200);
      const Condition = { NumericGreaterThan: { 's3:signatureAge': '600000' } };
      const Statement = [{ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: `arn:aws:s3:::${bucket}/*`, Condition }];
      const policy = JSON.stringify({ Version: '2012-10-17', Statement });
      expectStatus(await s3.send('PUT', `/${bucket}`, { query: 'policy=', body: policy }), 204);
      const aged = (minutes: number) => ({ auth: 'query' as const, at: ago(minutes * MINUTE), expiresSeconds: 3600 });
      for (const method of ['GET', 'PUT']) {
        expectStatus(await s3.send(method, `/${bucket}/a`, aged(5)), 200);
        expectError(await s3.send(method, `/${bucket}/a`, aged(20)), 403, 'AccessDenied');
      }
      expectStatus(await s3.send('GET', `/${bucket}/a`), 200);
      expectStatus(await s3.send('DELETE', `/${bucket}`, { query: 'policy=' }), 204);
    },
  },
  'a host that is not the signed one is refused': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    const tamper = ({ headers }: { headers: [string, string][] }): void => {
      headers[0] = ['Host', 'elsewhere.example:9000'];
    };
    expect((await get(name, { auth: 'query', tamper })).status).to.equal(403);
  },
  'an x-amz header that was not signed is refused': async ({ get, put, key }) => {
    const name = key();
    await put(name, 'a');
    expect(
      (await get(name, { auth: 'query', tamper: ({ headers }) => void headers.push(['x-amz-checksum-mode', 'ENABLED']) })).status,
    ).to.equal(403);
  },
  'a parameter that lacks is AuthorizationQueryParametersError': over(
    ['X-Amz-Date', 'X-Amz-Expires', 'X-Amz-SignedHeaders', 'X-Amz-Credential'],
    (name) =>
      async ({ get, key }) => {
        const drop = (request: { target: string }): void => {
          request.target = request.target.replace(new RegExp(`${name}=[^&]*&?`), '');
        };
        expectError(await get(key(), { auth: 'query', tamper: drop }), 400, 'AuthorizationQueryParametersError');
      },
  ),
  // AWS's SDK for JavaScript moves a request's x-amz headers into the URL that it signs.
  'x-amz headers that were moved into it are headers': async ({ send, get, key }) => {
    const name = key();
    const query = { 'x-amz-meta-color': 'blue', 'x-amz-tagging': 'a=b', 'x-amz-meta-name': 'é', 'x-amz-meta-my_own.note': 'red' };
    expectStatus(await send('PUT', name, { auth: 'query', query, body: 'a' }), 200);
    const { headers } = await get(name);
    expect(headers['x-amz-meta-my_own.note']).to.equal('red');
    expect(headers['x-amz-meta-color']).to.equal('blue');
    expect(headers['x-amz-meta-name']).to.equal('=?UTF-8?B?w6k=?=');
    expect(headers['x-amz-tagging-count']).to.equal('1');
  },
  'one that is moved and could be none is refused': over(
    { 'a line more': 'a\r\nx-amz-acl: public-read', 'a zero': 'a\0b' },
    (value) =>
      async ({ send, get, key }) => {
        const name = key();
        expect((await send('PUT', name, { auth: 'query', query: { 'x-amz-meta-a': value }, body: 'a' })).status).to.be.oneOf([
          400, 403,
        ]);
        expect((await get(name)).status).to.equal(404);
      },
  ),
  'one that nobody signed is refused, moved or not': async ({ send, get, key }) => {
    const name = key();
    const tamper = (request: { target: string }): void => {
      request.target += '&x-amz-acl=public-read';
    };
    expectError(await send('PUT', name, { auth: 'query', body: 'a', tamper }), 403, 'SignatureDoesNotMatch');
    expect((await send('PUT', name, { auth: 'none', query: { 'x-amz-acl': 'public-read' }, body: 'a' })).status).to.equal(403);
    expect((await get(name)).status).to.equal(404);
  },
  'together with an Authorization header it is InvalidArgument': async ({ s3, path, get, key }) => {
    const { headers } = s3.prepare('GET', path(key()));
    const authorization = headers.find(([name]) => name === 'Authorization')?.[1] ?? '';
    const answer = await get(key(), {
      auth: 'query',
      tamper: (request) => void request.headers.push(['Authorization', authorization]),
    });
    expectError(answer, 400, 'InvalidArgument');
  },
  'signature version 2 of nobody is refused': async ({ get, key }) => {
    const query = { AWSAccessKeyId: 'AKIA', Signature: 'abc', Expires: '2000000000' };
    expect([400, 403]).to.include((await get(key(), { auth: 'none', query })).status);
  },
});
