import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { requireProgram } from '../support/programs.ts';
import { openStage, type Stage } from './browser.ts';

const BYTES = 48 * 1024 * 1024;

describe('uploads that a gateway or a tab does not survive', function () {
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
      headers: { Authorization: `Basic ${Buffer.from(`${second.user}:${second.password}`).toString('base64')}` },
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

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
