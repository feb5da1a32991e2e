import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { at, type Stage } from './browser.ts';

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

/** The audit by filter, whole, saved and checked. */
export async function readAudit({ gateway }: Stage, page: Page): Promise<void> {
  await page.goto(at(gateway, 'admin/audit'));
  // Its last letter is typed in the moment in which those before it are put into force.
  await page.evaluate(() => {
    const { replaceState } = history;
    history.replaceState = (...how) => {
      history.replaceState = replaceState;
      replaceState.apply(history, how);
      void (async () => {
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
        const field = document.activeElement as HTMLInputElement;
        field.value += 'r';
        field.dispatchEvent(new InputEvent('input', { bubbles: true }));
      })();
    };
  });
  await page.getByLabel('What', { exact: true }).fill('CreateUse');
  const cell = page.getByRole('cell', { name: /^CreateUser/ }).first();
  await cell.waitFor();
  await page.waitForFunction(() =>
    [...document.querySelectorAll('tbody tr')].every((row) => row.textContent?.includes('CreateUser') === true),
  );
  await page.waitForURL(/action=CreateUser\b/);
  await page.reload();
  await cell.waitFor();
  await page.getByRole('button', { name: 'Export' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: 'JSON lines' }).click(),
  ]);
  const lines = readFileSync(await download.path(), 'utf8')
    .trim()
    .split('\n');
  for (const line of lines) expect(JSON.parse(line)).to.include({ action: 'CreateUser', outcome: 'ok' });
  await page
    .getByRole('button', { name: /All of record/ })
    .first()
    .click();
  await page.getByRole('dialog').getByText('requestId').waitFor();
  await page.keyboard.press('Escape');
  await page.getByLabel('Verdict').selectOption('denied');
  await page.getByText('Nothing fits the filters.').waitFor();
  await page.getByRole('button', { name: 'No filters' }).click();
  await cell.waitFor();
  await page.getByRole('button', { name: 'Check the chain' }).click();
  await page.getByText(/records, checked .*: none was changed or removed/).waitFor();
}

/** Requests as they come, of one user, bucket or device only, and none while it is paused. */
export async function watchRequests({ gateway, api }: Stage, page: Page): Promise<void> {
  const made = await api('POST', '/credentials', JSON.stringify({ kind: 'app-password', name: 'traced' }), {
    'Content-Type': 'application/json',
  });
  const { id, password } = (await made.json()) as { id: string; password: string };
  const ask = (path: string): Promise<unknown> =>
    fetch(`${gateway.webdavUrl}home/${path}`, {
      headers: { Authorization: `Basic ${Buffer.from(`${gateway.user}:${password}`).toString('base64')}` },
    }).then((answer) => answer.arrayBuffer());
  const stranger = (): Promise<unknown> => fetch(`${gateway.webdavUrl}home/stranger`).then((answer) => answer.arrayBuffer());
  const rowOf = (text: string) => page.getByRole('row').filter({ hasText: text });
  const row = rowOf('/dav/home/%3Cb%3Enowhere');
  const noRows = { user: '/dav/home/stranger', bucket: '/api/v1/me', device: '/api/v1/me' };
  for (const [filter, value] of [
    ['user', gateway.user],
    ['bucket', 'home'],
    ['device', `app-password:${id}`],
  ] as const) {
    await page.goto(at(gateway, `admin/trace?${filter}=${value}`));
    await page.getByText('Nothing has come yet').waitFor();
    // The stream opens when it opens: what was asked before is not told.
    for (let tries = 0; tries < 100 && (await row.count()) === 0; tries++) {
      await Promise.all([ask('<b>nowhere'), stranger(), api('GET', '/me')]);
      await page.waitForTimeout(100);
    }
    await row.first().getByRole('button', { name: '404' }).waitFor();
    const shown = await row.count();
    await stranger();
    await api('GET', '/me');
    await ask('<b>nowhere'); // it is told behind the others
    await row.nth(shown).waitFor();
    expect(await rowOf(noRows[filter]).count(), filter).to.equal(0);
  }
  await page.getByRole('button', { name: 'Pause' }).click();
  await ask('later');
  await page.getByText(/Paused\. [1-9]\d* requests? ha/).waitFor();
  expect(await page.getByRole('row').filter({ hasText: 'later' }).count()).to.equal(0);
  await row.first().getByRole('button', { name: '404' }).click();
  await page.waitForURL(/status=404/);
}

/** A bucket's settings by form and as text, with what the gateway says is wrong, and why somebody may read. */
export async function setUpBucket({ gateway, api }: Stage, page: Page): Promise<void> {
  await api('POST', '/buckets', '{"name":"settings"}', { 'Content-Type': 'application/json' });
  const document = async (name: string): Promise<unknown> => (await api('GET', `/buckets/settings/config/${name}`)).json();
  await page.goto(at(gateway, 'admin/buckets'));
  await page.getByRole('link', { name: 'Settings of settings' }).click();
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Public access block as text' }).click();
  await dialog.getByRole('textbox').fill('{"blockPublicAcls": true, "ignorePublicAcls": true, "blockPublicPolicy": "no"}');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.locator('li').filter({ hasText: 'blockPublicPolicy' }).waitFor();
  const open = { blockPublicAcls: true, ignorePublicAcls: true, blockPublicPolicy: false, restrictPublicBuckets: false };
  await dialog.getByRole('textbox').fill(JSON.stringify(open));
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Public access block is in force').waitFor();
  expect(await document('publicAccessBlock')).to.deep.include(open);
  await page.getByLabel('File or folder').fill('a.txt');
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.getByText('No.', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Policy as text' }).click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Policy is in force').waitFor();
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.getByText('Yes.', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Remove Policy' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Policy was removed').waitFor();
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.getByText('No.', { exact: true }).waitFor();
}

/** The load over time: what the gateway has of it, and a day that is made up, with less space each hour. */
export async function drawLoad(
  { gateway, api }: Stage,
  page: Page,
  look: () => Promise<void> = async () => undefined,
): Promise<void> {
  const { series } = (await (await api('GET', '/system/load')).json()) as { series: { stepSeconds: number }[] };
  expect(series.map(({ stepSeconds }) => stepSeconds)).to.deep.equal([60, 900, 86_400]);
  const now = Date.now();
  const samples = Array.from({ length: 120 }, (_, index) => ({
    at: new Date(now - (119 - index) * 3_600_000).toISOString(),
    seconds: 3600,
    doors: Object.fromEntries(
      ['s3', 'webdav', 'rest'].map((door, at) => {
        const requests = Math.round(4000 * (2 + Math.sin(index / (5 + at) + at)));
        return [
          door,
          {
            requests,
            errors: 0,
            receivedBytes: requests * 90_000,
            sentBytes: requests * 40_000,
            seconds: requests / (90 + 9 * at),
          },
        ];
      }),
    ),
    bytes: 4e11,
    storedBytes: 2e11 + index * 1e9,
    freeBytes: 4e11 - index * 1e9,
  }));
  await page.route('**/api/v1/system/load', (route) =>
    route.fulfill({
      json: { series: series.map(({ stepSeconds }, index) => ({ stepSeconds, samples: index === 0 ? samples : [] })) },
    }),
  );
  await page.goto('about:blank');
  await page.goto(at(gateway, 'admin/dashboard'));
  await page.locator('.chart').nth(3).waitFor();
  expect(await page.locator('.chart path').count()).to.equal(3 + 3 + 2 + 2);
  // The machine's own free space, which may be one day's.
  await page.getByText(/At this pace the space is used up in \d+ days?, on /).waitFor();
  await look();
  await page.getByLabel('Stretch of time').selectOption('A year');
  await page.getByText('Nothing to draw yet').waitFor();
  await page.unroute('**/api/v1/system/load');
  await readFigures(page);
}

/** What each door did, what is saved by which means, and a warning with its remedy. */
async function readFigures(page: Page): Promise<void> {
  await page.route('**/api/v1/system/health', async (route) => {
    const health = (await (await route.fetch()).json()) as { checks: Record<string, unknown>[] };
    const fine = { state: 'ok', remedy: null }; // also on a machine whose disk is nearly full
    const failed = { state: 'failed', message: 'The database does not answer.', remedy: 'Start Postgres again.' };
    await route.fulfill({
      json: { ...health, ready: false, checks: health.checks.map((one, at) => ({ ...one, ...(at === 0 ? failed : fine) })) },
    });
  });
  await page.reload();
  const warning = page.getByRole('alert').filter({ hasText: 'database: The database does not answer.' });
  await warning.getByText('Start Postgres again.').waitFor();
  expect(await page.locator('main [role=alert]').count()).to.equal(1);
  await page.unroute('**/api/v1/system/health');
  const door = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'REST', exact: true }) });
  const cells = await door.getByRole('cell').allTextContents();
  expect(cells).to.have.lengthOf(6);
  expect(Number(cells[0]?.replace(/\D/g, ''))).to.be.greaterThan(10);
  for (const latency of cells.slice(4)) expect(latency).to.match(/^[\d.,]+ ms$/);
  for (const means of ['deduplication', 'compression'])
    expect(await page.getByText(`Saved by ${means}`).textContent()).to.match(/[1-9][\d.]* .?B|[1-9]\d* bytes/);
}
