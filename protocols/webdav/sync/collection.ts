import type { Cursor } from '#contracts/journal';
import type { ObjectKey } from '#core/address';
import { isCloudStoreError } from '#core/errors';
import type { DirectoryInfo } from '#core/object';
import type { XmlElement } from '#http/xml';
import { DavError } from '../errors.ts';
import { type Exchange, locate } from '../exchange.ts';
import { type Multistatus, openMultistatus } from '../multistatus.ts';
import { readPreconditions } from '../preconditions.ts';
import { gatherContext } from '../properties/context.ts';
import type { PropertyContext } from '../properties/property.ts';
import { compileRenderer, type Renderer } from '../properties/render.ts';
import { getEntry } from '../resource.ts';
import { type Changes, changesSince, twinKey } from './changes.ts';
import { createMemberFinder, type Member, type MemberFinder, walkMembers } from './members.ts';
import { parseSyncRequest, type SyncRequest } from './request.ts';
import { formatSyncToken, parseSyncToken, type SyncState, type Walk } from './token.ts';

/**
 * RFC 6578: what changed below a folder since a token, from the journal. A rename is a removal and a new member. Told are those who are there
 * now, as they are now; a change that comes while we answer is told again by the next report.
 */
export async function syncCollection(x: Exchange, body: XmlElement): Promise<void> {
  const request = parseSyncRequest(body, x.req.headers);
  const located = await locate(x);
  const { bucket, place } = located;
  const folder = await getEntry(x, located);
  if (folder.kind !== 'directory') throw new DavError(403, 'A file has no members.', { condition: 'supported-report' });
  await readPreconditions(x, located);
  // May they list it? The journal does not ask.
  await x.deps.namespace.list(x.who, { bucket: bucket.id, prefix: folder.key, delimiter: '/', after: '', limit: 1 });
  const before = await stateBefore(x, folder, request);
  const finder = createMemberFinder(x, bucket.id, folder.key, `${place.href}/`);
  const scope = {
    bucket: bucket.id,
    folder: folder.key,
    infinite: request.infinite,
    limit: request.limit,
    isFolder: finder.isFolder,
  };
  const changes = before.walks.length > 0 ? await nothingNew(x, before, folder) : await read(x, before.cursor, scope);
  if (changes.restart) throw invalidToken();
  if (changes.tooMany) throw tooMany();
  const renderer = compileRenderer(request.properties, { compact: false, minimal: false });
  const context = await gatherContext(x, renderer.needs, {
    buckets: [bucket],
    place,
    key: folder.key,
    below: true,
  });
  const members = await Promise.all([...changes.members].map((key) => finder.find(key)));
  // Of a folder that went and is there again nobody can say what was in it.
  if (members.some(({ key, entry }) => entry !== null && changes.goneTrees.has(key))) throw invalidToken();

  const told: Told = { count: 0, limit: request.limit, seen: changes.members };
  const out = openMultistatus(x);
  await tell(out, told, await asClientsKnow(members, changes, finder), renderer, context);
  const walks = [...before.walks, ...[...changes.cameTrees].map((prefix): Walk => ({ prefix, after: '' }))];
  const rest = await walkAll({ x, out, told, renderer, context, finder, infinite: request.infinite }, folder, walks);
  if (changes.truncated || rest.length > 0) await out.add(truncation(`${place.href}/`));
  const after: SyncState = { folder, cursor: changes.cursor, walks: rest };
  await out.add(`<d:sync-token>${formatSyncToken(after)}</d:sync-token>`);
  await out.end();
}

interface Told {
  count: number;
  limit: number;
  /** Told already, and so not again by a walk. */
  seen: ReadonlySet<ObjectKey>;
}

async function stateBefore(x: Exchange, folder: DirectoryInfo, { token }: SyncRequest): Promise<SyncState> {
  if (token === '') {
    const cursor = await x.deps.journal.head(folder.bucket);
    return { folder, cursor, walks: [{ prefix: folder.key, after: '' }] };
  }
  const state = parseSyncToken(token);
  if (state === null || state.folder.bucket !== folder.bucket || state.folder.directoryId !== folder.directoryId)
    throw invalidToken();
  if (state.walks.some(({ prefix }) => !prefix.startsWith(folder.key))) throw invalidToken();
  return state;
}

function read(x: Exchange, cursor: Cursor, scope: Parameters<typeof changesSince>[2]): Promise<Changes> {
  return asToken(changesSince(x.deps.journal, cursor, scope));
}

async function asToken<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (isCloudStoreError(error, 'cursor_expired')) throw invalidToken();
    throw error;
  }
}

/** Changes are told when the trees are; but a walk of many answers must not outlive the journal in which it began. */
async function nothingNew(x: Exchange, { cursor }: SyncState, folder: DirectoryInfo): Promise<Changes> {
  await asToken(x.deps.journal.since(folder.bucket, cursor, 1));
  return {
    members: new Set(),
    goneTrees: new Set(),
    cameTrees: new Set(),
    beside: new Set(),
    cursor,
    truncated: false,
    restart: false,
    tooMany: false,
  };
}

/**
 * A removed folder stands for all that was in it. A removed name whose place something of the other kind has taken is only that something. A folder beside a file
 * of its name has a path of its own, which goes with either.
 */
async function asClientsKnow(members: Member[], { goneTrees, beside }: Changes, finder: MemberFinder): Promise<Member[]> {
  const entries = new Map(members.map(({ key, entry }) => [key, entry]));
  const out: Member[] = [];
  for (const member of members) {
    const { key, entry } = member;
    const twin = entries.get(twinKey(key));
    if (entry === null && [...goneTrees].some((tree) => key !== tree && key.startsWith(tree))) continue;
    if (key.endsWith('/')) {
      const alone = twin === null && (entry === null || beside.has(key));
      if (alone) out.push(await finder.goneBeside(key));
      out.push(member);
    } else if (entry !== null || twin == null) {
      out.push(member);
    }
  }
  return out;
}

async function tell(
  out: Multistatus,
  told: Told,
  members: Member[],
  renderer: Renderer,
  context: PropertyContext,
): Promise<void> {
  await context.prepare(members.flatMap(({ entry }) => entry ?? []));
  for (const { href, displayName, entry } of members) {
    told.count++;
    await out.add(
      entry === null
        ? `<d:response><d:href>${href}</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>\n`
        : renderer.response(entry, displayName, href, context),
    );
  }
}

interface Walking {
  x: Exchange;
  out: Multistatus;
  told: Told;
  renderer: Renderer;
  context: PropertyContext;
  finder: MemberFinder;
  infinite: boolean;
}

/** Tells whole trees, as far as the limit goes. @returns what is left of them */
async function walkAll(w: Walking, folder: DirectoryInfo, walks: readonly Walk[]): Promise<Walk[]> {
  const rest: Walk[] = [];
  for (const walk of walks) {
    const left = rest.length > 0 ? walk : await walkOne(w, folder, walk);
    if (left !== null) rest.push(left);
  }
  return rest;
}

async function walkOne(w: Walking, folder: DirectoryInfo, walk: Walk): Promise<Walk | null> {
  let after = walk.after;
  for await (const page of walkMembers(w.x, folder.bucket, walk, w.infinite, w.finder)) {
    const fresh = page.filter(({ key, entry }) => entry !== null && !w.told.seen.has(key));
    const room = Math.max(0, w.told.limit - w.told.count);
    await tell(w.out, w.told, fresh.slice(0, room), w.renderer, w.context);
    if (fresh.length > room) return { prefix: walk.prefix, after: fresh[room - 1]?.key ?? after };
    after = page.at(-1)?.key ?? after;
  }
  return null;
}

function truncation(href: string): string {
  return (
    `<d:response><d:href>${href}</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status>` +
    '<d:error><d:number-of-matches-within-limits/></d:error></d:response>\n'
  );
}

function invalidToken(): DavError {
  return new DavError(403, 'The sync token is of another time; start over.', { condition: 'valid-sync-token' });
}

function tooMany(): DavError {
  return new DavError(507, 'One change has more members than the limit.', { condition: 'number-of-matches-within-limits' });
}
