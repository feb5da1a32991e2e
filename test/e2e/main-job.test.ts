import { createHash } from 'node:crypto';
import { createReadStream, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { type Finished, MAIN, NODE_ARGS, ROOT, runProcess } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';
import { HARD_NAMES, LARGE, listTree, makeRealTree, NAMES, type TreeFile } from '../support/real-tree.ts';

/** rclone takes NFC and NFD of one name for the same file unless told; the store never does. */
const RCLONE = '--no-unicode-normalization --transfers 16 --checkers 16 --retries 1 --low-level-retries 2'.split(' ');
/** rclone sends WebDAV no more than 100 requests a second, so several of them read side by side. */
const WEBDAV_READERS = 6;

describe('the main job: a PC’s files in over S3, out over WebDAV', function () {
  this.timeout(900_000);
  requireProgram('rclone', 'restic', 'cadaver');
  let gateway: TestGateway;
  let home: string;
  let tree: string;
  let files: TreeFile[];
  let bytes: number;
  let growth = '';
  const steps: string[] = [];

  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'cloudstore-main-job-'));
    tree = join(home, 'tree');
    await timed('make', () => makeRealTree(tree));
    files = listTree(tree);
    bytes = files.reduce((sum, { size }) => sum + size, 0);
    gateway = await startGateway();
    await configureRclone();
  });
  after(async () => {
    await gateway?.stop();
    if (home !== undefined) rmSync(home, { recursive: true, force: true });
    if (files !== undefined)
      console.log(`      ${files.length} files, ${bytes} bytes; seconds: ${steps.join(', ')}; second copy: ${growth}`);
  });

  it('the tree is what it should be', () => {
    expect(files.length).to.be.at.least(20_000);
    expect(files.find(({ name }) => name === LARGE)?.size).to.be.greaterThan(2 ** 31);
    for (const name of Object.values(HARD_NAMES)) expect(existsSync(join(tree, name)), name).to.equal(true);
  });

  it('rclone copies the tree in through S3, and finds no difference', async () => {
    await timed('S3 in', () => rclone('copy', tree, 'cloud:home/tree'));
    // By size and MD5; the bytes themselves are read over WebDAV below.
    expect(await timed('S3 check', () => check('cloud:home/tree', []))).to.equal(files.length);
  });

  it('a second copy of the same bytes adds less than 2 % of them', async () => {
    // Snapshots come every few minutes: with one on either side, the second copy is counted with its own, and the first one's is not.
    // The one before is a base, or the changes of the first copy would make one due in the midst of the second on a slow machine.
    await takeSnapshot('--base');
    const before = usedBytes(gateway.dataDir);
    // Without the HEAD that follows each PUT: the listing below tells that all is there.
    await timed('S3 in again', () => rclone('copy', '--s3-no-head', tree, 'cloud:home/again'));
    await takeSnapshot();
    const after = usedBytes(gateway.dataDir);
    const added = { files: after.files - before.files, database: after.database - before.database };
    const part = (added.files + added.database) / bytes;
    const megabytes = (count: number): string => `${(count / 1e6).toFixed(1)} MB`;
    growth = `${(part * 100).toFixed(2)} % (packs and snapshots ${megabytes(added.files)}, database ${megabytes(added.database)})`;
    expect(part, growth).to.be.lessThan(0.02);
    expect(await listing('cloud:home/again')).to.deep.equal(files);
  });

  it('WebDAV lists the same tree, and reads every byte of it', async () => {
    await timed('WebDAV list', async () => expect(await listing('drive:home/tree')).to.deep.equal(files));
    await timed('WebDAV check', async () => {
      const read = await Promise.all(
        shares(files, WEBDAV_READERS).map((share) => check('drive:home/tree', ['--download', ...share])),
      );
      expect(read.reduce((sum, count) => sum + count, 0)).to.equal(files.length);
    });
    const back = join(home, 'back');
    await timed('WebDAV out', () => rclone('copy', `drive:home/tree/${NAMES}/Ünïcode`, back));
    expect(await digests(back)).to.deep.equal(await digests(join(tree, NAMES, 'Ünïcode')));
    rmSync(back, { recursive: true });
  });

  it('cadaver lists a folder, and gets hard names and the large file', async () => {
    const machine = new URL(gateway.webdavUrl).hostname;
    await writeFile(join(home, '.netrc'), `machine ${machine} login ${gateway.user} password ${gateway.password}\n`, {
      mode: 0o600,
    });
    const names = [...Object.values(HARD_NAMES), LARGE];
    const gets = names.map((name, index) => `get "${name}" got-${index}`);
    const script = ['cd tree', `ls ${NAMES}`, ...gets, 'quit'];
    const { stdout } = await timed('cadaver', () =>
      run('cadaver', [`${gateway.webdavUrl}home/`], { input: `${script.join('\n')}\n` }),
    );
    expect(stdout)
      .to.match(/Coll: +a folder with spaces/)
      .and.match(/with {2}two spaces, and & more #1 100%\.txt +1800 /);
    for (const [index, name] of names.entries()) {
      expect(await digest(join(home, `got-${index}`)), name).to.equal(await digest(join(tree, name)));
      rmSync(join(home, `got-${index}`));
    }
  });

  it('restic backs up through S3, checks all it stored, and restores the same', async () => {
    const env = {
      ...s3Keys(),
      RESTIC_PASSWORD: 'test',
      RESTIC_REPOSITORY: `s3:${gateway.s3Url}/restic`,
      RESTIC_CACHE_DIR: join(home, 'cache'),
    };
    const restic = (...args: string[]): Promise<Finished> => run('restic', args, { env });
    await restic('init');
    await timed('restic backup', () => restic('backup', '--exclude', join(tree, LARGE), tree));
    await timed('restic check', () => restic('check', '--read-data'));
    const restored = join(home, 'restored');
    await timed('restic restore', () => restic('restore', 'latest', '--target', restored));
    const wanted = await digests(tree, (name) => name !== LARGE);
    expect(await digests(join(restored, tree))).to.deep.equal(wanted);
    rmSync(restored, { recursive: true });
  });

  it('REST shows the same listing as S3', async () => {
    const overRest = await timed('REST list', () => listOverRest('tree/'));
    expect(overRest).to.deep.equal(await timed('S3 list', () => listing('cloud:home/tree')));
    expect(overRest).to.deep.equal(files);
  });

  it('README’s first example works as it is printed', async () => {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const printed = /^```sh\n(.*?)^```/ms.exec(readme)?.[1] ?? '';
    const user = join(home, 'user');
    mkdirSync(user);
    const script = printed
      .replaceAll('http://127.0.0.1:9000', gateway.s3Url)
      .replaceAll('http://127.0.0.1:9001', gateway.webUrl)
      .replaceAll(/\b(KEY|SECRET|PASSWORD)\b/g, (name) => secrets()[name] ?? name);
    expect(script).to.contain('rclone').and.contain('restic').and.not.contain(':9000');
    await run('cp', ['-a', join(tree, NAMES, 'a folder with spaces'), join(user, 'Documents')]);
    const env = { HOME: user, RCLONE_CONFIG: join(user, 'rclone.conf'), RESTIC_PASSWORD: 'test' };
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { env });
    expect(stdout)
      .to.match(/ 1\/zażółć-\d+\.bin$/m)
      .and.contain('no errors were found');
    const { stdout: left } = await run('rclone', [...RCLONE, 'lsf', 'cloud:home/']);
    expect(left.split('\n')).to.include('Documents/');
  });

  /** By the commands of the README. */
  async function configureRclone(): Promise<void> {
    const { KEY, SECRET, PASSWORD } = secrets();
    const s3 = ['provider=Other', `endpoint=${gateway.s3Url}`, `access_key_id=${KEY}`, `secret_access_key=${SECRET}`];
    await run('rclone', ['config', 'create', 'cloud', 's3', ...s3]);
    const webdav = [`url=${gateway.webdavUrl}`, 'vendor=other', `user=${gateway.user}`, `pass=${PASSWORD}`];
    await run('rclone', ['config', 'create', '--obscure', 'drive', 'webdav', ...webdav]);
  }

  const secrets = (): Record<string, string> => ({
    KEY: gateway.accessKeyId,
    SECRET: gateway.secretAccessKey,
    PASSWORD: gateway.password,
  });
  const s3Keys = (): Record<string, string> => ({
    AWS_ACCESS_KEY_ID: gateway.accessKeyId,
    AWS_SECRET_ACCESS_KEY: gateway.secretAccessKey,
  });

  async function rclone(...args: string[]): Promise<Finished> {
    return run('rclone', [...RCLONE, ...args]);
  }

  /** Both sides read and compared byte by byte; a file that one side lacks is a difference too. Gives how many are equal. */
  async function check(remote: string, options: string[]): Promise<number> {
    const { stderr } = await rclone('check', ...options, tree, remote);
    expect(stderr).to.match(/ 0 differences found/);
    return Number(/ (\d+) matching files/.exec(stderr)?.[1]);
  }

  async function takeSnapshot(...flags: string[]): Promise<void> {
    await run(process.execPath, [...NODE_ARGS, MAIN, 'snapshot', ...flags, '--data-dir', gateway.dataDir]);
  }

  async function listing(remote: string): Promise<TreeFile[]> {
    const { stdout } = await rclone('lsf', '--recursive', '--files-only', '--format', 'sp', '--separator', ' ', remote);
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => ({ name: line.slice(line.indexOf(' ') + 1), size: Number.parseInt(line, 10) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async function listOverRest(prefix: string): Promise<TreeFile[]> {
    const found: TreeFile[] = [];
    const authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query = `recursive=true&limit=1000${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
      const answer = await fetch(`${gateway.restUrl}/files/home/${prefix}?${query}`, { headers: { authorization } });
      expect(answer.status).to.equal(200);
      const page = (await answer.json()) as { entries: { kind: string; key: string; size: number }[]; next: string | null };
      for (const { kind, key, size } of page.entries) if (kind === 'file') found.push({ name: key.slice(prefix.length), size });
      cursor = page.next;
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** In a clean environment: no profile and no variable of the machine's owner. @throws unless the program ends with 0 */
  async function run(
    command: string,
    args: string[],
    { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {},
  ): Promise<Finished> {
    const clean = Object.keys(process.env).filter((name) => /^(AWS|RCLONE|RESTIC)_/.test(name));
    const finished = await runProcess('env', [...clean.flatMap((name) => ['-u', name]), command, ...args], {
      cwd: home,
      env: { HOME: home, LANG: 'C.UTF-8', RCLONE_CONFIG: join(home, 'rclone.conf'), ...env },
      input,
    });
    const said = `${command} ${args.join(' ')}\n${finished.stdout.slice(-2_000)}\n${finished.stderr.slice(-4_000)}`;
    expect(finished.code, said).to.equal(0);
    return finished;
  }

  async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    const result = await work();
    steps.push(`${name} ${((performance.now() - begun) / 1000).toFixed(1)}`);
    return result;
  }
});

/** Splits the tree by its upper folders into rclone's filters of about the same work. */
function shares(files: TreeFile[], count: number): string[][] {
  const units = new Map<string, number>();
  for (const { name, size } of files) {
    const [top = '', second, ...below] = name.split('/');
    let filter = second === undefined ? `/${top}` : `/${top}/*`;
    if (below.length > 0) filter = `/${top}/${second}/**`;
    units.set(filter, (units.get(filter) ?? 0) + 1 + size / 100_000);
  }
  const out = Array.from({ length: count }, () => ({ work: 0, filters: [] as string[] }));
  for (const [filter, work] of [...units].sort((a, b) => b[1] - a[1])) {
    const least = out.reduce((a, b) => (b.work < a.work ? b : a));
    least.work += work;
    least.filters.push('--include', filter.replaceAll(/[?[\]{}\\]/g, '\\$&'));
  }
  return out.map(({ filters }) => filters).filter((filters) => filters.length > 0);
}

/**
 * What the data directory takes of the disk: allocated blocks of every file, so that a pack that is longer than what was written
 * to it counts for what was written. The database counts with tables, indexes, dead rows and free space; of all the
 * directory only pg_wal is left out, which is a ring that Postgres reuses and whose size says nothing about what was stored.
 */
function usedBytes(dataDir: string): { files: number; database: number } {
  const below = (directory: string): number =>
    readdirSync(directory, { withFileTypes: true })
      .filter(({ name }) => name !== 'pg_wal')
      .reduce(
        (sum, entry) => sum + (entry.isDirectory() ? below(join(directory, entry.name)) : blocksOf(join(directory, entry.name))),
        0,
      );
  const all = below(dataDir);
  const database = below(join(dataDir, 'postgres'));
  return { files: all - database, database };
}

/** Postgres may remove a file while we look. */
function blocksOf(path: string): number {
  return (lstatSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}

/** Small files at once: a stream for each of 20,000 takes longer than their bytes. */
async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  if (lstatSync(path).size <= 1 << 20) hash.update(readFileSync(path));
  else await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

async function digests(root: string, wanted: (name: string) => boolean = () => true): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const { name } of listTree(root)) if (wanted(name)) out[name] = await digest(join(root, name));
  return out;
}
