import { expect } from 'chai';
import { api, guide } from './harness/pages.ts';
import type { Keys } from './harness/signer.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';
import type { Element } from './harness/xml.ts';

const STS = 'https://docs.aws.amazon.com/STS/latest/APIReference/';
const IAM = 'https://docs.aws.amazon.com/IAM/latest/UserGuide/';
const SESSION_POLICIES = `${IAM}access_policies.html`;

/** Of the first element of this name, however deep. */
function deep(element: Element, name: string): string {
  if (element.name === name) return element.text;
  for (const child of element.children) {
    const found = deep(child, name);
    if (found !== '') return found;
  }
  return '';
}

const ask = ({ s3 }: Lab, form: Record<string, string>) =>
  s3.send('POST', '/', {
    service: 'sts',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ Version: '2011-06-15', ...form }).toString(),
  });

/** A temporary key, less what a session policy leaves out. */
async function assume(lab: Lab, statements: object[] | null): Promise<Keys> {
  const answer = await ask(lab, {
    Action: 'AssumeRole',
    RoleArn: 'arn:aws:iam::000000000001:role/any',
    RoleSessionName: 'conformance',
    ...(statements === null ? {} : { Policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }) }),
  });
  const xml = expectStatus(answer, 200).xml();
  return {
    accessKeyId: deep(xml, 'AccessKeyId'),
    secretAccessKey: deep(xml, 'SecretAccessKey'),
    sessionToken: deep(xml, 'SessionToken'),
  };
}

suite('temporary keys', `${STS}API_AssumeRole.html`, {
  'they do what their maker may, with their token': async (lab) => {
    const keys = await assume(lab, null);
    const key = lab.key();
    expectStatus(await lab.send('PUT', key, { keys, body: 'x' }), 200);
    expect((await lab.get(key, { keys })).text).to.equal('x');
    expect((await lab.get(key, { keys, auth: 'query' })).text).to.equal('x');
  },
  'without the token, or with another, they do nothing': async (lab) => {
    const { accessKeyId, secretAccessKey, sessionToken } = await assume(lab, null);
    const key = lab.key();
    await lab.put(key, 'x');
    for (const keys of [
      { accessKeyId, secretAccessKey },
      { accessKeyId, secretAccessKey, sessionToken: `${sessionToken}x` },
    ]) {
      const answer = await lab.get(key, { keys });
      expect([400, 403]).to.include(answer.status);
      expect(answer.text).to.not.equal('x');
    }
  },
  'a session policy leaves what it allows, and no more': {
    page: SESSION_POLICIES,
    run: async (lab) => {
      const key = lab.key();
      await lab.put(`in/${key}`, 'x');
      await lab.put(`out/${key}`, 'x');
      const Resource = `arn:aws:s3:::${lab.bucket}/in/*`;
      const keys = await assume(lab, [{ Effect: 'Allow', Action: 's3:GetObject', Resource }]);
      expectStatus(await lab.get(`in/${key}`, { keys }), 200);
      expectError(await lab.get(`out/${key}`, { keys }), 403, 'AccessDenied');
      expectError(await lab.send('PUT', `in/${key}`, { keys, body: 'y' }), 403, 'AccessDenied');
      expectError(await lab.send('DELETE', `in/${key}`, { keys }), 403, 'AccessDenied');
      expectError(await lab.send('GET', '', { keys }), 403, 'AccessDenied');
    },
  },
  'the buckets are listed to whom the session policy lets': {
    page: api('ListBuckets'),
    run: async (lab) => {
      const list = async (Action: string) =>
        lab.s3.send('GET', '/', { keys: await assume(lab, [{ Effect: 'Allow', Action, Resource: '*' }]) });
      expectError(await list('s3:ListBucket'), 403, 'AccessDenied');
      expect(expectStatus(await list('s3:ListAllMyBuckets'), 200).text).to.contain(`<Name>${lab.bucket}</Name>`);
    },
  },
  'a session policy gives nothing that its maker has not': {
    page: SESSION_POLICIES,
    run: async (lab) => {
      const other = lab.otherAccount();
      const key = lab.key();
      await lab.put(key, 'x');
      const keys = await assume({ ...lab, s3: other }, [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }]);
      expectError(await lab.get(key, { keys }), 403, 'AccessDenied');
    },
  },
  'its conditions decide, and a deny in it wins': {
    page: SESSION_POLICIES,
    run: async (lab) => {
      const key = lab.key();
      await lab.put(`open/${key}`, 'x');
      await lab.put(`shut/${key}`, 'x');
      const keys = await assume(lab, [
        { Effect: 'Allow', Action: 's3:*', Resource: '*', Condition: { StringLike: { 'aws:UserAgent': 'probe*' } } },
        { Effect: 'Deny', Action: 's3:GetObject', Resource: `arn:aws:s3:::${lab.bucket}/shut/*` },
      ]);
      const probe = { 'user-agent': 'probe/1' };
      expectStatus(await lab.get(`open/${key}`, { keys, headers: probe }), 200);
      expectError(await lab.get(`open/${key}`, { keys }), 403, 'AccessDenied');
      expectError(await lab.get(`shut/${key}`, { keys, headers: probe }), 403, 'AccessDenied');
    },
  },
  'a session policy says what buckets may be called that are made': {
    page: SESSION_POLICIES,
    run: async (lab) => {
      const mine = await lab.newBucket();
      expectStatus(await lab.s3.send('DELETE', `/${mine}`), 204);
      const Resource = `arn:aws:s3:::${mine}`;
      const all = { Effect: 'Allow', Action: 's3:*', Resource: '*' };
      const other = { keys: await assume(lab, [{ ...all, Resource: `${Resource}-*` }]) };
      const denied = { keys: await assume(lab, [all, { ...all, Effect: 'Deny', Resource }]) };
      const named = { keys: await assume(lab, [{ ...all, Action: 's3:CreateBucket', Resource }]) };
      expectError(await lab.s3.send('PUT', `/${mine}`, other), 403, 'AccessDenied');
      expectError(await lab.s3.send('PUT', `/${mine}`, denied), 403, 'AccessDenied');
      expectStatus(await lab.s3.send('PUT', `/${mine}`, named), 200);
    },
  },
  'a session policy may ask for the tags of the object that is there': {
    page: guide('tagging-and-policies'),
    run: async (lab) => {
      const [open, shut] = [lab.key(), lab.key()];
      await lab.put(open, 'x', { 'x-amz-tagging': 'kind=open' });
      await lab.put(shut, 'x', { 'x-amz-tagging': 'kind=shut' });
      const tagged = (kind: string) => ({ Condition: { StringEquals: { 's3:ExistingObjectTag/kind': kind } } });
      const all = { Effect: 'Allow', Action: 's3:*', Resource: '*' };
      const deny = await assume(lab, [all, { ...all, Effect: 'Deny', ...tagged('shut') }]);
      const allow = await assume(lab, [{ ...all, ...tagged('open') }]);
      for (const keys of [deny, allow]) {
        expectStatus(await lab.get(open, { keys }), 200);
        expectError(await lab.get(shut, { keys }), 403, 'AccessDenied');
        expectStatus(await lab.head(shut, { keys }), 403);
        expectError(await lab.send('DELETE', shut, { keys }), 403, 'AccessDenied');
      }
    },
  },
  'a deny in the bucket’s policy is theirs too': {
    page: SESSION_POLICIES,
    run: async (lab) => {
      const bucket = await lab.newBucket();
      expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x' }), 200);
      const Resource = `arn:aws:s3:::${bucket}/*`;
      const Statement = [{ Effect: 'Deny', Principal: '*', Action: 's3:GetObject', Resource }];
      const body = JSON.stringify({ Version: '2012-10-17', Statement });
      expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'policy=', body }), 204);
      const keys = await assume(lab, [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }]);
      expectError(await lab.s3.send('GET', `/${bucket}/a`, { keys }), 403, 'AccessDenied');
    },
  },
  'a policy that is none makes no key': over(
    {
      'half of one': '{"Statement":',
      'a field twice': '{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"s3:*","Resource":"*"}}',
      'a field twice, escaped': '{"Statement":{"Effect":"Deny","\\u0045ffect":"Allow","Action":"s3:*","Resource":"*"}}',
    },
    (Policy) => async (lab) => {
      const form = { Action: 'AssumeRole', RoleArn: 'arn:aws:iam::000000000001:role/any', RoleSessionName: 'conformance' };
      const answer = await ask(lab, { ...form, Policy });
      expectStatus(answer, 400);
      expect(deep(answer.xml(), 'Code')).to.equal('MalformedPolicyDocument');
    },
  ),
  'they are told to whom they belong': {
    page: `${STS}API_GetCallerIdentity.html`,
    run: async (lab) => {
      const xml = expectStatus(await ask(lab, { Action: 'GetCallerIdentity' }), 200).xml();
      expect(deep(xml, 'Account')).to.match(/^\d{12}$/);
      expect(deep(xml, 'Arn')).to.include(deep(xml, 'Account'));
    },
  },
});
