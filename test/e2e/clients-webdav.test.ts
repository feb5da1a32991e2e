import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { requireProgram } from '../support/programs.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';

interface Ran {
  code: number;
  output: string;
}

describe('WebDAV clients', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let directory: string;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-webdav-clients-'));
    gateway = await startGateway();
    const machine = new URL(gateway.webdavUrl).hostname;
    writeFileSync(join(directory, '.netrc'), `machine ${machine} login ${gateway.user} password ${gateway.password}\n`, {
      mode: 0o600,
    });
  });
  after(async () => {
    await gateway?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  function run(program: string, args: string[], input = ''): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const options = { cwd: directory, env: { ...process.env, HOME: directory, LANG: 'C.UTF-8' }, maxBuffer: 1 << 26 };
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') reject(error);
        else resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr });
      });
      // A program that reads no input may be gone before it is offered any.
      child.stdin?.on('error', (error: NodeJS.ErrnoException) => error.code === 'EPIPE' || reject(error));
      child.stdin?.end(input);
    });
  }

  describe('litmus', () => {
    requireProgram('litmus');

    const suites = ['basic', 'copymove', 'props', 'locks', 'http'];
    for (const where of ['a bucket’s root', 'a folder', 'a folder that another shares']) {
      it(`passes every test without a warning, in ${where}`, async () => {
        const bucket = `${gateway.webdavUrl}${gateway.bucket}/`;
        const owner = ['-sf', '-u', `${gateway.user}:${gateway.password}`];
        const json = ['-H', 'content-type: application/json', '-d'];
        let [url, user, password] = [bucket, gateway.user, gateway.password];
        if (where !== 'a bucket’s root') {
          url = `${bucket}inner/`;
          await run('curl', [...owner, '-X', 'MKCOL', url]);
        }
        if (where === 'a folder that another shares') {
          [url, user, password] = [`${gateway.webdavUrl}Shared/inner/`, 'ed', 'a long password'];
          const made = JSON.stringify({ name: user, role: 'member', password });
          expect((await run('curl', [...owner, ...json, made, `${gateway.restUrl}/users`])).code).to.equal(0);
          const granted = JSON.stringify({ kind: 'user', name: user, role: 'editor' });
          const place = `${gateway.restUrl}/access/${gateway.bucket}/inner/`;
          expect((await run('curl', [...owner, '-X', 'PUT', ...json, granted, place])).code).to.equal(0);
        }
        // `-k` goes on after a failed suite, so that a report names all of them.
        const { output } = await run('env', [`TESTS=${suites.join(' ')}`, 'litmus', '-k', url, user, password]);
        const summaries = [...output.matchAll(/summary for `(\w+)': of (\d+) tests run: (\d+) passed, (\d+) failed/g)];
        expect(summaries.map((match) => match[1])).to.deep.equal(suites);
        for (const [text, , all, passed] of summaries) expect(passed, `${text}\n${output}`).to.equal(all);
        expect(summaries.reduce((sum, match) => sum + Number(match[2]), 0)).to.be.at.least(104);
        expect(output).not.to.match(/WARNING|SKIPPED|warnings? (was|were) issued/);
      });
    }
  });

  describe('cadaver', () => {
    requireProgram('cadaver');

    it('makes a folder, writes, lists, locks, sets properties, moves, copies, reads and removes', async () => {
      const bytes = randomBytes(3_000_000);
      writeFileSync(join(directory, 'photo.bin'), bytes);
      const script = [
        'mkcol album',
        'cd album',
        'put photo.bin',
        'lock photo.bin',
        'discover photo.bin',
        'propset photo.bin color blue',
        'propget photo.bin color',
        'unlock photo.bin',
        'move photo.bin moved.bin',
        'copy moved.bin copied.bin',
        'ls',
        'get copied.bin back.bin',
        'cd ..',
        'rmcol album',
        'ls',
      ];
      const { output } = await run('cadaver', [`${gateway.webdavUrl}${gateway.bucket}/`], `${script.join('\n')}\n`);
      expect(output).not.to.match(/failed|error/i);
      expect(output).to.match(/Value of color is: blue/);
      expect(output).to.match(/copied\.bin +3000000[\s\S]*moved\.bin +3000000/);
      expect(readFileSync(join(directory, 'back.bin')).equals(bytes)).to.equal(true);
      expect(output.slice(output.indexOf('rmcol album')).match(/Coll: +album/)).to.equal(null);
    });
  });

  describe('rclone', () => {
    requireProgram('rclone');

    /** Nextcloud's vendor knows the dialect's path only, where the user's home is the root. */
    async function remote(vendor: string): Promise<string> {
      const url = vendor === 'nextcloud' ? `${gateway.webUrl}/remote.php/dav/files/${gateway.user}/` : gateway.webdavUrl;
      const { output } = await run('rclone', ['obscure', gateway.password]);
      return `:webdav,url='${url}',vendor=${vendor},user=${gateway.user},pass=${output.trim()}:`;
    }
    const rclone = (...args: string[]): Promise<Ran> => run('rclone', ['--config', '/dev/null', '--retries', '1', ...args]);

    before(() => {
      const tree = join(directory, 'tree');
      mkdirSync(join(tree, 'with space', 'ünïcode', '日本語'), { recursive: true });
      mkdirSync(join(tree, 'empty folder'));
      writeFileSync(join(tree, 'empty'), '');
      writeFileSync(join(tree, 'with space', 'ünïcode', 'a b#%?&+.txt'), 'hello\n');
      writeFileSync(join(tree, 'with space', 'ünïcode', '日本語', "it's [1] (2).bin"), randomBytes(100_000));
      writeFileSync(join(tree, 'large.bin'), randomBytes(12_000_000));
      for (let i = 0; i < 30; i++) writeFileSync(join(tree, 'with space', `small ${i}`), `${i}`);
    });

    for (const vendor of ['other', 'owncloud', 'nextcloud']) {
      it(`copies a tree there and back byte for byte (vendor ${vendor})`, async () => {
        const at = `${await remote(vendor)}${vendor === 'nextcloud' ? '' : `${gateway.bucket}/`}${vendor}`;
        const copied = await rclone('copy', '--create-empty-src-dirs', 'tree', at);
        expect(copied.code, copied.output).to.equal(0);
        const checked = await rclone('check', '--download', 'tree', at);
        expect(checked.output).to.match(/0 differences found/);
        const back = join(directory, `back-${vendor}`);
        expect((await rclone('copy', '--create-empty-src-dirs', at, back)).code).to.equal(0);
        expect((await run('diff', ['-r', 'tree', back])).output).to.equal('');
        const again = await rclone('copy', '-v', 'tree', at);
        expect(again.output, 'nothing is copied twice').not.to.match(/Copied \(/);
        const moved = await rclone('moveto', `${at}/with space`, `${at}/moved folder`);
        expect(moved.code, moved.output).to.equal(0);
        expect((await rclone('lsf', `${at}/moved folder/ünïcode`)).output).to.equal('a b#%?&+.txt\n日本語/\n');
        expect((await rclone('purge', at)).code).to.equal(0);
        expect((await rclone('lsf', at)).output).to.match(/not found/);
      });
    }

    it('keeps the times of files for ownCloud’s dialect (X-OC-Mtime)', async () => {
      writeFileSync(join(directory, 'dated'), 'x');
      await run('touch', ['-d', '2020-02-03T04:05:06Z', 'dated']);
      const at = `${await remote('owncloud')}${gateway.bucket}`;
      expect((await rclone('copy', 'dated', at)).code).to.equal(0);
      expect((await run('env', ['TZ=UTC', 'rclone', '--config', '/dev/null', 'lsl', `${at}/dated`])).output).to.match(
        /2020-02-03 04:05:06/,
      );
    });

    for (const vendor of ['owncloud', 'nextcloud']) {
      it(`carries by --checksum what looks the same but for its bytes (vendor ${vendor})`, async () => {
        const at = `${await remote(vendor)}${vendor === 'nextcloud' ? '' : `${gateway.bucket}/`}summed ${vendor}`;
        const write = async (name: string, content: string): Promise<void> => {
          mkdirSync(join(directory, 'summed'), { recursive: true });
          writeFileSync(join(directory, 'summed', name), content);
          await run('touch', ['-d', '2020-02-03T04:05:06Z', `summed/${name}`]);
        };
        await write('f', 'one');
        await write('same', 'same');
        expect((await rclone('sync', 'summed', at)).code).to.equal(0);
        const checked = await rclone('check', 'summed', at);
        expect(checked.output)
          .to.match(/ 2 matching files/)
          .and.not.match(/could not be checked/);
        await write('f', 'two');
        const again = await rclone('sync', '--checksum', '-v', 'summed', at);
        expect(again.output)
          .to.match(/f: Copied/)
          .and.not.match(/same: Copied/);
        expect((await rclone('cat', `${at}/f`)).output).to.equal('two');
        await run('touch', ['-d', '2021-02-03T04:05:06Z', 'summed/f']);
        expect((await rclone('sync', 'summed', at)).code).to.equal(0);
        expect((await rclone('check', 'summed', at)).output)
          .to.match(/ 2 matching files/)
          .and.not.match(/could not be checked/);
      });
    }

    it('sees the buckets at the top', async () => {
      expect((await rclone('lsd', await remote('other'))).output).to.include(` ${gateway.bucket}\n`);
    });
  });

  describe('curl', () => {
    requireProgram('curl');

    it('sends a body only after 100 Continue, and resumes a download', async () => {
      const url = `${gateway.webdavUrl}${gateway.bucket}/resumed.bin`;
      const login = `${gateway.user}:${gateway.password}`;
      const bytes = randomBytes(2_000_000);
      writeFileSync(join(directory, 'resumed.bin'), bytes);
      const put = await run('curl', ['-sv', '-u', login, '-H', 'Expect: 100-continue', '-T', 'resumed.bin', url]);
      expect(put.output).to.match(/< HTTP\/1\.1 100 Continue[\s\S]*< HTTP\/1\.1 201/);
      const wrong = await run('curl', [
        '-sv',
        '-u',
        `${gateway.user}:wrong`,
        '-H',
        'Expect: 100-continue',
        '-T',
        'resumed.bin',
        url,
      ]);
      expect(wrong.output)
        .to.match(/< HTTP\/1\.1 401/)
        .and.not.match(/100 Continue/);
      writeFileSync(join(directory, 'part.bin'), bytes.subarray(0, 700_000));
      expect((await run('curl', ['-sf', '-u', login, '-C', '-', '-o', 'part.bin', url])).code).to.equal(0);
      expect(readFileSync(join(directory, 'part.bin')).equals(bytes)).to.equal(true);
    });

    if (LONG) {
      it('carries a file of 5 GiB there and back', async () => {
        const file = join(directory, 'five');
        const seed = randomBytes(1 << 20);
        // Each MiB another one, so that none can take the place of another.
        const handle = await open(file, 'w');
        for (let i = 0; i < 5120; i++) {
          seed.writeUInt32BE(i, 0);
          await handle.write(seed);
        }
        await handle.close();
        const url = `${gateway.webdavUrl}${gateway.bucket}/five`;
        const login = `${gateway.user}:${gateway.password}`;
        expect((await run('curl', ['-sf', '-u', login, '-T', file, url])).code).to.equal(0);
        const head = await run('curl', ['-sfI', '-u', login, url]);
        expect(head.output).to.match(/Content-Length: 5368709120\r/i);
        const back = await run('sh', ['-c', `curl -sf -u "${login}" "${url}" | cmp - five`]);
        expect([back.code, back.output]).to.deep.equal([0, '']);
        const tail = await run('sh', ['-c', `curl -sf -u "${login}" -r -1048576 "${url}" | cmp - five 0 5367660544`]);
        expect([tail.code, tail.output]).to.deep.equal([0, '']);
      }).timeout(3_600_000);
    }
  });
});
