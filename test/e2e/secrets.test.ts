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
import { createNet } from './secrets/net.ts';
import { followEvents, keepAndExport, provokeErrors, useServices } from './secrets/places.ts';
import { openServices, type Services } from './secrets/services.ts';

const PASSPHRASE = `canary ${randomBytes(8).toString('hex')} words and a bird`;
const OWN = {
  CLOUDSTORE_MASTER_PASSPHRASE: PASSPHRASE,
  CLOUDSTORE_ADMIN_PASSWORD: `canary-admin-${randomBytes(8).toString('hex')}`,
  CLOUDSTORE_ACCESS_KEY_ID: 'CANARY0000000001',
  CLOUDSTORE_SECRET_ACCESS_KEY: `canary-secret-${randomBytes(8).toString('hex')}`,
  CLOUDSTORE_METRICS_TOKEN: `canary-metrics-${randomBytes(8).toString('hex')}`,
  CLOUDSTORE_LOG_LEVEL: 'debug',
};

describe('secrets', function () {
  this.timeout(300_000);
  let directory: string;
  let gateway: TestGateway | null = null;
  let services: Services | null = null;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-secrets-'));
  });
  after(async () => {
    if (gateway !== null && gateway.process.exitCode === null) await gateway.stop();
    await services?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('are in no log, answer, setting shown, error, argument, child, dump, file, backup, export, trace, mail or message to a webhook', async function () {
    if (process.platform !== 'linux') leaveOut(this, 'there is no /proc');
    services = await openServices();
    const dataDir = join(directory, 'data');
    const ENV = { ...OWN, ...services.env };
    gateway = await startGateway({ dataDir, env: ENV });
    // More than `output` keeps of it.
    let log = gateway.output().stderr;
    gateway.process.stderr?.on('data', (chunk: string) => (log += chunk));
    // The first start shows its password and S3 secret on the terminal and in first-run.json, and nothing else does.
    const shownOnce = new Set(['CLOUDSTORE_ADMIN_PASSWORD', 'CLOUDSTORE_SECRET_ACCESS_KEY']);
    const net = createNet((what, where) => shownOnce.has(what) && (where === 'terminal' || where === 'first-run.json'));
    for (const [name, value] of Object.entries(OWN)) if (!/LOG_LEVEL|KEY_ID/.test(name)) net.canary(name, value);
    for (const [what, secret] of Object.entries(services.secrets)) net.canary(what, secret);
    const config = loadConfig({
      flags: {},
      environment: { ...ENV, CLOUDSTORE_DATA_DIR: dataDir },
      workingDirectory: dataDir,
      defaultDataDirectory: dataDir,
      configDirectory: null,
    });
    const session = await openSession({ config, clock: Date, random: randomBytes, log: createLogger({ level: 'error' }) });
    net.canary('the master key', session.masterKey);
    const domain = await session.keyring.load(1);
    net.canary('a chunk id key', domain.chunkIdKey);
    net.canary('a data key', domain.encryptionKey(1));
    await session.close();
    net.canary('the content', 'a plaintext of an object');

    const say = (name: string, { stdout, stderr }: Finished) => net.output(name, stdout + stderr);
    const command = (...args: string[]) => cloudstore([...args, '--data-dir', dataDir], { env: ENV });
    const { call, tokenOf } = apiOf(gateway);
    const boss = await tokenOf('admin', OWN.CLOUDSTORE_ADMIN_PASSWORD);
    const events = await followEvents(net, gateway, boss.token);
    // What is used shows nowhere: good and bad logins, signatures, an object, a fault.
    const s3 = (method: string, key: string, secret = OWN.CLOUDSTORE_SECRET_ACCESS_KEY) =>
      presign(
        method,
        `${gateway!.s3Url}/home/${key}`,
        { accessKeyId: OWN.CLOUDSTORE_ACCESS_KEY_ID, secretAccessKey: secret },
        new Date(),
      );
    const marked = Buffer.concat([randomBytes(5000), Buffer.from('a plaintext of an object'), randomBytes(5000)]);
    expect((await fetch(s3('PUT', 'file'), { method: 'PUT', body: marked })).status).to.equal(200);
    expect((await fetch(s3('PUT', 'tiny'), { method: 'PUT', body: 'a plaintext of an object' })).status).to.equal(200);
    for (const [name, url, init] of [
      ['a wrong signature', s3('GET', 'file', 'x'.repeat(20)), {}],
      ['a missing key', s3('GET', 'nothing'), {}],
      ['a login', `${gateway.restUrl}/auth/login`, login(OWN.CLOUDSTORE_ADMIN_PASSWORD)],
      ['a wrong login', `${gateway.restUrl}/auth/login`, login('wrong password')],
      [
        'basic',
        gateway.webdavUrl,
        { headers: { authorization: `Basic ${Buffer.from(`admin:${OWN.CLOUDSTORE_ADMIN_PASSWORD}`).toString('base64')}` } },
      ],
      [
        'metrics',
        new URL('/metrics', gateway.webUrl).href,
        { headers: { authorization: `Bearer ${OWN.CLOUDSTORE_METRICS_TOKEN}` } },
      ],
      ['health', new URL('/readyz', gateway.webUrl).href, {}],
    ] as [string, string, RequestInit][]) {
      const answer = await fetch(url, init);
      net.output(name, `${answer.status} ${[...answer.headers].join()} ${await answer.text()}`);
    }
    // What people are given, or give: kept sealed or as hashes, and in no log.
    const given = async (path: string, body: object, by = boss) => (await call('POST', path, by, body)).json;
    const person = await given('/users', { name: 'canary' });
    const own = await tokenOf('canary', person.password);
    const app = await given('/credentials', { kind: 'app-password', name: 'a' }, own);
    const device = await given('/credentials', { kind: 'device', name: 'd' }, own);
    const link = await given('/links', { bucket: 'home', key: '', password: 'canary-of-a-link-password' }, own);
    const claim = await given('/claims', { kind: 'device', name: 'of a claim' }, own);
    const redeemed = await given('/claims/redeem', { token: claim.token });
    const unused = await given('/claims', { kind: 'app-password', name: 'unused' }, own);
    const s3Keys = { accessKeyId: OWN.CLOUDSTORE_ACCESS_KEY_ID, secretAccessKey: OWN.CLOUDSTORE_SECRET_ACCESS_KEY };
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
      net.canary(what, secret as string);
    }
    for (const [path, by] of [
      ['/me', own],
      ['/credentials', own],
      ['/me/sessions', own],
      ['/users', boss],
      ['/audit', boss],
      ['/system/settings', boss],
    ] as const)
      net.output(`REST ${path}`, (await call('GET', path, by)).body);
    await fetch(`${gateway.restUrl}/public/${link.token}/files/`);
    await useServices(net, gateway, services, { token: boss.token, keys: s3Keys });
    for (const args of [
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
    // What no gateway can be started with here: shown, tried out, and refused at the start.
    const free = { CLOUDSTORE_DATA_DIR: join(directory, 'elsewhere'), CLOUDSTORE_PORT: '0', CLOUDSTORE_S3_PORT: '0' };
    const elsewhere = { env: { ...ENV, ...services.others, ...free } };
    const commands = [['config', 'print'], ['config', 'print', '--json'], ['check-storage'], ['serve']];
    await Promise.all(commands.map(async (args) => say(args.join(' '), await cloudstore(args, elsewhere))));
    expect(services.logins.join()).to.contain(services.secrets['the password of the database']);
    await provokeErrors(net, gateway, boss, s3Keys);
    await keepAndExport(net, gateway, boss.token, join(directory, 'backups'));
    await events.end();
    for (const pid of familyOf(gateway.pid)) {
      const [command, filter, environment] = ['cmdline', 'coredump_filter', 'environ'].map((name) => ofProcess(pid, name));
      if (!command || !filter || !environment) continue; // the database's helpers come and go
      net.output(`arguments of ${pid}`, command);
      // What is dumped of memory: nothing.
      expect(filter.toString().trim(), `process ${pid}`).to.match(/^0+$/);
      if (pid !== gateway.pid) net.output(`environment of ${pid}`, environment);
    }
    expect(net.count('arguments of')).to.be.at.least(2);
    await gateway.stop();
    net.output('log', log);
    net.output('terminal', gateway.output().stdout);
    for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) net.output(path.slice(dataDir.length + 1), readFileSync(path));
    }
    expect(net.count('')).to.be.greaterThan(300);
    expect(net.count('snapshots/')).to.be.at.least(1);
    expect(net.found()).to.deep.equal([]);
    // The net catches: where they are shown, they are found.
    net.canary('shown', OWN.CLOUDSTORE_SECRET_ACCESS_KEY);
    expect(net.found()).to.include('shown in first-run.json');
  });
});

function login(password: string): RequestInit {
  const body = JSON.stringify({ user: 'admin', password });
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body };
}

/** null: it has ended. */
function ofProcess(pid: number, name: string): Buffer | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return null;
    throw error;
  }
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
