import { expect } from 'chai';
import { at, type Stage } from './browser.ts';
import { ADMIN_PAGES } from './care.ts';

const WAYS = {
  'the gateway is away': { status: 0, says: 'No connection' },
  'the gateway fails': { status: 500, says: 'This could not be shown' },
  'the caller may not': { status: 403, says: 'This could not be shown' },
} as const;
const TRIES_MAX = 5;

/** What each page of administration says where its answer does not come, is a failure, or a refusal; and that another try brings it. */
export async function failEveryPage({ gateway, enter, faults }: Stage): Promise<void> {
  const page = await enter();
  let way: keyof typeof WAYS | null = null;
  // Who one is stays known: what is asked for in a page is what fails.
  await page.route(/\/api\/v1\/(?!auth\/|me$|me\/|system\/info|setup)/, (route) => {
    if (way === null) return route.continue();
    const { status } = WAYS[way];
    if (status === 0) return route.abort('connectionrefused');
    const body = JSON.stringify({
      type: 'about:blank',
      title: 'x',
      status,
      detail: 'It was planned so.',
      code: status === 403 ? 'access_denied' : 'internal',
      requestId: 'r',
    });
    return route.fulfill({ status, contentType: 'application/problem+json', body });
  });
  const main = page.getByRole('main');
  const ways = Object.keys(WAYS) as (keyof typeof WAYS)[];
  for (const [index, place] of [...ADMIN_PAGES, 'admin/buckets/home', 'admin/users/carl'].entries()) {
    // All of them by the long run; they share what shows them.
    for (const name of process.env.CLOUDSTORE_TEST_LONG === '1' ? ways : ways.slice(index % 3, (index % 3) + 1)) {
      way = name;
      await page.goto('about:blank');
      await page.goto(at(gateway, place));
      if (place === 'admin/trace') continue; // it is told by the stream: breakTrace
      await main.locator('.state[role=alert]').first().waitFor();
      const told = await main.textContent();
      expect(told, `${place}, ${name}`).to.contain(WAYS[name].says);
      // A page of several parts asks for each by itself: the first may have its answer before the last.
      const skeletons = main.locator('.skeleton');
      await skeletons
        .first()
        .waitFor({ state: 'detached' })
        .catch(() => undefined);
      expect(await skeletons.count(), `${place}, ${name}: it waits for ever`).to.equal(0);
      way = null;
      // A page of several parts has one for each; one that is asked for every few seconds may be faster.
      const alerts = main.locator('.state[role=alert]');
      const again = alerts.getByRole('button', { name: 'Try again' });
      for (let tries = 0; tries < TRIES_MAX && (await alerts.count()) > 0; tries++) {
        for (let index = (await again.count()) - 1; index >= 0; index--)
          await again
            .nth(index)
            .click({ timeout: 1_000 })
            .catch(() => undefined);
        await alerts
          .first()
          .waitFor({ state: 'detached', timeout: 3_000 })
          .catch(() => undefined);
      }
      expect(await alerts.count(), place).to.equal(0);
    }
  }
  way = null;
  expect(faults).to.deep.equal([]);
  await page.context().close();
}

/** What a page says by itself, and that it needs no hand to go on. */
export async function waitOnEveryPage(stage: Stage): Promise<void> {
  const own = await stage.enter();
  const places: [place: string, then: string | RegExp][] = [
    ['drive/home/Documents/', 'Budget 2027.xlsx'],
    ['drive/home/?open=notes.txt', /Milk, bread/],
    ['drive/home/Photos/?open=Lake.svg', ''],
    ['drive/home/Documents/?open=Hello.pdf', ''],
    ['trash/home/', 'thrown away.txt'],
    ['links', 'home/Photos/'],
    ['shared', 'home-berta'],
    ['connect', ''],
    ['account', 'Second factor'],
    ['search', 'server.ts'],
  ];
  for (const [index, [place, then]] of places.entries()) {
    await own.goto('about:blank');
    await own.route(/\/api\/v1\/(?!auth|setup|me$)/, (route) =>
      index % 2 === 0
        ? route.abort()
        : route.fulfill({
            status: 503,
            contentType: 'application/problem+json',
            body: JSON.stringify({ status: 503, code: 'unavailable', title: 'Unavailable' }),
          }),
    );
    await own.goto(at(stage.gateway, place));
    if (place === 'search') await own.getByRole('searchbox').fill('server');
    const told = own.locator('#content, dialog').getByRole('alert').filter({ hasText: 'It is tried again by itself.' });
    await told.first().waitFor();
    await own.unroute(/\/api\/v1\/(?!auth|setup|me$)/);
    await own.evaluate(() => dispatchEvent(new Event('online')));
    await told.first().waitFor({ state: 'detached' });
    await own.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'home', exact: true }).waitFor();
    if (then !== '') await own.locator('#content, dialog').getByText(then).first().waitFor();
    if (place.endsWith('.svg')) await own.locator('.view-image img').waitFor();
    if (place.endsWith('.pdf')) await own.locator('.pdf-page').first().waitFor();
  }
  await own.context().close();
}
