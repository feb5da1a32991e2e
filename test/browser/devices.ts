import { expect } from 'chai';
import { encode } from 'uqr';
import { findings } from './axe.ts';
import { at } from './browser.ts';
import { runLimitedRecipes, runRecipes } from './recipes.ts';
import type { Shown } from './scene.ts';

/** What shells take for their own. */
const FOLDER = "Ann's $HOME";

export async function connectDevice({ stage, page, show }: Shown): Promise<void> {
  await show('#/connect');
  await page.getByRole('button', { name: 'New device' }).click();
  await page.getByLabel('Name', { exact: true }).fill('laptop');
  const promised = page.waitForResponse((response) => response.url().endsWith('/claims') && response.ok());
  await page.getByRole('button', { name: 'Make access' }).click();
  const { token } = (await (await promised).json()) as { token: string };
  await page.getByRole('tab', { name: 'aws-cli' }).click();
  await page.getByText(`--endpoint-url ${stage.gateway.s3Url.replace(/\/$/, '')} `).waitFor();
  const password = (await page.locator('.connect-head .copy-field code').nth(1).textContent()) ?? '';
  const secret = (await page.locator('.connect-head .copy-field code').nth(3).textContent()) ?? '';
  for (const tab of await page.getByRole('tab').all()) {
    await tab.click();
    // Alone, to be pasted where it is asked for, or in a file.
    for (const command of await page.locator('#recipe code').allTextContents())
      if (command !== password && command !== secret && !command.startsWith('['))
        expect(command.includes(password) || command.includes(secret), command).to.equal(false);
  }
  // What the picture holds, byte for byte: an address with the claim, and nothing that opens anything twice.
  const { data } = encode(at(stage.gateway, `claim/${token}`), { border: 2 });
  const modules = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ''))).join('');
  expect(await page.locator('.connect-qr .qr path').getAttribute('d')).to.equal(modules);
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.getByText('Waiting for the device').waitFor();
  const ask = async (user: string, word: string, path = '/dav/home/') => {
    const headers = { Depth: '0', Authorization: `Basic ${Buffer.from(`${user}:${word}`).toString('base64')}` };
    return (await fetch(new URL(path, stage.gateway.restUrl), { method: 'PROPFIND', headers })).status;
  };
  expect(await ask(stage.gateway.user, 'mistyped')).to.equal(401);
  await page.getByText('The user name is right, the password is not.').waitFor();
  expect(await ask('somebody', password)).to.equal(401);
  await page.getByText('The app password is right, the user name is not.').waitFor();
  expect(await ask(stage.gateway.user, password, '/webdav/home/')).to.equal(404);
  await page.getByText('A drive asked for a path that is none of this gateway’s.').waitFor();
  expect(await ask(stage.gateway.user, password)).to.equal(207);
  await page.getByText('It works: the app password was used from 127.0.0.1').waitFor();
  const phone = await stage.page({ width: 390, height: 780, mobile: true });
  await phone.goto(at(stage.gateway, `claim/${token}`));
  await phone.getByRole('button', { name: 'Connect this device' }).click();
  await phone.getByRole('heading', { name: `Connected as ${stage.gateway.user}` }).waitFor();
  expect(await findings(phone)).to.deep.equal([]);
  expect(phone.url()).to.not.include(token);
  const given = (await phone.locator('.copy-field code').nth(2).textContent()) ?? '';
  expect(await phone.getByRole('link', { name: 'Open in the Nextcloud app' }).getAttribute('href')).to.include(given);
  expect(await ask(stage.gateway.user, given)).to.equal(207);
  await phone.goto(at(stage.gateway, `claim/${token}`));
  await phone.getByRole('button', { name: 'Connect this device' }).click();
  await phone.getByText('This code was used already').waitFor();
  await phone.context().close();
  await page.getByText('Taken by a device at 127.0.0.1').waitFor();
  await runRecipes(stage, page, password, secret);
  await page.getByRole('button', { name: 'Take its access back' }).click();
  await page.getByText('Taken back: it opens nothing any more.').waitFor();
  await page.waitForFunction(() => document.querySelector('.connect-qr .qr.spent') !== null);
  expect(await ask(stage.gateway.user, given)).to.equal(401);
}

/** A device that reaches one folder, from some networks: every way in keeps to that, and the steps name the folder. */
export async function limitDevice({ stage, page, show }: Shown): Promise<void> {
  const { gateway } = stage;
  await stage.api('PUT', '/files/home/beside.txt', 'x');
  const dialog = page.getByRole('dialog');
  const make = async (networks: string): Promise<string> => {
    await show('#/connect');
    await page.getByRole('button', { name: 'New device' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('limited');
    await dialog.getByLabel('Only this folder of it').fill(`/Photos/${FOLDER}`);
    await dialog.getByLabel('Only from these networks').fill('the kitchen');
    await dialog.getByRole('button', { name: 'Make access' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByLabel('Only from these networks').fill(networks);
    const promised = page.waitForResponse((response) => response.url().endsWith('/claims') && response.ok());
    await dialog.getByRole('button', { name: 'Make access' }).click();
    const { token } = (await (await promised).json()) as { token: string };
    return token;
  };
  const secret = async (index: number): Promise<string> =>
    (await page.locator('.connect-head .copy-field code').nth(index).textContent()) ?? '';
  const ask = async (key: string, password: string, method = 'PROPFIND'): Promise<number> => {
    const headers = { Depth: '0', Authorization: `Basic ${Buffer.from(`${gateway.user}:${password}`).toString('base64')}` };
    return (await fetch(`${gateway.webdavUrl}home/${encodeURI(key)}`, { method, headers })).status;
  };
  await make('192.0.2.0/24, 2001:db8::/32');
  const elsewhere = await secret(1);
  await page.getByRole('button', { name: 'Test connection' }).click();
  expect(await ask(`Photos/${FOLDER}/`, elsewhere)).to.equal(403);
  await page.getByText('It may not be used from that address.').waitFor();

  const token = await make('127.0.0.0/8');
  const password = await secret(1);
  expect(await ask(`Photos/${FOLDER}/`, password)).to.equal(207);
  expect(await ask('beside.txt', password, 'GET')).to.equal(403);
  expect(await ask('Photos/', password)).to.equal(403);
  await stage.api('PUT', `/files/home/Photos/${encodeURIComponent(FOLDER)}/one.txt`, 'x');
  await runLimitedRecipes(stage, page, FOLDER, password, await secret(3));
  await page.getByRole('tab', { name: 'Nextcloud' }).click();
  await page.getByText('Make them a device without a folder').waitFor();

  const phone = await stage.page({ width: 390, height: 780, mobile: true });
  await phone.goto(at(gateway, `claim/${token}`));
  await phone.getByRole('button', { name: 'Connect this device' }).click();
  await phone.getByText(`${gateway.webdavUrl}home/Photos/${encodeURIComponent(FOLDER)}/`, { exact: true }).waitFor();
  expect(await phone.getByRole('link', { name: 'Open in the Nextcloud app' }).count()).to.equal(0);
  await phone.context().close();
  await stage.api('DELETE', `/files/home/Photos/${encodeURIComponent(FOLDER)}/?recursive=true`);
  await stage.api('DELETE', '/files/home/beside.txt');
}
