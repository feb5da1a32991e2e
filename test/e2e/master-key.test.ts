import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore } from '../support/process.ts';

/** Commands take seconds: a connection that is kept may be closed just when it is used again. */
const ALONE = { connection: 'close' };

describe('the master key of a running gateway', function () {
  this.timeout(180_000);
  let dataDir: string;
  let gateway: TestGateway | null = null;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'cloudstore-master-key-'));
  });
  afterEach(async () => {
    if (gateway !== null && gateway.process.exitCode === null) await gateway.stop();
    gateway = null;
    rmSync(dataDir, { recursive: true, force: true });
  });

  const command = (args: string[], env: Record<string, string> = {}, input = '') =>
    cloudstore([...args, '--data-dir', dataDir], { env, input });
  const secretsOf = (gateway: TestGateway, more: object = {}) => ({ ...gateway, ...more });
  const get = async (from: TestGateway, keys: Pick<TestGateway, 'accessKeyId' | 'secretAccessKey'>, bucket: string) => {
    const url = `${from.s3Url}/${bucket}/file`;
    const answer = await fetch(presign('GET', url, secretsOf(from, keys), new Date()), { headers: ALONE });
    return answer.status === 200 ? answer.text() : `status ${answer.status}`;
  };
  const put = async (to: TestGateway, keys: Pick<TestGateway, 'accessKeyId' | 'secretAccessKey'>, bucket: string, body: string) =>
    (
      await fetch(presign('PUT', `${to.s3Url}/${bucket}/file`, secretsOf(to, keys), new Date()), {
        method: 'PUT',
        body,
        headers: ALONE,
      })
    ).status;
  const ready = async (of: TestGateway) =>
    (await fetch(`${of.webUrl.replace(/\/$/, '')}/readyz`, { headers: ALONE })).json() as Promise<{
      ready: boolean;
      checks: object;
    }>;

  /** An admin over REST, and all that was told. */
  const asker = ({ restUrl, user, password }: TestGateway) => {
    const told: string[] = [];
    const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const ask = async (method: string, path: string, body?: object, authorization: string | null = basic) => {
      const headers = { ...ALONE, 'Content-Type': 'application/json', ...(authorization && { authorization }) };
      const answer = await fetch(restUrl + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
      const text = await answer.text();
      told.push(text);
      return { status: answer.status, body: JSON.parse(text) as unknown };
    };
    return { ask, told };
  };

  it('changes under it, from file to file, and the gateway goes on with the new one', async () => {
    gateway = await startGateway({ dataDir });
    expect(await put(gateway, gateway, gateway.bucket, 'before')).to.equal(200);
    const before = readFileSync(join(dataDir, 'master.key'), 'utf8');
    const rotated = await command(['master-key', 'rotate', '--json']);
    expect(rotated.code, rotated.stderr).to.equal(0);
    expect(readFileSync(join(dataDir, 'master.key'), 'utf8')).to.not.equal(before);
    expect(rotated.stdout + rotated.stderr).to.not.contain(readFileSync(join(dataDir, 'master.key'), 'utf8').trim());
    // A user of after the change: its keys are wrapped with the new key, and the gateway has never loaded them.
    const added = await command(['user', 'add', 'ann', '--key', '--json']);
    expect(added.code, added.stderr).to.equal(0);
    const ann = JSON.parse(added.stdout);
    expect(await put(gateway, ann, ann.bucket, 'hers')).to.equal(200);
    expect([await get(gateway, gateway, gateway.bucket), await get(gateway, ann, ann.bucket)]).to.deep.equal(['before', 'hers']);
    expect((await ready(gateway)).checks).to.include({ keys: 'ok' });
    await gateway.stop();
    gateway = await startGateway({ dataDir });
    expect([await get(gateway, gateway, gateway.bucket), await get(gateway, ann, ann.bucket)]).to.deep.equal(['before', 'hers']);
  });

  it('comes from a passphrase; words that are wrong are told in a sentence and write nothing', async () => {
    const words = join(dataDir, '..', `words-${randomBytes(6).toString('hex')}`);
    writeFileSync(words, 'four words and a horse\n');
    try {
      const env = { CLOUDSTORE_MASTER_PASSPHRASE_FILE: words };
      gateway = await startGateway({ dataDir, env });
      expect(await put(gateway, gateway, gateway.bucket, 'kept')).to.equal(200);
      expect(readdirSync(dataDir)).to.include('master-key.json').and.not.include('master.key');
      const rotated = await command(['master-key', 'rotate', '--new-passphrase-stdin'], env, 'other words and a cow\n');
      expect(rotated.code, rotated.stderr).to.equal(0);
      expect(rotated.stderr).to.equal(
        'Put the new passphrase where the old one is, and start gateways again that do not read it from a file.\n',
      );
      const added = await command(['user', 'add', 'ann', '--key'], env);
      expect([added.code, added.stderr]).to.deep.equal([
        1,
        `cloudstore: The passphrase in ${words} is not the one that the stored data was written with; nothing was changed.\n`,
      ]);
      // The gateway finds the new words nowhere: it says so, and is not ready.
      while (!gateway.output().stderr.includes('finds the new one nowhere')) await sleep(100);
      await sleep(1100); // health and secrets are remembered for a second
      expect(await get(gateway, gateway, gateway.bucket)).to.equal('status 503');
      const health = await ready(gateway);
      expect(health.ready).to.equal(false);
      expect(health.checks).to.include({ keys: 'failed' });
      // It goes on once they are where it looks.
      writeFileSync(words, 'other words and a cow\n');
      expect(await get(gateway, gateway, gateway.bucket)).to.equal('kept');
      writeFileSync(words, 'four words and a horse\n');
      await gateway.stop();
      const refused = await cloudstore(['serve', '--data-dir', dataDir, '--port', '0', '--s3-port', '0'], { env });
      expect([refused.code, refused.stderr.trim().split('\n').length]).to.deep.equal([1, 1]);
      expect(refused.stderr).to.contain('is not the one');
      writeFileSync(words, 'other words and a cow\n');
      gateway = await startGateway({ dataDir, env });
      expect(await get(gateway, gateway, gateway.bucket)).to.equal('kept');
      const audit = JSON.parse((await command(['audit', 'list', '--action', 'master-key rotate', '--json'], env)).stdout);
      expect(audit[0]).to.include({ protocol: 'cli', action: 'master-key rotate', outcome: 'ok' });
      const status = await command(['master-key', 'status', '--json'], env);
      expect(JSON.parse(status.stdout)).to.include({ from: 'CLOUDSTORE_MASTER_PASSPHRASE', derivation: 'argon2id' });
    } finally {
      rmSync(words, { force: true });
    }
  });

  /** An admin changes it over REST: once in its place, then to another file, which the next start has to be told. */
  it('is changed by an admin over REST, in its place and to another file, and no answer, log or audit has it', async () => {
    const elsewhere = join(`${dataDir}-keys`, 'new.key');
    mkdirSync(dirname(elsewhere));
    try {
      gateway = await startGateway({ dataDir, env: { CLOUDSTORE_LOG_LEVEL: 'info' } });
      expect(await put(gateway, gateway, gateway.bucket, 'before')).to.equal(200);
      const { ask, told } = asker(gateway);
      const keys = async () => ((await ask('GET', '/system/keys')).body as { master: Record<string, unknown> }).master;
      const before = await keys();
      expect(before).to.include({ from: 'file', path: join(dataDir, 'master.key'), inPlace: true, atNextStart: true });
      const { accessToken } = (await ask('POST', '/auth/login', { user: gateway.user, password: gateway.password }, null))
        .body as { accessToken: string };
      const found = [readFileSync(join(dataDir, 'master.key'), 'utf8').trim()];

      const refused: [string, object, number][] = [
        ['words that are weak', { kind: 'passphrase', words: 'aaaaaaaaaaaaaaaa' }, 400],
        ['a file that is there', { kind: 'file', path: '/etc/hostname' }, 400],
        ['in the data directory', { kind: 'file', path: join(dataDir, 'packs', 'k') }, 400],
        ['no whole path', { kind: 'file', path: 'k' }, 400],
        ['no such directory', { kind: 'file', path: '/nothing/there/k' }, 400],
        ['none of the kinds', { kind: 'none' }, 400],
      ];
      for (const [what, body, status] of refused)
        expect((await ask('PUT', '/system/keys/master', body)).status, what).to.equal(status);
      expect(await keys()).to.deep.equal(before);

      const same = await ask('PUT', '/system/keys/master', { kind: 'same' });
      expect([same.status, same.body]).to.deep.equal([
        200,
        { ...(same.body as object), path: join(dataDir, 'master.key'), todo: null },
      ]);
      found.push(readFileSync(join(dataDir, 'master.key'), 'utf8').trim());
      expect(new Set(found).size).to.equal(2);
      // Sessions go on by their refresh tokens; access tokens of before are none.
      expect((await ask('GET', '/system/keys', undefined, `Bearer ${accessToken}`)).status).to.equal(401);
      expect(await keys())
        .to.include({ atNextStart: true })
        .and.not.include({ check: before.check });
      expect(await get(gateway, gateway, gateway.bucket)).to.equal('before');

      const moved = await ask('PUT', '/system/keys/master', { kind: 'file', path: elsewhere });
      expect(moved.status, JSON.stringify(moved.body)).to.equal(200);
      expect((moved.body as { todo: string }).todo).to.contain(`CLOUDSTORE_MASTER_KEY_FILE=${elsewhere}`);
      found.push(readFileSync(elsewhere, 'utf8').trim());
      // It goes on, though the next start would not: both are told.
      expect(await keys()).to.include({ atNextStart: false });
      await sleep(1100); // health and secrets are remembered for a second
      expect((await ready(gateway)).checks).to.include({ keys: 'ok' });
      expect(await put(gateway, gateway, gateway.bucket, 'after')).to.equal(200);
      const { findings } = (await ask('GET', '/system/doctor')).body as {
        findings: { name: string; status: string; detail: string }[];
      };
      expect(findings.find(({ name }) => name === 'master key')).to.include({ status: 'fail' });
      expect(findings.map(({ name }) => name)).to.include.members([
        'runtime',
        'disk',
        'gateway',
        'database',
        'packs',
        'snapshots',
      ]);

      const audit = JSON.stringify((await ask('GET', '/audit?action=ChangeMasterKey')).body);
      expect(audit).to.contain('ChangeMasterKey');
      const { stdout, stderr } = gateway.output();
      for (const key of found) for (const text of [...told, audit, stdout, stderr]) expect(text).to.not.contain(key);
      await gateway.stop();
      const without = await cloudstore(['serve', '--data-dir', dataDir, '--port', '0', '--s3-port', '0']);
      expect([without.code, without.stderr.trim().split('\n').length]).to.deep.equal([1, 1]);
      gateway = await startGateway({ dataDir, env: { CLOUDSTORE_MASTER_KEY_FILE: elsewhere } });
      expect(await get(gateway, gateway, gateway.bucket)).to.equal('after');
    } finally {
      rmSync(dirname(elsewhere), { recursive: true, force: true });
    }
  });

  it('wraps data keys that change while it runs: all is written anew, and the older keys go', async () => {
    gateway = await startGateway({ dataDir });
    expect(await put(gateway, gateway, gateway.bucket, 'tiny')).to.equal(200);
    const big = randomBytes(3_000_000).toString('base64');
    const url = `${gateway.s3Url}/${gateway.bucket}/big`;
    expect((await fetch(presign('PUT', url, gateway, new Date()), { method: 'PUT', body: big })).status).to.equal(200);
    const rotated = await command(['data-key', 'rotate', '--json']);
    expect(rotated.code, rotated.stderr).to.equal(0);
    expect(JSON.parse(rotated.stdout)).to.deep.equal([{ user: 'admin', epoch: 2, older: 1 }]);
    const keysOf = async ({ ask }: ReturnType<typeof asker>, method = 'GET', path = '', body?: object) => {
      const { status, body: keys } = await ask(method, `/system/keys${path}`, body);
      return { status, users: (keys as { users: { user: string; epoch: number; older: number }[] }).users };
    };
    expect((await asker(gateway).ask('POST', '/system/keys/data', { user: 'nobody' })).status).to.equal(404);
    const begun = await keysOf(asker(gateway), 'POST', '/data', {});
    expect(begun.status).to.equal(202);
    expect(begun.users[0]).to.include({ user: 'admin', epoch: 3 });
    // Killed in the middle of it: the next one goes on, and nobody asks it to.
    await gateway.kill();
    gateway = await startGateway({ dataDir });
    let older = 1;
    for (let n = 0; n < 200 && older > 0; n++) {
      await sleep(500);
      older = (await keysOf(asker(gateway))).users[0]!.older;
    }
    expect(older).to.equal(0);
    await gateway.stop();
    gateway = await startGateway({ dataDir });
    expect(await get(gateway, gateway, gateway.bucket)).to.equal('tiny');
    const read = await fetch(presign('GET', `${gateway.s3Url}/${gateway.bucket}/big`, gateway, new Date()));
    expect((await read.text()) === big).to.equal(true);
  });
});
