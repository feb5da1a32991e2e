import { expect } from 'chai';
import { headOf } from './harness/client.ts';
import { PAGES } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

const ago = (ms: number): Date => new Date(Date.now() - ms);

const BODY = Buffer.from('The body of a request that is signed chunk by chunk.');

suite('streaming signatures', PAGES.sigv4Streaming, {
  'chunks of 8 KiB and more make the body': over(
    { '8 KiB': 8192, '8 KiB and one': 8193, 'all at once': 30_000 },
    (chunkBytes) =>
      async ({ send, get, key }) => {
        const [name, body] = [key(), Buffer.alloc(20_000, BODY)];
        expectStatus(await send('PUT', name, { body, payload: 'chunks', chunkBytes }), 200);
        expect((await get(name)).body.equals(body)).to.equal(true);
      },
  ),
  // AWS wants 8 KiB of every chunk but the last. We take what comes: clients that were not written for AWS alone send less.
  'smaller ones make it too': over({ 1: 1, 7: 7, 64: 64 }, (chunkBytes) => async ({ gateway, send, get, key }) => {
    if (gateway === null) return;
    const name = key();
    expectStatus(await send('PUT', name, { body: BODY, payload: 'chunks', chunkBytes }), 200);
    expect((await get(name)).body.equals(BODY)).to.equal(true);
  }),
  'an empty body is one chunk of nothing': over(
    ['chunks', 'chunks-trailer', 'unsigned-trailer'] as const,
    (payload) =>
      async ({ send, get, key }) => {
        const name = key();
        expectStatus(await send('PUT', name, { body: '', payload }), 200);
        expect((await get(name)).headers['content-length']).to.equal('0');
      },
  ),
  'a byte that is changed is SignatureDoesNotMatch': async ({ send, get, key }) => {
    const name = key();
    const tamper = (request: { body: Buffer }): void => {
      request.body = Buffer.from(request.body.toString('latin1').replace('signed', 'forged'), 'latin1');
    };
    expectError(await send('PUT', name, { body: BODY, payload: 'chunks', tamper }), 403, 'SignatureDoesNotMatch');
    expectStatus(await get(name), 404);
  },
  'chunks in another order are SignatureDoesNotMatch': async ({ send, get, key }) => {
    const name = key();
    const tamper = (request: { body: Buffer }): void => {
      const size = Buffer.from('4;chunk-signature=').length + 64 + 2 + 4 + 2;
      const [first, second] = [request.body.subarray(0, size), request.body.subarray(size, 2 * size)];
      request.body = Buffer.concat([second, first, request.body.subarray(2 * size)]);
    };
    expectError(await send('PUT', name, { body: BODY, payload: 'chunks', chunkBytes: 4, tamper }), 403, 'SignatureDoesNotMatch');
    expectStatus(await get(name), 404);
  },
  'chunks of another request are SignatureDoesNotMatch': {
    page: PAGES.sigv4Streaming,
    run: async ({ s3, send, path, get, key }) => {
      const [one, two] = [key(), key()];
      const recorded = s3.prepare('PUT', path(one), { body: BODY, payload: 'chunks', at: ago(2000) });
      expectStatus(await s3.transmit(recorded), 200);
      const answer = await send('PUT', two, {
        body: BODY,
        payload: 'chunks',
        tamper: (request) => void (request.body = recorded.body),
      });
      expectError(answer, 403, 'SignatureDoesNotMatch');
      expectStatus(await get(two), 404);
    },
  },
  'a body without its last chunk is IncompleteBody': async ({ send, get, key }) => {
    const name = key();
    const tamper = (request: { body: Buffer; headers: [string, string][] }): void => {
      request.body = request.body.subarray(0, request.body.lastIndexOf('0;chunk-signature'));
      for (const header of request.headers) if (header[0] === 'Content-Length') header[1] = String(request.body.length);
    };
    expectError(await send('PUT', name, { body: BODY, payload: 'chunks', tamper }), 400, 'IncompleteBody');
    expectStatus(await get(name), 404);
  },
  "a decoded length that is not the body's is refused": over({ shorter: -1, longer: 1 }, (by) => async ({ send, get, key }) => {
    const name = key();
    const headers = { 'x-amz-decoded-content-length': BODY.length + by };
    expectError(await send('PUT', name, { body: BODY, payload: 'chunks', headers }), 400, 'IncompleteBody');
    expectStatus(await get(name), 404);
  }),
  'without a decoded length it is MissingContentLength': async ({ send, key }) => {
    const tamper = (request: { headers: [string, string][] }): void => {
      request.headers = request.headers.filter(([name]) => name !== 'x-amz-decoded-content-length');
    };
    const answer = await send('PUT', key(), {
      body: BODY,
      payload: 'unsigned-trailer',
      tamper,
      signedHeaders: ['host', 'x-amz-content-sha256', 'x-amz-date'],
    });
    expect([403, 411]).to.include(answer.status);
  },
  'a frame that is none is IncompleteBody': over(
    {
      'no size': 'hello\r\n',
      'a size that is none': 'zz\r\nab\r\n0\r\n\r\n',
      'no line end behind a chunk': '2\r\nab0\r\n\r\n',
      'an endless line': 'a'.repeat(5000),
    },
    (frame) =>
      async ({ send, get, key }) => {
        const name = key();
        const tamper = (request: { body: Buffer; headers: [string, string][] }): void => {
          request.body = Buffer.from(frame);
          for (const header of request.headers) if (header[0] === 'Content-Length') header[1] = String(frame.length);
        };
        expectError(await send('PUT', name, { body: 'ab', payload: 'unsigned-trailer', tamper }), 400, 'IncompleteBody');
        expectStatus(await get(name), 404);
      },
  ),
  'a trailer that is none, or another than was named, is MalformedTrailerError': over(
    {
      'no name': ':aaaa\r\n',
      'no colon': 'x-amz-checksum-crc32\r\n',
      'none at all': '',
      'another checksum': 'x-amz-checksum-sha1:qZk+NkcGgWq6PiVxeFDCbJzQ2J0=\r\n',
    },
    (trailer) =>
      async ({ send, get, key }) => {
        const name = key();
        const tamper = (request: { body: Buffer; headers: [string, string][] }): void => {
          request.body = Buffer.from(`3\r\nabc\r\n0\r\n${trailer}\r\n`);
          for (const header of request.headers) if (header[0] === 'Content-Length') header[1] = String(request.body.length);
        };
        const headers = { 'x-amz-trailer': 'x-amz-checksum-crc32' };
        const answer = await send('PUT', name, { body: 'abc', payload: 'unsigned-trailer', headers, tamper });
        expectError(answer, 400, 'MalformedTrailerError');
        expectStatus(await get(name), 404);
      },
  ),
  // As minio-go writes it (its request-signature-streaming.go), and with it mc and restic where they add a trailer.
  'a blank line before the signature of the trailers is passed over': async ({ gateway, send, get, key }) => {
    if (gateway === null) return;
    const name = key();
    const tamper = (request: { body: Buffer; headers: [string, string][] }): void => {
      const text = request.body.toString('latin1');
      request.body = Buffer.from(text.replace(/\r?\nx-amz-trailer-signature:/, '\n\r\nx-amz-trailer-signature:'), 'latin1');
      expect(request.body.length).to.be.above(text.length);
      for (const header of request.headers) if (header[0] === 'Content-Length') header[1] = String(request.body.length);
    };
    expectStatus(await send('PUT', name, { body: BODY, payload: 'chunks-trailer', tamper }), 200);
    expect((await get(name)).body.equals(BODY)).to.equal(true);
    const forged = (request: { body: Buffer; headers: [string, string][] }): void => {
      tamper(request);
      request.body = Buffer.from(request.body.toString('latin1').replace(/signature:../, 'signature:zz'), 'latin1');
    };
    expectError(
      await send('PUT', `${name}-forged`, { body: BODY, payload: 'chunks-trailer', tamper: forged }),
      403,
      'SignatureDoesNotMatch',
    );
    expectStatus(await get(`${name}-forged`), 404);
  },
  'a blank line more at the end is passed over, and nothing else': async ({ gateway, send, get, key }) => {
    if (gateway === null) return;
    const ends = (more: string) => (request: { body: Buffer; headers: [string, string][] }) => {
      request.body = Buffer.concat([request.body, Buffer.from(more)]);
      for (const header of request.headers) if (header[0] === 'Content-Length') header[1] = String(request.body.length);
    };
    for (const payload of ['unsigned-trailer', 'chunks-trailer', 'chunks'] as const) {
      const name = key();
      expectStatus(await send('PUT', name, { body: BODY, payload, tamper: ends('\r\n') }), 200);
      expect((await get(name)).body.equals(BODY)).to.equal(true);
    }
    for (const more of ['\r\n\r\n\r\n\r\n\r\n', '\r\na', '0\r\n\r\n'])
      expectError(await send('PUT', key(), { body: BODY, payload: 'chunks-trailer', tamper: ends(more) }), 400, 'IncompleteBody');
  },
  'an unsigned chunk in a signed stream is refused': async ({ send, get, key }) => {
    const name = key();
    const tamper = (request: { body: Buffer; headers: [string, string][] }): void => {
      request.body = Buffer.from('2\r\nab\r\n0\r\n\r\n');
      for (const header of request.headers) if (header[0] === 'Content-Length') header[1] = String(request.body.length);
    };
    const answer = await send('PUT', name, { body: 'ab', payload: 'chunks', tamper });
    expect([400, 403]).to.include(answer.status);
    expectStatus(await get(name), 404);
  },
  "an unsigned trailer of an unsigned request is nobody's": async ({ send, get, key }) => {
    const name = key();
    const headers = { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' };
    expectError(await send('PUT', name, { body: 'a', payload: 'unsigned-trailer', auth: 'none', headers }), 403, 'AccessDenied');
    expectStatus(await get(name), 404);
  },
  'an unsigned trailer with a wrong signature is SignatureDoesNotMatch': async ({ s3, send, get, key }) => {
    const name = key();
    const keys = { ...s3.keys, secretAccessKey: 'wrong' };
    expectError(await send('PUT', name, { body: 'a', payload: 'unsigned-trailer', keys }), 403, 'SignatureDoesNotMatch');
    expectStatus(await get(name), 404);
  },
  'a client that waits is told of a wrong signature before its body': async ({ s3, path, key }) => {
    const wire = await s3.open();
    const keys = { ...s3.keys, secretAccessKey: 'wrong' };
    wire.write(
      headOf(s3.prepare('PUT', path(key()), { body: BODY, payload: 'chunks', keys, headers: { Expect: '100-continue' } })),
    );
    expect(await wire.firstStatus()).to.equal(403);
    wire.destroy();
  },
});
