import { expect } from 'chai';
import { at, signIn } from './browser.ts';
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

/** A phone's way back leads from a file to its folder, and from there to the one above, before it leads out of the link. */
export async function goBackWithinLink({ stage, put }: Drive): Promise<void> {
  await put('Given/100% #1?/deep.txt', 'deep words');
  await put('Given/top.txt', 'top words');
  await put('Given/long.md', 'w'.repeat(300), 'text/markdown');
  const body = JSON.stringify({ bucket: 'home', key: 'Given/', mode: 'download' });
  const answer = await stage.api('POST', '/links', body, { 'Content-Type': 'application/json' });
  const { token } = (await answer.json()) as { token: string };
  const visitor = await stage.page({ width: 360, height: 640, mobile: true });
  await visitor.goto(`${stage.gateway.webUrl.replace(/\/$/, '')}/s/${token}`);
  const item = (name: string) => visitor.locator('.public-list button', { hasText: name });
  await item('100% #1?').click();
  await item('deep.txt').click();
  await visitor.getByText('deep words').waitFor();
  await visitor.reload();
  await visitor.getByText('deep words').waitFor();
  await visitor.goBack();
  await item('deep.txt').waitFor();
  await visitor.goBack();
  await item('top.txt').click();
  await visitor.getByText('top words').waitFor();
  await visitor.getByRole('button', { name: 'Back' }).click();
  await item('top.txt').waitFor();
  await item('100% #1?').click();
  await visitor.getByRole('button', { name: 'One level up' }).click();
  await item('long.md').click();
  await visitor.getByText('wwwwww').waitFor();
  const cut = await visitor.locator('.public-preview').evaluate((box) => box.scrollWidth - box.clientWidth);
  expect(cut, 'what is beside the frame cannot be reached').to.equal(0);
  await visitor.context().close();
}

/** Whoever signs in where another one was finds nothing of that one: no upload to go on with, nothing to undo, and no place. */
export async function handOver({ stage, put }: Drive): Promise<void> {
  const user = { name: 'next', role: 'member', password: 'a password of next' };
  await stage.api('POST', '/users', JSON.stringify(user), { 'Content-Type': 'application/json' });
  await put('Mine/secret plan.txt', 'a');
  const page = await stage.enter();
  await page.goto(at(stage.gateway, 'drive/home/Mine/'));
  await page.locator('.entry').click();
  await page.locator('.entries').press('Delete');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('1 item deleted').waitFor();
  await page.route('**/api/v1/files/**', (route) =>
    route.request().method() === 'PUT' ? route.fulfill({ status: 403, body: '{}' }) : route.fallback(),
  );
  await page.setInputFiles('input[type=file] >> nth=0', { name: 'mine.txt', mimeType: 'text/plain', buffer: Buffer.from('m') });
  await page.getByText('1 file failed').first().waitFor();
  await page.unrouteAll();
  await page.getByRole('button', { name: 'Account of' }).first().click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.locator('[name=username]').waitFor();
  expect(await page.getByText('1 item deleted').count()).to.equal(0);
  await signIn(page, user.name, user.password);
  await page.getByText('This folder is empty').waitFor();
  expect(page.url()).not.to.include('Mine');
  expect(await page.getByText(/mine\.txt|1 file failed|1 item deleted/).count()).to.equal(0);
  await page.context().close();
}

/** A folder that somebody may not see any more is not shown any longer, without anything being pressed. */
export async function takeAway({ stage, put }: Drive): Promise<void> {
  const json = { 'Content-Type': 'application/json' };
  const user = { name: 'guided', role: 'member', password: 'a password of guided' };
  await stage.api('POST', '/users', JSON.stringify(user), json);
  await put('Lent/one.txt', 'a');
  await stage.api('PUT', '/access/home/Lent/', JSON.stringify({ kind: 'user', name: user.name, role: 'viewer' }), json);
  const page = await stage.enter({ user: user.name, password: user.password });
  await page.goto(at(stage.gateway, 'shared'));
  await page.getByRole('link', { name: 'Lent' }).click();
  const entry = page.locator('.entry', { hasText: 'one.txt' });
  await entry.waitFor();
  await page.waitForLoadState('networkidle');
  await stage.api('DELETE', `/access/home/Lent/?kind=user&name=${user.name}`);
  await entry.waitFor({ state: 'detached' });
  await page.context().close();
}

/** A name without a place to break it leaves every dialog that tells it as wide as it was, with its buttons where they were. */
export async function tellLongNames({ stage, page, put }: Drive): Promise<void> {
  const name = 'w'.repeat(255);
  await put(`Long/${name}`, 'a');
  await page.goto(at(stage.gateway, 'drive/home/Long/'));
  await page.locator('.entry').click();
  for (const key of ['s', 'h', 'm', 'Delete']) {
    await page.locator('.entries').press(key);
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    expect(await dialog.evaluate((one) => one.scrollWidth - one.clientWidth), key).to.equal(0);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  }
}
