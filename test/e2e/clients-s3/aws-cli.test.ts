import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { requireProgram } from '../../support/programs.ts';
import { type ClientsRig, clientsRig, digestTree, filesBelow } from '../../support/s3-clients.ts';

describe('aws-cli at the S3 door', function () {
  this.timeout(120_000);
  requireProgram('aws');
  let rig: ClientsRig;
  const aws = (...args: string[]): Promise<string> => rig.run('aws', ['--endpoint-url', rig.gateway.s3Url, ...args], rig.aws);
  const api = async (...args: string[]): Promise<Record<string, never>> => {
    const said = await aws('s3api', '--output', 'json', ...args);
    return said.trim() === '' ? {} : JSON.parse(said);
  };
  const fails = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await rig.attempt('aws', ['--endpoint-url', rig.gateway.s3Url, ...args], rig.aws);
    expect(code).to.not.equal(0);
    return stderr;
  };

  before(async () => {
    rig = await clientsRig('aws-cli');
    await aws('s3', 'mb', 's3://awscli');
  });
  after(() => rig && aws('s3', 'rb', 's3://awscli', '--force'));

  it('syncs a tree in and back, and lists it', async () => {
    await aws('s3', 'sync', rig.tree, 's3://awscli/in', '--only-show-errors');
    expect((await aws('s3', 'ls', 's3://awscli/in/', '--recursive')).trim().split('\n').length).to.equal(
      filesBelow(rig.tree).length,
    );
    await aws('s3', 'sync', 's3://awscli/in', join(rig.home, 'back'), '--only-show-errors');
    expect(digestTree(join(rig.home, 'back'))).to.deep.equal(digestTree(rig.tree));
    expect(await aws('s3', 'sync', rig.tree, 's3://awscli/in', '--dryrun')).to.equal('');
  });

  it('presigns, copies, moves and removes', async () => {
    const url = (await aws('s3', 'presign', 's3://awscli/in/one')).trim();
    // In us-east-1 it signs URLs by version 2 unless it is told otherwise.
    expect(url).to.contain('AWSAccessKeyId=');
    expect(await (await fetch(url)).text()).to.equal('1');
    await aws('configure', 'set', 'default.s3.signature_version', 's3v4');
    const newer = (await aws('s3', 'presign', 's3://awscli/in/one')).trim();
    expect(newer).to.contain('X-Amz-Signature=');
    expect(await (await fetch(newer)).text()).to.equal('1');
    await aws('s3', 'cp', 's3://awscli/in/large.bin', 's3://awscli/copy.bin', '--only-show-errors');
    await aws('s3', 'mv', 's3://awscli/copy.bin', 's3://awscli/moved.bin', '--only-show-errors');
    expect(await aws('s3', 'ls', 's3://awscli/'))
      .to.contain('moved.bin')
      .and.not.contain('copy.bin');
    await aws('s3', 'rm', 's3://awscli/moved.bin', '--only-show-errors');
    expect(await fails('s3api', 'head-object', '--bucket', 'awscli', '--key', 'moved.bin')).to.contain('404');
  });

  it('sets documents of a bucket and reads them back', async () => {
    const bucket = ['--bucket', 'awscli'];
    const rules = [{ ID: 'r', Status: 'Enabled', Filter: { Prefix: 'tmp/' }, Expiration: { Days: 3 } }];
    await api('put-bucket-lifecycle-configuration', ...bucket, '--lifecycle-configuration', JSON.stringify({ Rules: rules }));
    expect((await api('get-bucket-lifecycle-configuration', ...bucket)).Rules).to.deep.equal(rules);
    await aws('s3', 'website', 's3://awscli', '--index-document', 'index.html', '--error-document', 'error.html');
    expect(await api('get-bucket-website', ...bucket)).to.deep.equal({
      IndexDocument: { Suffix: 'index.html' },
      ErrorDocument: { Key: 'error.html' },
    });
  });

  it('is told that there is no key management service', async () => {
    const put = ['s3', 'cp', join(rig.tree, 'one'), 's3://awscli/kms', '--sse', 'aws:kms', '--sse-kms-key-id', 'alias/mine'];
    expect(await fails(...put))
      .to.contain('NotImplemented')
      .and.to.contain('no key management service');
    expect(await fails('s3api', 'head-object', '--bucket', 'awscli', '--key', 'kms')).to.contain('404');
  });

  // A machine may have version 1 from Python's registry beside Debian's version 2; they sign, send checksums and page otherwise.
  it('works in the other version too, where the machine has both', async () => {
    const majorOf = async (program: string): Promise<string> => {
      const { stdout, stderr } = await rig.attempt(program, ['--version'], rig.aws);
      return /aws-cli\/(\d+)/.exec(stdout + stderr)?.[1] ?? '';
    };
    const other = '/usr/bin/aws';
    if (!existsSync(other) || (await majorOf(other)) === (await majorOf('aws'))) return;
    const by = (...args: string[]): Promise<string> =>
      rig.run(other, ['--endpoint-url', rig.gateway.s3Url, 's3', ...args], rig.aws);
    await by('sync', rig.tree, 's3://awscli/other', '--only-show-errors');
    await by('sync', 's3://awscli/other', join(rig.home, 'other'), '--only-show-errors');
    expect(digestTree(join(rig.home, 'other'))).to.deep.equal(digestTree(rig.tree));
    expect(await (await fetch((await by('presign', 's3://awscli/other/one')).trim())).text()).to.equal('1');
    await by('mv', 's3://awscli/other/large.bin', 's3://awscli/other/moved.bin', '--only-show-errors');
    expect(await by('ls', 's3://awscli/other/'))
      .to.contain('moved.bin')
      .and.not.contain('large.bin');
  });

  it('sees errors by their names', async () => {
    expect(await fails('s3', 'ls', 's3://no-such-bucket-here')).to.contain('NoSuchBucket');
    const wrong = { ...rig.aws, AWS_SECRET_ACCESS_KEY: 'wrong' };
    const { stderr } = await rig.attempt('aws', ['--endpoint-url', rig.gateway.s3Url, 's3', 'ls'], wrong);
    expect(stderr).to.contain('SignatureDoesNotMatch');
  });
});
