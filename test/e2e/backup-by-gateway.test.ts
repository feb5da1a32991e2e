import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type BackupScene, filesIn, type Key, openBackupScene } from '../support/backup-scene.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { cloudstore } from '../support/process.ts';
import { SEED, seededRandom } from '../support/random.ts';

/** What `backup`, `restore --check` and `restore` do as jobs of the gateway, for whoever asks by REST. */
describe('backups by the gateway itself', function () {
  this.timeout(300_000);
  let scene: BackupScene;
  let directory: string;
  let dataDir: string;
  let backups: string;
  let key: string;
  let gateway: TestGateway;
  let ann: Key & { password: string };
  let files: Map<string, Buffer>;
  before(async () => {
    scene = await openBackupScene();
    ({ directory, dataDir, backups, key, gateway, ann, files } = scene);
    for (let before = 0; before < 2; before++) await scene.run(dataDir, ['backup', '--to', backups]);
  });
  after(() => scene.close());

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
    await scene.run(dataDir, ['jobs', 'start', 'alerts', '--wait']);
    expect(
      (await told()).map(({ cleared }) => cleared),
      'the job that looks leaves it',
    ).to.deep.equal([null]);
    await scene.run(dataDir, ['backup', '--to', backups]);
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
    expect((await scene.run(join(directory, 'none'), ['restore', '--from', to, '--check'], 0, env)).faults).to.deep.equal([]);
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
      await scene.put(`more/${attempt}.bin`, seededRandom(`${SEED}-more-${attempt}`)((attempt + 1) * 24_000_000));
      const before = bytesIn(join(to, 'packs'));
      await ask('POST', '/backups', { to, verify: false });
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
    await scene.run(dataDir, ['gc']);
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
    for (const name of [...files.keys()].filter((one) => one.startsWith('more/'))) await scene.remove(name);
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
    const cancelled = async () => {
      expect((await ask('/backups/restore', { from: backups, name, to })).status).to.equal(202);
      const runs = async () => (await ask('/backups')).json.restoring.state !== 'idle';
      while (!existsSync(join(to, 'rebuild.new')) && (await runs())) await sleep(5);
      await ask('/jobs/restore/cancel', {});
      return ended();
    };
    let cut = await cancelled();
    // It may have been through when it heard of it: then it is whole, and is tried once more.
    for (let attempt = 0; cut.restoring.outcome.kind === 'done'; attempt++) {
      expect(attempt, 'it was always through before it could be cancelled').to.be.below(5);
      rmSync(to, { recursive: true });
      cut = await cancelled();
    }
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
    await scene.expectBytes(gateway, gateway);
    const second = await startGateway({ dataDir: to, env: { CLOUDSTORE_MASTER_KEY: key } });
    try {
      await scene.expectBytes(second, gateway);
    } finally {
      await second.stop();
    }
    rmSync(to, { recursive: true });
    const { json: audit } = await ask('/audit?action=RestoreBackup');
    expect(audit.items.map(({ outcome }: { outcome: string }) => outcome)).to.include.members(['ok', 'denied', 'failed']);
  });
});

/** Of what is there at this moment. */
function bytesIn(directory: string): number {
  return filesIn(directory).reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}
