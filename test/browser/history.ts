import { expect } from 'chai';
import type { Request } from 'playwright-core';
import type { Shown } from './scene.ts';

export async function bringVersionBack({ stage, page, show }: Shown): Promise<void> {
  await show('#/drive/home/');
  await page.locator('.entry').filter({ hasText: 'notes.txt' }).click();
  await page.keyboard.press('h');
  const rows = page.locator('.version');
  await rows.nth(2).waitFor();
  expect(await rows.nth(0).textContent()).to.match(/Now.*1\.15 kB \(\+1\.13 kB\)/);
  await rows.nth(1).getByRole('button', { name: 'View the version' }).click();
  await page.locator('.viewer pre').getByText('Milk, bread.', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  // Whoever clicks twice means once.
  const asked: string[] = [];
  const heard = (request: Request): void => void (request.method() === 'POST' && asked.push(new URL(request.url()).pathname));
  page.on('request', heard);
  await rows.nth(1).getByRole('button', { name: 'Restore the version' }).dblclick();
  await rows.nth(3).waitFor();
  page.off('request', heard);
  expect(asked.filter((path) => path.endsWith('/versions/restore'))).to.have.lengthOf(1);
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
}

export async function takeDeletionBack({ stage, page, show }: Shown): Promise<void> {
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
}

export async function restoreMoment({ stage, page, show }: Shown): Promise<void> {
  const put = (key: string, body: string) => stage.api('PUT', `/files/home/Projects/${key}`, body);
  await put('kept.txt', 'as it was');
  const { modified } = (await (await stage.api('GET', '/stat/home/Projects/kept.txt')).json()) as { modified: string };
  // The page takes whole seconds. What is told of a time lacks what is less than a millisecond, so the second that it names may not be over.
  const moment = new Date((Math.floor(Date.parse(modified) / 1000) + 1) * 1000);
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
}
