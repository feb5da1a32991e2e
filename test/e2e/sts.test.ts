import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { apiOf, beforeItEnds, within } from '../support/identity.ts';
import { presign, type SigningKeys } from '../support/presign.ts';
import { requireProgram } from '../support/programs.ts';
import { type Answer, send } from '../support/requests.ts';
import { askSts, keysOf } from '../support/sts.ts';

const ROLE = { RoleArn: 'arn:aws:iam::000000000001:role/backup', RoleSessionName: 'nightly' };
const READ_DOCS = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: ['s3:GetObject'], Resource: 'arn:aws:s3:::home/docs/*' }],
});

describe('temporary keys of STS', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  before(async () => {
    gateway = await startGateway();
    for (const key of ['docs/a', 'photos/b']) expect((await s3(gateway, 'PUT', key, key)).status).to.equal(200);
  });
  after(async () => {
    await gateway?.stop();
  });

  const s3 = (keys: SigningKeys, method: string, key: string, body?: string): Promise<Answer> =>
    send(method, presign(method, `${gateway.s3Url}/home/${key}`, keys, new Date()), body === undefined ? {} : { body });
  const ask = (keys: SigningKeys, form: Record<string, string>, options = {}) => askSts(gateway.s3Url, keys, form, options);
  const codeOf = ({ body }: Answer): string => /<Code>(\w+)<\/Code>/.exec(body.toString())?.[1] ?? '';

  it('are given by GetSessionToken, and work only with their token', async () => {
    const answer = await ask(gateway, { Action: 'GetSessionToken', DurationSeconds: '900' });
    expect(answer.status, answer.body.toString()).to.equal(200);
    expect(answer.headers['content-type']).to.equal('text/xml');
    expect(answer.headers['cache-control']).to.equal('no-store');
    const keys = keysOf(answer);
    expect(keys.expires - Date.now()).to.be.within(890_000, 901_000);
    expect((await s3(keys, 'GET', 'docs/a')).body.toString()).to.equal('docs/a');
    const { sessionToken, ...bare } = keys;
    expect(codeOf(await s3(bare, 'GET', 'docs/a'))).to.equal('InvalidAccessKeyId');
    const other = keysOf(await ask(gateway, { Action: 'GetSessionToken' })).sessionToken;
    for (const wrong of ['x', other, `${sessionToken}x`, sessionToken.slice(0, -1)]) {
      expect(codeOf(await s3({ ...keys, sessionToken: wrong }, 'GET', 'docs/a'))).to.equal('InvalidToken');
    }
    // A key of long life has none.
    expect(codeOf(await s3({ ...gateway, sessionToken }, 'GET', 'docs/a'))).to.equal('InvalidToken');
    // A token that is put on afterwards was not signed.
    const unsigned = presign('GET', `${gateway.s3Url}/home/docs/a`, bare, new Date());
    const late = await send('GET', unsigned, { headers: { 'x-amz-security-token': sessionToken } });
    expect(late.status).to.equal(403);
    expect(codeOf(await send('GET', `${unsigned}&X-Amz-Security-Token=${encodeURIComponent(sessionToken)}`))).to.equal(
      'SignatureDoesNotMatch',
    );
  });

  it('sign URLs by version 2, as boto3 does, and these too work only with their token', async () => {
    const keys = keysOf(await ask(gateway, { Action: 'GetSessionToken' }));
    const other = keysOf(await ask(gateway, { Action: 'GetSessionToken' })).sessionToken;
    const expires = Math.floor(Date.now() / 1000) + 600;
    const url = (signed: string | null, sent: string | null): string => {
      const text = `GET\n\n\n${expires}\n${signed === null ? '' : `x-amz-security-token:${signed}\n`}/home/docs/a`;
      const signature = createHmac('sha1', keys.secretAccessKey).update(text).digest('base64');
      const query = new URLSearchParams({ AWSAccessKeyId: keys.accessKeyId, Expires: `${expires}`, Signature: signature });
      if (sent !== null) query.set('x-amz-security-token', sent);
      return `${gateway.s3Url}/home/docs/a?${query.toString().replaceAll('+', '%20')}`;
    };
    const { sessionToken } = keys;
    expect((await send('GET', url(sessionToken, sessionToken))).body.toString()).to.equal('docs/a');
    expect(codeOf(await send('GET', url(null, null)))).to.equal('InvalidAccessKeyId');
    for (const [signed, sent] of [
      [null, sessionToken],
      [sessionToken, null],
      [sessionToken, other],
      [other, other],
    ] as const) {
      const answer = await send('GET', url(signed, sent));
      expect(codeOf(answer), `${signed} ${sent}`).to.be.oneOf(['SignatureDoesNotMatch', 'InvalidToken', 'InvalidAccessKeyId']);
    }
  });

  it('are given by AssumeRole, reduced by a policy', async () => {
    const answer = await ask(gateway, { Action: 'AssumeRole', ...ROLE, Policy: READ_DOCS });
    expect(answer.status, answer.body.toString()).to.equal(200);
    expect(answer.body.toString()).to.include(':assumed-role/backup/nightly</Arn>');
    const keys = keysOf(answer);
    expect(keys.expires - Date.now()).to.be.within(3_590_000, 3_601_000);
    expect((await s3(keys, 'GET', 'docs/a')).status).to.equal(200);
    for (const [method, key, body] of [
      ['GET', 'photos/b'],
      ['PUT', 'docs/a', 'x'],
      ['DELETE', 'docs/a'],
      ['GET', '?list-type=2'],
    ] as const) {
      expect([method, key, (await s3(keys, method, key, body)).status]).to.deep.equal([method, key, 403]);
    }
    const who = await ask(keys, { Action: 'GetCallerIdentity' });
    expect(who.body.toString()).to.include('<Arn>arn:aws:iam::000000000001:user/admin</Arn>');
    // What is temporary makes nothing that is less so.
    for (const form of [{ Action: 'GetSessionToken' }, { Action: 'AssumeRole', ...ROLE }]) {
      expect(codeOf(await ask(keys, form))).to.equal('AccessDenied');
    }
  });

  it('end with the key that made them, within a second, and with their time', async () => {
    const api = apiOf(gateway);
    const admin = await api.tokenOf('admin', gateway.password);
    const parent = (await api.call('POST', '/credentials', admin, { kind: 's3', name: 'parent' })).json;
    const keys = keysOf(await ask(parent, { Action: 'GetSessionToken' }));
    let short = { ...keys };
    const ends = await beforeItEnds(async (expires) => {
      const brief = (await api.call('POST', '/credentials', admin, { kind: 's3', name: 'brief', expires })).json;
      short = keysOf(await ask(brief, { Action: 'GetSessionToken' }));
      expect(short.expires).to.equal(Date.parse(expires));
    });
    const shared = presign('GET', `${gateway.s3Url}/home/docs/a`, keys, new Date());
    expect((await send('GET', shared)).status).to.equal(200);
    await api.call('DELETE', `/credentials/${parent.id}`, admin);
    await within(async () => codeOf(await send('GET', shared)) === 'InvalidAccessKeyId');
    await within(async () => codeOf(await s3(short, 'GET', 'docs/a')) === 'ExpiredToken', Math.max(1_000, ends - Date.now()));
    expect(codeOf(await ask(short, { Action: 'GetCallerIdentity' }))).to.equal('ExpiredToken');
    // They are nobody's long list.
    const listed = (await api.call('GET', '/credentials', admin)).json.credentials.map(({ id }: { id: string }) => id);
    expect(listed).to.not.include(keys.accessKeyId);
  });

  const big = JSON.stringify({ Statement: [{ Sid: 'x'.repeat(2_100) }] });
  const wrong: Record<string, [Record<string, string>, string]> = {
    'another action': [{ Action: 'GetFederationToken', Name: 'x' }, 'InvalidAction'],
    'another version': [{ Action: 'GetSessionToken', Version: '2012-10-17' }, 'InvalidAction'],
    'a time too short': [{ Action: 'GetSessionToken', DurationSeconds: '899' }, 'ValidationError'],
    'a role for over twelve hours': [{ Action: 'AssumeRole', ...ROLE, DurationSeconds: '43201' }, 'ValidationError'],
    'a session for over 36 hours': [{ Action: 'GetSessionToken', DurationSeconds: '129601' }, 'ValidationError'],
    'a time that is none': [{ Action: 'GetSessionToken', DurationSeconds: '-900' }, 'ValidationError'],
    'no role': [{ Action: 'AssumeRole', RoleSessionName: 'xx' }, 'ValidationError'],
    'a session name that is markup': [{ Action: 'AssumeRole', ...ROLE, RoleSessionName: '<x/>' }, 'ValidationError'],
    'a policy that is no JSON': [{ Action: 'AssumeRole', ...ROLE, Policy: '{' }, 'MalformedPolicyDocument'],
    'a policy that is no policy': [
      { Action: 'AssumeRole', ...ROLE, Policy: '{"Statement":[{"Effect":"Maybe"}]}' },
      'MalformedPolicyDocument',
    ],
    'a policy too large': [{ Action: 'AssumeRole', ...ROLE, Policy: big }, 'PackedPolicyTooLarge'],
    'a restriction that we do not know': [{ Action: 'AssumeRole', ...ROLE, 'PolicyArns.member.1.arn': 'x' }, 'ValidationError'],
    'a code of a second factor': [{ Action: 'GetSessionToken', SerialNumber: 'x', TokenCode: '123456' }, 'ValidationError'],
  };
  for (const [name, [form, code]] of Object.entries(wrong)) {
    it(`are not given for ${name}`, async () => {
      const answer = await ask(gateway, form);
      expect([answer.status, codeOf(answer)]).to.deep.equal([400, code]);
      expect(answer.body.toString()).to.match(/<ErrorResponse xmlns="[^"]+"><Error><Type>Sender<\/Type>/);
    });
  }

  it('are not given to whoever has not signed exactly this, now', async () => {
    const form = { Action: 'AssumeRole', ...ROLE, Policy: READ_DOCS };
    const widened = await ask(gateway, form, { tamper: (body: string) => body.replace('Policy', 'Pol1cy') });
    expect([widened.status, codeOf(widened)]).to.deep.equal([403, 'SignatureDoesNotMatch']);
    const old = await ask(gateway, form, { at: new Date(Date.now() - 20 * 60_000) });
    expect([old.status, codeOf(old)]).to.deep.equal([403, 'SignatureDoesNotMatch']);
    const stranger = await ask({ accessKeyId: 'NOBODYATALL', secretAccessKey: 'x' }, form);
    expect([stranger.status, codeOf(stranger)]).to.deep.equal([403, 'InvalidClientTokenId']);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const anonymous = await send('POST', `${gateway.s3Url}/`, { headers, body: 'Action=GetSessionToken&Version=2011-06-15' });
    expect([anonymous.status, codeOf(anonymous)]).to.deep.equal([403, 'MissingAuthenticationToken']);
    const huge = await ask(gateway, { Action: 'GetSessionToken', Fill: 'x'.repeat(70_000) });
    expect(huge.status).to.equal(400);
  });

  it('are what aws-cli gets and uses', async function () {
    requireProgram(this, 'aws');
    const run = async (keys: SigningKeys, ...args: string[]): Promise<string> => {
      const env = {
        ...process.env,
        AWS_ACCESS_KEY_ID: keys.accessKeyId,
        AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
        ...(keys.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: keys.sessionToken }),
        AWS_DEFAULT_REGION: 'us-east-1',
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_CONFIG_FILE: '/dev/null',
      };
      const { stdout } = await promisify(execFile)('aws', [...args, '--endpoint-url', gateway.s3Url], { env });
      return stdout;
    };
    const assumed = JSON.parse(
      await run(
        gateway,
        'sts',
        'assume-role',
        '--role-arn',
        ROLE.RoleArn,
        '--role-session-name',
        'cli',
        '--policy',
        READ_DOCS,
        '--output',
        'json',
      ),
    ).Credentials;
    const keys = {
      accessKeyId: assumed.AccessKeyId,
      secretAccessKey: assumed.SecretAccessKey,
      sessionToken: assumed.SessionToken,
    };
    expect(await run(keys, 's3', 'cp', 's3://home/docs/a', '-')).to.equal('docs/a');
    const refused = await run(keys, 's3', 'cp', 's3://home/photos/b', '-').catch((error: Error) => error.message);
    expect(refused).to.match(/403|Forbidden|AccessDenied/);
    const session = JSON.parse(await run(gateway, 'sts', 'get-session-token', '--output', 'json')).Credentials;
    expect(session.SessionToken).to.be.a('string');
  });
});
