import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { headOf } from './harness/client.ts';
import { api, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

const md5 = (text: string): Record<string, string> => ({ 'content-md5': createHash('md5').update(text).digest('base64') });

/** How long it took, ms. Never compared with less than what a broken parser would need by orders of magnitude. */
async function timed<T>(run: () => Promise<T>): Promise<[T, number]> {
  const begun = performance.now();
  return [await run(), performance.now() - begun];
}

suite('bad input', PAGES.errors, {
  "entities of one's own are MalformedXML, and expand to nothing": over(
    {
      'a billion laughs': `<!DOCTYPE d [<!ENTITY a "${'ha'.repeat(50)}">${Array.from({ length: 9 }, (_, i) => `<!ENTITY ${String.fromCharCode(98 + i)} "${`&${String.fromCharCode(97 + i)};`.repeat(10)}">`).join('')}]><Delete><Object><Key>&j;</Key></Object></Delete>`,
      'a file of the endpoint':
        '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&a;</Key></Object></Delete>',
      'an unknown entity': '<Delete><Object><Key>&a;</Key></Object></Delete>',
    },
    (body) =>
      async ({ send }) => {
        const answer = await send('POST', '', { query: 'delete', body, headers: md5(body) });
        expectError(answer, 400, 'MalformedXML');
        expect(answer.text).to.not.contain('root:');
      },
  ),
  'XML that nests without end is MalformedXML': async ({ send }) => {
    const body = `${'<a>'.repeat(50_000)}`;
    expectError(await send('POST', '', { query: 'delete', body, headers: md5(body) }), 400, 'MalformedXML');
  },
  'an XML body of megabytes is refused unread': async ({ send }) => {
    const body = `<Delete>${' '.repeat(3_000_000)}<Object><Key>a</Key></Object></Delete>`;
    const answer = await send('POST', '', { query: 'delete', body, headers: md5(body) });
    expect(answer.status).to.equal(400);
    expect(answer.xml().value('Code')).to.be.oneOf(['MaxMessageLengthExceeded', 'MalformedXML', 'EntityTooLarge']);
  },
  'XML that is not UTF-8 is MalformedXML': async ({ send }) => {
    const body = Buffer.concat([
      Buffer.from('<Delete><Object><Key>'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('</Key></Object></Delete>'),
    ]);
    const headers = { 'content-md5': createHash('md5').update(body).digest('base64') };
    expectError(await send('POST', '', { query: 'delete', body, headers }), 400, 'MalformedXML');
  },
  'a head of a megabyte is refused': async ({ s3, path, key }) => {
    const request = s3.prepare('GET', path(key()));
    const sent = s3.transmit({ ...request, headers: [...request.headers, ['x-large', 'a'.repeat(1_000_000)]] });
    // Who refuses in the middle of it may have closed before all was sent: the reset then overtakes the answer.
    const status = await sent
      .then((answer) => answer.status)
      .catch((error: unknown) => String(error).match(/ECONNRESET|EPIPE/)?.[0]);
    expect([400, 413, 431, 'ECONNRESET', 'EPIPE']).to.include(status);
  },
  'thousands of headers are refused': async ({ s3, path, key }) => {
    const request = s3.prepare('GET', path(key()));
    const many = Array.from({ length: 5000 }, (_, i): [string, string] => [`x-many-${i}`, 'a']);
    const answer = await s3.transmit({ ...request, headers: [...request.headers, ...many] });
    expect(answer.status).to.not.equal(200);
    expect(answer.status).to.be.lessThan(500);
  },
  'a line break in a header ends it, and injects nothing': async ({ s3, path, key, get }) => {
    const name = key();
    const request = s3.prepare('PUT', path(name), { body: 'a', headers: { 'x-amz-meta-a': 'b' } });
    const headers = request.headers.map(([header, value]): [string, string] =>
      header === 'x-amz-meta-a' ? [header, `${value}\r\nx-amz-meta-evil: 1`] : [header, value],
    );
    const answer = await s3.transmit({ ...request, headers });
    expect([400, 403]).to.include(answer.status);
    expectStatus(await get(name), 404);
  },
  'metadata that only the endpoint may set is not taken from a client': async ({ put, head, key }) => {
    const name = key();
    await put(name, 'a', {
      'x-amz-meta-x-amz-server-side-encryption-customer-algorithm': 'AES256',
      'x-amz-replication-status': 'REPLICA',
    });
    const { headers, status } = await head(name);
    expect(status).to.equal(200);
    expect(headers).to.not.have.property('x-amz-server-side-encryption-customer-algorithm');
    expect(headers).to.not.have.property('x-amz-replication-status');
  },
  'a path that begins with two slashes names no bucket, and is not the list of all': over(
    ['GET', 'PUT', 'DELETE'],
    (method) =>
      async ({ s3, bucket }) =>
        expectError(await s3.send(method, `//${bucket}/a`), 400, 'InvalidBucketName'),
  ),
  'a path that leaves the bucket is a key in it': over(
    ['/../', '/%2e%2e/', '/..%2f..%2f'],
    (middle) =>
      async ({ s3, bucket, newBucket }) => {
        const other = await newBucket();
        await s3.send('PUT', `/${other}/secret`, { body: 'secret' });
        const answer = await s3.send('GET', { raw: `/${bucket}${middle}${other}/secret` });
        expect(answer.text).to.not.equal('secret');
        expect(answer.status).to.be.within(400, 404);
      },
  ),
  'a path that is not UTF-8 is refused': over(['%ff', '%c3', '%zz', '%'], (text) => async ({ s3, bucket }) => {
    const answer = await s3.send('GET', { raw: `/${bucket}/${text}` });
    expect(answer.status).to.equal(400);
    expect(answer.xml().value('Code')).to.equal('InvalidURI');
  }),
  'a NUL in a key is refused': async ({ s3, bucket }) =>
    expect((await s3.send('PUT', { raw: `/${bucket}/a%00b` }, { body: 'a' })).status).to.equal(400),
  'a name of a bucket that is none is refused': over(
    ['UPPER', 'a', 'a..b', '192.168.1.1', 'a_b', 'x'.repeat(64)],
    (name) =>
      async ({ s3 }) =>
        expectError(await s3.send('PUT', `/${name}`), 400, 'InvalidBucketName'),
  ),
  'numbers beyond all bounds are InvalidArgument': over(
    ['99999999999999999999', '1e9', '0x10', '+1', ' 1', '١'],
    (text) =>
      async ({ send }) =>
        expectError(await send('GET', '', { query: { 'list-type': 2, 'max-keys': text } }), 400, 'InvalidArgument'),
  ),
  'long repetitions do not hold the endpoint up': over<Record<string, string>>(
    {
      'a range': { range: `bytes=${'0-0,'.repeat(1500)}0-0` },
      'spaces in a range': { range: `bytes=0-${' '.repeat(7000)}x` },
      ETags: { 'if-match': `${'"a",'.repeat(1800)}` },
      'a date': { 'if-modified-since': `${'Mon, '.repeat(1500)}` },
      'a content type': { 'content-type': `multipart/form-data;${' '.repeat(7000)}x` },
    },
    (headers) =>
      async ({ put, get, key }) => {
        const name = key();
        await put(name, 'a');
        const [answer, ms] = await timed(() => get(name, { headers }));
        expect(answer.status).to.be.lessThan(500);
        expect(ms).to.be.lessThan(20_000);
      },
  ),
  'tags of long repetitions do not hold the endpoint up': async ({ send, key }) => {
    const [answer, ms] = await timed(() =>
      send('PUT', key(), { body: 'a', headers: { 'x-amz-tagging': `${'a=1&'.repeat(1700)}` } }),
    );
    expect(answer.status).to.equal(400);
    expect(ms).to.be.lessThan(20_000);
  },
  'a request line that is none is 400': over(
    ['GARBAGE', 'GET', 'GET / HTTP/9.9', ' GET / HTTP/1.1'],
    (line) =>
      async ({ s3 }) => {
        const wire = await s3.open();
        wire.write(`${line}\r\nHost: a\r\n\r\n`);
        expect((await wire.answer('GET')).status).to.be.within(400, 505);
        wire.destroy();
      },
  ),
  'a request without a Host is 400': async ({ s3 }) => {
    const wire = await s3.open();
    wire.write('GET / HTTP/1.1\r\n\r\n');
    expect((await wire.answer('GET')).status).to.equal(400);
    wire.destroy();
  },
  'a body that hides a second request is one request': async ({ s3, path, key }) => {
    const name = key();
    const hidden = headOf(s3.prepare('GET', path(name)));
    const request = s3.prepare('PUT', path(name), { body: hidden });
    const wire = await s3.open();
    wire.write(Buffer.concat([headOf(request), request.body]));
    expect((await wire.answer('PUT')).status).to.equal(200);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(wire.unread().length).to.equal(0);
    wire.destroy();
  },
  'what is in a key is not taken for markup in an error': async ({ get }) => {
    const answer = await get('<script>alert(1)</script>');
    expectError(answer, 404, 'NoSuchKey');
    expect(answer.text).to.not.contain('<script>');
  },
  'a subresource that does not go with the method never falls through to the object': {
    page: api('DeleteObject'),
    ...over(['uploads', 'versions', 'policy', 'lifecycle'], (query) => async ({ put, send, get, key }) => {
      const name = key();
      await put(name, 'a');
      const answer = await send('DELETE', name, { query });
      expect([400, 405, 501]).to.include(answer.status);
      expectStatus(await get(name), 200);
    }),
  },
});
