import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { api, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

const md5 = (text: string | Buffer): string => createHash('md5').update(text).digest('hex');

suite('PutObject', api('PutObject'), {
  'the ETag is the MD5 in quotes': async ({ put, key }) => {
    expect((await put(key(), 'abc')).headers.etag).to.equal(`"${md5('abc')}"`);
  },
  'an empty object is one': async ({ put, get, key }) => {
    const name = key();
    await put(name, '');
    const answer = expectStatus(await get(name), 200);
    expect([answer.headers['content-length'], answer.headers.etag]).to.deep.equal(['0', `"${md5('')}"`]);
  },
  'sizes around what stores cut at come back whole': over(
    { '1': 1, '1023': 1023, '1024': 1024, '1025': 1025, '65535': 65_535, '65537': 65_537, '1048577': 1_048_577 },
    (size) =>
      async ({ put, get, key }) => {
        const name = key();
        const body = Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + (i >> 7)) & 255));
        await put(name, body);
        expect((await get(name)).body.equals(body)).to.equal(true);
      },
  ),
  'a key may hold any character': {
    page: PAGES.keys,
    ...over(
      [
        'a b',
        'a+b',
        'a%b',
        'a%20b',
        'a?b',
        'a#b',
        'a&b=c',
        "a'b(c)*!",
        'ä/日本/🙂',
        './..',
        'a/../b',
        '/a',
        'a//b',
        'a/',
        'a\\b',
        'a\tb',
        'a:b;c,d@e$f',
        '<a>"',
        '~',
        '\u0001',
      ],
      (name) =>
        async ({ put, get, send }) => {
          await put(name, name);
          expect((await get(name)).text).to.equal(name);
          expectStatus(await send('DELETE', name), 204);
          expectStatus(await get(name), 404);
        },
    ),
  },
  'what differs in its percent-encoding only is one key': {
    page: PAGES.keys,
    run: async ({ s3, put, bucket }) => {
      await put('case-ü', 'a');
      expectStatus(await s3.send('GET', { raw: `/${bucket}/case-%c3%bc` }), 200);
      expectStatus(await s3.send('GET', { raw: `/${bucket}/%63ase-%C3%BC` }), 200);
    },
  },
  'a put over an object replaces all that was said of it': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a', { 'x-amz-meta-a': '1', 'cache-control': 'no-store' });
    await put(name, 'b');
    const answer = await get(name);
    expect(answer.text).to.equal('b');
    expect(answer.headers).to.not.have.any.keys('x-amz-meta-a', 'cache-control');
  },
  'headers of the object come back': over(
    {
      'content-type': 'text/plain; charset=x',
      'content-encoding': 'gzip',
      'content-language': 'de, en',
      'content-disposition': 'attachment; filename="a b.txt"',
      'cache-control': 'max-age=60, private',
      expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
      'x-amz-meta-one': 'two three',
    },
    (value, name) =>
      async ({ put, get, head, key }) => {
        const at = key();
        await put(at, 'a', { [name]: value });
        expect((await get(at)).headers[name]).to.equal(value);
        expect((await head(at)).headers[name]).to.equal(value);
      },
  ),
  'without a type it is binary/octet-stream': async ({ put, head, key }) => {
    const name = key();
    await put(name, 'a');
    expect((await head(name)).headers['content-type']).to.equal('binary/octet-stream');
  },
  'aws-chunked is no encoding of the object': {
    page: PAGES.sigv4Streaming,
    ...over<[string, string | undefined]>(
      { alone: ['aws-chunked', undefined], first: ['aws-chunked,gzip', 'gzip'], last: ['gzip, aws-chunked', 'gzip'] },
      ([sent, kept]) =>
        async ({ send, head, key }) => {
          const name = key();
          expectStatus(await send('PUT', name, { body: 'a', payload: 'chunks', headers: { 'content-encoding': sent } }), 200);
          expect((await head(name)).headers['content-encoding']).to.equal(kept);
        },
    ),
  },
  'names of metadata are lower case': {
    page: PAGES.metadata,
    run: async ({ put, get, key }) => {
      const name = key();
      await put(name, 'a', { 'X-Amz-Meta-MiXeD': 'Value' });
      expect((await get(name)).rawHeaders.find(([header]) => header.toLowerCase() === 'x-amz-meta-mixed')?.[1]).to.equal('Value');
    },
  },
  'any name that a header may have is a name of metadata': {
    page: PAGES.metadata,
    ...over(['__proto__', 'constructor', 'my_own.note', "a+b#c!$%&'*^`|~"], (meta) => async ({ put, head, key }) => {
      const name = key();
      await put(name, 'a', { [`x-amz-meta-${meta}`]: 'v' });
      expect((await head(name)).headers[`x-amz-meta-${meta}`]).to.equal('v');
    }),
  },
  'metadata that is not ASCII comes back by RFC 2047': {
    page: PAGES.metadata,
    // The last byte of some letters reads as a space that is no white space of a header.
    ...over(['Grüße 日本', 'СССР'], (text) => async ({ put, head, key }) => {
      const name = key();
      await put(name, 'a', { 'x-amz-meta-name': text });
      expect((await head(name)).headers['x-amz-meta-name']).to.equal(`=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`);
    }),
  },
  'metadata of 2 KB is taken, more is MetadataTooLarge': {
    page: PAGES.metadata,
    run: async ({ put, send, key }) => {
      await put(key(), 'a', { 'x-amz-meta-a': 'v'.repeat(2047) });
      expectError(
        await send('PUT', key(), { body: 'a', headers: { 'x-amz-meta-a': 'v'.repeat(2048) } }),
        400,
        'MetadataTooLarge',
      );
    },
  },
  'a storage class is kept and told': {
    page: PAGES.storageClasses,
    ...over(
      ['STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR', 'REDUCED_REDUNDANCY'],
      (name) =>
        async ({ put, head, key }) => {
          const at = key();
          await put(at, 'a', { 'x-amz-storage-class': name });
          expect((await head(at)).headers['x-amz-storage-class']).to.equal(name);
        },
    ),
  },
  'STANDARD is not told': {
    page: PAGES.storageClasses,
    run: async ({ put, head, key }) => {
      const name = key();
      await put(name, 'a', { 'x-amz-storage-class': 'STANDARD' });
      expect((await head(name)).headers).to.not.have.property('x-amz-storage-class');
    },
  },
  'an unknown storage class is InvalidStorageClass': {
    page: PAGES.storageClasses,
    run: async ({ send, key }) =>
      expectError(
        await send('PUT', key(), { body: 'a', headers: { 'x-amz-storage-class': 'TAPE' } }),
        400,
        'InvalidStorageClass',
      ),
  },
  'a Content-MD5 that is right is taken': async ({ put, key }) =>
    void (await put(key(), 'abc', { 'content-md5': Buffer.from(md5('abc'), 'hex').toString('base64') })),
  'a Content-MD5 that is wrong is BadDigest and stores nothing': async ({ send, get, key }) => {
    const name = key();
    const headers = { 'content-md5': Buffer.from(md5('b'), 'hex').toString('base64') };
    expectError(await send('PUT', name, { body: 'abc', headers }), 400, 'BadDigest');
    expectStatus(await get(name), 404);
  },
  'a Content-MD5 that is none is InvalidDigest': over(
    ['YWJj', 'not base64', 'rL0Y20zC+Fzt72VPzMSk2A'.slice(0, 10)],
    (text) =>
      async ({ send, key }) =>
        expectError(await send('PUT', key(), { body: 'a', headers: { 'content-md5': text } }), 400, 'InvalidDigest'),
  ),
  'a body that is not what was signed is XAmzContentSHA256Mismatch': async ({ send, get, key }) => {
    const name = key();
    const answer = await send('PUT', name, { body: 'abc', tamper: (request) => void (request.body = Buffer.from('abd')) });
    expectError(answer, 400, 'XAmzContentSHA256Mismatch');
    expectStatus(await get(name), 404);
  },
  'x-amz-meta-… of somebody on the way is refused': {
    page: PAGES.sigv4Header,
    run: async ({ send, get, key }) => {
      const name = key();
      const answer = await send('PUT', name, {
        body: 'a',
        tamper: ({ headers }) => void headers.push(['x-amz-meta-injected', '1']),
      });
      expectError(answer, 403, 'AccessDenied');
      expectStatus(await get(name), 404);
    },
  },
  'an absent bucket is NoSuchBucket': async ({ s3 }) =>
    expectError(await s3.send('PUT', '/no-such-bucket-to-put/a', { body: 'a' }), 404, 'NoSuchBucket'),
  'a put of more than 5 GiB is EntityTooLarge': {
    page: PAGES.multipartLimits,
    run: async ({ s3, path, key }) => {
      const request = s3.prepare('PUT', path(key()), {
        payload: 'unsigned',
        headers: { 'content-length': 5 * 2 ** 30 + 1, expect: '100-continue' },
      });
      expectError(await s3.transmit(request), 400, 'EntityTooLarge');
    },
  },
  'of many puts at once to one key one is whole': async ({ put, get, key }) => {
    const name = key();
    const bodies = Array.from({ length: 8 }, (_, i) => Buffer.alloc(70_000, `${i}`));
    await Promise.all(bodies.map((body) => put(name, body)));
    const { body } = await get(name);
    expect(bodies.some((one) => one.equals(body))).to.equal(true);
  },
  'x-amz-acl private is taken': async ({ put, key }) => void (await put(key(), 'a', { 'x-amz-acl': 'private' })),
});
