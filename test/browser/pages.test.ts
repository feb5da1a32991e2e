import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { requireProgram } from '../support/programs.ts';
import { findings } from './axe.ts';
import { at, beginAnewAfterFailure, openStage, type Stage } from './browser.ts';
import { ruleBucket } from './bucket-rules.ts';
import {
  ADMIN_PAGES,
  breakTrace,
  cancelScrub,
  changeDisks,
  endAccess,
  keepBackups,
  passkeyLater,
  readAlerts,
  weighScripts,
} from './care.ts';
import { drawLoad, readAudit, setUpBucket, takeOver, watchRequests } from './console.ts';
import { healDamage } from './damage.ts';
import { connectDevice, limitDevice } from './devices.ts';
import { speakGerman } from './german.ts';
import { bringVersionBack, restoreMoment, takeDeletionBack } from './history.ts';
import { installPage } from './install.ts';
import { leaveWizard } from './leave.ts';
import { overwriteNothing } from './overwriting.ts';
import { doAsCommands, renewCodes } from './owner.ts';
import { HOSTILE, HOSTILE_FOLDER, pagesOf, type Scene, type Shown, setScene } from './scene.ts';
import { giveRole, limitLink, openLockedLink, pageThroughLink, shareByLink } from './sharing.ts';
import { failEveryPage, waitOnEveryPage } from './states.ts';
import { checkMore, tendKeys } from './upkeep.ts';

const SETTLED_MS = 120;

describe('every page in a browser', function () {
  this.timeout(120_000);
  requireProgram('chromium');
  let stage: Stage;
  let scene: Scene;
  let page: Page;
  let stranger: Page;
  /** Takes whatever it is told. */
  const hook = createServer((request, response) => request.resume().on('end', () => response.end()));
  /** What axe has against the screens of the first run. */
  const wizard: string[] = [];

  before(async () => {
    await new Promise<void>((listening) => hook.listen(0, '127.0.0.1', listening));
    stage = await openStage({
      setup: true,
      env: {
        CLOUDSTORE_SCRUB_MIB_PER_SECOND: '1',
        CLOUDSTORE_WEBHOOKS: `hook=http://127.0.0.1:${(hook.address() as AddressInfo).port}/`,
        CLOUDSTORE_WEBHOOK_PRIVATE: 'on',
      },
    });
    await leaveWizard(stage);
    await passkeyLater(stage);
    await takeOver(stage, async (on, screen) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await on.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        wizard.push(...(await findings(on)).map((finding) => `${screen} ${colorScheme}: ${finding}`));
      }
    });
    scene = await setScene(stage);
    page = await stage.enter();
    stranger = await stage.page({ width: 390, height: 780, mobile: true });
  });
  after(async () => {
    await stage?.close();
    hook.close();
  });

  beginAnewAfterFailure(() => [
    [page, at(stage.gateway, 'drive/home/')],
    [stranger, 'about:blank'],
  ]);

  const show = async (place: string): Promise<Page> => {
    const on = place.startsWith('#') ? page : stranger;
    await on.goto(`${stage.gateway.webUrl.replace(/\/$/, '')}/${place}`);
    // Within the page the place before stands there until it has heard of the new one.
    await on.evaluate(() => new Promise((heard) => setTimeout(heard)));
    await on.locator('h1, h2').first().waitFor();
    await on.locator('.skeleton').first().waitFor({ state: 'detached' });
    await on.waitForTimeout(SETTLED_MS);
    return on;
  };

  const shown = (): Shown => ({ stage, scene, page, stranger, show });

  it('has nothing serious for axe on any page, in both themes', async () => {
    const found: string[] = [...wizard];
    for (const [name, place] of Object.entries(pagesOf(scene))) {
      const on = await show(place);
      if (on === stranger) {
        const wide = await on.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        const cut = await on.locator('.public').evaluateAll((all) => all.some((one) => one.scrollWidth > one.clientWidth));
        expect(wide > 0 || cut, `${name} is wider than the phone`).to.equal(false);
      }
      for (const colorScheme of ['light', 'dark'] as const) {
        await on.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        // In the second theme only the colours are others.
        const only = colorScheme === 'light' ? '' : "{ runOnly: 'color-contrast' }";
        found.push(...(await findings(on, only)).map((finding) => `${name} ${colorScheme}: ${finding}`));
      }
    }
    expect(found).to.deep.equal([]);
  });

  it('has nothing serious for axe on a phone', async () => {
    const phone = await stage.enter({ width: 390, height: 780, mobile: true });
    for (const place of ['drive/home/', 'trash/home', 'shared', 'connect', 'admin/users/berta', ...ADMIN_PAGES]) {
      await phone.goto(at(stage.gateway, place));
      await phone.locator('.skeleton').first().waitFor({ state: 'detached' });
      await phone.waitForTimeout(SETTLED_MS);
      // The small screen moves things, and makes no others.
      if (!ADMIN_PAGES.includes(place) || place === 'admin/backups') expect(await findings(phone), place).to.deep.equal([]);
      const wide = await phone.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(wide, `${place} is wider than the phone`).to.equal(0);
    }
    await phone.context().close();
  });

  it('shows hostile names as text on every page, and runs none', async () => {
    for (const place of Object.values(pagesOf(scene))) {
      const on = await show(place);
      expect(await on.evaluate(() => 'hacked' in window), place).to.equal(false);
    }
    await show('#/drive/home/Hostile/');
    await page.locator('.entry').first().waitFor();
    const names = await page.locator('.entry .name').evaluateAll((all) => all.map((one) => one.getAttribute('title')));
    for (const name of HOSTILE.filter((one) => !one.includes('/'))) expect(names).to.include(name);
    for (const name of HOSTILE.filter((one) => !one.includes('/')).slice(0, 4)) {
      await page.goto(at(stage.gateway, `drive/home/Hostile/?open=${encodeURIComponent(name)}`));
      await page.locator('.viewer').waitFor();
      await page.waitForTimeout(SETTLED_MS);
      expect(await page.evaluate(() => 'hacked' in window), name).to.equal(false);
      await page.keyboard.press('Escape');
    }
    // Where a name is told, and not only listed: details, versions, shares, an upload, a question, a message.
    await page
      .locator('.entry')
      .filter({ hasText: HOSTILE[0] ?? '' })
      .click();
    await page.keyboard.press('i');
    for (const key of ['h', 's']) {
      await page.locator('.entries').press(key);
      await page
        .getByRole('dialog')
        .filter({ hasText: HOSTILE[0] ?? '' })
        .waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
    await page.locator('.entries').press('i');
    const dropped = { name: `${HOSTILE[0]}<s>.txt`, mimeType: 'text/html', buffer: Buffer.from('<script>') };
    await page.setInputFiles('input[type=file] >> nth=0', dropped);
    await page.locator('.upload .name').getByText(dropped.name).waitFor();
    await page.getByText('1 file uploaded').waitFor();
    await page.locator('.entry').filter({ hasText: dropped.name }).click();
    await page.keyboard.press('Delete');
    await page.getByRole('dialog').filter({ hasText: dropped.name }).getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('1 item deleted').waitFor();
    await page.locator('.uploads').getByRole('button', { name: 'Dismiss', exact: true }).click();
    expect(await page.evaluate(() => 'hacked' in window)).to.equal(false);
    expect(await page.locator('h1').textContent()).to.equal('Hostile');
    await show(`#/drive/home/Hostile/${encodeURIComponent(HOSTILE_FOLDER)}/`);
    expect(await page.locator('h1').textContent()).to.equal(HOSTILE_FOLDER.replace('\u202e', '\ufffd'));
    const stored = await stage.page();
    await stored.context().addCookies(await page.context().cookies());
    await stored.goto(`${stage.gateway.restUrl}/files/home/Hostile/${encodeURIComponent(HOSTILE[0] ?? '')}`);
    expect(await stored.evaluate(() => 'hacked' in window)).to.equal(false);
    expect(await stored.evaluate(() => origin)).to.equal('null');
    stage.faults.splice(
      0,
      stage.faults.length,
      ...stage.faults.filter((fault) => !/sandbox|inline script|Content Security/i.test(fault)),
    );
  });

  it('goes on after a reload, with no token that a script could read, and ends with the session', async () => {
    await show('#/drive/home/');
    await page.reload();
    await page.locator('.entry').first().waitFor();
    expect(await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }))).not.to.match(
      /eyJ|token/i,
    );
    const other = await page.context().newPage();
    await other.goto(stage.gateway.webUrl);
    await other.locator('.entry').first().waitFor();
    await page.getByRole('button', { name: 'Account of' }).first().click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.locator('[name=username]').waitFor();
    await other.locator('[name=username]').waitFor();
    await other.close();
    page = await stage.enter();
  });

  it('makes a user whose password is told once, and who then sees an own drive and no administration', async () => {
    await show('#/admin/users');
    await page.getByRole('button', { name: 'New user' }).click();
    await page.getByRole('dialog').getByLabel('User name').fill('dora');
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
    const secret = page.getByRole('dialog').locator('.copy-field code').nth(1);
    await secret.waitFor();
    const password = (await secret.textContent()) ?? '';
    await page.getByRole('button', { name: 'I have it' }).click();
    await page.getByRole('rowheader', { name: 'dora' }).waitFor();
    const dora = await stage.enter({ user: 'dora', password });
    await dora.getByText('This folder is empty').waitFor();
    expect(await dora.getByText('Administration').count()).to.equal(0);
    await dora.goto(at(stage.gateway, 'admin/users'));
    await dora.getByText('This page is for admins').waitFor();
    await dora.context().close();
  });

  it('connects a device: its own access, and its first request seen', () => connectDevice(shown()));

  it('connects a device that reaches one folder, from some networks only', () => limitDevice(shown()));

  it('shares a folder by link, which a stranger on a phone opens, and takes it back', () => shareByLink(shown()));

  it('says on the page of a link that more is below, and shows it page by page to the last', () => pageThroughLink(shown()));

  it('gives a group a role on a folder, says who sees it and why, changes and takes the role', () => giveRole(shown()));

  it('gives a link every limit that there is, changes them, and a drop folder keeps to them', () => limitLink(shown()));

  it('asks for the password of a link, and takes files that are dropped', () => openLockedLink(shown()));

  it('lists what a file was, shows an older version, and makes it current again', () => bringVersionBack(shown()));

  it('takes a deletion back, brings back from the trash beside what is there now, and removes for good', () =>
    takeDeletionBack(shown()));

  it('makes a folder as it was at a moment, after showing what that would change', () => restoreMoment(shown()));

  it('reads the audit by filter, saves it, and checks its chain', () => readAudit(stage, page));

  it('watches the requests of one user, bucket or device', () => watchRequests(stage, page));

  it('sets a bucket up by form and as text, and says why somebody may read', () => setUpBucket(stage, page));

  it('makes, asks about and removes buckets and users as the commands do', () => doAsCommands(stage, page));

  it('makes recovery codes anew, and the old ones open nothing any more', () => renewCodes(stage, page));

  it('changes the rules of a bucket one by one, and loses none', () => ruleBucket(stage, page, 'hook'));

  it('undoes nothing that somebody else has changed while a form was open', () => overwriteNothing(shown()));

  it('draws the load over time, and says how long the space lasts', () => drawLoad(stage, page));

  it('makes a backup, reads it again, and says how it comes back', () => keepBackups(stage, page));

  it('shows what is wrong, what to do about it, and who is told', () => readAlerts(stage, page));

  it('changes the keys, and sees what the doctor finds', () => tendKeys(stage, page));

  it('checks one file, and tries out a directory before it is a disk', () => checkMore(stage, page));

  it('adds a disk, empties it and takes it away', () => changeDisks(stage, page));

  it('names the files that a turned byte on the disk hurts, what to do about it, and that it is healed', () =>
    healDamage(stage, page, findings));

  // What it stores takes half a minute to read at the speed that a check has here, and would in each check after it.
  it('shows how far a check of everything is, and stops it', () => cancelScrub(stage, page));

  it('says on every page of administration that the gateway is away, has failed, or refuses, and comes back by another try', () =>
    failEveryPage(stage));

  it('ends what a user is signed in by', () => endAccess(stage, page));

  it('says when the trace is refused or breaks', () => breakTrace(stage));

  it('can be installed, as Chromium itself finds, opens without a gateway, and keeps nothing but itself', () =>
    installPage(stage));

  it('loads few scripts for its first view', async () => void (await weighScripts(stage)));

  it('says on every page that the gateway is away or busy, and goes on by itself', () => waitOnEveryPage(stage));

  it('speaks German on every page, what the gateway says too, and on a phone', () => speakGerman(shown()));

  it('broke no rule of its policy and asked no other host', () => expect(stage.faults).to.deep.equal([]));
});
