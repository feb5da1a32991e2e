import type { History } from '#contracts/history';
import { nameOf } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { EntryInfo } from '#core/object';
import { readXml } from './answer.ts';
import { bareDirectory } from './bare-directory.ts';
import { type Deleted, deletedBelow, findDeleted, sendVersion, unlessHidden } from './deleted.ts';
import { DavError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { answerFolder } from './folder-head.ts';
import { openMultistatus } from './multistatus.ts';
import { encodeSegment, type Place } from './paths.ts';
import { gatherContext } from './properties/context.ts';
import { parsePropfind } from './properties/propfind-request.ts';
import { compileRenderer } from './properties/render.ts';
import { parsePropfindDepth } from './request-headers.ts';
import type { VirtualFolder } from './virtual-folder.ts';

const TRASH_NAME = '.trash';
const ALLOW_HERE = 'OPTIONS, GET, HEAD, PROPFIND';

/**
 * `/dav/.trash/<bucket>/<path>`: what was deleted, each file as it was last, to be looked at and copied out. Nothing is changed here: restoring and
 * purging have choices that a drive cannot ask for. Not shown when the mount is listed, so that no drive takes it for files of its user.
 */
export function trashFolder(history: History): VirtualFolder {
  return {
    name: TRASH_NAME,
    listed: () => false,
    async serve(x, place) {
      const { method } = x.req;
      if (method === 'PROPFIND') return propfind(x, history, place);
      if (method === 'GET' || method === 'HEAD') return get(x, history, place);
      throw new DavError(403, 'The trash is read only: files are copied out of it, or restored over REST and by the command.', {
        headers: { Allow: ALLOW_HERE },
      });
    },
  };
}

/** null: the folder of all buckets. */
async function find(x: Exchange, history: History, { key, folder }: Place): Promise<Deleted | null> {
  if (key === '') return null;
  const slash = key.indexOf('/');
  const bucket = await x.deps.buckets.resolve(x.who, slash < 0 ? key : key.slice(0, slash));
  return findDeleted(x, history, { bucket: bucket.id, key: slash < 0 ? '' : key.slice(slash + 1) }, folder);
}

async function get(x: Exchange, history: History, place: Place): Promise<void> {
  const found = await find(x, history, place);
  if (found?.kind !== 'file') return answerFolder(x, bareDirectory(0, ''), { Allow: ALLOW_HERE });
  await sendVersion(x, history, found.info);
}

async function propfind(x: Exchange, history: History, place: Place): Promise<void> {
  const depth = parsePropfindDepth(x.req.headers);
  const renderer = compileRenderer(parsePropfind(await readXml(x)), { compact: false, minimal: false });
  const found = await find(x, history, place);
  if (depth === 'infinity' && found?.kind !== 'file') {
    throw new DavError(403, 'A collection is listed with Depth 0 or 1.', { condition: 'propfind-finite-depth' });
  }
  const context = { ...(await gatherContext(x, renderer.needs, null)), locksOn: () => [] };
  const href = found?.kind === 'file' ? place.href : `${place.href}/`;
  const self: EntryInfo = found?.kind === 'file' ? found.info : bareDirectory(0, '');
  const out = openMultistatus(x);
  await out.add(renderer.response(self, found === null ? TRASH_NAME : nameOf(place.key), href, context));
  if (depth === '1' && found === null) {
    for (const bucket of await bucketsWith(x, history)) {
      await out.add(renderer.response(bareDirectory(0, ''), bucket.name, `${href}${encodeSegment(bucket.name)}/`, context));
    }
  }
  if (depth === '1' && found?.kind === 'folder') {
    for await (const [entry, name, nameInHref] of deletedBelow(x, history, found.at)) {
      await out.add(renderer.response(entry, name, href + nameInHref, context));
    }
  }
  await out.end();
}

/** Of the caller's buckets those whose trash it may see, and in which something lies. */
async function bucketsWith(x: Exchange, history: History): Promise<Bucket[]> {
  const all = await x.deps.buckets.list(x.who);
  const pages = await Promise.all(
    all.map((bucket) => unlessHidden(history.trash(x.who, { bucket: bucket.id, prefix: '', after: '', limit: 1 }))),
  );
  return all.filter((_, index) => (pages[index]?.entries.length ?? 0) > 0);
}
