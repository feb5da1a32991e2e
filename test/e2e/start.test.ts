import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { postmasterPid, startGateway } from '../support/gateway.ts';
import { ROOT, runProcess } from '../support/process.ts';

describe('the ways to start', function () {
  this.timeout(120_000);
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-start-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('npm start: a signal to npm reaches the gateway, which ends in order', async () => {
    const gateway = await startGateway({ dataDir: join(directory, 'data'), command: ['npm', 'start'] });
    const server = postmasterPid(gateway.dataDir);
    expect(server).not.to.equal(null);
    gateway.process.kill('SIGTERM');
    await once(gateway.process, 'exit');
    // npm may be gone a moment before what it started.
    while (postmasterPid(gateway.dataDir) !== null) await sleep(50);
    expect(gateway.process.exitCode).to.equal(0);
  });

  it('the published package: dist runs below node_modules, started by the launcher', async () => {
    const built = await runProcess(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      'scripts/build.ts',
      join(directory, 'dist'),
    ]);
    expect(built.code, built.stderr).to.equal(0);
    // As npm lays it out: types are not stripped here, so nothing but plain JavaScript may be left.
    const home = join(directory, 'node_modules', 'cloudstore');
    cpSync(join(directory, 'dist'), join(home, 'dist'), { recursive: true });
    cpSync(join(ROOT, 'bin'), join(home, 'bin'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(home, 'package.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(home, 'node_modules'));
    expect(existsSync(join(home, 'src'))).to.equal(false);
    const launcher = join(home, 'bin', 'cloudstore.js');
    const printed = await runProcess(process.execPath, [launcher, 'config', 'print', '--json'], {
      cwd: directory,
      env: { XDG_DATA_HOME: directory },
    });
    expect(JSON.parse(printed.stdout)['data-dir'].value).to.equal(join(directory, 'cloudstore'));
    const gateway = await startGateway({ dataDir: join(directory, 'data'), command: [process.execPath, launcher, 'serve'] });
    expect((await fetch(`${gateway.webUrl}/readyz`)).status).to.equal(200);
    expect(await gateway.stop()).to.equal(0);
  });
});
