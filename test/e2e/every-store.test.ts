import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore } from '../support/process.ts';
import { SEED, seededRandom } from '../support/random.ts';

type Keys = Pick<TestGateway, 'accessKeyId' | 'secretAccessKey'>;

/** Packs on more than one disk, and packs in S3: whatever brings files back finds them there too. */
describe('every store of packs', function () {
  this.timeout(600_000);
  let root: string;
  /** With two disks; and the S3 store of the other one. */
  let disks: TestGateway;
  let remote: TestGateway | null = null;
  const at = (name: string): string => join(root, name);
  const running: TestGateway[] = [];

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'cloudstore-every-store-'));
    mkdirSync(at('one'));
    disks = await serve('data', { CLOUDSTORE_PACK_DIRS: at('one') });
  });
  after(async () => {
    for (const gateway of running)
      if (gateway.process.exitCode === null && gateway.process.signalCode === null) await gateway.kill();
    rmSync(root, { recursive: true, force: true });
  });

  async function serve(name: string, env: Record<string, string>): Promise<TestGateway> {
    const gateway = await startGateway({ dataDir: at(name), env });
    running.push(gateway);
    return gateway;
  }
  async function run(name: string, env: Record<string, string>, args: string[], code = 0) {
    const finished = await cloudstore([...args, '--json'], { env: { CLOUDSTORE_DATA_DIR: at(name), ...env } });
    expect(finished.code, `${args.join(' ')}\n${finished.stdout}\n${finished.stderr}`).to.equal(code);
    return finished.stdout === '' ? { stderr: finished.stderr } : JSON.parse(finished.stdout);
  }
  const url = (of: TestGateway, key: string): string => `${of.s3Url}/home/${key}`;
  async function put(to: TestGateway, key: string, body: Buffer): Promise<void> {
    const signed = presign('PUT', url(to, key), to, new Date());
    expect((await fetch(signed, { method: 'PUT', body: new Uint8Array(body) })).status, key).to.equal(200);
  }
  async function expectFiles(of: TestGateway, keys: Keys, files: Record<string, Buffer>): Promise<void> {
    for (const [key, body] of Object.entries(files)) {
      const answer = await fetch(presign('GET', url(of, key), keys, new Date()));
      expect(answer.status, key).to.equal(200);
      expect(Buffer.from(await answer.arrayBuffer()).equals(body), key).to.equal(true);
    }
  }
  /** What doctor says of a thing; of what is not said, undefined. */
  async function doctor(name: string, env: Record<string, string>, code = 0) {
    const { findings } = await run(name, env, ['doctor'], code);
    return (of: string) => findings.find((one: { name: string }) => one.name === of);
  }
  const packsIn = (...path: string[]): string[] =>
    existsSync(join(root, ...path)) ? readdirSync(join(root, ...path)).filter((name) => name.endsWith('.pack')) : [];
  const body = (name: string, bytes = 300_000): Buffer => seededRandom(`${SEED}-${name}`)(bytes);

  it('on two disks: backup, restore, export without a database, rebuild-index', async () => {
    const env = { CLOUDSTORE_PACK_DIRS: at('one') };
    const files: Record<string, Buffer> = { first: body('first'), small: body('small', 9_000) };
    for (const [key, bytes] of Object.entries(files)) await put(disks, key, bytes);
    expect((await run('data', env, ['disk', 'drain', '0', '--wait'])).empty).to.equal(true);
    files.second = body('second');
    await put(disks, 'second', files.second);
    await disks.stop(); // which seals what is open
    expect(packsIn('one')).to.not.deep.equal([]);

    const made = await run('data', env, ['backup', '--to', at('backups'), '--include-key', '--verify']);
    expect(made.verified.faults).to.deep.equal([]);
    expect(made.packs).to.be.at.least(packsIn('one').length + packsIn('data', 'packs').length);

    renameSync(at('one'), at('away'));
    const nowhere = {
      CLOUDSTORE_MIRROR_URL: `s3://k:secretsecret@bucket/p?endpoint=${encodeURIComponent('http://127.0.0.1:1')}`,
    };
    const away = await doctor('data', nowhere, 1);
    expect(away('store 1')).to.include({ status: 'fail' });
    expect(away('store 1').detail).to.contain(at('one')).and.contain('is not there');
    expect(away('store 1').advice).to.contain('disk replace 1');
    expect(away('mirror').detail).to.contain('does not answer').and.not.contain('secretsecret');
    expect(away('packs missing')).to.equal(undefined); // what cannot be seen is not called missing
    const refused = await run('data', {}, ['backup', '--to', at('backups')], 1);
    expect(refused.stderr).to.contain(at('one')).and.contain('mount it');
    const partial = await run('data', {}, ['export', '--offline', '--to', at('partial')], 3);
    expect(partial.stores.map(({ number }: { number: number }) => number)).to.deep.equal([1]);
    renameSync(at('away'), at('one'));
    const [gone = ''] = packsIn('one');
    renameSync(join(at('one'), gone), at('gone'));
    const less = await doctor('data', { ...env, CLOUDSTORE_MIRROR_DIR: at('mirror') }, 1);
    expect(less('packs missing').detail).to.contain(gone);
    expect(less('mirror').detail).to.contain('not in use yet');
    expect(existsSync(at('mirror'))).to.equal(false);
    renameSync(at('gone'), join(at('one'), gone));

    rmSync(join(at('data'), 'postgres'), { recursive: true });
    // Without the setting: the snapshot knows where the disk was.
    const report = await run('data', {}, ['export', '--offline', '--to', at('out')]);
    expect(report).to.deep.include({ files: 3, failed: 0, stores: [] });
    // One whose place is no store is copied to where it can be read.
    const [pack = ''] = packsIn('one');
    mkdirSync(at('elsewhere'));
    renameSync(join(at('one'), pack), join(at('elsewhere'), pack));
    const rebuilt = await run('data', {}, ['rebuild-index', '--packs', at('elsewhere')]);
    expect(rebuilt).to.deep.include({ missing: 0, hurtCount: 0, brought: 1, stores: [] });
    expect(packsIn('data', 'packs')).to.include(pack);
    const keys = disks;
    disks = await serve('data', env);
    await expectFiles(disks, keys, files);

    // The copy has all of it in its data directory, and leaves the disks of the first one alone.
    const restored = await run('restored', {}, ['restore', '--from', at('backups')]);
    expect(restored).to.include({ missing: 0, hurtCount: 0 });
    expect(packsIn('restored', 'packs')).to.not.deep.equal([]);
    const shown = await run('restored', {}, ['disk', 'list']);
    expect(shown.map(({ number }: { number: number }) => number)).to.deep.equal([0]);
    // The S3 of the other test.
    Object.assign(disks, { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey });
  });

  it('in S3 and on the way there: the same', async () => {
    const { accessKeyId, secretAccessKey, s3Url } = disks;
    const env = {
      CLOUDSTORE_CHUNKS_URL: `s3://${accessKeyId}:${secretAccessKey}@home/packs?endpoint=${encodeURIComponent(s3Url)}`,
    };
    const mirrored = { ...env, CLOUDSTORE_MIRROR_URL: env.CLOUDSTORE_CHUNKS_URL.replace('@home/packs', '@home/mirror') };
    const files: Record<string, Buffer> = { sent: body('sent'), small: body('sent-small', 9_000) };
    remote = await serve('remote', env);
    const keys = remote;
    for (const [key, bytes] of Object.entries(files)) await put(remote, key, bytes);
    await remote.stop();
    remote = await serve('remote', mirrored);
    // The packs of before go as soon as it is there.
    while (packsIn('remote', 'spool').length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    files.waiting = body('waiting');
    Object.assign(remote, { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey });
    await put(remote, 'waiting', files.waiting);
    await run('remote', mirrored, ['jobs', 'start', 'mirror', '--wait']);
    const fine = await doctor('remote', mirrored);
    expect(fine('mirror').detail).to.match(/^s3:\/\/home\/mirror\/ at http:\S+: [1-9]\d* packs, 0 to be copied yet$/);
    expect(fine('packs and rows').detail).to.match(/^(\d+) of \1 /);
    const made = await run('remote', env, ['backup', '--to', at('backups-remote'), '--include-key', '--verify']);
    expect(made.verified.faults).to.deep.equal([]);
    await remote.kill();
    rmSync(join(at('remote'), 'spool', 'cache'), { recursive: true });
    rmSync(join(at('remote'), 'postgres'), { recursive: true });

    expect(await run('remote', env, ['export', '--offline', '--to', at('out-remote')])).to.deep.include({
      files: 3,
      failed: 0,
      stores: [],
    });
    expect(await run('remote', env, ['rebuild-index'])).to.deep.include({ mended: 0, missing: 0, hurtCount: 0, stores: [] });

    // Its owner may still run: a copy beside it takes nothing of it, and who says that it is gone gets it as a whole.
    const beside = await run('remote-taken', env, ['restore', '--from', at('backups-remote')], 1);
    expect(beside.stderr).to.contain('belongs to an installation that may still run').and.contain('--take-over');
    expect(existsSync(join(at('remote-taken'), 'packs'))).to.equal(false);
    const taken = await run('remote-taken', env, ['restore', '--take-over', '--from', at('backups-remote')]);
    expect(taken).to.include({ missing: 0, hurtCount: 0 });
    const heir = await serve('remote-taken', env);
    await expectFiles(heir, keys, files);
    await heir.stop();
    const late = await cloudstore(['serve', '--port', '0', '--s3-port', '0'], {
      env: { CLOUDSTORE_DATA_DIR: at('remote'), ...env },
    });
    expect(late.code).to.equal(1);
    expect(late.stderr).to.contain('is a store that the database does not know');

    const restored = await run('remote-restored', {}, ['restore', '--from', at('backups-remote')]);
    expect(restored).to.include({ missing: 0, hurtCount: 0 });
    const second = await serve('remote-restored', {});
    await expectFiles(second, keys, files);
    await second.stop();
    await disks.stop();
    const silent = await doctor('remote-taken', env, 1);
    expect(silent('store 1').detail).to.contain('does not answer');
    expect(silent('chunk store')).to.include({ status: 'fail' });
    expect((await doctor('remote-taken', {}, 1))('store 1').detail).to.contain('chunks-url is not set');
  });
});
