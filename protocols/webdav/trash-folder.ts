import type { History } from '#contracts/history';
import { type Address, nameOf } from '#core/address';
import type { Bucket } from '#core/bucket';
import { isCloudStoreError } from '#core/errors';
import type { DirectoryInfo, EntryInfo, ObjectInfo } from '#core/object';
import { parseRange } from '#core/range';
import { sendBody } from '#http/body';
import { answerRanges } from '#http/range-response';
import { readXml } from './answer.ts';
import { bareDirectory } from './children.ts';
import { DavError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { representationHeaders } from './methods/get.ts';
import { openMultistatus } from './multistatus.ts';
import { encodeSegment, hrefName, type Place } from './paths.ts';
import { CONTENT_TYPE_DEFAULT } from './properties/content.ts';
import { gatherContext } from './properties/context.ts';
import { parsePropfind } from './properties/propfind-request.ts';
import { compileRenderer } from './properties/render.ts';
import { parseDepth } from './request-headers.ts';
import type { VirtualFolder } from './virtual-folder.ts';

export const TRASH_NAME = '.trash';
const ALLOW_HERE = 'OPTIONS, GET, HEAD, PROPFIND';
const PAGE = 1000;

/** What lies where a path of the trash leads. */
type Found = { kind: 'top' } | { kind: 'folder'; at: Address } | { kind: 'file'; info: ObjectInfo };

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

async function find(x: Exchange, history: History, { key, folder }: Place): Promise<Found> {
  if (key === '') return { kind: 'top' };
  const slash = key.indexOf('/');
  const bucket = await x.deps.buckets.resolve(x.who, slash < 0 ? key : key.slice(0, slash));
  const below = slash < 0 ? '' : key.slice(slash + 1);
  if (below === '') return { kind: 'folder', at: { bucket: bucket.id, key: '' } };
  if (!folder) {
    const file = await orNull(history.deleted(x.who, { bucket: bucket.id, key: below }));
    if (file !== null) return { kind: 'file', info: file };
  }
  const at = { bucket: bucket.id, key: `${below}/` };
  const page = await history.trash(x.who, { bucket: at.bucket, prefix: at.key, after: '', limit: 1 });
  if (page.entries.length === 0) throw new DavError(404, 'Nothing of this name lies in the trash.');
  return { kind: 'folder', at };
}

async function get(x: Exchange, history: History, place: Place): Promise<void> {
  const found = await find(x, history, place);
  if (found.kind !== 'file') throw new DavError(405, 'A collection is read with PROPFIND.', { headers: { Allow: ALLOW_HERE } });
  const read = await history.read(x.who, found.info, found.info.versionId);
  const headers = representationHeaders(read.info);
  if (x.req.method === 'HEAD') {
    x.res.writeHead(200, { ...headers, 'Content-Length': read.info.size }).end();
    return;
  }
  const { signal } = x.cx;
  const contentType = headers['Content-Type'] ?? CONTENT_TYPE_DEFAULT;
  // What is deleted does not change: a range is always of the same bytes.
  const asked = parseRange(x.req.headers.range);
  const boundary = asked !== null && asked.length > 1 ? x.deps.random(18).toString('base64url') : '';
  const ranged = answerRanges(read, asked, { contentType, boundary, signal });
  x.res.writeHead(ranged.status, { ...headers, ...ranged.headers });
  await sendBody(x.res, ranged.body(), signal);
}

async function propfind(x: Exchange, history: History, place: Place): Promise<void> {
  const depth = parseDepth(x.req.headers, ['0', '1', 'infinity'], 'infinity');
  const renderer = compileRenderer(parsePropfind(await readXml(x)), { compact: false, minimal: false });
  const found = await find(x, history, place);
  if (depth === 'infinity' && found.kind !== 'file') {
    throw new DavError(403, 'A collection is listed with Depth 0 or 1.', { condition: 'propfind-finite-depth' });
  }
  const context = { ...(await gatherContext(x, renderer.needs, null)), locksOn: () => [] };
  const href = found.kind === 'file' ? place.href : `${place.href}/`;
  const self: EntryInfo = found.kind === 'file' ? found.info : bareDirectory(0, '');
  const out = openMultistatus(x);
  await out.add(renderer.response(self, found.kind === 'top' ? TRASH_NAME : nameOf(place.key), href, context));
  if (depth === '1' && found.kind === 'top') {
    for (const bucket of await bucketsWith(x, history)) {
      await out.add(renderer.response(bareDirectory(0, ''), bucket.name, `${href}${encodeSegment(bucket.name)}/`, context));
    }
  }
  if (depth === '1' && found.kind === 'folder') {
    for await (const [entry, name, nameInHref] of below(x, history, found.at)) {
      await out.add(renderer.response(entry, name, href + nameInHref, context));
    }
  }
  await out.end();
}

/** Of the caller's buckets those whose trash it may see, and in which something lies. */
async function bucketsWith(x: Exchange, history: History): Promise<Bucket[]> {
  const all = await x.deps.buckets.list(x.who);
  const pages = await Promise.all(
    all.map((bucket) => orNull(history.trash(x.who, { bucket: bucket.id, prefix: '', after: '', limit: 1 }))),
  );
  return all.filter((_, index) => (pages[index]?.entries.length ?? 0) > 0);
}

async function* below(x: Exchange, history: History, { bucket, key }: Address): AsyncGenerator<[EntryInfo, string, string]> {
  let file = '';
  for (let after: string | null = ''; after !== null; ) {
    const page = await history.trash(x.who, { bucket, prefix: key, after, limit: PAGE });
    for (const entry of page.entries) {
      if (entry.kind === 'file') {
        const name = entry.info.key.slice(key.length);
        file = entry.info.key;
        yield [entry.info, name, hrefName(name)];
        continue;
      }
      const name = nameOf(entry.prefix.slice(key.length));
      const folder: DirectoryInfo = { ...bareDirectory(0, entry.prefix), modified: entry.deleted, created: entry.deleted };
      yield [folder, name, `${hrefName(name, file === entry.prefix.slice(0, -1))}/`];
    }
    after = page.next;
  }
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (isCloudStoreError(error) && ['not_found', 'access_denied', 'bucket_not_found'].includes(error.code)) return null;
    throw error;
  }
}
