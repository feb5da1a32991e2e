import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { requireProgram } from '../support/programs.ts';
import { at, beginAnewAfterFailure, openStage, type Stage, signIn } from './browser.ts';
import { type Drive, driveOf } from './drive.ts';
import { followWhatWasDone } from './folder-activity.ts';
import { useListByKeys, useTilesByKeys } from './keyboard.ts';
import { callOffWork, waitForGateway } from './long-work.ts';
import { keepManyTrue, scrollThroughMany } from './many-entries.ts';
import { comeBack, goBackWithinLink, handOver, leaveQuestions, takeAway, tellLongNames } from './odd-moments.ts';
import { previewEveryKind } from './previews.ts';
import { renameMeanwhile } from './renaming.ts';
import { dropFolder, sendOnce } from './small-files.ts';

describe('the drive in a browser', function () {
  this.timeout(120_000);
  requireProgram('chromium');
  let stage: Stage;
  let page: Page;
  let drive: Drive;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cloudstore-up-'));
    stage = await openStage();
    page = await stage.enter();
    drive = driveOf(stage, page);
  });
  after(async () => {
    await stage?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => expect(stage.faults.splice(0)).to.deep.equal([]));
  beginAnewAfterFailure(() => [[page, at(stage.gateway, 'drive/home/Trip/')]]);

  const entry: Drive['entry'] = (name, on) => drive.entry(name, on);
  const put: Drive['put'] = (key, body, type) => drive.put(key, body, type);

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

  it('opens the page that is asked for while the first drive is only just known', async () => {
    const other = await stage.enter();
    await other.locator('.breadcrumbs h1', { hasText: 'home' }).waitFor();
    // Asked for in the moment in which the side bar has its drives. The page hears of its new address a little later.
    await other.addInitScript(() => {
      const seen = new MutationObserver(() => {
        if (document.querySelector('.side-scroll a[href="#/drive/home/"]') === null) return;
        seen.disconnect();
        history.pushState(null, '', '#/shared');
        setTimeout(() => dispatchEvent(new HashChangeEvent('hashchange')), 200);
      });
      seen.observe(document, { childList: true, subtree: true });
    });
    await other.goto('about:blank');
    await other.goto(stage.gateway.webUrl);
    await other.getByRole('heading', { name: 'Shared with me', level: 1 }).waitFor();
    expect(await other.evaluate(() => location.hash)).to.equal('#/shared');
    await other.context().close();
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

  it('takes a dropped folder whole, its empty folders too, and keeps what could not be read', () => dropFolder(drive, folder));

  it('asks about no name that is taken by the very same file', () => sendOnce(drive, folder));

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
    // Of each what people tell them by, whichever is asked about first.
    await page
      .getByRole('dialog')
      .getByText(/^(5 bytes|300 kB) · /)
      .waitFor();
    await page
      .getByRole('dialog')
      .getByText(/^6 bytes · /)
      .waitFor();
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
    // What is typed with the field's first picture falls on what is selected in it.
    const selected = await page.locator('.entries').evaluate(async (list) => {
      list.dispatchEvent(new KeyboardEvent('keydown', { key: 'F2', bubbles: true }));
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      const field = document.activeElement as HTMLInputElement;
      return field.value?.slice(field.selectionStart ?? 0, field.selectionEnd ?? 0);
    });
    expect(selected).to.equal('note');
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
    // What comes from the desktop goes into the folder that it is dropped on.
    const dataTransfer = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['onto'], 'onto.txt', { type: 'text/plain' }));
      return transfer;
    });
    await entry('album').dispatchEvent('dragover', { dataTransfer });
    await entry('album').and(page.locator('.drop-target')).waitFor();
    expect(await page.locator('.drop-here').count()).to.equal(0);
    await entry('album').dispatchEvent('drop', { dataTransfer });
    await page.getByText('1 file uploaded').waitFor();
    expect(await (await stage.api('GET', '/files/home/Trip/album/onto.txt')).text()).to.equal('onto');
    await page.locator('.uploads').getByRole('button', { name: 'Dismiss', exact: true }).click();
  });

  it('is used by the keyboard alone: to select, by the menu, the questions and the way back', () => useListByKeys(drive));

  it('is used by the keyboard alone as tiles too: walked, ordered, sent elsewhere, renamed, packed, deleted and taken back', () =>
    useTilesByKeys(drive));

  it('selects several, and deletes them after it has asked', async () => {
    await entry('note (2).txt').click();
    await entry('renamed.txt').click({ modifiers: ['Control'] });
    await page.keyboard.press('Delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await entry('renamed.txt').waitFor({ state: 'detached' });
    expect((await stage.api('HEAD', '/files/home/Trip/renamed.txt')).status).to.equal(404);
    expect((await stage.api('HEAD', '/files/home/Trip/photo.jpg')).status).to.equal(200);
  });

  it('shows what takes long, whichever page is looked at, and calls it off with nothing done', () => callOffWork(drive));

  it('waits as long as the gateway wants, and goes on by itself', () => waitForGateway(drive));

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

  it('tells in the details of a folder what was done in it, as it comes', () => followWhatWasDone(drive));

  it('keeps what is typed as a name, where other entries move its own meanwhile', () => renameMeanwhile(drive));

  it('shows what happened while a listing was on its way, and lists again after one that failed', async () => {
    await put('Late/first.txt', 'x');
    const reached = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    let asked = 0;
    await page.route(/\/files\/home\/Late\/(\?|$)/, async (route) => {
      if (route.request().method() === 'HEAD') return route.continue();
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

  it('shows what happened between its listing and the first change that it is told', async () => {
    await put('Late/seen.txt', 'x');
    const other = await stage.page();
    const reached = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    await other.routeWebSocket(/\/ws$/, (socket) => {
      const gateway = socket.connectToServer();
      socket.onMessage(async (message) => {
        if (String(message).includes('"subscribe"')) {
          reached.resolve();
          await held.promise;
        }
        gateway.send(message);
      });
    });
    await other.goto(at(stage.gateway, 'drive/home/Late/'));
    await signIn(other, stage.gateway.user, stage.gateway.password);
    await entry('seen.txt', other).waitFor();
    await reached.promise;
    await put('Late/fourth.txt', 'x');
    held.resolve();
    await entry('fourth.txt', other).waitFor();
    await other.context().close();
  });

  it('leaves whoever types while a folder is coming where they type, and takes a double click for one', async () => {
    await put('Late/typed.txt', 'x');
    const held = Promise.withResolvers<void>();
    await page.route(/\/files\/home\/Late\/\?/, async (route) => {
      await held.promise;
      return route.continue();
    });
    await page.goto(at(stage.gateway, 'drive/home/Late/'));
    await page.getByRole('button', { name: 'Find in this folder' }).click();
    const field = page.getByRole('searchbox', { name: 'Find in this folder' });
    await field.pressSequentially('ty');
    held.resolve();
    await entry('typed.txt').waitFor();
    await field.pressSequentially('ped');
    expect(await field.inputValue()).to.equal('typed');
    await field.press('Escape');
    await page.unrouteAll();
    await page.getByRole('button', { name: 'New bucket' }).dblclick();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').fill('opened');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
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

  it('previews text, code, Markdown, pictures, video by ranges and PDF', () => previewEveryKind(drive));

  it('scrolls through 100,000 entries, as a list and as tiles, with few of them in the document', () => scrollThroughMany(drive));

  it('keeps a folder of 100,000 true by single entries, and lists nothing anew for them', () => keepManyTrue(drive));

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

  it('closes what it asks with the place or the session that it asks about', () => leaveQuestions(drive));

  it('shows a folder that is there again, and a name that is all blank', () => comeBack(drive));

  it('shows no longer what somebody may not see any more', () => takeAway(drive));

  it('tells names without a place to break them in dialogs that stay as they are', () => tellLongNames(drive));

  it('gives nothing of one user to the next', () => handOver(drive));

  it('leads back within a link, before out of it', () => goBackWithinLink(drive));
});

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
