import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { chromium } from 'playwright-core';
import { findProgram } from '../support/programs.ts';
import { at, type Stage, signIn } from './browser.ts';

/** What Chromium itself says of the page as an app; that it opens without the gateway, says so, and goes on; and that no answer and no file lies in a cache. */
export async function installPage({ gateway }: Stage): Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), 'cloudstore-app-'));
  // A private window installs nothing, so this is a profile of its own.
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findProgram('chromium') ?? 'chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    locale: 'en-GB',
  });
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    // Secure, as this machine's own name is; an address of the network is by https.
    const here = { ...gateway, webUrl: gateway.webUrl.replace('127.0.0.1', 'localhost') };
    await page.goto(here.webUrl);
    await signIn(page, gateway.user, gateway.password);
    await page.locator('.entry').first().waitFor();
    const session = await context.newCDPSession(page);
    const { errors, data = '{}', url } = await session.send('Page.getAppManifest');
    expect(errors).to.deep.equal([]);
    expect(new URL(url).pathname).to.equal('/manifest.webmanifest');
    const manifest = JSON.parse(data) as { icons: { src: string; sizes: string; type: string; purpose?: string }[] };
    for (const { src, sizes, type } of manifest.icons) {
      const size = await page.evaluate(async (address) => {
        const image = new Image();
        image.src = address;
        await image.decode();
        return `${image.naturalWidth}x${image.naturalHeight}`;
      }, src);
      if (type === 'image/png') expect(size, src).to.equal(sizes);
    }
    expect(manifest.icons.map(({ purpose = 'any' }) => purpose)).to.include.members(['any', 'maskable']);
    await page.evaluate(() => navigator.serviceWorker.ready);
    const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
    expect(installabilityErrors.map(({ errorId }) => errorId)).to.deep.equal([]);

    await page.reload();
    await page.locator('.entry').first().waitFor();
    expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).to.equal(true);
    // What is the gateway's to answer goes past the worker, which would have to be started for it.
    const ways = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .map((entry) => entry as PerformanceResourceTiming & { workerMatchedSourceType: string })
        .filter(({ name }) => name.includes('/api/v1/'))
        .map(({ name, workerMatchedSourceType }) => `${new URL(name).pathname} ${workerMatchedSourceType}`),
    );
    expect(ways).to.include('/api/v1/me network');
    for (const way of ways) expect(way).to.match(/ network$/);
    const kept = await page.evaluate(async () => {
      const found: string[] = [];
      for (const name of await caches.keys())
        for (const { url } of await (await caches.open(name)).keys()) found.push(new URL(url).pathname);
      return found;
    });
    expect(kept).to.include('/').and.include('/manifest.webmanifest');
    for (const path of kept) expect(path).to.match(/^\/(assets\/[\w.-]+|icon\.svg|manifest\.webmanifest)?$/);
    await context.setOffline(true);
    await page.goto('about:blank');
    await page.goto(at(here, 'drive/home/'));
    await page.getByRole('heading', { name: 'No connection' }).waitFor();
    await context.setOffline(false);
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await page.locator('.entry').first().waitFor();
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
