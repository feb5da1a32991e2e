import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { headOf, type S3Answer } from './harness/client.ts';
import { documentsOf } from './harness/documents.ts';
import { PAGES } from './harness/pages.ts';
import { hmac, type Keys, signingKey, stampOf } from './harness/signer.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

const BOUNDARY = '----conformance7MA4YWxk';
/** The variable, as a form has it. */
const FILE_NAME = ['$', '{filename}'].join('');
type Field = readonly [name: string, value: string];
type Condition = Record<string, string> | readonly [string, ...(string | number)[]];

interface FormOptions {
  fields?: readonly Field[];
  conditions?: readonly Condition[];
  file?: string | Buffer;
  fileName?: string;
  expires?: Date;
  keys?: Keys;
  /** Changes what was signed. */
  tamper?: (fields: Map<string, string>) => void;
  policyText?: string;
  withoutFile?: boolean;
  afterFile?: readonly Field[];
}

/** A signed form: policy, signature and the fields given, `key` among them. */
function formOf(lab: Lab, key: string, options: FormOptions = {}): Buffer {
  const keys = options.keys ?? lab.s3.keys;
  const at = new Date();
  const scope = `${stampOf(at).slice(0, 8)}/${lab.s3.region}/s3/aws4_request`;
  const signed: Field[] = [
    ['x-amz-algorithm', 'AWS4-HMAC-SHA256'],
    ['x-amz-credential', `${keys.accessKeyId}/${scope}`],
    ['x-amz-date', stampOf(at)],
  ];
  const conditions = options.conditions ?? [['starts-with', '$key', '']];
  const policy =
    options.policyText ??
    JSON.stringify({
      expiration: (options.expires ?? new Date(at.getTime() + 600_000)).toISOString(),
      conditions: [{ bucket: lab.bucket }, ...conditions, ...signed.map(([name, value]) => ({ [name]: value }))],
    });
  const encoded = Buffer.from(policy).toString('base64');
  const signature = hmac(signingKey(keys.secretAccessKey, scope), encoded).toString('hex');
  const fields = new Map<string, string>([
    ['key', key],
    ...(options.fields ?? []),
    ...signed,
    ['policy', encoded],
    ['x-amz-signature', signature],
  ]);
  options.tamper?.(fields);
  const part = ([name, value]: Field): string =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const file = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${options.fileName ?? 'photo.jpg'}"\r\nContent-Type: image/jpeg\r\n\r\n`;
  return Buffer.concat([
    Buffer.from([...fields].map(part).join('')),
    ...(options.withoutFile === true ? [] : [Buffer.from(file), Buffer.from(options.file ?? 'the file'), Buffer.from('\r\n')]),
    Buffer.from((options.afterFile ?? []).map(part).join('')),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ]);
}

function post({ s3, bucket }: Lab, body: Buffer, headers: Record<string, string> = {}): Promise<S3Answer> {
  return s3.send('POST', `/${bucket}`, {
    auth: 'none',
    body,
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, ...headers },
  });
}

const upload = (lab: Lab, key: string, options?: FormOptions): Promise<S3Answer> => post(lab, formOf(lab, key, options));

/** Takes all that is said of a signature out of a form. */
function unsigned(fields: Map<string, string>): void {
  for (const name of ['policy', 'x-amz-signature', 'x-amz-algorithm', 'x-amz-credential', 'x-amz-date']) fields.delete(name);
}

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
  'the field tagging sets tags': async (lab) => {
    const key = lab.key();
    const tagging = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>';
    const conditions: Condition[] = [{ key }, ['starts-with', '$tagging', '']];
    expectStatus(await upload(lab, key, { fields: [['tagging', tagging]], conditions }), 204);
    expect((await lab.head(key)).headers['x-amz-tagging-count']).to.equal('1');
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

suite('POST policy', PAGES.postPolicy, {
  'an exact condition holds for its value only': async (lab) => {
    const key = lab.key();
    expectStatus(await upload(lab, key, { conditions: [{ key }] }), 204);
    expectError(await upload(lab, `${key}-other`, { conditions: [{ key }] }), 403, 'AccessDenied');
    expectStatus(await lab.get(`${key}-other`), 404);
  },
  'eq is an exact condition': async (lab) => {
    const key = lab.key();
    expectStatus(await upload(lab, key, { conditions: [['eq', '$key', key]] }), 204);
    expectError(await upload(lab, `${key}-other`, { conditions: [['eq', '$key', key]] }), 403, 'AccessDenied');
  },
  'starts-with holds for what begins so': async (lab) => {
    const stem = lab.key();
    const conditions: Condition[] = [['starts-with', '$key', `${stem}/`]];
    expectStatus(await upload(lab, `${stem}/a`, { conditions }), 204);
    expectError(await upload(lab, 'elsewhere/a', { conditions }), 403, 'AccessDenied');
  },
  'each of several content types must begin so': async (lab) => {
    const key = lab.key();
    const conditions: Condition[] = [{ key }, ['starts-with', '$Content-Type', 'image/']];
    expectStatus(await upload(lab, key, { fields: [['Content-Type', 'image/png,image/gif']], conditions }), 204);
    expectError(await upload(lab, key, { fields: [['Content-Type', 'image/png,text/html']], conditions }), 403, 'AccessDenied');
  },
  'a file within content-length-range is stored': over(
    { 'at its least': 'abc', 'at its most': 'abcdef' },
    (file) => async (lab) => {
      const key = lab.key();
      expectStatus(await upload(lab, key, { file, conditions: [{ key }, ['content-length-range', 3, 6]] }), 204);
    },
  ),
  'a smaller file is EntityTooSmall, and nothing is stored': async (lab) => {
    const key = lab.key();
    const answer = await upload(lab, key, { file: 'ab', conditions: [{ key }, ['content-length-range', 3, 6]] });
    expectError(answer, 400, 'EntityTooSmall');
    expectStatus(await lab.get(key), 404);
  },
  'a larger file is EntityTooLarge, and nothing is stored': async (lab) => {
    const key = lab.key();
    const answer = await upload(lab, key, { file: 'abcdefg', conditions: [{ key }, ['content-length-range', 3, 6]] });
    expectError(answer, 400, 'EntityTooLarge');
    expectStatus(await lab.get(key), 404);
  },
  'a policy past its expiration is refused': async (lab) => {
    const answer = await upload(lab, lab.key(), { expires: new Date(Date.now() - 1000) });
    expectError(answer, 403, 'AccessDenied');
    expect(answer.xml().value('Message')).to.contain('expired');
  },
  'a field that no condition names is refused': async (lab) => {
    const answer = await upload(lab, lab.key(), { fields: [['x-amz-meta-more', 'a']] });
    expectError(answer, 403, 'AccessDenied');
    expect(answer.xml().value('Message')).to.contain('x-amz-meta-more');
  },
  'a field x-ignore-… needs no condition': async (lab) =>
    void expectStatus(await upload(lab, lab.key(), { fields: [['x-ignore-me', 'a']] }), 204),
  'a condition on a field that is not there is refused': async (lab) => {
    const key = lab.key();
    expectError(await upload(lab, key, { conditions: [{ key }, { acl: 'private' }] }), 403, 'AccessDenied');
  },
  'a form for another bucket is refused': async (lab) => {
    const bucket = await lab.newBucket();
    const answer = await post({ ...lab, bucket }, formOf(lab, lab.key()));
    expectError(answer, 403, 'AccessDenied');
  },
  'a policy that was changed is SignatureDoesNotMatch': async (lab) => {
    const key = lab.key();
    const tamper = (fields: Map<string, string>): void => {
      const policy = JSON.parse(Buffer.from(fields.get('policy') ?? '', 'base64').toString());
      policy.expiration = '2099-01-01T00:00:00Z';
      fields.set('policy', Buffer.from(JSON.stringify(policy)).toString('base64'));
    };
    expectError(await upload(lab, key, { tamper }), 403, 'SignatureDoesNotMatch');
    expectStatus(await lab.get(key), 404);
  },
  'a key that was changed is refused by the policy': async (lab) => {
    const key = lab.key();
    const answer = await upload(lab, key, { conditions: [{ key }], tamper: (fields) => void fields.set('key', 'stolen') });
    expectError(answer, 403, 'AccessDenied');
  },
  'another secret is SignatureDoesNotMatch': async (lab) =>
    expectError(await upload(lab, lab.key(), { keys: { ...lab.s3.keys, secretAccessKey: 'x' } }), 403, 'SignatureDoesNotMatch'),
  'an unknown access key is InvalidAccessKeyId': async (lab) =>
    expectError(await upload(lab, lab.key(), { keys: { ...lab.s3.keys, accessKeyId: 'AKIANOBODY' } }), 403, 'InvalidAccessKeyId'),
  'a field of the signature that lacks is InvalidArgument': {
    page: PAGES.sigv4Post,
    ...over(['x-amz-signature', 'x-amz-credential', 'x-amz-date', 'x-amz-algorithm'], (name) => async (lab) => {
      const answer = await upload(lab, lab.key(), { tamper: (fields) => void fields.delete(name) });
      expect([400, 403]).to.include(answer.status);
      expect(answer.xml().value('Code')).to.be.oneOf(['InvalidArgument', 'AccessDenied']);
    }),
  },
  "a form without a policy is nobody's": async (lab) => {
    const key = lab.key();
    expectError(await upload(lab, key, { tamper: unsigned }), 403, 'AccessDenied');
    expectStatus(await lab.get(key), 404);
  },
  'a signature without a policy is InvalidArgument': async (lab) =>
    expectError(await upload(lab, lab.key(), { tamper: (fields) => void fields.delete('policy') }), 400, 'InvalidArgument'),
  'a form without a policy stores where everybody may write': over(
    {
      'by a policy': async ({ s3 }: Lab, bucket: string) => {
        const Statement = [{ Effect: 'Allow', Principal: '*', Action: 's3:PutObject', Resource: `arn:aws:s3:::${bucket}/in/*` }];
        const body = JSON.stringify({ Version: '2012-10-17', Statement });
        expectStatus(await s3.send('PUT', `/${bucket}`, { query: 'policy=', body }), 204);
      },
      'by a list': async ({ s3 }: Lab, bucket: string) => {
        const rule = '<Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>';
        expectStatus(await documentsOf(s3, 'ownershipControls', 'OwnershipControls').put(bucket, rule), 200);
        const headers = { 'x-amz-acl': 'public-read-write' };
        expectStatus(await s3.send('PUT', `/${bucket}`, { query: 'acl=', headers }), 200);
      },
    },
    (open) => async (lab) => {
      const bucket = await lab.newBucket();
      expectStatus(await documentsOf(lab.s3, 'publicAccessBlock', 'PublicAccessBlockConfiguration').remove(bucket), 204);
      const there = { ...lab, bucket };
      const unsigned = (fields: Map<string, string>): void => {
        for (const name of ['policy', 'x-amz-signature', 'x-amz-algorithm', 'x-amz-credential', 'x-amz-date'])
          fields.delete(name);
      };
      expectError(await upload(there, 'in/a', { tamper: unsigned }), 403, 'AccessDenied');
      await open(lab, bucket);
      const fields = [
        ['Content-Type', 'text/plain'],
        ['success_action_status', '201'],
      ] as const;
      const answer = expectStatus(await upload(there, 'in/a', { fields, tamper: unsigned }), 201);
      expect(answer.xml().value('Key')).to.equal('in/a');
      const got = await lab.s3.send('GET', `/${bucket}/in/a`);
      expect([got.text, got.headers['content-type']]).to.deep.equal(['the file', 'text/plain']);
    },
  ),
  'an unsigned form may not write beside what everybody may': async (lab) => {
    const bucket = await lab.newBucket();
    expectStatus(await documentsOf(lab.s3, 'publicAccessBlock', 'PublicAccessBlockConfiguration').remove(bucket), 204);
    const Statement = [{ Effect: 'Allow', Principal: '*', Action: 's3:PutObject', Resource: `arn:aws:s3:::${bucket}/in/*` }];
    const body = JSON.stringify({ Version: '2012-10-17', Statement });
    expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'policy=', body }), 204);
    const there = { ...lab, bucket };
    expectError(await upload(there, 'out/a', { tamper: unsigned }), 403, 'AccessDenied');
    const tags = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>';
    expectError(await upload(there, 'in/a', { fields: [['tagging', tags]], tamper: unsigned }), 403, 'AccessDenied');
    expectStatus(await lab.s3.send('GET', `/${bucket}/in/a`), 404);
  },
  'a policy that is none is InvalidPolicyDocument': over(
    {
      'no JSON': 'no json',
      'no object': '[]',
      'nesting without end': `{"expiration": "2099-01-01T00:00:00Z", "conditions": ${'['.repeat(5000)}${']'.repeat(5000)}}`,
      'no expiration': '{"conditions": []}',
      'no conditions': '{"expiration": "2099-01-01T00:00:00Z"}',
      'an expiration that is no time': '{"expiration": "tomorrow", "conditions": []}',
      'an unknown operator': '{"expiration": "2099-01-01T00:00:00Z", "conditions": [["ends-with", "$key", "a"]]}',
      'a condition of two fields': '{"expiration": "2099-01-01T00:00:00Z", "conditions": [{"key": "a", "acl": "b"}]}',
      'a range that is no range': '{"expiration": "2099-01-01T00:00:00Z", "conditions": [["content-length-range", 5, 1]]}',
    },
    (policyText) => async (lab) => expectError(await upload(lab, lab.key(), { policyText }), 400, 'InvalidPolicyDocument'),
  ),
  'who may not write there may not by a form either': async (lab) => {
    const key = lab.key();
    const answer = await upload(lab, key, { keys: lab.otherAccount().keys });
    expect([403, 404]).to.include(answer.status);
    expectStatus(await lab.get(key), 404);
  },
});
