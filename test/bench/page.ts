/**
 * The page in Debian's Chromium against the plain API, from the same browser, by turns, on a gateway of its own.
 *   node test/bench/page.ts [rows upload] [--rounds=5] [--mib=1024]
 * `rows`: from the click on a folder of 100,000 entries to its first rows on the screen, against one fetch of the listing's first page (target: at most twice).
 * `upload`: a file from the page, to the word that it is uploaded, against a PUT of as many other bytes by `fetch` (target: at least 0.8 of its speed), and by
 * XMLHttpRequest, which carries a whole file at half the processor time. Prints the medians, the ratios, and the processor time of each side, which other work on the same cores changes less.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { at, openStage, type Stage } from '../browser/browser.ts';
import { fillFolder } from '../support/wide-folder.ts';
import { flag, writeRandomFile } from './common.ts';
import { childNamed, cpuOf } from './cpu.ts';
import { median } from './load.ts';

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const rounds = Number(flag('rounds') ?? 5);
const bytes = Number(flag('mib') ?? 1024) * 2 ** 20;
const directory = mkdtempSync(join(tmpdir(), 'cloudstore-bench-page-'));
const stage = await openStage();
try {
  const page = await stage.enter();
  if (wanted.length === 0 || wanted.includes('rows')) await firstRows(stage, page);
  if (wanted.length === 0 || wanted.includes('upload')) await upload(stage, page);
} finally {
  await stage.close();
  rmSync(directory, { recursive: true, force: true });
}

async function firstRows({ gateway, api }: Stage, page: Page): Promise<void> {
  await fillFolder(gateway.dataDir, gateway.bucket, 'many/', 100_000);
  await api('PUT', '/files/home/none/');
  const ours: number[] = [];
  const theirs: Record<200 | 1000, number[]> = { 200: [], 1000: [] };
  // The first of all is left out: both sides compile and plan.
  for (let round = 0; round <= rounds * 3; round++) {
    await page.goto(at(gateway, 'drive/home/none/'));
    await page.getByText('This folder is empty').waitFor();
    const shown = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const begun = performance.now();
          const look = (): void => {
            if (document.querySelector('.entry .name') === null) requestAnimationFrame(look);
            // The frame in which they are drawn has to end.
            else requestAnimationFrame(() => resolve(performance.now() - begun));
          };
          location.hash = '#/drive/home/many/';
          requestAnimationFrame(look);
        }),
    );
    // What the page goes on to read must not stand in the other's way.
    await page.waitForLoadState('networkidle');
    if (round > 0) ours.push(shown);
    for (const limit of round % 2 === 0 ? ([200, 1000] as const) : ([1000, 200] as const)) {
      const fetched = await page.evaluate(async (limit) => {
        const begun = performance.now();
        await (await fetch(`/api/v1/files/home/many/?limit=${limit}`, { cache: 'no-store' })).json();
        return performance.now() - begun;
      }, limit);
      if (round > 0) theirs[limit].push(fetched);
    }
  }
  const mine = median(ours);
  for (const limit of [200, 1000] as const)
    print(
      `first rows of 100,000 (a fetch of ${limit})`,
      `${mine.toFixed(1)} ms`,
      `${median(theirs[limit]).toFixed(1)} ms`,
      mine / median(theirs[limit]),
    );
}

async function upload({ gateway, api }: Stage, page: Page): Promise<void> {
  const login = await api('POST', '/auth/login', JSON.stringify({ user: gateway.user, password: gateway.password }), {
    'Content-Type': 'application/json',
  });
  const { accessToken } = (await login.json()) as { accessToken: string };
  const sides = ['page', 'fetch', 'xhr'] as const;
  const seconds: Record<Side, number[]> = { page: [], fetch: [], xhr: [] };
  const cpu: Record<Side, { gateway: number; database: number; browser: number }[]> = { page: [], fetch: [], xhr: [] };
  const used = (): { gateway: number; database: number; browser: number } => {
    const { own, database } = cpuOf(gateway.pid);
    return { gateway: own, database, browser: cpuOf(childNamed('chrom') ?? 0).own };
  };
  await page.goto(at(gateway, 'drive/home/'));
  await page.locator('.drive-head').waitFor();
  await page.evaluate(() => {
    const input = document.createElement('input');
    input.type = 'file';
    input.id = 'bench';
    document.body.append(input);
  });
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const name = `${side}-${round}.bin`;
      const file = join(directory, name);
      await writeRandomFile(file, bytes);
      const before = used();
      if (side === 'page') {
        const begun = performance.now();
        await page.setInputFiles('input[type=file] >> nth=0', file);
        await page.getByText('1 file uploaded').waitFor({ timeout: 600_000 });
        seconds.page.push((performance.now() - begun) / 1000);
        await page.getByRole('button', { name: 'Dismiss', exact: true }).click();
      } else {
        await page.setInputFiles('#bench', file);
        const ms = await page.evaluate(
          async ({ name, accessToken, side }) => {
            const body = (document.getElementById('bench') as HTMLInputElement).files?.[0] ?? null;
            const headers = { Authorization: `Bearer ${accessToken}`, 'Content-Type': 'application/octet-stream' };
            const url = `/api/v1/files/home/${name}`;
            const begun = performance.now();
            if (side === 'fetch') {
              const answer = await fetch(url, { method: 'PUT', body, headers });
              if (!answer.ok) throw new Error(await answer.text());
              return performance.now() - begun;
            }
            await new Promise<void>((resolve, reject) => {
              const xhr = new XMLHttpRequest();
              xhr.open('PUT', url);
              for (const [field, value] of Object.entries(headers)) xhr.setRequestHeader(field, value);
              xhr.onload = () => (xhr.status < 300 ? resolve() : reject(new Error(xhr.responseText)));
              xhr.onerror = () => reject(new Error('the connection failed'));
              xhr.send(body);
            });
            return performance.now() - begun;
          },
          { name, accessToken, side },
        );
        seconds[side].push(ms / 1000);
      }
      const after = used();
      cpu[side].push({
        gateway: after.gateway - before.gateway,
        database: after.database - before.database,
        browser: after.browser - before.browser,
      });
      rmSync(file);
      await api('DELETE', `/files/home/${name}`);
    }
  }
  const mib = bytes / 2 ** 20;
  const rate = (side: Side): number => mib / median(seconds[side]);
  for (const other of ['fetch', 'xhr'] as const) {
    print(
      `upload of ${mib} MiB (PUT by ${other})`,
      `${rate('page').toFixed(0)} MiB/s`,
      `${rate(other).toFixed(0)} MiB/s`,
      rate('page') / rate(other),
    );
  }
  for (const who of ['gateway', 'database', 'browser'] as const) {
    const [page, fetched, xhr] = sides.map((side) => (median(cpu[side].map((one) => one[who])) * 1000) / mib);
    process.stdout.write(
      `  processor of the ${who}: page ${page?.toFixed(2)} ms/MiB, fetch ${fetched?.toFixed(2)}, XMLHttpRequest ${xhr?.toFixed(2)}\n`,
    );
  }
}

type Side = 'page' | 'fetch' | 'xhr';

function print(what: string, ours: string, theirs: string, ratio: number): void {
  process.stdout.write(`${what.padEnd(46)} ${ours.padStart(12)} ${theirs.padStart(12)} ${ratio.toFixed(2).padStart(6)}\n`);
}
