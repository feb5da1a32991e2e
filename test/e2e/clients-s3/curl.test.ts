import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { requireProgram } from '../../support/programs.ts';
import { type ClientsRig, clientsRig } from '../../support/s3-clients.ts';

describe('curl at the S3 door', function () {
  this.timeout(60_000);
  requireProgram('curl');
  let rig: ClientsRig;
  before(async () => {
    rig = await clientsRig('curl');
  });

  it('puts and gets by its own SigV4', async function () {
    if (!execFileSync('curl', ['--help', 'all'], { encoding: 'utf8' }).includes('--aws-sigv4')) this.skip();
    const { gateway, tree, home } = rig;
    const signed = [
      ...['-sS', '--fail', '--aws-sigv4', 'aws:amz:us-east-1:s3', '-u', `${gateway.accessKeyId}:${gateway.secretAccessKey}`],
      ...['-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD'],
    ];
    await rig.run('curl', [...signed, '-X', 'PUT', `${gateway.s3Url}/curl-bucket`]);
    await rig.run('curl', [...signed, '-T', join(tree, 'large.bin'), `${gateway.s3Url}/curl-bucket/large.bin`]);
    await rig.run('curl', [...signed, '-o', join(home, 'back'), `${gateway.s3Url}/curl-bucket/large.bin`]);
    expect(readFileSync(join(home, 'back')).equals(readFileSync(join(tree, 'large.bin')))).to.equal(true);
  });
});
