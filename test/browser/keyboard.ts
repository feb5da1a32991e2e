import { expect } from 'chai';
import type { Drive } from './drive.ts';

export async function useListByKeys({ page, entry }: Drive): Promise<void> {
  const list = page.locator('.entries');
  const selected = (): Promise<string[]> =>
    page.locator('.entry[aria-selected=true] .name').evaluateAll((all) => all.map((one) => one.getAttribute('title') ?? ''));
  const focus = (): Promise<string> =>
    page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '');
  await list.press('Home');
  await list.press('Shift+ArrowDown');
  expect(await selected()).to.have.lengthOf(2);
  await list.press('Escape');
  expect(await selected()).to.deep.equal([]);
  await list.press('Space');
  await list.press('Control+ArrowDown');
  await list.press('Space');
  expect(await selected()).to.have.lengthOf(2);
  await list.press('Control+a');
  expect(await selected()).to.have.lengthOf(await page.locator('.entry').count());
  await list.press('Home');
  await list.press('ContextMenu');
  await page.getByRole('menu').waitFor();
  await page.keyboard.press('ArrowUp');
  expect(await focus()).to.include('Delete');
  await page.keyboard.press('Escape');
  await page.getByRole('menu').waitFor({ state: 'detached' });
  await list.and(page.locator(':focus')).waitFor();
  // Into another folder by its question, without a drag.
  await list.press('ContextMenu');
  await page.getByRole('menuitem', { name: 'Copy to…' }).press('Enter');
  const chooser = page.getByRole('dialog', { name: 'Copy to…' });
  const up = chooser.getByRole('button', { name: 'One level up' });
  await up.press('Enter');
  // The keyboard goes along, there and back, and at once: before the folder has come, and however soon the next key follows.
  await chooser.getByRole('button', { name: 'Trip' }).waitFor();
  await up.and(page.locator(':focus')).waitFor();
  const focused = await chooser.getByRole('button', { name: 'Trip' }).evaluate(async (button: HTMLElement) => {
    button.focus();
    button.click();
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    return document.activeElement?.textContent?.trim();
  });
  expect(focused).to.equal('One level up');
  await chooser.getByRole('button', { name: 'album' }).waitFor();
  await up.and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Escape');
  await chooser.waitFor({ state: 'detached' });
  await list.and(page.locator(':focus')).waitFor();
  await list.press('/');
  await page.getByRole('searchbox').and(page.locator(':focus')).waitFor();
  await page.keyboard.type('photo');
  await entry('album').waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await entry('album').waitFor();
  await list.and(page.locator(':focus')).waitFor();
  // From a list of nothing too.
  await list.press('/');
  await page.getByRole('searchbox').and(page.locator(':focus')).waitFor();
  await page.keyboard.type('nothing of this name');
  await page.locator('.entries.nothing').waitFor();
  await page.keyboard.press('Escape');
  await entry('album').waitFor();
  await list.and(page.locator(':focus')).waitFor();
  await list.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await list.and(page.locator(':focus')).waitFor();
  await list.press('Escape');
}

export async function useTilesByKeys({ stage, page, entry }: Drive): Promise<void> {
  const list = page.locator('.entries');
  const names = () => page.locator('.entry .name').evaluateAll((all) => all.map((one) => one.getAttribute('title')));
  await list.press('v');
  await page.locator('.entries.tiles').and(page.locator(':focus')).waitFor();
  await list.press('Home');
  expect(await page.locator('.entry.focused .name').getAttribute('title')).to.equal('album');
  await list.press('ArrowRight');
  const [, second = ''] = await names();
  expect(await page.locator('.entry.focused .name').getAttribute('title')).to.equal(second);
  const before = await names();
  await list.press('o');
  await page.getByRole('menuitemradio', { name: 'Name', checked: true }).and(page.locator(':focus')).waitFor();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await entry(before.at(-1) ?? '').waitFor();
  expect(await names()).to.deep.equal([before[0], ...before.slice(1).reverse()]);
  await list.press('o');
  await page.getByRole('menuitem', { name: 'The other way round' }).press('Enter');
  expect(await names()).to.deep.equal(before);
  // The menu of what is in focus, by the other key for it.
  await list.press('Home');
  await list.press('Shift+F10');
  await page.getByRole('menu', { name: 'Actions for album' }).waitFor();
  await page.keyboard.press('Escape');
  const [zip] = await Promise.all([page.waitForEvent('download'), list.press('d')]);
  expect(zip.suggestedFilename()).to.equal('album.zip');
  await zip.delete();
  await list.press('Shift+N');
  await page.getByLabel('Name of the folder').fill('keys');
  await page.keyboard.press('Enter');
  await entry('keys').and(page.locator('.selected')).waitFor();
  await list.press('F2');
  await page.getByLabel('New name of keys').fill('by keys');
  await page.keyboard.press('Enter');
  await entry('by keys').and(page.locator('.selected')).waitFor();
  await list.press('m');
  await page.getByRole('dialog', { name: 'Move to…' }).getByRole('button', { name: 'album' }).press('Enter');
  await page.getByRole('dialog').getByRole('button', { name: 'Move here' }).press('Enter');
  await entry('by keys').waitFor({ state: 'detached' });
  expect((await stage.api('GET', '/stat/home/Trip/album/by%20keys/')).status).to.equal(200);
  await list.press('Home');
  await list.press('i');
  await page.locator('.details').getByText('album', { exact: true }).first().waitFor();
  await list.press('i');
  await list.press('Enter');
  await page.locator('.breadcrumbs h1', { hasText: 'album' }).waitFor();
  await entry('by keys').waitFor();
  await list.press('Home');
  await list.press('Delete');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).press('Enter');
  await entry('by keys').waitFor({ state: 'detached' });
  await list.press('Control+z');
  await entry('by keys').waitFor();
  await list.press('v');
  await page.locator('.entries.list:focus').waitFor();
  await page.keyboard.press('Backspace');
  await page.locator('.breadcrumbs h1', { hasText: 'Trip' }).waitFor();
  await stage.api('DELETE', '/files/home/Trip/album/by%20keys/?recursive=true');
}
