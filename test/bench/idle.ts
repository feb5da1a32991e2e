/**
 * What a page that nobody touches costs the gateway: the seconds of CPU that the gateway and its database use while one browser has the dashboard open, and with another page of
 * administration, against the same gateway with no browser at all, by turns.
 *   node test/bench/idle.ts [--seconds=60] [--turns=2] [--pages=admin/dashboard,drive/home/]
 */
import { chromium } from 'playwright-core';
import { at, signIn } from '../browser/browser.ts';
import { startGateway } from '../support/gateway.ts';
import { ROOT, runProcess } from '../support/process.ts';
import { findProgram } from '../support/programs.ts';
import { flag } from './common.ts';
import { type CpuSeconds, cpuOf } from './cpu.ts';

const browserPath = findProgram('chromium');
if (browserPath === null) {
  console.error('Not measured: chromium is not there.');
  process.exit(2);
}
const seconds = Number(flag('seconds') ?? 60);
const turns = Number(flag('turns') ?? 2);
const pages = (flag('pages') ?? 'admin/dashboard').split(',');
const SETTLE_MS = 5_000;

const built = await runProcess(process.execPath, [`${ROOT}/scripts/build-web.ts`, '--if-stale']);
if (built.code !== 0) throw new Error(built.stderr);
const gateway = await startGateway();
const browser = await chromium.launch({
  executablePath: browserPath,
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
});
try {
  const basic = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
  await fetch(`${gateway.restUrl}/setup/end`, { method: 'POST', headers: { authorization: basic } });
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await page.goto(gateway.webUrl);
  await signIn(page, gateway.user, gateway.password);
  const sums = new Map<string, number[]>();
  for (let turn = 0; turn < turns; turn++) {
    for (const place of ['', ...pages]) {
      await page.goto('about:blank');
      if (place !== '') await page.goto(at(gateway, place));
      await sleep(SETTLE_MS);
      const share = await used(gateway.pid, seconds);
      const name = place === '' ? 'no page' : place;
      sums.set(name, [...(sums.get(name) ?? []), share]);
      console.log(`${name}: ${(share * 100).toFixed(2)} % of a core`);
    }
  }
  const mean = (name: string): number => {
    const all = sums.get(name) ?? [];
    return all.reduce((sum, one) => sum + one, 0) / all.length;
  };
  for (const place of pages)
    console.log(`${place} costs ${((mean(place) - mean('no page')) * 100).toFixed(2)} % of a core more than no page at all`);
} finally {
  await browser.close();
  await gateway.stop();
}

async function used(pid: number, during: number): Promise<number> {
  const total = ({ own, database }: CpuSeconds): number => own + database;
  const [before, begun] = [total(cpuOf(pid)), performance.now()];
  await sleep(during * 1000);
  return (total(cpuOf(pid)) - before) / ((performance.now() - begun) / 1000);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
