import type { Share, Shares } from '#contracts/shares';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { EntryInfo } from '#core/object';
import { ALLOW, readXml } from './answer.ts';
import { bareDirectory } from './bare-directory.ts';
import { DavError } from './errors.ts';
import type { Exchange, Located, Method } from './exchange.ts';
import { answerFolder } from './folder-head.ts';
import { openMultistatus } from './multistatus.ts';
import { hrefName, type Place } from './paths.ts';
import { gatherContext } from './properties/context.ts';
import type { Need } from './properties/property.ts';
import { parsePropfind } from './properties/propfind-request.ts';
import { compileRenderer, type Renderer } from './properties/render.ts';
import { parsePropfindDepth } from './request-headers.ts';
import { lockKey } from './resource.ts';
import type { VirtualFolder } from './virtual-folder.ts';

const SHARED_NAME = 'Shared';

/**
 * `/dav/Shared/<share>/<path>`: what others gave rights to, each folder or bucket under a name of its own. Below a share every method is the ordinary one on the
 * owner's bucket, and may what the grant lets it. What a share is called, and which there are, is changed by their owners only.
 */
export function sharedFolder(shares: Shares): VirtualFolder {
  async function locate(x: Exchange, place: Place): Promise<(Located & { share: Share }) | null> {
    const slash = place.key.indexOf('/');
    const name = slash < 0 ? place.key : place.key.slice(0, slash);
    const share = place.root ? undefined : (await shares.withMe(x.who)).find((one) => one.name === name);
    return share === undefined ? null : { share, ...inside(x, place, share, slash < 0 ? null : place.key.slice(slash + 1)) };
  }

  return {
    name: SHARED_NAME,
    listed: async (x) => (await shares.withMe(x.who)).length > 0,
    locate,
    async serve(x, place, method) {
      if (place.root) return serveTop(x, await shares.withMe(x.who));
      const located = await locate(x, place);
      if (located === null) throw missing(x, place);
      x.target = located.place;
      if (located.share.role === 'uploader') await serveDrop(x, located, method);
      else await method(x);
    },
  };
}

function inside(x: Exchange, place: Place, { bucket, name, prefix }: Share, rest: string | null): Located {
  const href = `${x.mount.base}/${SHARED_NAME}/${hrefName(name)}/`;
  const key = rest === null ? lockKey(prefix) : prefix + rest;
  return { bucket, place: { ...place, key, root: rest === null, within: { bucket, prefix, name, href } } };
}

/** Names beside the shares cannot be made; further below there is no parent. */
function missing({ req }: Exchange, { key }: Place): Error {
  const makes = req.method === 'PUT' || req.method === 'MKCOL' || req.method === 'LOCK';
  if (!makes) return new CloudStoreError('bucket_not_found', 'Nobody shares anything of this name with you.');
  if (key.includes('/')) return new CloudStoreError('parent_missing', 'Nobody shares a folder of this name with you.');
  return new DavError(403, 'Here is what others share; only they add to it.');
}

async function serveTop(x: Exchange, all: readonly Share[]): Promise<void> {
  const { method } = x.req;
  if (method === 'HEAD') return answerFolder(x, bareDirectory(0, ''));
  if (method === 'GET' || method === 'PUT' || method === 'PATCH' || method === 'MKCOL')
    throw new DavError(405, 'A collection is read with PROPFIND.', { headers: { Allow: ALLOW } });
  if (method === 'REPORT')
    throw new DavError(403, 'What is shared is reported by each share.', { condition: 'supported-report' });
  if (method !== 'PROPFIND') throw new DavError(403, 'Here is what others share; only they change it.');
  const { depth, renderer } = await readAsked(x);
  const context = await gatherContext(x, onlyRights(renderer), {
    buckets: all.map(({ bucket }) => bucket),
    place: null,
    key: '',
    below: false,
  });
  const { base } = x.mount;
  const href = `${base}/${SHARED_NAME}/`;
  const out = openMultistatus(x);
  await out.add(renderer.response(bareDirectory(0, ''), SHARED_NAME, href, context));
  for (const share of depth === '1' ? all : []) {
    const entry = await folderOf(x, share);
    if (entry === null) continue;
    await context.prepare([entry]);
    await out.add(
      renderer.response(entry, share.name, `${href}${hrefName(share.name)}/`, { ...context, ownerName: share.owner }),
    );
  }
  await out.end();
}

/** A folder that has gone is no share, until it is there again; one that may only be added to shows, but nothing of it. */
async function folderOf(x: Exchange, { bucket, prefix }: Share): Promise<EntryInfo | null> {
  try {
    return await x.deps.namespace.directory(x.who, { bucket: bucket.id, key: prefix });
  } catch (error) {
    if (isCloudStoreError(error, 'access_denied')) return bareDirectory(bucket.id, prefix);
    if (isCloudStoreError(error, 'not_found') || isCloudStoreError(error, 'bucket_not_found')) return null;
    throw error;
  }
}

/**
 * Who may only add sees an empty folder, and nothing by any name in it, so that a drive asks whether a name is free and then puts its file. Whether it
 * really is, only the commit knows.
 */
async function serveDrop(x: Exchange, { bucket, place, share }: Located & { share: Share }, method: Method): Promise<void> {
  const { method: name } = x.req;
  const reads = name === 'PROPFIND' || name === 'GET' || name === 'HEAD';
  const { allowed } = await x.deps.authorizer.decide(x.who, 'read', bucket, place.root ? share.prefix : place.key);
  if (!reads || allowed) return method(x);
  if (place.root && name === 'HEAD') return answerFolder(x, bareDirectory(0, ''));
  if (!place.root || name !== 'PROPFIND') throw new CloudStoreError('not_found', 'You may add here, and see nothing.');
  const { renderer } = await readAsked(x);
  const context = await gatherContext(x, onlyRights(renderer), { buckets: [bucket], place: null, key: '', below: false });
  const entry = bareDirectory(bucket.id, share.prefix);
  await context.prepare([entry]);
  const out = openMultistatus(x);
  await out.add(renderer.response(entry, share.name, `${place.href}/`, { ...context, ownerName: share.owner }));
  await out.end();
}

/** @throws DavError 403 for an endless depth */
async function readAsked(x: Exchange): Promise<{ depth: string; renderer: Renderer }> {
  const depth = parsePropfindDepth(x.req.headers);
  const renderer = compileRenderer(parsePropfind(await readXml(x)), { compact: false, minimal: false });
  if (depth === 'infinity')
    throw new DavError(403, 'A collection is listed with Depth 0 or 1.', { condition: 'propfind-finite-depth' });
  return { depth, renderer };
}

/** Of the rest there is none for all shares at once: room, locks and changes are each bucket's. */
function onlyRights({ needs }: Renderer): ReadonlySet<Need> {
  return new Set(needs.has('rights') ? ['rights'] : []);
}
