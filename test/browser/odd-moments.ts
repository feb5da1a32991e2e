import { expect } from 'chai';
import { at } from './browser.ts';
import type { Drive } from './drive.ts';

/** What was asked belongs to the place and to the user: it goes with either, and shows nothing to whoever comes then. */
export async function leaveQuestions({ stage, page, put }: Drive): Promise<void> {
  await put('Asked/a.txt', 'a');
  const other = await page.context().newPage();
  await other.goto(at(stage.gateway, 'drive/home/'));
  await other.goto(at(stage.gateway, 'drive/home/Asked/'));
  await other.locator('.entry').first().click();
  await other.locator('.entries').press('Delete');
  await other.getByRole('dialog').filter({ hasText: 'a.txt' }).waitFor();
  await other.goBack();
  await other.getByRole('dialog').waitFor({ state: 'detached' });
  expect((await stage.api('GET', '/files/home/Asked/a.txt')).status).to.equal(200);
  await other.goto(at(stage.gateway, 'account'));
  await other.getByRole('button', { name: 'New key' }).click();
  await other.getByRole('dialog').waitFor();
  await other.evaluate(() => new BroadcastChannel('cloudstore-session').postMessage('left'));
  await other.locator('[name=username]').waitFor();
  await other.getByRole('dialog').waitFor({ state: 'detached' });
  await page.locator('[name=username]').waitFor();
  await page.reload();
  await page.locator('#content').waitFor();
  await other.close();
}

/** A folder that went and is there again shows by itself; and a name that is all blank shows as something. */
export async function comeBack({ stage, page, entry, put }: Drive): Promise<void> {
  await put('Went/before.txt', 'a');
  await page.goto(at(stage.gateway, 'drive/home/Went/'));
  await entry('before.txt').waitFor();
  await stage.api('DELETE', '/files/home/Went/?recursive=true');
  await page.getByText('This folder is not there').waitFor();
  await put('Went/after.txt', 'a');
  await entry('after.txt').waitFor();
  await put('Went/ \u200b /', '');
  await entry('␣␣␣').waitFor();
}
