import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { CHECKSUMS, checksumHeader } from './harness/checksums.ts';
import { documentsOf } from './harness/documents.ts';
import { api, guide, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';
import { begin, etagOf, MIN, PART, TAIL, whole } from './harness/uploads.ts';

const DAY = 24 * 3600 * 1000;

suite('ListParts', api('ListParts'), {
  'shows numbers, sizes, ETags and times': async (lab) => {
    const upload = await begin(lab);
    const etag = await etagOf(upload.part(7, TAIL));
    const xml = expectStatus(await lab.send('GET', upload.key, { query: { uploadId: upload.uploadId } }), 200).xml();
    expect(xml.name).to.equal('ListPartsResult');
    expect([xml.value('Bucket'), xml.value('Key'), xml.value('UploadId')]).to.deep.equal([
      lab.bucket,
      upload.key,
      upload.uploadId,
    ]);
    const part = xml.child('Part')!;
    expect([part.value('PartNumber'), part.value('Size'), part.value('ETag')]).to.deep.equal(['7', String(TAIL.length), etag]);
    expect(part.value('LastModified')).to.match(/Z$/);
    expect(xml.child('Initiator')?.value('ID')).to.not.equal('');
    expect(xml.child('Owner')?.value('ID')).to.not.equal('');
    expect(xml.value('StorageClass')).to.equal('STANDARD');
    expect(xml.value('IsTruncated')).to.equal('false');
  },
  'it says when the lifecycle gives the upload up, and by which rule, as its beginning did': {
    page: guide('mpu-abort-incomplete-mpu-lifecycle-config'),
    run: async (lab) => {
      const bucket = await lab.newBucket();
      const rules = documentsOf(lab.s3, 'lifecycle', 'LifecycleConfiguration');
      const rule = (id: string, days: number, prefix: string): string =>
        `<Rule><ID>${id}</ID><Status>Enabled</Status><Filter><Prefix>${prefix}</Prefix></Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>${days}</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>`;
      expectStatus(await rules.put(bucket, rule('all', 7, 'in/') + rule('soon', 2, 'in/here/')), 200);
      const told = async (key: string): Promise<(string | undefined)[][]> => {
        const begun = expectStatus(await lab.s3.send('POST', `/${bucket}/${key}`, { query: 'uploads' }), 200);
        const query = { uploadId: begun.xml().value('UploadId') };
        const listed = expectStatus(await lab.s3.send('GET', `/${bucket}/${key}`, { query }), 200);
        return [begun, listed].map(({ headers }) => [headers['x-amz-abort-rule-id'], headers['x-amz-abort-date']]);
      };
      for (const [rule, date = ''] of await told('in/here/a')) {
        expect(rule).to.equal('soon');
        // Midnight in UTC, after two days of 24 hours.
        expect(date).to.match(/ 00:00:00 GMT$/);
        expect(Date.parse(date) - Date.now()).to.be.within(DAY, 3 * DAY);
      }
      expect((await told('in/b')).map(([rule]) => rule)).to.deep.equal(['all', 'all']);
      expect(await told('out')).to.deep.equal([
        [undefined, undefined],
        [undefined, undefined],
      ]);
    },
  },
  'a rule may have a name that no header can carry': {
    page: guide('intro-lifecycle-rules'),
    ...over(['ü €', '日本語', 'two&#10;lines'], (id) => async (lab) => {
      const bucket = await lab.newBucket();
      const rules = documentsOf(lab.s3, 'lifecycle', 'LifecycleConfiguration');
      const rule = `<Rule><ID>${id}</ID><Status>Enabled</Status><Filter/><AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>`;
      expectStatus(await rules.put(bucket, rule), 200);
      const begun = expectStatus(await lab.s3.send('POST', `/${bucket}/a`, { query: 'uploads' }), 200);
      const query = { uploadId: begun.xml().value('UploadId') };
      for (const { headers } of [begun, expectStatus(await lab.s3.send('GET', `/${bucket}/a`, { query }), 200)]) {
        expect(headers['x-amz-abort-rule-id']).to.match(/^[\x20-\x7e]+$/);
        expect(headers['x-amz-abort-date']).to.match(/ 00:00:00 GMT$/);
      }
    }),
  },
  'the initiator is who began it, the owner whose the bucket is': async (lab) => {
    const other = lab.otherAccount();
    const idOf = async (s3: typeof lab.s3) => (await s3.send('GET', '/')).xml().child('Owner')?.value('ID') ?? '';
    const [mine, theirs] = [await idOf(lab.s3), await idOf(other)];
    const bucket = await lab.newBucket();
    const Statement = [
      { Effect: 'Allow', Principal: { CanonicalUser: theirs }, Action: 's3:PutObject', Resource: `arn:aws:s3:::${bucket}/*` },
    ];
    const body = JSON.stringify({ Version: '2012-10-17', Statement });
    expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'policy=', body }), 204);
    const begun = expectStatus(await other.send('POST', `/${bucket}/a`, { query: 'uploads' }), 200);
    const query = { uploadId: begun.xml().value('UploadId') };
    const parts = expectStatus(await lab.s3.send('GET', `/${bucket}/a`, { query }), 200).xml();
    const uploads = expectStatus(await lab.s3.send('GET', `/${bucket}`, { query: 'uploads=' }), 200).xml();
    for (const shown of [parts, uploads.child('Upload')])
      expect([shown?.child('Initiator')?.value('ID'), shown?.child('Owner')?.value('ID')]).to.deep.equal([theirs, mine]);
    expectStatus(await lab.s3.send('DELETE', `/${bucket}/a`, { query }), 204);
  },
  'pages go through all of them once': over({ 1: 1, 2: 2, 5: 5 }, (size) => async (lab) => {
    const upload = await begin(lab);
    for (const number of [1, 2, 4, 9]) await upload.part(number, TAIL);
    const seen: string[] = [];
    let marker = '';
    for (let round = 0; round < 10; round++) {
      const query = { uploadId: upload.uploadId, 'max-parts': size, ...(marker === '' ? {} : { 'part-number-marker': marker }) };
      const xml = expectStatus(await lab.send('GET', upload.key, { query }), 200).xml();
      seen.push(...xml.all('Part').map((part) => part.value('PartNumber')));
      if (xml.value('IsTruncated') === 'false') break;
      marker = xml.value('NextPartNumberMarker');
    }
    expect(seen).to.deep.equal(['1', '2', '4', '9']);
  }),
  'max-parts 0 shows none': async (lab) => {
    const upload = await begin(lab);
    await upload.part(1, TAIL);
    const xml = (await lab.send('GET', upload.key, { query: { uploadId: upload.uploadId, 'max-parts': 0 } })).xml();
    expect(xml.all('Part')).to.have.length(0);
  },
  'a part-number-marker that is no number of a part is InvalidArgument': over(
    ['-1', 'one', '2147483648', '99999999999999999999'],
    (marker) => async (lab) => {
      const { key, uploadId } = await begin(lab);
      expectError(await lab.send('GET', key, { query: { uploadId, 'part-number-marker': marker } }), 400, 'InvalidArgument');
    },
  ),
  'max-parts that is no number is InvalidArgument': over(['-1', 'x'], (text) => async (lab) => {
    const upload = await begin(lab);
    expectError(
      await lab.send('GET', upload.key, { query: { uploadId: upload.uploadId, 'max-parts': text } }),
      400,
      'InvalidArgument',
    );
  }),
  'a completed upload is NoSuchUpload': async (lab) => {
    const { key, uploadId } = await whole(lab);
    expectError(await lab.send('GET', key, { query: { uploadId } }), 404, 'NoSuchUpload');
  },
  'checksums of parts are shown': {
    page: PAGES.checksums,
    run: async (lab) => {
      const upload = await begin(lab, { 'x-amz-checksum-algorithm': 'SHA256' });
      const sum = createHash('sha256').update(TAIL).digest('base64');
      expectStatus(await upload.part(1, TAIL, { 'x-amz-checksum-sha256': sum }), 200);
      const xml = (await lab.send('GET', upload.key, { query: { uploadId: upload.uploadId } })).xml();
      expect(xml.value('ChecksumAlgorithm')).to.equal('SHA256');
      expect(xml.child('Part')?.value('ChecksumSHA256')).to.equal(sum);
    },
  },
});

suite('UploadPartCopy', api('UploadPartCopy'), {
  'a part is a whole object': async (lab) => {
    const from = lab.key();
    await lab.put(from, 'the source');
    const upload = await begin(lab);
    const copied = expectStatus(await upload.part(1, '', { 'x-amz-copy-source': lab.path(from) }), 200).xml();
    expect(copied.name).to.equal('CopyPartResult');
    expect(copied.value('LastModified')).to.match(/Z$/);
    expectStatus(await upload.complete([[1, copied.value('ETag')]]), 200);
    expect((await lab.get(upload.key)).text).to.equal('the source');
  },
  'a part is a range of one': async (lab) => {
    const from = lab.key();
    await lab.put(from, '0123456789');
    const upload = await begin(lab);
    const headers = { 'x-amz-copy-source': lab.path(from), 'x-amz-copy-source-range': 'bytes=2-4' };
    const etag = expectStatus(await upload.part(1, '', headers), 200)
      .xml()
      .value('ETag');
    expectStatus(await upload.complete([[1, etag]]), 200);
    expect((await lab.get(upload.key)).text).to.equal('234');
  },
  'a range that is none of first and last is InvalidArgument': over(
    ['bytes=2-', 'bytes=-2', 'bytes=4-2', '2-4', 'bytes=0-2,4-5', 'bytes=a-b'],
    (range) => async (lab) => {
      const from = lab.key();
      await lab.put(from, '0123456789');
      const upload = await begin(lab);
      const headers = { 'x-amz-copy-source': lab.path(from), 'x-amz-copy-source-range': range };
      expectError(await upload.part(1, '', headers), 400, 'InvalidArgument');
    },
  ),
  'a range past the end is refused': over(['bytes=0-10', 'bytes=20-30'], (range) => async (lab) => {
    const from = lab.key();
    await lab.put(from, '0123456789');
    const upload = await begin(lab);
    const answer = await upload.part(1, '', { 'x-amz-copy-source': lab.path(from), 'x-amz-copy-source-range': range });
    expect([400, 416]).to.include(answer.status);
  }),
  'the version that was copied is told': {
    page: PAGES.versioning,
    run: async (lab) => {
      const bucket = await lab.newBucket();
      const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'versioning', body: on }), 200);
      const version = (await lab.s3.send('PUT', `/${bucket}/a`, { body: 'the source' })).headers['x-amz-version-id'];
      const { key, uploadId } = await begin(lab);
      const query = { partNumber: 1, uploadId };
      const copied = await lab.send('PUT', key, { query, headers: { 'x-amz-copy-source': `/${bucket}/a` } });
      expect(expectStatus(copied, 200).headers['x-amz-copy-source-version-id']).to.equal(version);
    },
  },
  'an absent source is NoSuchKey': async (lab) =>
    expectError(await (await begin(lab)).part(1, '', { 'x-amz-copy-source': lab.path(lab.key('absent')) }), 404, 'NoSuchKey'),
  'a condition on the source decides': async (lab) => {
    const from = lab.key();
    const { headers } = await lab.put(from, 'a');
    const upload = await begin(lab);
    const source = { 'x-amz-copy-source': lab.path(from) };
    expectError(await upload.part(1, '', { ...source, 'x-amz-copy-source-if-match': '"0"' }), 412, 'PreconditionFailed');
    expectError(
      await upload.part(1, '', { ...source, 'x-amz-copy-source-if-none-match': headers.etag ?? '' }),
      412,
      'PreconditionFailed',
    );
    expectStatus(await upload.part(1, '', { ...source, 'x-amz-copy-source-if-match': headers.etag ?? '' }), 200);
  },
  'a source that the caller may not read is refused': async (lab) => {
    const from = lab.key();
    await lab.put(from, 'secret');
    const other = lab.otherAccount();
    const bucket = `conf-other-${lab.bucket}`;
    expectStatus(await other.send('PUT', `/${bucket}`), 200);
    const uploadId = (await other.send('POST', `/${bucket}/a`, { query: 'uploads' })).xml().value('UploadId');
    const answer = await other.send('PUT', `/${bucket}/a`, {
      query: { partNumber: 1, uploadId },
      headers: { 'x-amz-copy-source': lab.path(from) },
    });
    expect([403, 404]).to.include(answer.status);
  },
});

suite('reads by part number', PAGES.multipart, {
  'a part’s checksum comes with it when asked for, by its number and by its range': {
    page: PAGES.checksumsUpload,
    ...over({ COMPOSITE: 'SHA256', FULL_OBJECT: 'CRC32' } as const, (algorithm) => async (lab) => {
      const type = algorithm === 'SHA256' ? 'COMPOSITE' : 'FULL_OBJECT';
      const headers = { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': type };
      const upload = await begin(lab, headers);
      const name = checksumHeader(algorithm);
      const sums = [PART, TAIL].map((body) => CHECKSUMS[algorithm](body));
      let list = '';
      for (const [index, body] of [PART, TAIL].entries()) {
        const etag = await etagOf(upload.part(index + 1, body, { [name]: sums[index] ?? '' }));
        const sum = `<Checksum${algorithm}>${sums[index]}</Checksum${algorithm}>`;
        list += `<Part><ETag>${etag}</ETag><PartNumber>${index + 1}</PartNumber>${sum}</Part>`;
      }
      const body = `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`;
      const done = await lab.send('POST', upload.key, { query: { uploadId: upload.uploadId }, body });
      const whole = expectStatus(done, 200).xml().value(`Checksum${algorithm}`);
      const asked = async (range: Record<string, string>, partNumber?: number) => {
        const query = partNumber === undefined ? {} : { partNumber };
        const answer = await lab.head(upload.key, { query, headers: { 'x-amz-checksum-mode': 'ENABLED', ...range } });
        return [answer.headers[name], answer.headers['x-amz-checksum-type']];
      };
      expect(await asked({}, 1)).to.deep.equal([sums[0], type]);
      expect(await asked({}, 2)).to.deep.equal([sums[1], type]);
      expect(await asked({ range: `bytes=${MIN}-` })).to.deep.equal([sums[1], type]);
      expect(await asked({ range: `bytes=${MIN}-${MIN}` })).to.deep.equal([undefined, undefined]);
      expect(await asked({})).to.deep.equal([whole, type]);
      const unasked = await lab.head(upload.key, { query: { partNumber: 1 } });
      expect(unasked.headers).to.not.have.property(name);
    }),
  },
  'an object put at once is its own first part, with its checksum': {
    page: PAGES.checksumsUpload,
    run: async ({ put, head, key }) => {
      const name = key();
      const sum = CHECKSUMS.SHA256(TAIL);
      await put(name, TAIL, { 'x-amz-checksum-sha256': sum });
      const { headers } = await head(name, { query: { partNumber: 1 }, headers: { 'x-amz-checksum-mode': 'ENABLED' } });
      expect(headers['x-amz-checksum-sha256']).to.equal(sum);
    },
  },
  'a part is read by its number': over({ first: 1, last: 2 }, (partNumber) => async (lab) => {
    const { key } = await whole(lab);
    const answer = expectStatus(await lab.get(key, { query: { partNumber } }), 206);
    expect(answer.body.equals(partNumber === 1 ? PART : TAIL)).to.equal(true);
    expect(answer.headers['x-amz-mp-parts-count']).to.equal('2');
    expect(answer.headers['content-range']).to.equal(
      partNumber === 1 ? `bytes 0-${MIN - 1}/${MIN + TAIL.length}` : `bytes ${MIN}-${MIN + TAIL.length - 1}/${MIN + TAIL.length}`,
    );
  }),
  'HEAD of a part says its length': async (lab) => {
    const { key } = await whole(lab);
    const { status, headers } = await lab.head(key, { query: { partNumber: 2 } });
    expect([status, headers['content-length'], headers['x-amz-mp-parts-count']]).to.deep.equal([206, String(TAIL.length), '2']);
  },
  'HEAD of a part tells what GET of it tells': async (lab) => {
    const { key } = await whole(lab);
    const [got, told] = [await lab.get(key, { query: { partNumber: 1 } }), await lab.head(key, { query: { partNumber: 1 } })];
    expect(told.status).to.equal(206);
    for (const name of ['content-length', 'content-range', 'etag', 'last-modified', 'x-amz-mp-parts-count', 'accept-ranges'])
      expect(told.headers[name], name).to.equal(got.headers[name]);
  },
  'a condition decides on a part as on the whole': {
    page: PAGES.conditionalReads,
    run: async (lab) => {
      const { key } = await whole(lab);
      const etag = (await lab.head(key)).headers.etag ?? '';
      const query = { partNumber: 2 };
      expectStatus(await lab.get(key, { query, headers: { 'if-match': etag } }), 206);
      expectError(await lab.get(key, { query, headers: { 'if-match': '"0"' } }), 412, 'PreconditionFailed');
      expectStatus(await lab.get(key, { query, headers: { 'if-none-match': etag } }), 304);
    },
  },
  'a part of a version is read by both': {
    page: PAGES.versioning,
    run: async (lab) => {
      const bucket = await lab.newBucket();
      const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'versioning=', body: on }), 200);
      const at = `/${bucket}/a`;
      const uploadId = (await lab.s3.send('POST', at, { query: 'uploads=' })).xml().value('UploadId');
      const part = await lab.s3.send('PUT', at, { query: { partNumber: 1, uploadId }, body: 'parts' });
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
      const done = expectStatus(await lab.s3.send('POST', at, { query: { uploadId }, body }), 200);
      const versionId = done.headers['x-amz-version-id'] ?? '';
      expectStatus(await lab.s3.send('PUT', at, { body: 'newer' }), 200);
      const read = await lab.s3.send('GET', at, { query: { versionId, partNumber: 1 } });
      expect([read.status, read.text, read.headers['x-amz-mp-parts-count']]).to.deep.equal([206, 'parts', '1']);
    },
  },
  'a number past the last is InvalidPartNumber': async (lab) => {
    const { key } = await whole(lab);
    expectError(await lab.get(key, { query: { partNumber: 3 } }), 416, 'InvalidPartNumber');
  },
  'an object put at once has one part': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'abc');
    expect((await get(name, { query: { partNumber: 1 } })).text).to.equal('abc');
    expectError(await get(name, { query: { partNumber: 2 } }), 416, 'InvalidPartNumber');
  },
  'a range together with a number is InvalidRequest': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'abc');
    expectError(await get(name, { query: { partNumber: 1 }, headers: { range: 'bytes=0-1' } }), 400, 'InvalidRequest');
  },
  'a number that is none is InvalidArgument': over(['0', '10001', 'x'], (partNumber) => async ({ put, get, key }) => {
    const name = key();
    await put(name, 'abc');
    expectError(await get(name, { query: { partNumber } }), 400, 'InvalidArgument');
  }),
});
