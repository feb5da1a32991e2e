import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { startGateway, type TestGateway, type TestGatewayOptions } from '../support/gateway.ts';
import { ROOT, runProcess } from '../support/process.ts';
import { findProgram } from '../support/programs.ts';

/** A real gateway with the page as it is built now, and Debian's Chromium. */
export interface Stage {
  gateway: TestGateway;
  browser: Browser;
  /** A browser of its own, signed in; it fails the test when the page breaks the policy or a script throws. */
  enter(options?: { user?: string; password?: string; width?: number; height?: number; mobile?: boolean }): Promise<Page>;
  /** A page that nobody has signed in to. */
  page(options?: { width?: number; height?: number; mobile?: boolean }): Promise<Page>;
  api(method: string, path: string, body?: BodyInit | null, headers?: Record<string, string>): Promise<Response>;
  faults: string[];
  close(): Promise<void>;
}

const pages = new Set<Page>();

/** What somebody would have seen of a test that failed, where no picture of it is kept. Programs that measure the page have no such hook. */
const { afterEach: hook } = globalThis as { afterEach?: typeof afterEach };
hook?.(async function () {
  if (this.currentTest?.state !== 'failed') return;
  for (const page of pages) {
    const text = await page
      .locator('body')
      .ariaSnapshot({ timeout: 5000 })
      .catch((error: Error) => error.message);
    console.error(`      ${page.url()} shows: ${text.replace(/\s+/g, ' ').slice(0, 4000)}`);
  }
});

/** What a test that failed has left open, a dialog or a route, is not to fail those after it too: they begin on pages that are loaded anew. */
export function beginAnewAfterFailure(places: () => [page: Page, address: string][]): void {
  let failed = false;
  beforeEach(async () => {
    if (!failed) return;
    failed = false;
    for (const [page, address] of places()) {
      await page.unrouteAll({ behavior: 'ignoreErrors' });
      await page.context().setOffline(false);
      await page.goto('about:blank');
      await page.goto(address);
    }
  });
  afterEach(function () {
    failed = this.currentTest?.state === 'failed';
  });
}

export async function openStage({ setup = false, ...options }: TestGatewayOptions & { setup?: boolean } = {}): Promise<Stage> {
  const built = await runProcess(process.execPath, [join(ROOT, 'scripts', 'build-web.ts'), '--if-stale']);
  if (built.code !== 0) throw new Error(built.stderr);
  const gateway = await startGateway(options);
  const profile = mkdtempSync(join(tmpdir(), 'cloudstore-chromium-'));
  const browser = await chromium.launch({
    executablePath: findProgram('chromium') ?? 'chromium',
    // Its own sandbox needs what a container of root has not.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    env: { ...process.env, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile },
  });
  const contexts: BrowserContext[] = [];
  const faults: string[] = [];
  let token: string | null = null;

  const page: Stage['page'] = async ({ width = 1280, height = 800, mobile = false } = {}) => {
    const context = await browser.newContext({
      viewport: { width, height },
      locale: 'en-GB',
      acceptDownloads: true,
      ...(mobile ? { hasTouch: true, isMobile: true } : {}),
    });
    contexts.push(context);
    context.setDefaultTimeout(15_000);
    const opened = await context.newPage();
    pages.add(opened);
    opened.on('close', () => pages.delete(opened));
    opened.on('pageerror', (error) => faults.push(error.message));
    opened.on('dialog', (dialog) => {
      faults.push(`a dialog: ${dialog.message()}`);
      void dialog.accept();
    });
    opened.on('console', (message) => {
      if (/Content.Security.Policy|TrustedHTML|Trusted ?Type|Refused to/i.test(message.text())) faults.push(message.text());
    });
    opened.on('request', (request) => {
      if (!/^(http|ws)s?:\/\/(127\.0\.0\.1|localhost)[:/]|^(blob|data):/.test(request.url()))
        faults.push(`asked elsewhere: ${request.url()}`);
    });
    return opened;
  };

  if (!setup) await endSetup(gateway);
  return {
    gateway,
    browser,
    faults,
    page,
    async enter({ user = gateway.user, password = gateway.password, ...view } = {}) {
      const opened = await page(view);
      await opened.goto(gateway.webUrl);
      await signIn(opened, user, password);
      return opened;
    },
    async api(method, path, body = null, headers = {}) {
      const send = async (): Promise<Response> => {
        token ??= await login(gateway);
        return fetch(`${gateway.restUrl}${path}`, {
          method,
          body,
          headers: { Authorization: `Bearer ${token}`, ...headers },
          ...(body === null ? {} : { duplex: 'half' }),
        } as RequestInit);
      };
      const answer = await send();
      if (answer.status !== 401) return answer;
      token = null; // it ended with the master key that it was made by
      return send();
    },
    async close() {
      for (const context of contexts) await context.close().catch(() => undefined);
      await browser.close();
      await gateway.stop();
      for (const left of [profile, `${gateway.dataDir}-backups`, `${gateway.dataDir}-restored`, `${gateway.dataDir}-disk`])
        rmSync(left, { recursive: true, force: true });
    },
  };
}

export async function signIn(page: Page, user: string, password: string): Promise<void> {
  await page.fill('[name=username]', user);
  await page.fill('[name=password]', password);
  await page.click('button[type=submit]');
  await page.waitForSelector('#content');
}

/** The address of a place within the page. */
export function at(gateway: TestGateway, place: string): string {
  return `${gateway.webUrl.replace(/\/$/, '')}/#/${place}`;
}

/** Somebody has left the wizard, as nearly every page's owner has. */
async function endSetup(gateway: TestGateway): Promise<void> {
  const answer = await fetch(`${gateway.restUrl}/setup/end`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await login(gateway)}` },
  });
  if (!answer.ok) throw new Error(await answer.text());
}

async function login({ restUrl, user, password }: TestGateway): Promise<string> {
  const answer = await fetch(`${restUrl}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user, password }),
  });
  return ((await answer.json()) as { accessToken: string }).accessToken;
}
