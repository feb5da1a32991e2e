import { expect } from 'chai';
import { at } from './browser.ts';
import type { Drive } from './drive.ts';

/** As tiles, an entry moves to another row when others come before it, and its field with it. */
export async function renameMeanwhile({ stage, page, entry, put }: Drive): Promise<void> {
  await put('Drafts/m.txt', 'm');
  await page.goto(at(stage.gateway, 'drive/home/Drafts/'));
  await entry('m.txt').waitFor();
  const list = page.locator('.entries');
  await list.press('v');
  await page.locator('.entries.tiles').and(page.locator(':focus')).waitFor();
  await list.press('Home');
  await list.press('F2');
  const field = page.getByLabel('New name of m.txt');
  await page.keyboard.type('half a');
  const row = () => field.evaluate((one) => [...document.querySelectorAll('.tile-row')].findIndex((of) => of.contains(one)));
  expect(await row()).to.equal(0);
  for (let n = 10; n < 30; n++) await put(`Drafts/a${n}.txt`, 'a');
  await entry('a29.txt').waitFor();
  await field.and(page.locator(':focus')).waitFor();
  expect(await row()).to.be.above(0);
  await page.keyboard.type(' name');
  expect(await field.inputValue()).to.equal('half a name.txt');
  await page.keyboard.press('Enter');
  await entry('half a name.txt').waitFor();
  expect(await (await stage.api('GET', '/files/home/Drafts/half%20a%20name.txt')).text()).to.equal('m');
  // What was typed and given up does not come back.
  await list.press('F2');
  await page.keyboard.type('given up');
  await page.keyboard.press('Escape');
  await list.press('F2');
  expect(await page.getByLabel('New name of half a name.txt').inputValue()).to.equal('half a name.txt');
  await page.keyboard.press('Escape');
  await list.press('v');
  await page.locator('.entries.list:focus').waitFor();
}
