import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { isAlive } from '#metadata/embedded-postgres/survivor';
import { type BackupScene, filesIn, type Key, openBackupScene } from '../support/backup-scene.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore, MAIN, NODE_ARGS, ROOT, runProcess, startProcess } from '../support/process.ts';
import { SEED, seededRandom } from '../support/random.ts';

/** A backup beside a running gateway, brought back in a second, empty directory. */
describe('backup and restore', function () {
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
  });
  after(() => scene.close());
  const url = (to: TestGateway, name: string) => `${to.s3Url}/home/${name}`;
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

  it('is taken while the gateway writes, is verified, and holds no key', async () => {
    let writing = true;
    const writer = (async () => {
      for (let index = 0; writing; index++) {
        const body = Buffer.from(`while the backup runs ${index}`.repeat(100));
        await scene.put(`busy/${index % 20}`, body);
      }
    })();
    const made = await scene.run(dataDir, ['backup', '--to', backups, '--verify']);
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
    // What was written behind the snapshot of the first one is more the faster the machine is; this one takes it.
    await scene.run(dataDir, ['backup', '--to', backups]);
    await scene.put('later.bin', seededRandom(`${SEED}-later`)(300_000));
    await scene.remove('photos/3.jpg');
    await scene.put('note.txt', Buffer.from('written over'));
    const made = await scene.run(dataDir, ['backup', '--to', backups]);
    expect(made.copiedBytes).to.be.within(300_000, 600_000);
    const none = await scene.run(dataDir, ['backup', '--to', backups]);
    expect(none.copiedBytes).to.be.below(100_000);
  });

  it('comes back in an empty directory: the same listings, bytes, ETags, users and keys', async () => {
    const other = join(directory, 'restored');
    const env = { CLOUDSTORE_MASTER_KEY: key };
    const report = await scene.run(other, ['restore', '--from', backups], 0, env);
    expect(report).to.include({ hurtCount: 0, missing: 0 });
    const second = await startGateway({ dataDir: other, env });
    try {
      await scene.expectBytes(second, gateway);
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
      const somebodys = join(directory, 'letters');
      mkdirSync(somebodys);
      writeFileSync(join(somebodys, 'letter.txt'), 'dear Ann');
      expect(
        (await cloudstore(['restore', '--from', backups], { env: { ...env, CLOUDSTORE_DATA_DIR: somebodys } })).code,
      ).to.equal(1);
      expect(readdirSync(somebodys)).to.deep.equal(['letter.txt']);
    } finally {
      await second.stop();
    }
    // And is the beginning of backups of its own, in the same place: packs are the same ones.
    const made = await scene.run(other, ['backup', '--to', backups, '--verify'], 0, env);
    expect(made.verified.faults).to.deep.equal([]);
    // The first one has written on since: what was one pack are two by now, and neither takes the other's place.
    await scene.put('since.bin', seededRandom(`${SEED}-since`)(300_000));
    const parted = await cloudstore(['backup', '--to', backups], { env: { CLOUDSTORE_DATA_DIR: dataDir } });
    expect(parted.code).to.equal(1);
    expect(parted.stderr).to.contain('a directory of its own');
    expect((await scene.run(join(directory, 'none'), ['restore', '--from', backups, '--check'], 0, env)).faults).to.deep.equal(
      [],
    );
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
    const made = await scene.run(dataDir, ['backup', '--to', to, '--verify']);
    expect(made.verified.faults).to.deep.equal([]);
    expect((await scene.run(join(directory, 'none'), ['restore', '--from', to, '--check'], 0, env)).faults).to.deep.equal([]);
  });

  it('killed while it makes the database leaves no server behind, and goes on by the same command', async () => {
    const to = join(directory, 'killed-late');
    const env = { CLOUDSTORE_MASTER_KEY: key };
    for (let attempt = 0; ; attempt++) {
      rmSync(to, { recursive: true, force: true });
      const child = startProcess(process.execPath, [...NODE_ARGS, MAIN, 'restore', '--from', backups], {
        env: { ...env, CLOUDSTORE_DATA_DIR: to },
      });
      const pidFile = join(to, 'rebuild.new', 'postgres', 'postmaster.pid');
      /** The file comes and goes as the database is made. */
      const serves = (): number | null => {
        try {
          const text = readFileSync(pidFile, 'utf8');
          return text.includes('ready') ? Number.parseInt(text, 10) : null;
        } catch {
          return null;
        }
      };
      while (child.exitCode === null && serves() === null) await sleep(1);
      child.kill('SIGSTOP'); // it can't end meanwhile
      const server = serves();
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      if (server !== null) {
        while (isAlive(server)) await sleep(20);
        expect(existsSync(pidFile), 'it ended in order').to.equal(false);
        break;
      }
      expect(attempt, 'it was always through before it could be killed').to.be.below(5);
    }
    expect(existsSync(join(to, 'postgres'))).to.equal(false);
    expect(await scene.run(to, ['restore', '--from', backups], 0, env)).to.include({ hurtCount: 0, packsCopied: 0 });
  });

  it('tells a flipped bit and a missing pack, and restores neither as if it were whole', async () => {
    const to = join(directory, 'killed');
    const env = { CLOUDSTORE_MASTER_KEY: key };
    const path = filesIn(to).find((one) => one.endsWith('.pack') && readFileSync(one).includes('CSRC'))!;
    const bytes = readFileSync(path);
    const hurt = Buffer.from(bytes);
    hurt[hurt.indexOf('CSRC') + 200]! ^= 4;
    writeFileSync(path, hurt);
    const checked = await scene.run(join(directory, 'none'), ['restore', '--from', to, '--check'], 3, env);
    expect(checked.faults.join()).to.contain('damaged');
    const refused = await cloudstore(['restore', '--from', to], {
      env: { ...env, CLOUDSTORE_DATA_DIR: join(directory, 'none') },
    });
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.contain('not whole').and.contain('--force');
    rmSync(path);
    const missing = await scene.run(join(directory, 'none'), ['restore', '--from', to, '--check'], 3, env);
    expect(missing.faults.join()).to.contain('missing').and.contain('lacks a part');
    writeFileSync(path, bytes);
  });

  it('keeps so many as it is told, and holds the key when it is told', async () => {
    const to = join(directory, 'kept');
    for (let before = 0; before < 3; before++) await scene.run(dataDir, ['backup', '--to', to]);
    expect(filesIn(join(to, 'lists')).length).to.equal(3);
    const made = await scene.run(dataDir, ['backup', '--to', to, '--keep', '1', '--include-key', '--verify']);
    expect(made.removed.backups).to.equal(3);
    expect(made.verified.faults).to.deep.equal([]);
    expect(filesIn(join(to, 'lists')).length).to.equal(1);
    expect(statSync(join(to, 'master.key')).mode & 0o777).to.equal(0o600);
    // Without the setting: the key is found where the backup is.
    expect((await scene.run(join(directory, 'with-key'), ['restore', '--from', to, '--check'])).faults).to.deep.equal([]);
  });

  it('is refused in what it is to save, and around it', async () => {
    for (const to of [join(dataDir, 'backups'), dataDir, directory]) {
      const env = { CLOUDSTORE_DATA_DIR: dataDir };
      const { code, stderr } = await cloudstore(['backup', '--to', to], { env });
      expect([code, stderr], to).to.satisfy(
        ([code, stderr]: [number, string]) => code === 2 && / lie in one another/.test(stderr),
      );
    }
  });

  it('gives files out without being restored', async () => {
    const to = join(directory, 'taken-out');
    const report = await scene.run(join(directory, 'kept'), ['export', '--offline', '--to', to]);
    expect(report).to.include({ failed: 0, files: files.size });
    for (const [name, body] of files) expect(readFileSync(join(to, 'home', name)).equals(body), name).to.equal(true);
  });

  it('gives out no file whose key only its client has, and says so; and nothing of a bucket that was removed', async () => {
    const to = join(directory, 'sealed-out');
    for (const bucket of ['sealed', 'removed']) await scene.run(dataDir, ['bucket', 'add', bucket]);
    const { accessKeyId, secretAccessKey } = gateway;
    const s3 = new S3Client({
      ...{ endpoint: gateway.s3Url, region: 'us-east-1', forcePathStyle: true },
      credentials: { accessKeyId, secretAccessKey },
    });
    const sealed = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: seededRandom(`${SEED}-key`)(32).toString('base64') };
    await s3.send(new PutObjectCommand({ Bucket: 'sealed', Key: 'secret', Body: 'for one client', ...sealed }));
    await s3.send(new PutObjectCommand({ Bucket: 'sealed', Key: 'open', Body: 'for all' }));
    await s3.send(new PutObjectCommand({ Bucket: 'removed', Key: 'a', Body: 'not any more' }));
    s3.destroy();
    await scene.run(dataDir, ['bucket', 'remove', 'removed', '--force']);
    await scene.run(dataDir, ['backup', '--to', join(directory, 'kept')]);
    const report = await scene.run(join(directory, 'kept'), ['export', '--offline', '--to', to], 3);
    expect(report).to.include({ failed: 1, files: files.size + 1 });
    expect(report.failures[0]).to.include({ bucket: 'sealed', key: 'secret' });
    expect(report.failures[0].why).to.contain('SSE-C');
    expect(filesIn(join(to, 'sealed'))).to.deep.equal([join(to, 'sealed', 'open')]);
    expect(existsSync(join(to, 'removed'))).to.equal(false);
  });

  it('takes a pack that is lost or damaged since from the backup before, and says what is in none', async () => {
    const to = join(directory, 'before-loss');
    await scene.run(dataDir, ['backup', '--to', to]);
    // Sealed, as a stopped gateway leaves it.
    await gateway.stop();
    const path = filesIn(join(dataDir, 'packs')).find((one) => one.endsWith('.pack') && statSync(one).size > 5_000_000)!;
    await scene.run(dataDir, ['backup', '--to', to]);
    const bytes = readFileSync(path);
    const losses: [string, () => void][] = [
      ['missing', () => rmSync(path)],
      ['cut short', () => writeFileSync(path, bytes.subarray(0, 3_000_000))],
    ];
    for (const [what, lose] of losses) {
      lose();
      const none = await scene.run(dataDir, ['backup', '--to', join(directory, `after-${what}`)], 3);
      expect(none.lacking, what).to.have.length(1);
      expect(none.lacking[0]).to.contain(`is ${what} where`);
      const kept = await scene.run(dataDir, ['backup', '--to', to, '--keep', '1', '--verify']);
      expect([kept.lacking, kept.verified.faults], what).to.deep.equal([[], []]);
      const env = { CLOUDSTORE_MASTER_KEY: key };
      const back = join(directory, `back-${what}`);
      expect(await scene.run(back, ['restore', '--from', to], 0, env)).to.include({ hurtCount: 0 });
      expect(readFileSync(join(back, 'packs', basename(path))).equals(bytes), what).to.equal(true);
    }
    writeFileSync(path, bytes);
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
