import { expect } from 'chai';
import type { RequestOptions, S3Answer } from './harness/client.ts';
import { api, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

type Query = Record<string, string | number | undefined>;
const keysOf = (answer: S3Answer): string[] =>
  answer
    .xml()
    .all('Contents')
    .map((one) => one.value('Key'));
const prefixesOf = (answer: S3Answer): string[] =>
  answer
    .xml()
    .all('CommonPrefixes')
    .map((one) => one.value('Prefix'));

/** A bucket of its own with these keys. */
async function filled(
  lab: Lab,
  keys: readonly string[],
): Promise<{ bucket: string; v1(q?: Query): Promise<S3Answer>; v2(q?: Query): Promise<S3Answer> }> {
  const bucket = await lab.newBucket();
  await Promise.all(keys.map(async (key) => expectStatus(await lab.s3.send('PUT', `/${bucket}/${key}`, { body: key }), 200)));
  const list = async (query: Query): Promise<S3Answer> => expectStatus(await lab.s3.send('GET', `/${bucket}`, { query }), 200);
  return { bucket, v1: (query = {}) => list(query), v2: (query = {}) => list({ 'list-type': 2, ...query }) };
}

/** All pages of a listing of version 2, each as its keys and prefixes. */
async function pages(v2: (q: Query) => Promise<S3Answer>, query: Query): Promise<string[][]> {
  const out: string[][] = [];
  let token: string | undefined;
  do {
    const page = await v2({ ...query, ...(token === undefined ? {} : { 'continuation-token': token }) });
    out.push([...keysOf(page), ...prefixesOf(page)]);
    const xml = page.xml();
    expect(xml.value('KeyCount')).to.equal(String(out.at(-1)?.length));
    token = xml.value('IsTruncated') === 'true' ? xml.value('NextContinuationToken') : undefined;
    expect(out.length).to.be.lessThan(50);
  } while (token !== undefined);
  return out;
}

const TREE = ['a', 'b/1', 'b/2', 'b/c/3', 'd', 'e/', 'f/g/h/4'];

suite('ListObjectsV2', api('ListObjectsV2'), {
  'an empty bucket has no keys': async (lab) => {
    const { v2, bucket } = await filled(lab, []);
    const xml = (await v2()).xml();
    expect(xml.name).to.equal('ListBucketResult');
    expect(xml.value('Name')).to.equal(bucket);
    expect(xml.value('KeyCount')).to.equal('0');
    expect(xml.value('MaxKeys')).to.equal('1000');
    expect(xml.value('IsTruncated')).to.equal('false');
    expect(xml.child('Contents')).to.equal(undefined);
  },
  'keys come in the order of their UTF-8 bytes': {
    page: PAGES.delimiters,
    run: async (lab) => {
      const keys = ['Z', 'a', 'a b', 'a+b', 'a/b', 'a-b', 'foo+1/x', 'foo/x', '~', 'ä', '日本', '\u{ffee}', '\u{1f600}'];
      const { v2 } = await filled(lab, keys);
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(keysOf(await v2())).to.deep.equal(sorted);
    },
  },
  'an entry has key, time, ETag, size and storage class': async (lab) => {
    const { v2 } = await filled(lab, ['one']);
    const entry = (await v2()).xml().child('Contents')!;
    expect(entry.value('Key')).to.equal('one');
    expect(entry.value('LastModified')).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(entry.value('ETag')).to.match(/^"[0-9a-f]{32}"$/);
    expect(entry.value('Size')).to.equal('3');
    expect(entry.value('StorageClass')).to.equal('STANDARD');
  },
  'the owner comes only when asked for': async (lab) => {
    const { v2 } = await filled(lab, ['one']);
    expect((await v2()).xml().child('Contents')?.child('Owner')).to.equal(undefined);
    expect((await v2({ 'fetch-owner': 'true' })).xml().child('Contents')?.child('Owner')?.value('ID')).to.not.equal('');
  },
  'a prefix is where keys begin': {
    page: PAGES.prefixes,
    ...over<[string, string[]]>(
      {
        'a folder': ['b/', ['b/1', 'b/2', 'b/c/3']],
        'part of a name': ['b/c', ['b/c/3']],
        'a whole key': ['d', ['d']],
        nothing: ['x', []],
        empty: ['', TREE],
      },
      ([prefix, wanted]) =>
        async (lab) => {
          const { v2 } = await filled(lab, TREE);
          const page = await v2({ prefix });
          expect(keysOf(page)).to.deep.equal(wanted);
          expect(page.xml().value('Prefix')).to.equal(prefix);
        },
    ),
  },
  'a delimiter rolls up what lies behind it': {
    page: PAGES.prefixes,
    run: async (lab) => {
      const { v2 } = await filled(lab, TREE);
      const page = await v2({ delimiter: '/' });
      expect(keysOf(page)).to.deep.equal(['a', 'd']);
      expect(prefixesOf(page)).to.deep.equal(['b/', 'e/', 'f/']);
      expect(page.xml().value('KeyCount')).to.equal('5');
      expect(page.xml().value('Delimiter')).to.equal('/');
    },
  },
  'prefix and delimiter list one folder': {
    page: PAGES.prefixes,
    run: async (lab) => {
      const { v2 } = await filled(lab, TREE);
      const page = await v2({ delimiter: '/', prefix: 'b/' });
      expect(keysOf(page)).to.deep.equal(['b/1', 'b/2']);
      expect(prefixesOf(page)).to.deep.equal(['b/c/']);
    },
  },
  'a prefix without its slash is one common prefix': {
    page: PAGES.prefixes,
    run: async (lab) => {
      const { v2 } = await filled(lab, TREE);
      const page = await v2({ delimiter: '/', prefix: 'b' });
      expect(keysOf(page)).to.deep.equal([]);
      expect(prefixesOf(page)).to.deep.equal(['b/']);
    },
  },
  "a folder's own marker is a key below it": {
    page: PAGES.prefixes,
    run: async (lab) => {
      const { v2 } = await filled(lab, ['e/', 'e/1']);
      expect(keysOf(await v2({ delimiter: '/', prefix: 'e/' }))).to.deep.equal(['e/', 'e/1']);
    },
  },
  'a delimiter may be any string': {
    page: PAGES.prefixes,
    ...over(['%', '--', 'é', '日', ' ', 'x/y', '\\'], (delimiter) => async (lab) => {
      const { v2 } = await filled(lab, [`a${delimiter}1`, `a${delimiter}2`, 'b']);
      const page = await v2({ delimiter });
      expect(keysOf(page)).to.deep.equal(['b']);
      expect(prefixesOf(page)).to.deep.equal([`a${delimiter}`]);
    }),
  },
  'an empty delimiter is none': async (lab) => {
    const { v2 } = await filled(lab, TREE);
    const page = await v2({ delimiter: '' });
    expect(keysOf(page)).to.deep.equal(TREE);
    expect(page.xml().child('Delimiter')).to.equal(undefined);
  },
  'pages of any size hold every key once': over({ 1: 1, 2: 2, 3: 3, 7: 7 }, (size) => async (lab) => {
    const { v2 } = await filled(lab, TREE);
    const all = await pages(v2, { 'max-keys': size });
    expect(all.flat()).to.deep.equal(TREE);
    expect(all.slice(0, -1).every((page) => page.length === size)).to.equal(true);
  }),
  'a common prefix counts as one and comes on one page only': over({ 1: 1, 2: 2, 3: 3 }, (size) => async (lab) => {
    const { v2 } = await filled(lab, TREE);
    const all = await pages(v2, { 'max-keys': size, delimiter: '/' });
    expect(all.flat().toSorted()).to.deep.equal(['a', 'b/', 'd', 'e/', 'f/']);
    expect(all.every((page) => page.length <= size)).to.equal(true);
  }),
  'a page that holds the last key is not truncated': async (lab) => {
    const { v2 } = await filled(lab, ['a', 'b']);
    const xml = (await v2({ 'max-keys': 2 })).xml();
    expect(xml.value('IsTruncated')).to.equal('false');
    expect(xml.child('NextContinuationToken')).to.equal(undefined);
  },
  'max-keys 0 shows nothing and is not truncated': async (lab) => {
    const { v2 } = await filled(lab, ['a', 'b']);
    const xml = (await v2({ 'max-keys': 0 })).xml();
    expect(xml.value('KeyCount')).to.equal('0');
    expect(xml.value('IsTruncated')).to.equal('false');
    expect(xml.value('MaxKeys')).to.equal('0');
  },
  'max-keys above 1,000 is 1,000': async (lab) => {
    const { v2 } = await filled(lab, ['a']);
    expect((await v2({ 'max-keys': 5000 })).xml().value('MaxKeys')).to.equal('1000');
  },
  'max-keys that is no number of keys is InvalidArgument': over(
    ['-1', 'many', '1.5', '2147483648'],
    (text) =>
      async ({ send }) =>
        expectError(await send('GET', '', { query: { 'list-type': 2, 'max-keys': text } }), 400, 'InvalidArgument'),
  ),
  'start-after begins behind a key, there or not': over<[string, string[]]>(
    { there: ['b/2', ['b/c/3', 'd', 'e/', 'f/g/h/4']], 'not there': ['c', ['d', 'e/', 'f/g/h/4']], 'behind all': ['z', []] },
    ([after, wanted]) =>
      async (lab) => {
        const { v2 } = await filled(lab, TREE);
        const page = await v2({ 'start-after': after });
        expect(keysOf(page)).to.deep.equal(wanted);
        expect(page.xml().value('StartAfter')).to.equal(after);
      },
  ),
  'a token goes before start-after': async (lab) => {
    const { v2 } = await filled(lab, ['a', 'b', 'c', 'd']);
    const first = (await v2({ 'max-keys': 1 })).xml().value('NextContinuationToken');
    const page = await v2({ 'continuation-token': first, 'start-after': 'c' });
    expect(keysOf(page)).to.deep.equal(['b', 'c', 'd']);
    expect(page.xml().value('ContinuationToken')).to.equal(first);
  },
  'a token that is none is InvalidArgument': async ({ send }) =>
    expectError(await send('GET', '', { query: { 'list-type': 2, 'continuation-token': '*' } }), 400, 'InvalidArgument'),
  'an empty token is InvalidArgument': async ({ send }) =>
    expectError(await send('GET', '', { query: { 'list-type': 2, 'continuation-token': '' } }), 400, 'InvalidArgument'),
  'encoding-type url encodes keys, prefixes, delimiter and start-after': async (lab) => {
    const { v2 } = await filled(lab, ['a b/c+d/é', 'z\u0001']);
    const page = await v2({ 'encoding-type': 'url', delimiter: '+', prefix: 'a b', 'start-after': 'a a' });
    const xml = page.xml();
    expect(xml.value('EncodingType')).to.equal('url');
    expect(decodeURIComponent(xml.value('Prefix').replaceAll('+', ' '))).to.equal('a b');
    expect(xml.value('Delimiter')).to.equal('%2B');
    expect(decodeURIComponent(xml.value('StartAfter').replaceAll('+', ' '))).to.equal('a a');
    expect(decodeURIComponent(prefixesOf(page)[0]?.replaceAll('+', ' ') ?? '')).to.equal('a b/c+');
    const all = await v2({ 'encoding-type': 'url' });
    expect(keysOf(all).map((key) => decodeURIComponent(key.replaceAll('+', ' ')))).to.deep.equal(['a b/c+d/é', 'z\u0001']);
  },
  'slashes stay as they are under encoding-type url': async (lab) => {
    const { v2 } = await filled(lab, ['a/b/c']);
    expect(keysOf(await v2({ 'encoding-type': 'url' }))).to.deep.equal(['a/b/c']);
  },
  'another encoding-type is InvalidArgument': async ({ send }) =>
    expectError(await send('GET', '', { query: { 'list-type': 2, 'encoding-type': 'base64' } }), 400, 'InvalidArgument'),
  'marks of XML in a key are escaped': async (lab) => {
    const keys = ['a&b', 'a<b>', 'a"b', "a'b", 'a]]>b'];
    const { v2 } = await filled(lab, keys);
    expect(keysOf(await v2()).toSorted()).to.deep.equal(keys.toSorted());
  },
  'an absent bucket is NoSuchBucket': async ({ s3 }) =>
    expectError(await s3.send('GET', '/no-such-bucket-to-list', { query: 'list-type=2' }), 404, 'NoSuchBucket'),
  'what was removed is not listed': async (lab) => {
    const { v2, bucket } = await filled(lab, ['a', 'b/c']);
    await lab.s3.send('DELETE', `/${bucket}/b/c`);
    const page = await v2({ delimiter: '/' });
    expect(keysOf(page)).to.deep.equal(['a']);
    expect(prefixesOf(page)).to.deep.equal([]);
  },
  'a and a/b are two keys side by side': {
    page: PAGES.keys,
    run: async (lab) => {
      const { v2 } = await filled(lab, ['a', 'a/b']);
      const page = await v2({ delimiter: '/' });
      expect([keysOf(page), prefixesOf(page)]).to.deep.equal([['a'], ['a/']]);
    },
  },
  'empty segments of a key are kept': {
    page: PAGES.keys,
    run: async (lab) => {
      const keys = ['/', '//', '/a', 'a//b', 'b/'];
      const { v2 } = await filled(lab, keys);
      expect(keysOf(await v2())).to.deep.equal(keys);
      expect(prefixesOf(await v2({ prefix: 'a/', delimiter: '/' }))).to.deep.equal(['a//']);
    },
  },
  'the checksum algorithm of an entry is named': async (lab) => {
    await lab.put('summed/a', 'a', { 'x-amz-checksum-crc32': '6Le+Qw==' });
    const page = await lab.send('GET', '', { query: { 'list-type': 2, prefix: 'summed/' } });
    expect(page.xml().child('Contents')?.value('ChecksumAlgorithm')).to.equal('CRC32');
    expect(page.xml().child('Contents')?.value('ChecksumType')).to.equal('FULL_OBJECT');
  },
});

suite('ListObjects', api('ListObjects'), {
  'the owner always comes': async (lab) => {
    const { v1 } = await filled(lab, ['a']);
    expect((await v1()).xml().child('Contents')?.child('Owner')?.value('ID')).to.not.equal('');
  },
  'a marker begins behind its key': async (lab) => {
    const { v1 } = await filled(lab, TREE);
    const page = await v1({ marker: 'b/2' });
    expect(keysOf(page)).to.deep.equal(['b/c/3', 'd', 'e/', 'f/g/h/4']);
    expect(page.xml().value('Marker')).to.equal('b/2');
  },
  'without a delimiter there is no NextMarker': async (lab) => {
    const { v1 } = await filled(lab, TREE);
    const xml = (await v1({ 'max-keys': 2 })).xml();
    expect(xml.value('IsTruncated')).to.equal('true');
    expect(xml.child('NextMarker')).to.equal(undefined);
  },
  'with a delimiter NextMarker goes on where the page ended': async (lab) => {
    const { v1 } = await filled(lab, TREE);
    const seen: string[] = [];
    let marker = '';
    for (let round = 0; round < 10; round++) {
      const page = await v1({ 'max-keys': 1, delimiter: '/', marker });
      seen.push(...keysOf(page), ...prefixesOf(page));
      if (page.xml().value('IsTruncated') === 'false') break;
      marker = page.xml().value('NextMarker');
    }
    expect(seen).to.deep.equal(['a', 'b/', 'd', 'e/', 'f/']);
  },
  'the last key of a page is the marker of the next': async (lab) => {
    const { v1 } = await filled(lab, ['a', 'b', 'c']);
    const first = keysOf(await v1({ 'max-keys': 2 }));
    expect(keysOf(await v1({ marker: first.at(-1) ?? '' }))).to.deep.equal(['c']);
  },
  'an empty marker is answered as one': async (lab) => {
    const { v1 } = await filled(lab, ['a']);
    expect((await v1()).xml().child('Marker')).to.not.equal(undefined);
  },
  'prefix, delimiter and marker go together': async (lab) => {
    const { v1 } = await filled(lab, TREE);
    const page = await v1({ prefix: 'b/', delimiter: '/', marker: 'b/1' });
    expect([keysOf(page), prefixesOf(page)]).to.deep.equal([['b/2'], ['b/c/']]);
  },
  'any delimiter rolls up as in version 2, on pages of any size': over(
    ['%', '--', 'é', ' ', '\\'],
    (delimiter) => async (lab) => {
      const { v1, v2 } = await filled(lab, [`a${delimiter}1`, `a${delimiter}2`, 'b', `c${delimiter}d${delimiter}1`]);
      for (const size of [1, 2, 1000]) {
        const seen: string[] = [];
        let marker: string | undefined = '';
        for (let round = 0; marker !== undefined && round < 10; round++) {
          const page = await v1({ delimiter, 'max-keys': size, marker });
          seen.push(...keysOf(page), ...prefixesOf(page));
          marker = page.xml().value('IsTruncated') === 'true' ? page.xml().value('NextMarker') : undefined;
        }
        expect(seen.sort()).to.deep.equal([`a${delimiter}`, 'b', `c${delimiter}`].sort());
      }
      expect(prefixesOf(await v2({ delimiter }))).to.deep.equal([`a${delimiter}`, `c${delimiter}`]);
    },
  ),
  'max-keys 0 shows nothing': async (lab) => {
    const { v1 } = await filled(lab, ['a']);
    const page = await v1({ 'max-keys': 0 });
    expect(keysOf(page)).to.deep.equal([]);
    expect(page.xml().value('IsTruncated')).to.equal('false');
  },
  'encoding-type url encodes the marker too': async (lab) => {
    const { v1 } = await filled(lab, ['é']);
    expect((await v1({ 'encoding-type': 'url', marker: 'ä' })).xml().value('Marker')).to.equal('%C3%A4');
  },
});

suite('ListMultipartUploads', api('ListMultipartUploads'), {
  'shows what was begun, by key and then by time': async (lab) => {
    const bucket = await lab.newBucket();
    const begin = async (key: string): Promise<string> =>
      expectStatus(await lab.s3.send('POST', `/${bucket}/${key}`, { query: 'uploads' }), 200)
        .xml()
        .value('UploadId');
    const ids = [await begin('b'), await begin('a'), await begin('a')];
    const xml = expectStatus(await lab.s3.send('GET', `/${bucket}`, { query: 'uploads' }), 200).xml();
    expect(xml.name).to.equal('ListMultipartUploadsResult');
    const found = xml.all('Upload').map((one) => [one.value('Key'), one.value('UploadId')]);
    expect(found).to.deep.equal([
      ['a', ids[1]],
      ['a', ids[2]],
      ['b', ids[0]],
    ]);
    const first = xml.child('Upload')!;
    expect(first.value('Initiated')).to.match(/Z$/);
    expect(first.child('Owner')?.value('ID')).to.not.equal('');
    expect(first.child('Initiator')?.value('ID')).to.not.equal('');
    expect(first.value('StorageClass')).to.equal('STANDARD');
  },
  'markers go through all of them once': over({ 1: 1, 2: 2 }, (size) => async (lab) => {
    const bucket = await lab.newBucket();
    const keys = ['a', 'a', 'b', 'c/d', 'c/e'];
    for (const key of keys) await lab.s3.send('POST', `/${bucket}/${key}`, { query: 'uploads' });
    const seen: string[] = [];
    let marker: RequestOptions['query'] = {};
    for (let round = 0; round < 10; round++) {
      const xml = (
        await lab.s3.send('GET', `/${bucket}`, { query: { uploads: '', 'max-uploads': size, ...(marker as object) } })
      ).xml();
      seen.push(...xml.all('Upload').map((one) => one.value('Key')));
      if (xml.value('IsTruncated') !== 'true') break;
      marker = { 'key-marker': xml.value('NextKeyMarker'), 'upload-id-marker': xml.value('NextUploadIdMarker') };
    }
    expect(seen).to.deep.equal(keys);
  }),
  'a delimiter rolls uploads up': async (lab) => {
    const bucket = await lab.newBucket();
    for (const key of ['a', 'c/d', 'c/e']) await lab.s3.send('POST', `/${bucket}/${key}`, { query: 'uploads' });
    const page = await lab.s3.send('GET', `/${bucket}`, { query: { uploads: '', delimiter: '/' } });
    expect(
      page
        .xml()
        .all('Upload')
        .map((one) => one.value('Key')),
    ).to.deep.equal(['a']);
    expect(prefixesOf(page)).to.deep.equal(['c/']);
  },
  'a prefix keeps the others out': async (lab) => {
    const bucket = await lab.newBucket();
    for (const key of ['a', 'c/d', 'c/e']) await lab.s3.send('POST', `/${bucket}/${key}`, { query: 'uploads' });
    const page = await lab.s3.send('GET', `/${bucket}`, { query: { uploads: '', prefix: 'c/' } });
    expect(
      page
        .xml()
        .all('Upload')
        .map((one) => one.value('Key')),
    ).to.deep.equal(['c/d', 'c/e']);
  },
  'a key-marker alone goes behind all uploads of that key': async (lab) => {
    const bucket = await lab.newBucket();
    for (const key of ['a', 'a', 'b']) await lab.s3.send('POST', `/${bucket}/${key}`, { query: 'uploads' });
    const page = await lab.s3.send('GET', `/${bucket}`, { query: { uploads: '', 'key-marker': 'a' } });
    expect(
      page
        .xml()
        .all('Upload')
        .map((one) => one.value('Key')),
    ).to.deep.equal(['b']);
  },
  'any delimiter rolls up, and encoding-type url encodes what is told': async (lab) => {
    const bucket = await lab.newBucket();
    for (const key of ['a -1', 'a -2', 'b c'])
      expectStatus(await lab.s3.send('POST', `/${bucket}/${key}`, { query: 'uploads=' }), 200);
    const query = { uploads: '', delimiter: ' -', 'encoding-type': 'url' };
    const xml = expectStatus(await lab.s3.send('GET', `/${bucket}`, { query }), 200).xml();
    const decoded = (text = ''): string => decodeURIComponent(text.replaceAll('+', ' '));
    expect(xml.all('CommonPrefixes').map((one) => decoded(one.value('Prefix')))).to.deep.equal(['a -']);
    expect(xml.all('Upload').map((one) => decoded(one.value('Key')))).to.deep.equal(['b c']);
    expect([decoded(xml.value('Delimiter')), xml.value('EncodingType'), xml.text.includes(' -')]).to.deep.equal([
      ' -',
      'url',
      false,
    ]);
  },
  'max-uploads 0 shows nothing': async (lab) => {
    const bucket = await lab.newBucket();
    expectStatus(await lab.s3.send('POST', `/${bucket}/a`, { query: 'uploads=' }), 200);
    const xml = expectStatus(await lab.s3.send('GET', `/${bucket}`, { query: { uploads: '', 'max-uploads': 0 } }), 200).xml();
    expect([xml.all('Upload').length, xml.value('IsTruncated')]).to.deep.equal([0, 'false']);
  },
  'what was completed or aborted is not shown': async (lab) => {
    const bucket = await lab.newBucket();
    const begun = await lab.s3.send('POST', `/${bucket}/a`, { query: 'uploads' });
    const uploadId = begun.xml().value('UploadId');
    expectStatus(await lab.s3.send('DELETE', `/${bucket}/a`, { query: { uploadId } }), 204);
    const xml = (await lab.s3.send('GET', `/${bucket}`, { query: 'uploads' })).xml();
    expect(xml.all('Upload')).to.have.length(0);
    expect(xml.value('IsTruncated')).to.equal('false');
  },
});
