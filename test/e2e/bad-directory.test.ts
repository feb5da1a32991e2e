import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { assertUsable, fileSystemWarnings } from '#data-directory-state';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore, ROOT } from '../support/process.ts';

/** Every file with its bytes, mode and owner; what a lock and its note are is nobody's loss. */
function treeOf(root: string, below = ''): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const name of readdirSync(join(root, below))) {
    const path = join(below, name);
    if (['lock', 'owner.json', 'postgres.log'].includes(path) || path.startsWith('postgres')) continue;
    const found = lstatSync(join(root, path));
    tree[path] = `${found.mode} ${found.uid} ${found.isFile() ? readFileSync(join(root, path)).toString('base64') : ''}`;
    if (found.isDirectory()) Object.assign(tree, treeOf(root, path));
  }
  return tree;
}

describe('a data directory that is not as it should be', function () {
  this.timeout(240_000);
  let good: string;
  let work: string;
  const dirs: string[] = [];
  before(async () => {
    good = mkdtempSync(join(tmpdir(), 'cloudstore-good-'));
    dirs.push(good);
    const gateway = await startGateway({ dataDir: good });
    const basic = Buffer.from(`admin:${gateway.password}`).toString('base64');
    for (const size of [3_000, 40_000]) {
      const body = new Uint8Array(Buffer.from(Array.from({ length: size }, (_, n) => (n * 7919) % 251)));
      await fetch(`${gateway.restUrl}/files/home/file-${size}`, {
        method: 'PUT',
        body,
        headers: { authorization: `Basic ${basic}` },
      });
    }
    await gateway.stop();
  });
  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), 'cloudstore-bad-'));
    dirs.push(work);
    cpSync(good, work, { recursive: true, preserveTimestamps: true });
    // cp keeps no owners, and as root the database's server runs as another user.
    const owner = lstatSync(join(good, 'postgres'));
    for (const name of ['postgres', 'postgres-socket'])
      for (const path of ['', ...(readdirSync(join(work, name), { recursive: true }) as string[])])
        if (process.getuid?.() === 0) chownSync(join(work, name, path), owner.uid, owner.gid);
    chmodSync(join(work, 'postgres'), 0o700);
  });
  afterEach(() => rmSync(work, { recursive: true, force: true }));
  after(() => {
    for (const directory of dirs) rmSync(directory, { recursive: true, force: true });
  });

  /** One sentence, exit code 1, and the tree is as it was, but for what is given back. */
  async function refused(words: string, env: Record<string, string> = {}, givenBack: string[] = []): Promise<void> {
    const before = treeOf(work);
    for (const path of givenBack) delete before[path];
    const ports = ['--port', '0', '--s3-port', '0'];
    const { code, stderr } = await cloudstore(['serve', '--data-dir', work, ...ports, '--log-level', 'error'], { env });
    expect(stderr).to.contain(words);
    expect(code, stderr).to.equal(1);
    const sentences = stderr.split('\n').filter((line) => line.startsWith('cloudstore: '));
    expect(sentences, stderr).to.have.length(1);
    expect(treeOf(work)).to.deep.equal(before);
  }

  async function doctor(env: Record<string, string> = {}): Promise<{
    ok: boolean;
    findings: { name: string; status: string; detail: string; advice?: string }[];
  }> {
    const { stdout, stderr } = await cloudstore(['doctor', '--json', '--data-dir', work], { env });
    expect(stdout, stderr).to.not.equal('');
    return JSON.parse(stdout);
  }

  /** @param ok whether that is only a warning */
  async function told(name: string, words: string, env: Record<string, string> = {}, fine = false): Promise<void> {
    const before = treeOf(work);
    const { ok, findings } = await doctor(env);
    expect(ok, JSON.stringify(findings)).to.equal(fine);
    expect(treeOf(work)).to.deep.equal(before);
    const finding = findings.find((one) => one.name === name);
    expect(finding?.detail, JSON.stringify(findings)).to.contain(words);
    expect(finding?.advice, JSON.stringify(finding)).to.be.a('string');
  }

  /** What the file system says of itself, simulated where node asks it: to mount such a one takes more than a test may do. */
  const onDisk = (kind: string): Record<string, string> => ({
    NODE_OPTIONS: `--import=${pathToFileURL(join(ROOT, 'test', 'support', 'bad-disk.ts'))} --disable-warning=ExperimentalWarning`,
    CLOUDSTORE_TEST_BAD_DISK: kind,
    CLOUDSTORE_TEST_BAD_DISK_PATH: work,
  });

  /** The answers of each door: to what is new, to what is read, and to what is removed. */
  async function whatGoes(gateway: TestGateway): Promise<{ new: number[]; read: number[]; removed: number[] }> {
    const { user, password, restUrl, webdavUrl, s3Url } = gateway;
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const bytes = new Uint8Array(200_000);
    const ask = async (
      method: string,
      url: string,
      more: Record<string, string> = {},
      body: Uint8Array<ArrayBuffer> | string | null = null,
    ) => {
      const answer = await fetch(url, { method, headers: { authorization, ...more }, body });
      await answer.arrayBuffer();
      return answer.status;
    };
    const s3 = async (method: string, key: string, body: Uint8Array<ArrayBuffer> | null = null) => {
      const answer = await fetch(presign(method, `${s3Url}/home/${key}`, gateway, new Date()), { method, body });
      await answer.arrayBuffer();
      return answer.status;
    };
    const dav = (name: string) => `${webdavUrl}home/${name}`;
    const properties = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x">y</x></prop></set></propertyupdate>';
    return {
      new: [
        await ask('PUT', `${restUrl}/files/home/new`, {}, bytes),
        await ask('PUT', `${restUrl}/files/home/small`, {}, 'small'),
        await s3('PUT', 'new', bytes),
        await ask('PUT', dav('new'), {}, bytes),
        await ask('MKCOL', dav('folder')),
        await ask('COPY', dav('file-3000'), { destination: dav('copied') }),
        await ask('MOVE', dav('file-3000'), { destination: dav('moved') }),
        await ask('PROPPATCH', dav('file-3000'), {}, properties),
      ],
      read: [
        await ask('GET', `${restUrl}/files/home/file-40000`),
        await s3('GET', 'file-40000'),
        await ask('GET', dav('file-40000')),
      ],
      removed: [await ask('DELETE', `${restUrl}/files/home/file-3000`), await s3('DELETE', 'file-40000')],
    };
  }

  it('half there: packs without a database, a database without packs', async () => {
    renameSync(join(work, 'packs'), join(work, 'away'));
    await refused('Is its disk mounted');
    await told('store 0', 'is not there');
    renameSync(join(work, 'away'), join(work, 'packs'));
    rmSync(join(work, 'postgres'), { recursive: true });
    await refused('holds packs and no database');
    await told('data directory state', 'holds packs and no database');
    const command = await cloudstore(['bucket', 'list'], { env: { CLOUDSTORE_DATA_DIR: work } });
    expect(command.code).to.equal(1);
    expect(command.stderr).to.contain('holds packs and no database');
    symlinkSync(join(work, 'not-mounted'), join(work, 'postgres'));
    await refused('behind a link ("postgres") that leads nowhere; mount');
    await told('data directory state', 'leads nowhere');
  });

  it('on a read-only file system (simulated)', async () => {
    await refused('lies on a file system that is read-only; mount it', onDisk('read-only'));
    await told('data directory', 'read-only', onDisk('read-only'));
  });

  it('on a full disk (simulated): nothing is left behind, and no database is started for a look', async () => {
    await refused('is full; free some space', onDisk('full'), ['reserve']);
    await told('disk full', '0 MiB of', onDisk('full'));
    expect(readdirSync(work)).to.not.include('owner.json.new');
  });

  it('on a network file system, and on one that folds case (simulated): it serves and says so', async () => {
    await told('file system', 'NFS', onDisk('network'), true);
    for (const [kind, words] of [
      ['network', 'lies on a network file system (NFS)'],
      ['folds-case', 'does not tell upper from lower case'],
    ] as const) {
      // The first one with less free than it is to keep: it reads and removes, and takes nothing new.
      const env = { ...onDisk(kind), ...(kind === 'network' ? { CLOUDSTORE_MIN_FREE: '900TiB' } : {}) };
      const gateway = await startGateway({ dataDir: work, env });
      if (kind === 'network')
        expect(await whatGoes(gateway)).to.deep.equal({
          new: [507, 507, 507, 507, 507, 507, 507, 507],
          read: [200, 200, 200],
          removed: [204, 204],
        });
      const said = gateway
        .output()
        .stderr.split('\n')
        .filter((line) => line.includes('The data directory'));
      expect(await gateway.stop()).to.equal(0);
      expect(said, gateway.output().stderr).to.have.length(1);
      expect(said[0]).to.contain(words);
    }
    await told('file system', 'upper from lower', onDisk('folds-case'), true);
  });

  it('a newer format', async () => {
    writeFileSync(join(work, 'format.json'), '{"format":7}\n');
    await refused('newer version of CloudStore');
    await told('data directory state', 'newer version');
    writeFileSync(join(work, 'format.json'), '{"format":1}\n');
    writeFileSync(join(work, 'postgres', 'PG_VERSION'), '17\n');
    await refused('17');
    await told('database files', 'made by Postgres 17');
  });

  it('another user, also for root', async function () {
    if (process.getuid?.() !== 0) this.skip(); // only root can give files away; as another user the directory is not readable
    for (const name of ['lock', 'master.key']) chownSync(join(work, name), 12_345, 12_345);
    await refused('belongs to user 12345');
    await told('data directory state', 'belongs to user 12345');
    const before = treeOf(work);
    for (const args of [['gc'], ['user', 'list'], ['snapshot'], ['master-key', 'rotate'], ['rebuild-index', '--force']]) {
      const { code, stderr } = await cloudstore(args, { env: { CLOUDSTORE_DATA_DIR: work } });
      expect(code, args.join(' ')).to.equal(1);
      expect(stderr, args.join(' ')).to.contain('belongs to user 12345');
    }
    expect(treeOf(work)).to.deep.equal(before);
  });

  it('no master key, a wrong one, one that is none', async () => {
    const path = join(work, 'master.key');
    const key = readFileSync(path);
    unlinkSync(path);
    await refused('The master key is missing');
    await told('master key', 'does not exist');
    writeFileSync(path, `${'ab'.repeat(32)}\n`, { mode: 0o600 });
    await refused('is not the one that the stored data was written with');
    await told('master key', 'is not the one');
    writeFileSync(path, 'hello', { mode: 0o600 });
    await refused('is not a master key');
    writeFileSync(path, key, { mode: 0o600 });
    expect((await doctor()).findings.filter(({ status }) => status === 'fail')).to.deep.equal([]);
  });

  it('a pack that is cut short, one that is missing, one that nobody knows: doctor names them, and scrub the files', async () => {
    const [pack] = readdirSync(join(work, 'packs')).filter((name) => name.endsWith('.pack')) as [string];
    const path = join(work, 'packs', pack);
    const before = (await doctor()).findings;
    expect(before.find(({ name }) => name === 'packs and rows')?.detail).to.contain('0 that nothing refers to');
    expect(before.find(({ name }) => name === 'scrub')?.detail).to.contain('never');
    cpSync(path, join(work, 'packs', `${'0f'.repeat(16)}.pack`));
    truncateSync(path, 2_000);
    await told('packs cut short', pack);
    expect((await doctor()).findings.find(({ name }) => name === 'packs and rows')?.detail).to.contain(
      '1 that nothing refers to',
    );
    const says = async (words: string): Promise<void> => {
      const gateway = await startGateway({ dataDir: work });
      while (!gateway.output().stderr.includes(words)) await sleep(50);
      expect(gateway.output().stderr).to.contain(`The pack ${pack.slice(0, 32)} is ${words}`);
      await gateway.stop();
    };
    await says('cut short');
    renameSync(path, join(work, 'elsewhere'));
    await says('missing');
    await told('packs missing', pack);
    const scrubbed = await cloudstore(['scrub', '--json', '--data-dir', work]);
    // The unknown one is a copy, which the rescue finds.
    expect([0, 3]).to.include(scrubbed.code);
  });

  it('a file system that is none to rely on is told in one sentence', async () => {
    const on = async (type: number, folds = false) =>
      fileSystemWarnings(work, { type: async () => type, foldsCase: async () => folds });
    expect(await on(0xef53)).to.deep.equal([]);
    for (const [type, word] of [
      [0x6969, 'NFS'],
      [0xff534d42, 'SMB'],
      [0x65735546, 'FUSE'],
      [0x4d44, 'FAT'],
    ] as const) {
      const [sentence, ...more] = await on(type);
      expect(more).to.deep.equal([]);
      expect(sentence).to.contain(word).and.contain('; move it to');
    }
    expect((await on(0xef53, true))[0]).to.contain('does not tell upper from lower case');
    expect(await fileSystemWarnings(work)).to.be.an('array');
  });

  it('an empty or absent one is fine', async () => {
    await assertUsable(join(work, 'absent'), true);
    await assertUsable(mkdtempSync(join(work, 'empty-')), true);
  });
});
