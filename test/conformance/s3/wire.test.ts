import { expect } from 'chai';
import { openBucket, putPolicy, statement } from './harness/access.ts';
import { createClient, headOf } from './harness/client.ts';
import { api, guide, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, suite } from './harness/suite.ts';

const BODY = Buffer.from('A body in pieces.');

suite('on the wire', PAGES.sigv4, {
  'a signed aws-chunked body may be cut at every byte': {
    page: PAGES.sigv4Streaming,
    run: async ({ s3, path, get, key }) => {
      const name = key();
      const request = s3.prepare('PUT', path(name), { body: BODY, payload: 'chunks', chunkBytes: 9 });
      for (let cut = 1; cut < request.body.length; cut++) {
        const wire = await s3.open();
        wire.write(headOf(request));
        wire.write(request.body.subarray(0, cut));
        await new Promise((resolve) => setImmediate(resolve));
        wire.write(request.body.subarray(cut));
        const answer = await wire.answer('PUT');
        expect(answer.status, `cut at ${cut}: ${answer.text}`).to.equal(200);
        wire.destroy();
      }
      expect((await get(name)).body.equals(BODY)).to.equal(true);
    },
  },
  'an unsigned trailer may come byte by byte': {
    page: PAGES.sigv4Trailers,
    run: async ({ s3, path, get, key }) => {
      const name = key();
      const request = s3.prepare('PUT', path(name), {
        body: BODY,
        payload: 'unsigned-trailer',
        chunkBytes: 8,
        trailers: { 'x-amz-checksum-crc32': 'AAAAAA==' },
        headers: { 'x-amz-meta-a': 'b' },
      });
      // The right one is computed here only once, from what the endpoint refuses.
      const { crc32 } = await import('node:zlib');
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(crc32(BODY));
      const body = Buffer.from(request.body.toString('latin1').replace('AAAAAA==', sum.toString('base64')), 'latin1');
      const wire = await s3.open();
      wire.write(headOf(request));
      for (const byte of body) {
        wire.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect((await wire.answer('PUT')).status).to.equal(200);
      wire.destroy();
      expect((await get(name)).body.equals(BODY)).to.equal(true);
    },
  },
  'the order of headers and the case of their names do not matter': async ({ s3, path, key }) => {
    const request = s3.prepare('PUT', path(key()), { body: BODY, headers: { 'x-amz-meta-z': '1', 'x-amz-meta-a': '2' } });
    const turned = request.headers.toReversed().map(([name, value]): [string, string] => [name.toUpperCase(), value]);
    expectStatus(await s3.transmit({ ...request, headers: turned }), 200);
  },
  'white space around a header is not part of its value': async ({ s3, path, key, head }) => {
    const name = key();
    const request = s3.prepare('PUT', path(name), { body: BODY, headers: { 'x-amz-meta-a': 'one  two' } });
    const wide = request.headers.map(([header, value]): [string, string] =>
      header === 'x-amz-meta-a' ? [header, `   ${value}  `] : [header, value],
    );
    expectStatus(await s3.transmit({ ...request, headers: wide }), 200);
    expect((await head(name)).headers['x-amz-meta-a']).to.equal('one  two');
  },
  'a client that waits gets 100 once it is authenticated': {
    page: api('PutObject'),
    run: async ({ s3, path, key }) => {
      const wire = await s3.open();
      const request = s3.prepare('PUT', path(key()), { body: BODY, headers: { Expect: '100-continue' } });
      wire.write(headOf(request));
      expect(await wire.firstStatus()).to.equal(100);
      wire.write(request.body);
      expect((await wire.answer('PUT')).status).to.equal(200);
      wire.destroy();
    },
  },
  'a client that waits gets 403 instead of 100 for a wrong signature': {
    page: api('PutObject'),
    run: async ({ s3, path, key }) => {
      const wire = await s3.open();
      const keys = { ...s3.keys, secretAccessKey: 'wrong' };
      wire.write(headOf(s3.prepare('PUT', path(key()), { body: BODY, keys, headers: { Expect: '100-continue' } })));
      expect(await wire.firstStatus()).to.equal(403);
      wire.destroy();
    },
  },
  'a client that waits gets 404 instead of 100 for an absent bucket': {
    page: api('PutObject'),
    run: async ({ s3 }) => {
      const wire = await s3.open();
      wire.write(headOf(s3.prepare('PUT', '/no-such-bucket-here/a', { body: BODY, headers: { Expect: '100-continue' } })));
      expect(await wire.firstStatus()).to.equal(404);
      wire.destroy();
    },
  },
  'requests sent one behind the other are answered in order': async ({ s3, path, put, key }) => {
    const [one, two] = [key(), key()];
    await put(one, 'one');
    await put(two, 'two');
    const wire = await s3.open();
    wire.write(Buffer.concat([one, two, one].map((name) => headOf(s3.prepare('GET', path(name))))));
    const texts = [await wire.answer('GET'), await wire.answer('GET'), await wire.answer('GET')].map(({ text }) => text);
    wire.destroy();
    expect(texts).to.deep.equal(['one', 'two', 'one']);
  },
  'a PUT and the GET of it sent behind it see one another': async ({ s3, path, key }) => {
    const name = key();
    const put = s3.prepare('PUT', path(name), { body: BODY });
    const wire = await s3.open();
    wire.write(Buffer.concat([headOf(put), put.body, headOf(s3.prepare('GET', path(name)))]));
    expect((await wire.answer('PUT')).status).to.equal(200);
    expect((await wire.answer('GET')).body.equals(BODY)).to.equal(true);
    wire.destroy();
  },
  'a connection goes on after a refusal of a small body': async ({ s3, path, key }) => {
    const bad = s3.prepare('PUT', path(key()), { body: BODY, headers: { 'Content-MD5': 'bm90IGFuIG1kNQ==' } });
    const wire = await s3.open();
    wire.write(Buffer.concat([headOf(bad), bad.body]));
    expect((await wire.answer('PUT')).status).to.equal(400);
    const good = s3.prepare('PUT', path(key()), { body: BODY });
    wire.write(Buffer.concat([headOf(good), good.body]));
    expect((await wire.answer('PUT')).status).to.equal(200);
    wire.destroy();
  },
  'a body that ends early stores nothing': async ({ s3, path, get, key }) => {
    const name = key();
    const request = s3.prepare('PUT', path(name), { body: BODY, payload: 'unsigned' });
    const wire = await s3.open();
    wire.write(headOf(request));
    wire.write(request.body.subarray(0, 10));
    wire.end();
    await Promise.race([wire.closed, new Promise((resolve) => setTimeout(resolve, 500))]);
    wire.destroy();
    expectStatus(await get(name), 404);
  },
  'a chunked body whose connection breaks between chunks stores nothing': {
    page: PAGES.sigv4Streaming,
    run: async ({ s3, path, get, key }) => {
      const name = key();
      const request = s3.prepare('PUT', path(name), { body: BODY, payload: 'chunks', chunkBytes: 9 });
      const wire = await s3.open();
      wire.write(headOf(request));
      wire.write(request.body.subarray(0, request.body.length >> 1));
      wire.destroy();
      await wire.closed;
      expectStatus(await get(name), 404);
    },
  },
  'a client that reads no further leaves the endpoint well': async ({ s3, path, put, get, key }) => {
    const name = key();
    await put(name, Buffer.alloc(3_000_000, 1));
    const wire = await s3.open();
    wire.write(headOf(s3.prepare('GET', path(name))));
    await wire.firstStatus();
    wire.destroy();
    expect((await get(name)).body.length).to.equal(3_000_000);
  },
  'an absolute request target is the same request': async ({ s3, path, put, key }) => {
    const name = key();
    await put(name, 'a');
    const request = s3.prepare('GET', path(name));
    expectStatus(await s3.transmit({ ...request, target: `${s3.origin}${request.target}` }), 200);
  },
  'a bucket is named by its host, for whoever signs and for nobody in particular': {
    page: guide('VirtualHosting'),
    run: async (lab) => {
      if (lab.gateway === null) return; // elsewhere the domain is not known
      const bucket = await openBucket(lab);
      expectStatus(await lab.s3.send('PUT', `/${bucket}/a b`, { body: 'x' }), 200);
      const host = `${bucket}.localhost:${new URL(lab.s3.origin).port}`;
      const hosted = createClient(`http://${host}`, lab.s3.keys, lab.s3.region);
      const ask = (method: string, path: string, auth: 'header' | 'query' | 'none') =>
        lab.s3.transmit(hosted.prepare(method, path, { auth }));
      for (const auth of ['header', 'query'] as const) expect((await ask('GET', '/a b', auth)).text).to.equal('x');
      expect(
        expectStatus(await ask('GET', '/', 'header'), 200)
          .xml()
          .child('Contents')
          ?.value('Key'),
      ).to.equal('a b');
      expectError(await ask('GET', '/a b', 'none'), 403, 'AccessDenied');
      expectStatus(await putPolicy(lab.s3, bucket, statement(bucket)), 204);
      expect((await ask('GET', '/a b', 'none')).text).to.equal('x');
      expectError(await ask('GET', '/', 'none'), 403, 'AccessDenied');
      expectError(await ask('PUT', '/a b', 'none'), 403, 'AccessDenied');
    },
  },
  'requests that come while one runs wait for it': async ({ s3, path, put, key }) => {
    const name = key();
    await put(name, 'before');
    const later = s3.prepare('PUT', path(name), { body: Buffer.alloc(200_000, 'x') });
    const wire = await s3.open();
    wire.write(Buffer.concat([headOf(later), later.body, headOf(s3.prepare('DELETE', path(name)))]));
    expect((await wire.answer('PUT')).status).to.equal(200);
    expect((await wire.answer('DELETE')).status).to.equal(204);
    wire.destroy();
    expectStatus(await s3.send('GET', path(name)), 404);
  },
  'two Content-Length headers that differ are refused': async ({ s3, path, key }) => {
    const request = s3.prepare('PUT', path(key()), { body: BODY });
    const answer = await s3.transmit({ ...request, headers: [...request.headers, ['Content-Length', '5']] });
    expect(answer.status).to.equal(400);
  },
  'a length together with Transfer-Encoding is refused': async ({ s3, path, key }) => {
    const request = s3.prepare('PUT', path(key()), { body: BODY });
    const answer = await s3.transmit({ ...request, headers: [...request.headers, ['Transfer-Encoding', 'chunked']] });
    expect(answer.status).to.equal(400);
  },
  'a body with no length at all is MissingContentLength': {
    page: PAGES.errors,
    run: async ({ s3, path, key }) => {
      const request = s3.prepare('PUT', path(key()), { payload: 'unsigned', headers: { 'Transfer-Encoding': 'chunked' } });
      const answer = await s3.transmit({ ...request, body: Buffer.from('1\r\na\r\n0\r\n\r\n') });
      expect(answer.status).to.equal(411);
      expect(answer.xml().value('Code')).to.equal('MissingContentLength');
    },
  },
});
