import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { requireProgram } from '../support/programs.ts';
import { openStage, type Stage, signIn } from './browser.ts';

const BYTES = 48 * 1024 * 1024;
/** What the page sends of a large file in one request. */
const PIECE_BYTES = 64 * 1024 * 1024;

describe('uploads from the page, whatever comes between', function () {
  this.timeout(180_000);
  requireProgram('chromium');
  let stage: Stage;
  let second: TestGateway | null = null;
  let folder: string;
  let file: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cloudstore-up-'));
    file = join(folder, 'film.bin');
    writeFileSync(file, randomBytes(BYTES));
    stage = await openStage({ keepData: true });
  });
  after(async () => {
    await second?.stop();
    await stage?.close();
    rmSync(stage?.gateway.dataDir ?? folder, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  });

  it('go on when the access token ends under way, whether the page or the gateway sees it first', async () => {
    const page = await stage.page();
    // Every token is at its end as soon as it is there, so that each request needs a new one.
    await page.addInitScript(() => {
      const real = window.fetch;
      window.fetch = async (...request) => {
        const answer = await real(...request);
        if (!/\/auth\/(login|refresh)$/.test(answer.url) || !answer.ok) return answer;
        return new Response(JSON.stringify({ ...(await answer.json()), expiresInSeconds: 1 }), answer);
      };
    });
    await page.goto(stage.gateway.webUrl);
    await signIn(page, stage.gateway.user, stage.gateway.password);
    await page.locator('.entries').waitFor();
    const seen: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/auth/refresh')) seen.push('renewed');
      if (request.method() === 'PATCH') seen.push(`from ${request.headers()['upload-offset']}`);
    });
    const refused: number[] = [];
    page.on('response', (response) => {
      if (response.request().method() === 'PATCH' && !response.ok()) refused.push(response.status());
    });
    // The second piece comes with a token that is good for nothing any more.
    let pieces = 0;
    await page.route('**/api/v1/uploads/*', (route, request) => {
      if (request.method() !== 'PATCH' || ++pieces !== 2) return route.continue();
      return route.continue({ headers: { ...request.headers(), authorization: `${request.headers().authorization}x` } });
    });
    const long = join(folder, 'long.bin');
    writeFileSync(long, randomBytes(PIECE_BYTES + 1024 * 1024));
    await page.setInputFiles('input[type=file] >> nth=0', long);
    await page.getByText('1 file uploaded').waitFor({ timeout: 90_000 });
    expect(refused).to.deep.equal([401]);
    const sent = seen.filter((what) => what !== 'renewed');
    expect(sent).to.deep.equal(['from 0', `from ${PIECE_BYTES}`, `from ${PIECE_BYTES}`]);
    const second = seen.indexOf(`from ${PIECE_BYTES}`);
    expect(seen.slice(seen.indexOf('from 0'), second)).to.include('renewed');
    expect(seen.slice(second, seen.lastIndexOf(`from ${PIECE_BYTES}`))).to.include('renewed');
    const stored = await stage.api('GET', '/files/home/long.bin');
    expect(sha(Buffer.from(await stored.arrayBuffer()))).to.equal(sha(readFileSync(long)));
    expect(stage.faults).to.deep.equal([]);
    await page.context().close();
  });

  it('go on with what is missing, in another tab and after the gateway was killed', async () => {
    const page = await stage.enter();
    // Slow enough to be caught under way.
    const network = await page.context().newCDPSession(page);
    const pace = (bytesPerSecond: number) =>
      network.send('Network.emulateNetworkConditions', {
        offline: false,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: bytesPerSecond,
      });
    await network.send('Network.enable');
    await pace(12 * 1024 * 1024);
    await page.locator('.entries').waitFor();
    await page.setInputFiles('input[type=file] >> nth=0', file);
    await page.getByText('Uploading 1 file').waitFor();
    await page.waitForFunction(() => Number(document.querySelector<HTMLProgressElement>('.uploads progress')?.value ?? 0) > 12e6);

    const port = new URL(stage.gateway.webUrl).port;
    await stage.gateway.kill();
    second = await startGateway({
      dataDir: stage.gateway.dataDir,
      env: { CLOUDSTORE_PORT: port },
    });
    await page.getByText('1 file uploaded').waitFor({ timeout: 90_000 });
    const stored = await fetch(`${second.restUrl}/files/home/film.bin`, {
      headers: { Authorization: basic(second) },
    });
    expect(sha(Buffer.from(await stored.arrayBuffer()))).to.equal(sha(readFileSync(file)));
  });

  it('are remembered when the tab is closed, and sent on from where they were', async () => {
    const context = stage.browser.contexts()[0];
    const page = context?.pages()[0];
    if (context === undefined || page === undefined) throw new Error('The first test opened no page.');
    const again = join(folder, 'second.bin');
    writeFileSync(again, randomBytes(BYTES));
    const network = await context.newCDPSession(page);
    await network.send('Network.enable');
    await network.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: 12 * 1024 * 1024,
    });
    await page.setInputFiles('input[type=file] >> nth=0', again);
    await page.waitForFunction(() => Number(document.querySelector<HTMLProgressElement>('.uploads progress')?.value ?? 0) > 16e6);
    await page.close({ runBeforeUnload: false });

    const next = await context.newPage();
    let sent = 0;
    next.on('request', (request) => {
      if (request.method() === 'PATCH')
        sent +=
          Number(request.headers()['upload-offset'] ?? 0) === 0 ? BYTES : BYTES - Number(request.headers()['upload-offset']);
    });
    await next.goto(stage.gateway.webUrl);
    await next.getByText('1 upload was cut off').waitFor();
    await next.setInputFiles('[aria-label="Choose second.bin again"]', again);
    await next.getByText('1 file uploaded').waitFor({ timeout: 90_000 });
    expect(sent).to.be.greaterThan(0).and.lessThan(BYTES);
    const stored = await fetch(`${second?.restUrl}/files/home/second.bin`, {
      headers: { Authorization: `Basic ${Buffer.from(`${second?.user}:${second?.password}`).toString('base64')}` },
    });
    expect(sha(Buffer.from(await stored.arrayBuffer()))).to.equal(sha(readFileSync(again)));
  });
});

function basic({ user, password }: Pick<TestGateway, 'user' | 'password'>): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
