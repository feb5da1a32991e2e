/**
 * Keeps the shell of the page, and nothing else: no file and no answer of the API ever lies in a cache of this worker. A new
 * build has other names, so its worker takes a cache of its own and lets the old one go.
 */
// The library's types know only what all workers have in common.
const worker = self as unknown as ServiceWorkerGlobalScope;

const SHELL = '__SHELL__'.split(' ');
const CACHE = `shell ${SHELL.join(' ')}`;

/** Some browsers take rules for what goes past the worker; the library's types do not know them yet. */
interface Routable extends ExtendableEvent {
  addRoutes?(rule: { condition: { urlPattern: { pathname: string } }; source: 'network' }): Promise<void>;
}

worker.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)));
  // What is never this worker's to answer does not wait for it either: starting it takes longer than the gateway does.
  const { addRoutes } = event as Routable;
  if (addRoutes !== undefined)
    event.waitUntil(addRoutes.call(event, { condition: { urlPattern: { pathname: '/api/*' } }, source: 'network' }));
  void worker.skipWaiting();
});

worker.addEventListener('activate', (event) => {
  const drop = async (): Promise<void> => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await worker.clients.claim();
  };
  event.waitUntil(drop());
});

worker.addEventListener('fetch', (event) => {
  const answer = shellAnswer(event.request, worker.location.origin, SHELL, CACHE);
  if (answer !== null) event.respondWith(answer);
});

/**
 * What the service worker answers itself: the page, from the network while there is one, and its own files by name. null for
 * everything else, which goes on as if there were no worker.
 */
function shellAnswer(request: Request, origin: string, shell: string[], cacheName: string): Promise<Response> | null {
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== origin) return null;
  if (request.mode === 'navigate') {
    if (url.pathname !== '/') return null;
    return fetch(request).catch(async () => (await (await caches.open(cacheName)).match('/')) ?? Response.error());
  }
  if (!shell.includes(url.pathname) || url.pathname === '/') return null;
  return caches.open(cacheName).then(async (cache) => (await cache.match(url.pathname)) ?? fetch(request));
}
