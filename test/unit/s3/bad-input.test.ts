import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { expect } from 'chai';
import { canonicalQuery, canonicalRequest, createSigners, stringToSign } from '#protocols/s3/sigv4';
import { decodePath, encodeUri, parseQuery } from '#protocols/s3/uri';
import { presign } from '../../support/presign.ts';
import { KEY, type Rig, startRig } from './memory-rooms.ts';

interface Wire {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: Buffer | string;
  /** What x-amz-content-sha256 says; the body's hash by default. */
  payload?: string;
  at?: number;
  secret?: string;
  accessKeyId?: string;
  region?: string;
  anonymous?: boolean;
  /** Ends the connection after the bytes given, whatever content-length said. */
  cutShort?: boolean;
}

describe('S3 door, bad input on the wire', () => {
  let rig: Rig;
  const signers = createSigners();

  before(async () => {
    rig = await startRig();
    await send({ method: 'PUT', path: '/bucket' });
    await send({ method: 'PUT', path: '/bucket/kept', body: 'kept' });
  });
  after(() => rig.close());

  function render(wire: Wire): Buffer {
    const { method = 'GET', path, body = '', at = Date.now(), region = 'us-east-1' } = wire;
    const stamp = new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const payload = wire.payload ?? createHash('sha256').update(body).digest('hex');
    const headers: Record<string, string> = {
      host: `127.0.0.1:${rig.port}`,
      ...(wire.anonymous ? {} : { 'x-amz-date': stamp, 'x-amz-content-sha256': payload }),
      ...(method === 'GET' || method === 'HEAD' ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      ...wire.headers,
    };
    if (!wire.anonymous) {
      const names = Object.keys(headers)
        .filter((name) => name === 'host' || name.startsWith('x-amz-'))
        .sort();
      const scope = { date: stamp.slice(0, 8), region };
      const [rawPath = '', query = ''] = path.split('?');
      const request = { method, path: rawPath, query: parseQuery(query), header: (name: string) => headers[name] ?? '' };
      let decoded = rawPath;
      try {
        decoded = encodeUri(decodePath(rawPath), true);
      } catch {
        // the server refuses the path before it looks at the signature
      }
      const text = stringToSign(stamp, scope, canonicalRequest(request, decoded, names, payload));
      const signature = signers(wire.secret ?? KEY.secretAccessKey, scope).sign(text);
      headers.authorization = `AWS4-HMAC-SHA256 Credential=${wire.accessKeyId ?? KEY.accessKeyId}/${scope.date}/${region}/s3/aws4_request, SignedHeaders=${names.join(';')}, Signature=${signature}`;
    }
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${head.join('')}\r\n`, 'latin1'), Buffer.from(body)]);
  }

  /** One request on a connection of its own; gives the whole answer. */
  function raw(bytes: Buffer, cutShort = false): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(rig.port, '127.0.0.1');
      let answer = '';
      const done = (): void => {
        socket.destroy();
        resolve(answer);
      };
      // An answer that is never whole: what came of it is looked at.
      socket.setTimeout(20_000, done);
      socket.on('error', reject);
      socket.on('close', () => resolve(answer));
      socket.on('data', (chunk) => {
        answer += chunk.toString('latin1');
        const last = answer.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
        const end = last.indexOf('\r\n\r\n');
        const length = /content-length: (\d+)/i.exec(last)?.[1];
        if (end >= 0 && (/304|204/.test(last.slice(9, 12)) || last.length >= end + 4 + Number(length ?? 0))) done();
      });
      if (cutShort) socket.end(bytes);
      else socket.write(bytes);
    });
  }

  async function send(wire: Wire): Promise<{ status: number; code: string; text: string }> {
    const text = await raw(render(wire), wire.cutShort);
    return { status: Number(text.slice(9, 12)), code: /<Code>(\w+)</.exec(text)?.[1] ?? '', text };
  }

  const cases: [name: string, wire: () => Wire, status: number, code: string][] = [
    ['an anonymous request', () => ({ path: '/bucket/kept', anonymous: true }), 403, 'AccessDenied'],
    ['an unknown access key', () => ({ path: '/bucket/kept', accessKeyId: 'NOBODY' }), 403, 'InvalidAccessKeyId'],
    ['a wrong secret', () => ({ path: '/bucket/kept', secret: 'wrong' }), 403, 'SignatureDoesNotMatch'],
    ['a clock 16 minutes off', () => ({ path: '/bucket/kept', at: Date.now() - 960_000 }), 403, 'RequestTimeTooSkewed'],
    ['another region', () => ({ path: '/bucket/kept', region: 'eu-west-1' }), 400, 'AuthorizationHeaderMalformed'],
    [
      'a malformed Authorization',
      () => ({ path: '/bucket', anonymous: true, headers: { authorization: 'AWS4-HMAC-SHA256 x' } }),
      400,
      'AuthorizationHeaderMalformed',
    ],
    [
      'signature version 2',
      () => ({ path: '/bucket', anonymous: true, headers: { authorization: 'AWS a:b' } }),
      400,
      'InvalidRequest',
    ],
    ['a payload hash that is none', () => ({ path: '/bucket', payload: 'nonsense' }), 400, 'InvalidArgument'],
    [
      'a body that is not the signed one',
      () => ({ method: 'PUT', path: '/bucket/bad', body: 'x', payload: createHash('sha256').update('y').digest('hex') }),
      400,
      'XAmzContentSHA256Mismatch',
    ],
    [
      'a wrong Content-MD5',
      () => ({ method: 'PUT', path: '/bucket/bad', body: 'x', headers: { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' } }),
      400,
      'BadDigest',
    ],
    [
      'a Content-MD5 that is none',
      () => ({ method: 'PUT', path: '/bucket/bad', body: 'x', headers: { 'content-md5': 'abc' } }),
      400,
      'InvalidDigest',
    ],
    [
      'a wrong checksum',
      () => ({ method: 'PUT', path: '/bucket/bad', body: 'x', headers: { 'x-amz-checksum-crc32': 'AAAAAA==' } }),
      400,
      'BadDigest',
    ],
    [
      'a checksum that is none',
      () => ({ method: 'PUT', path: '/bucket/bad', body: 'x', headers: { 'x-amz-checksum-crc32': 'A' } }),
      400,
      'InvalidRequest',
    ],
    [
      'two checksums',
      () => ({
        method: 'PUT',
        path: '/bucket/bad',
        body: 'x',
        headers: { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-crc32c': 'AAAAAA==' },
      }),
      400,
      'InvalidRequest',
    ],
    [
      'an aws-chunked body without its length',
      () => ({ method: 'PUT', path: '/bucket/bad', body: '0\r\n\r\n', payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }),
      411,
      'MissingContentLength',
    ],
    [
      'an aws-chunked body of another length',
      () => ({
        method: 'PUT',
        path: '/bucket/bad',
        body: '1\r\nx\r\n0\r\n\r\n',
        payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        headers: { 'x-amz-decoded-content-length': '2' },
      }),
      400,
      'IncompleteBody',
    ],
    [
      'a trailer that was promised and is missing',
      () => ({
        method: 'PUT',
        path: '/bucket/bad',
        body: '1\r\nx\r\n0\r\n\r\n',
        payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        headers: { 'x-amz-decoded-content-length': '1', 'x-amz-trailer': 'x-amz-checksum-crc32' },
      }),
      400,
      'MalformedTrailerError',
    ],
    [
      'a wrong trailer',
      () => ({
        method: 'PUT',
        path: '/bucket/bad',
        body: '1\r\nx\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n',
        payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        headers: { 'x-amz-decoded-content-length': '1', 'x-amz-trailer': 'x-amz-checksum-crc32' },
      }),
      400,
      'BadDigest',
    ],
    ['a key of 1,025 bytes', () => ({ method: 'PUT', path: `/bucket/${'k'.repeat(1025)}`, body: 'x' }), 400, 'KeyTooLongError'],
    ['a NUL in the key', () => ({ method: 'PUT', path: '/bucket/a%00b', body: 'x' }), 400, 'InvalidURI'],
    ['invalid UTF-8 in the key', () => ({ method: 'PUT', path: '/bucket/%ff', body: 'x' }), 400, 'InvalidURI'],
    ['an unknown bucket', () => ({ method: 'PUT', path: '/absent/k', body: 'x' }), 404, 'NoSuchBucket'],
    ['a bad bucket name', () => ({ method: 'PUT', path: '/AB' }), 400, 'InvalidBucketName'],
    [
      'metadata over 2 KB',
      () => ({ method: 'PUT', path: '/bucket/bad', body: 'x', headers: { 'x-amz-meta-a': 'v'.repeat(2048) } }),
      400,
      'MetadataTooLarge',
    ],
    [
      'an unknown storage class',
      () => ({ method: 'PUT', path: '/bucket/bad', body: 'x', headers: { 'x-amz-storage-class': 'BOGUS' } }),
      400,
      'InvalidStorageClass',
    ],
    [
      'a PUT over 5 GiB',
      () => ({ method: 'PUT', path: '/bucket/bad', headers: { 'content-length': '5368709121' } }),
      400,
      'EntityTooLarge',
    ],
    [
      'malformed XML',
      () => ({
        method: 'POST',
        path: '/bucket?delete',
        body: '<Delete><Object>',
        headers: { 'content-md5': createHash('md5').update('<Delete><Object>').digest('base64') },
      }),
      400,
      'MalformedXML',
    ],
    [
      'a DOCTYPE',
      () => ({
        method: 'POST',
        path: '/bucket?delete',
        body: '<!DOCTYPE a><Delete/>',
        headers: { 'content-md5': createHash('md5').update('<!DOCTYPE a><Delete/>').digest('base64') },
      }),
      400,
      'MalformedXML',
    ],
    [
      'an XML body over 2 MiB',
      () => ({ method: 'POST', path: '/bucket?delete', headers: { 'content-length': '2097153' } }),
      400,
      'MaxMessageLengthExceeded',
    ],
    [
      'DeleteObjects without a digest',
      () => ({ method: 'POST', path: '/bucket?delete', body: '<Delete><Object><Key>a</Key></Object></Delete>' }),
      400,
      'InvalidRequest',
    ],
    ['a range past the end', () => ({ path: '/bucket/kept', headers: { range: 'bytes=4-' } }), 416, 'InvalidRange'],
    ['max-keys that is no number', () => ({ path: '/bucket?max-keys=x' }), 400, 'InvalidArgument'],
    ['a negative max-keys', () => ({ path: '/bucket?max-keys=-1' }), 400, 'InvalidArgument'],
    ['part number 0', () => ({ method: 'PUT', path: '/bucket/k?partNumber=0&uploadId=a', body: 'x' }), 400, 'InvalidArgument'],
    ['a bad version id', () => ({ path: '/bucket/kept?versionId=x' }), 400, 'InvalidArgument'],
    [
      'a subresource that does not go with the request',
      () => ({ method: 'DELETE', path: '/bucket?analytics' }),
      400,
      'InvalidArgument',
    ],
    ['a method that is none', () => ({ method: 'PATCH', path: '/bucket/kept' }), 405, 'MethodNotAllowed'],
    ['an operation that is not written', () => ({ path: '/bucket/kept?torrent' }), 501, 'NotImplemented'],
    [
      'a header that would be injected',
      () => ({ path: '/bucket/kept?response-content-type=a%0d%0ax-evil:1' }),
      400,
      'InvalidArgument',
    ],
    ['OPTIONS without an origin', () => ({ method: 'OPTIONS', path: '/bucket/kept', anonymous: true }), 400, 'BadRequest'],
    [
      'CORS without a rule',
      () => ({
        method: 'OPTIONS',
        path: '/bucket/kept',
        anonymous: true,
        headers: { origin: 'http://a', 'access-control-request-method': 'GET' },
      }),
      403,
      'AccessForbidden',
    ],
  ];
  for (const [name, wire, status, code] of cases) {
    it(`refuses ${name} with ${status} ${code}, and stores nothing`, async () => {
      const before = rig.stored.size;
      const answer = await send(wire());
      expect([answer.status, answer.code], answer.text).to.deep.equal([status, code]);
      expect(rig.stored.size).to.equal(before);
      expect(answer.text)
        .to.match(/content-type: application\/xml/i)
        .and.not.match(/\.ts:\d+/);
      const id = /x-amz-request-id: (\w+)/.exec(answer.text)?.[1];
      expect(answer.text).to.contain(`<RequestId>${id}</RequestId>`);
    });
  }

  it('stores nothing of a body that ends early', async () => {
    const before = rig.stored.size;
    await send({
      method: 'PUT',
      path: '/bucket/short',
      body: 'abc',
      payload: 'UNSIGNED-PAYLOAD',
      headers: { 'content-length': '10' },
      cutShort: true,
    });
    expect(rig.stored.size).to.equal(before);
  });

  it('answers a HEAD error without a body', async () => {
    const { status, text } = await send({ method: 'HEAD', path: '/bucket/absent' });
    expect(status).to.equal(404);
    expect(text.split('\r\n\r\n')[1]).to.equal('');
  });

  it('says 403 instead of 100 to a client that waits, and 100 once it has authenticated', async () => {
    const headers = { expect: '100-continue', 'content-length': '3' };
    const refused = await raw(
      render({ method: 'PUT', path: '/bucket/wait', secret: 'wrong', headers, payload: 'UNSIGNED-PAYLOAD' }),
    );
    expect(refused)
      .to.match(/^HTTP\/1.1 403/)
      .and.match(/connection: close/i);
    const taken = await raw(render({ method: 'PUT', path: '/bucket/wait', headers, payload: 'UNSIGNED-PAYLOAD', body: 'abc' }));
    expect(taken).to.match(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/);
  });

  it('does not fall for an x-amz header that nobody signed', async () => {
    const bytes = render({ path: '/bucket/kept' }).toString('latin1').replace('\r\n\r\n', '\r\nx-amz-acl: public-read\r\n\r\n');
    expect(await raw(Buffer.from(bytes, 'latin1'))).to.match(/^HTTP\/1.1 403/);
  });

  it('reads by presigned URL until it expires, and not when it was changed', async () => {
    const status = async (url: string, method = 'GET'): Promise<number> => (await fetch(url, { method })).status;
    const url = presign('GET', `${rig.url}/bucket/kept`, KEY, new Date());
    expect(await status(url)).to.equal(200);
    expect(await status(url, 'DELETE')).to.equal(403);
    expect(await status(url.replace('/kept', '/kepT'))).to.equal(403);
    expect(await status(url.replace('Expires=3600', 'Expires=3601'))).to.equal(403);
    expect(await status(presign('GET', `${rig.url}/bucket/kept`, KEY, new Date(Date.now() - 7_200_000)))).to.equal(403);
    expect(await status(presign('GET', `${rig.url}/bucket/kept`, KEY, new Date(), 604_801))).to.equal(400);
    const named = presign('GET', `${rig.url}/bucket/kept?response-content-type=a%2Fb`, KEY, new Date());
    expect((await fetch(named)).headers.get('content-type')).to.equal('a/b');
    expect(canonicalQuery(parseQuery('b=2&a=%20&A'))).to.equal('A=&a=%20&b=2');
  });

  it('finds the bucket in the host', async () => {
    const { status, text } = await send({ path: '/kept', headers: { host: 'bucket.s3.example.test:9000' } });
    expect(status).to.equal(200);
    expect(text).to.match(/kept$/);
  });
});
