import { expect } from 'chai';
import type { Drive } from './drive.ts';

/** In Trip, which is open. */
export async function followWhatWasDone({ stage, page, entry, put }: Drive): Promise<void> {
  for (let n = 1; n <= 6; n++) await put(`Trip/told/day ${n}/a.txt`, 'x');
  await entry('told').click();
  await page.keyboard.press('i');
  const told = page.locator('.details-part').filter({ hasText: 'Activity' }).locator('li');
  await told.nth(0).getByText('day 6/a.txt').waitFor();
  await told.nth(4).getByText('day 2/a.txt').waitFor();
  await put('Trip/told/day 1/<b>new.txt', 'x');
  await told.nth(0).getByText('day 1/<b>new.txt').waitFor();
  await told.nth(0).getByText(`by ${stage.gateway.user} · browser or API`).waitFor();
  const move = {
    from: { bucket: 'home', key: 'Trip/told/day 1/<b>new.txt' },
    to: { bucket: 'home', key: 'Trip/told/old.txt' },
  };
  await stage.api('POST', '/move', JSON.stringify(move), { 'Content-Type': 'application/json' });
  await told.nth(0).getByText('day 1/<b>new.txt → old.txt').waitFor();
  expect(await told.count()).to.equal(5);
  // What comes while more is on its way takes nothing of it back.
  const anew = page.waitForRequest((request) => /\/activity\/[^?]*(\?(?!.*cursor=)|$)/.test(request.url()));
  await page.route(
    /\/activity\/.*cursor=/,
    async (route) => {
      await put('Trip/told/day 7/a.txt', 'x');
      await anew;
      await route.continue().catch(() => undefined); // nobody may wait for it any more
    },
    { times: 1 },
  );
  const more = page.locator('.details').getByRole('button', { name: 'More', exact: true });
  await more.click();
  await told.nth(8).getByText('day 1/a.txt').waitFor();
  await told.nth(0).getByText('day 7/a.txt').waitFor();
  // And more can be asked for while what is shown is listed anew.
  await entry('photo.jpg').click();
  await entry('told').click();
  await told.nth(4).getByText('day 5/a.txt').waitFor();
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  await page.route(
    (url) => url.pathname.includes('/activity/') && !url.searchParams.has('cursor'),
    async (route) => {
      begun.resolve();
      await held.promise;
      await route.continue().catch(() => undefined); // as above
    },
    { times: 1 },
  );
  await put('Trip/told/day 8/a.txt', 'x');
  await begun.promise;
  await more.click();
  await told.nth(9).getByText('day 1/a.txt').waitFor();
  held.resolve();
  await stage.api('DELETE', '/files/home/Trip/told/old.txt');
  await told.nth(0).getByText('Deleted').waitFor();
  await page.locator('.details').getByRole('button', { name: 'Close' }).click();
  await stage.api('DELETE', '/files/home/Trip/told/?recursive=true');
  await entry('told').waitFor({ state: 'detached' });
}
