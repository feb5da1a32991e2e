import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import Router from '@koa/router';
import type { Middleware } from 'koa';
import type { Metrics } from '#contracts/observability';
import type { Clock } from '#core/clock';
import type { Exchange } from './exchange.ts';

/** What a probe may know: names of parts and how they are, no addresses and no versions. */
export interface Health {
  /** False takes the gateway out of a load balancer. A lost cache is `degraded`, and ready. */
  ready: boolean;
  checks: Record<string, 'ok' | 'degraded' | 'failed'>;
}

export interface OperationsOptions {
  health: () => Promise<Health>;
  draining: () => boolean;
  metrics: Metrics;
  /** Opens /metrics; without one it answers to this machine only, and to nobody behind a proxy. */
  metricsToken: string | null;
  publicUrl: string | null;
  clock: Clock;
  exchangeOf: (req: IncomingMessage) => Exchange;
}

/** Everybody may ask for health, so the database is asked once a second at most. */
const HEALTH_TTL_MS = 1000;

/** /livez, /readyz, /healthz, /metrics and the page at /. */
export function operationsRoutes(options: OperationsOptions): Middleware {
  const router = new Router();
  const readiness = rememberHealth(options);
  router.get('/livez', (ctx) => {
    ctx.set('Cache-Control', 'no-store');
    ctx.body = 'ok\n';
  });
  router.get(['/readyz', '/healthz'], async (ctx) => {
    const health = await readiness();
    const ready = health.ready && !options.draining();
    ctx.set('Cache-Control', 'no-store');
    ctx.status = ready ? 200 : 503;
    ctx.body = { ready, draining: options.draining(), checks: health.checks };
  });
  router.get('/metrics', async (ctx) => {
    if (!mayReadMetrics(ctx.req, options)) {
      // With a token set, the scraper is told what is missing; else nobody learns that there is something.
      ctx.status = options.metricsToken === null ? 404 : 401;
      if (ctx.status === 401) ctx.set('WWW-Authenticate', 'Bearer realm="metrics"');
      ctx.body = ctx.status === 401 ? 'Unauthorized\n' : 'Not found\n';
      return;
    }
    ctx.set('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
    ctx.body = await options.metrics.render();
  });
  router.get('/', (ctx) => {
    const exchange = options.exchangeOf(ctx.req);
    const base = options.publicUrl ?? `${exchange.secure ? 'https' : 'http'}://${exchange.host ?? 'localhost'}`;
    ctx.set('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.set('Referrer-Policy', 'no-referrer');
    ctx.type = 'html';
    ctx.body = landingPage(base);
  });
  // The router's own types hang on Koa's generic context; what it gives is a Koa middleware.
  return router.routes() as unknown as Middleware;
}

function rememberHealth({ health, clock }: OperationsOptions): () => Promise<Health> {
  let answer: Promise<Health> | null = null;
  let asked = 0;
  return () => {
    const now = clock.now();
    if (answer === null || Math.abs(now - asked) >= HEALTH_TTL_MS) {
      asked = now;
      answer = health().catch((): Health => ({ ready: false, checks: { gateway: 'failed' } }));
    }
    return answer;
  };
}

function mayReadMetrics(req: IncomingMessage, { metricsToken, publicUrl, exchangeOf }: OperationsOptions): boolean {
  if (metricsToken !== null) {
    const given = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1] ?? '';
    return timingSafeEqual(digest(given), digest(metricsToken));
  }
  const forwarded = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'].some((name) => name in req.headers);
  const address = exchangeOf(req).remoteAddress;
  const local = address === '::1' || address.startsWith('127.');
  // A page that rebinds its own name to 127.0.0.1 still says that name in Host.
  const localName = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i.test(req.headers.host ?? '');
  return local && localName && !forwarded && publicUrl === null;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function landingPage(base: string): string {
  const url = (path: string): string => escapeHtml(`${base}${path}`);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>CloudStore</title></head>
<body>
<h1>CloudStore</h1>
<p>This gateway is running. Its page for the browser is not built; <code>npm install</code> and then <code>npm run build:web</code> in the checkout make it, without a restart. Your files are here:</p>
<ul>
<li>Network drive (WebDAV): <a href="${url('/dav/')}">${url('/dav/')}</a></li>
<li>REST API: ${url('/api/v1')}, described in <a href="${url('/api/v1/openapi.json')}">OpenAPI</a></li>
<li>S3 API: on its own port, named in the line that the gateway printed when it started</li>
</ul>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
