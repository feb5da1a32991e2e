import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { at, type Stage } from './browser.ts';

const REKEY_MS_MAX = 100_000;

/** The master key is changed where it lies, data keys anew; a refusal stands where it was typed; and the check-up tells all that the command does. */
export async function tendKeys({ gateway, api }: Stage, page: Page): Promise<void> {
  const file = join(gateway.dataDir, 'master.key');
  const before = readFileSync(file, 'utf8').trim();
  const heard: Promise<string>[] = [];
  page.on('response', (response) => {
    if (response.url().includes('/system/keys')) heard.push(response.text().catch(() => ''));
  });
  await page.goto(at(gateway, 'admin/keys'));
  const dialog = page.getByRole('dialog');
  const change = async (what: string): Promise<void> => {
    await page.getByRole('button', { name: 'Change the master key' }).click();
    await page.getByRole('menuitem', { name: what }).click();
    await dialog.getByRole('button', { name: 'Change the master key' }).waitFor();
  };
  await change('A new key from a passphrase');
  await dialog.getByLabel('New passphrase', { exact: true }).fill('weak');
  await dialog.getByLabel('New passphrase again').fill('weaker');
  await page.keyboard.press('Enter');
  await dialog.getByText('The two passphrases differ.').waitFor();
  await dialog.getByLabel('New passphrase again').fill('weak');
  await page.keyboard.press('Enter');
  await dialog.getByRole('alert').filter({ hasText: '12' }).waitFor();
  await page.keyboard.press('Escape');
  await change('A new key in another file');
  await dialog.getByLabel('File for the new key').fill(join(gateway.dataDir, 'packs', 'key'));
  await page.keyboard.press('Enter');
  await dialog.getByText('lie in one another').waitFor();
  await page.keyboard.press('Escape');
  expect(readFileSync(file, 'utf8').trim()).to.equal(before);
  await change('A new key in the same file');
  await dialog.getByRole('button', { name: 'Change the master key' }).click();
  await dialog.getByText('The old one lies beside it').waitFor();
  await page.keyboard.press('Escape');
  const after = readFileSync(file, 'utf8').trim();
  expect(after).to.not.equal(before);
  await page.getByRole('button', { name: 'New key for admin' }).click();
  await dialog.getByRole('button', { name: 'New key', exact: true }).click();
  const row = page.getByRole('region', { name: 'Data keys' }).locator('tr', { hasText: 'admin' });
  await row.getByRole('cell', { name: '2', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Cancel What is stored is being written anew' }).click();
  await page.getByText('Older keys stay until all of it is done').waitFor();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('button', { name: 'Go on' }).waitFor({ state: 'detached', timeout: REKEY_MS_MAX });
  for (const text of await Promise.all(heard)) for (const key of [before, after]) expect(text).to.not.contain(key);
  await api('POST', '/jobs/rekey/cancel', '{}', { 'Content-Type': 'application/json' });
  await readDoctor({ gateway } as Stage, page);
}

/** A file is read to its last byte from its details; a directory is tried out before it becomes a disk. */
export async function checkMore({ gateway, api }: Stage, page: Page): Promise<void> {
  const put = await api('PUT', '/files/home/to%20check.txt', 'every byte of it');
  expect(put.ok, await put.text()).to.equal(true);
  await page.goto('about:blank');
  await page.goto(at(gateway, 'drive/home/'));
  const entry = page.locator('.entry').filter({ hasText: 'to check.txt' });
  await entry.waitFor();
  // What is selected takes the button's place.
  if ((await page.locator('.details').count()) === 0) await page.getByRole('button', { name: 'Details', exact: true }).click();
  await entry.click({ modifiers: ['Control'] });
  await page.locator('.details').getByRole('button', { name: 'Check now' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('every byte is as it was stored').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await page.locator('.details').getByRole('button', { name: 'Close' }).click();
  await page.goto(at(gateway, 'admin/storage'));
  await page.getByRole('region', { name: 'Single files that were checked' }).getByText('home/to check.txt').waitFor();
  const tryOut = async (directory: string): Promise<void> => {
    await page.getByRole('button', { name: 'Try out a store' }).click();
    await page.getByRole('menuitem', { name: 'A directory on this machine' }).click();
    await dialog.getByLabel('Directory for packs').fill(directory);
    await dialog.getByRole('button', { name: 'Try out a store' }).click();
  };
  await tryOut(join(gateway.dataDir, 'packs'));
  await dialog.getByText('lie in one another').waitFor();
  await page.keyboard.press('Escape');
  await tryOut(`${gateway.dataDir}-disk`);
  const report = page.locator('.store-check').first();
  await report.getByText('Everything that packs need holds here.').waitFor();
  await report
    .getByText(/MiB\/s/)
    .first()
    .waitFor();
  await report.getByText(/^All \d+ things that were tried/).click();
  await report.getByText('holds empty blobs').waitFor();
  await api('DELETE', '/files/home/to%20check.txt');
}

/** A finding has its remedy; a look can be called off; what needs a stopped gateway has its command. */
async function readDoctor({ gateway }: Stage, page: Page): Promise<void> {
  let hold = true;
  await page.route('**/api/v1/system/doctor', async (route) => {
    if (hold) return;
    const answer = await route.fetch();
    const { findings, ...rest } = (await answer.json()) as { findings: object[] };
    const bad = { name: 'disk /mnt/b', status: 'fail', detail: 'there is no store of packs', advice: 'Is it mounted?' };
    await route.fulfill({ json: { ...rest, ok: false, findings: [bad, ...findings] } });
  });
  await page.goto(at(gateway, 'admin/doctor'));
  await page.getByRole('button', { name: 'Cancel Check-up' }).click();
  await page.getByText('The look was called off').waitFor();
  hold = false;
  await page.getByRole('button', { name: 'Look again' }).click();
  await page.getByText('1 thing failed').waitFor();
  await page.getByText('Is it mounted?').waitFor();
  await page.getByText('fits the stored data').waitFor();
  const commands = await page.locator('.steps .copy-field code').allTextContents();
  expect(commands).to.include(`cloudstore rebuild-index --data-dir ${gateway.dataDir}`);
  await page.unroute('**/api/v1/system/doctor');
}
