import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { createClient } from 'webdav';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { startProcess } from '../support/process.ts';
import { leaveOut, requireProgram } from '../support/programs.ts';

/** Drives as file managers and programs mount them. */
describe('WebDAV mounts', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let directory: string;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-webdav-mounts-'));
    chmodSync(directory, 0o755); // davfs2 looks after its cache as another group
    gateway = await startGateway();
  });
  after(async () => {
    await gateway?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  function run(program: string, args: string[], input = ''): Promise<{ code: number; output: string }> {
    return new Promise((resolve, reject) => {
      const options = { cwd: directory, env: { ...process.env, HOME: directory, LANG: 'C.UTF-8' }, timeout: 60_000 };
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') reject(error);
        else resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr });
      });
      child.stdin?.on('error', (error: NodeJS.ErrnoException) => error.code === 'EPIPE' || reject(error));
      child.stdin?.end(input);
    });
  }

  const stored = async (path: string): Promise<string> => {
    const { output } = await run('curl', [
      '-sf',
      '-u',
      `${gateway.user}:${gateway.password}`,
      `${gateway.webdavUrl}${gateway.bucket}/${path}`,
    ]);
    return output;
  };

  describe('davfs2', () => {
    requireProgram('mount.davfs', 'umount', 'curl');

    it('writes, makes folders, renames, reads and removes on a mounted drive', async function () {
      if (!existsSync('/dev/fuse') || process.getuid?.() !== 0) return withoutFuse(this);
      const mounted = join(directory, 'mounted');
      const cache = join(directory, 'cache');
      for (const path of [mounted, cache]) mkdirSync(path);
      const group = (await run('getent', ['group', 'davfs2'])).output.split(':')[2];
      chownSync(cache, 0, Number(group));
      chmodSync(cache, 0o1775);
      const url = `${gateway.webdavUrl}${gateway.bucket}`;
      writeFileSync(join(directory, 'secrets'), `${url} ${gateway.user} ${gateway.password}\n`, { mode: 0o600 });
      const config = `secrets ${join(directory, 'secrets')}\nask_auth 0\ncache_dir ${cache}\ndelay_upload 0\n`;
      writeFileSync(join(directory, 'davfs2.conf'), config, { mode: 0o600 });
      const mount = await run('mount.davfs', ['-o', `conf=${join(directory, 'davfs2.conf')}`, url, mounted]);
      if (/\/dev\/fuse|Operation not permitted/.test(mount.output)) return withoutFuse(this);
      expect(mount.code, mount.output).to.equal(0);
      try {
        const bytes = randomBytes(300_000);
        writeFileSync(join(mounted, 'a file.bin'), bytes);
        mkdirSync(join(mounted, 'folder'));
        writeFileSync(join(mounted, 'folder/text'), 'first');
        writeFileSync(join(mounted, 'folder/text'), 'second');
        renameSync(join(mounted, 'folder/text'), join(mounted, 'folder/renamed'));
        writeFileSync(join(mounted, 'gone'), 'x');
        unlinkSync(join(mounted, 'gone'));
        expect(readFileSync(join(mounted, 'a file.bin')).equals(bytes)).to.equal(true);
        expect(statSync(join(mounted, 'folder/renamed')).size).to.equal(6);
      } finally {
        await run('umount', [mounted]); // waits until all is sent
      }
      expect(await stored('folder/renamed')).to.equal('second');
      expect((await stored('a%20file.bin')).length).to.be.greaterThan(0);
      expect(
        (
          await run('curl', [
            '-s',
            '-o',
            '/dev/null',
            '-w',
            '%{http_code}',
            '-u',
            `${gateway.user}:${gateway.password}`,
            `${url}/gone`,
          ])
        ).output,
      ).to.equal('404');
    });
  });

  describe('rclone mount', () => {
    requireProgram('rclone', 'umount');

    it('writes, makes folders, renames, reads and removes, and the gateway has then what the drive shows', async function () {
      if (!existsSync('/dev/fuse') || process.getuid?.() !== 0) return withoutFuse(this);
      const mounted = join(directory, 'rclone');
      mkdirSync(mounted);
      const own = statSync(mounted).dev;
      const { output: pass } = await run('rclone', ['obscure', gateway.password]);
      const remote = `:webdav,url='${gateway.webdavUrl}${gateway.bucket}',vendor=owncloud,user=${gateway.user},pass=${pass.trim()}:`;
      const options = ['--config', '/dev/null', '--cache-dir', join(directory, 'rclone-cache'), '--vfs-cache-mode', 'writes'];
      const child = startProcess('rclone', ['mount', ...options, '--vfs-write-back', '0s', remote, mounted]);
      let said = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
      const ended = once(child, 'close');
      while (child.exitCode === null && statSync(mounted).dev === own) await sleep(50);
      if (/\/dev\/fuse|Operation not permitted/.test(said)) return withoutFuse(this);
      expect(child.exitCode, said).to.equal(null);
      const bytes = randomBytes(300_000);
      /** What the gateway has there: the file's text, or why there is none. */
      const stored = async (path: string): Promise<string> => {
        const authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
        const answer = await fetch(`${gateway.webdavUrl}${gateway.bucket}/by-rclone/${path}`, { headers: { authorization } });
        const body = Buffer.from(await answer.arrayBuffer());
        return answer.ok ? body.toString('latin1') : `status ${answer.status}`;
      };
      /** What is closed is sent behind it; what is changed while it is sent is rclone's own affair. */
      const sent = async (path: string, what: string): Promise<void> => {
        // Sooner than the test's own time is up, so that the drive is taken away again.
        const until = performance.now() + 60_000;
        while ((await stored(path)) !== what) {
          if (performance.now() > until) throw new Error(`${path} does not come: ${said}`);
          await sleep(20);
        }
      };
      try {
        const at = (path: string): string => join(mounted, 'by-rclone', path);
        await mkdir(at('folder'), { recursive: true });
        await writeFile(at('a file.bin'), bytes);
        await sent('a%20file.bin', bytes.toString('latin1'));
        for (const text of ['first', 'second']) {
          await writeFile(at('folder/text'), text);
          await sent('folder/text', text);
        }
        await rename(at('folder/text'), at('folder/renamed'));
        await rename(at('folder'), at('moved'));
        await sent('moved/renamed', 'second');
        expect((await readFile(at('a file.bin'))).equals(bytes)).to.equal(true);
        expect(await readFile(at('moved/renamed'), 'utf8')).to.equal('second');
        await rm(at('a file.bin'));
        expect(await readdir(at(''))).to.deep.equal(['moved']);
      } finally {
        await run('umount', [mounted]);
        await ended;
      }
      expect(await stored('moved/renamed'), said).to.equal('second');
      for (const path of ['a%20file.bin', 'folder/text', 'folder/renamed', 'moved/text'])
        expect((await stored(path)).slice(0, 20), path).to.equal('status 404');
    });
  });

  describe('gvfs', () => {
    requireProgram('gio', 'gdbus', 'dbus-run-session', 'curl');

    it('mounts, lists, copies, moves folders with and without a slash, and removes', async function () {
      const daemon = ['/usr/libexec/gvfsd', '/usr/lib/gvfs/gvfsd'].find((path) => existsSync(path));
      if (daemon === undefined) leaveOut(this, 'gvfsd is not installed');
      const at = `${gateway.webdavUrl.replace(/^http/, 'dav')}${gateway.bucket}`;
      writeFileSync(join(directory, 'sent'), 'by gio');
      const script = [
        `${daemon} --no-fuse & daemon=$!`,
        'gdbus wait --session --timeout 30 org.gtk.vfs.Daemon',
        `printf '%s\\n' "$1" "$2" | gio mount ${at}/`,
        'set -e',
        `gio mkdir ${at}/made`,
        `gio copy sent ${at}/made/first`,
        `gio list -l ${at}/made`,
        `gio move ${at}/made/first "${at}/made/a%20second"`,
        `gio cat "${at}/made/a%20second"`,
        `gio rename ${at}/made renamed`,
        `gio copy "${at}/renamed/a%20second" ${at}/copied`,
        `gio info ${at}/renamed/a%20second`,
        `gio remove "${at}/renamed/a%20second" ${at}/renamed`,
        `gio list ${at}/`,
        'kill $daemon',
        'echo all done',
      ];
      writeFileSync(join(directory, 'script'), script.join('\n'));
      const { output } = await run('dbus-run-session', ['--', 'sh', 'script', gateway.user, gateway.password]);
      expect(output)
        .to.match(/first\t6\t\(regular\)/)
        .and.match(/by gio/)
        .and.match(/size:\s+6/);
      expect(output, output.slice(-2000)).to.match(/all done/);
      expect(output.slice(output.lastIndexOf('size:')))
        .to.match(/^copied$/m)
        .and.not.match(/^renamed$/m);
      expect(await stored('copied')).to.equal('by gio');
    });
  });

  it('the webdav package of npm does all that it offers', async () => {
    const client = createClient(`${gateway.webdavUrl}${gateway.bucket}`, { username: gateway.user, password: gateway.password });
    await client.createDirectory('/npm/a b/ü', { recursive: true });
    expect(await client.putFileContents('/npm/a b/ü/file.txt', 'hello')).to.equal(true);
    expect(await client.putFileContents('/npm/a b/ü/file.txt', 'again', { overwrite: false })).to.equal(false);
    expect(await client.getFileContents('/npm/a b/ü/file.txt', { format: 'text' })).to.equal('hello');
    await client.partialUpdateFileContents('/npm/a b/ü/file.txt', 1, 3, 'EEE');
    expect(await client.getFileContents('/npm/a b/ü/file.txt', { format: 'text' })).to.equal('hEEEo');
    await client.copyFile('/npm/a b', '/npm/copy');
    await client.moveFile('/npm/copy', '/npm/moved');
    const found = await client.getDirectoryContents('/npm/moved/ü');
    expect(Array.isArray(found) ? found.map(({ basename, size }) => [basename, size]) : found).to.deep.equal([['file.txt', 5]]);
    const stat = await client.stat('/npm/moved/ü/file.txt');
    expect(stat).to.include({ type: 'file', size: 5, basename: 'file.txt' });
    const lock = await client.lock('/npm/moved/ü/file.txt');
    const refused = await client
      .putFileContents('/npm/moved/ü/file.txt', 'x')
      .catch((error: { status?: number }) => error.status);
    expect(refused).to.equal(423);
    await client.unlock('/npm/moved/ü/file.txt', lock.token);
    expect(await client.exists('/npm/none')).to.equal(false);
    const parts: Buffer[] = [];
    const stream = client.createReadStream('/npm/moved/ü/file.txt', {
      range: { start: 1, end: 3 },
    }) as unknown as AsyncIterable<Buffer>; // a Node stream, by a type of its own
    for await (const part of stream) parts.push(part);
    expect(Buffer.concat(parts).toString()).to.equal('EEE');
    await client.deleteFile('/npm');
    expect(await client.exists('/npm')).to.equal(false);
  });
});

/** The one thing that an ordinary container cannot give; it is left out also where all else is asked for. */
function withoutFuse(context: Mocha.Context): never {
  console.log('      skipped: drives are mounted by root, where there is /dev/fuse');
  return context.skip();
}
