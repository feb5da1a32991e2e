/**
 * Pictures of every page, in both themes, at the width of a phone and of a desk, from a real gateway with something in it.
 *   node scripts/screenshots.ts DIRECTORY [page…]
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { openStage, type Stage } from '../test/browser/browser.ts';
import { drawLoad, takeOver } from '../test/browser/console.ts';
import { healDamage } from '../test/browser/damage.ts';
import { pagesOf, setScene } from '../test/browser/scene.ts';

const [directory = 'screenshots', ...wanted] = process.argv.slice(2);
const SIZES = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 780, mobile: true } };
const SETTLE_MS = 450;

mkdirSync(directory, { recursive: true });
const stage = await openStage({ setup: true });
try {
  await takeOver(stage, (page, name) => picture(page, `${name}-phone`));
  const pages = pagesOf(await setScene(stage));
  for (const [size, view] of Object.entries(SIZES)) {
    const page = await stage.enter(view);
    const stranger = await stage.page(view);
    await stranger.goto(stage.gateway.webUrl);
    await picture(stranger, `sign-in-${size}`);
    for (const [name, place] of Object.entries(pages)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      await show(stage, place.startsWith('#') ? page : stranger, place);
      await picture(place.startsWith('#') ? page : stranger, `${name}-${size}`);
    }
    if (wanted.length === 0 || wanted.includes('load'))
      await drawLoad(stage, page, async () => {
        await page.locator('.charts').scrollIntoViewIfNeeded();
        await picture(page, `load-${size}`);
      });
    if (wanted.length === 0 || wanted.includes('grid')) await special(page, size);
    if (wanted.length === 0 || wanted.includes('connected')) await connected(page, size);
    if (wanted.length === 0 || wanted.includes('restore')) await restored(page, size);
  }
  if (wanted.length === 0 || wanted.includes('damage')) await damaged();
  if (stage.faults.length > 0) console.error(stage.faults);
} finally {
  await stage.close();
}

/** What needs a click. */
async function special(page: Page, size: string): Promise<void> {
  await show(stage, page, '#/drive/home/Photos/');
  await page.keyboard.press('v');
  await picture(page, `grid-${size}`);
  await page.keyboard.press('v');
  await page.getByRole('button', { name: 'Details', exact: true }).click();
  await page.locator('.details').waitFor();
  await show(stage, page, '#/drive/home/Documents/');
  await page.keyboard.press('ArrowDown');
  await picture(page, `details-${size}`);
  await page.keyboard.press('s');
  await picture(page, `share-${size}`);
  await page.keyboard.press('Escape');
  await page.locator('.details').getByRole('button', { name: 'Close' }).click();
  await show(stage, page, '#/drive/home/Photos/');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByRole('menuitem', { name: 'Share this folder' }).click();
  await page.getByText('Who can see this, and why').click();
  await page.locator('.who-sees .link-row').nth(2).waitFor();
  await page.getByText('Who can see this, and why').scrollIntoViewIfNeeded();
  await picture(page, `grants-${size}`);
  await page.keyboard.press('Escape');
  await show(stage, page, '#/drive/home/');
  await page
    .locator('.entry')
    .filter({ hasText: 'notes.txt' })
    .click({ modifiers: ['Control'] });
  await page.keyboard.press('h');
  await page.locator('.version').first().waitFor();
  await picture(page, `versions-${size}`);
  await page.keyboard.press('Escape');
  await show(stage, page, '#/trash/home');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Restore to a moment' }).click();
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.locator('.as-of-preview, .hint.wrong').waitFor();
  await picture(page, `as-of-${size}`);
  await page.keyboard.press('Escape');
  await show(stage, page, '#/drive/home/');
  await page.setInputFiles('input[type=file] >> nth=0', [
    { name: `one ${size}.txt`, mimeType: 'text/plain', buffer: Buffer.from('1') },
    { name: `two ${size}.txt`, mimeType: 'text/plain', buffer: Buffer.from('2') },
  ]);
  await page.getByText('2 files uploaded').waitFor();
  await picture(page, `uploads-${size}`);
}

/** A device's own access, its picture, and the phone that has scanned it. */
async function connected(page: Page, size: string): Promise<void> {
  await show(stage, page, '#/connect');
  await page.getByRole('button', { name: 'New device' }).click();
  await page.getByLabel('Name', { exact: true }).fill('phone');
  await picture(page, `connect-new-${size}`);
  const promised = page.waitForResponse((response) => response.url().endsWith('/claims') && response.ok());
  await page.getByRole('button', { name: 'Make access' }).click();
  const { token } = (await (await promised).json()) as { token: string };
  await page.getByRole('button', { name: 'Test connection' }).click();
  await fetch(`${stage.gateway.webdavUrl}home/`, {
    method: 'PROPFIND',
    headers: { Authorization: `Basic ${Buffer.from(`${stage.gateway.user}:mistyped`).toString('base64')}` },
  });
  await page.locator('.attempts li').first().waitFor();
  await picture(page, `connect-made-${size}`);
  const phone = await stage.page(SIZES.phone);
  await show(stage, phone, `#/claim/${token}`);
  await phone.getByRole('button', { name: 'Connect this device' }).click();
  await phone.locator('.copy-field').first().waitFor();
  await picture(phone, `claimed-${size}`);
  await phone.context().close();
  await page.getByText('Taken by a device').waitFor();
  await picture(page, `connect-taken-${size}`);
}

/** What lies in a directory of backups, and the question where one of them goes. */
async function restored(page: Page, size: string): Promise<void> {
  await show(stage, page, '#/admin/backups');
  await page.getByRole('button', { name: 'Look', exact: true }).click();
  const one = page.getByRole('button', { name: /^Restore the backup of/ }).first();
  await one.scrollIntoViewIfNeeded();
  await picture(page, `restore-found-${size}`);
  await one.click();
  await picture(page, `restore-where-${size}`);
  await page.keyboard.press('Escape');
}

/** A turned byte on the disk, as the page of storage tells of it. */
async function damaged(): Promise<void> {
  const page = await stage.enter(SIZES.desk);
  let taken = false;
  await healDamage(stage, page, async () => {
    if (taken) return [];
    taken = true;
    for (const [size, view] of Object.entries(SIZES)) {
      await page.setViewportSize(view);
      await page.locator('.quarantined').scrollIntoViewIfNeeded();
      await picture(page, `damage-${size}`);
    }
    await page.setViewportSize(SIZES.desk);
    return [];
  });
}

async function show({ gateway }: Stage, page: Page, place: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(`${gateway.webUrl.replace(/\/$/, '')}/${place}`);
  await page.waitForLoadState('networkidle').catch(() => undefined);
}

async function picture(page: Page, name: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.waitForTimeout(SETTLE_MS);
    await page.screenshot({ path: join(directory, `${name}-${theme}.png`) });
  }
}
