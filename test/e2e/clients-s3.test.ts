import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { runProcess } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';

describe('S3 clients', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let home: string;
  let tree: string;
  let env: Record<string, string>;

  before(async () => {
    gateway = await startGateway();
    home = mkdtempSync(join(tmpdir(), 'cloudstore-s3-clients-'));
    tree = join(home, 'tree');
    makeTree(tree);
    writeFileSync(join(home, 'rclone.conf'), '');
    // aws-cli presigns by signature version 2 for us-east-1 unless told.
    writeFileSync(join(home, 'aws.conf'), '[default]\ns3 =\n  signature_version = s3v4\n');
    env = {
      HOME: home,
      RCLONE_CONFIG: join(home, 'rclone.conf'),
      RCLONE_CONFIG_CS_TYPE: 's3',
      RCLONE_CONFIG_CS_PROVIDER: 'Other',
      RCLONE_CONFIG_CS_ENDPOINT: gateway.s3Url,
      RCLONE_CONFIG_CS_REGION: 'us-east-1',
      RCLONE_CONFIG_CS_ACCESS_KEY_ID: gateway.accessKeyId,
      RCLONE_CONFIG_CS_SECRET_ACCESS_KEY: gateway.secretAccessKey,
    };
  });
  after(async () => {
    await gateway?.stop();
    if (home !== undefined) rmSync(home, { recursive: true, force: true });
  });

  /** In a clean environment: no profile and no AWS_ variable of the machine's owner. */
  async function run(command: string, args: string[], more: Record<string, string> = {}): Promise<string> {
    const clean = Object.keys(process.env).filter((name) => name.startsWith('AWS_') || name.startsWith('RCLONE_'));
    const { code, stdout, stderr } = await runProcess('env', [...clean.flatMap((name) => ['-u', name]), command, ...args], {
      env: { ...env, ...more },
    });
    expect(code, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`).to.equal(0);
    return stdout;
  }

  const s3Keys = (): Record<string, string> => ({
    AWS_ACCESS_KEY_ID: gateway.accessKeyId,
    AWS_SECRET_ACCESS_KEY: gateway.secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_CONFIG_FILE: join(home, 'aws.conf'),
  });

  it('rclone copies a tree in, checks it, copies it on the server and back, times kept', async function () {
    requireProgram(this, 'rclone');
    await run('rclone', ['mkdir', 'cs:rclone']);
    await run('rclone', ['copy', tree, 'cs:rclone/in', '--s3-upload-cutoff', '5Mi', '--s3-chunk-size', '5Mi']);
    await run('rclone', ['check', tree, 'cs:rclone/in', '--download']);
    expect(await run('rclone', ['sync', tree, 'cs:rclone/in', '--dry-run', '-v'])).to.not.contain('Copied');
    await run('rclone', ['copy', 'cs:rclone/in', 'cs:rclone/again']);
    await run('rclone', ['copy', 'cs:rclone/again', join(home, 'back')]);
    expect(digestTree(join(home, 'back'))).to.deep.equal(digestTree(tree));
    await run('rclone', ['purge', 'cs:rclone']);
    expect(await run('rclone', ['lsd', 'cs:'])).to.not.contain(' rclone\n');
  });

  it('aws s3 syncs, lists, presigns and removes', async function () {
    requireProgram(this, 'aws');
    const aws = (...args: string[]): Promise<string> => run('aws', ['--endpoint-url', gateway.s3Url, ...args], s3Keys());
    await aws('s3', 'mb', 's3://awscli');
    await aws('s3', 'sync', tree, 's3://awscli/in', '--only-show-errors');
    expect((await aws('s3', 'ls', 's3://awscli/in/', '--recursive')).trim().split('\n').length).to.equal(files(tree).length);
    await aws('s3', 'sync', 's3://awscli/in', join(home, 'aws-back'), '--only-show-errors');
    expect(digestTree(join(home, 'aws-back'))).to.deep.equal(digestTree(tree));
    const url = (await aws('s3', 'presign', 's3://awscli/in/empty')).trim();
    expect((await fetch(url)).status).to.equal(200);
    await aws('s3', 'rb', 's3://awscli', '--force');
  });

  it('s3cmd puts, syncs, signs and deletes', async function () {
    requireProgram(this, 's3cmd');
    const host = new URL(gateway.s3Url).host;
    const s3cmd = (...args: string[]): Promise<string> =>
      run('s3cmd', [
        `--host=${host}`,
        `--host-bucket=${host}`,
        '--no-ssl',
        `--access_key=${gateway.accessKeyId}`,
        `--secret_key=${gateway.secretAccessKey}`,
        '--no-progress',
        ...args,
      ]);
    await s3cmd('mb', 's3://s3cmd');
    await s3cmd('sync', `${tree}/`, 's3://s3cmd/in/');
    await s3cmd('info', 's3://s3cmd');
    await s3cmd('info', 's3://s3cmd/in/empty');
    await s3cmd('sync', 's3://s3cmd/in/', `${join(home, 's3cmd-back')}/`);
    expect(digestTree(join(home, 's3cmd-back'))).to.deep.equal(digestTree(tree));
    await s3cmd('rb', '--recursive', '--force', 's3://s3cmd');
  });

  it('restic backs up, checks, prunes and restores', async function () {
    requireProgram(this, 'restic');
    const more = {
      ...s3Keys(),
      RESTIC_PASSWORD: 'test',
      RESTIC_REPOSITORY: `s3:${gateway.s3Url}/restic`,
      RESTIC_CACHE_DIR: join(home, 'cache'),
    };
    const restic = (...args: string[]): Promise<string> => run('restic', args, more);
    await restic('init');
    await restic('backup', tree);
    writeFileSync(join(tree, 'new file'), 'new');
    await restic('backup', tree);
    await restic('forget', '--keep-last', '1', '--prune');
    await restic('check', '--read-data');
    await restic('restore', 'latest', '--target', join(home, 'restored'));
    expect(digestTree(join(home, 'restored', tree))).to.deep.equal(digestTree(tree));
  });

  it('curl puts and gets by its own SigV4', async function () {
    requireProgram(this, 'curl');
    if (!execFileSync('curl', ['--help', 'all'], { encoding: 'utf8' }).includes('--aws-sigv4')) this.skip();
    const signed = [
      '-sS',
      '--fail',
      '--aws-sigv4',
      'aws:amz:us-east-1:s3',
      '-u',
      `${gateway.accessKeyId}:${gateway.secretAccessKey}`,
      '-H',
      'x-amz-content-sha256: UNSIGNED-PAYLOAD',
    ];
    await run('curl', [...signed, '-X', 'PUT', `${gateway.s3Url}/curl-bucket`]);
    await run('curl', [...signed, '-T', join(tree, 'large.bin'), `${gateway.s3Url}/curl-bucket/large.bin`]);
    await run('curl', [...signed, '-o', join(home, 'curl-back'), `${gateway.s3Url}/curl-bucket/large.bin`]);
    expect(readFileSync(join(home, 'curl-back')).equals(readFileSync(join(tree, 'large.bin')))).to.equal(true);
  });
});

/** Names that break careless servers, an empty file, and one large enough for multipart. */
function makeTree(root: string): void {
  mkdirSync(join(root, 'sub dir', 'ünïcode'), { recursive: true });
  writeFileSync(join(root, 'empty'), '');
  writeFileSync(join(root, 'a+b & c=d?#%41.txt'), 'plus');
  writeFileSync(join(root, 'sub dir', "quote ' and (brackets).txt"), 'quote');
  writeFileSync(join(root, 'sub dir', 'ünïcode', '日本語 ~.txt'), 'text');
  for (let i = 0; i < 40; i++) writeFileSync(join(root, 'sub dir', `file-${i}`), `content ${i}`.repeat(i * 37));
  const large = Buffer.alloc(12 * 2 ** 20 + 17);
  for (let i = 0; i < large.length; i += 4) if (i + 4 <= large.length) large.writeUInt32LE((i * 2_654_435_761) >>> 0, i);
  writeFileSync(join(root, 'large.bin'), large);
}

function files(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(root, name)).isFile());
}

function digestTree(root: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of files(root).sort()) {
    const path = join(root, name);
    out[relative(root, path)] = createHash('sha256').update(readFileSync(path)).digest('hex');
  }
  return out;
}
