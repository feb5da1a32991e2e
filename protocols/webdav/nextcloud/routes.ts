import { type Asked, assertDeclared } from '#core/actions';
import { BULK_PATH } from './bulk.ts';
import { isPreviewPath } from './previews.ts';

/** What each route of the dialect asks of the Authorizer, by namespace, history, uploads or credentials. What is not here does not start. */
export const ROUTE_ACTIONS = {
  status: { none: 'That there is such a server, and of which version; clients ask before they have a name.' },
  alive: { none: 'How a phone asks whether a captive portal is in the way.' },
  ocs: ['bucket.list', 'list', 'account.write'],
  login: ['account.write'],
  preview: ['read'],
  page: { none: 'It leads to our own pages.' },
  files: ['read', 'list', 'write', 'create', 'delete'],
  search: ['read', 'list'],
  bulk: ['write', 'create'],
  uploads: ['write', 'create'],
  versions: ['version.read', 'version.restore', 'version.delete'],
  trashbin: ['list.versions', 'version.read', 'version.restore', 'version.delete'],
} as const satisfies Readonly<Record<string, Asked>>;

export type NextcloudRoute = keyof typeof ROUTE_ACTIONS;

/**
 * Finds what serves a path.
 * @throws for a route that does not say which action it asks for
 */
export function createRoutes<Serve>(served: Readonly<Record<NextcloudRoute, Serve>>): (path: string) => Serve {
  assertDeclared('route', Object.keys(served), ROUTE_ACTIONS);
  return (path) => served[routeOf(path)];
}

/** Of a request's path with its query. */
function routeOf(path: string): NextcloudRoute {
  const plain = path.split(/[?#]/, 1)[0] ?? '';
  if (plain === '/status.php') return 'status';
  if (plain === '/index.php/204') return 'alive';
  if (OCS.test(path)) return 'ocs';
  if (plain.startsWith('/remote.php/')) return davRouteOf(plain);
  if (plain.startsWith('/index.php/login/')) return 'login';
  return isPreviewPath(plain) ? 'preview' : 'page';
}

export const OCS = /^\/ocs\/v([12])\.php(\/[^?#]*?)\/?(?:[?#]|$)/;

function davRouteOf(plain: string): NextcloudRoute {
  if (plain === BULK_PATH) return 'bulk';
  if (plain === '/remote.php/dav' || plain === '/remote.php/dav/') return 'search';
  for (const room of ['uploads', 'versions', 'trashbin'] as const) if (plain.startsWith(`/remote.php/dav/${room}/`)) return room;
  return 'files';
}
