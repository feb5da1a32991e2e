import { expect } from 'chai';
import { CHECKSUMS, type ChecksumAlgorithm, checksumHeader, composite } from './harness/checksums.ts';
import type { PayloadMode } from './harness/client.ts';
import { api, guide, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';
import { begin, etagOf, PART, TAIL } from './harness/uploads.ts';

const ALGORITHMS = Object.keys(CHECKSUMS) as ChecksumAlgorithm[];
const BODY = Buffer.from('What is hashed here is not much, but it is hashed in every way.');
const ENABLED = { 'x-amz-checksum-mode': 'ENABLED' };

suite('checksums of an object', PAGES.checksums, {
  'a checksum that is right is taken, echoed and given back when asked for': over(
    ALGORITHMS,
    (algorithm) =>
      async ({ put, get, head, key }) => {
        const name = key();
        const header = checksumHeader(algorithm);
        const value = CHECKSUMS[algorithm](BODY);
        const stored = await put(name, BODY, { [header]: value });
        for (const { headers } of [stored, await get(name, { headers: ENABLED }), await head(name, { headers: ENABLED })]) {
          expect(headers[header]).to.equal(value);
          expect(headers['x-amz-checksum-type']).to.equal('FULL_OBJECT');
        }
      },
  ),
  'a body of several chunks has its checksum too': over(ALGORITHMS, (algorithm) => async ({ put, head, key }) => {
    const name = key();
    const body = Buffer.alloc(300_001, 'Several chunks, of which none is as long as another. ');
    const header = checksumHeader(algorithm);
    await put(name, body, { [header]: CHECKSUMS[algorithm](body) });
    expect((await head(name, { headers: ENABLED })).headers[header]).to.equal(CHECKSUMS[algorithm](body));
  }),
  'a checksum that is wrong is BadDigest and stores nothing': over(ALGORITHMS, (algorithm) => async ({ send, get, key }) => {
    const name = key();
    const headers = { [checksumHeader(algorithm)]: CHECKSUMS[algorithm](Buffer.from('other')) };
    expectError(await send('PUT', name, { body: BODY, headers }), 400, 'BadDigest');
    expectStatus(await get(name), 404);
  }),
  'a checksum that is none is InvalidRequest': over(ALGORITHMS, (algorithm) => async ({ send, key }) => {
    expectError(
      await send('PUT', key(), { body: BODY, headers: { [checksumHeader(algorithm)]: 'bm9uZQ' } }),
      400,
      'InvalidRequest',
    );
  }),
  'it is not given back unasked': over(['GET', 'HEAD'], (method) => async ({ put, send, key }) => {
    const name = key();
    await put(name, BODY, { 'x-amz-checksum-sha256': CHECKSUMS.SHA256(BODY) });
    expect((await send(method, name)).headers).to.not.have.property('x-amz-checksum-sha256');
  }),
  'it is not given back with a range': async ({ put, get, key }) => {
    const name = key();
    await put(name, BODY, { 'x-amz-checksum-sha256': CHECKSUMS.SHA256(BODY) });
    const { headers } = await get(name, { headers: { ...ENABLED, range: 'bytes=0-4' } });
    expect(headers).to.not.have.property('x-amz-checksum-sha256');
  },
  'two of them are InvalidRequest': async ({ send, key }) => {
    const headers = { 'x-amz-checksum-sha256': CHECKSUMS.SHA256(BODY), 'x-amz-checksum-crc32': CHECKSUMS.CRC32(BODY) };
    expectError(await send('PUT', key(), { body: BODY, headers }), 400, 'InvalidRequest');
  },
  'x-amz-sdk-checksum-algorithm without its checksum is InvalidRequest': {
    page: api('PutObject'),
    ...over(ALGORITHMS, (algorithm) => async ({ send, get, key }) => {
      const name = key();
      const answer = await send('PUT', name, { body: BODY, headers: { 'x-amz-sdk-checksum-algorithm': algorithm } });
      expectError(answer, 400, 'InvalidRequest');
      expectStatus(await get(name), 404);
    }),
  },
  'an unknown algorithm is InvalidRequest': async ({ send, key }) =>
    expectError(
      await send('PUT', key(), { body: 'a', headers: { 'x-amz-sdk-checksum-algorithm': 'CRC16' } }),
      400,
      'InvalidRequest',
    ),
  'an empty object has its checksum': over(ALGORITHMS, (algorithm) => async ({ put, key }) => {
    await put(key(), '', { [checksumHeader(algorithm)]: CHECKSUMS[algorithm](Buffer.alloc(0)) });
  }),
  'a copy keeps it': {
    page: api('CopyObject'),
    run: async ({ put, send, head, path, key }) => {
      const [from, to] = [key(), key()];
      await put(from, BODY, { 'x-amz-checksum-crc64nvme': CHECKSUMS.CRC64NVME(BODY) });
      const copied = expectStatus(await send('PUT', to, { headers: { 'x-amz-copy-source': path(from) } }), 200);
      expect(copied.xml().value('ChecksumCRC64NVME')).to.equal(CHECKSUMS.CRC64NVME(BODY));
      expect((await head(to, { headers: ENABLED })).headers['x-amz-checksum-crc64nvme']).to.equal(CHECKSUMS.CRC64NVME(BODY));
    },
  },
  'a copy can have another': {
    page: api('CopyObject'),
    run: async ({ put, send, head, path, key }) => {
      const [from, to] = [key(), key()];
      await put(from, BODY, { 'x-amz-checksum-crc32': CHECKSUMS.CRC32(BODY) });
      const headers = { 'x-amz-copy-source': path(from), 'x-amz-checksum-algorithm': 'SHA256' };
      const copied = expectStatus(await send('PUT', to, { headers }), 200);
      expect(copied.xml().value('ChecksumSHA256')).to.equal(CHECKSUMS.SHA256(BODY));
      expect((await head(to, { headers: ENABLED })).headers['x-amz-checksum-sha256']).to.equal(CHECKSUMS.SHA256(BODY));
    },
  },
});

const TRAILING: Record<string, PayloadMode> = { signed: 'chunks-trailer', unsigned: 'unsigned-trailer' };

suite('checksums in trailers', PAGES.sigv4Trailers, {
  'a trailer is verified, kept and given back': over(
    Object.fromEntries(
      ALGORITHMS.flatMap((algorithm) =>
        Object.entries(TRAILING).map(([name, mode]) => [`${algorithm}, ${name}`, { algorithm, mode }]),
      ),
    ),
    ({ algorithm, mode }) =>
      async ({ send, head, key }) => {
        const name = key();
        const header = checksumHeader(algorithm);
        const body = Buffer.alloc(20_000, BODY);
        const value = CHECKSUMS[algorithm](body);
        const stored = await send('PUT', name, { body, payload: mode, chunkBytes: 8192, trailers: { [header]: value } });
        expect(expectStatus(stored, 200).headers[header]).to.equal(value);
        expect((await head(name, { headers: ENABLED })).headers[header]).to.equal(value);
      },
  ),
  'a wrong trailer is BadDigest and stores nothing': over(TRAILING, (payload) => async ({ send, get, key }) => {
    const name = key();
    const trailers = { 'x-amz-checksum-crc32': CHECKSUMS.CRC32(Buffer.from('other')) };
    expectError(await send('PUT', name, { body: BODY, payload, trailers }), 400, 'BadDigest');
    expectStatus(await get(name), 404);
  }),
  'a trailer that was announced and does not come is refused': over(TRAILING, (payload) => async ({ send, get, key }) => {
    const name = key();
    const answer = await send('PUT', name, {
      body: BODY,
      payload,
      trailers: {},
      headers: { 'x-amz-trailer': 'x-amz-checksum-crc32' },
    });
    expect(answer.status).to.equal(400);
    expectStatus(await get(name), 404);
  }),
  'a trailer that was not announced is refused': over(TRAILING, (payload) => async ({ send, get, key }) => {
    const name = key();
    const trailers = { 'x-amz-checksum-sha256': CHECKSUMS.SHA256(BODY) };
    const answer = await send('PUT', name, {
      body: BODY,
      payload,
      trailers,
      headers: { 'x-amz-trailer': 'x-amz-checksum-crc32' },
    });
    expect(answer.status).to.equal(400);
    expectStatus(await get(name), 404);
  }),
  'a trailer that is announced for a body that has none is refused': over<PayloadMode>(
    { 'signed in one piece': 'signed', unsigned: 'unsigned', 'in chunks without trailers': 'chunks' },
    (payload) =>
      async ({ send, get, key }) => {
        const name = key();
        const headers = { 'x-amz-trailer': 'x-amz-checksum-crc32' };
        expectError(await send('PUT', name, { body: BODY, payload, headers }), 400, 'InvalidRequest');
        expectStatus(await get(name), 404);
      },
  ),
  'a trailer that was changed breaks its signature': async ({ send, get, key }) => {
    const name = key();
    const [right, wrong] = [CHECKSUMS.CRC32(BODY), CHECKSUMS.CRC32(Buffer.from('x'))];
    const answer = await send('PUT', name, {
      body: BODY,
      payload: 'chunks-trailer',
      trailers: { 'x-amz-checksum-crc32': wrong },
      tamper: (request) => void (request.body = Buffer.from(request.body.toString('latin1').replace(wrong, right), 'latin1')),
    });
    expectError(answer, 403, 'SignatureDoesNotMatch');
    expectStatus(await get(name), 404);
  },
  'a trailer of an unknown kind is InvalidRequest': async ({ send, key }) => {
    const answer = await send('PUT', key(), {
      body: BODY,
      payload: 'unsigned-trailer',
      trailers: { 'x-amz-checksum-crc16': 'AAA=' },
    });
    expectError(answer, 400, 'InvalidRequest');
  },
  'a header together with a trailer is InvalidRequest': async ({ send, key }) => {
    const answer = await send('PUT', key(), {
      body: BODY,
      payload: 'unsigned-trailer',
      trailers: { 'x-amz-checksum-crc32': CHECKSUMS.CRC32(BODY) },
      headers: { 'x-amz-checksum-sha1': CHECKSUMS.SHA1(BODY) },
    });
    expectError(answer, 400, 'InvalidRequest');
  },
});

const MIN = 5 * 1024 * 1024;
const PARTS = [Buffer.alloc(MIN, 'first '), Buffer.from('second')];

async function multipart(lab: Lab, algorithm: ChecksumAlgorithm, type: string | undefined) {
  const key = lab.key();
  const headers = { 'x-amz-checksum-algorithm': algorithm, ...(type === undefined ? {} : { 'x-amz-checksum-type': type }) };
  const begun = expectStatus(await lab.send('POST', key, { query: 'uploads', headers }), 200);
  const uploadId = begun.xml().value('UploadId');
  const sums = PARTS.map((part) => CHECKSUMS[algorithm](part));
  let list = '';
  for (const [index, body] of PARTS.entries()) {
    const part = await lab.send('PUT', key, {
      query: { partNumber: index + 1, uploadId },
      body,
      headers: { [checksumHeader(algorithm)]: sums[index] },
    });
    expect(expectStatus(part, 200).headers[checksumHeader(algorithm)]).to.equal(sums[index]);
    list += `<Part><Checksum${algorithm}>${sums[index]}</Checksum${algorithm}><ETag>${part.headers.etag}</ETag><PartNumber>${index + 1}</PartNumber></Part>`;
  }
  const complete = (more: Record<string, string> = {}, parts = list) =>
    lab.send('POST', key, {
      query: { uploadId },
      body: `<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`,
      headers: more,
    });
  return { key, sums, begun, complete, list };
}

const COMPOSITE = ['CRC32', 'CRC32C', 'SHA1', 'SHA256', 'SHA512', 'MD5', 'XXHASH64', 'XXHASH3', 'XXHASH128'] as const;
const FULL = ['CRC32', 'CRC32C', 'CRC64NVME'] as const;

suite('checksums of an upload in parts', PAGES.checksumsUpload, {
  "a composite one is that of the parts' checksums": over(COMPOSITE, (algorithm) => async (lab) => {
    const { key, sums, begun, complete } = await multipart(lab, algorithm, undefined);
    expect(begun.headers['x-amz-checksum-type']).to.equal('COMPOSITE');
    const answer = expectStatus(await complete(), 200);
    expect(answer.xml().value(`Checksum${algorithm}`)).to.equal(composite(algorithm, sums));
    const { headers } = await lab.head(key, { headers: ENABLED });
    expect(headers[checksumHeader(algorithm)]).to.equal(composite(algorithm, sums));
    expect(headers['x-amz-checksum-type']).to.equal('COMPOSITE');
  }),
  'one of the whole object is that of its bytes': over(FULL, (algorithm) => async (lab) => {
    const { key, complete } = await multipart(lab, algorithm, 'FULL_OBJECT');
    const value = CHECKSUMS[algorithm](Buffer.concat(PARTS));
    expect(
      expectStatus(await complete(), 200)
        .xml()
        .value(`Checksum${algorithm}`),
    ).to.equal(value);
    const { headers } = await lab.head(key, { headers: ENABLED });
    expect([headers[checksumHeader(algorithm)], headers['x-amz-checksum-type']]).to.deep.equal([value, 'FULL_OBJECT']);
  }),
  'one of the whole object cannot be made of the parts of any but a CRC': over(
    COMPOSITE.filter((algorithm) => !algorithm.startsWith('CRC')),
    (algorithm) => async (lab) => {
      const headers = { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': 'FULL_OBJECT' };
      expectError(await lab.send('POST', lab.key(), { query: 'uploads', headers }), 400, 'InvalidRequest');
    },
  ),
  'CRC64NVME is of the whole object alone': async (lab) => {
    const headers = { 'x-amz-checksum-algorithm': 'CRC64NVME', 'x-amz-checksum-type': 'COMPOSITE' };
    expectError(await lab.send('POST', lab.key(), { query: 'uploads', headers }), 400, 'InvalidRequest');
  },
  'CRC64NVME is of the whole object by itself': async (lab) => {
    const { begun } = await multipart(lab, 'CRC64NVME', undefined);
    expect(begun.headers['x-amz-checksum-type']).to.equal('FULL_OBJECT');
  },
  'one of the whole that is right is taken with the completion': over(FULL, (algorithm) => async (lab) => {
    const { complete } = await multipart(lab, algorithm, 'FULL_OBJECT');
    const value = CHECKSUMS[algorithm](Buffer.concat(PARTS));
    const answer = expectStatus(
      await complete({ [checksumHeader(algorithm)]: value, 'x-amz-checksum-type': 'FULL_OBJECT' }),
      200,
    );
    expect(answer.xml().value(`Checksum${algorithm}`)).to.equal(value);
  }),
  'one of the whole that is wrong is BadDigest': over(FULL, (algorithm) => async (lab) => {
    const { key, complete } = await multipart(lab, algorithm, 'FULL_OBJECT');
    const headers = { [checksumHeader(algorithm)]: CHECKSUMS[algorithm](Buffer.from('x')), 'x-amz-checksum-type': 'FULL_OBJECT' };
    expectError(await complete(headers), 400, 'BadDigest');
    expectStatus(await lab.get(key), 404);
  }),
  "a part's that is not what was sent is InvalidPart": async (lab) => {
    const { complete, list, sums } = await multipart(lab, 'SHA256', undefined);
    expectError(await complete({}, list.replace(sums[0] ?? '', CHECKSUMS.SHA256(Buffer.from('x')))), 400, 'InvalidPart');
  },
  'a part that is a copy gets one too': {
    page: api('UploadPartCopy'),
    ...over(['CRC32', 'MD5', 'XXHASH128'] as const, (algorithm) => async (lab) => {
      const [from, key] = [lab.key(), lab.key()];
      await lab.put(from, 'abc');
      const begun = await lab.send('POST', key, { query: 'uploads', headers: { 'x-amz-checksum-algorithm': algorithm } });
      const uploadId = begun.xml().value('UploadId');
      const headers = { 'x-amz-copy-source': lab.path(from) };
      const part = expectStatus(await lab.send('PUT', key, { query: { partNumber: 1, uploadId }, headers }), 200).xml();
      const sum = CHECKSUMS[algorithm](Buffer.from('abc'));
      expect(part.value(`Checksum${algorithm}`)).to.equal(sum);
      const named = `<Checksum${algorithm}>${sum}</Checksum${algorithm}><ETag>${part.value('ETag')}</ETag><PartNumber>1</PartNumber>`;
      const body = `<CompleteMultipartUpload><Part>${named}</Part></CompleteMultipartUpload>`;
      const answer = expectStatus(await lab.send('POST', key, { query: { uploadId }, body }), 200);
      expect(answer.xml().value(`Checksum${algorithm}`)).to.equal(composite(algorithm, [sum]));
    }),
  },
  'a composite one needs the checksum of each part, of the same kind': over<Record<string, string>>(
    { none: {}, 'another kind': { 'x-amz-checksum-sha1': CHECKSUMS.SHA1(Buffer.from('abc')) } },
    (headers) => async (lab) => {
      const key = lab.key();
      const begun = await lab.send('POST', key, { query: 'uploads', headers: { 'x-amz-checksum-algorithm': 'CRC32C' } });
      const query = { partNumber: 1, uploadId: begun.xml().value('UploadId') };
      expectError(await lab.send('PUT', key, { query, body: 'abc', headers }), 400, 'InvalidRequest');
    },
  ),
  'a completion names the checksum of each part of a composite one': async (lab) => {
    const { complete, list } = await multipart(lab, 'CRC32', undefined);
    const without = list.replace(/<ChecksumCRC32>[^<]*<.ChecksumCRC32>/, '');
    expectError(await complete({}, without), 400, 'InvalidRequest');
    expectStatus(await complete(), 200);
  },
  'a completion with another type of checksum than its beginning is BadDigest': {
    page: api('CompleteMultipartUpload'),
    ...over(
      {
        'FULL_OBJECT for COMPOSITE': [undefined, 'FULL_OBJECT'],
        'COMPOSITE for FULL_OBJECT': ['FULL_OBJECT', 'COMPOSITE'],
      } as const,
      ([begun, other]) =>
        async (lab) => {
          const { complete } = await multipart(lab, 'CRC32', begun);
          expectError(await complete({ 'x-amz-checksum-type': other }), 400, 'BadDigest');
          expectStatus(await complete({ 'x-amz-checksum-type': begun ?? 'COMPOSITE' }), 200);
        },
    ),
  },
  'one that the end declares of an upload begun without an algorithm is verified, kept and given back': over(
    Object.fromEntries(
      FULL.flatMap((name) => [true, false].map((sent) => [`${name}, ${sent ? '' : 'not '}of its parts`, { name, sent }])),
    ),
    ({ name, sent }) =>
      async (lab) => {
        const upload = await begin(lab);
        const header = checksumHeader(name);
        const list: [number, string][] = [];
        for (const [index, body] of PARTS.entries())
          list.push([index + 1, await etagOf(upload.part(index + 1, body, sent ? { [header]: CHECKSUMS[name](body) } : {}))]);
        const whole = CHECKSUMS[name](Buffer.concat(PARTS));
        expectError(await upload.complete(list, { [header]: CHECKSUMS[name](TAIL) }), 400, 'BadDigest');
        expectError(await upload.complete(list, { [header]: whole, 'x-amz-checksum-type': 'COMPOSITE' }), 400, 'BadDigest');
        expectStatus(await lab.get(upload.key), 404);
        expect(
          expectStatus(await upload.complete(list, { [header]: whole }), 200)
            .xml()
            .value(`Checksum${name}`),
        ).to.equal(whole);
        const { headers } = await lab.head(upload.key, { headers: ENABLED });
        expect([headers[header], headers['x-amz-checksum-type']]).to.deep.equal([whole, 'FULL_OBJECT']);
      },
  ),
  'one that the end declares of another algorithm than the beginning is InvalidRequest': over<
    [Record<string, string>, 'SHA256' | 'CRC32C']
  >(
    {
      'none, and a SHA': [{}, 'SHA256'],
      'a CRC, and another': [{ 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT' }, 'CRC32C'],
    },
    ([headers, name]) =>
      async (lab) => {
        const upload = await begin(lab, headers);
        const list = [[1, await etagOf(upload.part(1, TAIL))]] as const;
        expectError(await upload.complete(list, { [checksumHeader(name)]: CHECKSUMS[name](TAIL) }), 400, 'InvalidRequest');
        expectStatus(await lab.get(upload.key), 404);
      },
  ),
  "a part's is verified too where the upload was begun without an algorithm": async (lab) => {
    const upload = await begin(lab);
    const sum = CHECKSUMS.CRC32(TAIL);
    const etag = await etagOf(upload.part(1, TAIL, { 'x-amz-checksum-crc32': sum }));
    const complete = (value: string) =>
      lab.send('POST', upload.key, {
        query: { uploadId: upload.uploadId },
        body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag><ChecksumCRC32>${value}</ChecksumCRC32></Part></CompleteMultipartUpload>`,
      });
    expectError(await complete(CHECKSUMS.CRC32(PART)), 400, 'InvalidPart');
    expectStatus(await complete(sum), 200);
  },
  'a composite one may be declared with the number of its parts': async (lab) => {
    const { sums, complete } = await multipart(lab, 'SHA256', undefined);
    const value = composite('SHA256', sums);
    expectError(await complete({ 'x-amz-checksum-sha256': value.replace(/-\d+$/, '-9') }), 400, 'BadDigest');
    expect(
      expectStatus(await complete({ 'x-amz-checksum-sha256': value }), 200)
        .xml()
        .value('ChecksumSHA256'),
    ).to.equal(value);
  },
  'one of the whole object needs no checksum of its parts': over(FULL, (algorithm) => async (lab) => {
    const key = lab.key();
    const headers = { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': 'FULL_OBJECT' };
    const uploadId = (await lab.send('POST', key, { query: 'uploads', headers })).xml().value('UploadId');
    const part = expectStatus(await lab.send('PUT', key, { query: { partNumber: 1, uploadId }, body: 'abc' }), 200);
    const body = `<CompleteMultipartUpload><Part><ETag>${part.headers.etag}</ETag><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>`;
    const answer = expectStatus(await lab.send('POST', key, { query: { uploadId }, body }), 200);
    expect(answer.xml().value(`Checksum${algorithm}`)).to.equal(CHECKSUMS[algorithm](Buffer.from('abc')));
  }),
});

suite('GetObjectAttributes', api('GetObjectAttributes'), {
  'gives what was asked for and no more': over(['ETag', 'ObjectSize', 'StorageClass'], (name) => async ({ put, send, key }) => {
    const at = key();
    await put(at, 'abc');
    const xml = expectStatus(
      await send('GET', at, { query: 'attributes', headers: { 'x-amz-object-attributes': name } }),
      200,
    ).xml();
    expect(xml.name).to.equal('GetObjectAttributesResponse');
    expect(xml.children.map((child) => child.name)).to.deep.equal([name]);
  }),
  'the ETag comes without quotes': async ({ put, send, key }) => {
    const at = key();
    const { headers } = await put(at, 'abc');
    const xml = (await send('GET', at, { query: 'attributes', headers: { 'x-amz-object-attributes': 'ETag' } })).xml();
    expect(xml.value('ETag')).to.equal(headers.etag?.replaceAll('"', ''));
  },
  'several are named in one header, or in several': async ({ put, send, key }) => {
    const at = key();
    await put(at, 'abc');
    for (const names of ['ETag,ObjectSize', ['ETag', 'ObjectSize']]) {
      const answer = await send('GET', at, { query: 'attributes', headers: { 'x-amz-object-attributes': names } });
      expect(
        expectStatus(answer, 200)
          .xml()
          .children.map((child) => child.name),
      ).to.have.members(['ETag', 'ObjectSize']);
    }
  },
  'the last change is in a header': async ({ put, send, head, key }) => {
    const at = key();
    await put(at, 'abc');
    const answer = await send('GET', at, { query: 'attributes', headers: { 'x-amz-object-attributes': 'ETag' } });
    expect(answer.headers['last-modified']).to.equal((await head(at)).headers['last-modified']);
  },
  'checksums are given': over(ALGORITHMS, (algorithm) => async ({ put, send, key }) => {
    const at = key();
    await put(at, BODY, { [checksumHeader(algorithm)]: CHECKSUMS[algorithm](BODY) });
    const xml = (await send('GET', at, { query: 'attributes', headers: { 'x-amz-object-attributes': 'Checksum' } })).xml();
    expect(xml.child('Checksum')?.value(`Checksum${algorithm}`)).to.equal(CHECKSUMS[algorithm](BODY));
    expect(xml.child('Checksum')?.value('ChecksumType')).to.equal('FULL_OBJECT');
  }),
  'parts are given with their sizes and checksums, by pages': async (lab) => {
    const { key, sums, complete } = await multipart(lab, 'SHA256', undefined);
    expectStatus(await complete(), 200);
    const ask = async (headers: Record<string, string>) =>
      (await lab.send('GET', key, { query: 'attributes', headers: { 'x-amz-object-attributes': 'ObjectParts', ...headers } }))
        .xml()
        .child('ObjectParts')!;
    const all = await ask({});
    expect(all.value('PartsCount')).to.equal('2');
    expect(
      all.all('Part').map((part) => [part.value('PartNumber'), part.value('Size'), part.value('ChecksumSHA256')]),
    ).to.deep.equal([
      ['1', String(MIN), sums[0]],
      ['2', '6', sums[1]],
    ]);
    const first = await ask({ 'x-amz-max-parts': '1' });
    expect([first.all('Part').length, first.value('IsTruncated'), first.value('NextPartNumberMarker')]).to.deep.equal([
      1,
      'true',
      '1',
    ]);
    const second = await ask({ 'x-amz-part-number-marker': '1' });
    expect(second.all('Part').map((part) => part.value('PartNumber'))).to.deep.equal(['2']);
  },
  'an object put at once has no parts': async ({ put, send, key }) => {
    const at = key();
    await put(at, 'abc');
    const xml = (await send('GET', at, { query: 'attributes', headers: { 'x-amz-object-attributes': 'ObjectParts' } })).xml();
    expect(xml.child('ObjectParts')).to.equal(undefined);
  },
  'an unknown attribute is InvalidArgument': async ({ put, send, key }) => {
    const at = key();
    await put(at, 'abc');
    expectError(
      await send('GET', at, { query: 'attributes', headers: { 'x-amz-object-attributes': 'Colour' } }),
      400,
      'InvalidArgument',
    );
  },
  'of a key that was deleted it says so: 404 with its marker': {
    page: guide('DeleteMarker'),
    run: async ({ s3, newBucket }) => {
      const bucket = await newBucket();
      const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await s3.send('PUT', `/${bucket}`, { query: 'versioning', body: on }), 200);
      await s3.send('PUT', `/${bucket}/a`, { body: 'abc' });
      const marker = (await s3.send('DELETE', `/${bucket}/a`)).headers['x-amz-version-id'];
      const headers = { 'x-amz-object-attributes': 'ETag' };
      const answer = await s3.send('GET', `/${bucket}/a`, { query: 'attributes', headers });
      expectError(answer, 404, 'NoSuchKey');
      expect([answer.headers['x-amz-delete-marker'], answer.headers['x-amz-version-id']]).to.deep.equal(['true', marker]);
      const query = { attributes: '', versionId: String(marker) };
      expectError(await s3.send('GET', `/${bucket}/a`, { query, headers }), 405, 'MethodNotAllowed');
    },
  },
  'an absent key is NoSuchKey': async ({ send, key }) =>
    expectError(
      await send('GET', key(), { query: 'attributes', headers: { 'x-amz-object-attributes': 'ETag' } }),
      404,
      'NoSuchKey',
    ),
});
