import { expect } from 'chai';
import type { Route } from 'playwright-core';
import { holdBucket } from '../support/held-bucket.ts';
import { at } from './browser.ts';
import type { Drive } from './drive.ts';

export async function callOffWork({ stage, page, entry, put }: Drive): Promise<void> {
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
    await held.nobodyWaits();
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
      await again.nobodyWaits();
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
}

export async function waitForGateway({ stage, page, entry }: Drive): Promise<void> {
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
}
