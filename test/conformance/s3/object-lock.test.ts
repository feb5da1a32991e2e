import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import type { RequestOptions } from './harness/client.ts';
import { documentsOf } from './harness/documents.ts';
import { api, guide } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

const OVERVIEW = guide('object-lock');
const MANAGING = guide('object-lock-managing');
const md5 = (body: string): Record<string, string> => ({ 'Content-MD5': createHash('md5').update(body).digest('base64') });
const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

/** A bucket that locks, and what is sent to its keys. What is held is let go of when the group ends, as far as governance goes. */
async function locking(lab: Lab) {
  const bucket = await lab.newBucket();
  expectStatus(await documentsOf(lab.s3, 'versioning', 'VersioningConfiguration').put(bucket, '<Status>Enabled</Status>'), 200);
  const lock = documentsOf(lab.s3, 'object-lock', 'ObjectLockConfiguration');
  expectStatus(await lock.put(bucket, '<ObjectLockEnabled>Enabled</ObjectLockEnabled>'), 200);
  const send = (method: string, key: string, options?: RequestOptions) => lab.s3.send(method, `/${bucket}/${key}`, options);
  const put = async (key: string, headers: Record<string, string> = {}): Promise<string> =>
    String(
      expectStatus(await send('PUT', key, { body: key, headers: { ...md5(key), ...headers } }), 200).headers['x-amz-version-id'],
    );
  const set = (key: string, what: 'retention' | 'legal-hold', body: string, headers: Record<string, string> = {}, query = {}) =>
    send('PUT', key, { query: { [what]: '', ...query }, body, headers: { ...md5(body), ...headers } });
  const remove = (key: string, versionId: string, headers: Record<string, string> = {}) =>
    send('DELETE', key, { query: { versionId }, headers });
  return { bucket, lock, send, put, set, remove };
}

const retention = (mode: string, until: string): string =>
  `<Retention><Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate></Retention>`;
const hold = (status: string): string => `<LegalHold><Status>${status}</Status></LegalHold>`;
const BYPASS = { 'x-amz-bypass-governance-retention': 'true' };

suite('object lock of a bucket', api('PutObjectLockConfiguration'), {
  'it is given back, with its default': async (lab) => {
    const { bucket, lock } = await locking(lab);
    expect((await lock.get(bucket)).xml().value('ObjectLockEnabled')).to.equal('Enabled');
    const rule = '<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>2</Days></DefaultRetention></Rule>';
    expectStatus(await lock.put(bucket, `<ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}`), 200);
    const given = (await lock.get(bucket)).xml().child('Rule')?.child('DefaultRetention');
    expect([given?.value('Mode'), given?.value('Days')]).to.deep.equal(['GOVERNANCE', '2']);
  },
  'a bucket can be made with it, and then keeps versions': {
    page: api('CreateBucket'),
    run: async ({ s3 }) => {
      const name = `conf-lock-${process.pid}-${Date.now().toString(36)}`;
      expectStatus(await s3.send('PUT', `/${name}`, { headers: { 'x-amz-bucket-object-lock-enabled': 'true' } }), 200);
      expect((await s3.send('GET', `/${name}`, { query: { versioning: '' } })).xml().value('Status')).to.equal('Enabled');
      expect((await s3.send('GET', `/${name}`, { query: { 'object-lock': '' } })).xml().value('ObjectLockEnabled')).to.equal(
        'Enabled',
      );
      const suspend = documentsOf(s3, 'versioning', 'VersioningConfiguration').put(name, '<Status>Suspended</Status>');
      expectError(await suspend, 409, 'InvalidBucketState');
      expectStatus(await s3.send('DELETE', `/${name}`), 204);
    },
  },
  'without versions it is InvalidBucketState': async (lab) => {
    const lock = documentsOf(lab.s3, 'object-lock', 'ObjectLockConfiguration');
    expectError(await lock.put(lab.bucket, '<ObjectLockEnabled>Enabled</ObjectLockEnabled>'), 409, 'InvalidBucketState');
  },
  'a default that is none is refused': over(
    {
      'days and years': ['<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>', 'MalformedXML'],
      'no length': ['<Mode>GOVERNANCE</Mode>', 'MalformedXML'],
      'no mode': ['<Days>1</Days>', 'MalformedXML'],
      'a mode that is none': ['<Mode>__proto__</Mode><Days>1</Days>', 'MalformedXML'],
      'an unknown mode': ['<Mode>SOMETIMES</Mode><Days>1</Days>', 'MalformedXML'],
      'no days': ['<Mode>GOVERNANCE</Mode><Days>0</Days>', 'InvalidArgument'],
      'too many years': ['<Mode>GOVERNANCE</Mode><Years>101</Years>', 'InvalidArgument'],
    } as Record<string, [string, string]>,
    ([inner, code]) =>
      async (lab) => {
        const { bucket, lock } = await locking(lab);
        const rule = `<Rule><DefaultRetention>${inner}</DefaultRetention></Rule>`;
        expectError(await lock.put(bucket, `<ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}`), 400, code);
      },
  ),
  'the default holds for what is written without one of its own': {
    page: MANAGING,
    run: async (lab) => {
      const { bucket, lock, put, send, remove } = await locking(lab);
      const rule = '<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule>';
      expectStatus(await lock.put(bucket, `<ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}`), 200);
      const version = await put('a');
      const { headers } = await send('HEAD', 'a');
      expect(headers['x-amz-object-lock-mode']).to.equal('GOVERNANCE');
      const left = Date.parse(String(headers['x-amz-object-lock-retain-until-date'])) - Date.now();
      expect(left).to.be.within(82_800_000, 90_000_000);
      expectError(await remove('a', version), 403, 'AccessDenied');
      expectStatus(await remove('a', version, BYPASS), 204);
    },
  },
});

suite('retention', api('PutObjectRetention'), {
  'headers of a write give it, and it is read back': {
    page: MANAGING,
    run: async (lab) => {
      const { put, send, remove } = await locking(lab);
      const until = inAnHour();
      const headers = { 'x-amz-object-lock-mode': 'GOVERNANCE', 'x-amz-object-lock-retain-until-date': until };
      const version = await put('a', headers);
      const given = expectStatus(await send('GET', 'a', { query: { retention: '' } }), 200).xml();
      expect([given.value('Mode'), Date.parse(given.value('RetainUntilDate'))]).to.deep.equal(['GOVERNANCE', Date.parse(until)]);
      expectStatus(await remove('a', version, BYPASS), 204);
    },
  },
  'under it the version stays, and a marker may come over it': {
    page: OVERVIEW,
    run: async (lab) => {
      const { put, send, set, remove } = await locking(lab);
      const version = await put('a');
      expectStatus(await set('a', 'retention', retention('GOVERNANCE', inAnHour())), 200);
      expectError(await remove('a', version), 403, 'AccessDenied');
      expectStatus(await send('DELETE', 'a'), 204);
      expect((await send('GET', 'a', { query: { versionId: version } })).text).to.equal('a');
      expectStatus(await remove('a', version, BYPASS), 204);
    },
  },
  'a delete marker has none, and takes none: MethodNotAllowed': {
    page: OVERVIEW,
    run: async (lab) => {
      const { put, send, set } = await locking(lab);
      await put('a');
      const marker = String(expectStatus(await send('DELETE', 'a'), 204).headers['x-amz-version-id']);
      const query = { versionId: marker };
      for (const [name, body] of [
        ['retention', retention('GOVERNANCE', inAnHour())],
        ['legal-hold', hold('ON')],
      ] as const) {
        expectError(await send('GET', 'a', { query: { [name]: '', ...query } }), 405, 'MethodNotAllowed');
        expectError(await set('a', name, body, {}, query), 405, 'MethodNotAllowed');
        expectError(await set('a', name, body), 404, 'NoSuchKey');
      }
    },
  },
  'governance can be shortened by a bypass alone': {
    page: OVERVIEW,
    run: async (lab) => {
      const { put, set, remove } = await locking(lab);
      const version = await put('a');
      expectStatus(await set('a', 'retention', retention('GOVERNANCE', inAnHour())), 200);
      const sooner = retention('GOVERNANCE', new Date(Date.now() + 1_800_000).toISOString());
      expectError(await set('a', 'retention', sooner), 403, 'AccessDenied');
      expectStatus(await set('a', 'retention', sooner, BYPASS), 200);
      expectStatus(await set('a', 'retention', '<Retention/>', BYPASS), 200);
      expectStatus(await remove('a', version), 204);
    },
  },
  'compliance is not bypassed, and only lengthened': {
    page: OVERVIEW,
    run: async (lab) => {
      if (lab.gateway === null) return; // elsewhere it would stay for its time
      const { put, set, remove } = await locking(lab);
      const version = await put('a');
      expectStatus(await set('a', 'retention', retention('COMPLIANCE', inAnHour())), 200);
      expectError(await remove('a', version, BYPASS), 403, 'AccessDenied');
      const sooner = retention('COMPLIANCE', new Date(Date.now() + 1_800_000).toISOString());
      expectError(await set('a', 'retention', sooner, BYPASS), 403, 'AccessDenied');
      expectError(await set('a', 'retention', retention('GOVERNANCE', inAnHour()), BYPASS), 403, 'AccessDenied');
      expectStatus(await set('a', 'retention', retention('COMPLIANCE', new Date(Date.now() + 7_200_000).toISOString())), 200);
    },
  },
  'what is no retention is refused': over(
    {
      'an unknown mode': [retention('SOMETIMES', '2090-01-01T00:00:00Z'), 'MalformedXML'],
      'no date': ['<Retention><Mode>GOVERNANCE</Mode></Retention>', 'MalformedXML'],
      'a date that is over': [retention('GOVERNANCE', '2020-01-01T00:00:00Z'), 'InvalidArgument'],
    } as Record<string, [string, string]>,
    ([body, code]) =>
      async (lab) => {
        const { put, set } = await locking(lab);
        await put('a');
        expectError(await set('a', 'retention', body), 400, code);
      },
  ),
  'headers that are half or wrong store nothing': {
    page: MANAGING,
    ...over(
      {
        'a mode alone': { 'x-amz-object-lock-mode': 'GOVERNANCE' },
        'a date alone': { 'x-amz-object-lock-retain-until-date': '2090-01-01T00:00:00Z' },
        'a hold that is none': { 'x-amz-object-lock-legal-hold': 'PERHAPS' },
      } as Record<string, Record<string, string>>,
      (headers) => async (lab) => {
        const { send } = await locking(lab);
        expectError(await send('PUT', 'a', { body: 'a', headers: { ...md5('a'), ...headers } }), 400, 'InvalidArgument');
        expectStatus(await send('GET', 'a'), 404);
      },
    ),
  },
  'an upload whose date has passed when it is completed makes its object, which nothing keeps any more': {
    page: api('CreateMultipartUpload'),
    run: async (lab) => {
      const { send, remove } = await locking(lab);
      const until = Math.ceil(Date.now() / 1000) * 1000 + 2000;
      const headers = {
        'x-amz-object-lock-mode': 'COMPLIANCE',
        'x-amz-object-lock-retain-until-date': new Date(until).toISOString(),
      };
      const begun = expectStatus(await send('POST', 'late', { query: { uploads: '' }, headers }), 200);
      const uploadId = begun.xml().value('UploadId');
      const part = await send('PUT', 'late', { query: { partNumber: 1, uploadId }, body: 'a', headers: md5('a') });
      while (Date.now() <= until) await setTimeout(100);
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
      const { headers: made } = expectStatus(await send('POST', 'late', { query: { uploadId }, body }), 200);
      expectStatus(await remove('late', made['x-amz-version-id'] ?? ''), 204);
    },
  },
  'a bucket without lock takes none': async ({ send, put, key }) => {
    const name = key();
    await put(name, 'a');
    const body = retention('GOVERNANCE', inAnHour());
    expectError(await send('PUT', name, { query: { retention: '' }, body, headers: md5(body) }), 400, 'InvalidRequest');
    const headers = { ...md5('b'), 'x-amz-object-lock-mode': 'GOVERNANCE', 'x-amz-object-lock-retain-until-date': inAnHour() };
    expectError(await send('PUT', name, { body: 'b', headers }), 400, 'InvalidRequest');
  },
  'each object of a backup has its own, beside a description of the store that its program may look for': {
    page: MANAGING,
    run: async (lab) => {
      const { put, send, remove } = await locking(lab);
      // Veeam asks for this; where it is not there, the store is as any other.
      const described = '.system-d26a9498-cb7c-4a87-a44a-8ae204f5ba6c/system.xml';
      expectStatus(await send('HEAD', described), 404);
      expectError(await send('GET', described), 404, 'NoSuchKey');
      await put(described);
      expect((await send('GET', described)).text).to.equal(described);
      for (const [key, hours] of [
        ['Veeam/a', 1],
        ['Veeam/b', 2],
      ] as const) {
        const until = new Date(Date.now() + hours * 3_600_000).toISOString();
        const headers = { 'x-amz-object-lock-mode': 'GOVERNANCE', 'x-amz-object-lock-retain-until-date': until };
        const version = await put(key, headers);
        expect((await send('HEAD', key)).headers['x-amz-object-lock-retain-until-date']).to.equal(until);
        expectError(await remove(key, version), 403, 'AccessDenied');
        expectStatus(await remove(key, version, BYPASS), 204);
      }
    },
  },
  'a write that gives it needs a checksum': {
    page: MANAGING,
    run: async (lab) => {
      const { send } = await locking(lab);
      const headers = { 'x-amz-object-lock-mode': 'GOVERNANCE', 'x-amz-object-lock-retain-until-date': inAnHour() };
      expectError(await send('PUT', 'a', { body: 'a', headers }), 400, 'InvalidRequest');
    },
  },
});

suite('legal hold', api('PutObjectLegalHold'), {
  'while it is on the version stays, bypass or not': async (lab) => {
    const { put, set, send, remove } = await locking(lab);
    const version = await put('a');
    expectStatus(await set('a', 'legal-hold', hold('ON')), 200);
    expect((await send('GET', 'a', { query: { 'legal-hold': '' } })).xml().value('Status')).to.equal('ON');
    expect((await send('HEAD', 'a')).headers['x-amz-object-lock-legal-hold']).to.equal('ON');
    expectError(await remove('a', version, BYPASS), 403, 'AccessDenied');
    expectStatus(await set('a', 'legal-hold', hold('OFF')), 200);
    expect((await send('GET', 'a', { query: { 'legal-hold': '' } })).xml().value('Status')).to.equal('OFF');
    expect((await send('HEAD', 'a')).headers['x-amz-object-lock-legal-hold']).to.equal('OFF');
    await put('never');
    expect((await send('HEAD', 'never')).headers).not.to.have.property('x-amz-object-lock-legal-hold');
    expectStatus(await remove('a', version), 204);
  },
  'it is of one version': async (lab) => {
    const { put, set, remove } = await locking(lab);
    const [first, second] = [await put('a'), await put('a')];
    expectStatus(await set('a', 'legal-hold', hold('ON'), {}, { versionId: first }), 200);
    expectStatus(await remove('a', second), 204);
    expectError(await remove('a', first), 403, 'AccessDenied');
    expectStatus(await set('a', 'legal-hold', hold('OFF'), {}, { versionId: first }), 200);
  },
  'DeleteObjects tells of it for each key': {
    page: api('DeleteObjects'),
    run: async (lab) => {
      const { bucket, put, set } = await locking(lab);
      const [held, free] = [await put('held'), await put('free')];
      expectStatus(await set('held', 'legal-hold', hold('ON')), 200);
      const object = (key: string, version: string) => `<Object><Key>${key}</Key><VersionId>${version}</VersionId></Object>`;
      const body = `<Delete>${object('held', held)}${object('free', free)}</Delete>`;
      const answer = await lab.s3.send('POST', `/${bucket}`, { query: 'delete', body, headers: md5(body) });
      const xml = expectStatus(answer, 200).xml();
      expect(xml.all('Deleted').map((one) => one.value('Key'))).to.deep.equal(['free']);
      expect(xml.all('Error').map((one) => [one.value('Key'), one.value('Code')])).to.deep.equal([['held', 'AccessDenied']]);
      expectStatus(await set('held', 'legal-hold', hold('OFF')), 200);
    },
  },
  'where it was never said there is NoSuchObjectLockConfiguration, and OFF once it was': {
    page: api('GetObjectLegalHold'),
    run: async (lab) => {
      const { put, set, send } = await locking(lab);
      const shown = (key: string) => send('GET', key, { query: { 'legal-hold': '' } });
      await put('never');
      expectError(await shown('never'), 404, 'NoSuchObjectLockConfiguration');
      await put('off', { 'x-amz-object-lock-legal-hold': 'OFF' });
      expect((await shown('off')).xml().value('Status')).to.equal('OFF');
      expectStatus(await set('never', 'legal-hold', hold('OFF')), 200);
      expect((await shown('never')).xml().value('Status')).to.equal('OFF');
      await put('never');
      expectError(await shown('never'), 404, 'NoSuchObjectLockConfiguration');
    },
  },
  'a status that is none is MalformedXML': async (lab) => {
    const { put, set } = await locking(lab);
    await put('a');
    expectError(await set('a', 'legal-hold', hold('PERHAPS')), 400, 'MalformedXML');
  },
});
