import { expect } from 'chai';
import { PAGES } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

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
