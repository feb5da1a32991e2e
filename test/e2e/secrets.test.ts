import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createLogger } from '#observability/logger';
import { openSession } from '../../src/cli/session.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createClient } from '../conformance/s3/harness/client.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { apiOf, appCode } from '../support/identity.ts';
import { presign, presignV2 } from '../support/presign.ts';
import { cloudstore, type Finished } from '../support/process.ts';
import { leaveOut } from '../support/programs.ts';
import { askSts, keysOf } from '../support/sts.ts';

const PASSPHRASE = `canary ${randomBytes(8).toString('hex')} words and a bird`;
const SMTP_PASSWORD = `canary-smtp-${randomBytes(8).toString('hex')}`;
const ENV = {
  CLOUDSTORE_SMTP_URL: `smtp://mailer:${SMTP_PASSWORD}@127.0.0.1:9`,
  CLOUDSTORE_ALERT_MAIL: 'owner@example.org',
  CLOUDSTORE_MASTER_PASSPHRASE: PASSPHRASE,
  CLOUDSTORE_ADMIN_PASSWORD: `canary-admin-${randomBytes(8).toString('hex')}`,
  CLOUDSTORE_ACCESS_KEY_ID: 'CANARY0000000001',
  CLOUDSTORE_SECRET_ACCESS_KEY: `canary-secret-${randomBytes(8).toString('hex')}`,
  CLOUDSTORE_METRICS_TOKEN: `canary-metrics-${randomBytes(8).toString('hex')}`,
  CLOUDSTORE_LOG_LEVEL: 'debug',
};

/** Each secret in every form in which it could get out. */
function formsOf(secret: Buffer | string): Buffer[] {
  const bytes = Buffer.from(secret);
  const texts = [
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ];
  // Text is not written in the ways of bytes that nobody could read.
  if (typeof secret === 'string')
    return [bytes, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, '')].map((one) => Buffer.from(one));
  return [bytes, ...texts.map((text) => Buffer.from(text)), Buffer.from([...bytes].join(','))];
}

describe('secrets', function () {
  this.timeout(180_000);
  let dataDir: string;
  let gateway: TestGateway | null = null;
  before(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'cloudstore-secrets-'));
  });
  after(async () => {
    if (gateway !== null && gateway.process.exitCode === null) await gateway.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('are in no log, answer, setting shown, error, argument, child, dump or file', async function () {
    if (process.platform !== 'linux') leaveOut(this, 'there is no /proc');
    gateway = await startGateway({ dataDir, env: ENV });
    const canaries = new Map<string, Buffer[]>(
      Object.entries(ENV)
        .filter(([name]) => !/LOG_LEVEL|KEY_ID|ALERT_MAIL/.test(name))
        .map(([name, value]) => [name, formsOf(value)]),
    );
    canaries.set('the password of the mail server', formsOf(SMTP_PASSWORD));
    const config = loadConfig({
      flags: {},
      environment: { ...ENV, CLOUDSTORE_DATA_DIR: dataDir },
      workingDirectory: dataDir,
      defaultDataDirectory: dataDir,
      configDirectory: null,
    });
    const session = await openSession({ config, clock: Date, random: randomBytes, log: createLogger({ level: 'error' }) });
    canaries.set('the master key', formsOf(session.masterKey));
    const domain = await session.keyring.load(1);
    canaries.set('a chunk id key', formsOf(domain.chunkIdKey));
    canaries.set('a data key', formsOf(domain.encryptionKey(1)));
    await session.close();

    const outputs = new Map<string, string | Buffer>();
    const say = (name: string, { stdout, stderr }: Finished) => outputs.set(name, stdout + stderr);
    const command = (...args: string[]) => cloudstore([...args, '--data-dir', dataDir], { env: ENV });
    // What is used shows nowhere: good and bad logins, signatures, an object, a fault.
    const s3 = (method: string, key: string, secret = ENV.CLOUDSTORE_SECRET_ACCESS_KEY) =>
      presign(
        method,
        `${gateway!.s3Url}/home/${key}`,
        { accessKeyId: ENV.CLOUDSTORE_ACCESS_KEY_ID, secretAccessKey: secret },
        new Date(),
      );
    const marked = Buffer.concat([randomBytes(5000), Buffer.from('a plaintext of an object'), randomBytes(5000)]);
    expect((await fetch(s3('PUT', 'file'), { method: 'PUT', body: marked })).status).to.equal(200);
    expect((await fetch(s3('PUT', 'tiny'), { method: 'PUT', body: 'a plaintext of an object' })).status).to.equal(200);
    for (const [name, url, init] of [
      ['a wrong signature', s3('GET', 'file', 'x'.repeat(20)), {}],
      ['a missing key', s3('GET', 'nothing'), {}],
      ['a login', `${gateway.restUrl}/auth/login`, login(ENV.CLOUDSTORE_ADMIN_PASSWORD)],
      ['a wrong login', `${gateway.restUrl}/auth/login`, login('wrong password')],
      [
        'basic',
        gateway.webdavUrl,
        { headers: { authorization: `Basic ${Buffer.from(`admin:${ENV.CLOUDSTORE_ADMIN_PASSWORD}`).toString('base64')}` } },
      ],
      [
        'metrics',
        new URL('/metrics', gateway.webUrl).href,
        { headers: { authorization: `Bearer ${ENV.CLOUDSTORE_METRICS_TOKEN}` } },
      ],
      ['health', new URL('/readyz', gateway.webUrl).href, {}],
    ] as [string, string, RequestInit][]) {
      const answer = await fetch(url, init);
      outputs.set(name, `${answer.status} ${[...answer.headers].join()} ${await answer.text()}`);
    }
    // What people are given, or give: kept sealed or as hashes, and in no log.
    const { call, tokenOf } = apiOf(gateway);
    const boss = await tokenOf('admin', ENV.CLOUDSTORE_ADMIN_PASSWORD);
    const given = async (path: string, body: object, by = boss) => (await call('POST', path, by, body)).json;
    const person = await given('/users', { name: 'canary' });
    const own = await tokenOf('canary', person.password);
    const app = await given('/credentials', { kind: 'app-password', name: 'a' }, own);
    const device = await given('/credentials', { kind: 'device', name: 'd' }, own);
    const link = await given('/links', { bucket: 'home', key: '', password: 'canary-of-a-link-password' }, own);
    const claim = await given('/claims', { kind: 'device', name: 'of a claim' }, own);
    const redeemed = await given('/claims/redeem', { token: claim.token });
    const unused = await given('/claims', { kind: 'app-password', name: 'unused' }, own);
    const s3Keys = { accessKeyId: ENV.CLOUDSTORE_ACCESS_KEY_ID, secretAccessKey: ENV.CLOUDSTORE_SECRET_ACCESS_KEY };
    const temporary = keysOf(await askSts(gateway.s3Url, s3Keys, { Action: 'GetSessionToken' }));
    expect((await fetch(presign('GET', `${gateway.s3Url}/home/tiny`, temporary, new Date()))).status).to.equal(200);
    // What stands for a secret for a while: signatures of URLs, a ticket to a link, what a client waits with.
    const twice = [presign, presignV2].map((sign) => sign('GET', `${gateway!.s3Url}/home/tiny`, s3Keys, new Date()));
    for (const url of twice) expect((await fetch(url)).status).to.equal(200);
    const signatures = twice.map(
      (url) => new URL(url).searchParams.get('X-Amz-Signature') ?? new URL(url).searchParams.get('Signature'),
    );
    const drop = await given(
      '/links',
      { bucket: 'home', key: 'drop/', mode: 'drop', password: 'canary-of-a-drop-password' },
      boss,
    );
    const unlocked = await fetch(`${gateway.restUrl}/public/${drop.token}/unlock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ password: 'canary-of-a-drop-password' }),
    });
    const { ticket } = (await unlocked.json()) as { ticket: string };
    const begun = await fetch(`${gateway.restUrl}/public/${drop.token}/uploads`, {
      method: 'POST',
      headers: {
        'tus-resumable': '1.0.0',
        'upload-length': '4',
        'upload-metadata': `filename ${btoa('film.txt')}`,
        'x-link-ticket': ticket,
      },
    });
    expect(begun.status, await begun.text()).to.equal(201);
    const customerKey = randomBytes(32);
    const put = await createClient(gateway.s3Url.replace(/\/$/, ''), s3Keys).send('PUT', '/home/customer', {
      body: 'x',
      headers: {
        'x-amz-server-side-encryption-customer-algorithm': 'AES256',
        'x-amz-server-side-encryption-customer-key': customerKey.toString('base64'),
        'x-amz-server-side-encryption-customer-key-md5': createHash('md5').update(customerKey).digest('base64'),
      },
    });
    expect(put.status, put.text).to.equal(200);
    const flow = await fetch(new URL('/index.php/login/v2', gateway.webUrl), { method: 'POST' });
    const { poll } = (await flow.json()) as { poll: { token: string } };
    const totp = await given('/me/totp', {}, own);
    const { recoveryCodes } = await given('/me/totp/confirm', { code: appCode(totp.secret) }, own);
    for (const [what, secret] of Object.entries({
      'a generated password': person.password,
      'an access token': own.token,
      'a refresh token': own.refreshToken,
      'an app password': app.password,
      'a device': device.password,
      'the key of a device': device.secretAccessKey,
      'a link': link.token,
      'the password of a link': 'canary-of-a-link-password',
      'the secret of one-time codes': totp.secret,
      'a recovery code': recoveryCodes[0],
      'a claim': claim.token,
      'what a claim gave': redeemed.password,
      'a claim that nobody redeemed': unused.token,
      'a temporary secret': temporary.secretAccessKey,
      'a session token': temporary.sessionToken,
      'a signature of version 4': signatures[0],
      'a signature of version 2': signatures[1],
      'a link to drop into': drop.token,
      'its password': 'canary-of-a-drop-password',
      'a ticket to it': ticket,
      'the key of a customer': customerKey.toString('base64'),
      'what a client of Nextcloud waits with': poll.token,
    })) {
      expect(secret, what).to.be.a('string').and.have.length.above(8);
      canaries.set(what, formsOf(secret as string));
    }
    for (const [path, by] of [
      ['/me', own],
      ['/credentials', own],
      ['/me/sessions', own],
      ['/users', boss],
      ['/audit', boss],
      ['/system/settings', boss],
    ] as const)
      outputs.set(`REST ${path}`, (await call('GET', path, by)).body);
    await fetch(`${gateway.restUrl}/public/${link.token}/files/`);
    for (const args of [
      ['config', 'print'],
      ['config', 'print', '--json'],
      ['doctor', '--json'],
      ['key', 'list', '--json'],
      ['master-key', 'status', '--json'],
      ['data-key', 'rotate'],
      ['snapshot'],
    ])
      say(args.join(' '), await command(...args));
    say(
      'wrong words',
      await cloudstore(['user', 'list', '--data-dir', dataDir], {
        env: { ...ENV, CLOUDSTORE_MASTER_PASSPHRASE: 'other words and a fish' },
      }),
    );
    say(
      'a weak setting',
      await cloudstore(['user', 'list', '--data-dir', dataDir], {
        env: { ...ENV, CLOUDSTORE_MASTER_PASSPHRASE: `${PASSPHRASE}`.slice(0, 10) },
      }),
    );
    for (const pid of familyOf(gateway.pid)) {
      outputs.set(`arguments of ${pid}`, readFileSync(`/proc/${pid}/cmdline`));
      // What is dumped of memory: nothing.
      expect(readFileSync(`/proc/${pid}/coredump_filter`, 'utf8').trim(), `process ${pid}`).to.match(/^0+$/);
      if (pid !== gateway.pid) outputs.set(`environment of ${pid}`, readFileSync(`/proc/${pid}/environ`));
    }
    await gateway.stop();
    outputs.set('log', gateway.output().stderr);
    // The first start shows its password and S3 secret on the terminal and in first-run.json, and nothing else does.
    const shownOnce = new Set(['CLOUDSTORE_ADMIN_PASSWORD', 'CLOUDSTORE_SECRET_ACCESS_KEY']);
    outputs.set('terminal', gateway.output().stdout);
    for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) outputs.set(path.slice(dataDir.length + 1), readFileSync(path));
    }
    expect(outputs.size).to.be.greaterThan(300);
    expect([...outputs.keys()].some((name) => name.startsWith('snapshots/'))).to.equal(true);
    for (const [where, output] of outputs) {
      const bytes = Buffer.from(output);
      for (const [what, forms] of canaries) {
        if (shownOnce.has(what) && (where === 'terminal' || where === 'first-run.json')) continue;
        for (const form of forms) expect(bytes.includes(form), `${what} in ${where}`).to.equal(false);
      }
      expect(bytes.includes('a plaintext of an object'), `the content in ${where}`).to.equal(false);
    }
    // The net catches: where they are shown, they are found.
    const first = Buffer.from(outputs.get('first-run.json')!);
    expect(first.includes(ENV.CLOUDSTORE_SECRET_ACCESS_KEY)).to.equal(true);
  });
});

function login(password: string): RequestInit {
  const body = JSON.stringify({ user: 'admin', password });
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body };
}

/** The process and all below it. */
function familyOf(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const [, parent = ''] = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').pop()?.split(' ') ?? [];
      parents.set(Number(name), Number(parent));
    } catch {
      // ended meanwhile
    }
  }
  const family = [root];
  for (const pid of family) for (const [child, parent] of parents) if (parent === pid) family.push(child);
  return family;
}
