import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { codeAt } from '#auth/totp';
import { findings } from './axe.ts';
import { at, type Stage } from './browser.ts';

const JSON_BODY = { 'Content-Type': 'application/json' };

/** What commands do with buckets and users, done by an owner in the page. */
export async function doAsCommands(stage: Stage, page: Page): Promise<void> {
  await manageBucket(stage, page);
  await manageUser(stage, page);
}

/** A bucket of somebody else: made, its roles seen and taken back, counted, asked about, and removed with all that is in it. */
async function manageBucket({ gateway, api }: Stage, page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  await page.goto(at(gateway, 'admin/buckets'));
  await page.getByRole('main').getByRole('button', { name: 'New bucket' }).click();
  await dialog.getByLabel('Name').fill('heirloom');
  await dialog.getByLabel('Belongs to').selectOption('berta');
  await dialog.getByRole('button', { name: 'Create' }).click();
  const row = page.getByRole('row').filter({ hasText: 'heirloom' });
  await row.waitFor();
  await api('PUT', '/files/heirloom/box/ring.txt', 'gold');
  await api('PUT', '/access/heirloom/box/', JSON.stringify({ kind: 'user', name: 'carl', role: 'viewer' }), JSON_BODY);

  await row.getByRole('link', { name: 'Settings of heirloom' }).click();
  const role = page.getByRole('region', { name: 'Roles' }).getByRole('row').filter({ hasText: 'carl' });
  await role.getByText('May view').waitFor();
  await role.getByRole('link', { name: 'heirloom/box/' }).waitFor();
  expect(await findings(page)).to.deep.equal([]);
  await role.getByRole('button').click();
  await dialog.getByRole('button', { name: 'Take back' }).click();
  await page.getByText('Nobody but its owner and admins has a role here.').waitFor();
  await page.getByRole('button', { name: 'Change Quota' }).click();
  await dialog.getByLabel('Quota in GB').fill('1.5');
  await dialog.getByLabel('Most files').fill('3');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('1 file, 4 bytes. Limit: 1.5 GB, 3 files.').waitFor();
  const count = page.getByRole('button', { name: 'Count now' });
  const exact = page.getByText('Exact now.');
  // Counting that took long a moment ago rests for a while.
  for (let tries = 0; tries < 60 && !(await exact.isVisible()); tries++) {
    await count.click({ timeout: 200 }).catch(() => undefined);
    await exact.waitFor({ timeout: 200 }).catch(() => undefined);
  }
  await exact.waitFor();
  await page.getByLabel('User', { exact: true }).fill('berta');
  await page.getByRole('combobox', { name: 'May' }).selectOption('bucket.remove');
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.getByText('The bucket is its own.').waitFor();

  await page.goto(at(gateway, 'admin/buckets'));
  await row.getByRole('button', { name: 'Delete bucket heirloom' }).click();
  await dialog.getByText('There is 1 file in it.').waitFor();
  await dialog.getByLabel('With everything in it').check();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  const living = page.getByRole('region', { name: 'Buckets', exact: true }).getByRole('row').filter({ hasText: 'heirloom' });
  await living.waitFor({ state: 'detached' });
  expect((await api('GET', '/buckets/heirloom')).status).to.equal(404);
  await page.getByRole('button', { name: 'Restore the bucket heirloom' }).click();
  await dialog.getByLabel('Name').fill('heirloom-again');
  await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByRole('link', { name: 'Settings of heirloom-again' }).waitFor();
  expect(await (await api('GET', '/files/heirloom-again/box/ring.txt')).text()).to.equal('gold');
  await api('DELETE', '/buckets/heirloom-again?force=true');
  await page.reload();
  await page.getByRole('button', { name: 'Remove heirloom-again for good' }).click();
  await dialog.getByRole('button', { name: 'For good' }).click();
  await page.getByRole('button', { name: 'Remove heirloom-again for good' }).waitFor({ state: 'detached' });
}

/** A user whose password is changed and second factor kept, who is limited, and whose buckets pass to whom the owner says. */
async function manageUser({ gateway, api }: Stage, page: Page): Promise<void> {
  await api('POST', '/users', JSON.stringify({ name: 'eve', role: 'member', password: 'a password of eve' }), JSON_BODY);
  await api('PUT', '/files/home-eve/apple.txt', 'red');
  const dialog = page.getByRole('dialog');
  await page.goto(at(gateway, 'admin/users'));
  const row = page.getByRole('row').filter({ hasText: 'eve' });
  const choose = async (what: string): Promise<void> => {
    await row.getByRole('button').click();
    await page.getByRole('menuitem', { name: what }).click();
  };
  await row.getByText('3 bytes, no limit').waitFor();
  await choose('Edit');
  await dialog.getByLabel('Quota in GB').fill('2');
  await dialog.getByLabel('Most files').fill('70');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await row.getByText('3 bytes of 2 GB, 70 files').waitFor();
  await choose('Reset password');
  await dialog.getByLabel('New password').fill('another of eve');
  await dialog.getByLabel('Take the second factor and passkeys away').uncheck();
  const asked = page.waitForRequest((request) => request.url().endsWith('/users/eve/reset'));
  await dialog.getByRole('button', { name: 'Reset password' }).click();
  expect((await asked).postDataJSON()).to.deep.equal({ password: 'another of eve', factors: false, credentials: false });
  await page.getByText('eve has a new password').waitFor();
  const login = await api('POST', '/auth/login', JSON.stringify({ user: 'eve', password: 'another of eve' }), JSON_BODY);
  expect(login.status).to.equal(200);
  await choose('Delete');
  await dialog.getByLabel('Its buckets pass to').selectOption('berta');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await row.waitFor({ state: 'detached' });
  const question = JSON.stringify({ user: 'berta', action: 'bucket.remove', bucket: 'home-eve' });
  expect(await (await api('POST', '/access/explain', question, JSON_BODY)).json()).to.deep.include({
    allowed: true,
    because: 'The bucket is its own.',
  });
  await api('DELETE', '/buckets/home-eve?force=true');
}

/** Codes from an app are turned on, the recovery codes made anew (the old ones open nothing then), and turned off again. */
export async function renewCodes({ gateway }: Stage, page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  const told = async (): Promise<string[]> => {
    await page.getByRole('button', { name: 'I have it' }).waitFor();
    const codes = ((await dialog.locator('.copy-field code').first().textContent()) ?? '').split(/\s+/);
    await page.getByRole('button', { name: 'I have it' }).click();
    return codes;
  };
  await page.goto(at(gateway, 'account'));
  await page.getByRole('button', { name: 'Turn codes on' }).click();
  const secret = (await dialog.locator('.copy-field code').textContent()) ?? '';
  await dialog.getByLabel('Code that the app shows').fill(codeAt(bytesOf(secret), Math.floor(Date.now() / STEP_MS)));
  await dialog.getByRole('button', { name: 'Turn codes on' }).click();
  const [first = '', second = ''] = await told();
  const renew = async (code: string): Promise<void> => {
    await page.getByRole('button', { name: 'New recovery codes' }).click();
    await dialog.getByLabel('or a recovery code').fill(code);
    await dialog.getByRole('button', { name: 'Create' }).click();
  };
  await renew(first);
  const renewed = await told();
  expect(renewed).to.have.length.above(4).and.not.include(second);
  await renew(second);
  await dialog.getByRole('alert').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Turn codes off' }).click();
  await dialog.getByLabel('or a recovery code').fill(renewed[0] ?? '');
  await dialog.getByRole('button', { name: 'Turn codes off' }).click();
  await page.getByText('Nothing but the password is asked for.').waitFor();
}

const STEP_MS = 30_000;

function bytesOf(base32: string): Buffer {
  const bits = [...base32]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}
