import type { IncomingMessage, ServerResponse } from 'node:http';
import Koa, { type Middleware } from 'koa';
import type { Logger } from '#contracts/observability';
import type { Door } from './door.ts';
import { type OperationsOptions, operationsRoutes } from './operations.ts';

export interface MainAppOptions extends OperationsOptions {
  webdav: Door;
  rest: Door;
  /** The dialect of WebDAV that has paths of its own at the root. */
  nextcloud: Door;
  /** The browser's page; without one, or while it isn't built, a start page tells where things are. */
  webUi?: Middleware | undefined;
  log: Logger;
}

export interface MainApp {
  /** Which protocol a request speaks, by method and path; null: one of the gateway's own pages, or nothing. */
  route(req: IncomingMessage): { protocol: 'webdav' | 'rest'; door: Door } | null;
  /** For what is no door's. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>;
}

/** The main port: which door a request goes to, and a Koa app of the gateway's own pages. */
export function createMainApp(options: MainAppOptions): MainApp {
  const { webdav, nextcloud, rest, log } = options;
  const doors = {
    webdav: { protocol: 'webdav' as const, door: webdav },
    nextcloud: { protocol: 'webdav' as const, door: nextcloud },
    rest: { protocol: 'rest' as const, door: rest },
  };
  const route: MainApp['route'] = (req) => {
    const url = req.url ?? '';
    if (isBelow(url, '/dav')) return doors.webdav;
    if (isBelow(url, '/api/v1')) return doors.rest;
    if (NEXTCLOUD_PATHS.some((path) => isBelow(url, path))) return doors.nextcloud;
    // Clients look for a WebDAV server at the root before they look where they were told.
    if ((req.method === 'OPTIONS' || req.method === 'PROPFIND') && (url === '/' || url === '*')) return doors.webdav;
    return null;
  };

  const app = new Koa();
  app.on('error', (err: unknown) => log.error({ err }, 'a page failed'));
  if (options.webUi !== undefined) app.use(options.webUi);
  app.use(operationsRoutes(options));
  app.use((ctx) => {
    ctx.status = 404;
    ctx.body = 'Not found\n';
  });
  return { route, handle: app.callback() };
}

const NEXTCLOUD_PATHS = ['/remote.php', '/ocs', '/status.php', '/index.php'] as const;

export function isBelow(url: string, path: string): boolean {
  if (!url.startsWith(path)) return false;
  const next = url.charCodeAt(path.length);
  return Number.isNaN(next) || next === 0x2f || next === 0x3f; // the end, `/` or `?`
}
