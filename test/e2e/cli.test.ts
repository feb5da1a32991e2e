import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore, MAIN, NODE_ARGS, runProcess } from '../support/process.ts';

describe('the command line', function () {
  this.timeout(120_000);
  let dataDir: string;
  let gateway: TestGateway;
  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'cloudstore-cli-'));
    gateway = await startGateway({ dataDir });
  });
  after(async () => {
    if (gateway.process.exitCode === null) await gateway.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const run = (args: string[], input = '') => cloudstore(args, { env: { CLOUDSTORE_DATA_DIR: dataDir }, input });
  const json = async (args: string[], input = '') => {
    const { code, stdout, stderr } = await run([...args, '--json'], input);
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout);
  };
  const login = async (user: string, password: string): Promise<number> =>
    (
      await fetch(`${gateway.restUrl}/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user, password }),
      })
    ).status;
  const listBuckets = async (keys: { accessKeyId: string; secretAccessKey: string }): Promise<number> =>
    (await fetch(presign('GET', `${gateway.s3Url}/`, keys, new Date()))).status;

  it('makes users whose passwords and keys work at once, while the gateway runs', async () => {
    const made = await json(['user', 'add', 'ann', '--role', 'member', '--key']);
    expect(made).to.include.all.keys('id', 'name', 'role', 'bucket', 'password', 'accessKeyId', 'secretAccessKey');
    expect(made).to.include({ name: 'ann', role: 'member' });
    expect(await login('ann', made.password)).to.equal(200);
    expect(await listBuckets(made)).to.equal(200);
  });

  it('takes the password from stdin less one newline, and a key of the owner', async () => {
    const made = await json(
      ['user', 'add', 'bob', '--password-stdin', '--access-key-id', 'BOBSKEY', '--secret-access-key', 'bobs own secret'],
      'pass word \n',
    );
    expect(made).not.to.have.property('password');
    expect(made).to.include({ accessKeyId: 'BOBSKEY', secretAccessKey: 'bobs own secret' });
    expect(await login('bob', 'pass word ')).to.equal(200);
    expect(await listBuckets(made)).to.equal(200);
  });

  it('makes guests without a bucket', async () => {
    expect(await json(['user', 'add', 'guest', '--role', 'guest'])).not.to.have.property('bucket');
  });

  it('stops a disabled user, a changed password and a removed key within a second', async () => {
    const made = await json(['user', 'add', 'carl', '--key']);
    expect(await login('carl', made.password)).to.equal(200);
    await json(['user', 'disable', 'carl']);
    expect(await login('carl', made.password)).to.equal(401);
    expect(await listBuckets(made)).to.equal(403);
    await json(['user', 'enable', 'carl']);
    expect(await listBuckets(made)).to.equal(200);
    const changed = await json(['user', 'passwd', 'carl']);
    expect(await login('carl', made.password)).to.equal(401);
    expect(await login('carl', changed.password)).to.equal(200);
    const extra = await json(['key', 'add', 'carl', '--name', 'backup']);
    expect(await listBuckets(extra)).to.equal(200);
    expect(await json(['key', 'list', 'carl'])).to.have.length(2);
    const less = ['--place', 'home/in', '--action', 'create', '--network', '10.0.0.0/8'];
    const reduced = await json(['key', 'add', 'carl', ...less]);
    const listed = (await json(['key', 'list', 'carl'])).find(({ id }: { id: string }) => id === reduced.accessKeyId);
    expect(listed.scope).to.deep.equal({ actions: ['create'], places: [{ bucket: 'home-carl', prefix: 'in/' }] });
    expect((await run(['key', 'list', 'carl'])).stdout).to.include('home-carl/in/; create; from 10.0.0.0/8');
    await json(['key', 'remove', extra.accessKeyId]);
    expect(await listBuckets(extra)).to.equal(403);
  });

  it('removes a user and hands its buckets to the admin', async () => {
    const made = await json(['user', 'add', 'dora']);
    await json(['user', 'remove', 'dora']);
    const bucket = (await json(['bucket', 'list'])).find(({ name }: { name: string }) => name === made.bucket);
    expect(bucket.owner).to.equal('admin');
    expect((await json(['user', 'list'])).map(({ name }: { name: string }) => name)).not.to.include('dora');
  });

  it('makes, lists and removes buckets', async () => {
    expect(await json(['bucket', 'add', 'from-cli', '--owner', 'bob'])).to.include({ name: 'from-cli', owner: 'bob' });
    await json(['bucket', 'remove', 'from-cli']);
    expect((await json(['bucket', 'list'])).map(({ name }: { name: string }) => name))
      .to.include('home')
      .and.not.to.include('from-cli');
  });

  it('tells not found, twice the same, the last admin and wrong use apart by exit codes', async () => {
    expect((await run(['user', 'remove', 'nobody-here'])).code).to.equal(4);
    expect((await run(['key', 'remove', 'NOSUCHKEY'])).code).to.equal(4);
    expect((await run(['bucket', 'remove', 'no-such-bucket'])).code).to.equal(4);
    expect((await run(['verify', 'home', 'no-such-file'])).code).to.equal(4);
    expect((await run(['verify', 'no-such-bucket', 'a'])).code).to.equal(4);
    expect((await run(['user', 'add', 'admin'])).code).to.equal(1);
    expect((await run(['user', 'disable', 'admin'])).code).to.equal(1);
    expect((await run(['bucket', 'add', 'Not A Bucket'])).code).to.equal(2);
    expect((await run(['user', 'add', 'x', '--role', 'king'])).code).to.equal(2);
    expect((await run(['user', 'add'])).code).to.equal(2);
    expect((await run(['no-such-command'])).code).to.equal(2);
  });

  it('says that all is well', async () => {
    const { ok, findings } = await json(['doctor']);
    expect(ok, JSON.stringify(findings)).to.equal(true);
    expect(findings.find(({ name }: { name: string }) => name === 'gateway').detail).to.contain(String(gateway.pid));
  });

  it('gives the space of what was removed back, beside a running gateway and without one', async () => {
    const owner = await json(['user', 'add', 'greg', '--key']);
    const at = (method: string, name: string) => presign(method, `${gateway.s3Url}/${owner.bucket}/${name}`, owner, new Date());
    const call = async (method: string, name: string, body?: Uint8Array<ArrayBuffer>) => {
      const { status } = await fetch(at(method, name), { method, ...(body === undefined ? {} : { body }) });
      expect(status, `${method} ${name}`).to.be.lessThan(300);
    };
    const bytes = new Uint8Array(randomBytes(3 << 20));
    for (const name of ['one', 'two', 'kept']) await call('PUT', name, new Uint8Array(randomBytes(3 << 20)));
    await call('PUT', 'same', bytes);
    await call('PUT', 'copy', bytes);
    const drop = async (name: string) => {
      await call('DELETE', name);
      await json(['jobs', 'start', 'expire-history', '--argument', '{"urgentBytes":1e15}', '--wait']);
    };
    const before = await json(['usage']);
    expect(before).to.include({
      objects: 5,
      bytes: 5 * (3 << 20),
      historyVersions: 0,
      historyBytes: 0,
      uniqueBytes: 4 * (3 << 20),
    });
    expect(before.storedBytes).to.be.within(4 * (3 << 20), 4 * (3 << 20) + 20_000);
    expect(before.physicalBytes).to.be.at.least(before.storedBytes);
    for (const name of ['one', 'same']) await drop(name);
    expect(await json(['usage'])).to.include({ objects: 3, historyVersions: 0, uniqueBytes: 4 * (3 << 20) });
    expect(await json(['gc', '--dry-run'])).to.include({ dryRun: true, removedLeaves: 1 });
    const counts = await json(['gc']);
    expect(counts).to.include({ removedLeaves: 1, waitingForUploads: 0 });
    expect(counts.removedBytes).to.be.within(3 << 20, (3 << 20) + 10_000);
    expect(counts.freedBytes).to.be.greaterThan(3 << 20);
    const after = await json(['usage']);
    expect(after.uniqueBytes).to.equal(3 * (3 << 20));
    expect(after.reclaimableBytes).to.be.lessThan(1 << 20);
    await drop('two');
    await gateway.stop();
    expect(await json(['gc'])).to.include({ removedLeaves: 1, waitingForUploads: 0 });
    const jobs = await json(['jobs', 'list']);
    expect(jobs.map(({ name }: { name: string }) => name)).to.include.members(['expire-history', 'expire-uploads', 'gc']);
    expect(jobs.find(({ name }: { name: string }) => name === 'gc').outcome).to.deep.equal({ kind: 'done', message: null });
    expect((await run(['jobs', 'start', 'no-such-job'])).code).to.equal(4);
    expect((await run(['jobs', 'start', 'gc', '--argument', '{'])).code).to.equal(2);
    gateway = await startGateway({ dataDir });
    const copy = await fetch(at('GET', 'copy'));
    expect(Buffer.from(await copy.arrayBuffer()).equals(bytes)).to.equal(true);
  });

  it('works the same when the gateway is stopped, several at once, and while it starts', async () => {
    await gateway.stop();
    const made = await json(['user', 'add', 'erin', '--key']);
    const lists = await Promise.all(Array.from({ length: 3 }, () => json(['user', 'list'])));
    for (const list of lists) expect(list.map(({ name }: { name: string }) => name)).to.include('erin');
    expect((await json(['doctor'])).ok).to.equal(true);
    const command = json(['user', 'add', 'fay']);
    gateway = await startGateway({ dataDir });
    await command;
    expect(await login('erin', made.password)).to.equal(200);
    expect((await json(['user', 'list'])).map(({ name }: { name: string }) => name)).to.include('fay');
  });

  it('comes to its end when nobody reads what it says, and says so when a full disk does not take it', async function () {
    const command = `"${process.execPath}" ${NODE_ARGS.join(' ')} "${MAIN}" bucket list`;
    const script = (rest: string) =>
      runProcess('bash', ['-c', `${command} ${rest}; exit "\${PIPESTATUS[0]}"`], { env: { CLOUDSTORE_DATA_DIR: dataDir } });
    const unread = await script('| true');
    expect([unread.code, unread.stderr]).to.deep.equal([0, '']);
    if (process.platform !== 'linux') this.skip();
    const full = await script('> /dev/full');
    expect([full.code, full.stderr]).to.deep.equal([1, 'cloudstore: What the command says cannot be written (ENOSPC).\n']);
  });

  it('says what to do where there is no CloudStore yet', async () => {
    const { code, stderr } = await run(['user', 'list', '--data-dir', join(dataDir, 'absent')]);
    expect(code).to.equal(1);
    expect(stderr).to.contain('There is no CloudStore in').and.contain('--data-dir');
  });
});
