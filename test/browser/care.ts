import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { at, type Stage, signIn } from './browser.ts';

/**
 * Somebody who has looked at the wizard for more than ten minutes and then wants a passkey is asked once more who it is. What the gateway says of a session
 * that old is put into its answer, and the new passkey into none: the rest of the tests signs in without.
 */
export async function passkeyLater({ gateway, page: open }: Stage): Promise<void> {
  const page = await open();
  const network = await page.context().newCDPSession(page);
  await network.send('WebAuthn.enable');
  await network.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
  });
  const asked: string[] = [];
  page.on('request', (request) => {
    if (/\/me\//.test(request.url()))
      asked.push(`${request.method()} ${new URL(request.url()).pathname.slice('/api/v1'.length)}`);
  });
  await page.route('**/api/v1/me/second-factors', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ json: { ...((await answer.json()) as object), confirmed: false } });
  });
  await page.route('**/api/v1/me/passkeys', (route) =>
    route.request().method() === 'POST'
      ? route.fulfill({ status: 201, json: { id: 'none', recoveryCodes: [] } })
      : route.continue(),
  );
  // A passkey belongs to a name; an address of numbers is none.
  await page.goto(gateway.webUrl.replace('127.0.0.1', 'localhost'));
  await page.getByLabel('Password or set-up token').fill(gateway.password);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Use a passkey instead' }).click();
  await page.getByRole('dialog').getByLabel('Password').fill('not it');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('alert').waitFor();
  await page.getByRole('dialog').getByLabel('Password').fill(gateway.password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Where your files lie' }).waitFor();
  expect([...new Set(asked)]).to.deep.equal([
    'GET /me/second-factors',
    'POST /me/confirm',
    'POST /me/passkeys/options',
    'POST /me/passkeys',
  ]);
  await page.context().close();
}

/** A backup is made, where it may lie; it is read again; and the commands that bring it back name it. */
export async function keepBackups({ gateway, api }: Stage, page: Page): Promise<void> {
  await api('PUT', '/files/home/Kept/rescued.txt', 'as it was');
  await page.goto(at(gateway, 'admin/backups'));
  await page.getByRole('button', { name: 'Back up now' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Directory for backups').fill(gateway.dataDir);
  await dialog.getByRole('button', { name: 'Back up now' }).click();
  await dialog.getByText('lie in one another').waitFor();
  await dialog.getByLabel('Directory for backups').fill(`${gateway.dataDir}-backups`);
  await dialog.getByLabel('How many backups stay there').fill('0');
  await dialog.getByRole('button', { name: 'Back up now' }).click();
  await dialog.getByText('Type a number from 1').waitFor();
  await dialog.getByLabel('How many backups stay there').fill('5');
  const rows = page.getByRole('region', { name: 'Backups that were made' }).locator('tbody tr');
  const before = await rows.count();
  await dialog.getByRole('button', { name: 'Back up now' }).click();
  await dialog.waitFor({ state: 'detached' });
  await rows.nth(before).waitFor();
  await rows.first().getByText('Read again, whole').waitFor();
  await rows
    .first()
    .getByRole('button', { name: /Check the backup of/ })
    .click();
  const checks = page.getByRole('region', { name: 'Read again later' }).locator('tbody tr');
  await checks.first().getByText('Read again, whole').waitFor();
  await api('DELETE', '/files/home/Kept/rescued.txt');
  await bringBackOne(page);
  expect(await (await api('GET', '/files/home/Kept/rescued.txt')).text()).to.equal('as it was');
  await bringBackApart(gateway.dataDir, page);
  const commands = await page.locator('.restore .copy-field code').allTextContents();
  expect(commands[0]).to.include(`cloudstore restore --from ${gateway.dataDir}-backups --check`);
  expect(commands[1]).to.include('--data-dir /path/to/empty/directory').and.not.include('--at');
  await page.getByLabel('Which backup').selectOption({ index: 1 });
  expect(await page.locator('.restore .copy-field code').nth(1).textContent()).to.match(/ --at \d{4}-/);
}

/** One file is looked for in the newest backup, and brought back to where it was. */
async function bringBackOne(page: Page): Promise<void> {
  const made = page.getByRole('region', { name: 'Backups that were made' }).locator('tbody tr');
  await made
    .first()
    .getByRole('button', { name: /Files in the backup of/ })
    .click();
  const dialog = page.getByRole('dialog').first();
  await dialog.getByRole('button', { name: 'home', exact: true }).click();
  await dialog.getByRole('button', { name: 'Kept', exact: true }).click();
  await dialog.getByRole('button', { name: 'Versions of rescued.txt' }).click();
  await dialog.getByText('Of then').waitFor();
  await dialog.getByRole('button', { name: 'Back to the folder' }).click();
  await dialog.getByRole('button', { name: 'Bring rescued.txt back' }).click();
  const form = page.getByRole('dialog').last();
  await form.getByLabel('Folder', { exact: true }).waitFor();
  await form.getByRole('button', { name: 'Bring back', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  const back = page.getByRole('region', { name: 'Brought back out of backups' }).locator('tbody tr');
  await back.first().getByText('1 came back').waitFor();
}

const RESTORE_MS_MAX = 120_000;

/** What lies in a directory of backups is looked through; one is restored beside what runs, and how a gateway is started on it is told. */
async function bringBackApart(dataDir: string, page: Page): Promise<void> {
  await page.getByLabel('Directory for backups').fill('/nothing/there');
  await page.getByRole('button', { name: 'Look', exact: true }).click();
  await page.getByText('There is no directory /nothing').waitFor();
  await page.getByLabel('Directory for backups').fill(`${dataDir}-backups`);
  await page.keyboard.press('Enter');
  const found = page.getByRole('region', { name: `Backups in ${dataDir}-backups` });
  await found
    .getByRole('button', { name: /Restore the backup of/ })
    .first()
    .click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('New directory').fill(`${dataDir}-backups`);
  await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
  await dialog.getByText('lie in one another').waitFor();
  await dialog.getByLabel('New directory').fill(`${dataDir}-restored`);
  await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Cancel A backup is being restored' }).click();
  const made = page.getByRole('region', { name: 'Restored directories' }).locator('tbody tr');
  await made.getByText('Stopped').waitFor();
  await made.getByRole('button', { name: 'Go on' }).click();
  // A new database is made for it.
  await made.getByRole('button', { name: `How to start ${dataDir}-restored` }).click({ timeout: RESTORE_MS_MAX });
  await dialog.getByText('In place of this gateway', { exact: true }).waitFor();
  const commands = await dialog.locator('.copy-field code').allTextContents();
  const start = `CLOUDSTORE_MASTER_KEY_FILE=${dataDir}/master.key cloudstore serve --data-dir ${dataDir}-restored`;
  expect(commands).to.deep.equal([`${start} --port 0 --s3-port 0`, start]);
  await page.keyboard.press('Escape');
}

/** What is wrong stands there with its remedy, and leads to where it is mended; that nobody is told is told. */
export async function readAlerts({ gateway, api }: Stage, page: Page): Promise<void> {
  await api('POST', '/jobs/backup/start', JSON.stringify({ argument: { to: '/' } }), { 'Content-Type': 'application/json' });
  await page.goto(at(gateway, 'admin/alerts'));
  await page.getByText('Nobody is told when something is wrong').waitFor();
  expect(await page.getByRole('button', { name: 'Send a test' }).isDisabled()).to.equal(true);
  for (let tries = 0; tries < 100 && (await page.getByText('The last backup failed: ').count()) === 0; tries++)
    await page.reload();
  await page.getByText('Mend what the message names').waitFor();
  await page.getByRole('link', { name: 'Look there' }).click();
  await page.getByRole('heading', { name: 'Backups', exact: true }).waitFor();
  await api('POST', '/backups', JSON.stringify({ to: `${gateway.dataDir}-backups`, verify: false }), {
    'Content-Type': 'application/json',
  });
  await page.getByText('It was not read again: check it.').waitFor();
  await page.goto(at(gateway, 'admin/alerts'));
  await page.getByText('Nothing is wrong.').waitFor();
  await page.getByRole('region', { name: 'Before' }).getByText('The last backup failed: ').waitFor();
}

/** A disk is added where it may lie, emptied, and taken away. */
export async function changeDisks({ gateway, api }: Stage, page: Page): Promise<void> {
  await page.goto(at(gateway, 'admin/storage'));
  await page.getByRole('button', { name: 'Add a disk' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Directory for packs').fill(`${gateway.dataDir}/packs`);
  await dialog.getByRole('button', { name: 'Add a disk' }).click();
  await dialog.getByText('lie in one another').waitFor();
  await dialog.getByLabel('Directory for packs').fill(`${gateway.dataDir}-disk`);
  await dialog.getByRole('button', { name: 'Add a disk' }).click();
  const row = page.getByRole('region', { name: 'Where packs lie' }).locator('tr', { hasText: `${gateway.dataDir}-disk` });
  const empty = async (): Promise<void> => {
    await row.getByRole('button').click();
    await page.getByRole('menuitem', { name: 'Empty this disk' }).click();
    await dialog.getByRole('button', { name: 'Empty this disk' }).click();
    await row.getByText('Being emptied').waitFor();
  };
  await empty();
  await page.getByRole('button', { name: 'Cancel Being emptied' }).click();
  await row.getByText('Active').waitFor();
  await empty();
  await row.getByRole('button').click();
  await page.getByRole('menuitem', { name: 'Remove this disk' }).click({ timeout: RESTORE_MS_MAX });
  await dialog.getByRole('button', { name: 'Remove this disk' }).click();
  await row.waitFor({ state: 'detached' });
  // It would seal packs under the feet of what comes next.
  await api('POST', '/jobs/drain/cancel', '{}', { 'Content-Type': 'application/json' });
  for (let state = ''; state !== 'idle'; ) ({ state } = (await (await api('GET', '/jobs/drain')).json()) as { state: string });
}

/** A check of everything is begun, is seen to go on, and stopped; it stays in the history. */
export async function cancelScrub({ gateway, api }: Stage, page: Page): Promise<void> {
  await api('PUT', '/files/home/slow.bin', randomBytes(24 << 20));
  await page.goto(at(gateway, 'admin/storage'));
  const passes = page.getByRole('region', { name: 'Checks of everything' }).locator('tbody tr');
  await passes.getByText('All good').first().waitFor();
  await page.getByRole('button', { name: 'Check everything now' }).click();
  await page.getByRole('progressbar', { name: 'A check is running.' }).waitFor();
  await page.getByRole('button', { name: /^Cancel/ }).click();
  await passes.first().getByText('Stopped').waitFor();
  await page.locator('button:enabled').filter({ hasText: 'Check everything now' }).waitFor();
  await api('DELETE', '/files/home/slow.bin');
}

/** A key for somebody else that is less than they are, in all ways that there are. */
async function makeLess(api: Stage['api'], page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'New key' }).click();
  await dialog.getByLabel('Name', { exact: true }).fill('camera');
  await dialog.getByLabel('Kind').selectOption('device');
  await dialog.getByLabel('Only these buckets or folders').fill('home-berta/Photos\nhome-berta/Films/');
  await dialog.getByLabel('Only look and download').check();
  await dialog.getByLabel('Only from these networks').fill('127.0.0.0/8');
  await dialog.getByLabel('Ends on').fill('2099-05-06');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('button', { name: 'I have it' }).click();
  const row = page.getByRole('row').filter({ hasText: 'camera' });
  await row.getByText('only looks and downloads, from 127.0.0.0/8 only').waitFor();
  type Made = { name: string; kind: string; expires: string; scope: Record<string, unknown> };
  const { credentials } = (await (await api('GET', '/credentials?user=berta')).json()) as { credentials: Made[] };
  const made = credentials.find(({ name }) => name === 'camera');
  expect(made?.kind).to.equal('device');
  expect(made?.expires).to.equal(new Date('2099-05-06T23:59:59').toISOString());
  expect(made?.scope).to.deep.include({
    places: [
      { bucket: 'home-berta', prefix: 'Photos/' },
      { bucket: 'home-berta', prefix: 'Films/' },
    ],
    networks: ['127.0.0.0/8'],
  });
  expect(made?.scope.actions).to.include('read').and.not.include('write');
  await row.getByRole('button').click();
  await dialog.getByRole('button', { name: 'Take back' }).click();
  await row.waitFor({ state: 'detached' });
}

/** An admin sees where a user is signed in and by what, and ends it. */
export async function endAccess({ gateway, enter, api }: Stage, page: Page): Promise<void> {
  const berta = await enter({ user: 'berta', password: 'a password of berta' });
  await page.goto(at(gateway, 'admin/users'));
  await page.getByRole('main').getByRole('link', { name: 'berta', exact: true }).click();
  await page.getByRole('rowheader', { name: /old laptop/ }).waitFor();
  await makeLess(api, page);
  await page.getByRole('button', { name: /old laptop/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
  await page.getByText('No key, app password or device.').waitFor();
  // One session by one click, however often it is clicked.
  const body = JSON.stringify({ user: 'berta', password: 'a password of berta' });
  for (const label of ['first', 'second'])
    await fetch(`${gateway.restUrl}/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'User-Agent': label },
      body,
    });
  await page.reload();
  const ended: string[] = [];
  page.on('request', (request) => void (request.method() === 'DELETE' && ended.push(request.url())));
  await page.getByRole('button', { name: 'End session of first' }).dblclick();
  await page.getByRole('button', { name: 'End session of first' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'End session of second' }).waitFor();
  expect(ended).to.have.lengthOf(1);
  await page.getByRole('button', { name: 'End all sessions' }).click();
  await page.getByText('Nobody is signed in.').waitFor();
  await berta.locator('[name=username]').waitFor();
  await signIn(berta, 'berta', 'a password of berta');
  await berta.context().close();
}

/** A trace that is refused, or breaks, says so. */
export async function breakTrace({ gateway, enter, faults }: Stage): Promise<void> {
  const page = await enter();
  let refused = true;
  let broken = false;
  await page.routeWebSocket(/\/ws$/, (socket) => {
    if (broken) return void socket.close();
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      if (refused && String(message).includes('"watch"'))
        socket.send(JSON.stringify({ type: 'error', code: 'unavailable', message: 'The trace rests.' }));
      else server.send(message);
      if (broken) socket.close();
    });
  });
  await page.reload();
  await page.goto(at(gateway, 'admin/trace'));
  await page.getByText('The gateway does not tell: The trace rests.').waitFor();
  refused = false;
  await page.getByRole('main').getByRole('button', { name: 'Try again' }).click();
  await page.getByText('The trace rests.').waitFor({ state: 'detached' });
  broken = true;
  await page.getByLabel('Status').fill('404');
  await page.getByText('The stream broke.').waitFor();
  expect(faults).to.deep.equal([]);
  await page.context().close();
}

const SCRIPT_BYTES_MAX = 200 * 1024;

/** What a browser that has nothing yet loads of scripts until the drive, and then the dashboard, is there; as it came over the wire. */
export async function weighScripts({ gateway, enter }: Stage): Promise<Record<'drive' | 'dashboard', number>> {
  const page = await enter();
  const weigh = (): Promise<number> =>
    page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .filter((entry): entry is PerformanceResourceTiming => entry.name.endsWith('.js'))
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    );
  await page.locator('.entry').first().waitFor();
  const drive = await weigh();
  await page.goto(at(gateway, 'admin/dashboard'));
  await page.locator('.figure').first().waitFor();
  const dashboard = await weigh();
  await page.context().close();
  expect(drive).to.be.greaterThan(10_000).and.below(SCRIPT_BYTES_MAX);
  expect(dashboard).to.be.below(SCRIPT_BYTES_MAX);
  return { drive, dashboard };
}

/** Where the pages of administration lie that a phone is to show without a bar below them. */
export const ADMIN_PAGES = [
  'dashboard',
  'alerts',
  'buckets',
  'users',
  'groups',
  'jobs',
  'storage',
  'backups',
  'keys',
  'doctor',
  'audit',
  'trace',
  'settings',
].map((name) => `admin/${name}`);
