import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { startProcess } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';

const long = process.env.CLOUDSTORE_TEST_LONG === '1';

/** Nextcloud's own client keeps two folders in sync through us. */
describe('nextcloudcmd', function () {
  this.timeout(long ? 1_800_000 : 240_000);
  requireProgram('nextcloudcmd');
  let gateway: TestGateway;
  let home: string;
  const at = (folder: string, path = ''): string => join(home, folder, path);
  before(async () => {
    gateway = await startGateway();
    home = mkdtempSync(join(tmpdir(), 'cloudstore-nextcloudcmd-'));
    for (const folder of ['a', 'b']) mkdirSync(at(folder));
  });
  after(async () => {
    await gateway?.stop();
    if (home !== undefined) rmSync(home, { recursive: true, force: true });
  });

  /** Runs the client once; `until` ends it the hard way when its log says so. */
  async function run(
    folder: string,
    { until, args = [] }: { until?: RegExp; args?: string[] } = {},
  ): Promise<{ code: number | null; log: string }> {
    const login = ['--non-interactive', '-u', gateway.user, '-p', gateway.password];
    const child = startProcess('nextcloudcmd', [...login, ...args, at(folder), gateway.webUrl], {
      env: { HOME: home, LANG: 'C.UTF-8' },
    });
    let log = '';
    const hear = (chunk: Buffer): void => {
      log += chunk;
      if (until?.test(log)) child.kill('SIGKILL');
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.stdin?.end();
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, log };
  }

  async function sync(...folders: string[]): Promise<string> {
    let logs = '';
    for (const folder of folders) {
      const { code, log } = await run(folder);
      expect(code, log.slice(-4000)).to.equal(0);
      logs += log;
    }
    return logs;
  }

  function write(folder: string, path: string, content: string | Buffer): void {
    mkdirSync(dirname(at(folder, path)), { recursive: true });
    writeFileSync(at(folder, path), content);
  }

  /** What is in a folder, without the client's own database. */
  function tree(folder: string): Map<string, string> {
    const out = new Map<string, string>();
    for (const entry of readdirSync(at(folder), { recursive: true, withFileTypes: true })) {
      const path = relative(at(folder), join(entry.parentPath, entry.name));
      if (/^\.(sync|_sync|owncloud|nextcloud)/.test(path)) continue;
      out.set(path, entry.isDirectory() ? 'folder' : readFileSync(at(folder, path)).toString('base64'));
    }
    return new Map([...out].sort());
  }

  const expectSame = (): void => {
    const [a, b] = [tree('a'), tree('b')];
    expect([...a.keys()]).to.deep.equal([...b.keys()]);
    for (const [path, content] of a) expect(b.get(path) === content, path).to.equal(true);
  };

  it('carries new files and folders, deep ones and odd names, from one to the other', async () => {
    write('a', 'hello.txt', 'hello');
    write('a', 'empty', '');
    write('a', `${Array.from({ length: 20 }, (_, i) => `level ${i}`).join('/')}/bottom`, 'deep');
    mkdirSync(at('a', 'empty folder'));
    const names = [
      'a b#%&+;=@!$,(){}[]^~`',
      "it's",
      'ünïcode',
      '日本語',
      '👍',
      'e\u0301',
      '%41',
      'two  spaces',
      '.hidden',
      'a.b.c',
    ];
    for (const name of names) {
      write('a', `odd/${name}`, name);
      write('a', `odd folders/${name}/inside ${name}`, name);
    }
    await sync('a', 'b');
    expectSame();
    for (const name of names) expect(readFileSync(at('b', `odd/${name}`), 'utf8')).to.equal(name);
  });

  it('carries changes, renames and removals both ways', async () => {
    write('a', 'hello.txt', 'changed, and longer');
    write('b', 'from b/new', 'of b');
    await sync('a', 'b', 'a');
    expectSame();
    expect(readFileSync(at('b', 'hello.txt'), 'utf8')).to.equal('changed, and longer');
    renameSync(at('a', 'hello.txt'), at('a', 'odd/renamed.txt'));
    renameSync(at('a', 'odd folders'), at('a', 'renamed folder'));
    const moved = await sync('a', 'b');
    expectSame();
    expect(moved, 'a rename moves nothing but names').not.to.match(/"(PUT|GET)" .*inside/);
    expect(existsSync(at('b', 'odd folders'))).to.equal(false);
    rmSync(at('b', 'renamed folder'), { recursive: true });
    rmSync(at('b', 'odd/renamed.txt'));
    await sync('b', 'a');
    expectSame();
    expect(existsSync(at('a', 'renamed folder'))).to.equal(false);
  });

  it('keeps both where both sides changed', async () => {
    write('a', 'both.txt', 'the first');
    await sync('a', 'b');
    write('a', 'both.txt', 'what a wrote meanwhile');
    write('b', 'both.txt', 'what b wrote, which is longer');
    await sync('a', 'b');
    const found = readdirSync(at('b')).filter((name) => name.startsWith('both'));
    expect(found).to.have.length(2);
    const texts = found.map((name) => readFileSync(at('b', name), 'utf8'));
    expect(texts).to.have.members(['what a wrote meanwhile', 'what b wrote, which is longer']);
    expect(readFileSync(at('b', 'both.txt'), 'utf8')).to.equal('what a wrote meanwhile');
    for (const name of found) if (name !== 'both.txt') rmSync(at('b', name));
    await sync('b', 'a');
    expectSame();
  });

  it('fetches files of any time: of one that it does not take, with the nearest', async () => {
    const authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
    const times = { past: '-18489600', epoch: '0', soon: '0.5', usual: '1600000000', future: '4294967295', far: '100000000000' };
    for (const [name, time] of Object.entries(times)) {
      const headers = { authorization, 'x-oc-mtime': time };
      const put = await fetch(`${gateway.webdavUrl}home/of ${name}`, { method: 'PUT', headers, body: name });
      expect([put.status, put.headers.get('x-oc-mtime')]).to.deep.equal([201, 'accepted']);
    }
    await sync('a', 'b', 'a');
    expectSame();
    for (const name of Object.keys(times)) expect(readFileSync(at('b', `of ${name}`), 'utf8')).to.equal(name);
    const seconds = (name: string) => statSync(at('b', `of ${name}`)).mtimeMs / 1000;
    expect(Object.keys(times).map(seconds)).to.deep.equal([1, 1, 1, 1_600_000_000, 4_294_967_294, 4_294_967_294]);
    const kept = await fetch(`${gateway.webdavUrl}home/of past`, { method: 'HEAD', headers: { authorization } });
    expect(kept.headers.get('last-modified')).to.equal('Sun, 01 Jun 1969 00:00:00 GMT');
  });

  const CHUNK_SENT = /networkjob\.put[^\n]*uploads[^\n]*FINISHED WITH STATUS "OK"/;

  it('sends a large file in parts, and goes on where it was killed', async () => {
    write('a', 'large.bin', randomBytes(45_000_000));
    const killed = await run('a', { until: CHUNK_SENT });
    expect(killed.code, 'it was killed in the middle').not.to.equal(0);
    const log = await sync('a');
    expect(log, 'it asks what is there').to.match(/"PROPFIND" [^\n]*uploads\//);
    expect(log.match(new RegExp(CHUNK_SENT, 'g'))?.length ?? 0, 'parts are not sent again').to.be.lessThan(5);
    await sync('b');
    expectSame();
    appendFileSync(at('b', 'large.bin'), 'and a tail');
    await sync('b', 'a');
    expectSame();
  });

  it(`keeps ${long ? 2000 : 150} small files in sync`, async () => {
    for (let i = 0; i < (long ? 2000 : 150); i++) write('a', `small/${i % 10}/file ${i}`, randomBytes(4096));
    await sync('a', 'b');
    expectSame();
    const idle = await sync('b', 'a');
    expect(idle, 'nothing more to do').not.to.match(/"(PUT|GET)" /);
  });

  if (long) {
    it('carries a file of 500 MB, killed twice on the way', async () => {
      write('a', 'huge.bin', Buffer.alloc(500_000_000, randomBytes(1_000_003)));
      // Parts become larger as they go well, so there are few of them.
      for (const time of ['first', 'second']) {
        const killed = await run('a', { until: CHUNK_SENT });
        expect(killed.code, `killed in the middle, the ${time} time`).not.to.equal(0);
      }
      await sync('a', 'b');
      expect(readFileSync(at('a', 'huge.bin')).equals(readFileSync(at('b', 'huge.bin')))).to.equal(true);
    });
  }
});
