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

  interface Told {
    ask: string;
    files: { ask: string; outcome: string; message: string | null; bytes: number; versionId: string | null }[];
    stores: {
      ask: string;
      outcome: string;
      message: string | null;
      place: string;
      report: { ok: boolean; left: number; checks: object[]; measured: object | null } | null;
    }[];
  }
  let told = '';
  const send = async (method: string, path: string, body?: object) => {
    const authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
    const headers = { authorization, 'content-type': 'application/json' };
    const answer = await fetch(gateway.restUrl + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    told += text;
    return { status: answer.status, body: JSON.parse(text === '' ? '{}' : text) as Told };
  };
  /** Its run, once it has ended. */
  const ended = async <K extends 'files' | 'stores'>(kind: K, ask: string): Promise<Told[K][number]> => {
    for (;;) {
      const found = (await send('GET', '/system/checks')).body[kind].find((one) => one.ask === ask);
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };

  it('is done over REST too: a directory, a store in use, one in S3 whose secret nobody is told, and one that is called off', async () => {
    const check = (body: object) => send('PUT', '/system/check-storage', body);
    expect((await check({ kind: 'directory', directory: join(gateway.dataDir, 'packs') })).status).to.equal(400);
    expect((await check({ kind: 'directory', directory: '/etc' })).status).to.equal(409);
    expect((await check({ kind: 'store', number: 7 })).status).to.equal(404);
    expect((await check({ kind: 's3', bucket: '/', accessKeyId: 'a', secretAccessKey: 'b' })).status).to.equal(400);

    const directory = mkdtempSync(join(tmpdir(), 'cloudstore-check-'));
    const begun = await check({ kind: 'directory', directory });
    expect(begun.status, JSON.stringify(begun.body)).to.equal(202);
    const run = await ended('stores', begun.body.ask);
    expect([run.outcome, run.place, run.report?.ok, run.report?.left]).to.deep.equal(['done', directory, true, 0]);
    expect([run.report!.checks.length > 5, run.report!.measured !== null]).to.deep.equal([true, true]);
    expect(readdirSync(directory)).to.deep.equal(['tmp']);
    rmSync(directory, { recursive: true });

    const own = await ended('stores', (await check({ kind: 'store', number: 0 })).body.ask);
    expect([own.outcome, own.report?.ok]).to.deep.equal(['done', true]);
    expect(readdirSync(join(gateway.dataDir, 'packs')).filter((name) => name.startsWith('check-'))).to.deep.equal([]);

    const secretAccessKey = 'a secret that nobody is told';
    const { accessKeyId, s3Url: endpoint, bucket } = gateway;
    const wrong = await check({ kind: 's3', bucket, prefix: 'try', endpoint, accessKeyId, secretAccessKey });
    expect(wrong.status, JSON.stringify(wrong.body)).to.equal(202);
    const refused = await ended('stores', wrong.body.ask);
    expect(JSON.stringify(refused)).to.contain('refuses our access key').and.contain('"ok":false');

    const right = { kind: 's3', bucket, prefix: 'try', endpoint, accessKeyId, secretAccessKey: gateway.secretAccessKey };
    const called = await check(right);
    expect(called.status, JSON.stringify(called.body)).to.equal(202);
    expect((await check(right)).status, 'a second one beside it').to.equal(409);
    await send('POST', '/jobs/check-storage/cancel');
    for (;;) {
      const { state } = (await send('GET', '/jobs/check-storage')).body as unknown as { state: string };
      if (state === 'idle') break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { stderr, stdout } = gateway.output();
    for (const secret of [secretAccessKey, encodeURIComponent(secretAccessKey)])
      expect(told + stderr + stdout).to.not.contain(secret);
    expect(told).to.not.contain(gateway.secretAccessKey); // which the first start has printed
    const s3 = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey: gateway.secretAccessKey },
    });
    expect((await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'try' }))).KeyCount).to.equal(0);
    s3.destroy();
  });

  it('reads one file, or one version of it, over REST, and writes down how it went', async () => {
    const authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
    for (const body of ['first', 'and the second'])
      await fetch(`${gateway.restUrl}/files/home/one.txt`, { method: 'PUT', headers: { authorization }, body });
    const verify = (body: object) => send('POST', '/system/verify', body);
    expect((await verify({ bucket: 'home', key: 'none' })).status).to.equal(404);
    expect((await verify({ bucket: 'nowhere', key: 'one.txt' })).status).to.equal(404);
    const now = await ended('files', (await verify({ bucket: 'home', key: 'one.txt' })).body.ask);
    expect(now).to.include({ outcome: 'done', message: null, bytes: 14, versionId: null });
    const { versions } = (await send('GET', '/versions/home/one.txt')).body as unknown as { versions: { versionId: string }[] };
    const { versionId } = versions[1]!;
    const old = await ended('files', (await verify({ bucket: 'home', key: 'one.txt', versionId })).body.ask);
    expect(old).to.include({ outcome: 'done', bytes: 5, versionId });
  });
});
