import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { CHECKSUMS, type ChecksumAlgorithm, checksumHeader, composite } from './harness/checksums.ts';
import { documentsOf } from './harness/documents.ts';
import { api, guide, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

const A = Buffer.alloc(32, 'a');
const B = Buffer.alloc(32, 'b');
const md5 = (bytes: Buffer | string): string => createHash('md5').update(bytes).digest('base64');

/** The three headers of a customer's key. */
function keyed(key: Buffer, source = false): Record<string, string> {
  const prefix = source ? 'x-amz-copy-source-server-side-encryption-customer-' : 'x-amz-server-side-encryption-customer-';
  return { [`${prefix}algorithm`]: 'AES256', [`${prefix}key`]: key.toString('base64'), [`${prefix}key-md5`]: md5(key) };
}

const BODY = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7 + (i >> 8)) & 255));
const PART = Buffer.alloc(5 * 1024 * 1024, 'part one ');

async function multipart(lab: Lab, key: string, parts: Buffer[], by: Buffer, more: Record<string, string> = {}): Promise<void> {
  const begun = expectStatus(await lab.send('POST', key, { query: 'uploads', headers: { ...keyed(by), ...more } }), 200);
  const uploadId = begun.xml().value('UploadId');
  let list = '';
  for (const [index, body] of parts.entries()) {
    const answer = await lab.send('PUT', key, { query: { partNumber: index + 1, uploadId }, body, headers: keyed(by) });
    expectStatus(answer, 200);
    list += `<Part><PartNumber>${index + 1}</PartNumber><ETag>${answer.headers.etag}</ETag></Part>`;
  }
  const body = `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`;
  expectStatus(await lab.send('POST', key, { query: { uploadId }, body }), 200);
}

suite('SSE-C', PAGES.sseC, {
  'an object comes back with the key that it was stored under': async ({ send, get, key }) => {
    const name = key();
    const put = expectStatus(await send('PUT', name, { body: BODY, headers: keyed(A) }), 200);
    const answer = expectStatus(await get(name, { headers: keyed(A) }), 200);
    expect(answer.body.equals(BODY)).to.equal(true);
    for (const { headers } of [put, answer]) {
      expect(headers['x-amz-server-side-encryption-customer-algorithm']).to.equal('AES256');
      expect(headers['x-amz-server-side-encryption-customer-key-md5']).to.equal(md5(A));
      expect(headers).to.not.have.property('x-amz-server-side-encryption');
    }
  },
  'without the key a read is refused': over(['GET', 'HEAD'], (method) => async ({ send, key }) => {
    const name = key();
    await send('PUT', name, { body: BODY, headers: keyed(A) });
    const answer = await send(method, name);
    expect(answer.status).to.equal(400);
    if (method === 'GET') expectError(answer, 400, 'InvalidRequest');
  }),
  'with another key a read is refused': over(['GET', 'HEAD'], (method) => async ({ send, key }) => {
    const name = key();
    await send('PUT', name, { body: BODY, headers: keyed(A) });
    expect((await send(method, name, { headers: keyed(B) })).status).to.equal(403);
  }),
  'a key for an object that has none is refused': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    expectError(await get(name, { headers: keyed(A) }), 400, 'InvalidRequest');
  },
  "an MD5 that is not the key's is InvalidArgument and stores nothing": async ({ send, head, key }) => {
    const name = key();
    const headers = { ...keyed(A), 'x-amz-server-side-encryption-customer-key-md5': md5(B) };
    expectError(await send('PUT', name, { body: BODY, headers }), 400, 'InvalidArgument');
    expectStatus(await head(name), 404);
  },
  'what is missing of the three headers is InvalidArgument': over(
    ['algorithm', 'key', 'key-md5'],
    (part) =>
      async ({ send, key }) => {
        const { [`x-amz-server-side-encryption-customer-${part}`]: _, ...headers } = keyed(A);
        expectError(await send('PUT', key(), { body: 'a', headers }), 400, 'InvalidArgument');
      },
  ),
  'another algorithm is InvalidEncryptionAlgorithmError': async ({ send, key }) => {
    const headers = { ...keyed(A), 'x-amz-server-side-encryption-customer-algorithm': 'AES128' };
    expectError(await send('PUT', key(), { body: 'a', headers }), 400, 'InvalidEncryptionAlgorithmError');
  },
  'a key of another length is InvalidArgument': over({ 16: 16, 31: 31, 33: 33 }, (bytes) => async ({ send, key }) => {
    expectError(await send('PUT', key(), { body: 'a', headers: keyed(Buffer.alloc(bytes)) }), 400, 'InvalidArgument');
  }),
  'together with SSE-S3 it is InvalidArgument': async ({ send, key }) => {
    const headers = { ...keyed(A), 'x-amz-server-side-encryption': 'AES256' };
    expectError(await send('PUT', key(), { body: 'a', headers }), 400, 'InvalidArgument');
  },
  'ranges are those of the plain bytes': {
    page: PAGES.ranges,
    ...over<[string, number, number]>(
      {
        'the first byte': ['0-0', 0, 1],
        'across a block': ['15-16', 15, 17],
        'from the middle': ['12345-', 12345, 100_000],
        'the end': ['-7', 99_993, 100_000],
      },
      ([range, start, end]) =>
        async ({ send, get, key }) => {
          const name = key();
          await send('PUT', name, { body: BODY, headers: keyed(A) });
          const answer = expectStatus(await get(name, { headers: { ...keyed(A), range: `bytes=${range}` } }), 206);
          expect(answer.body.equals(BODY.subarray(start, end))).to.equal(true);
        },
    ),
  },
  'an empty object needs its key too': async ({ send, get, key }) => {
    const name = key();
    await send('PUT', name, { headers: keyed(A) });
    expectStatus(await get(name), 400);
    expectStatus(await get(name, { headers: keyed(A) }), 200);
  },
  'Content-MD5 is that of the plain bytes': async ({ send, get, key }) => {
    const name = key();
    expectStatus(await send('PUT', name, { body: BODY, headers: { ...keyed(A), 'content-md5': md5(BODY) } }), 200);
    expectError(await send('PUT', name, { body: BODY, headers: { ...keyed(A), 'content-md5': md5('b') } }), 400, 'BadDigest');
    expectStatus(await get(name, { headers: keyed(A) }), 200);
  },
  'a checksum is that of the plain bytes, and is given back': {
    page: PAGES.checksums,
    ...over(['CRC32', 'SHA256', 'XXHASH3'] as const, (algorithm) => async ({ send, get, key }) => {
      const name = key();
      const [header, sum] = [checksumHeader(algorithm), CHECKSUMS[algorithm](BODY)];
      const headers = { ...keyed(A), [header]: sum };
      expectStatus(await send('PUT', name, { body: BODY, headers }), 200);
      const answer = await get(name, { headers: { ...keyed(A), 'x-amz-checksum-mode': 'ENABLED' } });
      expect(answer.headers[header]).to.equal(sum);
      expectError(await send('PUT', name, { body: 'other', headers }), 400, 'BadDigest');
    }),
  },
  'the same bytes twice lie under different ciphers': async ({ send, key }) => {
    const [one, two] = [key(), key()];
    const first = await send('PUT', one, { body: BODY, headers: keyed(A) });
    const second = await send('PUT', two, { body: BODY, headers: keyed(A) });
    expect(first.headers.etag).to.not.equal(second.headers.etag);
    expect(first.headers.etag).to.not.equal(`"${createHash('md5').update(BODY).digest('hex')}"`);
  },
  'a copy from a keyed source needs its key': {
    page: api('CopyObject'),
    run: async ({ send, get, path, key }) => {
      const [from, to] = [key(), key()];
      await send('PUT', from, { body: BODY, headers: keyed(A) });
      const source = { 'x-amz-copy-source': path(from) };
      expectError(await send('PUT', to, { headers: source }), 400, 'InvalidRequest');
      expect((await send('PUT', to, { headers: { ...source, ...keyed(B, true) } })).status).to.equal(403);
      expectStatus(await send('PUT', to, { headers: { ...source, ...keyed(A, true) } }), 200);
      const plain = expectStatus(await get(to), 200);
      expect(plain.body.equals(BODY)).to.equal(true);
      expect(plain.headers.etag).to.equal(`"${createHash('md5').update(BODY).digest('hex')}"`);
    },
  },
  'a copy can change the key': {
    page: api('CopyObject'),
    run: async ({ send, get, path, key }) => {
      const [from, to] = [key(), key()];
      await send('PUT', from, { body: BODY, headers: { ...keyed(A), 'x-amz-meta-a': 'b' } });
      const headers = { 'x-amz-copy-source': path(from), ...keyed(A, true), ...keyed(B) };
      expectStatus(await send('PUT', to, { headers }), 200);
      expect((await get(to, { headers: keyed(A) })).status).to.equal(403);
      const answer = await get(to, { headers: keyed(B) });
      expect(answer.body.equals(BODY)).to.equal(true);
      expect(answer.headers['x-amz-meta-a']).to.equal('b');
    },
  },
  'a copy onto itself under another key is a change': {
    page: api('CopyObject'),
    run: async ({ put, send, get, path, key }) => {
      const name = key();
      await put(name, BODY);
      expectStatus(await send('PUT', name, { headers: { 'x-amz-copy-source': path(name), ...keyed(A) } }), 200);
      expect((await get(name, { headers: keyed(A) })).body.equals(BODY)).to.equal(true);
    },
  },
  'an upload in parts lies under its key, read whole, by range and by part': {
    page: PAGES.multipart,
    run: async (lab) => {
      const key = lab.key();
      const last = Buffer.from('the last part');
      await multipart(lab, key, [PART, last], A);
      expectStatus(await lab.get(key), 400);
      const whole = expectStatus(await lab.get(key, { headers: keyed(A) }), 200);
      expect(whole.body.equals(Buffer.concat([PART, last]))).to.equal(true);
      const range = { range: `bytes=${PART.length - 3}-${PART.length + 2}` };
      const across = await lab.get(key, { headers: { ...keyed(A), ...range } });
      expect(across.body.equals(Buffer.concat([PART.subarray(-3), last.subarray(0, 3)]))).to.equal(true);
      const second = await lab.get(key, { headers: keyed(A), query: { partNumber: 2 } });
      expect(second.text).to.equal('the last part');
    },
  },
  'a part without the key, or with another, is refused': {
    page: api('UploadPart'),
    run: async ({ send, key }) => {
      const name = key();
      const begun = await send('POST', name, { query: 'uploads', headers: keyed(A) });
      const query = { partNumber: 1, uploadId: begun.xml().value('UploadId') };
      expectError(await send('PUT', name, { query, body: 'a' }), 400, 'InvalidRequest');
      expectStatus(await send('PUT', name, { query, body: 'a', headers: keyed(B) }), 403);
    },
  },
  'a part with a key in an upload that has none is refused': {
    page: api('UploadPart'),
    run: async ({ send, key }) => {
      const name = key();
      const begun = await send('POST', name, { query: 'uploads' });
      const query = { partNumber: 1, uploadId: begun.xml().value('UploadId') };
      expectError(await send('PUT', name, { query, body: 'a', headers: keyed(A) }), 400, 'InvalidRequest');
    },
  },
  'a part can be a copy from one key to another': {
    page: api('UploadPartCopy'),
    run: async ({ send, get, path, key }) => {
      const [from, to] = [key(), key()];
      await send('PUT', from, { body: BODY, headers: keyed(A) });
      const begun = await send('POST', to, { query: 'uploads', headers: keyed(B) });
      const uploadId = begun.xml().value('UploadId');
      const headers = {
        'x-amz-copy-source': path(from),
        'x-amz-copy-source-range': 'bytes=10-50009',
        ...keyed(A, true),
        ...keyed(B),
      };
      const part = expectStatus(await send('PUT', to, { query: { partNumber: 1, uploadId }, headers }), 200);
      const etag = part.xml().value('ETag');
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
      expectStatus(await send('POST', to, { query: { uploadId }, body }), 200);
      expect((await get(to, { headers: keyed(B) })).body.equals(BODY.subarray(10, 50_010))).to.equal(true);
    },
  },
  'the checksum of a part that was copied is that of its plain bytes': {
    page: PAGES.checksums,
    ...over(['CRC32', 'SHA256', 'MD5'] satisfies ChecksumAlgorithm[], (algorithm) => async ({ send, put, get, path, key }) => {
      const [from, to] = [key(), key()];
      await put(from, BODY);
      const begun = await send('POST', to, {
        query: 'uploads',
        headers: { ...keyed(A), 'x-amz-checksum-algorithm': algorithm },
      });
      const uploadId = begun.xml().value('UploadId');
      const headers = { 'x-amz-copy-source': path(from), ...keyed(A) };
      const part = expectStatus(await send('PUT', to, { query: { partNumber: 1, uploadId }, headers }), 200).xml();
      const sum = CHECKSUMS[algorithm](BODY);
      expect(part.value(`Checksum${algorithm}`)).to.equal(sum);
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.value('ETag')}</ETag><Checksum${algorithm}>${sum}</Checksum${algorithm}></Part></CompleteMultipartUpload>`;
      expectStatus(await send('POST', to, { query: { uploadId }, body }), 200);
      const read = await get(to, { headers: { ...keyed(A), 'x-amz-checksum-mode': 'ENABLED' } });
      expect(read.headers[checksumHeader(algorithm)]).to.equal(composite(algorithm, [sum]));
    }),
  },
  'the checksum of the whole is that of the plain bytes, also where parts bring none': {
    page: PAGES.checksums,
    run: async (lab) => {
      const key = lab.key();
      await multipart(lab, key, [PART, BODY], A, { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT' });
      const { headers } = await lab.head(key, { headers: { ...keyed(A), 'x-amz-checksum-mode': 'ENABLED' } });
      expect(headers['x-amz-checksum-crc32']).to.equal(CHECKSUMS.CRC32(Buffer.concat([PART, BODY])));
    },
  },
  'GetObjectAttributes needs the key': {
    page: api('GetObjectAttributes'),
    run: async ({ send, key }) => {
      const name = key();
      await send('PUT', name, { body: BODY, headers: keyed(A) });
      const wanted = { 'x-amz-object-attributes': 'ObjectSize' };
      expectStatus(await send('GET', name, { query: 'attributes', headers: wanted }), 400);
      const answer = await send('GET', name, { query: 'attributes', headers: { ...wanted, ...keyed(A) } });
      expect(expectStatus(answer, 200).xml().value('ObjectSize')).to.equal('100000');
    },
  },
  'a listing shows it with its size': {
    page: api('ListObjectsV2'),
    run: async ({ send }) => {
      await send('PUT', 'sealed/a', { body: BODY, headers: keyed(A) });
      const listed = await send('GET', '', { query: { 'list-type': 2, prefix: 'sealed/' } });
      expect(listed.xml().child('Contents')?.value('Size')).to.equal('100000');
    },
  },
  'a presigned URL does not stand in for the key': {
    page: PAGES.sigv4Query,
    run: async ({ send, get, key }) => {
      const name = key();
      await send('PUT', name, { body: BODY, headers: keyed(A) });
      expectStatus(await get(name, { auth: 'query' }), 400);
      expectStatus(await get(name, { auth: 'query', headers: keyed(A) }), 200);
    },
  },
  'the other doors of our gateway refuse it': async ({ gateway, send, bucket, key }) => {
    if (gateway === null) return;
    const name = key();
    await send('PUT', name, { body: BODY, headers: keyed(A) });
    const authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
    const answer = await fetch(`${gateway.webdavUrl}${bucket}/${name}`, { headers: { authorization } });
    expect(answer.status).to.equal(403);
    await answer.text();
  },
});

/** What AWS's new buckets have, and ours where it is put. */
const BLOCK = (types: string): string =>
  `<Rule><BlockedEncryptionTypes><EncryptionType>${types}</EncryptionType></BlockedEncryptionTypes></Rule>`;

suite('SSE-C in a bucket that keeps it out', guide('blocking-unblocking-s3-c-encryption-gpb'), {
  'nothing new comes in under a customer’s key, and what was there is read on': async ({ s3, newBucket }) => {
    const bucket = await newBucket();
    const rules = documentsOf(s3, 'encryption', 'ServerSideEncryptionConfiguration');
    const send = (method: string, key: string, options: object) => s3.send(method, `/${bucket}/${key}`, options);
    expectStatus(await send('PUT', 'old', { body: BODY, headers: keyed(A) }), 200);
    expectStatus(await send('PUT', 'plain', { body: BODY }), 200);
    expectStatus(await rules.put(bucket, BLOCK('SSE-C')), 200);
    const refused = [
      send('PUT', 'new', { body: BODY, headers: keyed(A) }),
      send('PUT', 'new', { headers: { 'x-amz-copy-source': `/${bucket}/plain`, ...keyed(A) } }),
      send('POST', 'new', { query: 'uploads', headers: keyed(A) }),
    ];
    for (const answer of await Promise.all(refused)) expectError(answer, 403, 'AccessDenied');
    expectStatus(await send('GET', 'new', {}), 404);
    expectStatus(await send('GET', 'old', { headers: keyed(A) }), 200);
    expectStatus(await send('PUT', 'plain', { body: 'without a key' }), 200);
    expectStatus(await rules.put(bucket, BLOCK('NONE')), 200);
    expectStatus(await send('PUT', 'new', { body: BODY, headers: keyed(A) }), 200);
  },
  'the rule comes back, with the default encryption beside it': async ({ s3, newBucket }) => {
    const bucket = await newBucket();
    const rules = documentsOf(s3, 'encryption', 'ServerSideEncryptionConfiguration');
    expectStatus(await rules.put(bucket, BLOCK('SSE-C')), 200);
    const { text } = await rules.get(bucket);
    expect(text).to.contain('<EncryptionType>SSE-C</EncryptionType>');
    expect(text).to.contain('<SSEAlgorithm>AES256</SSEAlgorithm>');
  },
  'what is neither SSE-C nor NONE is MalformedXML': over(
    ['SSE-S3', 'NONE</EncryptionType><EncryptionType>SSE-C'],
    (types) => async (lab) => {
      const rules = documentsOf(lab.s3, 'encryption', 'ServerSideEncryptionConfiguration');
      expectError(await rules.put(lab.bucket, BLOCK(types)), 400, 'MalformedXML');
    },
  ),
});

suite('SSE-S3 and SSE-KMS', PAGES.ssePolicy, {
  'every answer says how it is encrypted': async ({ put, get, head, key }) => {
    const name = key();
    for (const { headers } of [await put(name, 'a'), await get(name), await head(name)])
      expect(headers['x-amz-server-side-encryption']).to.equal('AES256');
  },
  'AES256 may be asked for': async ({ put, key }) => void (await put(key(), 'a', { 'x-amz-server-side-encryption': 'AES256' })),
  'a key service is refused, and nothing is stored': over(['aws:kms', 'aws:kms:dsse'], (method) => async ({ send, get, key }) => {
    const name = key();
    const answer = await send('PUT', name, { body: 'a', headers: { 'x-amz-server-side-encryption': method } });
    expect([400, 501]).to.include(answer.status);
    expectStatus(await get(name), 404);
  }),
  'a key id or a context without aws:kms is InvalidArgument': over(
    {
      'a key id': { 'x-amz-server-side-encryption-aws-kms-key-id': '1234abcd-12ab-34cd-56ef-1234567890ab' },
      'a context': { 'x-amz-server-side-encryption-context': 'eyJhIjoiYiJ9' },
      'a key id with AES256': {
        'x-amz-server-side-encryption': 'AES256',
        'x-amz-server-side-encryption-aws-kms-key-id': '1234abcd-12ab-34cd-56ef-1234567890ab',
      },
    },
    (headers: Record<string, string>) =>
      async ({ send, get, key }) => {
        const name = key();
        expectError(await send('PUT', name, { body: 'a', headers }), 400, 'InvalidArgument');
        expectStatus(await get(name), 404);
      },
  ),
  'an unknown method is InvalidEncryptionAlgorithmError': async ({ send, key }) =>
    expectError(
      await send('PUT', key(), { body: 'a', headers: { 'x-amz-server-side-encryption': 'ROT13' } }),
      400,
      'InvalidEncryptionAlgorithmError',
    ),
});
