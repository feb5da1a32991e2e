import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { RequestOptions, S3Answer } from './harness/client.ts';
import { api, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

function remove({ send }: Lab, inner: string, options: RequestOptions = {}): Promise<S3Answer> {
  const body = `<Delete>${inner}</Delete>`;
  const md5 = createHash('md5').update(body).digest('base64');
  return send('POST', '', { query: 'delete', body, ...options, headers: { 'content-md5': md5, ...options.headers } });
}

const objects = (keys: readonly string[]): string => keys.map((key) => `<Object><Key>${key}</Key></Object>`).join('');
const deletedOf = (answer: S3Answer): string[] =>
  expectStatus(answer, 200)
    .xml()
    .all('Deleted')
    .map((one) => one.value('Key'));

suite('DeleteObjects', api('DeleteObjects'), {
  'removes what is named and says so': async (lab) => {
    const keys = [lab.key(), lab.key()];
    for (const key of keys) await lab.put(key, 'a');
    const answer = await remove(lab, objects(keys));
    expect(answer.xml().name).to.equal('DeleteResult');
    expect(deletedOf(answer).toSorted()).to.deep.equal(keys.toSorted());
    for (const key of keys) expectStatus(await lab.get(key), 404);
  },
  'an absent key counts as removed': async (lab) => {
    const key = lab.key();
    expect(deletedOf(await remove(lab, objects([key])))).to.deep.equal([key]);
  },
  'Quiet tells errors only': async (lab) => {
    const key = lab.key();
    await lab.put(key, 'a');
    const answer = await remove(lab, `<Quiet>true</Quiet>${objects([key])}`);
    expect(expectStatus(answer, 200).xml().children).to.have.length(0);
    expectStatus(await lab.get(key), 404);
  },
  'keys are taken as they are written': over(['a b', 'ä', 'a/../b', 'a+b', 'a%20b'], (key) => async (lab) => {
    await lab.put(key, 'a');
    expect(deletedOf(await remove(lab, objects([key])))).to.deep.equal([key]);
    expectStatus(await lab.get(key), 404);
  }),
  'escaped marks of XML are the characters': async (lab) => {
    await lab.put('a&b<c>', 'a');
    expect(deletedOf(await remove(lab, objects(['a&amp;b&lt;c&gt;'])))).to.deep.equal(['a&b<c>']);
  },
  'a thousand at once': async (lab) => {
    const keys = Array.from({ length: 1000 }, (_, i) => `thousand/${i}`);
    await lab.put('thousand/7', 'a');
    expect(deletedOf(await remove(lab, objects(keys)))).to.have.length(1000);
    expectStatus(await lab.get('thousand/7'), 404);
  },
  'a thousand and one are MalformedXML and remove nothing': async (lab) => {
    const key = lab.key();
    await lab.put(key, 'a');
    const keys = [key, ...Array.from({ length: 1000 }, (_, i) => `more/${i}`)];
    expectError(await remove(lab, objects(keys)), 400, 'MalformedXML');
    expectStatus(await lab.get(key), 200);
  },
  'what is no such document is MalformedXML': over(
    { 'no objects': '', 'no key': '<Object/>', 'half of it': '<Object><Key>a' },
    (inner) => async (lab) => expectError(await remove(lab, inner), 400, 'MalformedXML'),
  ),
  'a body that is not what its MD5 says is BadDigest': async (lab) =>
    expectError(
      await remove(lab, objects(['a']), { headers: { 'content-md5': createHash('md5').update('b').digest('base64') } }),
      400,
      'BadDigest',
    ),
  'a body without any checksum is InvalidRequest': async (lab) =>
    expectError(await remove(lab, objects(['a']), { headers: { 'content-md5': undefined } }), 400, 'InvalidRequest'),
  'any checksum header will do': {
    page: PAGES.checksums,
    ...over(['sha1', 'sha256'], (name) => async (lab) => {
      const key = lab.key();
      const body = `<Delete>${objects([key])}</Delete>`;
      const headers = { [`x-amz-checksum-${name}`]: createHash(name).update(body).digest('base64'), 'content-md5': undefined };
      expect(deletedOf(await remove(lab, objects([key]), { headers }))).to.deep.equal([key]);
    }),
  },
  'a checksum that is wrong is BadDigest': {
    page: PAGES.checksums,
    run: async (lab) => {
      const headers = { 'x-amz-checksum-sha256': createHash('sha256').update('x').digest('base64'), 'content-md5': undefined };
      expectError(await remove(lab, objects(['a']), { headers }), 400, 'BadDigest');
    },
  },
  "an ETag that is not the object's keeps it, and the others go": {
    page: PAGES.conditionalDeletes,
    run: async (lab) => {
      const [one, two] = [lab.key(), lab.key()];
      await lab.put(one, 'a');
      const { headers } = await lab.put(two, 'b');
      const inner = `<Object><Key>${one}</Key><ETag>"0"</ETag></Object><Object><Key>${two}</Key><ETag>${headers.etag}</ETag></Object>`;
      const answer = expectStatus(await remove(lab, inner), 200).xml();
      expect(answer.child('Error')?.value('Code')).to.equal('PreconditionFailed');
      expect(answer.child('Error')?.value('Key')).to.equal(one);
      expect(answer.child('Deleted')?.value('Key')).to.equal(two);
      expectStatus(await lab.get(one), 200);
    },
  },
  "a size that is not the object's keeps it": async (lab) => {
    const key = lab.key();
    await lab.put(key, 'abc');
    const answer = await remove(lab, `<Object><Key>${key}</Key><Size>4</Size></Object>`);
    expect(expectStatus(answer, 200).xml().child('Error')?.value('Code')).to.equal('PreconditionFailed');
  },
  'a time that is not the object’s keeps it, the object’s own removes it': {
    page: PAGES.conditionalDeletes,
    run: async (lab) => {
      const key = lab.key();
      await lab.put(key, 'abc');
      const modified = (await lab.head(key)).headers['last-modified'] ?? '';
      const at = (time: string) => remove(lab, `<Object><Key>${key}</Key><LastModifiedTime>${time}</LastModifiedTime></Object>`);
      const kept = expectStatus(await at('Mon, 01 Jan 2001 00:00:00 GMT'), 200).xml();
      expect(kept.child('Error')?.value('Code')).to.equal('PreconditionFailed');
      expectStatus(await lab.head(key), 200);
      expect(deletedOf(await at(modified))).to.deep.equal([key]);
      expectStatus(await lab.head(key), 404);
    },
  },
  'a time that is none is MalformedXML and removes nothing': async (lab) => {
    const key = lab.key();
    await lab.put(key, 'abc');
    const answer = await remove(lab, `<Object><Key>${key}</Key><LastModifiedTime>yesterday</LastModifiedTime></Object>`);
    expectError(answer, 400, 'MalformedXML');
    expectStatus(await lab.head(key), 200);
  },
  'ETag: * removes what is there': {
    page: PAGES.conditionalDeletes,
    run: async (lab) => {
      const key = lab.key();
      await lab.put(key, 'abc');
      expect(deletedOf(await remove(lab, `<Object><Key>${key}</Key><ETag>*</ETag></Object>`))).to.deep.equal([key]);
      expectStatus(await lab.head(key), 404);
    },
  },
  'all conditions of an object must hold': {
    page: PAGES.conditionalDeletes,
    run: async (lab) => {
      const key = lab.key();
      const { headers } = await lab.put(key, 'abc');
      const both = (size: number) =>
        remove(lab, `<Object><Key>${key}</Key><ETag>${headers.etag}</ETag><Size>${size}</Size></Object>`);
      expect((await both(4)).xml().child('Error')?.value('Code')).to.equal('PreconditionFailed');
      expectStatus(await lab.head(key), 200);
      expect(deletedOf(await both(3))).to.deep.equal([key]);
    },
  },
  'versions and markers go by their ids, and each is told': {
    page: PAGES.versioning,
    run: async (lab) => {
      const bucket = await lab.newBucket();
      const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'versioning', body: on }), 200);
      const version = (await lab.s3.send('PUT', `/${bucket}/a`, { body: 'a' })).headers['x-amz-version-id'] ?? '';
      const marker = (await lab.s3.send('DELETE', `/${bucket}/a`)).headers['x-amz-version-id'] ?? '';
      const inner = [version, marker].map((id) => `<Object><Key>a</Key><VersionId>${id}</VersionId></Object>`).join('');
      const body = `<Delete>${inner}</Delete>`;
      const headers = { 'content-md5': createHash('md5').update(body).digest('base64') };
      const answer = expectStatus(await lab.s3.send('POST', `/${bucket}`, { query: 'delete', body, headers }), 200).xml();
      const told = answer
        .all('Deleted')
        .map((one) => [one.value('VersionId'), one.value('DeleteMarker'), one.value('DeleteMarkerVersionId')]);
      expect(told).to.have.deep.members([
        [version, '', ''],
        [marker, 'true', marker],
      ]);
      const left = (await lab.s3.send('GET', `/${bucket}`, { query: 'versions=' })).xml();
      expect([left.all('Version').length, left.all('DeleteMarker').length]).to.deep.equal([0, 0]);
    },
  },
  'in a versioned bucket it writes markers and says so': {
    page: PAGES.versioning,
    run: async (lab) => {
      const bucket = await lab.newBucket();
      const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'versioning', body: on }), 200);
      const put = await lab.s3.send('PUT', `/${bucket}/a`, { body: 'a' });
      const body = `<Delete>${objects(['a'])}</Delete>`;
      const headers = { 'content-md5': createHash('md5').update(body).digest('base64') };
      const deleted = (await lab.s3.send('POST', `/${bucket}`, { query: 'delete', body, headers })).xml().child('Deleted')!;
      expect(deleted.value('DeleteMarker')).to.equal('true');
      expect(deleted.value('DeleteMarkerVersionId')).to.not.equal('');
      expectStatus(await lab.s3.send('GET', `/${bucket}/a`), 404);
      const versionId = put.headers['x-amz-version-id'] ?? '';
      expectStatus(await lab.s3.send('GET', `/${bucket}/a`, { query: { versionId } }), 200);
    },
  },
  'an absent bucket is NoSuchBucket': async ({ s3 }) => {
    const body = `<Delete>${objects(['a'])}</Delete>`;
    const headers = { 'content-md5': createHash('md5').update(body).digest('base64') };
    expectError(await s3.send('POST', '/no-such-bucket-to-delete', { query: 'delete', body, headers }), 404, 'NoSuchBucket');
  },
});
