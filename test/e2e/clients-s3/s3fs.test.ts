import {
  accessSync,
  appendFileSync,
  constants,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { leaveOut, requireProgram } from '../../support/programs.ts';
import { type ClientsRig, clientsRig, noise } from '../../support/s3-clients.ts';

describe('s3fs at the S3 door', function () {
  this.timeout(120_000);
  let rig: ClientsRig;
  let mount = '';

  before(async function () {
    requireProgram(this, 's3fs', 'fusermount');
    try {
      accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    } catch {
      // The one thing that a machine of CI may lack.
      if (process.env.CLOUDSTORE_TEST_REQUIRE_ALL === '1') this.skip();
      leaveOut(this, 'there is no /dev/fuse');
    }
    rig = await clientsRig('s3fs');
    const passwd = join(rig.home, 'passwd');
    writeFileSync(passwd, `${rig.gateway.accessKeyId}:${rig.gateway.secretAccessKey}\n`, { mode: 0o600 });
    await rig.run('curl', [
      ...[
        '-sS',
        '--fail',
        '--aws-sigv4',
        'aws:amz:us-east-1:s3',
        '-u',
        `${rig.gateway.accessKeyId}:${rig.gateway.secretAccessKey}`,
      ],
      ...['-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD', '-X', 'PUT', `${rig.gateway.s3Url}/s3fs-bucket`],
    ]);
    const path = join(rig.home, 'mount');
    mkdirSync(path);
    const options = `passwd_file=${passwd},url=${rig.gateway.s3Url},use_path_request_style,endpoint=us-east-1,multipart_size=10,parallel_count=2`;
    await rig.run('s3fs', ['s3fs-bucket', path, '-o', options]);
    mount = path;
  });
  after(async () => {
    if (mount !== '') await rig.run('fusermount', ['-u', mount]);
  });

  it('writes, reads and lists files and folders', () => {
    mkdirSync(join(mount, 'dir'));
    writeFileSync(join(mount, 'dir', 'ä b'), 'hello');
    writeFileSync(join(mount, 'empty'), '');
    expect(readdirSync(mount).sort()).to.deep.equal(['dir', 'empty']);
    expect(readFileSync(join(mount, 'dir', 'ä b'), 'utf8')).to.equal('hello');
    expect(statSync(join(mount, 'empty')).size).to.equal(0);
  });

  it('keeps a large file that it sends in parts, and changes a part of it', () => {
    const bytes = noise(25 << 20, 9);
    writeFileSync(join(mount, 'large'), bytes);
    expect(readFileSync(join(mount, 'large')).equals(bytes)).to.equal(true);
    appendFileSync(join(mount, 'large'), 'tail');
    expect(readFileSync(join(mount, 'large')).equals(Buffer.concat([bytes, Buffer.from('tail')]))).to.equal(true);
  });

  it('renames, copies and removes', () => {
    writeFileSync(join(mount, 'old'), 'x');
    renameSync(join(mount, 'old'), join(mount, 'new'));
    copyFileSync(join(mount, 'new'), join(mount, 'copy'));
    renameSync(join(mount, 'dir'), join(mount, 'folder'));
    expect(readFileSync(join(mount, 'folder', 'ä b'), 'utf8')).to.equal('hello');
    rmSync(join(mount, 'folder'), { recursive: true });
    rmSync(join(mount, 'copy'));
    expect(readdirSync(mount).sort()).to.deep.equal(['empty', 'large', 'new']);
  });
});
