import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import type { Stage } from './browser.ts';

/** A stranger on a phone takes the gateway over with the token that the terminal printed, and goes through the wizard. */
export async function takeOver(
  stage: Stage,
  look: (page: Page, screen: string) => Promise<void> = async () => undefined,
): Promise<void> {
  const { gateway } = stage;
  const { setupToken } = JSON.parse(readFileSync(join(gateway.dataDir, 'first-run.json'), 'utf8')) as { setupToken: string };
  const page = await stage.page({ width: 390, height: 780, mobile: true });
  await page.goto(gateway.webUrl);
  await page.getByRole('heading', { name: 'Welcome to CloudStore' }).waitFor();
  await look(page, 'setup-begin');
  await page.getByLabel('Password or set-up token').fill('not the password');
  await page.getByRole('button', { name: 'Begin' }).click();
  await page.getByText('It is neither the printed password nor the token').waitFor();
  await page.getByLabel('Password or set-up token').fill(setupToken);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Make it yours' }).waitFor();
  await look(page, 'setup-password');
  await page.getByLabel('Your own password').fill('a password of my own');
  await page.getByLabel('The same again').fill('another');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The new passwords differ.').waitFor();
  await page.getByLabel('The same again').fill('a password of my own');
  await page.getByRole('button', { name: 'Save' }).click();
  gateway.password = 'a password of my own';
  await page.getByRole('heading', { name: 'Where your files lie' }).waitFor();
  await page.getByText(gateway.dataDir, { exact: true }).waitFor();
  await look(page, 'setup-data');
  await page.getByLabel('How large your files may grow').fill('50');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('This network').check();
  expect(await page.locator('.wizard .copy-field code').textContent()).to.equal('lan: on');
  await look(page, 'setup-reach');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('heading', { name: 'Connect a device' }).waitFor();
  await look(page, 'setup-connect');
  await page.getByRole('button', { name: 'Upload files' }).click();
  await page.locator('#content').waitFor();
  await page.reload();
  await page.locator('#content').waitFor();
  expect(((await (await stage.api('GET', '/users/admin')).json()) as { quotaBytes: number }).quotaBytes).to.equal(50e9);
  await stage.api('PATCH', '/users/admin', '{"quotaBytes":null}', { 'Content-Type': 'application/json' });
  const late = await stage.page();
  await late.goto(gateway.webUrl);
  await late.locator('[name=username]').waitFor();
  await late.context().close();
  await page.context().close();
}
