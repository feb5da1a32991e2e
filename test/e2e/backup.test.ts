import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore, MAIN, NODE_ARGS, ROOT, runProcess, startProcess } from '../support/process.ts';
import { SEED, seededRandom } from '../support/random.ts';

interface Key {
  accessKeyId: string;
  secretAccessKey: string;
}

/** A backup beside a running gateway, brought back in a second, empty directory. */
describe('backup and restore', function () {
  this.timeout(300_000);
  const files = new Map<string, Buffer>();
  let directory: string;
  let dataDir: string;
  let backups: string;
  let key: string;
  let gateway: TestGateway;
  let ann: Key & { password: string };

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-backup-'));
    dataDir = join(directory, 'data');
    backups = join(directory, 'backups');
    gateway = await startGateway({ dataDir });
    key = readFileSync(join(dataDir, 'master.key'), 'utf8').trim();
    ann = await run(dataDir, ['user', 'add', 'ann', '--key']);
    for (let index = 0; index < 12; index++) await put(`photos/${index}.jpg`, seededRandom(`${SEED}-${index}`)(index * 40_000));
    await put('big.bin', seededRandom(`${SEED}-big`)(5_000_000));
    await put('note.txt', Buffer.from('small'));
  });
  after(async () => {
    if (gateway.process.exitCode === null && gateway.process.signalCode === null) await gateway.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  async function run(data: string, args: string[], code = 0, env: Record<string, string> = {}) {
    const finished = await cloudstore([...args, '--json'], { env: { CLOUDSTORE_DATA_DIR: data, ...env } });
    expect(finished.code, `${args.join(' ')}\n${finished.stdout}\n${finished.stderr}`).to.equal(code);
    return finished.stdout === '' ? { stderr: finished.stderr } : JSON.parse(finished.stdout);
  }
  const url = (to: TestGateway, name: string) => `${to.s3Url}/home/${name}`;
  async function put(name: string, body: Buffer): Promise<void> {
    const answer = await fetch(presign('PUT', url(gateway, name), gateway, new Date()), {
      method: 'PUT',
      body: new Uint8Array(body),
    });
    expect(answer.status, name).to.equal(200);
    files.set(name, body);
  }
  async function remove(name: string): Promise<void> {
    await fetch(presign('DELETE', url(gateway, name), gateway, new Date()), { method: 'DELETE' });
    files.delete(name);
  }
  /** What S3 and WebDAV show of the bucket. */
  async function shown(of: TestGateway, keys: Key, password: string): Promise<{ s3: string[]; webdav: string[] }> {
    const list = await fetch(presign('GET', `${of.s3Url}/home?list-type=2`, keys, new Date()));
    const s3 = [...(await list.text()).matchAll(/<Contents>.*?<\/Contents>/gs)].map(([entry]) => entry);
    const dav = await fetch(`${of.webdavUrl}home/photos/`, {
      method: 'PROPFIND',
      headers: { depth: '1', authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` },
    });
    const text = await dav.text();
    // A folder's ETag is a new one after a restore, on purpose (ADR 0013); a file's is the same.
    const webdav = [...text.matchAll(/<d:response>.*?<\/d:response>/gs)]
      .map(([entry]) => entry)
      .filter((entry) => entry.includes('.jpg'));
    return { s3, webdav };
  }
  async function expectBytes(of: TestGateway, keys: Key): Promise<void> {
    for (const [name, body] of files) {
      const answer = await fetch(presign('GET', url(of, name), keys, new Date()));
      expect(answer.status, name).to.equal(200);
      expect(Buffer.from(await answer.arrayBuffer()).equals(body), name).to.equal(true);
    }
  }

  it('is taken while the gateway writes, is verified, and holds no key', async () => {
    let writing = true;
    const writer = (async () => {
      for (let index = 0; writing; index++) {
        const body = Buffer.from(`while the backup runs ${index}`.repeat(100));
        await put(`busy/${index % 20}`, body);
      }
    })();
    const made = await run(dataDir, ['backup', '--to', backups, '--verify']);
    writing = false;
    await writer;
    expect(made.verified.faults).to.deep.equal([]);
    expect(made.verified.records).to.be.at.least(12);
    expect(
      filesIn(backups).some((path) => readFileSync(path).includes(key) || readFileSync(path).includes(Buffer.from(key, 'hex'))),
    ).to.equal(false);
    expect(filesIn(backups).some((path) => readFileSync(path).includes('photos/'))).to.equal(false);
  });

  it('copies only what is new', async () => {
    await put('later.bin', seededRandom(`${SEED}-later`)(300_000));
    await remove('photos/3.jpg');
    await put('note.txt', Buffer.from('written over'));
    const made = await run(dataDir, ['backup', '--to', backups]);
    expect(made.copiedBytes).to.be.within(300_000, 600_000);
    const none = await run(dataDir, ['backup', '--to', backups]);
    expect(none.copiedBytes).to.be.below(100_000);
  });

  it('alerts when it fails, until one succeeds', async () => {
    const told = async (): Promise<{ kind: string; subject: string; text: string; cleared: string | null }[]> => {
      const login = { user: gateway.user, password: gateway.password };
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${gateway.restUrl}/auth/login`, { method: 'POST', headers, body: JSON.stringify(login) });
      const { accessToken } = (await answer.json()) as { accessToken: string };
      const list = await fetch(`${gateway.restUrl}/alerts`, { headers: { authorization: `Bearer ${accessToken}` } });
      const { items } = (await list.json()) as { items: Awaited<ReturnType<typeof told>> };
      return items.filter(({ subject }) => subject === 'backup');
    };
    const to = join(directory, 'a-file');
    writeFileSync(to, 'in the way');
    expect((await cloudstore(['backup', '--to', to], { env: { CLOUDSTORE_DATA_DIR: dataDir } })).code).to.equal(1);
    const [failed] = await told();
    expect(failed).to.deep.include({ kind: 'job-failed', cleared: null });
    expect(failed?.text).to.contain('The last backup failed: ');
    await run(dataDir, ['jobs', 'start', 'alerts', '--wait']);
    expect(
      (await told()).map(({ cleared }) => cleared),
      'the job that looks leaves it',
    ).to.deep.equal([null]);
    await run(dataDir, ['backup', '--to', backups]);
    expect((await told())[0]?.cleared).to.be.a('string');
  });

  it('is made, read again and told of by the gateway itself, for an admin, and never where it may not lie', async () => {
    const basic = (user: string, password: string) => ({
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      'content-type': 'application/json',
    });
    const ask = async (method: string, path: string, body: object | null = null, headers = basic('admin', gateway.password)) => {
      const answer = await fetch(`${gateway.restUrl}${path}`, { method, headers, body: body && JSON.stringify(body) });
      // biome-ignore lint/suspicious/noExplicitAny: a foreign border; the test looks into answers of any shape
      return { status: answer.status, json: (await answer.json()) as any };
    };
    const ended = async (job: 'running' | 'checking') => {
      for (;;) {
        const { json } = await ask('GET', '/backups');
        if (json[job].state === 'idle') return json;
        await sleep(50);
      }
    };
    const member = basic('ann', ann.password);
    expect((await ask('GET', '/backups', null, member)).status).to.equal(403);
    expect((await ask('POST', '/backups', { to: join(directory, 'anns') }, member)).status).to.equal(403);
    symlinkSync(dataDir, join(directory, 'a-way-in'));
    mkdirSync(join(directory, 'occupied'));
    writeFileSync(join(directory, 'occupied', 'letter.txt'), 'mine');
    writeFileSync(join(directory, 'a-file'), 'in the way');
    const refused: [string, string][] = [
      ['backups', 'whole path'],
      ['../backups', 'whole path'],
      ['/', 'root of everything'],
      [dataDir, 'in one another'],
      [join(dataDir, 'packs', 'backups'), 'in one another'],
      [directory, 'in one another'],
      [join(directory, 'a-way-in', 'backups'), 'in one another'],
      [join(directory, 'not', 'mounted'), 'Is the disk mounted?'],
      [join(directory, 'a-file'), 'no directory'],
      [join(directory, 'occupied'), 'no backup (letter.txt)'],
    ];
    for (const [to, why] of refused) {
      const { status, json } = await ask('POST', '/backups', { to });
      expect([status === 400 || status === 409, json.detail], to).to.satisfy(
        ([fits, detail]: [boolean, string]) => fits && detail.includes(why),
      );
    }
    // Whatever a job is told by another way is looked at as well.
    await ask('POST', '/jobs/backup/start', { argument: { to: dataDir } });
    expect((await ended('running')).running.outcome.message).to.contain('in one another');

    const to = join(directory, 'by-the-gateway');
    const begun = await ask('POST', '/backups', { to });
    expect(begun.status).to.equal(202);
    const [made] = (await ended('running')).backups;
    expect(made).to.deep.include({ outcome: 'done', directory: to, by: 'gateway' });
    expect(made.made.verified).to.deep.include({ faults: [], faultCount: 0 });
    expect(made.made.verified.records).to.be.at.least(12);
    expect(made.made.copiedBytes).to.be.greaterThan(5e6);
    expect(filesIn(to).some((path) => path.endsWith('master.key'))).to.equal(false);

    expect((await ask('POST', '/backups/check', { from: directory })).status).to.equal(404);
    expect((await ask('POST', '/backups/check', { from: to, name: '../../etc/passwd' })).status).to.equal(400);
    await ask('POST', '/backups/check', { from: to, name: made.made.name });
    expect((await ended('checking')).checks[0]).to.deep.include({ outcome: 'done', name: made.made.name });
    const pack = filesIn(to).find((one) => one.endsWith('.pack') && readFileSync(one).includes('CSRC'))!;
    const bytes = readFileSync(pack);
    bytes[bytes.indexOf('CSRC') + 200]! ^= 4;
    writeFileSync(pack, bytes);
    await ask('POST', '/backups/check', { from: to });
    const spoilt = await ended('checking');
    expect(spoilt.checking.outcome).to.deep.include({ kind: 'failed' });
    expect(spoilt.checks[0].verdict.faults.join()).to.contain('damaged');
    // What commands did is told too, the newest first.
    expect(spoilt.backups.map(({ by }: { by: string }) => by)).to.deep.include.members(['command', 'gateway']);
    const { json: audit } = await ask('GET', '/audit?action=MakeBackup');
    expect(audit.items.map(({ outcome }: { outcome: string }) => outcome)).to.include.members(['ok', 'denied', 'failed']);

    bytes[bytes.indexOf('CSRC') + 200]! ^= 4;
    writeFileSync(pack, bytes);
    const env = { CLOUDSTORE_MASTER_KEY: key };
    expect((await run(join(directory, 'none'), ['restore', '--from', to, '--check'], 0, env)).faults).to.deep.equal([]);
  });

  it('cancelled in the middle ends as cancelled, hurts no backup that is there, and is in the way of none', async () => {
    const headers = {
      authorization: `Basic ${Buffer.from(`admin:${gateway.password}`).toString('base64')}`,
      'content-type': 'application/json',
    };
    // biome-ignore lint/suspicious/noExplicitAny: a foreign border; the test looks into answers of any shape
    const ask = async (method: string, path: string, body: object | null = null): Promise<any> => {
      const answer = await fetch(`${gateway.restUrl}${path}`, { method, headers, body: body && JSON.stringify(body) });
      expect(answer.ok, `${method} ${path}: ${answer.status}`).to.equal(true);
      return answer.status === 204 ? null : answer.json();
    };
    const ended = async () => {
      for (;;) {
        const all = await ask('GET', '/backups');
        if (all.running.state === 'idle') return all;
        await sleep(20);
      }
    };
    const to = join(directory, 'cancelled');
    await ask('POST', '/backups', { to });
    const good = (await ended()).backups[0].made.name;
    const lists = readdirSync(join(to, 'lists'));
    for (let attempt = 0; ; attempt++) {
      // What is copied is more each time, until it takes longer than the word that it is not wanted.
      await put(`more/${attempt}.bin`, seededRandom(`${SEED}-more-${attempt}`)((attempt + 1) * 24_000_000));
      const before = bytesIn(join(to, 'packs'));
      await ask('POST', '/backups', { to, verify: false });
      while ((await ask('GET', '/backups')).running.state === 'idle') await sleep(1);
      while (bytesIn(join(to, 'packs')) === before) await sleep(1);
      await ask('POST', '/jobs/backup/cancel');
      const { running, backups: told } = await ended();
      // It may have been through when it heard of it: then it stands there, as whole as any.
      if (told[0].outcome === 'done') {
        expect(attempt, 'it was always through before it could be cancelled').to.be.below(8);
        lists.splice(0, lists.length, ...readdirSync(join(to, 'lists')));
        continue;
      }
      expect(running.outcome).to.deep.equal({ kind: 'cancelled', message: null });
      expect(told[0]).to.deep.include({ outcome: 'cancelled', directory: to, by: 'gateway' });
      break;
    }
    // Who stays registered without a sign of life is told as killed, and collection waits for him.
    await run(dataDir, ['gc']);
    expect(filesIn(to).filter((path) => path.endsWith('.new'))).to.deep.equal([]);
    expect(readdirSync(join(to, 'lists'))).to.deep.equal(lists);
    expect(lists).to.include(good);
    await ask('POST', '/backups/check', { from: to, name: lists.at(-1) });
    while ((await ask('GET', '/backups')).checking.state !== 'idle') await sleep(20);
    const { alerts, checks } = { alerts: await ask('GET', '/alerts'), checks: (await ask('GET', '/backups')).checks };
    expect(checks[0]).to.deep.include({ outcome: 'done', name: lists.at(-1) });
    const standing = alerts.items.filter(
      ({ subject, cleared }: { subject: string; cleared: string | null }) => subject === 'backup' && cleared === null,
    );
    expect(standing).to.deep.equal([]);
    // What one that was killed leaves is in nobody's way either.
    for (const left of ['packs/open/00.pack.new', 'lists/1.backup.new', 'master-key.json.new'])
      writeFileSync(join(to, left), 'half');
    await ask('POST', '/backups', { to });
    const [made] = (await ended()).backups;
    expect(made.outcome, JSON.stringify(made)).to.equal('done');
    expect(made.made.verified).to.deep.include({ faultCount: 0 });
    expect(filesIn(to).filter((path) => path.endsWith('.new'))).to.deep.equal([]);
    for (const name of [...files.keys()].filter((one) => one.startsWith('more/'))) await remove(name);
  });

  it('comes back in another directory by the gateway itself, whole or not at all, and the gateway stays as it is', async () => {
    const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const ask = async (path: string, body: object | null = null, as = basic('admin', gateway.password)) => {
      const answer = await fetch(`${gateway.restUrl}${path}`, {
        method: body === null ? 'GET' : 'POST',
        headers: { authorization: as, 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
      });
      // biome-ignore lint/suspicious/noExplicitAny: a foreign border; the test looks into answers of any shape
      return { status: answer.status, json: (answer.status === 204 ? null : await answer.json()) as any };
    };
    const ended = async () => {
      for (;;) {
        const { json } = await ask('/backups');
        if (json.restoring.state === 'idle') return json;
        await sleep(50);
      }
    };
    // One that cannot be read is told of, and why.
    writeFileSync(join(backups, 'lists', `9999999999.1700000000000.${'ab'.repeat(16)}.backup`), 'not one');
    const there = await ask('/backups/look', { from: backups });
    rmSync(join(backups, 'lists', `9999999999.1700000000000.${'ab'.repeat(16)}.backup`));
    const [spoilt, newest, older] = there.json.backups;
    expect([spoilt.holds, spoilt.why]).to.satisfy(([holds, why]: [null, string]) => holds === null && why.length > 10);
    expect(newest.holds.bytes).to.be.greaterThan(5e6);
    expect([there.json.count, there.json.directory, newest.taken > older.taken]).to.deep.equal([
      readdirSync(join(backups, 'lists')).length + 1,
      backups,
      true,
    ]);
    const { name } = newest;
    const to = join(directory, 'apart');
    const member = basic('ann', ann.password);
    expect((await ask('/backups/look', { from: backups }, member)).status).to.equal(403);
    expect((await ask('/backups/restore', { from: backups, name, to }, member)).status).to.equal(403);
    expect((await ask('/backups/look', { from: dataDir })).status).to.equal(404);
    const refused: [object, string][] = [
      [{ to: 'apart' }, 'whole path'],
      [{ to: dataDir }, 'in one another'],
      [{ to: join(dataDir, 'apart') }, 'in one another'],
      [{ to: join(directory, 'a-way-in', 'apart') }, 'in one another'],
      [{ to: join(backups, 'apart') }, 'in one another'],
      [{ to: directory }, 'in one another'],
      [{ to: join(directory, 'not', 'mounted') }, 'Is the disk mounted?'],
      [{ to: join(directory, 'occupied') }, 'holds something already (letter.txt)'],
      [{ to, name: '../../etc/passwd' }, 'no backup of that name'],
      [{ to, from: dataDir }, 'no backup in'],
    ];
    for (const [wanted, why] of refused) {
      const { status, json } = await ask('/backups/restore', { from: backups, name, to, ...wanted });
      expect([status >= 400 && status < 500, json.detail], JSON.stringify(wanted)).to.satisfy(
        ([fits, detail]: [boolean, string]) => fits && detail.includes(why),
      );
    }
    await ask('/jobs/restore/start', { argument: { from: backups, name, to: dataDir } });
    expect((await ended()).restoring.outcome.message).to.contain('in one another');
    expect(existsSync(to)).to.equal(false);

    // Cancelled when all of it was read and copied: nothing that looks whole, and no server, stays.
    expect((await ask('/backups/restore', { from: backups, name, to })).status).to.equal(202);
    while (!existsSync(join(to, 'rebuild.new'))) await sleep(10);
    await ask('/jobs/restore/cancel', {});
    const cut = await ended();
    expect(cut.restoring.outcome).to.deep.equal({ kind: 'cancelled', message: null });
    expect(cut.restores[0]).to.deep.include({ outcome: 'cancelled', directory: backups, name, to, made: null });
    expect([existsSync(join(to, 'postgres')), existsSync(join(to, 'restoring.json'))]).to.deep.equal([false, true]);
    expect(existsSync(join(to, 'rebuild.new', 'postgres', 'postmaster.pid'))).to.equal(false);
    const other = await ask('/backups/restore', { from: backups, name: older.name, to });
    expect([other.status, other.json.detail]).to.satisfy(
      ([status, detail]: [number, string]) => status === 409 && detail.includes(name),
    );
    // And goes on from there.
    expect((await ask('/backups/restore', { from: backups, name, to })).status).to.equal(202);
    const [made] = (await ended()).restores;
    expect(made).to.deep.include({ outcome: 'done', name, to });
    expect(made.made).to.deep.include({ packsCopied: 0, hurtCount: 0, taken: newest.taken });
    expect(filesIn(to).filter((path) => path.endsWith('master.key') || path.endsWith('.new'))).to.deep.equal([]);
    expect((await ask('/backups/restore', { from: backups, name, to })).json.detail).to.contain('holds something already');
    await expectBytes(gateway, gateway);
    const second = await startGateway({ dataDir: to, env: { CLOUDSTORE_MASTER_KEY: key } });
    try {
      await expectBytes(second, gateway);
    } finally {
      await second.stop();
    }
    rmSync(to, { recursive: true });
    const { json: audit } = await ask('/audit?action=RestoreBackup');
    expect(audit.items.map(({ outcome }: { outcome: string }) => outcome)).to.include.members(['ok', 'denied', 'failed']);
  });

  it('comes back in an empty directory: the same listings, bytes, ETags, users and keys', async () => {
    const other = join(directory, 'restored');
    const env = { CLOUDSTORE_MASTER_KEY: key };
    const report = await run(other, ['restore', '--from', backups], 0, env);
    expect(report).to.include({ hurtCount: 0, missing: 0 });
    const second = await startGateway({ dataDir: other, env });
    try {
      await expectBytes(second, gateway);
      const [wanted, got] = [await shown(gateway, gateway, gateway.password), await shown(second, gateway, gateway.password)];
      expect(got).to.deep.equal(wanted);
      expect(got.webdav.length).to.equal(11);
      const login = await fetch(`${second.restUrl}/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user: 'ann', password: ann.password }),
      });
      expect(login.status).to.equal(200);
      expect((await fetch(presign('GET', `${second.s3Url}/`, ann, new Date()))).status).to.equal(200);
      const written = await fetch(presign('PUT', url(second, 'new.txt'), gateway, new Date()), { method: 'PUT', body: 'new' });
      expect(written.status).to.equal(200);
      const refused = await cloudstore(['restore', '--from', backups], { env: { ...env, CLOUDSTORE_DATA_DIR: dataDir } });
      expect(refused.code).to.equal(1);
      expect(refused.stderr).to.match(/^cloudstore: [^\n]+\n$/);
    } finally {
      await second.stop();
    }
    // And is the beginning of backups of its own, in the same place: packs are the same ones.
    const made = await run(other, ['backup', '--to', backups, '--verify'], 0, env);
    expect(made.verified.faults).to.deep.equal([]);
    // The first one has written on since: what was one pack are two by now, and neither takes the other's place.
    const parted = await cloudstore(['backup', '--to', backups], { env: { CLOUDSTORE_DATA_DIR: dataDir } });
    expect(parted.code).to.equal(1);
    expect(parted.stderr).to.contain('a directory of its own');
    expect((await run(join(directory, 'none'), ['restore', '--from', backups, '--check'], 0, env)).faults).to.deep.equal([]);
  });

  /** Neither a command nor the gateway comes in between. */
  async function expectTaken(to: string, pid: number | undefined): Promise<void> {
    const sentence = `A backup into ${to} is being made by a command (process ${pid} on `;
    const second = await cloudstore(['backup', '--to', to], { env: { CLOUDSTORE_DATA_DIR: dataDir } });
    expect(second.code).to.equal(1);
    expect(second.stderr).to.contain(sentence);
    const headers = {
      authorization: `Basic ${Buffer.from(`admin:${gateway.password}`).toString('base64')}`,
      'content-type': 'application/json',
    };
    const answer = await fetch(`${gateway.restUrl}/backups`, { method: 'POST', headers, body: JSON.stringify({ to }) });
    expect(answer.status).to.equal(409);
    expect(await answer.text()).to.contain(sentence);
    // Nothing has failed, so nobody is told at night.
    expect(await (await fetch(`${gateway.restUrl}/alerts`, { headers })).text()).not.to.contain('is being made');
  }

  it('killed in the middle is never taken for whole, and the next one goes on', async () => {
    const to = join(directory, 'killed');
    for (let attempt = 0; ; attempt++) {
      rmSync(to, { recursive: true, force: true });
      const child = startProcess(process.execPath, [...NODE_ARGS, MAIN, 'backup', '--to', to], {
        env: { CLOUDSTORE_DATA_DIR: dataDir },
      });
      while (child.exitCode === null && !(existsSync(to) && filesIn(to).some((path) => path.includes('.pack')))) await sleep(1);
      child.kill('SIGSTOP'); // it can't end meanwhile
      try {
        if (child.exitCode === null && existsSync(join(to, 'backup-holder.json'))) await expectTaken(to, child.pid);
      } finally {
        child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      if (child.exitCode !== 0) break;
      expect(attempt, 'it was always through before it could be killed').to.be.below(5);
    }
    const env = { CLOUDSTORE_MASTER_KEY: key };
    const none = await cloudstore(['restore', '--from', to], { env: { ...env, CLOUDSTORE_DATA_DIR: join(directory, 'none') } });
    expect(none.code).to.equal(4);
    const made = await run(dataDir, ['backup', '--to', to, '--verify']);
    expect(made.verified.faults).to.deep.equal([]);
    expect((await run(join(directory, 'none'), ['restore', '--from', to, '--check'], 0, env)).faults).to.deep.equal([]);
  });

  it('tells a flipped bit and a missing pack, and restores neither as if it were whole', async () => {
    const to = join(directory, 'killed');
    const env = { CLOUDSTORE_MASTER_KEY: key };
    const path = filesIn(to).find((one) => one.endsWith('.pack') && readFileSync(one).includes('CSRC'))!;
    const bytes = readFileSync(path);
    const hurt = Buffer.from(bytes);
    hurt[hurt.indexOf('CSRC') + 200]! ^= 4;
    writeFileSync(path, hurt);
    const checked = await run(join(directory, 'none'), ['restore', '--from', to, '--check'], 3, env);
    expect(checked.faults.join()).to.contain('damaged');
    const refused = await cloudstore(['restore', '--from', to], {
      env: { ...env, CLOUDSTORE_DATA_DIR: join(directory, 'none') },
    });
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.contain('not whole').and.contain('--force');
    rmSync(path);
    const missing = await run(join(directory, 'none'), ['restore', '--from', to, '--check'], 3, env);
    expect(missing.faults.join()).to.contain('missing').and.contain('lacks a part');
    writeFileSync(path, bytes);
  });

  it('keeps so many as it is told, and holds the key when it is told', async () => {
    const to = join(directory, 'kept');
    for (let before = 0; before < 3; before++) await run(dataDir, ['backup', '--to', to]);
    expect(filesIn(join(to, 'lists')).length).to.equal(3);
    const made = await run(dataDir, ['backup', '--to', to, '--keep', '1', '--include-key', '--verify']);
    expect(made.removed.backups).to.equal(3);
    expect(made.verified.faults).to.deep.equal([]);
    expect(filesIn(join(to, 'lists')).length).to.equal(1);
    expect(statSync(join(to, 'master.key')).mode & 0o777).to.equal(0o600);
    // Without the setting: the key is found where the backup is.
    expect((await run(join(directory, 'with-key'), ['restore', '--from', to, '--check'])).faults).to.deep.equal([]);
  });

  it('gives files out without being restored', async () => {
    const to = join(directory, 'taken-out');
    const report = await run(join(directory, 'kept'), ['export', '--offline', '--to', to]);
    expect(report).to.include({ failed: 0, files: files.size });
    for (const [name, body] of files) expect(readFileSync(join(to, 'home', name)).equals(body), name).to.equal(true);
  });

  it('works as the README says', async () => {
    const block = /## Back up\n.*?```sh\n(.*?)```/s.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1];
    expect(block).to.be.a('string');
    const script = block!.replaceAll('npm run -s cloudstore --', `"${process.execPath}" ${NODE_ARGS.join(' ')} "${MAIN}"`);
    const place = mkdtempSync(join(directory, 'readme-'));
    const finished = await runProcess('bash', ['-euc', script], {
      env: { CLOUDSTORE_DATA_DIR: dataDir, BACKUPS: join(place, 'backups'), NEW: join(place, 'new'), KEY: key },
    });
    expect(finished.code, finished.stdout + finished.stderr).to.equal(0);
    expect(finished.stdout).to.contain('is complete').and.contain('Restored from');
  });
});

/** Of what is there at this moment. */
function bytesIn(directory: string): number {
  return filesIn(directory).reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
