import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { cloudstore } from '../support/process.ts';

describe('cloudstore check-storage', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  before(async () => {
    gateway = await startGateway();
  });
  after(() => gateway?.stop());

  const url = (secret = gateway.secretAccessKey): string =>
    `s3://${gateway.accessKeyId}:${secret}@${gateway.bucket}/try?endpoint=${encodeURIComponent(gateway.s3Url)}`;

  it('tries out an S3 store, measures it, and leaves nothing', async () => {
    const { code, stdout, stderr } = await cloudstore(['check-storage', '--json'], { env: { CLOUDSTORE_CHUNKS_URL: url() } });
    expect(code, stderr).to.equal(0);
    const report = JSON.parse(stdout);
    expect(report).to.include({ ok: true, left: 0 });
    expect(report.checks.every(({ ok }: { ok: boolean }) => ok)).to.equal(true);
    expect(report.measured.writeMibPerSecond).to.be.greaterThan(0);
    expect(report.measured.rangeReadMs.median).to.be.greaterThan(0);
    expect(stdout + stderr).to.not.contain(gateway.secretAccessKey);
    const { accessKeyId, secretAccessKey, s3Url, bucket } = gateway;
    const s3 = new S3Client({
      endpoint: s3Url,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    expect((await s3.send(new ListObjectsV2Command({ Bucket: bucket }))).KeyCount).to.equal(0);
    s3.destroy();
  });

  it('says in a line why a store cannot be used', async () => {
    const { code, stdout } = await cloudstore(['check-storage', '--url', url('wrong-secret')]);
    expect(code).to.equal(1);
    expect(stdout).to.contain('refuses our access key').and.not.contain('wrong-secret');
  });

  it('tries out a directory', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cloudstore-check-'));
    const { code, stdout, stderr } = await cloudstore(['check-storage', '--dir', directory]);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.contain('MiB/s').and.not.contain('FAIL');
    expect(readdirSync(directory)).to.deep.equal(['tmp']);
    rmSync(directory, { recursive: true });
  });

  it('asks which store when none is named', async () => {
    expect((await cloudstore(['check-storage'])).code).to.equal(2);
    expect((await cloudstore(['check-storage', '--dir', '/x', '--url', url()])).code).to.equal(2);
    const bad = await cloudstore(['check-storage', '--url', 's3:///nothing']);
    expect([bad.code, bad.stderr.trim().split('\n').length]).to.deep.equal([2, 1]);
  });
});
