import { expect } from 'chai';
import { fillFolder } from '../support/wide-folder.ts';
import { at } from './browser.ts';
import type { Drive } from './drive.ts';

export async function scrollThroughMany({ stage, page, entry }: Drive): Promise<void> {
  await fillFolder(stage.gateway.dataDir, stage.gateway.bucket, 'many/', 100_000);
  const drawn = (): Promise<number> => page.locator('.entry').count();
  await page.goto(at(stage.gateway, 'drive/home/many/'));
  await entry('00000.txt').waitFor();
  expect(await drawn()).to.be.lessThan(60);
  for (const view of ['list', 'tiles']) {
    const few = view === 'list' ? 60 : 200;
    await page.locator(`.entries.${view}`).press('End');
    await entry('99999.txt').waitFor({ timeout: 60_000 });
    expect(await drawn()).to.be.lessThan(few);
    expect(await page.locator('.entry.selected').getAttribute('aria-selected')).to.equal('true');
    // Anywhere in between, by the wheel or the bar.
    const shown = await page.locator('.entries').evaluate(async (element) => {
      const seen: number[] = [];
      for (const part of [0.5, 0.1, 0.9, 0.333]) {
        element.scrollTop = element.scrollHeight * part;
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        const { top, bottom } = element.getBoundingClientRect();
        const middle = document.elementFromPoint(
          element.clientWidth / 2 + element.getBoundingClientRect().left,
          (top + bottom) / 2,
        );
        seen.push(
          Number.parseInt(middle?.closest('.entry, .tile-row')?.querySelector('.name')?.textContent ?? '-1', 10) / 100_000,
        );
      }
      return seen;
    });
    [0.5, 0.1, 0.9, 0.333].forEach((part, n) => void expect(shown[n], `${view} ${part}`).to.be.closeTo(part, 0.01));
    expect(await drawn()).to.be.lessThan(few);
    await page.locator('.entries').press('Home');
    await entry('00000.txt').waitFor();
    await page.locator('.entries').press('PageDown');
    await page.locator('.entries').press('v');
  }
  await page.getByText('100,000 items').waitFor();
}

export async function keepManyTrue({ stage, page, entry, put }: Drive): Promise<void> {
  await page.locator('.entries').press('End');
  await entry('99999.txt').waitFor({ timeout: 60_000 });
  let listed = 0;
  page.on('request', (request) => void (/\/files\/home\/many\/\?/.test(request.url()) && listed++));
  const move = (from: string, to: string) => {
    const body = { from: { bucket: 'home', key: from }, to: { bucket: 'home', key: to } };
    return stage.api('POST', '/move', JSON.stringify(body), { 'Content-Type': 'application/json' });
  };
  await put('many/99999a.txt', '');
  await entry('99999a.txt').waitFor();
  expect((await move('many/99999a.txt', 'many/99999b.txt')).ok).to.equal(true);
  await entry('99999b.txt').waitFor();
  await entry('99999a.txt').waitFor({ state: 'detached' });
  await stage.api('DELETE', '/files/home/many/99999b.txt');
  await entry('99999b.txt').waitFor({ state: 'detached' });
  expect(listed).to.equal(0);
}
