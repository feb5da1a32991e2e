/**
 * Lighthouse on the drive and on the dashboard of a gateway with something in it, signed in, in Debian's Chromium. Its figures for performance and accessibility, for a phone (slow
 * network and processor, as Lighthouse simulates them) and for a desk, and what it complains of.
 *   CLOUDSTORE_LIGHTHOUSE=/path/to/lighthouse node test/bench/lighthouse.ts [--files=200] [--runs=1] [--only=drive|dashboard] [--reports=DIRECTORY]
 * Lighthouse is no dependency of ours: `npm install lighthouse` in some directory and name its program, or have it on PATH.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { signIn } from '../browser/browser.ts';
import { freePort } from '../support/free-port.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT, runProcess } from '../support/process.ts';
import { findProgram } from '../support/programs.ts';
import { flag } from './common.ts';

interface Report {
  categories: Record<'performance' | 'accessibility', { score: number; auditRefs: { id: string; weight: number }[] }>;
  environment: { benchmarkIndex: number };
  audits: Record<string, { score: number | null; title: string; displayValue?: string; details?: { items?: unknown[] } }>;
}

const PLACES = { drive: '#/drive/home/', dashboard: '#/admin/dashboard' };
/**
 * Lighthouse's phone is a desk of index 1,500 or more, slowed down four times. A slower machine, or one that has other work, is slowed down less, as its documentation
 * asks: else it is measured twice.
 */
const PHONE_INDEX = 375;
const TRIES_MAX = 3;
const VIEWS = { phone: [], desk: ['--preset=desktop'] };

const lighthouse = process.env.CLOUDSTORE_LIGHTHOUSE ?? findProgram('lighthouse');
const browser = findProgram('chromium');
if (lighthouse === null || browser === null) {
  console.error(
    `Not measured: ${lighthouse === null ? 'lighthouse (CLOUDSTORE_LIGHTHOUSE, or on PATH)' : 'chromium'} is not there.`,
  );
  process.exit(2);
}

const work = mkdtempSync(join(tmpdir(), 'cloudstore-lighthouse-'));
const reports = flag('reports');
if (reports !== undefined) mkdirSync(reports, { recursive: true });
const built = await runProcess(process.execPath, [join(ROOT, 'scripts', 'build-web.ts'), '--if-stale']);
if (built.code !== 0) throw new Error(built.stderr);
const gateway = await startGateway();
try {
  await fill(gateway, Number(flag('files') ?? 200));
  const port = await freePort();
  const context = await chromium.launchPersistentContext(join(work, 'profile'), {
    executablePath: browser,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', `--remote-debugging-port=${port}`],
    serviceWorkers: 'block',
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const address = (fragment: string): string => `${gateway.webUrl.replace(/\/$/, '')}/${fragment}`;
  const first = join(work, 'first.json');
  await measureSignedIn(page, address(PLACES.drive), port, first, VIEWS.desk);
  const { benchmarkIndex } = (JSON.parse(readFileSync(first, 'utf8')) as Report).environment;
  const slowdown = Math.min(4, Math.max(1, benchmarkIndex / PHONE_INDEX));
  console.log(
    `This machine's benchmark index is ${benchmarkIndex}; to be a phone it is slowed down ${slowdown.toFixed(1)} times.`,
  );
  for (const [where, fragment] of Object.entries(PLACES)) {
    if ((flag('only') ?? where) !== where) continue;
    for (const [view, options] of Object.entries(VIEWS)) {
      const runs: Report[] = [];
      for (let run = 0; run < Number(flag('runs') ?? 1); run++) {
        const path = join(work, `${where}-${view}-${run}.json`);
        const slowed = view === 'phone' ? [`--throttling.cpuSlowdownMultiplier=${slowdown}`] : [];
        await measureSignedIn(page, address(fragment), port, path, [...options, ...slowed]);
        runs.push(JSON.parse(readFileSync(path, 'utf8')) as Report);
        if (reports !== undefined) copyFileSync(path, join(reports, `${where}-${view}-${run}.json`));
      }
      runs.sort((a, b) => a.categories.performance.score - b.categories.performance.score);
      console.log(
        `${where} (${view}): performance ${runs.map((one) => Math.round(one.categories.performance.score * 100)).join(', ')}`,
      );
      const median = runs[Math.floor(runs.length / 2)];
      if (median !== undefined) tell(median);
    }
  }
  await context.close();
} finally {
  await gateway.stop();
  rmSync(work, { recursive: true, force: true });
}

/**
 * Lighthouse leaves a page in mid-load at its end; when that is in mid-renewal, the session is over, and the next run would measure the page to sign in. So each begins with a
 * new one, and the report is looked at.
 */
async function measureSignedIn(page: Page, url: string, port: number, path: string, options: readonly string[]): Promise<void> {
  await page.context().clearCookies();
  await page.goto(gateway.webUrl);
  await signIn(page, gateway.user, gateway.password);
  await page.goto('about:blank');
  const network = await page.context().newCDPSession(page);
  await network.send('Network.clearBrowserCache');
  await network.detach();
  await measure(url, port, path, options);
  const { audits } = JSON.parse(readFileSync(path, 'utf8')) as Report;
  const requests = (audits['network-requests']?.details?.items ?? []) as { url: string; statusCode: number }[];
  const me = requests.find(({ url: asked }) => asked.endsWith('/api/v1/me'));
  if (me?.statusCode !== 200) throw new Error('Nobody was signed in on the page that was measured.');
}

async function measure(url: string, port: number, path: string, options: readonly string[]): Promise<void> {
  for (let tries = 1; ; tries++) {
    const { code, stderr } = await runProcess(String(lighthouse), [
      url,
      `--port=${port}`,
      // What the session hangs on is kept; no service worker was let in, and what was cached is not asked.
      '--disable-storage-reset',
      '--only-categories=performance,accessibility',
      '--output=json',
      `--output-path=${path}`,
      '--quiet',
      ...options,
    ]);
    if (code === 0) return;
    // On a busy machine it sometimes misses the beginning of its own trace.
    if (tries === TRIES_MAX) throw new Error(stderr);
  }
}

function tell({ categories, audits }: Report): void {
  const score = (of: keyof Report['categories']): number => Math.round(categories[of].score * 100);
  const metrics = [
    'first-contentful-paint',
    'largest-contentful-paint',
    'total-blocking-time',
    'cumulative-layout-shift',
    'speed-index',
  ];
  console.log(
    `  median: performance ${score('performance')}, accessibility ${score('accessibility')}; ${metrics
      .map((id) => `${id} ${audits[id]?.displayValue ?? '?'}`)
      .join(', ')}`,
  );
  for (const { auditRefs } of Object.values(categories))
    for (const { id } of auditRefs) {
      const audit = audits[id];
      if (audit?.score != null && audit.score < 0.9 && !metrics.includes(id))
        console.log(`  ${id}: ${audit.title} ${audit.displayValue ?? ''}`);
    }
}

async function fill({ restUrl, user, password }: TestGateway, files: number): Promise<void> {
  const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  for (let index = 0; index < files; index++)
    await fetch(`${restUrl}/files/home/file-${index}.txt`, { method: 'PUT', body: `The file ${index}.\n`, headers });
  await fetch(`${restUrl}/setup/end`, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' } });
}
