import { expect } from 'chai';
import { arn, nobody, openBucket, putPolicy, statement } from './harness/access.ts';
import type { S3Answer } from './harness/client.ts';
import { api, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

const document = (tags: Record<string, string>): string =>
  `<Tagging><TagSet>${Object.entries(tags)
    .map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`)
    .join('')}</TagSet></Tagging>`;

const tagsOf = (answer: S3Answer): Record<string, string> =>
  Object.fromEntries(
    expectStatus(answer, 200)
      .xml()
      .child('TagSet')!
      .all('Tag')
      .map((tag) => [tag.value('Key'), tag.value('Value')]),
  );

const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, `v${i}`]));
const read = async ({ send }: Lab, key: string): Promise<Record<string, string>> =>
  tagsOf(await send('GET', key, { query: 'tagging' }));
const write = ({ send }: Lab, key: string, tags: Record<string, string>): Promise<S3Answer> =>
  send('PUT', key, { query: 'tagging', body: document(tags) });

suite('object tagging', api('PutObjectTagging'), {
  'an object without tags has an empty set': {
    page: api('GetObjectTagging'),
    run: async (lab) => {
      const key = lab.key();
      await lab.put(key, 'a');
      expect(await read(lab, key)).to.deep.equal({});
    },
  },
  'tags that are put come back': async (lab) => {
    const key = lab.key();
    await lab.put(key, 'a');
    expectStatus(await write(lab, key, { colour: 'blue', Größe: 'XL 1+2=3' }), 200);
    expect(await read(lab, key)).to.deep.equal({ colour: 'blue', Größe: 'XL 1+2=3' });
  },
  'a second set takes the place of the first': async (lab) => {
    const key = lab.key();
    await lab.put(key, 'a');
    await write(lab, key, { a: '1', b: '2' });
    await write(lab, key, { c: '3' });
    expect(await read(lab, key)).to.deep.equal({ c: '3' });
  },
  'an empty set removes them': async (lab) => {
    const key = lab.key();
    await lab.put(key, 'a', { 'x-amz-tagging': 'a=1' });
    expectStatus(await write(lab, key, {}), 200);
    expect(await read(lab, key)).to.deep.equal({});
  },
  'an empty set asks for the right to set tags, and not for that to take them away': over(
    { 's3:PutObjectTagging': [200, 403], 's3:DeleteObjectTagging': [403, 204] } as Record<string, [number, number]>,
    ([set, removed], Action) =>
      async (lab) => {
        const bucket = await openBucket(lab);
        await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x', headers: { 'x-amz-tagging': 'a=1' } });
        expectStatus(await putPolicy(lab.s3, bucket, statement(bucket, { Action, Resource: arn(bucket, '/*') })), 204);
        const query = { tagging: '' };
        expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { ...nobody, query, body: document({}) }), set);
        expectStatus(await lab.s3.send('DELETE', `/${bucket}/a`, { ...nobody, query }), removed);
      },
  ),
  'DeleteObjectTagging removes them all with 204': {
    page: api('DeleteObjectTagging'),
    run: async (lab) => {
      const key = lab.key();
      await lab.put(key, 'a', { 'x-amz-tagging': 'a=1&b=2' });
      expectStatus(await lab.send('DELETE', key, { query: 'tagging' }), 204);
      expect(await read(lab, key)).to.deep.equal({});
      expectStatus(await lab.get(key), 200);
    },
  },
  'tags of an absent key are NoSuchKey': over(
    { GET: '', PUT: document({ a: 'b' }), DELETE: '' },
    (body, method) =>
      async ({ send, key }) =>
        expectError(await send(method, key(), { query: 'tagging', ...(body === '' ? {} : { body }) }), 404, 'NoSuchKey'),
  ),
  'tags do not change ETag, time or bytes': async (lab) => {
    const key = lab.key();
    await lab.put(key, 'bytes');
    const before = await lab.head(key);
    await write(lab, key, { a: 'b' });
    const after = await lab.get(key);
    expect(after.headers.etag).to.equal(before.headers.etag);
    expect(after.headers['last-modified']).to.equal(before.headers['last-modified']);
    expect(after.text).to.equal('bytes');
  },
  'x-amz-tagging sets them with the object': {
    page: api('PutObject'),
    run: async (lab) => {
      const key = lab.key();
      await lab.put(key, 'a', { 'x-amz-tagging': 'a=1&b%20c=d+e&empty=' });
      expect(await read(lab, key)).to.deep.equal({ a: '1', 'b c': 'd e', empty: '' });
    },
  },
  'an object put again has no tags of the one before': {
    page: PAGES.tags,
    run: async (lab) => {
      const key = lab.key();
      await lab.put(key, 'a', { 'x-amz-tagging': 'a=1' });
      await lab.put(key, 'b');
      expect(await read(lab, key)).to.deep.equal({});
    },
  },
  'GET and HEAD count them': {
    page: api('GetObject'),
    ...over(['GET', 'HEAD'], (method) => async ({ put, send, key }) => {
      const name = key();
      await put(name, 'a', { 'x-amz-tagging': 'a=1&b=2' });
      expect((await send(method, name)).headers['x-amz-tagging-count']).to.equal('2');
    }),
  },
  'they are counted for whoever may read them, and for nobody else': {
    page: api('GetObject'),
    run: async (lab) => {
      const bucket = await openBucket(lab);
      const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'versioning=', body: on }), 200);
      const { headers } = await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x', headers: { 'x-amz-tagging': 'a=1&b=2' } });
      const versionId = headers['x-amz-version-id'] ?? '';
      const reads = ['s3:GetObject', 's3:GetObjectVersion'];
      for (const [more, current, version] of [
        [[], undefined, undefined],
        [['s3:GetObjectTagging'], '2', undefined],
        [['s3:GetObjectVersionTagging'], undefined, '2'],
      ] as const) {
        expectStatus(await putPolicy(lab.s3, bucket, statement(bucket, { Action: [...reads, ...more] })), 204);
        for (const method of ['GET', 'HEAD']) {
          for (const [query, count] of [
            [{}, current],
            [{ versionId }, version],
          ] as const) {
            const answer = expectStatus(await lab.s3.send(method, `/${bucket}/a`, { ...nobody, query }), 200);
            expect(answer.headers['x-amz-tagging-count'], `${more} ${method}`).to.equal(count);
          }
        }
      }
    },
  },
  'without tags nothing is counted': {
    page: api('GetObject'),
    run: async ({ put, get, key }) => {
      const name = key();
      await put(name, 'a');
      expect((await get(name)).headers).to.not.have.property('x-amz-tagging-count');
    },
  },
  'ten tags are taken': {
    page: PAGES.tags,
    run: async (lab) => {
      const key = lab.key();
      await lab.put(key, 'a');
      expectStatus(await write(lab, key, many(10)), 200);
      expect(Object.keys(await read(lab, key))).to.have.length(10);
    },
  },
  'eleven are refused, and nothing changes': {
    page: PAGES.tags,
    run: async (lab) => {
      const key = lab.key();
      await lab.put(key, 'a', { 'x-amz-tagging': 'a=1' });
      expectError(await write(lab, key, many(11)), 400, 'BadRequest');
      expect(await read(lab, key)).to.deep.equal({ a: '1' });
    },
  },
  'eleven in the header store nothing': {
    page: PAGES.tags,
    run: async ({ send, get, key }) => {
      const name = key();
      const text = Object.entries(many(11))
        .map(([k, v]) => `${k}=${v}`)
        .join('&');
      expectError(await send('PUT', name, { body: 'a', headers: { 'x-amz-tagging': text } }), 400, 'BadRequest');
      expectStatus(await get(name), 404);
    },
  },
  'what no tag may be is InvalidTag': {
    page: PAGES.tags,
    ...over<Record<string, string>>(
      {
        'a key of 129 characters': { ['k'.repeat(129)]: 'v' },
        'a value of 257 characters': { k: 'v'.repeat(257) },
        'an empty key': { '': 'v' },
        'a key of AWS': { 'aws:created': 'v' },
        'a character that is not allowed': { 'a!b': 'v' },
      },
      (tags) => async (lab) => {
        const key = lab.key();
        await lab.put(key, 'a');
        expectError(await write(lab, key, tags), 400, 'InvalidTag');
      },
    ),
  },
  'a key of 128 and a value of 256 characters are taken': {
    page: PAGES.tags,
    run: async (lab) => {
      const key = lab.key();
      await lab.put(key, 'a');
      expectStatus(await write(lab, key, { ['k'.repeat(128)]: 'v'.repeat(256) }), 200);
    },
  },
  'the same key twice is InvalidTag': async ({ send, put, key }) => {
    const name = key();
    await put(name, 'a');
    const body =
      '<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>a</Key><Value>2</Value></Tag></TagSet></Tagging>';
    expectError(await send('PUT', name, { query: 'tagging', body }), 400, 'InvalidTag');
  },
  'the same key twice in the header is InvalidArgument': {
    page: api('PutObject'),
    run: async ({ send, key }) =>
      expectError(await send('PUT', key(), { body: 'a', headers: { 'x-amz-tagging': 'a=1&a=2' } }), 400, 'InvalidArgument'),
  },
  'another document is MalformedXML': over(
    { 'no XML': 'tags', 'another root': '<Tags/>', 'no value': '<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>' },
    (body) =>
      async ({ send, put, key }) => {
        const name = key();
        await put(name, 'a');
        expectError(await send('PUT', name, { query: 'tagging', body }), 400, 'MalformedXML');
      },
  ),
  'a copy takes the tags along': {
    page: api('CopyObject'),
    run: async (lab) => {
      const [from, to] = [lab.key(), lab.key()];
      await lab.put(from, 'a', { 'x-amz-tagging': 'a=1' });
      expectStatus(await lab.send('PUT', to, { headers: { 'x-amz-copy-source': lab.path(from) } }), 200);
      expect(await read(lab, to)).to.deep.equal({ a: '1' });
    },
  },
  'a copy with replaced metadata takes the tags along too': {
    page: api('CopyObject'),
    run: async (lab) => {
      const [from, to] = [lab.key(), lab.key()];
      await lab.put(from, 'a', { 'x-amz-tagging': 'a=1' });
      const headers = { 'x-amz-copy-source': lab.path(from), 'x-amz-metadata-directive': 'REPLACE' };
      expectStatus(await lab.send('PUT', to, { headers }), 200);
      expect(await read(lab, to)).to.deep.equal({ a: '1' });
    },
  },
  'the tagging directive REPLACE takes those of the request': {
    page: api('CopyObject'),
    run: async (lab) => {
      const [from, to] = [lab.key(), lab.key()];
      await lab.put(from, 'a', { 'x-amz-tagging': 'a=1', 'x-amz-meta-kept': 'yes' });
      const headers = { 'x-amz-copy-source': lab.path(from), 'x-amz-tagging-directive': 'REPLACE', 'x-amz-tagging': 'b=2' };
      expectStatus(await lab.send('PUT', to, { headers }), 200);
      expect(await read(lab, to)).to.deep.equal({ b: '2' });
      expect((await lab.head(to)).headers['x-amz-meta-kept']).to.equal('yes');
    },
  },
  'an unknown tagging directive is InvalidArgument': {
    page: api('CopyObject'),
    run: async ({ put, send, path, key }) => {
      const from = key();
      await put(from, 'a');
      const headers = { 'x-amz-copy-source': path(from), 'x-amz-tagging-directive': 'MERGE' };
      expectError(await send('PUT', key(), { headers }), 400, 'InvalidArgument');
    },
  },
  'a multipart upload has those of its beginning': {
    page: api('CreateMultipartUpload'),
    run: async (lab) => {
      const key = lab.key();
      const begun = await lab.send('POST', key, { query: 'uploads', headers: { 'x-amz-tagging': 'a=1' } });
      const uploadId = begun.xml().value('UploadId');
      const part = await lab.send('PUT', key, { query: { partNumber: 1, uploadId }, body: 'a' });
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
      expectStatus(await lab.send('POST', key, { query: { uploadId }, body }), 200);
      expect(await read(lab, key)).to.deep.equal({ a: '1' });
    },
  },
  'each version has its own': {
    page: PAGES.versioning,
    run: async (lab) => {
      const bucket = await lab.newBucket();
      const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'versioning', body }), 200);
      const first = await lab.s3.send('PUT', `/${bucket}/a`, { body: '1', headers: { 'x-amz-tagging': 'n=1' } });
      const second = await lab.s3.send('PUT', `/${bucket}/a`, { body: '2', headers: { 'x-amz-tagging': 'n=2' } });
      const versionId = first.headers['x-amz-version-id'] ?? '';
      const at = (query: Record<string, string>) => lab.s3.send('GET', `/${bucket}/a`, { query: { tagging: '', ...query } });
      expect(tagsOf(await at({ versionId }))).to.deep.equal({ n: '1' });
      expect(tagsOf(await at({}))).to.deep.equal({ n: '2' });
      const changed = await lab.s3.send('PUT', `/${bucket}/a`, {
        query: { tagging: '', versionId },
        body: document({ n: 'one' }),
      });
      expect(expectStatus(changed, 200).headers['x-amz-version-id']).to.equal(versionId);
      expect(tagsOf(await at({ versionId }))).to.deep.equal({ n: 'one' });
      const current = await at({});
      expect(tagsOf(current)).to.deep.equal({ n: '2' });
      expect(current.headers['x-amz-version-id']).to.equal(second.headers['x-amz-version-id']);
      expectStatus(await lab.s3.send('DELETE', `/${bucket}/a`, { query: { tagging: '', versionId } }), 204);
      expect(tagsOf(await at({ versionId }))).to.deep.equal({});
    },
  },
  'an absent version is NoSuchVersion': {
    page: api('GetObjectTagging'),
    run: async ({ put, send, key }) => {
      const name = key();
      await put(name, 'a');
      const versionId = '0123456789abcdef0123456789abcdef';
      expectError(await send('GET', name, { query: { tagging: '', versionId } }), 404, 'NoSuchVersion');
    },
  },
});
