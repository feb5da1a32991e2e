import { accessSync, chmodSync, chownSync, constants, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { startGateway } from '../support/gateway.ts';
import { cloudstore, ROOT, runProcess } from '../support/process.ts';

const NOBODY = 65_534;

describe('the gateway as an ordinary user', function () {
  this.timeout(120_000);
  let directory: string;
  before(async function () {
    if (process.platform !== 'linux') this.skip();
    if (process.getuid?.() !== 0) {
      console.log('      skipped: every other test already runs as an ordinary user');
      this.skip();
    }
    if (!reachableByOthers(ROOT) || !reachableByOthers(process.execPath)) {
      console.log(`      skipped: other users cannot reach ${ROOT}`);
      this.skip();
    }
  });
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-user-'));
    chownSync(directory, NOBODY, NOBODY);
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('serves from a private directory of its own', async () => {
    const gateway = await startGateway({ dataDir: join(directory, 'data'), uid: NOBODY, gid: NOBODY });
    expect((await fetch(`${gateway.webUrl}/readyz`)).status).to.equal(200);
    expect(statSync(join(directory, 'data')).mode & 0o777).to.equal(0o700);
    expect(statSync(join(directory, 'data', 'first-run.json')).uid).to.equal(NOBODY);
    expect(await gateway.stop()).to.equal(0);
  });

  it('says in one line that it may not write', async () => {
    const data = join(directory, 'data');
    mkdirSync(data);
    chmodSync(data, 0o755);
    const env = { CLOUDSTORE_DATA_DIR: data, CLOUDSTORE_PORT: '0', CLOUDSTORE_S3_PORT: '0' };
    const { code, stderr } = await cloudstore(['serve'], { env, uid: NOBODY, gid: NOBODY });
    expect(code).to.equal(1);
    expect(stderr.trim().split('\n')).to.have.length(1);
    expect(stderr).to.contain(data).and.contain('not writable').and.contain('CLOUDSTORE_DATA_DIR');
  });

  it('says in one line that the disk is full', async function () {
    const mount = join(directory, 'small');
    mkdirSync(mount);
    const mounted = await runProcess('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', mount]);
    if (mounted.code !== 0) {
      console.log('      skipped: this machine lets nobody mount a small file system');
      this.skip();
    }
    try {
      const env = { CLOUDSTORE_DATA_DIR: join(mount, 'data'), CLOUDSTORE_PORT: '0', CLOUDSTORE_S3_PORT: '0' };
      const { code, stderr } = await cloudstore(['serve'], { env });
      expect(code).to.equal(1);
      expect(stderr.trim().split('\n'), stderr).to.have.length(1);
      expect(stderr).to.contain('full');
    } finally {
      await runProcess('umount', ['-l', mount]);
    }
  });
});

function reachableByOthers(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    accessSync(at, constants.F_OK);
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (dirname(at) === at) return true;
  }
}
