import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page, Route } from 'playwright-core';
import { holdBucket } from '../support/held-bucket.ts';
import { requireProgram } from '../support/programs.ts';
import { fillFolder } from '../support/wide-folder.ts';
import { at, openStage, type Stage, signIn } from './browser.ts';
import { tinyPdf } from './scene.ts';

describe('the drive in a browser', function () {
  this.timeout(120_000);
  requireProgram('chromium');
  let stage: Stage;
  let page: Page;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cloudstore-up-'));
    stage = await openStage();
    page = await stage.enter();
  });
  after(async () => {
    await stage?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => expect(stage.faults).to.deep.equal([]));

  const entry = (name: string, on = page) =>
    on.locator('.entry').filter({ has: on.locator('.name bdi').getByText(name, { exact: true }) });
  const put = (key: string, body: BodyInit, type = 'text/plain') =>
    stage.api('PUT', `/files/home/${key.split('/').map(encodeURIComponent).join('/')}`, body, { 'Content-Type': type });

  it('refuses a wrong password in words, and lets the right one in', async () => {
    const stranger = await stage.page();
    await stranger.goto(stage.gateway.webUrl);
    await stranger.fill('[name=username]', stage.gateway.user);
    await stranger.fill('[name=password]', 'wrong');
    await stranger.click('button[type=submit]');
    await stranger.getByText('Name or password is not right.').waitFor();
    await signIn(stranger, stage.gateway.user, stage.gateway.password);
    expect(await stranger.evaluate(() => JSON.stringify(localStorage) + document.cookie)).not.to.match(/eyJ|token/i);
    await stranger.context().close();
  });

  it('makes a folder, goes into it, and uploads files as they are', async () => {
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('menuitem', { name: 'New folder' }).click();
    await page.getByLabel('Name of the folder').fill('Trip');
    await page.keyboard.press('Enter');
    await entry('Trip').dblclick();
    await page.getByText('This folder is empty').waitFor();
    const body = randomBytes(300_000);
    await page.setInputFiles('input[type=file] >> nth=0', [
      { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: body },
      { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') },
    ]);
    await page.getByText('2 files uploaded').waitFor();
    await entry('photo.jpg').waitFor();
    const stored = await (await stage.api('GET', '/files/home/Trip/photo.jpg')).arrayBuffer();
    expect(sha(Buffer.from(stored))).to.equal(sha(body));
    await page
      .locator('.upload')
      .filter({ hasText: 'photo.jpg' })
      .getByText(`SHA-256 ${sha(body).slice(0, 12)}…`)
      .waitFor();
    await page.getByRole('button', { name: 'Dismiss', exact: true }).click();
  });

  it('takes files that are dropped on the folder from the desktop', async () => {
    const files = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['dropped'], 'dropped.txt', { type: 'text/plain' }));
      return transfer;
    });
    await page.dispatchEvent('.drive', 'dragover', { dataTransfer: files });
    await page.dispatchEvent('.drive', 'drop', { dataTransfer: files });
    await entry('dropped.txt').waitFor();
    await page.getByText('1 file uploaded').waitFor();
    expect(await (await stage.api('GET', '/files/home/Trip/dropped.txt')).text()).to.equal('dropped');
    await page.getByRole('button', { name: 'Dismiss', exact: true }).click();
  });

  it('shows the checksum that was announced, and makes one of what is stored where none was', async () => {
    await put('Trip/unannounced.txt', 'as it is');
    await entry('photo.jpg').click();
    await page.keyboard.press('i');
    const fact = page.locator('.fact').filter({ hasText: 'Checksum' });
    const stored = Buffer.from(await (await stage.api('GET', '/files/home/Trip/photo.jpg')).arrayBuffer());
    await fact.getByText(sha(stored)).waitFor();
    await entry('unannounced.txt').click();
    await fact.getByRole('button', { name: 'Compute checksum' }).click();
    await fact.getByText(sha(Buffer.from('as it is'))).waitFor();
    await page.locator('.entries').press('i');
    await stage.api('DELETE', '/files/home/Trip/unannounced.txt');
    await entry('unannounced.txt').waitFor({ state: 'detached' });
  });

  it('asks once when names are taken, and keeps both', async () => {
    await page.setInputFiles('input[type=file] >> nth=0', [
      { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('second') },
      { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('second') },
    ]);
    await page.getByLabel('Do this for all that follow').check();
    await page.getByRole('button', { name: 'Keep both' }).click();
    await entry('note (2).txt').waitFor();
    await entry('photo (2).jpg').waitFor();
    expect(await (await stage.api('GET', '/files/home/Trip/note.txt')).text()).to.equal('hello');
    await page.getByRole('button', { name: 'Dismiss', exact: true }).click();
  });

  it('uploads a folder of many files with its folders', async () => {
    for (let n = 0; n < 120; n++) {
      const dir = join(folder, 'album', `day ${n % 7}`);
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, `${n}.txt`), `file ${n}`);
    }
    await page.setInputFiles('input[type=file] >> nth=1', join(folder, 'album'));
    await page.getByText('120 files uploaded').waitFor({ timeout: 60_000 });
    const { entries } = (await (await stage.api('GET', '/files/home/Trip/album/?recursive=true')).json()) as {
      entries: { kind: string }[];
    };
    expect(entries.filter(({ kind }) => kind === 'file').length).to.equal(120);
    await page.getByRole('button', { name: 'Dismiss', exact: true }).click();
    await entry('album').waitFor();
  });

  it('renames in place, by keyboard alone', async () => {
    await entry('note.txt').click();
    await page.keyboard.press('F2');
    await page.getByLabel('New name of note.txt').fill('renamed.txt');
    await page.keyboard.press('Enter');
    await entry('renamed.txt').waitFor();
    expect((await stage.api('HEAD', '/files/home/Trip/renamed.txt')).status).to.equal(200);
    expect((await stage.api('HEAD', '/files/home/Trip/note.txt')).status).to.equal(404);
  });

  it('copies and moves by keys, and by dragging onto a folder', async () => {
    await entry('renamed.txt').click();
    await page.keyboard.press('Control+c');
    await entry('album').dblclick();
    await page.locator('.breadcrumbs h1', { hasText: 'album' }).waitFor();
    await entry('day 0').click();
    await page.keyboard.press('Control+v');
    await entry('renamed.txt').waitFor();
    await page.keyboard.press('Backspace');
    await page.locator('.breadcrumbs h1', { hasText: 'Trip' }).waitFor();
    await entry('photo (2).jpg').dragTo(entry('album'));
    await page.getByText('1 item moved').waitFor();
    expect((await stage.api('HEAD', '/files/home/Trip/album/photo%20(2).jpg')).status).to.equal(200);
    expect((await stage.api('HEAD', '/files/home/Trip/photo%20(2).jpg')).status).to.equal(404);
    await entry('photo (2).jpg').waitFor({ state: 'detached' });
  });

  it('is used by the keyboard alone: to select, by the menu, the questions and the way back', async () => {
    const list = page.locator('.entries');
    const selected = (): Promise<string[]> =>
      page.locator('.entry[aria-selected=true] .name').evaluateAll((all) => all.map((one) => one.getAttribute('title') ?? ''));
    const focus = (): Promise<string> =>
      page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '');
    await list.press('Home');
    await list.press('Shift+ArrowDown');
    expect(await selected()).to.have.lengthOf(2);
    await list.press('Escape');
    expect(await selected()).to.deep.equal([]);
    await list.press('Space');
    await list.press('Control+ArrowDown');
    await list.press('Space');
    expect(await selected()).to.have.lengthOf(2);
    await list.press('Control+a');
    expect(await selected()).to.have.lengthOf(await page.locator('.entry').count());
    await list.press('Home');
    await list.press('ContextMenu');
    await page.getByRole('menu').waitFor();
    await page.keyboard.press('ArrowUp');
    expect(await focus()).to.include('Delete');
    await page.keyboard.press('Escape');
    await page.getByRole('menu').waitFor({ state: 'detached' });
    await list.and(page.locator(':focus')).waitFor();
    // Into another folder by its question, without a drag.
    await list.press('ContextMenu');
    await page.getByRole('menuitem', { name: 'Copy to…' }).press('Enter');
    const chooser = page.getByRole('dialog', { name: 'Copy to…' });
    await chooser.getByRole('button', { name: 'One level up' }).press('Enter');
    // The keyboard goes along, there and back.
    await chooser.getByRole('button', { name: 'One level up' }).and(page.locator(':focus')).waitFor();
    await chooser.getByRole('button', { name: 'Trip' }).press('Enter');
    await chooser.getByRole('button', { name: 'album' }).waitFor();
    await chooser.getByRole('button', { name: 'One level up' }).and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Escape');
    await chooser.waitFor({ state: 'detached' });
    await list.and(page.locator(':focus')).waitFor();
    await list.press('/');
    await page.getByRole('searchbox').and(page.locator(':focus')).waitFor();
    await page.keyboard.type('photo');
    await entry('album').waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await entry('album').waitFor();
    await list.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.keyboard.press('Escape');
    await list.and(page.locator(':focus')).waitFor();
    await list.press('Escape');
  });

  it('is used by the keyboard alone as tiles too: walked, ordered, sent elsewhere, renamed, packed, deleted and taken back', async () => {
    const list = page.locator('.entries');
    const names = () => page.locator('.entry .name').evaluateAll((all) => all.map((one) => one.getAttribute('title')));
    await list.press('v');
    await page.locator('.entries.tiles').and(page.locator(':focus')).waitFor();
    await list.press('Home');
    expect(await page.locator('.entry.focused .name').getAttribute('title')).to.equal('album');
    await list.press('ArrowRight');
    const [, second = ''] = await names();
    expect(await page.locator('.entry.focused .name').getAttribute('title')).to.equal(second);
    const before = await names();
    await list.press('o');
    await page.getByRole('menuitemradio', { name: 'Name', checked: true }).and(page.locator(':focus')).waitFor();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await entry(before.at(-1) ?? '').waitFor();
    expect(await names()).to.deep.equal([before[0], ...before.slice(1).reverse()]);
    await list.press('o');
    await page.getByRole('menuitem', { name: 'The other way round' }).press('Enter');
    expect(await names()).to.deep.equal(before);
    // The menu of what is in focus, by the other key for it.
    await list.press('Home');
    await list.press('Shift+F10');
    await page.getByRole('menu', { name: 'Actions for album' }).waitFor();
    await page.keyboard.press('Escape');
    const [zip] = await Promise.all([page.waitForEvent('download'), list.press('d')]);
    expect(zip.suggestedFilename()).to.equal('album.zip');
    await zip.delete();
    await list.press('Shift+N');
    await page.getByLabel('Name of the folder').fill('keys');
    await page.keyboard.press('Enter');
    await entry('keys').and(page.locator('.selected')).waitFor();
    await list.press('F2');
    await page.getByLabel('New name of keys').fill('by keys');
    await page.keyboard.press('Enter');
    await entry('by keys').and(page.locator('.selected')).waitFor();
    await list.press('m');
    await page.getByRole('dialog', { name: 'Move to…' }).getByRole('button', { name: 'album' }).press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Move here' }).press('Enter');
    await entry('by keys').waitFor({ state: 'detached' });
    expect((await stage.api('GET', '/stat/home/Trip/album/by%20keys/')).status).to.equal(200);
    await list.press('Home');
    await list.press('i');
    await page.locator('.details').getByText('album', { exact: true }).first().waitFor();
    await list.press('i');
    await list.press('Enter');
    await page.locator('.breadcrumbs h1', { hasText: 'album' }).waitFor();
    await entry('by keys').waitFor();
    await list.press('Home');
    await list.press('Delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).press('Enter');
    await entry('by keys').waitFor({ state: 'detached' });
    await list.press('Control+z');
    await entry('by keys').waitFor();
    await stage.api('DELETE', '/files/home/Trip/album/by%20keys/?recursive=true');
    await list.press('v');
    await page.locator('.entries.list').waitFor();
    await page.keyboard.press('Backspace');
    await page.locator('.breadcrumbs h1', { hasText: 'Trip' }).waitFor();
  });

  it('selects several, and deletes them after it has asked', async () => {
    await entry('note (2).txt').click();
    await entry('renamed.txt').click({ modifiers: ['Control'] });
    await page.keyboard.press('Delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await entry('renamed.txt').waitFor({ state: 'detached' });
    expect((await stage.api('HEAD', '/files/home/Trip/renamed.txt')).status).to.equal(404);
    expect((await stage.api('HEAD', '/files/home/Trip/photo.jpg')).status).to.equal(200);
  });

  it('shows what takes long, whichever page is looked at, and calls it off with nothing done', async () => {
    const held = await holdBucket(stage.gateway.dataDir, stage.gateway.bucket);
    const work = page.locator('.work');
    const callOff = async (title: string): Promise<void> => {
      await work.getByText(title).waitFor();
      await held.somebodyWaits();
      await page.getByRole('link', { name: 'Shared links' }).click();
      await work.getByRole('progressbar', { name: title }).waitFor();
      await work.getByRole('button', { name: 'Cancel' }).click();
      await page.getByText('Cancelled', { exact: true }).waitFor();
      await work.waitFor({ state: 'detached' });
      await page.getByRole('status').filter({ hasText: 'Cancelled' }).getByRole('button', { name: 'Dismiss' }).click();
      await page.goto(at(stage.gateway, 'drive/home/Trip/'));
    };
    try {
      await entry('album').click();
      await page.keyboard.press('Control+c');
      await page.keyboard.press('Control+v');
      await callOff('Copying 1 item');
      await entry('album').click();
      await page.keyboard.press('Delete');
      await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
      await callOff('Deleting 1 item');
    } finally {
      await held.release();
    }
    // Whatever still waited for the bucket is done before this.
    await put('Trip/gone/1.txt', 'x');
    await entry('album').waitFor();
    expect((await stage.api('GET', '/stat/home/Trip/album%20(2)/')).status).to.equal(404);
    expect((await stage.api('GET', '/stat/home/Trip/album/')).status).to.equal(200);
    // A trash that is being emptied, and one that comes back.
    await stage.api('DELETE', '/files/home/Trip/gone/?recursive=true');
    const again = await holdBucket(stage.gateway.dataDir, stage.gateway.bucket);
    try {
      for (const [button, confirmed, title] of [
        ['Restore all', null, 'Restoring what was deleted'],
        ['Delete gone for good', 'Delete for good', 'Deleting 1 item'],
      ] as const) {
        await page.goto(at(stage.gateway, 'trash/home/Trip/'));
        await page.getByRole('button', { name: button }).click();
        if (confirmed !== null) await page.getByRole('dialog').getByRole('button', { name: confirmed }).click();
        await work.getByText(title).waitFor();
        await again.somebodyWaits();
        await work.getByRole('button', { name: 'Cancel' }).click();
        await work.waitFor({ state: 'detached' });
      }
    } finally {
      await again.release();
    }
    await put('Trip/photo.txt', 'x');
    await stage.api('DELETE', '/files/home/Trip/photo.txt');
    await page.reload();
    await page.getByRole('link', { name: 'gone' }).waitFor();
    await page.goto(at(stage.gateway, 'drive/home/Trip/'));
    await entry('album').waitFor();
  });

  it('waits as long as the gateway wants, and goes on by itself', async () => {
    const busy = { now: true, seconds: 1 };
    const limit = (route: Route) =>
      !busy.now
        ? route.continue()
        : route.fulfill({
            status: 429,
            headers: { 'Retry-After': String(busy.seconds) },
            contentType: 'application/problem+json',
            body: JSON.stringify({ status: 429, code: 'rate_limited', title: 'Too many requests' }),
          });
    await page.route(/\/files\/home\/Trip\/album\//, limit);
    await page.goto(at(stage.gateway, 'drive/home/Trip/album/'));
    await page.getByRole('heading', { name: 'A short pause' }).waitFor();
    busy.now = false;
    await entry('day 1').waitFor();
    busy.now = true;
    await page.route('**/api/v1/copy', limit);
    await entry('day 1').click();
    await page.keyboard.press('Control+c');
    await page.keyboard.press('Control+v');
    await page.locator('.work').getByText('The gateway wants a pause').waitFor();
    busy.now = false;
    await entry('day 1 (2)').waitFor();
    await page.unrouteAll();

    const patient = await stage.page();
    await patient.clock.install();
    busy.now = true;
    busy.seconds = 30;
    await patient.route('**/auth/login', limit);
    await patient.goto(stage.gateway.webUrl);
    await patient.fill('[name=username]', stage.gateway.user);
    await patient.fill('[name=password]', stage.gateway.password);
    await patient.click('button[type=submit]');
    await patient.getByText(/Next try in/).waitFor();
    expect(await patient.locator('button[type=submit]').isDisabled()).to.equal(true);
    busy.now = false;
    await patient.clock.runFor(31_000);
    await patient.locator('button[type=submit]:enabled').click();
    await patient.waitForSelector('#content');
    await patient.context().close();
    await page.goto(at(stage.gateway, 'drive/home/Trip/'));
    await entry('album').waitFor();
  });

  it('leads by a link to what a file was, and says who wrote it', async () => {
    for (const text of ['one', 'two', 'three']) await put('Trip/letter.txt', text);
    const dav = await fetch(`${stage.gateway.webdavUrl}home/Trip/letter.txt`, {
      method: 'PUT',
      body: 'four',
      headers: { Authorization: `Basic ${Buffer.from(`${stage.gateway.user}:${stage.gateway.password}`).toString('base64')}` },
    });
    expect(dav.ok).to.equal(true);
    const listed = (await (await stage.api('GET', '/versions/home/Trip/letter.txt')).json()) as {
      versions: { versionId: string }[];
    };
    const { versionId = '' } = listed.versions[2] ?? {};
    await page.goto(at(stage.gateway, `drive/home/Trip/?versions=letter.txt&version=${versionId}`));
    const rows = page.getByRole('dialog', { name: 'Versions of “letter.txt”' }).locator('.version');
    await rows.nth(3).waitFor();
    expect(await rows.evaluateAll((all) => all.map((row) => row.ariaCurrent))).to.deep.equal([null, null, 'true', null]);
    await rows.nth(0).getByText(`by ${stage.gateway.user} · network drive`).waitFor();
    await rows.nth(1).getByText(`by ${stage.gateway.user} · browser or API`).waitFor();
    await page.keyboard.press('Escape');
    const details = page.locator('.details');
    await details.getByText(`by ${stage.gateway.user} · network drive`).waitFor();
    await entry('letter.txt').and(page.locator('.selected')).waitFor();
    await page.goto(at(stage.gateway, 'drive/home/Trip/nowhere/'));
    await page.getByText('This folder is not there').waitFor();
    await page.locator('#content').getByRole('link', { name: 'One level up' }).click();
    await entry('letter.txt').waitFor();
    await details.getByRole('button', { name: 'Close' }).click();
    await stage.api('DELETE', '/files/home/Trip/letter.txt');
  });

  it('shows what another browser and another door do, without a reload', async () => {
    const other = await stage.enter();
    await other.goto(at(stage.gateway, 'drive/home/Trip/'));
    await entry('photo.jpg', other).waitFor();
    await put('Trip/from elsewhere.txt', 'x');
    await entry('from elsewhere.txt').waitFor();
    await entry('from elsewhere.txt', other).click();
    await other.keyboard.press('F2');
    await other.getByLabel('New name of from elsewhere.txt').fill('seen by both.txt');
    await other.keyboard.press('Enter');
    await entry('seen by both.txt').waitFor();
    await entry('from elsewhere.txt').waitFor({ state: 'detached' });
    const dav = await fetch(`${stage.gateway.webdavUrl}home/Trip/by%20drive/`, {
      method: 'MKCOL',
      headers: { Authorization: `Basic ${Buffer.from(`${stage.gateway.user}:${stage.gateway.password}`).toString('base64')}` },
    });
    expect(dav.status).to.equal(201);
    await entry('by drive').waitFor();
    await entry('by drive', other).waitFor();
    await other.context().close();
  });

  it('shows what happened while a listing was on its way, and lists again after one that failed', async () => {
    await put('Late/first.txt', 'x');
    const reached = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    let asked = 0;
    await page.route(/\/files\/home\/Late\/(\?|$)/, async (route) => {
      asked++;
      if (asked === 2) return route.abort('connectionreset');
      const response = await route.fetch();
      if (asked === 3) {
        reached.resolve();
        await held.promise;
      }
      return route.fulfill({ response });
    });
    await page.goto(at(stage.gateway, 'drive/home/Late/'));
    await entry('first.txt').waitFor();
    const moved = await stage.api(
      'POST',
      '/move',
      JSON.stringify({ from: { bucket: 'home', key: 'Late/first.txt' }, to: { bucket: 'home', key: 'Late/third.txt' } }),
      { 'Content-Type': 'application/json' },
    );
    expect(moved.ok).to.equal(true);
    await reached.promise;
    await put('Late/second.txt', 'x');
    await entry('second.txt').waitFor();
    held.resolve();
    await entry('third.txt').waitFor();
    expect(await entry('second.txt').count()).to.equal(1);
    await page.unrouteAll();
    await page.goto(at(stage.gateway, 'drive/home/Trip/'));
  });

  it('downloads a file under its name', async () => {
    await entry('photo.jpg').click({ button: 'right' });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: 'Download' }).click(),
    ]);
    expect(download.suggestedFilename()).to.equal('photo.jpg');
    await download.delete();
  });

  it('previews text, code, Markdown, pictures, video by ranges and PDF', async () => {
    const ranges: string[] = [];
    await put('Show/a.txt', 'plain words');
    await put('Show/b.ts', 'const answer: number = 42;');
    await put('Show/c.md', '# Title\n\n**bold** <script>window.hacked = 1</script> [x](javascript:alert(1))');
    await put(
      'Show/d.svg',
      '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><script>top.hacked = 1</script><rect width="40" height="40"/></svg>',
      'image/svg+xml',
    );
    await put('Show/e.pdf', tinyPdf('Hello PDF'), 'application/pdf');
    await put('Show/f.wav', wav(), 'audio/wav');
    page.on('request', (request) => void (request.url().includes('f.wav') && ranges.push(request.headers().range ?? '')));
    await page.goto(at(stage.gateway, 'drive/home/Show/?open=a.txt'));
    await page.getByText('plain words').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.locator('.code .hljs-keyword', { hasText: 'const' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await page.locator('.rendered strong', { hasText: 'bold' }).waitFor();
    expect(await page.locator('.rendered a').count()).to.equal(0);
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => (document.querySelector<HTMLImageElement>('.view-image img')?.naturalWidth ?? 0) > 0);
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('.pdf-page');
      const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
      return pixels?.some((value, index) => index % 4 < 3 && value < 80) === true;
    });
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => (document.querySelector('audio')?.duration ?? 0) > 0.5);
    expect(ranges.some((range) => range.startsWith('bytes='))).to.equal(true);
    expect(await page.evaluate(() => 'hacked' in window)).to.equal(false);
    await page.keyboard.press('Escape');
    await page.locator('.viewer').waitFor({ state: 'detached' });
  });

  it('scrolls through 100,000 entries, as a list and as tiles, with few of them in the document', async () => {
    await fillFolder(stage.gateway.dataDir, stage.gateway.bucket, 'many/', 100_000);
    const drawn = (): Promise<number> => page.locator('.entry').count();
    await page.goto(at(stage.gateway, 'drive/home/many/'));
    await entry('00000.txt').waitFor();
    expect(await drawn()).to.be.lessThan(60);
    for (const view of ['list', 'tiles']) {
      const few = view === 'list' ? 60 : 200;
      await page.locator(`.entries.${view}`).press('End');
      await entry('99999.txt').waitFor({ timeout: 60_000 });
      expect(await drawn()).to.be.lessThan(few);
      expect(await page.locator('.entry.selected').getAttribute('aria-selected')).to.equal('true');
      // Anywhere in between, by the wheel or the bar.
      const shown = await page.locator('.entries').evaluate(async (element) => {
        const seen: number[] = [];
        for (const part of [0.5, 0.1, 0.9, 0.333]) {
          element.scrollTop = element.scrollHeight * part;
          await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
          const { top, bottom } = element.getBoundingClientRect();
          const middle = document.elementFromPoint(
            element.clientWidth / 2 + element.getBoundingClientRect().left,
            (top + bottom) / 2,
          );
          seen.push(
            Number.parseInt(middle?.closest('.entry, .tile-row')?.querySelector('.name')?.textContent ?? '-1', 10) / 100_000,
          );
        }
        return seen;
      });
      [0.5, 0.1, 0.9, 0.333].forEach((part, n) => void expect(shown[n], `${view} ${part}`).to.be.closeTo(part, 0.01));
      expect(await drawn()).to.be.lessThan(few);
      await page.locator('.entries').press('Home');
      await entry('00000.txt').waitFor();
      await page.locator('.entries').press('PageDown');
      await page.locator('.entries').press('v');
    }
    await page.getByText('100,000 items').waitFor();
  });

  it('keeps a folder of 100,000 true by single entries, and lists nothing anew for them', async () => {
    await page.locator('.entries').press('End');
    await entry('99999.txt').waitFor({ timeout: 60_000 });
    let listed = 0;
    page.on('request', (request) => void (/\/files\/home\/many\/\?/.test(request.url()) && listed++));
    const move = (from: string, to: string) => {
      const body = { from: { bucket: 'home', key: from }, to: { bucket: 'home', key: to } };
      return stage.api('POST', '/move', JSON.stringify(body), { 'Content-Type': 'application/json' });
    };
    await put('many/99999a.txt', '');
    await entry('99999a.txt').waitFor();
    expect((await move('many/99999a.txt', 'many/99999b.txt')).ok).to.equal(true);
    await entry('99999b.txt').waitFor();
    await entry('99999a.txt').waitFor({ state: 'detached' });
    await stage.api('DELETE', '/files/home/many/99999b.txt');
    await entry('99999b.txt').waitFor({ state: 'detached' });
    expect(listed).to.equal(0);
  });

  it('tells that the gateway is away, and goes on when it is back', async () => {
    await page.goto(at(stage.gateway, 'drive/home/Show/'));
    await entry('a.txt').waitFor();
    await page.context().setOffline(true);
    await page.goto(at(stage.gateway, 'drive/home/Trip/'));
    await page.getByText('No connection').waitFor();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    await page.context().setOffline(false);
    await entry('photo.jpg').waitFor();
  });
});

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A second of silence. */
function wav(): Buffer<ArrayBuffer> {
  const samples = Buffer.alloc(8_000);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8_000, 24);
  head.writeUInt32LE(8_000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples.fill(128)]);
}
