import { expect } from 'chai';
import { api, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, suite } from './harness/suite.ts';

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
  'a weak ETag matches nothing, as in any If-Match': {
    page: PAGES.conditionalDeletes,
    run: async ({ put, send, head, key }) => {
      const name = key();
      const etag = `W/${(await put(name, 'a')).headers.etag}`;
      expectError(await send('DELETE', name, { headers: { 'if-match': etag } }), 412, 'PreconditionFailed');
      expectStatus(await head(name), 200);
    },
  },
  'a time that is none removes nothing': {
    page: PAGES.conditionalDeletes,
    run: async ({ put, send, head, key }) => {
      const name = key();
      await put(name, 'a');
      const headers = { 'x-amz-if-match-last-modified-time': 'yesterday' };
      expectError(await send('DELETE', name, { headers }), 400, 'InvalidArgument');
      expectStatus(await head(name), 200);
    },
  },
  'all conditions must hold': {
    page: PAGES.conditionalDeletes,
    run: async ({ put, send, head, key }) => {
      const name = key();
      const etag = (await put(name, 'abc')).headers.etag ?? '';
      const both = (size: string) => send('DELETE', name, { headers: { 'if-match': etag, 'x-amz-if-match-size': size } });
      expectError(await both('4'), 412, 'PreconditionFailed');
      expectStatus(await head(name), 200);
      expectStatus(await both('3'), 204);
      expectStatus(await head(name), 404);
    },
  },
  'in a versioned bucket a condition decides whether a marker is written': {
    page: PAGES.conditionalDeletes,
    run: async ({ s3, newBucket }) => {
      const bucket = await newBucket();
      const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await s3.send('PUT', `/${bucket}`, { query: 'versioning=', body: on }), 200);
      const etag = (await s3.send('PUT', `/${bucket}/a`, { body: 'a' })).headers.etag ?? '';
      const remove = (match: string) => s3.send('DELETE', `/${bucket}/a`, { headers: { 'if-match': match } });
      expectError(await remove('"0"'), 412, 'PreconditionFailed');
      expectStatus(await s3.send('GET', `/${bucket}/a`), 200);
      expect(expectStatus(await remove(etag), 204).headers['x-amz-delete-marker']).to.equal('true');
      expectStatus(await s3.send('GET', `/${bucket}/a`), 404);
    },
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
