import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { createClient, type S3Answer } from './harness/client.ts';
import { api, guide, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';
import { begin, etagOf, MIN, PART, TAIL, whole } from './harness/uploads.ts';

suite('CreateMultipartUpload', api('CreateMultipartUpload'), {
  'answers bucket, key and an id': async (lab) => {
    const key = lab.key();
    const xml = expectStatus(await lab.send('POST', key, { query: 'uploads' }), 200).xml();
    expect(xml.name).to.equal('InitiateMultipartUploadResult');
    expect([xml.value('Bucket'), xml.value('Key')]).to.deep.equal([lab.bucket, key]);
    expect(xml.value('UploadId')).to.not.equal('');
  },
  'two of one key are two uploads': async (lab) => {
    const one = await begin(lab);
    const two = await begin(lab, {}, one.key);
    expect(one.uploadId).to.not.equal(two.uploadId);
  },
  'nothing is there before it is completed': async (lab) => {
    const upload = await begin(lab);
    await upload.part(1, TAIL);
    expectStatus(await lab.get(upload.key), 404);
  },
  'what is said at the beginning is said of the object': async (lab) => {
    const upload = await begin(lab, {
      'content-type': 'a/b',
      'x-amz-meta-x': 'y',
      'cache-control': 'no-store',
      'x-amz-storage-class': 'STANDARD_IA',
    });
    await upload.complete([[1, await etagOf(upload.part(1, TAIL))]]);
    const { headers } = await lab.head(upload.key);
    expect(headers['content-type']).to.equal('a/b');
    expect(headers['x-amz-meta-x']).to.equal('y');
    expect(headers['cache-control']).to.equal('no-store');
    expect(headers['x-amz-storage-class']).to.equal('STANDARD_IA');
  },
  'an absent bucket is NoSuchBucket': async ({ s3 }) =>
    expectError(await s3.send('POST', '/no-such-bucket-of-uploads/a', { query: 'uploads' }), 404, 'NoSuchBucket'),
  'a checksum of the whole object is not made of SHAs': {
    page: PAGES.checksums,
    ...over(['SHA1', 'SHA256'], (algorithm) => async ({ send, key }) => {
      const headers = { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': 'FULL_OBJECT' };
      expectError(await send('POST', key(), { query: 'uploads', headers }), 400, 'InvalidRequest');
    }),
  },
  'a type of checksum without an algorithm is InvalidRequest': {
    page: PAGES.checksums,
    ...over(['FULL_OBJECT', 'COMPOSITE'], (type) => async ({ send, key }) => {
      const headers = { 'x-amz-checksum-type': type };
      expectError(await send('POST', key(), { query: 'uploads', headers }), 400, 'InvalidRequest');
    }),
  },
  'CRC64NVME has no composite checksum': {
    page: PAGES.checksums,
    run: async ({ send, key }) => {
      const headers = { 'x-amz-checksum-algorithm': 'CRC64NVME', 'x-amz-checksum-type': 'COMPOSITE' };
      expectError(await send('POST', key(), { query: 'uploads', headers }), 400, 'InvalidRequest');
    },
  },
});

suite('UploadPart', api('UploadPart'), {
  'answers the MD5 of the part as its ETag': async (lab) => {
    const upload = await begin(lab);
    expect(await etagOf(upload.part(1, TAIL))).to.equal(`"${createHash('md5').update(TAIL).digest('hex')}"`);
  },
  'a number outside 1 to 10,000 is InvalidArgument': over({ '0': 0, '10001': 10_001, '-1': -1 }, (number) => async (lab) => {
    const upload = await begin(lab);
    expectError(await upload.part(number, TAIL), 400, 'InvalidArgument');
  }),
  'a number that is none is InvalidArgument': async ({ send, ...lab }) => {
    const { key, uploadId } = await begin({ send, ...lab });
    expectError(await send('PUT', key, { query: { partNumber: 'one', uploadId }, body: 'a' }), 400, 'InvalidArgument');
  },
  'part 10,000 is taken': async (lab) => {
    const upload = await begin(lab);
    const etag = await etagOf(upload.part(10_000, TAIL));
    expectStatus(await upload.complete([[10_000, etag]]), 200);
  },
  'half of what names a part is refused, and writes nothing over the object': over(
    { 'an id alone': { uploadId: 'some-upload' }, 'a number alone': { partNumber: '1' } } as Record<
      string,
      Record<string, string>
    >,
    (query) => async (lab) => {
      const key = lab.key();
      await lab.put(key, 'the object');
      expectError(await lab.send('PUT', key, { query, body: 'a part' }), 400, 'InvalidArgument');
      expect((await lab.get(key)).text).to.equal('the object');
    },
  ),
  'an unknown upload is NoSuchUpload': over(
    ['0'.repeat(32), 'x', '../etc'],
    (uploadId) =>
      async ({ send, key }) =>
        expectError(await send('PUT', key(), { query: { partNumber: 1, uploadId }, body: 'a' }), 404, 'NoSuchUpload'),
  ),
  'an upload of another key is NoSuchUpload': async (lab) => {
    const { uploadId } = await begin(lab);
    expectError(await lab.send('PUT', lab.key(), { query: { partNumber: 1, uploadId }, body: 'a' }), 404, 'NoSuchUpload');
  },
  'a part sent again takes the place of the first': async (lab) => {
    const upload = await begin(lab);
    await upload.part(1, 'first');
    const etag = await etagOf(upload.part(1, 'second'));
    expectStatus(await upload.complete([[1, etag]]), 200);
    expect((await lab.get(upload.key)).text).to.equal('second');
  },
  'a wrong Content-MD5 is BadDigest and leaves no part': async (lab) => {
    const upload = await begin(lab);
    const md5 = createHash('md5').update('other').digest('base64');
    expectError(await upload.part(1, TAIL, { 'content-md5': md5 }), 400, 'BadDigest');
    const listed = await lab.send('GET', upload.key, { query: { uploadId: upload.uploadId } });
    expect(listed.xml().all('Part')).to.have.length(0);
  },
  'parts may be streamed in signed chunks': {
    page: PAGES.sigv4Streaming,
    run: async (lab) => {
      const { key, uploadId, complete } = await begin(lab);
      const part = await lab.send('PUT', key, { query: { partNumber: 1, uploadId }, body: TAIL, payload: 'chunks' });
      expectStatus(await complete([[1, part.headers.etag ?? '']]), 200);
      expect((await lab.get(key)).body.equals(TAIL)).to.equal(true);
    },
  },
  'parts of one upload may come at the same time and out of order': async (lab) => {
    const upload = await begin(lab);
    const etags = await Promise.all([2, 1].map((number) => etagOf(upload.part(number, number === 1 ? PART : TAIL))));
    expectStatus(
      await upload.complete([
        [1, etags[1] ?? ''],
        [2, etags[0] ?? ''],
      ]),
      200,
    );
    expect((await lab.head(upload.key)).headers['content-length']).to.equal(String(MIN + TAIL.length));
  },
});

suite('CompleteMultipartUpload', api('CompleteMultipartUpload'), {
  'makes one object of the parts, in order': async (lab) => {
    const { key } = await whole(lab);
    expect((await lab.get(key)).body.equals(Buffer.concat([PART, TAIL]))).to.equal(true);
  },
  'the location is in the style of the request': {
    page: guide('VirtualHosting'),
    run: async (lab) => {
      if (lab.gateway === null) return; // elsewhere the domain is not known
      const { key, uploadId, part } = await begin(lab);
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${await etagOf(part(1, TAIL))}</ETag></Part></CompleteMultipartUpload>`;
      const origin = `http://${lab.bucket}.localhost:${new URL(lab.s3.origin).port}`;
      const hosted = createClient(origin, lab.s3.keys, lab.s3.region);
      const answer = await lab.s3.transmit(hosted.prepare('POST', `/${key}`, { query: { uploadId }, body }));
      expect(expectStatus(answer, 200).xml().value('Location')).to.equal(`${origin}/${key}`);
    },
  },
  'answers location, bucket, key and ETag': async (lab) => {
    const { key, answer } = await whole(lab);
    const xml = answer.xml();
    expect(xml.name).to.equal('CompleteMultipartUploadResult');
    expect([xml.value('Bucket'), xml.value('Key')]).to.deep.equal([lab.bucket, key]);
    expect(xml.value('Location')).to.match(/^https?:/);
    expect(xml.value('ETag')).to.equal((await lab.head(key)).headers.etag);
  },
  "the ETag is the MD5 of the parts' MD5s and their number": async (lab) => {
    const { answer, etags } = await whole(lab);
    const hash = createHash('md5');
    for (const etag of etags) hash.update(Buffer.from(etag.replaceAll('"', ''), 'hex'));
    expect(answer.xml().value('ETag')).to.equal(`"${hash.digest('hex')}-2"`);
  },
  'the same completion again answers the same': async (lab) => {
    const { answer, etags, complete } = await whole(lab);
    const again = expectStatus(await complete(etags.map((etag, index) => [index + 1, etag])), 200);
    expect(again.xml().value('ETag')).to.equal(answer.xml().value('ETag'));
  },
  'an ETag may come without quotes': async (lab) => {
    const upload = await begin(lab);
    const etag = await etagOf(upload.part(1, TAIL));
    expectStatus(await upload.complete([[1, etag.replaceAll('"', '')]]), 200);
  },
  'an ETag may come escaped': async (lab) => {
    const upload = await begin(lab);
    const etag = await etagOf(upload.part(1, TAIL));
    expectStatus(await upload.complete([[1, etag.replaceAll('"', '&quot;')]]), 200);
  },
  'parts that are not named are left out': async (lab) => {
    const upload = await begin(lab);
    await upload.part(1, PART);
    const etag = await etagOf(upload.part(2, TAIL));
    expectStatus(await upload.complete([[2, etag]]), 200);
    expect((await lab.get(upload.key)).body.equals(TAIL)).to.equal(true);
  },
  'numbers may have gaps': async (lab) => {
    const upload = await begin(lab);
    const etags = [await etagOf(upload.part(3, PART)), await etagOf(upload.part(900, TAIL))];
    expectStatus(
      await upload.complete([
        [3, etags[0] ?? ''],
        [900, etags[1] ?? ''],
      ]),
      200,
    );
  },
  'an upload of one small part is completed': async (lab) => {
    const upload = await begin(lab);
    expectStatus(await upload.complete([[1, await etagOf(upload.part(1, 'a'))]]), 200);
  },
  'an empty part alone is completed': async (lab) => {
    const upload = await begin(lab);
    expectStatus(await upload.complete([[1, await etagOf(upload.part(1, ''))]]), 200);
    expect((await lab.head(upload.key)).headers['content-length']).to.equal('0');
  },
  'descending numbers are InvalidPartOrder': async (lab) => {
    const upload = await begin(lab);
    const etags = [await etagOf(upload.part(1, PART)), await etagOf(upload.part(2, TAIL))];
    expectError(
      await upload.complete([
        [2, etags[1] ?? ''],
        [1, etags[0] ?? ''],
      ]),
      400,
      'InvalidPartOrder',
    );
  },
  'a number twice is InvalidPartOrder': async (lab) => {
    const upload = await begin(lab);
    const etag = await etagOf(upload.part(1, PART));
    expectError(
      await upload.complete([
        [1, etag],
        [1, etag],
      ]),
      400,
      'InvalidPartOrder',
    );
  },
  'a part that was not sent is InvalidPart': async (lab) => {
    const upload = await begin(lab);
    const etag = await etagOf(upload.part(1, TAIL));
    expectError(await upload.complete([[2, etag]]), 400, 'InvalidPart');
  },
  'another ETag is InvalidPart': async (lab) => {
    const upload = await begin(lab);
    await upload.part(1, TAIL);
    expectError(await upload.complete([[1, `"${'0'.repeat(32)}"`]]), 400, 'InvalidPart');
  },
  'a part below 5 MiB that is not the last is EntityTooSmall': {
    page: PAGES.multipartLimits,
    run: async (lab) => {
      const upload = await begin(lab);
      const etags = [await etagOf(upload.part(1, PART.subarray(1))), await etagOf(upload.part(2, TAIL))];
      const answer = await upload.complete([
        [1, etags[0] ?? ''],
        [2, etags[1] ?? ''],
      ]);
      expectError(answer, 400, 'EntityTooSmall');
      expect(answer.xml().value('ProposedSize')).to.equal(String(MIN - 1));
      expect(answer.xml().value('MinSizeAllowed')).to.equal(String(MIN));
    },
  },
  'a refused completion can be mended': async (lab) => {
    const upload = await begin(lab);
    expectError(await upload.complete([[1, '"x"']]), 400, 'InvalidPart');
    expectStatus(await upload.complete([[1, await etagOf(upload.part(1, TAIL))]]), 200);
  },
  'no parts are MalformedXML': async (lab) => expectError(await (await begin(lab)).complete([]), 400, 'MalformedXML'),
  'the size of the whole may be said, and another is InvalidRequest': async (lab) => {
    const upload = await begin(lab);
    const parts = [[1, await etagOf(upload.part(1, TAIL))]] as const;
    const size = (bytes: number) => ({ 'x-amz-mp-object-size': String(bytes) });
    expectError(await upload.complete(parts, size(TAIL.length + 1)), 400, 'InvalidRequest');
    expectStatus(await lab.get(upload.key), 404);
    expectStatus(await upload.complete(parts, size(TAIL.length)), 200);
  },
  'a body that is no XML is MalformedXML': async (lab) => {
    const { key, uploadId } = await begin(lab);
    expectError(await lab.send('POST', key, { query: { uploadId }, body: 'parts' }), 400, 'MalformedXML');
  },
  'an unknown upload is NoSuchUpload': async ({ send, key }) => {
    const body = '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>';
    expectError(await send('POST', key(), { query: { uploadId: '0'.repeat(32) }, body }), 404, 'NoSuchUpload');
  },
  'If-None-Match: * refuses where something is': {
    page: PAGES.conditionalWrites,
    run: async (lab) => {
      const upload = await begin(lab);
      await lab.put(upload.key, 'there');
      const etag = await etagOf(upload.part(1, TAIL));
      expectError(await upload.complete([[1, etag]], { 'if-none-match': '*' }), 412, 'PreconditionFailed');
      expect((await lab.get(upload.key)).text).to.equal('there');
    },
  },
  'If-None-Match: * completes where nothing is': {
    page: PAGES.conditionalWrites,
    run: async (lab) => {
      const upload = await begin(lab);
      expectStatus(await upload.complete([[1, await etagOf(upload.part(1, TAIL))]], { 'if-none-match': '*' }), 200);
    },
  },
  'If-Match decides on what is there': {
    page: PAGES.conditionalWrites,
    run: async (lab) => {
      const upload = await begin(lab);
      const before = await lab.put(upload.key, 'there');
      const etag = await etagOf(upload.part(1, TAIL));
      expectError(await upload.complete([[1, etag]], { 'if-match': '"0"' }), 412, 'PreconditionFailed');
      expectStatus(await upload.complete([[1, etag]], { 'if-match': before.headers.etag ?? '' }), 200);
    },
  },
  'If-Match where nothing is, is NoSuchKey': {
    page: PAGES.conditionalWrites,
    run: async (lab) => {
      const upload = await begin(lab);
      expectError(await upload.complete([[1, await etagOf(upload.part(1, TAIL))]], { 'if-match': '"0"' }), 404, 'NoSuchKey');
    },
  },
  "x-amz-mp-object-size must be the parts' sum": async (lab) => {
    const upload = await begin(lab);
    const etag = await etagOf(upload.part(1, TAIL));
    expect((await upload.complete([[1, etag]], { 'x-amz-mp-object-size': '5' })).status).to.equal(400);
    expectStatus(await upload.complete([[1, etag]], { 'x-amz-mp-object-size': String(TAIL.length) }), 200);
  },
  'of two completions at once both answer the same object': async (lab) => {
    const upload = await begin(lab);
    const etag = await etagOf(upload.part(1, TAIL));
    const answers = await Promise.all([1, 2, 3].map(() => upload.complete([[1, etag]])));
    expect(new Set(answers.map((answer) => expectStatus(answer, 200).xml().value('ETag'))).size).to.equal(1);
  },
});

suite('AbortMultipartUpload', api('AbortMultipartUpload'), {
  'parts are gone and the id is no more': async (lab) => {
    const upload = await begin(lab);
    await upload.part(1, TAIL);
    expectStatus(await lab.send('DELETE', upload.key, { query: { uploadId: upload.uploadId } }), 204);
    expectError(await upload.part(2, TAIL), 404, 'NoSuchUpload');
    expectError(await lab.send('GET', upload.key, { query: { uploadId: upload.uploadId } }), 404, 'NoSuchUpload');
  },
  'an unknown upload is NoSuchUpload': async ({ send, key }) =>
    expectError(await send('DELETE', key(), { query: { uploadId: '0'.repeat(32) } }), 404, 'NoSuchUpload'),
  'of an abort and a completion at once one succeeds, and to the other there is no upload': async (lab) => {
    for (let round = 0; round < 30; round++) {
      const upload = await begin(lab);
      const completion = upload.complete([[1, await etagOf(upload.part(1, TAIL))]]);
      await setTimeout(round / 4);
      const abort = lab.send('DELETE', upload.key, { query: { uploadId: upload.uploadId } });
      const answers = await Promise.all([completion, abort]);
      const [won, lost] = answers.sort((a, b) => a.status - b.status);
      expect(won?.status).to.be.oneOf([200, 204]);
      expectError(lost as S3Answer, 404, 'NoSuchUpload');
      expectStatus(await lab.get(upload.key), won?.status === 200 ? 200 : 404);
    }
  },
  'what was completed is not aborted': async (lab) => {
    const { key, uploadId } = await whole(lab);
    const answer = await lab.send('DELETE', key, { query: { uploadId } });
    expect([204, 404]).to.include(answer.status);
    expectStatus(await lab.head(key), 200);
  },
});
