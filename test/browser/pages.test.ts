import axe from 'axe-core';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { encode } from 'uqr';
import { requireProgram } from '../support/programs.ts';
import { at, openStage, type Stage } from './browser.ts';
import {
  ADMIN_PAGES,
  breakTrace,
  cancelScrub,
  changeDisks,
  endAccess,
  keepBackups,
  passkeyLater,
  readAlerts,
  weighScripts,
} from './care.ts';
import { drawLoad, readAudit, setUpBucket, takeOver, watchRequests } from './console.ts';
import { healDamage } from './damage.ts';
import { installPage } from './install.ts';
import { leaveWizard } from './leave.ts';
import { runRecipes } from './recipes.ts';
import { HOSTILE, pagesOf, type Scene, setScene } from './scene.ts';
import { failEveryPage } from './states.ts';
import { tendKeys } from './upkeep.ts';

const SETTLED_MS = 120;

interface Finding {
  id: string;
  impact: string;
  nodes: { html: string }[];
}

/** What axe calls serious or critical. */
async function findings(page: Page, options = ''): Promise<string[]> {
  // Run in the page's own world: its policy lets no script in.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: axe.source });
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run(${options}).then(({ violations }) => JSON.stringify(violations))`,
    awaitPromise: true,
  });
  await session.detach();
  return (JSON.parse(String(result.value)) as Finding[])
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id} ${nodes[0]?.html.slice(0, 160)}`);
}

describe('every page in a browser', function () {
  this.timeout(120_000);
  requireProgram('chromium');
  let stage: Stage;
  let scene: Scene;
  let page: Page;
  let stranger: Page;
  /** What axe has against the screens of the first run. */
  const wizard: string[] = [];

  before(async () => {
    stage = await openStage({ setup: true, env: { CLOUDSTORE_SCRUB_MIB_PER_SECOND: '1' } });
    await leaveWizard(stage);
    await passkeyLater(stage);
    await takeOver(stage, async (on, screen) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await on.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        wizard.push(...(await findings(on)).map((finding) => `${screen} ${colorScheme}: ${finding}`));
      }
    });
    scene = await setScene(stage);
    page = await stage.enter();
    stranger = await stage.page({ width: 390, height: 780, mobile: true });
  });
  after(() => stage?.close());

  const show = async (place: string): Promise<Page> => {
    const on = place.startsWith('#') ? page : stranger;
    await on.goto(`${stage.gateway.webUrl.replace(/\/$/, '')}/${place}`);
    await on.locator('h1, h2').first().waitFor();
    await on.locator('.skeleton').first().waitFor({ state: 'detached' });
    await on.waitForTimeout(SETTLED_MS);
    return on;
  };

  it('has nothing serious for axe on any page, in both themes', async () => {
    const found: string[] = [...wizard];
    for (const [name, place] of Object.entries(pagesOf(scene))) {
      const on = await show(place);
      for (const colorScheme of ['light', 'dark'] as const) {
        await on.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        // In the second theme only the colours are others.
        const only = colorScheme === 'light' ? '' : "{ runOnly: 'color-contrast' }";
        found.push(...(await findings(on, only)).map((finding) => `${name} ${colorScheme}: ${finding}`));
      }
    }
    expect(found).to.deep.equal([]);
  });

  it('has nothing serious for axe on a phone', async () => {
    const phone = await stage.enter({ width: 390, height: 780, mobile: true });
    for (const place of ['drive/home/', 'trash/home', 'shared', 'connect', 'admin/users/berta', ...ADMIN_PAGES]) {
      await phone.goto(at(stage.gateway, place));
      await phone.locator('.skeleton').first().waitFor({ state: 'detached' });
      await phone.waitForTimeout(SETTLED_MS);
      // The small screen moves things, and makes no others.
      if (!ADMIN_PAGES.includes(place) || place === 'admin/backups') expect(await findings(phone), place).to.deep.equal([]);
      const wide = await phone.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(wide, `${place} is wider than the phone`).to.equal(0);
    }
    await phone.context().close();
  });

  it('shows hostile names as text on every page, and runs none', async () => {
    for (const place of Object.values(pagesOf(scene))) {
      const on = await show(place);
      expect(await on.evaluate(() => 'hacked' in window), place).to.equal(false);
    }
    await show('#/drive/home/Hostile/');
    const names = await page.locator('.entry .name').evaluateAll((all) => all.map((one) => one.getAttribute('title')));
    for (const name of HOSTILE.filter((one) => !one.includes('/'))) expect(names).to.include(name);
    for (const name of HOSTILE.filter((one) => !one.includes('/')).slice(0, 4)) {
      await page.goto(at(stage.gateway, `drive/home/Hostile/?open=${encodeURIComponent(name)}`));
      await page.locator('.viewer').waitFor();
      await page.waitForTimeout(SETTLED_MS);
      expect(await page.evaluate(() => 'hacked' in window), name).to.equal(false);
      await page.keyboard.press('Escape');
    }
    const stored = await stage.page();
    await stored.context().addCookies(await page.context().cookies());
    await stored.goto(`${stage.gateway.restUrl}/files/home/Hostile/${encodeURIComponent(HOSTILE[0] ?? '')}`);
    expect(await stored.evaluate(() => 'hacked' in window)).to.equal(false);
    expect(await stored.evaluate(() => origin)).to.equal('null');
    stage.faults.splice(
      0,
      stage.faults.length,
      ...stage.faults.filter((fault) => !/sandbox|inline script|Content Security/i.test(fault)),
    );
  });

  it('goes on after a reload, with no token that a script could read, and ends with the session', async () => {
    await show('#/drive/home/');
    await page.reload();
    await page.locator('.entry').first().waitFor();
    expect(await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }))).not.to.match(
      /eyJ|token/i,
    );
    const other = await page.context().newPage();
    await other.goto(stage.gateway.webUrl);
    await other.locator('.entry').first().waitFor();
    await page.getByRole('button', { name: 'Account of' }).first().click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.locator('[name=username]').waitFor();
    await other.locator('[name=username]').waitFor();
    await other.close();
    page = await stage.enter();
  });

  it('makes a user whose password is told once, and who then sees an own drive and no administration', async () => {
    await show('#/admin/users');
    await page.getByRole('button', { name: 'New user' }).click();
    await page.getByRole('dialog').getByLabel('User name').fill('dora');
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
    const secret = page.getByRole('dialog').locator('.copy-field code').nth(1);
    await secret.waitFor();
    const password = (await secret.textContent()) ?? '';
    await page.getByRole('button', { name: 'I have it' }).click();
    await page.getByRole('rowheader', { name: 'dora' }).waitFor();
    const dora = await stage.enter({ user: 'dora', password });
    await dora.getByText('This folder is empty').waitFor();
    expect(await dora.getByText('Administration').count()).to.equal(0);
    await dora.goto(at(stage.gateway, 'admin/users'));
    await dora.getByText('This page is for admins').waitFor();
    await dora.context().close();
  });

  it('connects a device: its own access, and its first request seen', async () => {
    await show('#/connect');
    await page.getByRole('button', { name: 'New device' }).click();
    await page.getByLabel('Name', { exact: true }).fill('laptop');
    const promised = page.waitForResponse((response) => response.url().endsWith('/claims') && response.ok());
    await page.getByRole('button', { name: 'Make access' }).click();
    const { token } = (await (await promised).json()) as { token: string };
    await page.getByRole('tab', { name: 'aws-cli' }).click();
    await page.getByText(`--endpoint-url ${stage.gateway.s3Url.replace(/\/$/, '')} `).waitFor();
    const password = (await page.locator('.connect-head .copy-field code').nth(1).textContent()) ?? '';
    const secret = (await page.locator('.connect-head .copy-field code').nth(3).textContent()) ?? '';
    for (const tab of await page.getByRole('tab').all()) {
      await tab.click();
      // Alone, to be pasted where it is asked for, or in a file.
      for (const command of await page.locator('#recipe code').allTextContents())
        if (command !== password && command !== secret && !command.startsWith('['))
          expect(command.includes(password) || command.includes(secret), command).to.equal(false);
    }
    // What the picture holds, byte for byte: an address with the claim, and nothing that opens anything twice.
    const { data } = encode(at(stage.gateway, `claim/${token}`), { border: 2 });
    const modules = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ''))).join('');
    expect(await page.locator('.connect-qr .qr path').getAttribute('d')).to.equal(modules);
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByText('Waiting for the device').waitFor();
    const ask = async (user: string, word: string, path = '/dav/home/') => {
      const headers = { Depth: '0', Authorization: `Basic ${Buffer.from(`${user}:${word}`).toString('base64')}` };
      return (await fetch(new URL(path, stage.gateway.restUrl), { method: 'PROPFIND', headers })).status;
    };
    expect(await ask(stage.gateway.user, 'mistyped')).to.equal(401);
    await page.getByText('The user name is right, the password is not.').waitFor();
    expect(await ask('somebody', password)).to.equal(401);
    await page.getByText('The app password is right, the user name is not.').waitFor();
    expect(await ask(stage.gateway.user, password, '/webdav/home/')).to.equal(404);
    await page.getByText('A drive asked for a path that is none of this gateway’s.').waitFor();
    expect(await ask(stage.gateway.user, password)).to.equal(207);
    await page.getByText('It works: the app password was used from 127.0.0.1').waitFor();
    const phone = await stage.page({ width: 390, height: 780, mobile: true });
    await phone.goto(at(stage.gateway, `claim/${token}`));
    await phone.getByRole('button', { name: 'Connect this device' }).click();
    await phone.getByRole('heading', { name: `Connected as ${stage.gateway.user}` }).waitFor();
    expect(await findings(phone)).to.deep.equal([]);
    expect(phone.url()).to.not.include(token);
    const given = (await phone.locator('.copy-field code').nth(2).textContent()) ?? '';
    expect(await phone.getByRole('link', { name: 'Open in the Nextcloud app' }).getAttribute('href')).to.include(given);
    expect(await ask(stage.gateway.user, given)).to.equal(207);
    await phone.goto(at(stage.gateway, `claim/${token}`));
    await phone.getByRole('button', { name: 'Connect this device' }).click();
    await phone.getByText('This code was used already').waitFor();
    await phone.context().close();
    await page.getByText('Taken by a device at 127.0.0.1').waitFor();
    await runRecipes(stage, page, password, secret);
    await page.getByRole('button', { name: 'Take its access back' }).click();
    await page.getByText('Taken back: it opens nothing any more.').waitFor();
    await page.waitForFunction(() => document.querySelector('.connect-qr .qr.spent') !== null);
    expect(await ask(stage.gateway.user, given)).to.equal(401);
  });

  it('shares a folder by link, which a stranger on a phone opens, and takes it back', async () => {
    await show('#/drive/home/');
    await page.locator('.entry').filter({ hasText: 'Photos' }).click();
    await page.keyboard.press('s');
    await page.getByRole('button', { name: 'New link' }).click();
    await page.getByRole('dialog').last().getByLabel('Title for visitors').fill('For you');
    await page.getByRole('dialog').last().getByRole('button', { name: 'Create' }).click();
    const row = page.locator('.link-row').filter({ has: page.locator('code'), hasNot: page.getByText(scene.linkToken) });
    await row.locator('code').waitFor();
    const address = (await row.locator('code').textContent()) ?? '';
    await stranger.goto(address);
    await stranger.getByRole('heading', { name: 'For you' }).waitFor();
    await stranger.getByRole('button', { name: 'Lake.svg' }).click();
    await stranger.waitForFunction(() => (document.querySelector<HTMLImageElement>('.public-file img')?.naturalWidth ?? 0) > 0);
    await row.getByRole('button', { name: 'Delete link' }).click();
    await page.getByRole('dialog').last().getByRole('button', { name: 'Delete link' }).click();
    await row.waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await stranger.goto(address);
    await stranger.getByText('This link leads nowhere').waitFor();
  });

  it('says on the page of a link that more is below, and shows it page by page to the last', async () => {
    for (let n = 0; n < 7; n++) await stage.api('PUT', `/files/home/Leaflets/leaflet%20${n}.txt`, `${n}`);
    const made = await stage.api('POST', '/links', JSON.stringify({ bucket: 'home', key: 'Leaflets/' }), {
      'Content-Type': 'application/json',
    });
    const { token } = (await made.json()) as { token: string };
    // The gateway's own pages, of three entries instead of a thousand; the second is lost on its way once.
    const asked: (string | null)[] = [];
    await stranger.route('**/api/v1/public/**', async (route) => {
      const url = new URL(route.request().url());
      if (!url.pathname.includes(`${token}/list`)) return route.continue();
      asked.push(url.searchParams.get('cursor'));
      if (asked.length === 2) return route.abort();
      url.searchParams.set('limit', '3');
      return route.continue({ url: url.href });
    });
    await stranger.goto(`${stage.gateway.webUrl.replace(/\/$/, '')}/s/${token}`);
    const rows = stranger.locator('.public-list li');
    await stranger.getByText('3 items, and more below').waitFor();
    expect(await rows.count()).to.equal(3);
    await stranger.getByRole('button', { name: 'Show more' }).click();
    await stranger.getByRole('button', { name: 'Try again' }).click();
    await stranger.getByText('6 items, and more below').waitFor();
    await stranger.getByRole('button', { name: 'Show more' }).click();
    await rows.filter({ hasText: 'leaflet 6.txt' }).waitFor();
    await stranger.getByRole('button', { name: 'Show more' }).waitFor({ state: 'detached' });
    expect(await rows.locator('bdi').allTextContents()).to.deep.equal([0, 1, 2, 3, 4, 5, 6].map((n) => `leaflet ${n}.txt`));
    expect(asked).to.have.lengthOf(4);
    expect(asked[1]).to.equal(asked[2]);
    await stranger.unroute('**/api/v1/public/**');
    await stage.api('DELETE', '/files/home/Leaflets/?recursive=true');
  });

  it('gives a group a role on a folder, says who sees it and why, changes and takes the role', async () => {
    await show('#/drive/home/Documents/');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('menuitem', { name: 'Share this folder' }).click();
    const sharing = page.getByRole('dialog');
    await sharing.locator('.grant-row').filter({ hasText: 'carl' }).getByText('from “home”').waitFor();
    await sharing.getByLabel('User or group').selectOption('group');
    await sharing.getByLabel('Name', { exact: true }).fill('nobody of that name');
    await sharing.getByRole('button', { name: 'Give access' }).click();
    await sharing.getByText('There is no group “nobody of that name”.').waitFor();
    await sharing.getByLabel('Name', { exact: true }).fill('family');
    await sharing.getByRole('button', { name: 'Give access' }).click();
    await sharing.getByLabel('Role of family').waitFor();
    await sharing.getByText('Who can see this, and why').click();
    const answer = (name: string) => sharing.locator('.who-sees .link-row').filter({ hasText: name });
    await answer('berta').getByText('The group “family” has the role “May view” on “Documents”.').waitFor();
    await answer('Anybody').getByText('does not see it').waitFor();
    const berta = await stage.enter({ user: 'berta', password: 'a password of berta' });
    await berta.goto(at(stage.gateway, 'shared'));
    await berta.getByRole('link', { name: 'Documents' }).click();
    await berta.locator('.entry').filter({ hasText: 'Budget 2027.xlsx' }).waitFor();
    expect(await sharing.getByLabel('Role of family').locator('option').allTextContents()).to.deep.equal([
      'May view',
      'May comment',
      'May only add',
      'May edit',
      'May manage',
      'Owns it',
    ]);
    await sharing.getByLabel('Role of family').selectOption('editor');
    await answer('berta').getByText('may change it').waitFor();
    await sharing.getByRole('button', { name: 'Take access back from family' }).click();
    await page.getByRole('dialog').last().getByRole('button', { name: 'Take back' }).click();
    await sharing.getByLabel('Role of family').waitFor({ state: 'detached' });
    await berta.reload();
    await berta.getByText('You may not do that.').waitFor();
    await berta.context().close();
    await page.keyboard.press('Escape');
  });

  it('gives a link every limit that there is, changes them, and a drop folder keeps to them', async () => {
    await show('#/drive/home/');
    await page.locator('.entry').filter({ hasText: 'Music' }).click();
    await page.keyboard.press('s');
    const form = page.getByRole('dialog').last();
    await page.getByRole('button', { name: 'New link' }).click();
    await form.getByLabel('Whoever has the link may').selectOption('drop');
    await form.getByLabel('Number of files').fill('1');
    await form.getByLabel('Room for its files, MB').fill('0.5');
    await form.getByRole('button', { name: 'Create' }).click();
    const row = page.locator('.link-row').filter({ hasText: 'Only put files in' });
    await row.getByText('1 file at most').waitFor();
    const address = (await row.locator('code').textContent()) ?? '';
    await stranger.goto(address);
    await stranger.getByText('It takes 1 more file. There is room for 500 kB.').waitFor();
    const give = (name: string, size: number) =>
      stranger.setInputFiles('input[type=file]', { name, mimeType: 'text/plain', buffer: Buffer.alloc(size, 'x') });
    await give('too large.txt', 600_000);
    await stranger.locator('li.bad').filter({ hasText: 'too large.txt' }).waitFor();
    await give('fits.txt', 1_000);
    await stranger.locator('li.good').filter({ hasText: 'fits.txt' }).waitFor();
    await give('one more.txt', 10);
    await stranger.locator('li.bad').filter({ hasText: 'one more.txt' }).waitFor();
    await row.getByRole('button', { name: 'Change link' }).click();
    await form.getByLabel('Number of files').fill('2');
    await form.getByLabel('Title for visitors').fill('Put it here');
    await form.getByLabel('Password').fill('open sesame');
    await form.getByRole('button', { name: 'Save' }).click();
    await row.getByText('2 files at most').waitFor();
    await stranger.reload();
    await stranger.getByLabel('Password').fill('open sesame');
    await stranger.getByRole('button', { name: 'Open' }).click();
    await stranger.getByRole('heading', { name: 'Put it here' }).waitFor();
    await give('one more.txt', 10);
    await stranger.locator('li.good').filter({ hasText: 'one more.txt' }).waitFor();
    const { entries } = (await (await stage.api('GET', '/files/home/Music/')).json()) as { entries: { name: string }[] };
    expect(entries.map(({ name }) => name)).to.deep.equal(['fits.txt', 'one more.txt']);
    // What goes with one mode only is asked for in no other, and every term of the API can be set here, seen and taken away again.
    const { items } = (await (await stage.api('GET', '/links?bucket=home&key=Music/')).json()) as { items: { id: number }[] };
    const terms = async () => (await stage.api('GET', `/links/${items[0]?.id}`)).json() as Promise<Record<string, unknown>>;
    await row.getByRole('button', { name: 'Change link' }).click();
    expect(await form.getByLabel('Number of downloads').count()).to.equal(0);
    await form.getByLabel('Whoever has the link may').selectOption('view');
    expect(await form.getByLabel('Number of files').count()).to.equal(0);
    await form.getByLabel('Number of downloads').fill('3');
    await form.getByLabel('Take the password away').check();
    await form.getByLabel('Opens from these networks only').fill('127.0.0.0/8, ::1');
    await form.getByLabel('Ends on').fill('2099-05-06');
    await form.getByLabel('Ends at').fill('07:08');
    await form.getByRole('button', { name: 'Save' }).click();
    const viewed = page.locator('.link-row').filter({ hasText: 'Put it here' });
    await viewed.getByText('0 downloads of 3 · from 127.0.0.0/8, ::1 only').waitFor();
    expect(await terms()).to.deep.include({
      mode: 'view',
      label: 'Put it here',
      expires: new Date('2099-05-06T07:08:00').toISOString(),
      protected: false,
      downloadsMax: 3,
      filesMax: null,
      bytesMax: null,
      networks: ['127.0.0.0/8', '::1'],
    });
    await viewed.getByRole('button', { name: 'Change link' }).click();
    expect(await form.getByLabel('Ends at').inputValue()).to.equal('07:08');
    await form.getByLabel('Ends on').fill('');
    for (const label of ['Number of downloads', 'Opens from these networks only', 'Title for visitors'])
      await form.getByLabel(label).fill('');
    await form.getByRole('button', { name: 'Save' }).click();
    await viewed.waitFor({ state: 'detached' });
    const free = { label: null, expires: null, downloadsMax: null, networks: null, disabled: false };
    expect(await terms()).to.deep.include(free);
    const last = page.locator('.link-row').filter({ hasText: '0 downloads' });
    await last.getByRole('button', { name: 'Disable' }).click();
    await last.getByText('Disabled', { exact: true }).waitFor();
    expect(await terms()).to.deep.include({ ...free, disabled: true });
    await last.getByRole('button', { name: 'Delete link' }).click();
    await page.getByRole('dialog').last().getByRole('button', { name: 'Delete link' }).click();
    await last.waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    for (const { name } of entries) await stage.api('DELETE', `/files/home/Music/${encodeURIComponent(name)}`);
  });

  it('asks for the password of a link, and takes files that are dropped', async () => {
    await stranger.goto(`${stage.gateway.webUrl.replace(/\/$/, '')}/s/${scene.lockedToken}`);
    await stranger.getByLabel('Password').fill('wrong');
    await stranger.getByRole('button', { name: 'Open' }).click();
    await stranger.getByText('That password is not right.').waitFor();
    await stranger.getByLabel('Password').fill('open sesame');
    await stranger.getByRole('button', { name: 'Open' }).click();
    await stranger.getByText('Budget 2027.xlsx').waitFor();
    await stranger.getByRole('button', { name: 'Letter to the landlord.md' }).click();
    await stranger.locator('.rendered strong', { hasText: 'Ms. Weber' }).waitFor();
    await stranger.getByRole('button', { name: 'Back' }).click();
    await stranger.getByRole('button', { name: 'Hello.pdf' }).click();
    await stranger.locator('.pdf-page').waitFor();
    await stranger.waitForFunction(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('.pdf-page');
      const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
      return pixels?.some((value, index) => index % 4 < 3 && value < 80) === true;
    });
    expect(await findings(stranger)).to.deep.equal([]);
    await stranger.goto(`${stage.gateway.webUrl.replace(/\/$/, '')}/s/${scene.dropToken}`);
    await stranger.getByRole('button', { name: 'Upload files' }).waitFor();
    await stranger.setInputFiles('input[type=file]', {
      name: 'from a friend.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('hi'),
    });
    await stranger.getByText('There ·').waitFor();
    expect(await (await stage.api('GET', '/files/home/Backups/from%20a%20friend.txt')).text()).to.equal('hi');
  });

  it('lists what a file was, shows an older version, and makes it current again', async () => {
    await show('#/drive/home/');
    await page.locator('.entry').filter({ hasText: 'notes.txt' }).click();
    await page.keyboard.press('h');
    const rows = page.locator('.version');
    await rows.nth(2).waitFor();
    expect(await rows.nth(0).textContent()).to.match(/Now.*1\.15 kB \(\+1\.13 kB\)/);
    await rows.nth(1).getByRole('button', { name: 'View the version' }).click();
    await page.locator('.viewer pre').getByText('Milk, bread.', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await rows.nth(1).getByRole('button', { name: 'Restore the version' }).click();
    await rows.nth(3).waitFor();
    expect(await (await stage.api('GET', '/files/home/notes.txt')).text()).to.equal('Milk, bread.\n');
    await rows.nth(3).getByRole('button', { name: 'Delete the version' }).click();
    await page.getByRole('button', { name: 'Delete for good' }).click();
    await rows.nth(3).waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await page.locator('.entry').filter({ hasText: 'notes.txt' }).click();
    await page.keyboard.press('i');
    const details = page.locator('.details');
    await details.getByText('Changed').first().waitFor();
    await details.getByText('carl').waitFor();
    await page.locator('.entry').filter({ hasText: 'notes.txt' }).click();
    await page.keyboard.press('i');
  });

  it('takes a deletion back, brings back from the trash beside what is there now, and removes for good', async () => {
    await show('#/drive/home/Projects/');
    const put = (key: string, body: string) => stage.api('PUT', `/files/home/Projects/${key}`, body);
    await put('plan.txt', 'the first');
    await put('Sub/deep.txt', 'deep');
    await stage.api('DELETE', '/files/home/Projects/Sub/deep.txt');
    await put('Sub/other.txt', 'other');
    await page.locator('.entry').filter({ hasText: 'Sub' }).click();
    await page.keyboard.press('Delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText(/\d items? restored/).waitFor();
    expect((await stage.api('GET', '/files/home/Projects/Sub/other.txt')).status).to.equal(200);
    expect((await stage.api('GET', '/files/home/Projects/Sub/deep.txt')).status, 'deleted before').to.equal(404);
    await stage.api('DELETE', '/files/home/Projects/plan.txt');
    await put('plan.txt', 'the second');
    await stage.api('DELETE', '/files/home/Projects/plan.txt');
    await put('brief.txt', 'brief');
    await stage.api('DELETE', '/files/home/Projects/brief.txt');
    await show('#/trash/home/Projects/');
    await page.getByLabel('Select plan.txt').check();
    await put('plan.txt', 'the third');
    await page.getByLabel('Select brief.txt').check();
    await page.getByRole('button', { name: 'Restore', exact: true }).click();
    await page.locator('.trash-row').filter({ hasText: 'brief.txt' }).waitFor({ state: 'detached' });
    expect(await (await stage.api('GET', '/files/home/Projects/brief.txt')).text()).to.equal('brief');
    await page.getByRole('button', { name: 'Delete Sub for good' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click();
    await page.getByText('1 version deleted for good').waitFor();
    await page.getByText('Nothing was deleted in this folder').waitFor();
  });

  it('makes a folder as it was at a moment, after showing what that would change', async () => {
    const put = (key: string, body: string) => stage.api('PUT', `/files/home/Projects/${key}`, body);
    await put('kept.txt', 'as it was');
    const { modified } = (await (await stage.api('GET', '/stat/home/Projects/kept.txt')).json()) as { modified: string };
    // The page takes whole seconds.
    const moment = new Date(Math.ceil(Date.parse(modified) / 1000) * 1000);
    await page.waitForFunction((until) => Date.now() > until + 20, moment.getTime());
    await put('kept.txt', 'spoilt');
    await put('since.txt', 'since');
    await show('#/drive/home/Projects/');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('menuitem', { name: 'Restore to a moment' }).click();
    const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
    await page.getByLabel('As it was on').fill(local);
    await page.getByLabel('Move files that have come since').check();
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.locator('.as-of-preview').getByText('Into the trash').waitFor();
    expect(await (await stage.api('GET', '/files/home/Projects/kept.txt')).text()).to.equal('spoilt');
    await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
    await page.locator('.entry').filter({ hasText: 'since.txt' }).waitFor({ state: 'detached' });
    expect(await (await stage.api('GET', '/files/home/Projects/kept.txt')).text()).to.equal('as it was');
  });

  it('reads the audit by filter, saves it, and checks its chain', () => readAudit(stage, page));

  it('watches the requests of one device', () => watchRequests(stage, page));

  it('sets a bucket up by form and as text, and says why somebody may read', () => setUpBucket(stage, page));

  it('draws the load over time, and says how long the space lasts', () => drawLoad(stage, page));

  it('makes a backup, reads it again, and says how it comes back', () => keepBackups(stage, page));

  it('shows what is wrong, what to do about it, and who is told', () => readAlerts(stage, page));

  it('changes the keys, and sees what the doctor finds', () => tendKeys(stage, page));

  it('adds a disk, empties it and takes it away', () => changeDisks(stage, page));

  it('shows how far a check of everything is, and stops it', () => cancelScrub(stage, page));

  it('names the files that a turned byte on the disk hurts, what to do about it, and that it is healed', () =>
    healDamage(stage, page, findings));

  it('says on every page of administration that the gateway is away, has failed, or refuses, and comes back by another try', () =>
    failEveryPage(stage));

  it('ends what a user is signed in by', () => endAccess(stage, page));

  it('says when the trace is refused or breaks', () => breakTrace(stage));

  it('can be installed, as Chromium itself finds, opens without a gateway, and keeps nothing but itself', () =>
    installPage(stage));

  it('loads few scripts for its first view', async () => void (await weighScripts(stage)));

  it('says on every page that the gateway is away or busy, and goes on by itself', async () => {
    const own = await stage.enter();
    const places: [place: string, then: string | RegExp][] = [
      ['drive/home/Documents/', 'Budget 2027.xlsx'],
      ['drive/home/?open=notes.txt', /Milk, bread/],
      ['drive/home/Photos/?open=Lake.svg', ''],
      ['drive/home/Documents/?open=Hello.pdf', ''],
      ['trash/home/', 'thrown away.txt'],
      ['links', 'home/Photos/'],
      ['shared', 'home-berta'],
      ['connect', ''],
      ['account', 'Second factor'],
      ['search', 'server.ts'],
    ];
    for (const [index, [place, then]] of places.entries()) {
      await own.goto('about:blank');
      await own.route(/\/api\/v1\/(?!auth|setup|me$)/, (route) =>
        index % 2 === 0
          ? route.abort()
          : route.fulfill({
              status: 503,
              contentType: 'application/problem+json',
              body: JSON.stringify({ status: 503, code: 'unavailable', title: 'Unavailable' }),
            }),
      );
      await own.goto(at(stage.gateway, place));
      if (place === 'search') await own.getByRole('searchbox').fill('server');
      const told = own.locator('#content, dialog').getByRole('alert').filter({ hasText: 'It is tried again by itself.' });
      await told.first().waitFor();
      await own.unroute(/\/api\/v1\/(?!auth|setup|me$)/);
      await own.evaluate(() => dispatchEvent(new Event('online')));
      await told.first().waitFor({ state: 'detached' });
      await own.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'home', exact: true }).waitFor();
      if (then !== '') await own.locator('#content, dialog').getByText(then).first().waitFor();
      if (place.endsWith('.svg')) await own.locator('.view-image img').waitFor();
      if (place.endsWith('.pdf')) await own.locator('.pdf-page').first().waitFor();
    }
    await own.context().close();
  });

  it('speaks German, all of it', async () => {
    await show('#/drive/home/Photos/');
    await page.getByRole('button', { name: 'Account of' }).first().click();
    await page.getByRole('menuitem', { name: 'Deutsch' }).click();
    await page.getByRole('button', { name: 'Hinzufügen' }).waitFor();
    await page.getByText(/\d+ Einträge/).waitFor();
    expect(await page.getAttribute('html', 'lang')).to.equal('de');
  });

  it('broke no rule of its policy and asked no other host', () => expect(stage.faults).to.deep.equal([]));
});
