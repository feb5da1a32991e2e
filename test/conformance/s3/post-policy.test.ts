import { expect } from 'chai';
import { KEYS, openBucket, putPolicy, statement } from './harness/access.ts';
import { documentsOf } from './harness/documents.ts';
import { type Condition, formOf, post, unsigned, upload } from './harness/forms.ts';
import { PAGES } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

suite('POST policy', PAGES.postPolicy, {
  'an exact condition holds for its value only': async (lab) => {
    const key = lab.key();
    expectStatus(await upload(lab, key, { conditions: [{ key }] }), 204);
    expectError(await upload(lab, `${key}-other`, { conditions: [{ key }] }), 403, 'AccessDenied');
    expectStatus(await lab.get(`${key}-other`), 404);
  },
  'a policy of the bucket knows a form by s3:authType': {
    page: KEYS,
    run: async (lab) => {
      const bucket = await openBucket(lab);
      const keepsOut = (authType: string) =>
        putPolicy(
          lab.s3,
          bucket,
          statement(bucket, {
            Effect: 'Deny',
            Action: 's3:PutObject',
            Condition: { StringEquals: { 's3:authType': authType } },
          }),
        );
      expectStatus(await keepsOut('POST'), 204);
      expectError(await upload({ ...lab, bucket }, 'a'), 403, 'AccessDenied');
      expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'a' }), 200);
      expectStatus(await keepsOut('REST-QUERY-STRING'), 204);
      expectStatus(await upload({ ...lab, bucket }, 'a'), 204);
    },
  },
  'a policy that names no bucket is AccessDenied': async (lab) => {
    const key = lab.key();
    const conditions = ['$key', '$x-amz-algorithm', '$x-amz-credential', '$x-amz-date'].map((field) => [
      'starts-with',
      field,
      '',
    ]);
    const policyText = (more: unknown[]): string =>
      JSON.stringify({ expiration: new Date(Date.now() + 600_000).toISOString(), conditions: [...conditions, ...more] });
    expectError(await upload(lab, key, { policyText: policyText([]) }), 403, 'AccessDenied');
    expectStatus(await lab.get(key), 404);
    expectStatus(await upload(lab, key, { policyText: policyText([['eq', '$bucket', lab.bucket]]) }), 204);
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
