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

suite('conditions on a write', PAGES.conditionalWrites, {
  'If-None-Match: * stores where nothing is': async ({ put, key }) => void (await put(key(), 'a', { 'if-none-match': '*' })),
  'If-None-Match: * is PreconditionFailed where something is': async ({ put, send, get, key }) => {
    const name = key();
    await put(name, 'a');
    const answer = await send('PUT', name, { body: 'b', headers: { 'if-none-match': '*' } });
    expectError(answer, 412, 'PreconditionFailed');
    expect(answer.xml().value('Condition')).to.equal('If-None-Match');
    expect((await get(name)).text).to.equal('a');
  },
  'If-None-Match: * stores again where something was': async ({ put, send, key }) => {
    const name = key();
    await put(name, 'a');
    await send('DELETE', name);
    await put(name, 'b', { 'if-none-match': '*' });
  },
  'If-None-Match of an ETag is NotImplemented': async ({ send, key }) =>
    expectError(await send('PUT', key(), { body: 'a', headers: { 'if-none-match': '"abc"' } }), 501, 'NotImplemented'),
  'If-Match of the ETag that is there stores': over(
    { quoted: (etag: string) => etag, bare: (etag: string) => etag.replaceAll('"', '') },
    (form) =>
      async ({ put, key }) => {
        const name = key();
        const { headers } = await put(name, 'a');
        await put(name, 'b', { 'if-match': form(headers.etag ?? '') });
      },
  ),
  'If-Match of another is PreconditionFailed': async ({ put, send, get, key }) => {
    const name = key();
    await put(name, 'a');
    expectError(await send('PUT', name, { body: 'b', headers: { 'if-match': '"0"' } }), 412, 'PreconditionFailed');
    expect((await get(name)).text).to.equal('a');
  },
  'If-Match where nothing is, is NoSuchKey': async ({ send, key }) =>
    expectError(await send('PUT', key(), { body: 'b', headers: { 'if-match': '"0"' } }), 404, 'NoSuchKey'),
  'of ten that race with If-None-Match: * one wins': async ({ send, key }) => {
    const name = key();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => send('PUT', name, { body: `${i}`, headers: { 'if-none-match': '*' } })),
    );
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    expect(answers.every(({ status }) => [200, 409, 412].includes(status))).to.equal(true);
  },
  'of ten that race with one If-Match one wins': async ({ put, send, key }) => {
    const name = key();
    const { headers } = await put(name, 'a');
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => send('PUT', name, { body: `new ${i}`, headers: { 'if-match': headers.etag ?? '' } })),
    );
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
  },
  'a failed condition on a large body is told before the body': async ({ s3, put, path, key }) => {
    const name = key();
    await put(name, 'a');
    const request = s3.prepare('PUT', path(name), {
      payload: 'unsigned',
      headers: { 'content-length': 10_000_000, 'if-none-match': '*', expect: '100-continue' },
    });
    expect((await s3.transmit(request)).status).to.equal(412);
  },
});

suite('GetObject and HeadObject', api('GetObject'), {
  'say length, ETag, time, ranges and type': async ({ put, get, head, key }) => {
    const name = key();
    await put(name, 'abc');
    for (const { headers } of [await get(name), await head(name)]) {
      expect(headers['content-length']).to.equal('3');
      expect(headers.etag).to.equal(`"${md5('abc')}"`);
      expect(headers['accept-ranges']).to.equal('bytes');
      expect(headers['last-modified']).to.match(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
    }
  },
  'HEAD has no body': async ({ put, head, key }) => {
    const name = key();
    await put(name, 'abc');
    expect((await head(name)).body.length).to.equal(0);
  },
  'a range is answered with 206 and what it is of': {
    page: PAGES.ranges,
    ...over<[string, string, string]>(
      {
        'from and to': ['bytes=2-4', '234', 'bytes 2-4/10'],
        'from on': ['bytes=7-', '789', 'bytes 7-9/10'],
        'the last bytes': ['bytes=-3', '789', 'bytes 7-9/10'],
        'past the end': ['bytes=8-100', '89', 'bytes 8-9/10'],
        'more than all from the end': ['bytes=-100', '0123456789', 'bytes 0-9/10'],
        'one byte': ['bytes=0-0', '0', 'bytes 0-0/10'],
      },
      ([range, text, shown]) =>
        async ({ put, get, key }) => {
          const name = key();
          await put(name, '0123456789');
          const answer = expectStatus(await get(name, { headers: { range } }), 206);
          expect([answer.text, answer.headers['content-range'], answer.headers['content-length']]).to.deep.equal([
            text,
            shown,
            String(text.length),
          ]);
        },
    ),
  },
  'HEAD of a range says 206': {
    page: PAGES.ranges,
    run: async ({ put, head, key }) => {
      const name = key();
      await put(name, '0123456789');
      const { status, headers } = await head(name, { headers: { range: 'bytes=2-4' } });
      expect([status, headers['content-length'], headers['content-range']]).to.deep.equal([206, '3', 'bytes 2-4/10']);
    },
  },
  'a range that covers nothing is InvalidRange and says the size': {
    page: PAGES.ranges,
    ...over(['bytes=10-', 'bytes=50-60', 'bytes=-0'], (range) => async ({ put, get, key }) => {
      const name = key();
      await put(name, '0123456789');
      const answer = await get(name, { headers: { range } });
      expectError(answer, 416, 'InvalidRange');
      expect(answer.xml().value('ActualObjectSize')).to.equal('10');
    }),
  },
  'a range of an empty object is InvalidRange': {
    page: PAGES.ranges,
    run: async ({ put, get, key }) => {
      const name = key();
      await put(name, '');
      expectError(await get(name, { headers: { range: 'bytes=0-0' } }), 416, 'InvalidRange');
    },
  },
  'a range that cannot be read is as if it were not there': {
    page: PAGES.ranges,
    ...over(['bytes=4-2', 'bytes=a-b', 'lines=1-2', 'bytes', 'bytes=1-2-3'], (range) => async ({ put, get, key }) => {
      const name = key();
      await put(name, '0123456789');
      expectStatus(await get(name, { headers: { range } }), 200);
    }),
  },
  'several ranges are answered with the whole': {
    page: PAGES.ranges,
    run: async ({ put, get, key }) => {
      const name = key();
      await put(name, '0123456789');
      const answer = await get(name, { headers: { range: 'bytes=0-1,4-5' } });
      expect([200, 206]).to.include(answer.status);
    },
  },
  'response-… replace headers of the answer': over(
    {
      'content-type': 'text/x-new',
      'content-language': 'fr',
      expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
      'cache-control': 'no-cache',
      'content-disposition': 'attachment; filename="neu"',
      'content-encoding': 'identity',
    },
    (value, name) =>
      async ({ put, get, key }) => {
        const at = key();
        await put(at, 'a', { 'content-type': 'a/b' });
        expect((await get(at, { query: { [`response-${name}`]: value } })).headers[name]).to.equal(value);
        expect((await get(at)).headers['content-type']).to.equal('a/b');
      },
  ),
  'response-… of an anonymous request are refused': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    const answer = await get(name, { auth: 'none', query: { 'response-content-type': 'a/b' } });
    expect([400, 403]).to.include(answer.status);
  },
  'a line break in response-… is refused': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    const answer = await get(name, { query: { 'response-content-type': 'a/b\r\nx-injected: 1' } });
    expect(answer.headers).to.not.have.property('x-injected');
    expect(answer.status).to.equal(400);
  },
  'torrents are no more': {
    page: api('GetObjectTorrent'),
    run: async ({ put, get, key }) => {
      const name = key();
      await put(name, 'a');
      const answer = await get(name, { query: 'torrent' });
      expect([405, 501]).to.include(answer.status);
    },
  },
  'a body is the same however it is asked for': async ({ put, get, key }) => {
    const name = key();
    const body = Buffer.alloc(300_000, 'some text that goes on ');
    await put(name, body);
    const pieces = await Promise.all(
      [0, 1, 2].map((i) => get(name, { headers: { range: `bytes=${i * 100_000}-${i * 100_000 + 99_999}` } })),
    );
    expect(Buffer.concat(pieces.map((piece) => piece.body)).equals(body)).to.equal(true);
  },
});

suite('conditions on a read', PAGES.conditionalReads, {
  'If-Match of the ETag reads, of another is PreconditionFailed': over(
    ['GET', 'HEAD'],
    (method) =>
      async ({ put, send, key }) => {
        const name = key();
        const etag = (await put(name, 'a')).headers.etag ?? '';
        expectStatus(await send(method, name, { headers: { 'if-match': etag } }), 200);
        expectStatus(await send(method, name, { headers: { 'if-match': '"0"' } }), 412);
        expectStatus(await send(method, name, { headers: { 'if-match': '*' } }), 200);
      },
  ),
  'If-None-Match of the ETag is 304 with the ETag and no body': over(['GET', 'HEAD'], (method) => async ({ put, send, key }) => {
    const name = key();
    const etag = (await put(name, 'a')).headers.etag ?? '';
    const answer = expectStatus(await send(method, name, { headers: { 'if-none-match': etag } }), 304);
    expect([answer.headers.etag, answer.body.length]).to.deep.equal([etag, 0]);
    expectStatus(await send(method, name, { headers: { 'if-none-match': '"0"' } }), 200);
  }),
  'one of several ETags is enough': async ({ put, get, key }) => {
    const name = key();
    const etag = (await put(name, 'a')).headers.etag ?? '';
    expectStatus(await get(name, { headers: { 'if-match': `"0", ${etag}` } }), 200);
    expectStatus(await get(name, { headers: { 'if-none-match': `"0",${etag}` } }), 304);
  },
  'If-Modified-Since the last change is 304': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    const modified = (await get(name)).headers['last-modified'] ?? '';
    expectStatus(await get(name, { headers: { 'if-modified-since': modified } }), 304);
    expectStatus(await get(name, { headers: { 'if-modified-since': 'Mon, 01 Jan 2001 00:00:00 GMT' } }), 200);
  },
  'If-Unmodified-Since before the last change is PreconditionFailed': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    const modified = (await get(name)).headers['last-modified'] ?? '';
    expectStatus(await get(name, { headers: { 'if-unmodified-since': modified } }), 200);
    expectError(
      await get(name, { headers: { 'if-unmodified-since': 'Mon, 01 Jan 2001 00:00:00 GMT' } }),
      412,
      'PreconditionFailed',
    );
  },
  'If-Match that holds goes before If-Unmodified-Since': async ({ put, get, key }) => {
    const name = key();
    const etag = (await put(name, 'a')).headers.etag ?? '';
    expectStatus(await get(name, { headers: { 'if-match': etag, 'if-unmodified-since': 'Mon, 01 Jan 2001 00:00:00 GMT' } }), 200);
  },
  'If-None-Match that fails goes before If-Modified-Since': async ({ put, get, key }) => {
    const name = key();
    const etag = (await put(name, 'a')).headers.etag ?? '';
    expectStatus(
      await get(name, { headers: { 'if-none-match': etag, 'if-modified-since': 'Mon, 01 Jan 2001 00:00:00 GMT' } }),
      304,
    );
  },
  'a date that is none is as if it were not there': over(
    ['if-modified-since', 'if-unmodified-since'],
    (header) =>
      async ({ put, get, key }) => {
        const name = key();
        await put(name, 'a');
        expectStatus(await get(name, { headers: { [header]: 'yesterday' } }), 200);
      },
  ),
  'a condition on what is not there is NoSuchKey': async ({ get, key }) =>
    expectError(await get(key(), { headers: { 'if-match': '"0"' } }), 404, 'NoSuchKey'),
  'a condition and a range go together': async ({ put, get, key }) => {
    const name = key();
    const etag = (await put(name, '0123')).headers.etag ?? '';
    expectStatus(await get(name, { headers: { 'if-match': etag, range: 'bytes=1-2' } }), 206);
    expectStatus(await get(name, { headers: { 'if-none-match': etag, range: 'bytes=1-2' } }), 304);
  },
});

suite('DeleteObject', api('DeleteObject'), {
  'answers 204 and the object is gone': async ({ put, send, get, key }) => {
    const name = key();
    await put(name, 'a');
    const answer = expectStatus(await send('DELETE', name), 204);
    expect(answer.body.length).to.equal(0);
    expectStatus(await get(name), 404);
  },
  'deleting what is absent succeeds': async ({ send, key }) => void expectStatus(await send('DELETE', key()), 204),
  'an absent bucket is NoSuchBucket': async ({ s3 }) =>
    expectError(await s3.send('DELETE', '/no-such-bucket-to-delete-in/a'), 404, 'NoSuchBucket'),
  'only that key goes': async ({ put, send, get, key }) => {
    const name = key();
    for (const one of [name, `${name}/b`, `${name}b`]) await put(one, 'a');
    await send('DELETE', name);
    expectStatus(await get(`${name}/b`), 200);
    expectStatus(await get(`${name}b`), 200);
  },
  'If-Match of the ETag deletes': {
    page: PAGES.conditionalDeletes,
    run: async ({ put, send, get, key }) => {
      const name = key();
      const { headers } = await put(name, 'a');
      expectStatus(await send('DELETE', name, { headers: { 'if-match': headers.etag } }), 204);
      expectStatus(await get(name), 404);
    },
  },
  'If-Match of another deletes nothing': {
    page: PAGES.conditionalDeletes,
    run: async ({ put, send, get, key }) => {
      const name = key();
      await put(name, 'a');
      expectError(await send('DELETE', name, { headers: { 'if-match': '"0"' } }), 412, 'PreconditionFailed');
      expectStatus(await get(name), 200);
    },
  },
  'If-Match: * deletes what is there': {
    page: PAGES.conditionalDeletes,
    run: async ({ put, send, key }) => {
      const name = key();
      await put(name, 'a');
      expectStatus(await send('DELETE', name, { headers: { 'if-match': '*' } }), 204);
    },
  },
  'If-Match on what is absent succeeds': async ({ send, key }) =>
    void expectStatus(await send('DELETE', key(), { headers: { 'if-match': '"0"' } }), 204),
  'the size decides': async ({ put, send, get, key }) => {
    const name = key();
    await put(name, 'abc');
    expectError(await send('DELETE', name, { headers: { 'x-amz-if-match-size': '4' } }), 412, 'PreconditionFailed');
    expectStatus(await get(name), 200);
    expectStatus(await send('DELETE', name, { headers: { 'x-amz-if-match-size': '3' } }), 204);
  },
  'the time of the last change decides': async ({ put, send, head, key }) => {
    const name = key();
    await put(name, 'abc');
    const modified = (await head(name)).headers['last-modified'] ?? '';
    const before = 'Mon, 01 Jan 2001 00:00:00 GMT';
    expectError(
      await send('DELETE', name, { headers: { 'x-amz-if-match-last-modified-time': before } }),
      412,
      'PreconditionFailed',
    );
    expectStatus(await send('DELETE', name, { headers: { 'x-amz-if-match-last-modified-time': modified } }), 204);
  },
  'of five that race with one If-Match the object goes once': async ({ put, send, get, key }) => {
    const name = key();
    const { headers } = await put(name, 'a');
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => send('DELETE', name, { headers: { 'if-match': headers.etag } })),
    );
    expect(answers.every(({ status }) => status === 204)).to.equal(true);
    expectStatus(await get(name), 404);
  },
});
