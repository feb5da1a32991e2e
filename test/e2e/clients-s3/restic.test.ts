import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { requireProgram } from '../../support/programs.ts';
import { type ClientsRig, clientsRig, digestTree } from '../../support/s3-clients.ts';

describe('restic at the S3 door', function () {
  this.timeout(180_000);
  requireProgram('restic');
  let rig: ClientsRig;
  before(async () => {
    rig = await clientsRig('restic');
  });

  it('backs up, forgets, prunes, checks every byte and restores', async () => {
    const source = join(rig.home, 'source');
    cpSync(rig.tree, source, { recursive: true });
    const restic = (...args: string[]): Promise<string> =>
      rig.run('restic', args, {
        ...rig.aws,
        RESTIC_PASSWORD: 'test',
        RESTIC_REPOSITORY: `s3:${rig.gateway.s3Url}/restic`,
        RESTIC_CACHE_DIR: join(rig.home, 'cache'),
      });
    await restic('init');
    await restic('backup', source);
    writeFileSync(join(source, 'new file'), 'new');
    await restic('backup', source);
    expect((await restic('snapshots', '--compact')).match(/\b[0-9a-f]{8}\b/g)?.length).to.be.at.least(2);
    await restic('forget', '--keep-last', '1', '--prune');
    await restic('check', '--read-data');
    await restic('restore', 'latest', '--target', join(rig.home, 'restored'));
    expect(digestTree(join(rig.home, 'restored', source))).to.deep.equal(digestTree(source));
  });
});
