import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../../support/process.ts';
import { leaveOut, requireProgram } from '../../support/programs.ts';
import { type ClientsRig, clientsRig } from '../../support/s3-clients.ts';

/** CI makes a venv with the newest boto3 and names its interpreter here; else the machine's own may have one. */
const PYTHON = process.env.CLOUDSTORE_TEST_PYTHON ?? 'python3';

describe('boto3 at the S3 door', function () {
  this.timeout(120_000);
  if (PYTHON === 'python3') requireProgram('python3');
  let rig: ClientsRig;
  before(async function () {
    rig = await clientsRig('boto3');
    const { code } = await rig.attempt(PYTHON, ['-c', 'import boto3']);
    if (code !== 0) leaveOut(this, `boto3 is not installed for ${PYTHON} (a venv's: CLOUDSTORE_TEST_PYTHON)`);
  });

  it('does with a bucket what programs do', async () => {
    const script = join(ROOT, 'test', 'e2e', 'clients-s3', 'boto3_work.py');
    const said = await rig.run(PYTHON, [script, rig.gateway.s3Url, 'boto3-work'], rig.aws);
    expect(JSON.parse(said.trim().split('\n').at(-1) ?? '')).to.have.property('boto3');
  });

  // Gigabytes of disk and minutes: npm run test:long.
  if (process.env.CLOUDSTORE_TEST_LONG === '1') {
    it('sends more than 5 GiB in parts, reads it back, and copies it in parts', async function () {
      this.timeout(3_600_000);
      const seed = Number(process.env.CLOUDSTORE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
      console.log(`      CLOUDSTORE_TEST_SEED=${seed}`);
      const script = join(ROOT, 'test', 'e2e', 'clients-s3', 'boto3_five_gib.py');
      const size = 5 * 2 ** 30 + 12_345_679;
      const said = await rig.run(PYTHON, [script, rig.gateway.s3Url, 'five-gib', String(size), String(seed)], rig.aws);
      expect(JSON.parse(said.trim().split('\n').at(-1) ?? '')).to.have.property('parts', 81);
    });
  }
});
