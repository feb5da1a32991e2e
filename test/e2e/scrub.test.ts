import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore } from '../support/process.ts';
import { seededRandom } from '../support/random.ts';

describe('scrub of a real gateway', function () {
  this.timeout(240_000);
  let dataDir: string;
  let gateway: TestGateway;
  const random = seededRandom('scrub e2e');
  const files = { 'big.bin': random(9_000_000), 'small.txt': random(5_000), 'tiny.txt': random(100) };
  const packs = (): string => join(dataDir, 'packs');
  const run = (args: string[]) => cloudstore([...args, '--json', '--data-dir', dataDir]);

  async function api(path: string, init: RequestInit = {}): Promise<Response> {
    const basic = Buffer.from(`admin:${gateway.password}`).toString('base64');
    return fetch(`${gateway.restUrl}${path}`, { ...init, headers: { authorization: `Basic ${basic}` } });
  }

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'cloudstore-scrub-e2e-'));
    gateway = await startGateway({ dataDir, env: { CLOUDSTORE_SCRUB_EVERY_DAYS: '0' } });
    for (const [name, bytes] of Object.entries(files))
      expect((await api(`/files/home/${name}`, { method: 'PUT', body: new Uint8Array(bytes) })).status).to.equal(201);
  });
  after(async () => {
    if (gateway.process.exitCode === null && gateway.process.signalCode === null) await gateway.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('runs on the gateway when a command asks for it, and tells when a file was checked', async () => {
    const before = JSON.parse(await (await api('/stat/home/small.txt?verified=true')).text());
    expect(before.verified).to.equal(null);
    const { code, stdout, stderr } = await run(['scrub']);
    expect(code, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.include({ ok: true, damaged: 0, files: [] });
    const tiny = JSON.parse(await (await api('/stat/home/tiny.txt?verified=true')).text());
    expect(Date.parse(tiny.verified)).to.be.greaterThan(Date.parse(tiny.modified) - 1);
    expect(JSON.parse(await (await api('/stat/home/tiny.txt')).text()).verified).to.equal(undefined);
    expect((await run(['verify', 'home', 'big.bin'])).code).to.equal(0);
    expect((await run(['verify', 'home', 'none'])).code).to.not.equal(0);
  });

  it('runs in the command when the gateway is stopped; damage gives exit code 3 and the names of the files', async () => {
    expect(await gateway.stop()).to.equal(0);
    expect((await run(['scrub'])).code).to.equal(0);
    for (const name of readdirSync(packs()).filter((one) => one.endsWith('.pack'))) {
      const path = join(packs(), name);
      const bytes = readFileSync(path);
      if (bytes.length > 1_000_000) continue;
      for (const at of [300, 301, 302]) bytes[at]! ^= 0x5a;
      writeFileSync(path, bytes);
    }
    const { code, stdout } = await run(['scrub']);
    expect(code).to.equal(3);
    const said = JSON.parse(stdout);
    expect(said.files.map(({ bucket, key }: { bucket: string; key: string }) => `${bucket}/${key}`)).to.deep.equal([
      'home/small.txt',
    ]);
    expect((await run(['scrub', '--report'])).code).to.equal(3);
    expect((await run(['verify', 'home', 'small.txt'])).code).to.equal(3);
    expect((await run(['verify', 'home', 'big.bin'])).code).to.equal(0);
  });

  it('is told by REST, health and metrics; a read fails, and an upload heals', async () => {
    gateway = await startGateway({ dataDir, env: { CLOUDSTORE_SCRUB_EVERY_DAYS: '0' } });
    const secrets = JSON.parse(readFileSync(join(dataDir, 'first-run.json'), 'utf8'));
    gateway.password = secrets.password;
    const told = JSON.parse(await (await api('/system/integrity?files=true')).text());
    expect(told).to.deep.include({ ok: false, damaged: 1 });
    expect(told.files).to.have.length(1);
    expect(told.files[0]).to.include({ bucket: 'home', key: 'small.txt', current: true });
    const listed = JSON.parse(await (await api('/system/quarantine?limit=1')).text());
    expect(listed).to.deep.include({ total: 1 });
    expect(listed.items[0]).to.deep.include({ kind: 'chunk', secondCopy: 'none', fileCount: 1 });
    expect(listed.items[0].place.pack).to.match(/^[0-9a-f]{32}$/);
    expect(listed.items[0].files[0]).to.deep.include({
      bucket: 'home',
      key: 'small.txt',
      current: true,
      deleted: false,
      by: [{ kind: 'chunk', subject: listed.items[0].subject }],
    });
    expect(JSON.parse(await (await api(`/system/quarantine?cursor=${listed.next}`)).text())).to.deep.equal({
      items: [],
      total: 1,
      next: null,
    });
    const of = `kind=chunk&subject=${listed.items[0].subject}`;
    const hurt = JSON.parse(await (await api(`/system/quarantine/files?${of}`)).text());
    expect(hurt).to.deep.equal({ items: listed.items[0].files, next: null });
    const others = JSON.parse(await (await api('/system/quarantine/files?kind=chunk&subject=1:00')).text());
    expect(others).to.deep.equal({ items: [], next: null });
    for (const wrong of [
      'quarantine?cursor=x',
      'quarantine/files?cursor=..',
      'quarantine/files?kind=chunk',
      'quarantine?limit=0',
    ])
      expect((await api(`/system/${wrong}`)).status, wrong).to.equal(400);
    const { scrubs } = JSON.parse(await (await api('/system/storage')).text());
    expect(scrubs.map(({ outcome }: { outcome: string }) => outcome)).to.deep.equal(['done', 'done', 'done']);
    expect(scrubs[0].counts).to.include({ lost: 1 });
    expect(scrubs[1].counts.bytes).to.be.greaterThan(9e6);
    const health = await fetch(`${gateway.webUrl}/readyz`);
    expect([health.status, JSON.parse(await health.text()).checks.integrity]).to.deep.equal([200, 'degraded']);
    expect(await (await fetch(`${gateway.webUrl}/metrics`)).text()).to.match(/cloudstore_damaged_count 1/);
    // Nothing has been sent yet when its first bytes turn out to be hurt: so each door says so, and breaks no connection.
    const read = await api('/files/home/small.txt');
    expect([read.status, read.headers.get('content-type')]).to.deep.equal([500, 'application/problem+json']);
    const authorization = `Basic ${Buffer.from(`admin:${gateway.password}`).toString('base64')}`;
    const part = await fetch(`${gateway.webUrl}/dav/home/small.txt`, { headers: { authorization, range: 'bytes=0-99' } });
    expect([part.status, part.headers.get('content-range')]).to.deep.equal([500, null]);
    const url = presign('GET', `${gateway.s3Url.replace(/\/$/, '')}/home/small.txt`, secrets, new Date());
    const object = await fetch(url);
    expect([object.status, object.headers.get('etag')]).to.deep.equal([500, null]);
    expect(await object.text()).to.contain('<Code>InternalError</Code>');
    expect(gateway.output().stderr).to.contain('a file cannot be read').and.contain('small.txt');
    expect((await api('/files/home/small.txt', { method: 'PUT', body: new Uint8Array(files['small.txt']) })).status).to.equal(
      200,
    );
    expect(Buffer.from(await (await api('/files/home/small.txt')).arrayBuffer()).equals(files['small.txt'])).to.equal(true);
    expect((await run(['scrub'])).code).to.equal(0);
    expect(existsSync(packs())).to.equal(true);
  });

  // Takes half a minute: so long a killed holder's lease lasts.
  it('goes on after SIGKILL where it was', async () => {
    await gateway.stop();
    const slow = { CLOUDSTORE_SCRUB_EVERY_DAYS: '0', CLOUDSTORE_SCRUB_MIB_PER_SECOND: '1' };
    gateway = await startGateway({ dataDir, env: slow });
    const { password } = JSON.parse(readFileSync(join(dataDir, 'first-run.json'), 'utf8'));
    gateway.password = password;
    const asked = Date.now();
    expect((await api('/system/scrub', { method: 'POST' })).status).to.equal(204);
    // Asked over REST: a command starts for so long on a busy machine that all might be read meanwhile.
    const job = async (): Promise<{ state: string; progress: { done: number } | null; started: string }> =>
      JSON.parse(await (await api('/jobs/scrub')).text());
    // While it is asked for, and while the lease of a dead one lasts, the progress told is that of the run before.
    const doneSince = async (since: number): Promise<number> => {
      const { state, progress, started } = await job();
      return state === 'running' && Date.parse(started) > since ? (progress?.done ?? 0) : 0;
    };
    while ((await doneSince(asked)) < 5_000_000) await sleep(100);
    await gateway.kill();
    const killed = Date.now();
    gateway = await startGateway({ dataDir, env: slow });
    gateway.password = password;
    // It counts on from what was saved, not from nothing.
    let seen = 0;
    while (seen === 0) {
      await sleep(100);
      seen = await doneSince(killed);
    }
    expect(seen).to.be.greaterThan(2_000_000);
  });
});
