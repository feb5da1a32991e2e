import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort } from '../../support/free-port.ts';
import { requireProgram } from '../../support/programs.ts';
import { type ClientsRig, clientsRig, digestTree } from '../../support/s3-clients.ts';

describe('rclone at the S3 door', function () {
  this.timeout(120_000);
  requireProgram('rclone');
  let rig: ClientsRig;
  const rclone = (...args: string[]): Promise<string> =>
    rig.run('rclone', args, {
      RCLONE_CONFIG_CS_TYPE: 's3',
      RCLONE_CONFIG_CS_PROVIDER: 'Other',
      RCLONE_CONFIG_CS_ENDPOINT: rig.gateway.s3Url,
      RCLONE_CONFIG_CS_REGION: 'us-east-1',
      RCLONE_CONFIG_CS_ACCESS_KEY_ID: rig.gateway.accessKeyId,
      RCLONE_CONFIG_CS_SECRET_ACCESS_KEY: rig.gateway.secretAccessKey,
    });

  before(async () => {
    rig = await clientsRig('rclone');
    await rclone('mkdir', 'cs:rclone');
  });
  after(() => rig && rclone('purge', 'cs:rclone'));

  it('copies a tree in, checks it byte by byte, and sees nothing left to do', async () => {
    await rclone('copy', rig.tree, 'cs:rclone/in', '--s3-upload-cutoff', '5Mi', '--s3-chunk-size', '5Mi');
    await rclone('check', rig.tree, 'cs:rclone/in', '--download');
    expect(await rclone('sync', rig.tree, 'cs:rclone/in', '--dry-run', '-v')).to.not.contain('Copied');
  });

  it('copies on the server and back, times and contents kept', async () => {
    await rclone('copy', 'cs:rclone/in', 'cs:rclone/again');
    await rclone('copy', 'cs:rclone/again', join(rig.home, 'back'));
    expect(digestTree(join(rig.home, 'back'))).to.deep.equal(digestTree(rig.tree));
    expect(await rclone('sync', rig.tree, 'cs:rclone/again', '--dry-run', '-v')).to.not.contain('Copied');
  });

  it('copies a large object on the server in parts', async () => {
    await rclone('copyto', 'cs:rclone/in/large.bin', 'cs:rclone/parts.bin', '--s3-copy-cutoff', '5Mi', '--s3-chunk-size', '5Mi');
    await rclone('check', join(rig.tree), 'cs:rclone/in', '--include', 'large.bin', '--download');
    expect(await rclone('md5sum', 'cs:rclone/parts.bin', '--download')).to.equal(
      (await rclone('md5sum', 'cs:rclone/in/large.bin', '--download')).replace('large.bin', 'parts.bin'),
    );
  });

  it('syncs changes and removals', async () => {
    const source = join(rig.home, 'source');
    mkdirSync(source);
    for (const name of ['a', 'b', 'c']) writeFileSync(join(source, name), name);
    await rclone('sync', source, 'cs:rclone/sync');
    writeFileSync(join(source, 'a'), 'changed');
    writeFileSync(join(source, 'd'), 'new');
    await rclone('sync', source, 'cs:rclone/sync');
    await rclone('sync', '--include', '[a-c]', source, 'cs:rclone/sync');
    await rclone('delete', 'cs:rclone/sync', '--include', 'b');
    expect((await rclone('lsf', 'cs:rclone/sync')).trim().split('\n')).to.deep.equal(['a', 'c', 'd']);
    expect(await rclone('cat', 'cs:rclone/sync/a')).to.equal('changed');
  });

  it('keeps headers and metadata that it uploads with', async () => {
    const file = join(rig.home, 'page.html');
    writeFileSync(file, '<p>');
    await rclone(
      'copyto',
      file,
      'cs:rclone/page',
      '--header-upload',
      'Cache-Control: max-age=5',
      '--header-upload',
      'x-amz-meta-color: blue',
    );
    const shown = JSON.parse(await rclone('lsjson', '-M', 'cs:rclone/page'))[0];
    expect(shown.Metadata).to.include({ 'cache-control': 'max-age=5', color: 'blue' });
  });

  it('keeps the metadata that it copies, in and back', async () => {
    const file = join(rig.home, 'described');
    writeFileSync(file, 'x');
    await rclone(
      'copyto',
      file,
      'cs:rclone/described',
      '-M',
      '--metadata-set',
      'colour=blue',
      '--metadata-set',
      'content-language=de',
    );
    const shown = async (path: string) => JSON.parse(await rclone('lsjson', '-M', path))[0].Metadata;
    expect(await shown('cs:rclone/described')).to.include({ colour: 'blue', 'content-language': 'de' });
    await rclone('copyto', 'cs:rclone/described', 'cs:rclone/described again', '-M');
    expect(await shown('cs:rclone/described again')).to.include({ colour: 'blue', 'content-language': 'de' });
  });

  it('shows versions, reads old ones and cleans them up', async () => {
    await rclone('mkdir', 'cs:rclone-versions');
    await rclone('backend', 'versioning', 'cs:rclone-versions', 'Enabled');
    const file = join(rig.home, 'versioned.txt');
    for (const text of ['first', 'second one']) {
      writeFileSync(file, text);
      await rclone('copyto', file, 'cs:rclone-versions/a.txt', '--ignore-times');
    }
    await rclone('deletefile', 'cs:rclone-versions/a.txt');
    expect(await rclone('lsf', 'cs:rclone-versions')).to.equal('');
    const versions = (await rclone('lsf', '--s3-versions', 'cs:rclone-versions')).trim().split('\n');
    expect(versions).to.have.length(2);
    for (const name of versions) expect(name).to.match(/^a-v\d{4}-\d\d-\d\d-\d{6}-\d{3}\.txt$/);
    const texts = await Promise.all(versions.map((name) => rclone('cat', '--s3-versions', `cs:rclone-versions/${name}`)));
    expect(texts).to.have.members(['first', 'second one']);
    await rclone('backend', 'cleanup-hidden', 'cs:rclone-versions');
    expect(await rclone('lsf', '--s3-versions', 'cs:rclone-versions')).to.equal('');
    await rclone('rmdir', 'cs:rclone-versions');
  });

  it('streams in what has no length, and reads parts of it', async () => {
    const command = `head -c 7000000 ${JSON.stringify(join(rig.tree, 'large.bin'))} | rclone rcat cs:rclone/stream --streaming-upload-cutoff 1M`;
    await rig.run('sh', ['-c', command], {
      RCLONE_CONFIG_CS_TYPE: 's3',
      RCLONE_CONFIG_CS_PROVIDER: 'Other',
      RCLONE_CONFIG_CS_ENDPOINT: rig.gateway.s3Url,
      RCLONE_CONFIG_CS_ACCESS_KEY_ID: rig.gateway.accessKeyId,
      RCLONE_CONFIG_CS_SECRET_ACCESS_KEY: rig.gateway.secretAccessKey,
    });
    expect(JSON.parse(await rclone('size', '--json', 'cs:rclone/stream')).bytes).to.equal(7_000_000);
    expect((await rclone('cat', 'cs:rclone/sync/a', '--offset', '2', '--count', '3')).length).to.equal(3);
  });

  it('reads through its own file system as a mount does: by ranges, ahead, and from its cache', async () => {
    const env = {
      RCLONE_CONFIG_CS_TYPE: 's3',
      RCLONE_CONFIG_CS_PROVIDER: 'Other',
      RCLONE_CONFIG_CS_ENDPOINT: rig.gateway.s3Url,
      RCLONE_CONFIG_CS_REGION: 'us-east-1',
      RCLONE_CONFIG_CS_ACCESS_KEY_ID: rig.gateway.accessKeyId,
      RCLONE_CONFIG_CS_SECRET_ACCESS_KEY: rig.gateway.secretAccessKey,
    };
    // One run of it reads what a page would, at random places of a large file, and ends by itself.
    const script = `
      rclone serve http cs:rclone/in --addr 127.0.0.1:$PORT --vfs-cache-mode "$MODE" --vfs-read-chunk-size 1Mi --cache-dir "$HOME/vfs-$MODE" & server=$!
      trap 'kill $server' EXIT
      until curl -sf -o /dev/null "http://127.0.0.1:$PORT/"; do kill -0 $server || exit 1; sleep 0.05; done
      for range in 0-9 12582900- 5242870-5242890 1048570-3145740 0-9; do curl -sf -r $range "http://127.0.0.1:$PORT/large.bin"; done
      curl -sf "http://127.0.0.1:$PORT/one"`;
    const large = readFileSync(join(rig.tree, 'large.bin'));
    const wanted = [
      [0, 10],
      [12_582_900, large.length],
      [5_242_870, 5_242_891],
      [1_048_570, 3_145_741],
      [0, 10],
    ].map(([from, to]) => large.subarray(from, to));
    const expected = createHash('sha256')
      .update(Buffer.concat([...wanted, Buffer.from('1')]))
      .digest('hex');
    for (const mode of ['off', 'full']) {
      const PORT = String(await freePort());
      const said = await rig.run('bash', ['-c', `set -e; { ${script}\n      } | sha256sum`], { ...env, MODE: mode, PORT });
      expect(said.slice(0, 64), mode).to.equal(expected);
    }
  });

  it('moves, links and lists by levels', async () => {
    await rclone('moveto', 'cs:rclone/sync/a', 'cs:rclone/moved/ä b');
    expect(await rclone('lsf', '-R', 'cs:rclone/moved')).to.equal('ä b\n');
    const url = (await rclone('link', 'cs:rclone/moved/ä b', '--expire', '1h')).trim();
    expect(await (await fetch(url)).text()).to.equal('changed');
    expect((await rclone('lsf', '--dirs-only', 'cs:rclone')).split('\n')).to.include.members(['in/', 'again/', 'moved/']);
  });
});
