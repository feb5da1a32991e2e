import type { ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ShownEntry } from '#core/object';
import { sendWhole, wholeIsCopied } from '#http/body';
import { answer, XML_TYPE } from '../answer.ts';
import { type Asked, askedAtOnce, readAsked } from '../asked.ts';
import { bareDirectory } from '../bare-directory.ts';
import { DavError } from '../errors.ts';
import { type Exchange, type Located, locate, virtualAt } from '../exchange.ts';
import { type FolderListing, type ListedPage, listFolder as openListing } from '../folder-listing.ts';
import { CLOSE, OPEN, openMultistatus, write } from '../multistatus.ts';
import { displayNameOf, encodeSegment, folderKey, type Place } from '../paths.ts';
import { readPreconditions } from '../preconditions.ts';
import { contextOf, gatherContext, type Scope } from '../properties/context.ts';
import type { Need, PropertyContext } from '../properties/property.ts';
import { renewListing } from '../renew-listing.ts';
import type { Depth } from '../request-headers.ts';
import { getEntry } from '../resource.ts';
import { evenRights } from '../rights.ts';

/** Of a folder's listing, these change without the folder. */
const LASTING: readonly Need[] = ['quota', 'sync'];

/** RFC 4918 §9.1. Depth infinity on a collection is refused with `propfind-finite-depth`, as the RFC allows (docs/adr/0006-webdav.md). */
export async function propfind(x: Exchange): Promise<void> {
  const asked = await readAsked(x);
  if (answerKnown(x, asked)) return;
  if (x.target.kind === 'place') await propfindPlace(x, asked);
  else await propfindAbove(x, asked);
}

/** Without waiting, where there is no body and all is in memory; else nothing is touched. @throws what `propfind` would answer */
export function propfindAtOnce(x: Exchange): boolean {
  const asked = askedAtOnce(x);
  return asked !== null && answerKnown(x, asked);
}

/** Of what is in memory, and surely as it is now: one resource, or a folder that did not change since it was listed. */
function answerKnown(x: Exchange, { depth, renderer, wording, headers }: Asked): boolean {
  const { target: place, deps, who } = x;
  if (place.kind !== 'place' || x.req.headers.if !== undefined || (place.within === undefined && virtualAt(x, place)))
    return false;
  const bucket = place.within?.bucket ?? deps.buckets.resolved(who, place.bucket);
  const key = namedKey(place);
  // An empty last segment may be a file or a folder; a folder beside a file of its name has a key with a slash here.
  if (bucket === null || place.key.endsWith('/')) return false;
  const found = deps.namespace.peekEntry(who, { bucket: bucket.id, key }, depth === '1');
  if (found === null) return false;
  const { entry, locks } = found;
  const id = { 'X-Request-Id': x.cx.requestId };
  const below = entry.kind === 'directory' && depth === '1';
  if (entry.kind === 'directory' && depth === 'infinity') return false;
  if (below) {
    const name = locks.length === 0 ? keptName(x, bucket, place, { renderer, wording }) : null;
    const only = name === null ? null : keptOrRenewed(x, { renderer }, { bucket, place }, entry, name);
    if (only === null) return false;
    x.res.writeHead(207, { 'Content-Type': XML_TYPE, ...headers, ...id, 'Content-Length': only.length });
    sendLent(x, only);
    return true;
  }
  if (![...renderer.needs].every((need) => need === 'locks' || (need === 'rights' && evenRights(who.principal, bucket))))
    return false;
  const scope = { buckets: [bucket], place, key: entry.key, below };
  const context = contextOf(x, renderer.needs, scope, { ...NOTHING, locks });
  if (context.prepare([entry]) !== undefined) return false;
  const href = entry.kind === 'directory' ? `${place.href}/` : place.href;
  const response = renderer.response(entry, displayNameOf(place, entry.key), href, context);
  answer(x.res, 207, { ...headers, ...id }, OPEN + response + CLOSE);
  return true;
}

/** Of one block; what has more goes out as fast as the client reads. */
function keptOrRenewed(...of: Parameters<typeof renewListing>): Buffer | null {
  const made = renewListing(...of);
  if (made !== null) return made;
  const [x, , , { etag }, name] = of;
  const { listings } = x.deps;
  const blocks = listings.take(name, etag);
  if (blocks === null) return null;
  const [only, another] = blocks;
  if (only !== undefined && another === undefined) return only;
  blocks.forEach(listings.back);
  return null;
}

/** What the listing cache has lent goes back to it when the kernel has it. */
function sendLent({ res, deps: { listings } }: Exchange, bytes: Buffer): void {
  if (wholeIsCopied(bytes)) {
    sendWhole(res, bytes);
    listings.back(bytes);
  } else res.end(bytes, () => listings.back(bytes));
}

const NOTHING = { locks: [], quota: null, head: null, ownerName: null };

/** Under which the listing cache has a folder's listing: whatever else than its ETag it hangs on. null: that is more than has a name. */
function keptName(
  { who: { principal } }: Exchange,
  bucket: Bucket,
  { href }: Place,
  { renderer: { needs }, wording }: Pick<Asked, 'renderer' | 'wording'>,
): string | null {
  if (LASTING.some((need) => needs.has(need))) return null;
  if (needs.has('rights') && !evenRights(principal, bucket)) return null;
  if (needs.has('owner') && bucket.owner !== principal.id) return null;
  return `${bucket.id} ${wording} ${principal.id} ${bucket.owner} ${principal.role} ${principal.name} ${href}`;
}

/** What the path names, as `Namespace.entry` takes it: with a slash where it can only be a folder. */
function namedKey(place: Place): ObjectKey {
  return place.root || place.folder || place.key === '' ? folderKey(place) : place.key;
}

async function propfindPlace(x: Exchange, asked: Asked): Promise<void> {
  const { depth, renderer, headers } = asked;
  const located = await locate(x);
  const { bucket, place } = located;
  // What is most often asked for takes one statement: the folder and what is in it.
  const plain = depth === '1' && x.req.headers.if === undefined && !place.key.endsWith('/');
  if (plain && (await listFolder(x, asked, located, namedKey(place), false))) return;
  const entry = await getEntry(x, located);
  await readPreconditions(x, located);
  if (entry.kind === 'directory') {
    assertFinite(depth);
    if (depth === '1') {
      if (await listFolder(x, asked, located, entry.key, true)) return;
      throw new CloudStoreError('not_found', 'The folder was removed at once by somebody else.');
    }
  }
  const context = await gatherContext(x, renderer.needs, { buckets: [bucket], place, key: entry.key, below: false });
  await context.prepare([entry]);
  const href = entry.kind === 'directory' ? `${place.href}/` : place.href;
  answer(x.res, 207, headers, OPEN + renderer.response(entry, displayNameOf(place, entry.key), href, context) + CLOSE);
}

/**
 * A folder with all that is directly in it.
 * @param known whether the path surely names a folder
 * @returns false where it names none, or what may not be listed, and nothing was answered
 */
async function listFolder(
  x: Exchange,
  asked: Asked,
  { bucket, place }: Located,
  key: ObjectKey,
  known: boolean,
): Promise<boolean> {
  const { renderer, headers } = asked;
  const { listings } = x.deps;
  const name = keptName(x, bucket, place, asked);
  const before = name === null ? undefined : listings.etagOf(name);
  const gathering = gatherContext(x, renderer.needs, { buckets: [bucket], place, key: folderKey(place), below: true });
  const listing = openListing(x, bucket.id, place, renderer, gathering);
  const opening = listing.page(key, { unless: before });
  const first = known ? await opening : await unlessRefused(opening);
  if (first?.folder == null) return false;
  const context = await gathering;
  let page = first;
  if (first.count === null) {
    const kept = name !== null && !context.locked ? listings.take(name, first.folder.etag) : null;
    if (kept !== null) {
      await sendKept(x, headers, kept);
      return true;
    }
    // Somebody has locked something in a folder that is otherwise as it was; or what was kept of it has just gone.
    page = await listing.page(key);
    if (page.folder === null) return false;
  }
  const keep = name === null || context.locked ? null : { name, etag: page.folder?.etag ?? '' };
  await sendListing(x, headers, listing, page, keep);
  return true;
}

/**
 * What is one page goes out with its length, more page by page as fast as the client reads.
 * @param keep as what the listing cache may keep it
 */
async function sendListing(
  x: Exchange,
  headers: Readonly<Record<string, string>>,
  listing: FolderListing,
  first: ListedPage,
  keep: { name: string; etag: string } | null,
): Promise<void> {
  const { listings } = x.deps;
  const key = first.folder?.key ?? '';
  const kept: Buffer[] = [];
  let bytes = 0;
  let page: ListedPage | null = first;
  while (page !== null) {
    const coming: Promise<ListedPage> | null = page.next === null ? null : listing.page(key, { after: page.next });
    // Its error is thrown when its turn comes; where a client went away that is never.
    coming?.catch(() => undefined);
    const blocks = await page.blocks(coming === null);
    const length = blocks.reduce((sum, block) => sum + block.length, 0);
    bytes += length;
    blocks.forEach(listings.hold);
    kept.push(...blocks);
    if (keep === null || bytes > listings.answerBytesMax) kept.splice(0).forEach(listings.back);
    if (page === first) {
      const whole = coming === null ? { 'Content-Length': length } : {};
      x.res.writeHead(207, { 'Content-Type': XML_TYPE, ...headers, ...whole });
    }
    if (coming === null && keep !== null && kept.length > 0) listings.put(keep.name, { etag: keep.etag, blocks: kept });
    if (coming === null) kept.forEach(listings.back);
    const [only, another] = blocks;
    if (page === first && coming === null && only !== undefined && another === undefined) return sendLent(x, only);
    for (const block of blocks) await write(x.res, block, x.cx.signal, () => listings.back(block));
    page = await coming;
  }
  x.res.end();
}

async function sendKept(x: Exchange, headers: Readonly<Record<string, string>>, blocks: readonly Buffer[]): Promise<void> {
  const length = blocks.reduce((sum, block) => sum + block.length, 0);
  x.res.writeHead(207, { 'Content-Type': XML_TYPE, ...headers, 'Content-Length': length });
  const [only, another] = blocks;
  if (only !== undefined && another === undefined) return sendLent(x, only);
  for (const block of blocks) await write(x.res, block, x.cx.signal, () => x.deps.listings.back(block));
  x.res.end();
}

/** A child of the mount, with what its properties need: that is each bucket's own. */
interface Shown {
  entry: ShownEntry;
  displayName: string;
  /** To be put behind the mount's href and a slash; it ends in one. */
  hrefName: string;
  context: PropertyContext;
}

/** The server's root holds the mount; the mount holds the caller's buckets. */
async function propfindAbove(x: Exchange, { depth, renderer, headers }: Asked): Promise<void> {
  assertFinite(depth);
  const { base } = x.mount;
  const root = x.target.kind === 'root';
  const needs = new Set(renderer.needs);
  needs.delete('locks');
  const buckets = root || (depth === '0' && !needs.has('quota')) ? [] : await x.deps.buckets.list(x.who);
  // What is left for the mount as a whole is what is left for the caller's own.
  const own = buckets.find(({ owner }) => owner === x.who.principal.id) ?? buckets[0];
  const quota = new Set<Need>(needs.has('quota') ? ['quota'] : []);
  const context = await gatherContext(x, quota, own === undefined ? null : scopeOf(own));
  const nothing = bareDirectory(0, '');
  const self = renderer.response(nothing, 'CloudStore', root ? '/' : `${base}/`, context);
  let children: Shown[] = [];
  if (depth === '1' && root) children = [{ entry: nothing, displayName: 'CloudStore', hrefName: `${base.slice(1)}/`, context }];
  else if (depth === '1') {
    const shown = await Promise.all(buckets.map((bucket) => bucketChild(x, bucket, needs)));
    children = [...shown.flat(), ...(await virtualChildren(x, context))];
  }
  const prefix = root ? '/' : `${base}/`;
  const multistatus = openMultistatus(x, headers);
  await multistatus.add(self);
  for (const { entry, displayName, hrefName, context } of children)
    await multistatus.add(renderer.response(entry, displayName, prefix + hrefName, context));
  await multistatus.end();
}

function scopeOf(bucket: Bucket): Scope {
  return { buckets: [bucket], place: null, key: '', below: false };
}

async function virtualChildren(x: Exchange, context: PropertyContext): Promise<Shown[]> {
  const { virtual } = x.deps;
  const shown = await Promise.all(virtual.map((folder) => folder.listed(x)));
  const entry = bareDirectory(0, '');
  return virtual
    .filter((_, index) => shown[index])
    .map(({ name }) => ({ entry, displayName: name, hrefName: `${encodeSegment(name)}/`, context: { ...context, quota: null } }));
}

/** A bucket that has just gone, or that the caller may name but not look into, is left out. */
async function bucketChild(x: Exchange, bucket: Bucket, needs: ReadonlySet<Need>): Promise<Shown[]> {
  const entry = await unlessRefused(x.deps.namespace.directory(x.who, { bucket: bucket.id, key: '' }));
  if (entry === null) return [];
  const context =
    (await unlessRefused(gatherContext(x, needs, scopeOf(bucket)))) ?? (await gatherContext(x, new Set(), scopeOf(bucket)));
  await context.prepare([entry]);
  return [{ entry, displayName: bucket.name, hrefName: `${encodeSegment(bucket.name)}/`, context }];
}

async function unlessRefused<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (isCloudStoreError(error) && ['not_found', 'bucket_not_found', 'access_denied'].includes(error.code)) return null;
    throw error;
  }
}

function assertFinite(depth: Depth): void {
  if (depth === 'infinity') {
    throw new DavError(403, 'A collection is listed with Depth 0 or 1.', { condition: 'propfind-finite-depth' });
  }
}
