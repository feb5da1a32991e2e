import { expect } from 'chai';
import type { S3Answer } from './harness/client.ts';
import { documentsOf } from './harness/documents.ts';
import { api, guide, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

const STATES = guide('versioning-workflows');
const MARKERS = guide('DeleteMarker');
const SUSPENDED = guide('AddingObjectstoVersionSuspendedBuckets');

async function setVersioning({ s3 }: Lab, bucket: string, status: 'Enabled' | 'Suspended'): Promise<void> {
  const versioning = documentsOf(s3, 'versioning', 'VersioningConfiguration');
  expectStatus(await versioning.put(bucket, `<Status>${status}</Status>`), 200);
}

/** A bucket of its own whose versions are kept, and what is sent to its keys. */
async function versioned(lab: Lab) {
  const bucket = await lab.newBucket();
  await setVersioning(lab, bucket, 'Enabled');
  const send: Lab['send'] = (method, key, options) =>
    lab.s3.send(method, key === '' ? `/${bucket}` : `/${bucket}/${key}`, options);
  const put = async (key: string, body: string): Promise<string> =>
    String(expectStatus(await send('PUT', key, { body }), 200).headers['x-amz-version-id']);
  const list = async (query: Record<string, string> = {}) =>
    expectStatus(await send('GET', '', { query: { versions: '', ...query } }), 200).xml();
  return { bucket, send, put, list, suspend: () => setVersioning(lab, bucket, 'Suspended') };
}

const text = ({ status, text: body }: S3Answer): string => (status === 200 ? body : String(status));

suite('versions of objects', PAGES.versioning, {
  'the state is what was put': {
    page: api('PutBucketVersioning'),
    run: async (lab) => {
      const bucket = await lab.newBucket();
      const versioning = documentsOf(lab.s3, 'versioning', 'VersioningConfiguration');
      for (const state of ['Enabled', 'Suspended', 'Enabled'] as const) {
        await setVersioning(lab, bucket, state);
        expect((await versioning.get(bucket)).xml().value('Status')).to.equal(state);
      }
      expectError(await versioning.put(bucket, '<Status>Off</Status>'), 400, 'MalformedXML');
      expectError(await versioning.put(bucket, ''), 400, 'IllegalVersioningConfigurationException');
    },
  },
  'MFA delete is refused, and nothing is switched': {
    page: api('PutBucketVersioning'),
    run: async (lab) => {
      const bucket = await lab.newBucket();
      const versioning = documentsOf(lab.s3, 'versioning', 'VersioningConfiguration');
      const answer = await versioning.put(bucket, '<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>');
      expect(answer.status).to.be.within(400, 501);
      expect((await versioning.get(bucket)).xml().value('Status')).to.equal('');
    },
  },
  'without versions no answer names one': {
    page: STATES,
    run: async ({ put, get, key }) => {
      const name = key();
      for (const { headers } of [await put(name, 'a'), await get(name)]) expect(headers).to.not.have.property('x-amz-version-id');
    },
  },
  'each write has a version of its own, and each is read by its id': async (lab) => {
    const { send, put } = await versioned(lab);
    const [first, second] = [await put('a', '1'), await put('a', '2')];
    expect(first).to.not.equal(second);
    const current = await send('GET', 'a');
    expect([current.text, current.headers['x-amz-version-id']]).to.deep.equal(['2', second]);
    for (const [versionId, body] of [
      [first, '1'],
      [second, '2'],
    ] as const) {
      const answer = expectStatus(await send('GET', 'a', { query: { versionId } }), 200);
      expect([answer.text, answer.headers['x-amz-version-id']]).to.deep.equal([body, versionId]);
      const head = expectStatus(await send('HEAD', 'a', { query: { versionId } }), 200);
      expect(head.headers['x-amz-version-id']).to.equal(versionId);
    }
  },
  'what was there before versions is the null version': {
    page: STATES,
    run: async (lab) => {
      const bucket = await lab.newBucket();
      expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'old' }), 200);
      await setVersioning(lab, bucket, 'Enabled');
      const before = expectStatus(await lab.s3.send('GET', `/${bucket}/a`), 200);
      expect(before.headers['x-amz-version-id']).to.equal('null');
      expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'new' }), 200);
      expect(text(await lab.s3.send('GET', `/${bucket}/a`, { query: { versionId: 'null' } }))).to.equal('old');
    },
  },
  'while suspended a write replaces the null version alone': {
    page: SUSPENDED,
    run: async (lab) => {
      const { send, put, suspend, list } = await versioned(lab);
      const kept = await put('a', 'kept');
      await suspend();
      for (const body of ['one', 'two']) {
        const answer = expectStatus(await send('PUT', 'a', { body }), 200);
        expect(answer.headers['x-amz-version-id'] ?? 'null').to.equal('null');
      }
      expect(text(await send('GET', 'a', { query: { versionId: 'null' } }))).to.equal('two');
      expect(text(await send('GET', 'a', { query: { versionId: kept } }))).to.equal('kept');
      expect((await list()).all('Version').map((one) => one.value('VersionId'))).to.deep.equal(['null', kept]);
    },
  },
  'a delete without a version leaves a marker, and all versions': {
    page: MARKERS,
    run: async (lab) => {
      const { send, put } = await versioned(lab);
      const version = await put('a', '1');
      const { headers } = expectStatus(await send('DELETE', 'a'), 204);
      expect(headers['x-amz-delete-marker']).to.equal('true');
      const gone = await send('GET', 'a');
      expectError(gone, 404, 'NoSuchKey');
      expect(gone.headers['x-amz-delete-marker']).to.equal('true');
      expect(text(await send('GET', 'a', { query: { versionId: version } }))).to.equal('1');
    },
  },
  'a marker is not read: 405': {
    page: MARKERS,
    ...over(['GET', 'HEAD'], (method) => async (lab) => {
      const { send, put } = await versioned(lab);
      await put('a', '1');
      const versionId = String((await send('DELETE', 'a')).headers['x-amz-version-id']);
      const answer = expectStatus(await send(method, 'a', { query: { versionId } }), 405);
      expect(answer.headers['x-amz-delete-marker']).to.equal('true');
      expect(answer.headers.allow ?? 'DELETE').to.equal('DELETE');
    }),
  },
  'a marker has no list and no tags: 405': {
    page: MARKERS,
    ...over(['acl', 'tagging'], (what) => async (lab) => {
      const { send, put } = await versioned(lab);
      await put('a', '1');
      const versionId = String((await send('DELETE', 'a')).headers['x-amz-version-id']);
      expectError(await send('GET', 'a', { query: { [what]: '', versionId } }), 405, 'MethodNotAllowed');
      expectError(await send('GET', 'a', { query: { [what]: '' } }), 404, 'NoSuchKey');
    }),
  },
  'deleting what is absent leaves a marker too': {
    page: MARKERS,
    run: async (lab) => {
      const { send, list } = await versioned(lab);
      expect(expectStatus(await send('DELETE', 'never'), 204).headers['x-amz-delete-marker']).to.equal('true');
      expect((await list()).all('DeleteMarker').map((one) => one.value('Key'))).to.deep.equal(['never']);
    },
  },
  'deleting the marker brings the object back': {
    page: guide('ManagingDelMarkers'),
    run: async (lab) => {
      const { send, put } = await versioned(lab);
      await put('a', '1');
      const versionId = String((await send('DELETE', 'a')).headers['x-amz-version-id']);
      const { headers } = expectStatus(await send('DELETE', 'a', { query: { versionId } }), 204);
      expect([headers['x-amz-delete-marker'], headers['x-amz-version-id']]).to.deep.equal(['true', versionId]);
      expect(text(await send('GET', 'a'))).to.equal('1');
    },
  },
  'deleting a version removes it for good, and what is behind the current one comes forward': {
    page: guide('DeletingObjectVersions'),
    run: async (lab) => {
      const { send, put } = await versioned(lab);
      const [first, second] = [await put('a', '1'), await put('a', '2')];
      const { headers } = expectStatus(await send('DELETE', 'a', { query: { versionId: second } }), 204);
      expect(headers['x-amz-version-id']).to.equal(second);
      expect(headers).to.not.have.property('x-amz-delete-marker');
      expect(text(await send('GET', 'a'))).to.equal('1');
      expectError(await send('GET', 'a', { query: { versionId: second } }), 404, 'NoSuchVersion');
      expectStatus(await send('DELETE', 'a', { query: { versionId: first } }), 204);
      expectError(await send('GET', 'a'), 404, 'NoSuchKey');
    },
  },
  'a version that is none is InvalidArgument': async (lab) => {
    const { send, put } = await versioned(lab);
    await put('a', '1');
    expectError(await send('GET', 'a', { query: { versionId: 'no version' } }), 400, 'InvalidArgument');
  },
  'an empty version is InvalidArgument, and nothing is removed': async (lab) => {
    const { bucket, send, put } = await versioned(lab);
    await put('a', '1');
    for (const method of ['GET', 'DELETE'] as const)
      expectError(await send(method, 'a', { query: { versionId: '' } }), 400, 'InvalidArgument');
    const headers = { 'x-amz-copy-source': `/${bucket}/a?versionId=` };
    expectError(await send('PUT', 'b', { headers }), 400, 'InvalidArgument');
    expectStatus(await send('GET', 'a'), 200);
  },
  'a bucket with versions left is not removed': {
    page: api('DeleteBucket'),
    run: async (lab) => {
      const { bucket, send, put } = await versioned(lab);
      await put('a', '1');
      expectStatus(await send('DELETE', 'a'), 204);
      expectError(await lab.s3.send('DELETE', `/${bucket}`), 409, 'BucketNotEmpty');
    },
  },
  'an old version comes back by a copy of it': {
    page: guide('RestoringPreviousVersions'),
    run: async (lab) => {
      const { bucket, send, put } = await versioned(lab);
      const first = await put('a', '1');
      await put('a', '2');
      const copied = await send('PUT', 'a', { headers: { 'x-amz-copy-source': `/${bucket}/a?versionId=${first}` } });
      expect(expectStatus(copied, 200).headers['x-amz-copy-source-version-id']).to.equal(first);
      expect(copied.headers['x-amz-version-id']).to.not.equal(first);
      expect(text(await send('GET', 'a'))).to.equal('1');
    },
  },
});

suite('ListObjectVersions', api('ListObjectVersions'), {
  'versions and markers come newest first for each key, and say which is the latest': async (lab) => {
    const { send, put, list } = await versioned(lab);
    const [first, second] = [await put('a', '1'), await put('a', '22')];
    const marker = String((await send('DELETE', 'a')).headers['x-amz-version-id']);
    const other = await put('b', '333');
    const xml = await list();
    const rows = xml.children
      .filter(({ name }) => name === 'Version' || name === 'DeleteMarker')
      .map((one) => [one.name, one.value('Key'), one.value('VersionId'), one.value('IsLatest'), one.value('Size')]);
    expect(rows).to.deep.equal([
      ['DeleteMarker', 'a', marker, 'true', ''],
      ['Version', 'a', second, 'false', '2'],
      ['Version', 'a', first, 'false', '1'],
      ['Version', 'b', other, 'true', '3'],
    ]);
    expect([xml.value('Name').length > 0, xml.value('IsTruncated'), xml.value('MaxKeys')]).to.deep.equal([true, 'false', '1000']);
    for (const one of xml.all('Version')) {
      expect(one.value('ETag')).to.match(/^"[0-9a-f]{32}"$/);
      expect(one.value('LastModified')).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(one.value('StorageClass')).to.equal('STANDARD');
      expect(one.child('Owner')?.value('ID')).to.not.equal('');
    }
  },
  'a bucket without versions shows its objects as null versions': async (lab) => {
    const bucket = await lab.newBucket();
    expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: '1' }), 200);
    const xml = expectStatus(await lab.s3.send('GET', `/${bucket}`, { query: { versions: '' } }), 200).xml();
    expect(xml.all('Version').map((one) => [one.value('VersionId'), one.value('IsLatest')])).to.deep.equal([['null', 'true']]);
  },
  'pages follow one another by both markers, and leave nothing out': over(['1', '2', '3'], (size) => async (lab) => {
    const { put, list } = await versioned(lab);
    const made: string[] = [];
    for (const key of ['a', 'b', 'c']) for (const body of ['1', '2', '3']) made.push(`${key} ${await put(key, body)}`);
    const seen: string[] = [];
    let query: Record<string, string> = {};
    for (let pages = 0; pages < 20; pages++) {
      const xml = await list({ 'max-keys': size, ...query });
      seen.push(...xml.all('Version').map((one) => `${one.value('Key')} ${one.value('VersionId')}`));
      if (xml.value('IsTruncated') === 'false') break;
      query = { 'key-marker': xml.value('NextKeyMarker'), 'version-id-marker': xml.value('NextVersionIdMarker') };
    }
    const newestFirst = ['a', 'b', 'c'].flatMap((key) => made.filter((one) => one.startsWith(key)).reverse());
    expect(seen).to.deep.equal(newestFirst);
  }),
  'a key marker alone goes on behind the whole key': async (lab) => {
    const { put, list } = await versioned(lab);
    for (const key of ['a', 'a', 'b']) await put(key, key);
    expect((await list({ 'key-marker': 'a' })).all('Version').map((one) => one.value('Key'))).to.deep.equal(['b']);
  },
  'a version marker without a key marker is InvalidArgument': async (lab) => {
    const { send, put } = await versioned(lab);
    const version = await put('a', '1');
    const query = { versions: '', 'version-id-marker': version };
    expectError(await send('GET', '', { query }), 400, 'InvalidArgument');
    expectError(await lab.send('GET', '', { query }), 400, 'InvalidArgument'); // without versions too
  },
  'prefix and delimiter roll up': async (lab) => {
    const { put, list } = await versioned(lab);
    for (const key of ['in/a', 'in/b/c', 'in/b/d', 'out']) await put(key, key);
    const xml = await list({ prefix: 'in/', delimiter: '/' });
    expect(xml.all('Version').map((one) => one.value('Key'))).to.deep.equal(['in/a']);
    expect(xml.all('CommonPrefixes').map((one) => one.value('Prefix'))).to.deep.equal(['in/b/']);
  },
  'any delimiter rolls up, each common prefix once, on pages of any size': over(
    ['/', '--', 'é', ' '],
    (delimiter) => async (lab) => {
      const { put, list } = await versioned(lab);
      const keys = [`a${delimiter}1`, `a${delimiter}2`, 'b', `c${delimiter}1`, 'd'];
      for (const key of [...keys, ...keys]) await put(key, key);
      for (const size of ['1', '2', '3', '1000']) {
        const seen: string[] = [];
        let query: Record<string, string> = {};
        for (let pages = 0; pages < 20; pages++) {
          const xml = await list({ delimiter, 'max-keys': size, ...query });
          for (const { name, value } of xml.children.map((one) => ({ name: one.name, value: one.value.bind(one) }))) {
            if (name === 'Version') seen.push(value('Key'));
            if (name === 'CommonPrefixes') seen.push(value('Prefix'));
          }
          if (xml.value('IsTruncated') === 'false') break;
          const version = xml.value('NextVersionIdMarker');
          query = { 'key-marker': xml.value('NextKeyMarker'), ...(version === '' ? {} : { 'version-id-marker': version }) };
        }
        expect(seen.sort(), size).to.deep.equal([`a${delimiter}`, 'b', 'b', `c${delimiter}`, 'd', 'd'].sort());
      }
    },
  ),
  'encoding-type=url encodes prefix, delimiter, markers and common prefixes': async (lab) => {
    const { list, put } = await versioned(lab);
    for (const key of ['p q/1 +x', 'p q/2 +x', 'p q/3']) await put(key, key);
    const query = { 'encoding-type': 'url', prefix: 'p q/', delimiter: ' +', 'max-keys': '1' };
    const xml = await list(query);
    const decoded = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
    expect(decoded(xml.child('CommonPrefixes')?.value('Prefix') ?? '')).to.equal('p q/1 +');
    for (const [name, value] of [
      ['Prefix', 'p q/'],
      ['Delimiter', ' +'],
      ['NextKeyMarker', 'p q/1 +'],
    ] as const) {
      expect(xml.value(name), name).to.not.match(/ /);
      expect(decoded(xml.value(name)), name).to.equal(value);
    }
    expect((await list({ ...query, 'key-marker': 'p q/1 +' })).value('KeyMarker')).to.not.match(/ /);
  },
  'encoding-type=url encodes keys': async (lab) => {
    const { list, send } = await versioned(lab);
    expectStatus(await send('PUT', 'a b/ü', { body: '' }), 200);
    const xml = await list({ 'encoding-type': 'url' });
    const [key = ''] = xml.all('Version').map((one) => one.value('Key'));
    expect([decodeURIComponent(key.replaceAll('+', ' ')), key.includes(' ')]).to.deep.equal(['a b/ü', false]);
    expect(xml.value('EncodingType')).to.equal('url');
  },
  'max-keys=0 is an empty page that is whole': async (lab) => {
    const { put, list } = await versioned(lab);
    await put('a', '1');
    const xml = await list({ 'max-keys': '0' });
    expect([xml.all('Version').length, xml.value('IsTruncated')]).to.deep.equal([0, 'false']);
  },
});
