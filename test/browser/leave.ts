import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import type { Stage } from './browser.ts';

/** What leads from a screen to the next without anything being chosen. */
const ON = ['Not now', 'Next', 'Next'];
const HEADINGS = ['Make it yours', 'Where your files lie', 'Who may reach it', 'Connect a device'];

/**
 * Nothing but what the terminal printed opens the wizard, which is left at each of its screens: then the drive is there, with the defaults. The end of it is kept
 * from the gateway, so that the next one can be tried.
 */
export async function leaveWizard({ gateway, page: open }: Stage): Promise<void> {
  const page = await open();
  await page.goto(gateway.webUrl);
  for (const [secret, why] of [
    ['', 'Something must stand here.'],
    ['x'.repeat(32), 'It is neither the printed password nor the token'],
    ['not the password', 'It is neither the printed password nor the token'],
  ] as const) {
    await page.getByLabel('Password or set-up token').fill(secret);
    await page.keyboard.press('Enter');
    await page.getByText(why).waitFor();
  }
  // No address of the page leads around it, and no route of the API answers.
  for (const place of ['#/account', '#/admin/settings', '#/drive/home/']) {
    await page.goto(`${gateway.webUrl.replace(/\/$/, '')}/${place}`);
    await page.getByRole('heading', { name: 'Welcome to CloudStore' }).waitFor();
  }
  for (const path of ['/setup/password', '/setup/end'])
    expect((await fetch(`${gateway.restUrl}${path}`, { method: 'POST', body: '{}' })).status, path).to.equal(401);

  await page.getByLabel('Password or set-up token').fill(gateway.password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: HEADINGS[0] ?? '' }).waitFor();
  let ended = 0;
  await page.route('**/api/v1/setup/end', (route) => {
    ended++;
    return route.fulfill({ status: 204 });
  });
  for (const [index, heading] of HEADINGS.entries()) {
    await page.reload();
    await walkTo(page, index);
    await page.getByRole('heading', { name: heading }).waitFor();
    await page.getByRole('button', { name: index === HEADINGS.length - 1 ? 'Finish' : 'Keep the defaults' }).click();
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'home', exact: true }).waitFor();
    await page.getByText('This folder is empty').waitFor();
    expect(ended, heading).to.equal(index + 1);
  }
  // Nothing was chosen, so nothing was changed.
  const { password } = JSON.parse(readFileSync(join(gateway.dataDir, 'first-run.json'), 'utf8')) as { password: string };
  expect(password).to.equal(gateway.password);
  await page.context().close();
}

/** By the screens before, and back once from each: nothing is lost by that. */
async function walkTo(page: Page, index: number): Promise<void> {
  for (const [at, on] of ON.slice(0, index).entries()) {
    await page.getByRole('button', { name: on, exact: true }).click();
    await page.getByRole('heading', { name: HEADINGS[at + 1] ?? '' }).waitFor();
    await page.getByRole('button', { name: 'Back', exact: true }).click();
    await page.getByRole('heading', { name: HEADINGS[at] ?? '' }).waitFor();
    await page.getByRole('button', { name: on, exact: true }).click();
  }
}
