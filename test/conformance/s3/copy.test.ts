import { expect } from 'chai';
import { api, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

suite('CopyObject', api('CopyObject'), {
  'bytes and what is said of them come along': async ({ put, send, get, path, key }) => {
    const [from, to] = [key(), key()];
    const { headers } = await put(from, 'abc', { 'content-type': 'a/b', 'x-amz-meta-x': 'y', 'cache-control': 'no-store' });
    const copied = expectStatus(await send('PUT', to, { headers: { 'x-amz-copy-source': path(from) } }), 200).xml();
    expect(copied.name).to.equal('CopyObjectResult');
    expect(copied.value('ETag')).to.equal(headers.etag);
    expect(copied.value('LastModified')).to.match(/Z$/);
    const answer = await get(to);
    expect(answer.text).to.equal('abc');
    expect([answer.headers['content-type'], answer.headers['x-amz-meta-x'], answer.headers['cache-control']]).to.deep.equal([
      'a/b',
      'y',
      'no-store',
    ]);
  },
  'the source may be written in each of its ways': over<(path: string) => string>(
    {
      'with a slash before it': (path) => path,
      'without one': (path) => path.slice(1),
      'percent-encoded': (path) => encodeURIComponent(path.slice(1)),
    },
    (write) =>
      async ({ put, send, path, key }) => {
        const from = `${key()}/a b`;
        await put(from, 'abc');
        expectStatus(
          await send('PUT', key(), { headers: { 'x-amz-copy-source': write(path(from)).replaceAll(' ', '%20') } }),
          200,
        );
      },
  ),
  'a key with a plus or a question mark is a source': over(
    ['a+b', 'a?b', 'a%b', 'ä'],
    (from) =>
      async ({ put, send, get, bucket, key }) => {
        await put(from, from);
        const to = key();
        expectStatus(await send('PUT', to, { headers: { 'x-amz-copy-source': `/${bucket}/${encodeURIComponent(from)}` } }), 200);
        expect((await get(to)).text).to.equal(from);
      },
  ),
  'a website redirect stays behind, and the request can bring another': async ({ put, send, head, path, key }) => {
    const [from, to] = [key(), key()];
    const REDIRECT = 'x-amz-website-redirect-location';
    await put(from, 'abc', { [REDIRECT]: '/elsewhere', 'x-amz-meta-x': 'y' });
    expect((await head(from)).headers[REDIRECT]).to.equal('/elsewhere');
    const source = { 'x-amz-copy-source': path(from) };
    expectStatus(await send('PUT', to, { headers: source }), 200);
    const copied = (await head(to)).headers;
    expect(copied['x-amz-meta-x']).to.equal('y');
    expect(copied).to.not.have.property(REDIRECT);
    expectStatus(await send('PUT', to, { headers: { ...source, [REDIRECT]: '/there' } }), 200);
    expect((await head(to)).headers[REDIRECT]).to.equal('/there');
  },
  "REPLACE takes the request's metadata instead": async ({ put, send, head, path, key }) => {
    const [from, to] = [key(), key()];
    await put(from, 'abc', { 'x-amz-meta-old': '1', 'content-type': 'a/b' });
    const headers = {
      'x-amz-copy-source': path(from),
      'x-amz-metadata-directive': 'REPLACE',
      'x-amz-meta-new': '2',
      'content-type': 'c/d',
    };
    expectStatus(await send('PUT', to, { headers }), 200);
    const after = (await head(to)).headers;
    expect([after['x-amz-meta-new'], after['content-type']]).to.deep.equal(['2', 'c/d']);
    expect(after).to.not.have.property('x-amz-meta-old');
  },
  "COPY passes over the request's metadata": async ({ put, send, head, path, key }) => {
    const [from, to] = [key(), key()];
    await put(from, 'abc', { 'x-amz-meta-old': '1' });
    const headers = { 'x-amz-copy-source': path(from), 'x-amz-metadata-directive': 'COPY', 'x-amz-meta-new': '2' };
    expectStatus(await send('PUT', to, { headers }), 200);
    const after = (await head(to)).headers;
    expect(after['x-amz-meta-old']).to.equal('1');
    expect(after).to.not.have.property('x-amz-meta-new');
  },
  'an unknown directive is InvalidArgument': async ({ put, send, path, key }) => {
    const from = key();
    await put(from, 'abc');
    const headers = { 'x-amz-copy-source': path(from), 'x-amz-metadata-directive': 'MERGE' };
    expectError(await send('PUT', key(), { headers }), 400, 'InvalidArgument');
  },
  'onto itself without a change is InvalidRequest': async ({ put, send, path, key }) => {
    const name = key();
    await put(name, 'abc');
    expectError(await send('PUT', name, { headers: { 'x-amz-copy-source': path(name) } }), 400, 'InvalidRequest');
  },
  'onto itself with a change is one': over<Record<string, string>>(
    {
      metadata: { 'x-amz-metadata-directive': 'REPLACE', 'x-amz-meta-a': 'b' },
      'storage class': { 'x-amz-storage-class': 'STANDARD_IA' },
      encryption: { 'x-amz-server-side-encryption': 'AES256' },
      'website redirect': { 'x-amz-website-redirect-location': '/elsewhere' },
    },
    (change) =>
      async ({ put, send, get, path, key }) => {
        const name = key();
        await put(name, 'abc');
        expectStatus(await send('PUT', name, { headers: { 'x-amz-copy-source': path(name), ...change } }), 200);
        expect((await get(name)).text).to.equal('abc');
      },
  ),
  "the storage class is the request's, not the source's": {
    page: PAGES.storageClasses,
    run: async ({ put, send, head, path, key }) => {
      const [from, to] = [key(), key()];
      await put(from, 'abc', { 'x-amz-storage-class': 'STANDARD_IA' });
      expectStatus(await send('PUT', to, { headers: { 'x-amz-copy-source': path(from) } }), 200);
      expect((await head(to)).headers).to.not.have.property('x-amz-storage-class');
    },
  },
  'from another bucket': async ({ put, s3, newBucket, path, key }) => {
    const from = key();
    await put(from, 'abc');
    const bucket = await newBucket();
    expectStatus(await s3.send('PUT', `/${bucket}/to`, { headers: { 'x-amz-copy-source': path(from) } }), 200);
    expect((await s3.send('GET', `/${bucket}/to`)).text).to.equal('abc');
  },
  'an absent source is NoSuchKey': async ({ send, path, key }) =>
    expectError(await send('PUT', key(), { headers: { 'x-amz-copy-source': path(key('absent')) } }), 404, 'NoSuchKey'),
  'a source in an absent bucket is NoSuchBucket': async ({ send, key }) =>
    expectError(await send('PUT', key(), { headers: { 'x-amz-copy-source': '/no-such-source-bucket/a' } }), 404, 'NoSuchBucket'),
  'a source that names no object is InvalidArgument': over(
    ['bucket-only', '/', '/bucket-only/', ' '],
    (source) =>
      async ({ send, key }) => {
        const answer = await send('PUT', key(), { headers: { 'x-amz-copy-source': source } });
        expect([400, 404]).to.include(answer.status);
      },
  ),
  'a condition on the source decides': {
    page: PAGES.copy,
    ...over<(etag: string, modified: string) => [Record<string, string>, number]>(
      {
        'If-Match holds': (etag) => [{ 'if-match': etag }, 200],
        'If-Match fails': () => [{ 'if-match': '"0"' }, 412],
        'If-None-Match holds': () => [{ 'if-none-match': '"0"' }, 200],
        'If-None-Match fails': (etag) => [{ 'if-none-match': etag }, 412],
        'If-Modified-Since holds': () => [{ 'if-modified-since': 'Mon, 01 Jan 2001 00:00:00 GMT' }, 200],
        'If-Modified-Since fails': (_, modified) => [{ 'if-modified-since': modified }, 412],
        'If-Unmodified-Since holds': (_, modified) => [{ 'if-unmodified-since': modified }, 200],
        'If-Unmodified-Since fails': () => [{ 'if-unmodified-since': 'Mon, 01 Jan 2001 00:00:00 GMT' }, 412],
      },
      (of) =>
        async ({ put, send, head, path, key }) => {
          const from = key();
          await put(from, 'abc');
          const { headers } = await head(from);
          const [conditions, status] = of(headers.etag ?? '', headers['last-modified'] ?? '');
          const named = Object.fromEntries(
            Object.entries(conditions).map(([name, value]) => [`x-amz-copy-source-${name}`, value]),
          );
          expectStatus(await send('PUT', key(), { headers: { 'x-amz-copy-source': path(from), ...named } }), status);
        },
    ),
  },
  'of two conditions on the source the ETag’s decides': {
    page: api('CopyObject'),
    ...over<(etag: string, modified: string) => [Record<string, string>, number]>(
      {
        'If-Match holds, If-Unmodified-Since does not': (etag) => [
          { 'if-match': etag, 'if-unmodified-since': 'Mon, 01 Jan 2001 00:00:00 GMT' },
          200,
        ],
        'If-None-Match fails, If-Modified-Since holds': (etag) => [
          { 'if-none-match': etag, 'if-modified-since': 'Mon, 01 Jan 2001 00:00:00 GMT' },
          412,
        ],
      },
      (of) =>
        async ({ put, send, head, path, key }) => {
          const from = key();
          await put(from, 'abc');
          const { headers } = await head(from);
          const [conditions, status] = of(headers.etag ?? '', headers['last-modified'] ?? '');
          const named = Object.fromEntries(
            Object.entries(conditions).map(([name, value]) => [`x-amz-copy-source-${name}`, value]),
          );
          expectStatus(await send('PUT', key(), { headers: { 'x-amz-copy-source': path(from), ...named } }), status);
        },
    ),
  },
  'conditions on source and destination must both hold, with either directive': {
    page: PAGES.conditionalWrites,
    ...over(['COPY', 'REPLACE'], (directive) => async ({ put, send, get, head, path, key }) => {
      const [from, to] = [key(), key()];
      const source = (await put(from, 'new', { 'x-amz-meta-from': 'source' })).headers.etag ?? '';
      const target = (await put(to, 'old')).headers.etag ?? '';
      const copy = (ofSource: string, ofTarget: string) =>
        send('PUT', to, {
          headers: {
            'x-amz-copy-source': path(from),
            'x-amz-copy-source-if-match': ofSource,
            'if-match': ofTarget,
            'x-amz-metadata-directive': directive,
            'x-amz-meta-from': 'request',
          },
        });
      expectError(await copy('"0"', target), 412, 'PreconditionFailed');
      expectError(await copy(source, '"0"'), 412, 'PreconditionFailed');
      expect((await get(to)).text).to.equal('old');
      expectStatus(await copy(source, target), 200);
      expect((await head(to)).headers['x-amz-meta-from']).to.equal(directive === 'COPY' ? 'source' : 'request');
    }),
  },
  'a delete marker is no source': {
    page: PAGES.versioning,
    run: async ({ s3, newBucket }) => {
      const bucket = await newBucket();
      const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await s3.send('PUT', `/${bucket}`, { query: 'versioning', body: on }), 200);
      await s3.send('PUT', `/${bucket}/a`, { body: 'x' });
      const marker = (await s3.send('DELETE', `/${bucket}/a`)).headers['x-amz-version-id'] ?? '';
      const copy = (source: string) => s3.send('PUT', `/${bucket}/b`, { headers: { 'x-amz-copy-source': source } });
      expectError(await copy(`/${bucket}/a`), 404, 'NoSuchKey');
      expectError(await copy(`/${bucket}/a?versionId=${marker}`), 400, 'InvalidRequest');
    },
  },
  'If-None-Match: * keeps what is at the destination': {
    page: PAGES.conditionalWrites,
    run: async ({ put, send, get, path, key }) => {
      const [from, to] = [key(), key()];
      await put(from, 'new');
      await put(to, 'old');
      const headers = { 'x-amz-copy-source': path(from), 'if-none-match': '*' };
      expectError(await send('PUT', to, { headers }), 412, 'PreconditionFailed');
      expect((await get(to)).text).to.equal('old');
      expectStatus(await send('PUT', key(), { headers }), 200);
    },
  },
  'If-Match decides on the destination': {
    page: PAGES.conditionalWrites,
    run: async ({ put, send, path, key }) => {
      const [from, to] = [key(), key()];
      await put(from, 'new');
      const { headers } = await put(to, 'old');
      const source = { 'x-amz-copy-source': path(from) };
      expectError(await send('PUT', to, { headers: { ...source, 'if-match': '"0"' } }), 412, 'PreconditionFailed');
      expectStatus(await send('PUT', to, { headers: { ...source, 'if-match': headers.etag } }), 200);
    },
  },
  'a version is a source': {
    page: PAGES.versioning,
    run: async ({ s3, newBucket }) => {
      const bucket = await newBucket();
      const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await s3.send('PUT', `/${bucket}`, { query: 'versioning', body: on }), 200);
      const first = await s3.send('PUT', `/${bucket}/a`, { body: 'first' });
      await s3.send('PUT', `/${bucket}/a`, { body: 'second' });
      const version = first.headers['x-amz-version-id'];
      const copied = await s3.send('PUT', `/${bucket}/b`, {
        headers: { 'x-amz-copy-source': `/${bucket}/a?versionId=${version}` },
      });
      expect(expectStatus(copied, 200).headers['x-amz-copy-source-version-id']).to.equal(version);
      expect(copied.headers['x-amz-version-id']).to.not.equal(undefined);
      expect((await s3.send('GET', `/${bucket}/b`)).text).to.equal('first');
    },
  },
  'the version that was copied is told, also where none was asked for': {
    page: PAGES.versioning,
    run: async ({ s3, newBucket, path, put, key }) => {
      const bucket = await newBucket();
      const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await s3.send('PUT', `/${bucket}`, { query: 'versioning', body: on }), 200);
      const version = (await s3.send('PUT', `/${bucket}/a`, { body: 'first' })).headers['x-amz-version-id'];
      const copy = async (source: string): Promise<string | undefined> => {
        const copied = await s3.send('PUT', `/${bucket}/b`, { headers: { 'x-amz-copy-source': source } });
        return expectStatus(copied, 200).headers['x-amz-copy-source-version-id'];
      };
      expect(await copy(`/${bucket}/a`)).to.equal(version);
      const from = key();
      await put(from, 'of a bucket without versions');
      expect(await copy(path(from))).to.equal(undefined);
    },
  },
  'an error about the source names it': {
    page: PAGES.errors,
    run: async ({ send, put, path, key }) => {
      const [from, absent] = [key(), key()];
      await put(from, 'abc');
      const copy = async (source: string, status: number, code: string) => {
        const answer = await send('PUT', key(), { headers: { 'x-amz-copy-source': source } });
        expectError(answer, status, code);
        return answer.xml();
      };
      expect((await copy(path(absent), 404, 'NoSuchKey')).value('Key')).to.equal(absent);
      expect((await copy('/conf-is-not-there/a', 404, 'NoSuchBucket')).value('BucketName')).to.equal('conf-is-not-there');
    },
  },
  'whether a source is there is told to whoever may list its bucket': {
    page: api('GetObject'),
    run: async (lab) => {
      const other = lab.otherAccount();
      const open = await lab.newBucket();
      await lab.s3.send('PUT', `/${open}/there`, { body: 'abc' });
      const owner = (await other.send('GET', '/')).xml().child('Owner')?.value('ID') ?? '';
      const Statement = [
        { Effect: 'Allow', Principal: { CanonicalUser: owner }, Action: 's3:GetObject', Resource: `arn:aws:s3:::${open}/*` },
      ];
      const body = JSON.stringify({ Version: '2012-10-17', Statement });
      expectStatus(await lab.s3.send('PUT', `/${open}`, { query: 'policy=', body }), 204);
      const bucket = `conf-taker-${lab.bucket}`.slice(0, 63);
      expectStatus(await other.send('PUT', `/${bucket}`), 200);
      const copy = (name: string) => other.send('PUT', `/${bucket}/a`, { headers: { 'x-amz-copy-source': `/${open}/${name}` } });
      expectStatus(await copy('there'), 200);
      expectError(await copy('absent'), 403, 'AccessDenied');
      expectStatus(await other.send('DELETE', `/${bucket}/a`), 204);
      expectStatus(await other.send('DELETE', `/${bucket}`), 204);
    },
  },
  'an absent version of a source is refused': async ({ put, send, path, key }) => {
    const from = key();
    await put(from, 'a');
    const answer = await send('PUT', key(), { headers: { 'x-amz-copy-source': `${path(from)}?versionId=${'0'.repeat(32)}` } });
    expect([400, 404]).to.include(answer.status);
  },
  'a source that the caller may not read is refused, with or without a version': over(
    { current: '', 'by version': '?versionId=null' },
    (suffix) => async (lab) => {
      const from = lab.key();
      await lab.put(from, 'secret');
      const other = lab.otherAccount();
      const bucket = `conf-reader-${lab.bucket}`;
      expectStatus(await other.send('PUT', `/${bucket}`), 200);
      const answer = await other.send('PUT', `/${bucket}/a`, { headers: { 'x-amz-copy-source': `${lab.path(from)}${suffix}` } });
      expect([403, 404]).to.include(answer.status);
      expectStatus(await other.send('GET', `/${bucket}/a`), 404);
    },
  ),
  'an empty object is copied': async ({ put, send, head, path, key }) => {
    const [from, to] = [key(), key()];
    await put(from, '');
    expectStatus(await send('PUT', to, { headers: { 'x-amz-copy-source': path(from) } }), 200);
    expect((await head(to)).headers['content-length']).to.equal('0');
  },
});
