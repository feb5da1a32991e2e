import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { headOf } from './harness/client.ts';
import { BOUNDARY, type Condition, FILE_NAME, type Field, formOf, post, upload } from './harness/forms.ts';
import { guide, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

suite('POST form upload', PAGES.postObject, {
  'a signed form stores its file and answers 204': async (lab) => {
    const key = lab.key();
    const answer = expectStatus(await upload(lab, key), 204);
    expect(answer.headers.etag).to.equal(`"${createHash('md5').update('the file').digest('hex')}"`);
    expect((await lab.get(key)).text).to.equal('the file');
  },
  'a file of megabytes comes through, whatever is in it': async (lab) => {
    const key = lab.key();
    const file = Buffer.concat([Buffer.alloc(1_500_000, `\r\n--${BOUNDARY.slice(0, -1)}`), Buffer.from('\r\n-')]);
    expectStatus(await upload(lab, key, { file }), 204);
    expect((await lab.get(key)).body.equals(file)).to.equal(true);
  },
  'an empty file is stored': async (lab) => {
    const key = lab.key();
    expectStatus(await upload(lab, key, { file: '' }), 204);
    expect((await lab.head(key)).headers['content-length']).to.equal('0');
  },
  'the form may be cut at every byte': async (lab) => {
    const key = lab.key();
    const body = formOf(lab, key, { file: 'x\r\n--y' });
    const request = lab.s3.prepare('POST', `/${lab.bucket}`, {
      auth: 'none',
      body,
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    });
    const wire = await lab.s3.open();
    wire.write(headOf(request));
    for (const byte of body) {
      wire.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await wire.answer('POST')).status).to.equal(204);
    wire.destroy();
    expect((await lab.get(key)).text).to.equal('x\r\n--y');
  },
  'success_action_status is answered with': over({ 200: 200, 201: 201, 204: 204 }, (status) => async (lab) => {
    const key = lab.key();
    const fields = [['success_action_status', String(status)]] as const;
    const answer = await upload(lab, key, { fields, conditions: [{ key }, { success_action_status: String(status) }] });
    expectStatus(answer, status);
    if (status !== 201) return;
    const document = answer.xml();
    expect(document.name).to.equal('PostResponse');
    expect(document.value('Bucket')).to.equal(lab.bucket);
    expect(document.value('Key')).to.equal(key);
    expect(document.value('ETag')).to.equal(answer.headers.etag);
    expect(document.value('Location')).to.contain(key);
  }),
  'another success_action_status is as if it were not there': async (lab) => {
    const key = lab.key();
    const answer = await upload(lab, key, {
      fields: [['success_action_status', '404']],
      conditions: [{ key }, ['starts-with', '$success_action_status', '']],
    });
    expectStatus(answer, 204);
  },
  'success_action_redirect is answered with 303, bucket, key and etag': async (lab) => {
    const key = lab.key();
    const answer = await upload(lab, key, {
      fields: [['success_action_redirect', 'https://example.test/done?a=b']],
      conditions: [{ key }, ['starts-with', '$success_action_redirect', 'https://example.test/']],
    });
    expectStatus(answer, 303);
    const to = new URL(answer.headers.location ?? '');
    expect(to.origin + to.pathname).to.equal('https://example.test/done');
    expect(Object.fromEntries(to.searchParams)).to.deep.equal({ a: 'b', bucket: lab.bucket, key, etag: answer.headers.etag });
  },
  'a redirect that is no address is as if it were not there': async (lab) => {
    const key = lab.key();
    const answer = await upload(lab, key, {
      fields: [['success_action_redirect', 'javascript:alert(1)']],
      conditions: [{ key }, ['starts-with', '$success_action_redirect', '']],
    });
    expectStatus(answer, 204);
  },
  'the variable filename is the name of the file': async (lab) => {
    expectStatus(
      await upload(lab, `up/${FILE_NAME}`, { fileName: 'a b.txt', conditions: [['starts-with', '$key', 'up/']] }),
      204,
    );
    expectStatus(await lab.get('up/a b.txt'), 200);
  },
  "a path before the file's name is left off": over(
    ['C:\\\\photos\\\\mine.jpg', '/home/me/mine.jpg'],
    (fileName) => async (lab) => {
      const stem = lab.key();
      expectStatus(await upload(lab, `${stem}/${FILE_NAME}`, { fileName }), 204);
      expectStatus(await lab.get(`${stem}/mine.jpg`), 200);
    },
  ),
  'what fields say of the object is kept': async (lab) => {
    const key = lab.key();
    const fields: Field[] = [
      ['Content-Type', 'text/x-test'],
      ['Cache-Control', 'max-age=7'],
      ['Content-Disposition', 'attachment'],
      ['Content-Encoding', 'br'],
      ['x-amz-meta-note', 'straße'],
      ['x-amz-storage-class', 'STANDARD'],
      ['acl', 'private'],
    ];
    const conditions: Condition[] = fields.map(([name]) => ['starts-with', `$${name}`, '']);
    expectStatus(await upload(lab, key, { fields, conditions: [{ key }, ...conditions] }), 204);
    const { headers } = await lab.head(key);
    expect(headers['content-type']).to.equal('text/x-test');
    expect(headers['cache-control']).to.equal('max-age=7');
    expect(headers['content-disposition']).to.equal('attachment');
    expect(headers['content-encoding']).to.equal('br');
    expect(headers['x-amz-meta-note']).to.equal('=?UTF-8?B?c3RyYcOfZQ==?=');
  },
  'what no answer could say again is refused, and nothing is stored': over(
    {
      'a space in a name': ['x-amz-meta-a b', 'v'],
      'letters that no header has': ['x-amz-meta-größe', 'v'],
      'a control character': ['Content-Type', 'text/\x01plain'],
      'a deleted character': ['Cache-Control', 'a\x7fb'],
    } satisfies Record<string, Field>,
    (field) => async (lab) => {
      const key = lab.key();
      const conditions: Condition[] = [{ key }, ['starts-with', `$${field[0]}`, '']];
      expectError(await upload(lab, key, { fields: [field], conditions }), 400, 'InvalidArgument');
      expectStatus(await lab.get(key), 404);
    },
  ),
  'the field tagging sets tags': async (lab) => {
    const key = lab.key();
    const tagging = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>';
    const conditions: Condition[] = [{ key }, ['starts-with', '$tagging', '']];
    expectStatus(await upload(lab, key, { fields: [['tagging', tagging]], conditions }), 204);
    expect((await lab.head(key)).headers['x-amz-tagging-count']).to.equal('1');
  },
  'fields of object lock hold what the form stores': {
    page: guide('object-lock-managing'),
    run: async (lab) => {
      const until = new Date(Date.now() + 24 * 3600 * 1000).toISOString();
      const fields = [
        ['x-amz-object-lock-mode', 'GOVERNANCE'],
        ['x-amz-object-lock-retain-until-date', until],
      ] as const;
      const conditions = [['starts-with', '$key', ''], ...fields.map(([name, value]) => ({ [name]: value }))] as const;
      expectError(await upload(lab, lab.key(), { fields, conditions }), 400, 'InvalidRequest');
      const bucket = `${lab.bucket}-held`.slice(-63);
      const locked = { 'x-amz-bucket-object-lock-enabled': 'true' };
      expectStatus(await lab.s3.send('PUT', `/${bucket}`, { headers: locked }), 200);
      const stored = expectStatus(await upload({ ...lab, bucket }, 'a', { fields, conditions }), 204);
      const { headers } = await lab.s3.send('HEAD', `/${bucket}/a`);
      expect([headers['x-amz-object-lock-mode'], headers['x-amz-object-lock-retain-until-date']]).to.deep.equal([
        'GOVERNANCE',
        until,
      ]);
      const versionId = String(stored.headers['x-amz-version-id']);
      expectError(await lab.s3.send('DELETE', `/${bucket}/a`, { query: { versionId } }), 403, 'AccessDenied');
      const past = { 'x-amz-bypass-governance-retention': 'true' };
      expectStatus(await lab.s3.send('DELETE', `/${bucket}/a`, { query: { versionId }, headers: past }), 204);
      expectStatus(await lab.s3.send('DELETE', `/${bucket}`), 204);
    },
  },
  'names of fields are taken in any case': async (lab) => {
    const key = lab.key();
    const turn = (fields: Map<string, string>): void => {
      for (const [name, value] of [...fields]) {
        fields.delete(name);
        fields.set(name.toUpperCase(), value);
      }
    };
    expectStatus(await upload(lab, key, { tamper: turn }), 204);
  },
  'fields behind the file are ignored': async (lab) => {
    const key = lab.key();
    expectStatus(await upload(lab, key, { afterFile: [['x-amz-meta-late', 'x']] }), 204);
    expect((await lab.head(key)).headers).to.not.have.property('x-amz-meta-late');
  },
  'without a file it is InvalidArgument': async (lab) =>
    expectError(await upload(lab, lab.key(), { withoutFile: true }), 400, 'InvalidArgument'),
  'without a key it is InvalidArgument': async (lab) =>
    expectError(await upload(lab, lab.key(), { tamper: (fields) => void fields.delete('key') }), 400, 'InvalidArgument'),
  'another content type is PreconditionFailed': async (lab) => {
    const body = formOf(lab, lab.key());
    expectError(await post(lab, body, { 'content-type': 'application/x-www-form-urlencoded' }), 412, 'PreconditionFailed');
  },
  'a form that is not well formed is MalformedPOSTRequest': over(
    { 'no boundary': 'multipart/form-data', 'another boundary': 'multipart/form-data; boundary=other' },
    (type) => async (lab) =>
      expectError(await post(lab, formOf(lab, lab.key()), { 'content-type': type }), 400, 'MalformedPOSTRequest'),
  ),
  'a form that ends early stores nothing': async (lab) => {
    const key = lab.key();
    const body = formOf(lab, key);
    expectError(await post(lab, body.subarray(0, -BOUNDARY.length)), 400, 'IncompleteBody');
    expectStatus(await lab.get(key), 404);
  },
  'fields of more than 20 KB are MaxPostPreDataLengthExceeded': async (lab) => {
    const fields = [['x-ignore-a', 'a'.repeat(21_000)]] as const;
    expectError(await upload(lab, lab.key(), { fields }), 400, 'MaxPostPreDataLengthExceeded');
  },
  'an absent bucket is NoSuchBucket': async (lab) => {
    const answer = await post(
      { ...lab, bucket: 'no-such-bucket-of-a-form' },
      formOf({ ...lab, bucket: 'no-such-bucket-of-a-form' }, 'a'),
    );
    expectError(answer, 404, 'NoSuchBucket');
  },
  'what a policy asks of headers it asks of the fields, and of no header that does nothing': {
    page: guide('amazon-s3-policy-keys'),
    ...over(
      {
        'x-amz-acl': ['acl', 's3:x-amz-acl', 'bucket-owner-full-control'],
        'x-amz-storage-class': ['x-amz-storage-class', 's3:x-amz-storage-class', 'STANDARD_IA'],
      } as const,
      ([field, condition, value], header) =>
        async (lab) => {
          const bucket = await lab.newBucket();
          const there = { ...lab, bucket };
          const Resource = `arn:aws:s3:::${bucket}/*`;
          const Condition = { StringNotEquals: { [condition]: value } };
          const Statement = [{ Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource, Condition }];
          const body = JSON.stringify({ Version: '2012-10-17', Statement });
          expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'policy=', body }), 204);
          const fields: Field[] = [[field, value]];
          const conditions: Condition[] = [{ key: 'a' }, ['starts-with', `$${field}`, '']];
          expectError(await upload(there, 'a'), 403, 'AccessDenied');
          expectError(await post(there, formOf(there, 'a'), { [header]: value }), 403, 'AccessDenied');
          expectStatus(await upload(there, 'a', { fields, conditions }), 204);
        },
    ),
  },
  'no condition holds that a form cannot carry': {
    page: PAGES.conditionalWrites,
    run: async (lab) => {
      const bucket = await lab.newBucket();
      const there = { ...lab, bucket };
      const Condition = { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } };
      const Resource = `arn:aws:s3:::${bucket}/*`;
      const Statement = [{ Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource, Condition }];
      const body = JSON.stringify({ Version: '2012-10-17', Statement });
      expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'policy=', body }), 204);
      expectError(await post(there, formOf(there, 'a'), { 'if-none-match': '*' }), 403, 'AccessDenied');
    },
  },
  "an upload under a customer's key is read with that key": {
    page: PAGES.sseC,
    run: async (lab) => {
      const key = lab.key();
      const secret = Buffer.alloc(32, 'k');
      const prefix = 'x-amz-server-side-encryption-customer-';
      const fields: Field[] = [
        [`${prefix}algorithm`, 'AES256'],
        [`${prefix}key`, secret.toString('base64')],
        [`${prefix}key-md5`, createHash('md5').update(secret).digest('base64')],
      ];
      const conditions: Condition[] = fields.map(([name]) => ['starts-with', `$${name}`, '']);
      expectStatus(await upload(lab, key, { fields, conditions: [{ key }, ...conditions] }), 204);
      expectStatus(await lab.get(key), 400);
      expect((await lab.get(key, { headers: Object.fromEntries(fields) })).text).to.equal('the file');
    },
  },
});
