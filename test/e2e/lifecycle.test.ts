import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { postmasterPid, startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore } from '../support/process.ts';
import { serverPid } from '../support/server-pid.ts';

const objectUrl = (gateway: TestGateway, key: string): string => `${gateway.s3Url}/${gateway.bucket}/${key}`;
const put = async (gateway: TestGateway, key: string, body: string | Buffer): Promise<number> =>
  (
    await fetch(presign('PUT', objectUrl(gateway, key), gateway, new Date()), {
      method: 'PUT',
      body: new Uint8Array(Buffer.from(body)),
    })
  ).status;
const get = async (gateway: TestGateway, key: string): Promise<string> => {
  const answer = await fetch(presign('GET', objectUrl(gateway, key), gateway, new Date()));
  return answer.ok ? answer.text() : `status ${answer.status}`;
};
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

describe('the gateway from start to stop', function () {
  this.timeout(120_000);
  let dataDir: string;
  let gateway: TestGateway | null = null;
  const start = async (env: Record<string, string> = {}): Promise<TestGateway> =>
    (gateway = await startGateway({ dataDir, env }));
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'cloudstore-e2e-'));
  });
  afterEach(async () => {
    if (gateway !== null && gateway.process.exitCode === null && gateway.process.signalCode === null) await gateway.stop();
    gateway = null;
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('starts on nothing, tells its secrets once, and starts again on the same data', async () => {
    const first = await start();
    console.log(`      first start: ready after ${first.readyAfterMs.toFixed(0)} ms`);
    const path = join(dataDir, 'first-run.json');
    const secrets = JSON.parse(readFileSync(path, 'utf8'));
    expect(Object.keys(secrets)).to.have.members([
      'user',
      'password',
      'accessKeyId',
      'secretAccessKey',
      'bucket',
      'setupToken',
      'urls',
    ]);
    expect(Object.keys(secrets.urls)).to.have.members(['s3', 'web', 'webdav', 'rest']);
    expect(secrets).to.include({ user: 'admin', bucket: 'home' });
    expect(secrets.urls.webdav).to.match(/\/dav\/$/);
    expect(secrets.urls).to.deep.equal({ s3: first.s3Url, web: first.webUrl, webdav: first.webdavUrl, rest: first.restUrl });
    for (const name of ['first-run.json', 'master.key']) expect(statSync(join(dataDir, name)).mode & 0o777, name).to.equal(0o600);
    expect(first.output().stdout).to.contain(secrets.password).and.contain(secrets.secretAccessKey);
    expect(first.output().stderr).not.to.contain(secrets.password);
    expect(await put(first, 'hello.txt', 'hello')).to.equal(200);
    expect(await first.stop()).to.equal(0);
    expect(postmasterPid(dataDir)).to.equal(null);

    const second = await start();
    console.log(`      second start: ready after ${second.readyAfterMs.toFixed(0)} ms`);
    expect(second.output().stdout).not.to.contain(secrets.password);
    expect(JSON.parse(readFileSync(path, 'utf8')).password).to.equal(secrets.password);
    expect(await get(second, 'hello.txt')).to.equal('hello');
  });

  it('answers on every door when it says that it is ready', async () => {
    const { s3Url, webUrl, webdavUrl, restUrl, user, password } = await start();
    expect((await fetch(`${webUrl}/livez`)).status).to.equal(200);
    expect((await fetch(`${webUrl}/readyz`)).status).to.equal(200);
    expect((await fetch(s3Url)).status).to.equal(403);
    const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    expect((await fetch(webdavUrl, { method: 'PROPFIND', headers: { authorization: basic, depth: '1' } })).status).to.equal(207);
    const login = await fetch(`${restUrl}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user, password }),
    });
    expect(login.status).to.equal(200);
  });

  it('takes its first secrets from the environment, once', async () => {
    const env = {
      CLOUDSTORE_ADMIN_PASSWORD: 'given password',
      CLOUDSTORE_ACCESS_KEY_ID: 'GIVENKEY',
      CLOUDSTORE_SECRET_ACCESS_KEY: 'given secret key',
    };
    const first = await start(env);
    expect(first).to.include({ password: 'given password', accessKeyId: 'GIVENKEY', secretAccessKey: 'given secret key' });
    expect(await put(first, 'a', 'a')).to.equal(200);
    await first.stop();
    const second = await start({ ...env, CLOUDSTORE_ADMIN_PASSWORD: 'another password' });
    expect(second.output().stderr).to.contain('CLOUDSTORE_ADMIN_PASSWORD differs');
    expect(second.output().stderr).not.to.contain('CLOUDSTORE_ACCESS_KEY_ID and').and.not.to.contain('another password');
    expect(await get(second, 'a')).to.equal('a');
  });

  it('recovers by itself when gateway and database are killed, and has lost nothing', async () => {
    const first = await start();
    const acknowledged: string[] = [];
    let running = true;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let i = 0; running; i++) {
        const key = `killed/${writer}-${i}`;
        const status = await put(first, key, key.repeat(200)).catch(() => 0);
        if (status === 200) acknowledged.push(key);
        else if (status === 0) return;
      }
    });
    while (acknowledged.length < 20) await sleep(10);
    await first.kill();
    running = false;
    await Promise.all(writers);
    const second = await start();
    console.log(`      after kill -9 of all: ready after ${second.readyAfterMs.toFixed(0)} ms, ${acknowledged.length} objects`);
    for (const key of acknowledged) expect(await get(second, key), key).to.equal(key.repeat(200));
  });

  it('replaces a database server that outlived it', async () => {
    const first = await start();
    expect(await put(first, 'a', 'a')).to.equal(200);
    await first.kill({ database: false });
    expect(isAlive(await serverPid(dataDir))).to.equal(true);
    expect(await get(await start(), 'a')).to.equal('a');
  });

  it('goes on when its database server is killed under it', async () => {
    const running = await start();
    expect(await put(running, 'before', 'b')).to.equal(200);
    process.kill(await serverPid(dataDir), 'SIGKILL');
    // Less than the test has time for, so that what the gateway says of it is told.
    const until = performance.now() + 90_000;
    while ((await put(running, 'after', 'c').catch(() => 0)) !== 200) {
      if (performance.now() > until) throw new Error(`It does not come back.\n${running.output().stderr}`);
      await sleep(50);
    }
    expect(await get(running, 'before')).to.equal('b');
  });

  it('lets an open transfer end before it stops, however often it is told to', async () => {
    const running = await start();
    const total = 8 * 2 ** 20;
    const url = new URL(presign('PUT', objectUrl(running, 'slow'), running, new Date()));
    const upload = request(url, { method: 'PUT', headers: { 'content-length': total, expect: '100-continue' } });
    upload.flushHeaders();
    await once(upload, 'continue'); // it has begun: its bytes are wanted
    upload.write(Buffer.alloc(total / 2, 1));
    const server = await serverPid(dataDir);
    for (let i = 0; i < 3; i++) {
      running.process.kill('SIGTERM');
      await sleep(150);
    }
    expect(running.process.exitCode).to.equal(null);
    const answered = once(upload, 'response');
    upload.end(Buffer.alloc(total / 2, 2));
    const [response] = await answered;
    expect(response.statusCode).to.equal(200);
    response.resume();
    if (running.process.exitCode === null) await once(running.process, 'exit');
    expect(running.process.exitCode).to.equal(0);
    expect(isAlive(server)).to.equal(false);
    const again = await start();
    expect((await get(again, 'slow')).length).to.equal(total);
  });

  it('refuses a data directory that another gateway has', async () => {
    await start();
    const { code, stderr, stdout } = await cloudstore(['serve'], { env: settings(dataDir) });
    expect(code).to.equal(1);
    expect(oneLine(stderr)).to.contain('Another gateway').and.contain(dataDir);
    expect(stdout).to.equal('');
  });

  it('says which port is busy, and leaves nothing running', async () => {
    const busy = createServer().listen(0, '127.0.0.1');
    await once(busy, 'listening');
    const { port } = busy.address() as { port: number };
    for (const name of ['CLOUDSTORE_PORT', 'CLOUDSTORE_S3_PORT']) {
      const { code, stderr } = await cloudstore(['serve'], { env: { ...settings(dataDir), [name]: String(port) } });
      expect(code).to.be.oneOf([1, 2]);
      expect(oneLine(stderr)).to.contain(String(port)).and.contain(name);
      expect(postmasterPid(dataDir)).to.equal(null);
    }
    busy.close();
    // The first start was interrupted after its secrets were made: they still count.
    expect(await put(await start(), 'a', 'a')).to.equal(200);
  });

  for (const [env, words] of [
    [{ CLOUDSTORE_PROT: '1' }, 'Did you mean CLOUDSTORE_PORT?'],
    [{ CLOUDSTORE_PORT: 'x' }, 'CLOUDSTORE_PORT must be a number'],
    [{ CLOUDSTORE_PROCESSES: '0' }, 'CLOUDSTORE_PROCESSES'],
    [{ CLOUDSTORE_CHUNKS_URL: 's3://bucket/prefix' }, 'CLOUDSTORE_CHUNKS_URL'],
    [{ CLOUDSTORE_TLS_CERT: '/absent.pem', CLOUDSTORE_TLS_KEY: '/absent.key' }, '/absent'],
    [{ CLOUDSTORE_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }, 'CLOUDSTORE_DATABASE_URL'],
  ] as [Record<string, string>, string][]) {
    it(`refuses ${Object.keys(env)[0]}=${Object.values(env)[0]} in one line`, async () => {
      const { code, stderr } = await cloudstore(['serve'], { env: { ...settings(dataDir), ...env } });
      expect(code).to.be.oneOf([1, 2]);
      expect(oneLine(stderr)).to.contain(words);
    });
  }

  it('will not replace a lost master key', async () => {
    await (await start()).stop();
    const key = readFileSync(join(dataDir, 'master.key'), 'utf8');
    rmSync(join(dataDir, 'master.key'));
    const { code, stderr } = await cloudstore(['serve'], { env: settings(dataDir) });
    expect(code).to.equal(1);
    expect(oneLine(stderr)).to.contain('master key is missing');
    expect(existsSync(join(dataDir, 'master.key'))).to.equal(false);
    const other = await cloudstore(['serve'], { env: { ...settings(dataDir), CLOUDSTORE_MASTER_KEY: 'ab'.repeat(32) } });
    expect(oneLine(other.stderr)).to.contain('is not the one');
    await (await start({ CLOUDSTORE_MASTER_KEY: key.trim() })).stop();
    expect(readdirSync(dataDir)).not.to.include('master.key');
  });
});

function settings(dataDir: string): Record<string, string> {
  return { CLOUDSTORE_DATA_DIR: dataDir, CLOUDSTORE_PORT: '0', CLOUDSTORE_S3_PORT: '0', CLOUDSTORE_LOG_LEVEL: 'error' };
}

/** What the owner reads: one line, no stack. */
function oneLine(stderr: string): string {
  const lines = stderr.trim().split('\n');
  expect(lines, stderr).to.have.length(1);
  return lines[0] ?? '';
}
