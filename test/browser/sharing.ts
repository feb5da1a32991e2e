import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { unzip } from '../support/unzip.ts';
import { findings } from './axe.ts';
import { at } from './browser.ts';
import type { Shown } from './scene.ts';

export async function shareByLink({ stage, page, stranger, scene, show }: Shown): Promise<void> {
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
  const saved = async (name: string): Promise<Buffer> => {
    const coming = stranger.waitForEvent('download');
    await stranger.getByRole('link', { name, exact: true }).click();
    return readFileSync(await (await coming).path());
  };
  const lake = Buffer.from(await (await stage.api('GET', '/files/home/Photos/Lake.svg')).arrayBuffer());
  expect(await saved('Download')).to.deep.equal(lake);
  await stranger.getByRole('button', { name: 'Back' }).click();
  const packed = unzip(await saved('Download all'));
  expect(packed.map(({ name }) => name).filter((name) => name.endsWith('.svg'))).to.have.lengthOf(8);
  expect(packed.find(({ name }) => name.endsWith('Lake.svg'))?.bytes).to.deep.equal(lake);
  await row.getByRole('button', { name: 'Delete link' }).click();
  await page.getByRole('dialog', { name: 'Delete link' }).getByRole('button', { name: 'Delete link' }).click();
  await row.waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await stranger.goto(address);
  await stranger.getByText('This link leads nowhere').waitFor();
}

export async function pageThroughLink({ stage, stranger }: Shown): Promise<void> {
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
}

export async function giveRole({ stage, page, show }: Shown): Promise<void> {
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
  await answer('Whoever has the link “Documents”').getByText('It leads to “Documents”, and asks for its password.').waitFor();
  const berta = await stage.enter({ user: 'berta', password: 'a password of berta' });
  // Who has a drive begins there, and not in one of which a folder is shared.
  await berta.locator('.breadcrumbs h1', { hasText: 'home-berta' }).waitFor();
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
  // Who may only add sees nothing, and adds all the same.
  await sharing.getByLabel('Role of family').selectOption('uploader');
  await answer('berta').getByText('does not see it').waitFor();
  await berta.reload();
  await berta.getByText('You may only add here').waitFor();
  expect(await findings(berta)).to.deep.equal([]);
  const added = { name: 'from berta.txt', mimeType: 'text/plain', buffer: Buffer.from('added') };
  await berta.setInputFiles('input[type=file] >> nth=0', added);
  await berta.getByText('1 file uploaded').waitFor();
  expect(await (await stage.api('GET', '/files/home/Documents/from%20berta.txt')).text()).to.equal('added');
  await stage.api('DELETE', '/files/home/Documents/from%20berta.txt');
  await sharing.getByLabel('Role of family').selectOption('editor');
  await answer('berta').getByText('may change it').waitFor();
  await sharing.getByRole('button', { name: 'Take access back from family' }).click();
  await page.getByRole('dialog').last().getByRole('button', { name: 'Take back' }).click();
  await sharing.getByLabel('Role of family').waitFor({ state: 'detached' });
  await berta.reload();
  await berta.getByText('You may not do that.').waitFor();
  await berta.context().close();
  await page.keyboard.press('Escape');
  // A link to a folder leads to all that is in it.
  await show('#/drive/home/Photos/');
  await page
    .locator('.entry')
    .filter({ hasText: 'Lake.svg' })
    .click({ modifiers: ['Control'] });
  await page.keyboard.press('s');
  await sharing.getByText('Who can see this, and why').click();
  await answer('Whoever has the link “Our holiday”').getByText('It leads to “Photos”.').waitFor();
  await page.keyboard.press('Escape');
}

export async function limitLink({ stage, page, stranger, show }: Shown): Promise<void> {
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
    stranger.setInputFiles('input[type=file] >> nth=0', { name, mimeType: 'text/plain', buffer: Buffer.alloc(size, 'x') });
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
  // Who may only look is offered nothing to save.
  await stranger.reload();
  await stranger.getByRole('button', { name: 'fits.txt' }).click();
  await stranger.getByText(/xxxxx/).first().waitFor();
  expect(await stranger.getByRole('link', { name: /^Download/ }).count()).to.equal(0);
  await viewed.getByRole('button', { name: 'Change link' }).click();
  expect(await form.getByLabel('Ends at').inputValue()).to.equal('07:08');
  await form.getByLabel('Ends on').fill('');
  for (const label of ['Number of downloads', 'Opens from these networks only', 'Title for visitors'])
    await form.getByLabel(label).fill('');
  await form.getByRole('button', { name: 'Save' }).click();
  await viewed.waitFor({ state: 'detached' });
  const free = { label: null, expires: null, downloadsMax: null, networks: null, disabled: false };
  expect(await terms()).to.deep.include(free);
  // Whoever looks into a file has loaded it.
  const last = page.locator('.link-row').filter({ hasText: '1 download' });
  await last.getByRole('button', { name: 'Disable' }).click();
  await last.getByText('Disabled', { exact: true }).waitFor();
  expect(await terms()).to.deep.include({ ...free, disabled: true });
  await last.getByRole('button', { name: 'Delete link' }).click();
  await page.getByRole('dialog', { name: 'Delete link' }).getByRole('button', { name: 'Delete link' }).click();
  await last.waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  for (const { name } of entries) await stage.api('DELETE', `/files/home/Music/${encodeURIComponent(name)}`);
}

export async function openLockedLink({ stage, stranger, scene }: Shown): Promise<void> {
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
  await stranger.setInputFiles('input[type=file] >> nth=0', {
    name: 'from a friend.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('hi'),
  });
  await stranger.getByText('There ·').waitFor();
  expect(await (await stage.api('GET', '/files/home/Backups/from%20a%20friend.txt')).text()).to.equal('hi');
  // A folder goes in as it is.
  const folder = mkdtempSync(join(tmpdir(), 'cloudstore-drop-'));
  try {
    mkdirSync(join(folder, 'a&b', 'ü'), { recursive: true });
    writeFileSync(join(folder, 'a&b', 'ü', 'c#.txt'), 'deep');
    await stranger.setInputFiles('input[type=file] >> nth=1', join(folder, 'a&b'));
    await stranger.locator('li.good').filter({ hasText: 'a&b/ü/c#.txt' }).waitFor();
  } finally {
    rmSync(folder, { recursive: true });
  }
  const path = ['a&b', 'ü', 'c#.txt'].map(encodeURIComponent).join('/');
  expect(await (await stage.api('GET', `/files/home/Backups/${path}`)).text()).to.equal('deep');
}
