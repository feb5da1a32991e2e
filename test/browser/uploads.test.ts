import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { requireProgram } from '../support/programs.ts';
import { openStage, type Stage, signIn } from './browser.ts';

const BYTES = 48 * 1024 * 1024;
/** Too long to be sent with its sum. */
const LONG_BYTES = 17 * 1024 * 1024;
const MANY = process.env.CLOUDSTORE_TEST_LONG === '1' ? 1_500 : 150;
const LOCK = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';

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
    for (const one of [stage?.gateway.dataDir, folder]) if (one !== undefined) rmSync(one, { recursive: true, force: true });
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
    // All bytes go in one request. The sum comes in another, with a token that is good for nothing any more.
    let pieces = 0;
    await page.route('**/api/v1/uploads/*', (route, request) => {
      if (request.method() !== 'PATCH' || ++pieces !== 2) return route.continue();
      return route.continue({ headers: { ...request.headers(), authorization: `${request.headers().authorization}x` } });
    });
    // The answer to one renewal never comes: the gateway has spent the token that the browser still holds.
    const lost: number[] = [];
    await page.route(
      '**/api/v1/auth/refresh',
      async (route, request) => {
        const { 'content-length': _, ...headers } = await request.allHeaders();
        lost.push((await fetch(request.url(), { method: 'POST', headers, body: request.postData() })).status);
        await route.abort();
      },
      { times: 1 },
    );
    const long = join(folder, 'long.bin');
    writeFileSync(long, randomBytes(LONG_BYTES));
    await page.setInputFiles('input[type=file] >> nth=0', long);
    await page.getByText('1 file uploaded').waitFor({ timeout: 90_000 });
    expect(refused).to.deep.equal([401]);
    expect(lost).to.deep.equal([200]);
    const sent = seen.filter((what) => what !== 'renewed');
    expect(sent).to.deep.equal(['from 0', `from ${LONG_BYTES}`, `from ${LONG_BYTES}`]);
    const second = seen.indexOf(`from ${LONG_BYTES}`);
    expect(seen.slice(seen.indexOf('from 0'), second)).to.include('renewed');
    expect(seen.slice(second, seen.lastIndexOf(`from ${LONG_BYTES}`))).to.include('renewed');
    const stored = await stage.api('GET', '/files/home/long.bin');
    expect(sha(Buffer.from(await stored.arrayBuffer()))).to.equal(sha(readFileSync(long)));
    await page.getByText(`SHA-256 ${sha(readFileSync(long)).slice(0, 12)}…`).waitFor();
    expect(await checksum(stage.gateway, 'long.bin')).to.equal(sha(readFileSync(long)));

    // A byte that changed on its way makes no file, and the page says so.
    await page.unroute('**/api/v1/uploads/*');
    await page.evaluate(() => {
      const { send } = XMLHttpRequest.prototype;
      XMLHttpRequest.prototype.send = function (body) {
        XMLHttpRequest.prototype.send = send;
        const [file, at] = [body as File, 5_000_000];
        document.body.dataset.sent = file.constructor.name;
        const byte = file.slice(at, at + 1).arrayBuffer();
        void byte.then((bytes) => {
          const other = new Uint8Array([(new Uint8Array(bytes)[0] ?? 0) ^ 1]);
          send.call(this, new Blob([file.slice(0, at), other, file.slice(at + 1)]));
        });
      };
    });
    const hurt = join(folder, 'hurt.bin');
    writeFileSync(hurt, randomBytes(9 * 1024 * 1024));
    await page.setInputFiles('input[type=file] >> nth=0', hurt);
    await page.getByText('What arrived is not what the file has, so nothing was stored. Try again.').waitFor();
    expect((await stage.api('GET', '/stat/home/hurt.bin')).status).to.equal(404);
    expect(await page.evaluate(() => document.body.dataset.sent), 'the file itself: a slice of it costs twice as much').to.equal(
      'File',
    );
    await page.getByRole('button', { name: 'Try hurt.bin again' }).click();
    await page.getByText(`SHA-256 ${sha(readFileSync(hurt)).slice(0, 12)}…`).waitFor({ timeout: 60_000 });

    // A name that is taken while the bytes come is asked about once, and they are not sent again, whatever is answered.
    for (const [answer, key] of [
      ['Replace', 'taken.bin'],
      ['Keep both', 'taken (2).bin'],
    ] as const) {
      const taken = join(folder, 'taken.bin');
      writeFileSync(taken, randomBytes(9 * 1024 * 1024));
      await stage.api('DELETE', '/files/home/taken.bin');
      const begun = seen.length;
      await page.route(
        '**/api/v1/uploads/*',
        async (route) => {
          await stage.api('PUT', '/files/home/taken.bin', 'of somebody else');
          await route.continue();
        },
        { times: 1 },
      );
      await page.setInputFiles('input[type=file] >> nth=0', taken);
      await page.getByRole('button', { name: answer }).click();
      await page.getByText(`SHA-256 ${sha(readFileSync(taken)).slice(0, 12)}…`).waitFor({ timeout: 60_000 });
      expect(seen.slice(begun).filter((what) => what === 'from 0')).to.have.length(1);
      expect(await checksum(stage.gateway, key)).to.equal(sha(readFileSync(taken)));
      await page.locator('.upload .name').getByText(key, { exact: true }).waitFor();
    }
    expect(await (await stage.api('GET', '/files/home/taken.bin')).text()).to.equal('of somebody else');

    // One that is called off leaves nothing behind, here or on the gateway, also where it had just begun.
    const gone = join(folder, 'gone.bin');
    writeFileSync(gone, randomBytes(9 * 1024 * 1024));
    for (const held of ['PATCH', 'POST']) {
      let free: () => void = () => undefined;
      const freed = new Promise<void>((resolve) => (free = resolve));
      let reached: () => void = () => undefined;
      const under = new Promise<void>((resolve) => (reached = resolve));
      await page.route(/\/api\/v1\/uploads(\/|$)/, async (route, request) => {
        if (request.method() !== held) return route.continue();
        reached();
        // A call that is not held any longer has been aborted by the page.
        await freed;
        await route.continue().catch(() => undefined);
      });
      await page.setInputFiles('input[type=file] >> nth=0', gone);
      await under;
      const removed = page.waitForResponse(
        (answer) => answer.request().method() === 'DELETE' && answer.url().includes('/uploads/'),
      );
      await page.getByRole('button', { name: 'Cancel gone.bin' }).click();
      free();
      expect((await removed).status(), held).to.equal(204);
      await page.unroute(/\/api\/v1\/uploads(\/|$)/);
    }
    expect(await (await stage.api('GET', '/uploads')).json()).to.deep.include({ uploads: [] });
    await page.reload();
    await page.locator('.entries').waitFor();
    expect(await page.getByText('was cut off').count()).to.equal(0);
    expect(stage.faults).to.deep.equal([]);
    await page.context().close();
  });

  it(`take a folder of ${MANY} files whole, and keep what was refused until it is dismissed or tried again`, async function () {
    this.timeout(900_000);
    const held = 'many/day 3';
    const expected = new Map<string, string>();
    for (let n = 0; n < MANY; n++) {
      const key = `many/day ${n % 10}/${n}.txt`;
      mkdirSync(join(folder, 'many', `day ${n % 10}`), { recursive: true });
      writeFileSync(join(folder, key), `file ${n}`);
      expected.set(key, `file ${n}`);
    }
    // A mounted drive holds one of the folders.
    await stage.api('PUT', `/files/home/${encodeURI(held)}/`);
    const drive = (method: string, headers: Record<string, string>, body?: string): Promise<Response> =>
      fetch(`${stage.gateway.webdavUrl}home/${encodeURI(held)}/`, {
        method,
        headers: { Authorization: basic(stage.gateway), ...headers },
        ...(body === undefined ? {} : { body }),
      });
    const lock = await drive('LOCK', { Depth: 'infinity', Timeout: 'Second-3600' }, LOCK);
    expect(lock.status).to.equal(200);

    const page = await stage.enter();
    await page.locator('.entries').waitFor();
    const title = (text: string): Promise<void> =>
      page.locator('.uploads header strong').getByText(text, { exact: true }).waitFor({ timeout: 600_000 });
    await page.setInputFiles('input[type=file] >> nth=1', join(folder, 'many'));
    await title(`${MANY / 10} files failed`);
    const free = [...expected].filter(([key]) => !key.startsWith(`${held}/`));
    expect(await stored('many/')).to.deep.equal(new Map(free));

    const failed = page.locator('.upload.failed').first();
    await failed.getByText('Another program has locked it').waitFor();
    const later = page.waitForResponse((response) => response.url().endsWith('/later.txt') && response.ok());
    await page.setInputFiles('input[type=file] >> nth=0', {
      name: 'later.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('later'),
    });
    await later;
    await title(`${MANY / 10} files failed`);
    const again = page.waitForResponse((response) => response.status() === 423);
    await failed.getByRole('button', { name: /^Try .* again$/ }).click();
    await again;
    await title(`${MANY / 10} files failed`);
    const leaves = (): Promise<boolean> => page.evaluate(() => dispatchEvent(new Event('beforeunload', { cancelable: true })));
    expect(await leaves(), 'what failed is forgotten with the tab').to.equal(false);
    const dismissed = (await failed.locator('.name').textContent()) ?? '';
    expect([...expected.keys()]).to.include(dismissed);
    await failed.getByRole('button', { name: `Dismiss ${dismissed}` }).click();
    await title(`${MANY / 10 - 1} files failed`);

    expect((await drive('UNLOCK', { 'Lock-Token': lock.headers.get('lock-token') ?? '' })).status).to.equal(204);
    await page.getByRole('button', { name: 'Try all again' }).click();
    // With the one that came later.
    await title(`${MANY / 10} files uploaded`);
    expected.delete(dismissed);
    expect(await stored('many/')).to.deep.equal(expected);
    expect(await leaves()).to.equal(true);
    expect(stage.faults).to.deep.equal([]);
    await page.context().close();
  });

  /** What is below a folder, by key. */
  async function stored(prefix: string): Promise<Map<string, string>> {
    const keys: string[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const answer = await stage.api('GET', `/files/home/${prefix}?recursive=true${after}`);
      const page = (await answer.json()) as { entries: { kind: string; key: string }[]; next: string | null };
      keys.push(...page.entries.filter(({ kind }) => kind === 'file').map(({ key }) => key));
      after = page.next === null ? null : `&cursor=${encodeURIComponent(page.next)}`;
    }
    const found = new Map<string, string>();
    for (const key of keys.sort()) found.set(key, await (await stage.api('GET', `/files/home/${encodeURI(key)}`)).text());
    return found;
  }

  it('go on with what is missing, in another tab and after the gateway was killed', async () => {
    // A stranger with a link to a drop folder, whose first tab is closed under way.
    const made = await stage.api('POST', '/links', JSON.stringify({ bucket: 'home', key: 'inbox/', mode: 'drop' }), {
      'Content-Type': 'application/json',
    });
    const { token } = (await made.json()) as { token: string };
    const closed = await stage.page();
    const context = closed.context();
    const offsets: number[] = [];
    context.on('request', (request) => {
      if (request.method() === 'PATCH') offsets.push(Number(request.headers()['upload-offset']));
    });
    const dropping = async (tab: Page): Promise<(bytesPerSecond: number) => Promise<unknown>> => {
      const devtools = await context.newCDPSession(tab);
      await devtools.send('Network.enable');
      const pace = (uploadThroughput: number) =>
        devtools.send('Network.emulateNetworkConditions', {
          offline: false,
          latency: 0,
          downloadThroughput: -1,
          uploadThroughput,
        });
      await pace(512 * 1024);
      await tab.goto(`${stage.gateway.webUrl.replace(/\/$/, '')}/s/${token}`);
      return pace;
    };
    const dropped = join(folder, 'dropped.bin');
    writeFileSync(dropped, randomBytes(24 * 1024 * 1024));
    const sending = (tab: Page): Promise<void> => tab.getByText(/dropped\.bin Being sent · ([1-9]|1\d)\.?\d* MB of/).waitFor();
    await dropping(closed);
    await closed.setInputFiles('input[type=file] >> nth=0', dropped);
    await sending(closed);
    await closed.close({ runBeforeUnload: false });
    const stranger = await context.newPage();
    const paceStranger = await dropping(stranger);
    await stranger.getByText('1 upload was cut off').waitFor();
    await stranger.setInputFiles('[aria-label="Choose dropped.bin again"]', dropped);
    await sending(stranger);

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
    await page.getByText(`SHA-256 ${sha(readFileSync(file)).slice(0, 12)}…`).waitFor();
    expect(await checksum(second, 'film.bin')).to.equal(sha(readFileSync(file)));

    await paceStranger(-1);
    await stranger.getByText(/dropped\.bin There/).waitFor({ timeout: 90_000 });
    expect(await checksum(second, 'inbox/dropped.bin')).to.equal(sha(readFileSync(dropped)));
    expect(offsets[0]).to.equal(0);
    expect(offsets.slice(1), 'only what was missing').to.not.include(0);
    await context.close();
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
    // A pause forgets nothing of what is there.
    const sum = page.locator('.uploads-sum progress');
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.locator('.uploads-sum').getByText('Paused').waitFor();
    const before = await sum.evaluate((bar) => (bar as HTMLProgressElement).value);
    expect(before).to.be.greaterThan(12e6);
    await page.getByRole('button', { name: 'Go on', exact: true }).click();
    await page.waitForFunction(
      (least) => Number(document.querySelector<HTMLProgressElement>('.uploads-sum progress')?.value) > least,
      before,
    );
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
    // What was sent before the tab was closed is part of it.
    await next.getByText(`SHA-256 ${sha(readFileSync(again)).slice(0, 12)}…`).waitFor();
    if (second !== null) expect(await checksum(second, 'second.bin')).to.equal(sha(readFileSync(again)));
  });
});

function basic({ user, password }: Pick<TestGateway, 'user' | 'password'>): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** As the gateway tells it: what it held against what it had stored. */
async function checksum(gateway: TestGateway, key: string): Promise<string> {
  const answer = await fetch(`${gateway.restUrl}/stat/home/${key}`, { headers: { Authorization: basic(gateway) } });
  const { checksum } = (await answer.json()) as { checksum?: { algorithm: string; value: string } };
  return checksum?.algorithm === 'sha256' ? Buffer.from(checksum.value, 'base64').toString('hex') : 'none';
}

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
