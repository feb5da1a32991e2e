import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { at, type Stage } from './browser.ts';

/** Bytes of packs that change on the disk, as a failing one would change them. */
function packsOf({ gateway }: Stage): Map<string, Buffer> {
  const packs = new Map<string, Buffer>();
  for (const directory of [join(gateway.dataDir, 'packs'), join(gateway.dataDir, 'packs', 'open')])
    for (const name of readdirSync(directory))
      if (name.endsWith('.pack')) packs.set(join(directory, name), readFileSync(join(directory, name)));
  return packs;
}

/** Does something that writes to packs, and ruins the middle of what came. */
async function ruinWhat(stage: Stage, writes: () => Promise<unknown>): Promise<void> {
  const before = packsOf(stage);
  await writes();
  for (const [path, now] of packsOf(stage)) {
    const was = before.get(path) ?? Buffer.alloc(0);
    const changed = [...now.keys()].filter((index) => now[index] !== (was[index] ?? 0));
    const middle = changed[changed.length >> 1];
    if (middle === undefined) continue;
    for (const index of [middle, middle + 1, middle + 2]) now[index]! ^= 0x5a;
    writeFileSync(path, now);
    return;
  }
  throw new Error('nothing came into any pack');
}

async function scrubbed({ api }: Stage): Promise<void> {
  expect((await api('POST', '/system/scrub', '{}', { 'Content-Type': 'application/json' })).status).to.equal(204);
  for (let state = ''; state !== 'idle'; ) ({ state } = (await (await api('GET', '/jobs/scrub')).json()) as { state: string });
}

/**
 * A byte on the disk turns: the page names the chunk, every file and version that stands on it with the way there, what a second copy could do, and what somebody can do.
 * Then the same bytes go up again, under another name, and all of them can be read.
 */
export async function healDamage(stage: Stage, page: Page, findings: (page: Page) => Promise<string[]>): Promise<void> {
  const { api, gateway } = stage;
  const deed = randomBytes(40_000);
  const post = async (path: string, body: object): Promise<void> => {
    const answer = await api('POST', path, JSON.stringify(body), { 'Content-Type': 'application/json' });
    expect(answer.ok, `${path}: ${answer.status}`).to.equal(true);
  };
  await ruinWhat(stage, () => api('PUT', '/files/home/Documents/Deed.bin', new Uint8Array(deed)));
  const from = { bucket: 'home', key: 'Documents/Deed.bin' };
  for (const key of ['Projects/<b>Deed.bin', 'Projects/replaced.bin', 'Projects/thrown away.bin'])
    await post('/copy', { from, to: { bucket: 'home', key } });
  await api('PUT', '/files/home/Projects/replaced.bin', 'another');
  await api('DELETE', '/files/home/Projects/thrown%20away.bin');
  await scrubbed(stage);

  await page.goto(at(gateway, 'admin/storage'));
  const one = page.locator('.quarantined');
  await one.getByRole('heading', { name: 'A chunk of contents' }).waitFor();
  expect(await one.count()).to.equal(1);
  await one.getByText('4 files and versions cannot be read').waitFor();
  await one.getByText('None are kept.').waitFor();
  const files = (await one.locator('.hurt-files li').allInnerTexts()).map((text) => text.replace(/\s+/g, ' ').trim()).sort();
  expect(files.map((text) => text.replace(/ \d[\d.,]* kB$/, ''))).to.deep.equal([
    'home/Documents/Deed.bin',
    'home/Projects/<b>Deed.bin',
    'home/Projects/replaced.bin Old version',
    'home/Projects/thrown away.bin In the trash',
  ]);
  await one.getByText('Where it lies').click();
  await one.getByText(/store 0, pack [0-9a-f]{32}, [\d,]+ bytes from/).waitFor();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    expect(await findings(page), colorScheme).to.deep.equal([]);
  }
  await one.getByRole('link', { name: 'home/Projects/thrown away.bin' }).click();
  await page.getByText('thrown away.bin').first().waitFor();
  expect(page.url()).to.contain('#/trash/home/Projects/');
  await page.goBack();
  // What was replaced is shown among its versions, and pointed at.
  await one.getByRole('link', { name: 'home/Projects/replaced.bin' }).click();
  const versions = page.getByRole('dialog', { name: 'Versions of “replaced.bin”' }).locator('.version');
  await versions.nth(1).and(page.locator('.pointed')).waitFor();
  expect(await versions.count()).to.equal(2);
  await page.keyboard.press('Escape');
  await page.goBack();
  await one.getByRole('link', { name: 'home/Documents/Deed.bin' }).click();
  await page.getByRole('dialog', { name: 'Versions of “Deed.bin”' }).locator('.version.pointed').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.entry').filter({ hasText: 'Deed.bin' }).waitFor();
  await page.locator('.details').getByRole('button', { name: 'Close' }).click();

  await page.setInputFiles('input[type=file] >> nth=0', [
    { name: 'Deed from the other machine.bin', mimeType: 'application/octet-stream', buffer: deed },
  ]);
  await page.locator('.entry').filter({ hasText: 'Deed from the other machine.bin' }).waitFor();
  await page.getByText('1 file uploaded').waitFor();
  await page.goto(at(gateway, 'admin/storage'));
  await page.getByText('Nothing is known to be damaged.').waitFor();
  expect(await page.locator('.quarantined').count()).to.equal(0);
  for (const key of ['Documents/Deed.bin', 'Projects/%3Cb%3EDeed.bin']) {
    const answer = await api('GET', `/files/home/${key}`);
    expect(answer.status, key).to.equal(200);
    expect(Buffer.from(await answer.arrayBuffer()).equals(deed), key).to.equal(true);
  }
}
