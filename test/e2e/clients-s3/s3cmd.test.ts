import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { requireProgram } from '../../support/programs.ts';
import { type ClientsRig, clientsRig, digestTree } from '../../support/s3-clients.ts';

describe('s3cmd at the S3 door', function () {
  this.timeout(120_000);
  requireProgram('s3cmd');
  let rig: ClientsRig;
  const options = (): string[] => {
    const { host } = new URL(rig.gateway.s3Url);
    return [
      `--host=${host}`,
      `--host-bucket=${host}`,
      '--no-ssl',
      `--access_key=${rig.gateway.accessKeyId}`,
      `--secret_key=${rig.gateway.secretAccessKey}`,
      '--no-progress',
    ];
  };
  const s3cmd = (...args: string[]): Promise<string> => rig.run('s3cmd', [...options(), ...args]);
  const attempt = (...args: string[]) => rig.attempt('s3cmd', [...options(), ...args]);

  before(async () => {
    rig = await clientsRig('s3cmd');
    await s3cmd('mb', 's3://s3cmd');
  });
  after(() => rig && s3cmd('rb', '--recursive', '--force', 's3://s3cmd'));

  it('syncs a tree in and back, in parts where it is large', async () => {
    await s3cmd('sync', '--multipart-chunk-size-mb=5', `${rig.tree}/`, 's3://s3cmd/in/');
    expect(await s3cmd('sync', '--dry-run', `${rig.tree}/`, 's3://s3cmd/in/')).to.not.contain('upload:');
    await s3cmd('sync', 's3://s3cmd/in/', `${join(rig.home, 'back')}/`);
    expect(digestTree(join(rig.home, 'back'))).to.deep.equal(digestTree(rig.tree));
  });

  it('asks everything of a bucket and an object', async () => {
    expect(await s3cmd('info', 's3://s3cmd'))
      .to.contain('Location:')
      .and.contain('s3://s3cmd');
    expect(await s3cmd('info', 's3://s3cmd/in/empty')).to.contain('MD5 sum:');
    expect(await s3cmd('du', 's3://s3cmd/in/')).to.match(/\d+/);
  });

  it('copies, moves, changes headers and removes', async () => {
    await s3cmd('cp', 's3://s3cmd/in/one', 's3://s3cmd/copy one');
    await s3cmd('mv', 's3://s3cmd/copy one', 's3://s3cmd/moved one');
    await s3cmd('modify', '--add-header=x-amz-meta-color: red', 's3://s3cmd/moved one');
    expect(await s3cmd('info', 's3://s3cmd/moved one')).to.match(/color:\s+red/);
    await s3cmd('rm', 's3://s3cmd/moved one');
    expect(await s3cmd('ls', 's3://s3cmd')).to.not.contain('moved');
  });

  it('sets a policy, sees it, and takes it away', async () => {
    const Statement = [{ Effect: 'Deny', Principal: '*', Action: 's3:DeleteObject', Resource: 'arn:aws:s3:::s3cmd/in/*' }];
    const path = join(rig.home, 'policy.json');
    writeFileSync(path, JSON.stringify({ Version: '2012-10-17', Statement }));
    await s3cmd('setpolicy', path, 's3://s3cmd');
    expect(await s3cmd('info', 's3://s3cmd')).to.contain('arn:aws:s3:::s3cmd/in/*');
    expect((await attempt('rm', 's3://s3cmd/in/one')).stderr).to.contain('403');
    await s3cmd('delpolicy', 's3://s3cmd');
    expect(await s3cmd('info', 's3://s3cmd')).to.match(/Policy:\s+none/);
  });

  it('signs URLs by version 2, which open what they name until they end', async () => {
    const signed = async (key: string, ends: string): Promise<string> =>
      (await s3cmd('signurl', `s3://s3cmd/in/${key}`, ends)).trim();
    const url = await signed('one', '+600');
    expect(url).to.contain('AWSAccessKeyId=');
    expect(await (await fetch(url)).text()).to.equal('1');
    expect(await (await fetch(await signed('a+b & c=d?#%41.txt', '+600'))).text()).to.equal('plus');
    expect((await fetch(url, { method: 'DELETE' })).status).to.equal(403);
    expect((await fetch(url.replace('/one?', '/empty?'))).status).to.equal(403);
    expect((await fetch(await signed('one', String(Math.floor(Date.now() / 1000) - 1)))).status).to.equal(403);
  });

  it('goes on by version 4 where it was told to sign requests by version 2, which is off by default', async () => {
    const { code, stdout, stderr } = await attempt('--debug', '--signature-v2', 'ls', 's3://s3cmd/in/one');
    expect([code, stdout.includes('s3://s3cmd/in/one')], stderr).to.deep.equal([0, true]);
    expect(stderr).to.contain('AWS4-HMAC-SHA256');
  });

  it('sets CORS, lifecycle and expiry', async () => {
    const file = (name: string, text: string): string => {
      const path = join(rig.home, name);
      writeFileSync(path, text);
      return path;
    };
    const cors =
      '<CORSConfiguration><CORSRule><AllowedOrigin>http://a.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>';
    await s3cmd('setcors', file('cors.xml', cors), 's3://s3cmd');
    expect(await s3cmd('info', 's3://s3cmd')).to.contain('http://a.example');
    await s3cmd('delcors', 's3://s3cmd');
    const lifecycle =
      '<LifecycleConfiguration><Rule><ID>r</ID><Prefix>logs/</Prefix><Status>Enabled</Status><Expiration><Days>7</Days></Expiration></Rule></LifecycleConfiguration>';
    await s3cmd('setlifecycle', file('lifecycle.xml', lifecycle), 's3://s3cmd');
    expect(await s3cmd('getlifecycle', 's3://s3cmd')).to.contain('logs/');
    await s3cmd('dellifecycle', 's3://s3cmd');
    await s3cmd('expire', '--expiry-days=3', '--expiry-prefix=tmp/', 's3://s3cmd');
    expect(await s3cmd('getlifecycle', 's3://s3cmd')).to.contain('tmp/');
    await s3cmd('dellifecycle', 's3://s3cmd');
  });

  it('makes a website, shows and ends it', async () => {
    await s3cmd('ws-create', '--ws-index=index.html', '--ws-error=error.html', 's3://s3cmd');
    expect(await s3cmd('ws-info', 's3://s3cmd')).to.contain('index.html');
    await s3cmd('ws-delete', 's3://s3cmd');
  });
});
