import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32c } from '@node-rs/crc32';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore, MAIN, NODE_ARGS, startProcess } from '../support/process.ts';
import { SEED, seededRandom } from '../support/random.ts';

/** Keys that are easy, and keys that no file system can carry. */
const FILES: Record<string, Buffer> = {
  'plain.txt': Buffer.from('a small one, in its row'),
  empty: Buffer.alloc(0),
  'photos/2026/one.jpg': seededRandom(`${SEED}-1`)(20_000),
  'photos/2026/two.jpg': seededRandom(`${SEED}-2`)(3_000_000),
  'text.log': Buffer.from('the same line again\n'.repeat(100_000)),
  a: Buffer.from('an object'),
  'a/b': Buffer.from('beside the folder of its name'),
  'a//c': Buffer.from('an empty segment'),
  '../up': Buffer.from('not above'),
  './here': Buffer.from('a dot'),
  'line\nbreak%0A': Buffer.from('control'),
  [`${'long-'.repeat(80)}name`]: seededRandom(`${SEED}-3`)(5_000),
  [`${'ü'.repeat(200)}/${'x'.repeat(300)}`]: Buffer.from('long segments'),
};
const MTIME = 1_700_000_000;

/** The database is gone, with the gateway and the server killed in their work: all that was in the last snapshot comes back. */
describe('a data directory without its database', function () {
  this.timeout(180_000);
  let directory: string;
  let dataDir: string;
  let gateway: TestGateway;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-offline-'));
    dataDir = join(directory, 'data');
    gateway = await startGateway({ dataDir });
    for (const [key, body] of Object.entries(FILES)) await put(gateway, key, body);
    await put(gateway, 'gone.txt', Buffer.from('removed again'));
    expect(await run(['snapshot', '--base'])).to.include({ length: 1 });
    // What comes behind the base is in dumps of changes.
    await put(gateway, 'plain.txt', Buffer.from('written over'));
    await put(gateway, 'later/new.bin', seededRandom(`${SEED}-4`)(70_000));
    const removed = await fetch(presign('DELETE', urlOf(gateway, 'gone.txt'), gateway, new Date()), { method: 'DELETE' });
    expect(removed.status).to.equal(204);
    FILES['plain.txt'] = Buffer.from('written over');
    FILES['later/new.bin'] = seededRandom(`${SEED}-4`)(70_000);
    expect((await run(['snapshot'])).length).to.be.greaterThan(1);
    await put(gateway, 'too-late', Buffer.from('after the last snapshot'));
    await gateway.kill();
    rmSync(join(dataDir, 'postgres'), { recursive: true });
  });
  after(async () => {
    if (gateway.process.exitCode === null && gateway.process.signalCode === null) await gateway.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  const run = async (args: string[], code = 0) => {
    const finished = await cloudstore([...args, '--json'], { env: { CLOUDSTORE_DATA_DIR: dataDir } });
    expect(finished.code, `${finished.stdout}\n${finished.stderr}`).to.equal(code);
    return finished.stdout === '' ? { stderr: finished.stderr } : JSON.parse(finished.stdout);
  };

  it('gives every file of the last snapshot back, with its time and under a name that says its key', async () => {
    const to = join(directory, 'out');
    const report = await run(['export', '--offline', '--to', to]);
    expect(report).to.include({ files: Object.keys(FILES).length, failed: 0 });
    expect(report.skipped).to.deep.equal([]);
    expectFiles(to, FILES);
    expect(readdirSync(to).sort()).to.deep.equal(['_files.jsonl', 'home']);
    expect(readFileSync(join(to, 'home', 'a%!'), 'utf8')).to.equal('an object');
    expect(readFileSync(join(to, 'home', 'photos/2026/one.jpg')).equals(FILES['photos/2026/one.jpg']!)).to.equal(true);
    const changed = filesIn(dataDir).filter((path) => path.includes('postgres'));
    expect(
      changed.filter((path) => !/postgres(\.log|-socket)/.test(path)),
      'no database was made',
    ).to.deep.equal([]);
  });

  it('goes on where it was killed, and writes over nothing', async () => {
    const to = join(directory, 'resumed');
    const child = startProcess(process.execPath, [...NODE_ARGS, MAIN, 'export', '--offline', '--to', to], {
      env: { CLOUDSTORE_DATA_DIR: dataDir },
    });
    // As soon as a file has its name.
    while (child.exitCode === null && !filesIn(directory).some((path) => path.startsWith(join(to, 'home')))) await sleep(2);
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const report = await run(['export', '--offline', '--to', to]);
    expect(report).to.include({ files: Object.keys(FILES).length, failed: 0 });
    expectFiles(to, FILES);
    const again = await cloudstore(['export', '--offline', '--to', to], { env: { CLOUDSTORE_DATA_DIR: dataDir } });
    expect(again.code).to.equal(1);
    expect(again.stderr).to.contain('not empty').and.contain('another directory');
  });

  it('tells what it could not have, and brings the rest', async () => {
    const packs = filesIn(join(dataDir, 'packs')).filter((path) => path.endsWith('.pack'));
    const path = packs.find((one) => readFileSync(one).includes('CSRC'))!;
    const bytes = readFileSync(path);
    const hurt = Buffer.from(bytes);
    // Somewhere in the first record's ciphertext.
    hurt[hurt.indexOf('CSRC') + 400]! ^= 1;
    writeFileSync(path, hurt);
    try {
      const to = join(directory, 'hurt');
      const report = await run(['export', '--offline', '--to', to], 3);
      expect(report.failed).to.be.at.least(1);
      expect(report.failures[0]).to.include.keys('bucket', 'key', 'why');
      const lost = new Set(report.failures.map(({ key }: { key: string }) => key));
      expectFiles(to, Object.fromEntries(Object.entries(FILES).filter(([key]) => !lost.has(key))), lost.size);
    } finally {
      writeFileSync(path, bytes);
    }
  });

  it('falls back to the snapshot before one that was cut short, and says so', async () => {
    const newest = filesIn(join(dataDir, 'snapshots')).sort().at(-1)!;
    const bytes = readFileSync(newest);
    writeFileSync(newest, bytes.subarray(0, bytes.length - 9));
    try {
      const to = join(directory, 'before');
      const report = await run(['export', '--offline', '--to', to], 3);
      expect(report.skipped[0].why).to.contain('damaged');
      expect(readFileSync(join(to, 'home', 'plain.txt'), 'utf8')).to.equal('a small one, in its row');
      expect(readFileSync(join(to, 'home', 'gone.txt'), 'utf8')).to.equal('removed again');
    } finally {
      writeFileSync(newest, bytes);
    }
  });

  it('says in a sentence that the key is missing, or another one, and that a bucket or snapshot is not there', async () => {
    const env = { CLOUDSTORE_DATA_DIR: dataDir };
    const to = join(directory, 'refused');
    const other = await cloudstore(['export', '--offline', '--to', to], {
      env: { ...env, CLOUDSTORE_MASTER_KEY: 'ab'.repeat(32) },
    });
    expect(other.code).to.equal(1);
    expect(other.stderr)
      .to.contain('another master key')
      .and.match(/^cloudstore: [^\n]+\n$/);
    const bucket = await cloudstore(['export', '--offline', '--bucket', 'nowhere', '--to', to], { env });
    expect(bucket.code).to.equal(4);
    const early = await cloudstore(['export', '--offline', '--at', '2001-01-01', '--to', to], { env });
    expect(early.code).to.equal(4);
    expect(early.stderr).to.contain('2001-01-01');
  });

  describe('and the gateway on what rebuild-index makes of it', () => {
    let report: { mended: number; missing: number; hurtCount: number; chunks: number };

    it('begins nothing anew by itself', async () => {
      const refused = await cloudstore(['serve'], {
        env: { CLOUDSTORE_DATA_DIR: dataDir, CLOUDSTORE_PORT: '0', CLOUDSTORE_S3_PORT: '0', CLOUDSTORE_LOG_LEVEL: 'error' },
      });
      expect(refused.code).to.equal(1);
      expect(refused.stderr)
        .to.contain('rebuild-index')
        .and.match(/^cloudstore: [^\n]+\n$/);
    });

    it('serves every file of the last snapshot, with its users and keys', async () => {
      report = await run(['rebuild-index']);
      expect(report).to.include({ missing: 0, hurtCount: 0 });
      expect(report.chunks).to.be.at.least(5);
      const before = gateway;
      gateway = await startGateway({ dataDir });
      expect(gateway.output().stdout).not.to.contain('first start');
      const token = await tokenOf({ ...gateway, user: before.user, password: before.password });
      for (const [key, body] of Object.entries(FILES)) {
        const answer = await fetch(`${gateway.restUrl}/files/home/${encodeURIComponent(key)}`, {
          headers: { authorization: `Bearer ${token}` },
        });
        expect(answer.status, key).to.equal(200);
        expect(hash(Buffer.from(await answer.arrayBuffer())), key).to.equal(hash(body));
      }
      const listed = await fetch(presign('GET', `${gateway.s3Url}/home?list-type=2`, before, new Date()));
      const text = await listed.text();
      expect(listed.status).to.equal(200);
      expect(text).to.contain('later/new.bin').and.not.contain('too-late').and.not.contain('gone.txt');
      await put(gateway, 'after.bin', seededRandom(`${SEED}-after`)(200_000));
      expect(await gateway.stop()).to.equal(0);
    });

    it('is not made anew over a database that works', async () => {
      const refused = await cloudstore(['rebuild-index'], { env: { CLOUDSTORE_DATA_DIR: dataDir } });
      expect(refused.code).to.equal(1);
      expect(refused.stderr).to.contain('--force');
    });

    it('takes the place of a database of another major version', async () => {
      const version = join(dataDir, 'postgres', 'PG_VERSION');
      writeFileSync(version, '17\n');
      const env = { CLOUDSTORE_DATA_DIR: dataDir, CLOUDSTORE_PORT: '0', CLOUDSTORE_S3_PORT: '0', CLOUDSTORE_LOG_LEVEL: 'error' };
      const refused = await cloudstore(['serve'], { env });
      expect(refused.code).to.equal(1);
      expect(refused.stderr).to.contain('Postgres 17').and.contain('rebuild-index');
      const moved = await run(['rebuild-index']);
      expect(readFileSync(join(moved.aside, 'PG_VERSION'), 'utf8')).to.equal('17\n');
      expect(moved).to.include({ missing: 0, hurtCount: 0 });
    });

    it('finds chunks where compaction has put them, and says which files lack one that is nowhere', async () => {
      // As after a compaction that the snapshot knows nothing of: the same records in a pack of another name.
      const packs = filesIn(join(dataDir, 'packs')).filter((path) => path.endsWith('.pack'));
      const from = packs.find((path) => readFileSync(path).includes('CSRC'))!;
      const bytes = readFileSync(from);
      const id = randomBytes(16);
      id.copy(bytes, 8);
      bytes.writeUInt32BE(crc32c(bytes.subarray(0, 60)), 60);
      rmSync(from);
      const to = join(dataDir, 'packs', `${id.toString('hex')}.pack`);
      writeFileSync(to, bytes);
      const moved = await run(['rebuild-index', '--force']);
      expect(moved.mended).to.be.at.least(1);
      expect(readdirSync(moved.aside)).to.include('PG_VERSION');
      expect(moved).to.include({ missing: 0, hurtCount: 0 });
      rmSync(to);
      const hurt = await run(['rebuild-index', '--force'], 3);
      expect(hurt.missing).to.be.at.least(1);
      expect(hurt.hurt[0]).to.include({ bucket: 'home', current: true });
      // Whoever brings the bytes again heals the file.
      gateway = await startGateway({ dataDir });
      const key = hurt.hurt.find((one: { current: boolean }) => one.current).key as string;
      const body = FILES[key] ?? seededRandom(`${SEED}-after`)(200_000);
      await put(gateway, key, body);
      const token = await tokenOf(gateway);
      const healed = await fetch(`${gateway.restUrl}/files/home/${encodeURIComponent(key)}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(hash(Buffer.from(await healed.arrayBuffer()))).to.equal(hash(body));
      await gateway.stop();
    });
  });
});

function urlOf({ s3Url, bucket }: TestGateway, key: string): string {
  return `${s3Url}/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;
}

/** Over REST, where a key may be any. */
async function put(gateway: TestGateway, key: string, body: Buffer): Promise<void> {
  const answer = await fetch(`${gateway.restUrl}/files/${gateway.bucket}/${encodeURIComponent(key)}`, {
    method: 'PUT',
    body: new Uint8Array(body),
    headers: { authorization: `Bearer ${await tokenOf(gateway)}`, 'x-mtime': String(MTIME * 1000) },
  });
  expect(answer.ok, `${key}: ${answer.status}`).to.equal(true);
}

async function tokenOf({ restUrl, user, password }: TestGateway): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${restUrl}/auth/login`, { method: 'POST', headers, body: JSON.stringify({ user, password }) });
  return JSON.parse(await answer.text()).accessToken;
}

interface Listed {
  bucket: string;
  key: string;
  path: string | null;
  size: number;
  mtime: string;
}

function expectFiles(to: string, files: Record<string, Buffer>, lost = 0): void {
  const listed: Listed[] = readFileSync(join(to, '_files.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(listed.length).to.equal(Object.keys(files).length + lost);
  for (const [key, body] of Object.entries(files)) {
    const entry = listed.find((one) => one.bucket === 'home' && one.key === key);
    expect(entry?.path, key).to.be.a('string');
    const path = join(to, entry!.path!);
    expect(hash(readFileSync(path)), key).to.equal(hash(body));
    expect(statSync(path).mtimeMs, key).to.equal(MTIME * 1000);
  }
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
