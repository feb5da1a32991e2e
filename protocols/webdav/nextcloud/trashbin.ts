import { createHash } from 'node:crypto';
import type { KeptVersion } from '#contracts/history-store';
import { type Address, nameOf } from '#core/address';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import type { DirectoryInfo, EntryInfo } from '#core/object';
import { answer, readXml } from '../answer.ts';
import { bareDirectory } from '../bare-directory.ts';
import { type Deleted, deletedBelow, findDeleted, sendVersion } from '../deleted.ts';
import { DavError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { answerFolder } from '../folder-head.ts';
import { openMultistatus } from '../multistatus.ts';
import type { Place } from '../paths.ts';
import { gatherContext } from '../properties/context.ts';
import { parsePropfind } from '../properties/propfind-request.ts';
import { compileRenderer } from '../properties/render.ts';
import { parsePropfindDepth } from '../request-headers.ts';
import { assertRestores } from './beside.ts';
import type { NextcloudDeps } from './deps.ts';
import type { FileIds } from './file-ids.ts';

const ALLOWED = 'PROPFIND, GET, HEAD, MOVE, DELETE';

/**
 * `/remote.php/dav/trashbin/USER/trash`: what was deleted in the user's home, in the folders that it was in. MOVE to `…/restore/…` brings a file back, or all
 * that was deleted below a folder; beside what has taken its place. DELETE removes for good, of the root all.
 */
export async function serveTrashbin(x: Exchange, deps: NextcloudDeps, ids: FileIds, home: Bucket, place: Place): Promise<void> {
  const at = { bucket: home.id, key: place.key };
  const { method } = x.req;
  if (method === 'PROPFIND') return list(x, deps, ids, place, at);
  const found = await findDeleted(x, deps.history, at, place.folder);
  const key = found.kind === 'file' ? found.info.key : found.at.key;
  if (method === 'GET' || method === 'HEAD') {
    if (found.kind !== 'file') return answerFolder(x, bareDirectory(0, ''), { Allow: ALLOWED });
    return sendVersion(x, deps.history, found.info);
  }
  if (method === 'MOVE') {
    assertRestores(x, 'trashbin');
    if (place.root) throw new DavError(403, 'The trash as a whole stays where it is.');
    await deps.history.restore(x.who, { bucket: home.id, what: { kind: 'deleted', key }, conflict: 'rename' });
    return answer(x.res, 201);
  }
  if (method !== 'DELETE') throw new DavError(405, 'The trash does not know this method.', { headers: { Allow: ALLOWED } });
  const outcome = await deps.history.purge(x.who, { bucket: home.id, what: { kind: 'deleted', key } });
  const held = outcome.kind === 'done' && outcome.verdict.held > 0 && outcome.verdict.versions === 0;
  if (held) throw new CloudStoreError('object_locked', 'It is under retention, and stays.');
  answer(x.res, 204);
}

async function list(x: Exchange, deps: NextcloudDeps, ids: FileIds, place: Place, at: Address): Promise<void> {
  const depth = parsePropfindDepth(x.req.headers);
  const renderer = compileRenderer(parsePropfind(await readXml(x)), { compact: false, minimal: false });
  const found = await findDeleted(x, deps.history, at, place.folder);
  if (depth === 'infinity' && found.kind === 'folder')
    throw new DavError(403, 'A collection is listed with Depth 0 or 1.', { condition: 'propfind-finite-depth' });
  const context = {
    ...(await gatherContext(x, new Set(), null)),
    ownerName: x.who.principal.name,
    rightsOn: () => ({ read: true, write: false, remove: true }),
    deletedAt: (entry: EntryInfo) =>
      entry.kind === 'directory' ? entry.modified : ((entry as KeptVersion).superseded ?? entry.modified), // all here are
  };
  const href = found.kind === 'file' ? place.href : `${place.href}/`;
  const out = openMultistatus(x);
  const self = selfOf(found);
  await out.add(
    renderer.response(
      self,
      place.root ? 'trash' : nameOf(place.key),
      href,
      place.root ? { ...context, deletedAt: () => null } : context,
    ),
  );
  if (depth === '1' && found.kind === 'folder') {
    for await (const [entry, name, nameInHref] of deletedBelow(x, deps.history, found.at)) {
      if (entry.kind === 'object') ids.sawDeleted(entry);
      const shown = entry.kind === 'directory' ? withId(entry) : entry;
      await out.add(renderer.response(shown, name, href + nameInHref, context));
    }
  }
  await out.end();
}

function selfOf(found: Deleted): EntryInfo {
  return found.kind === 'file' ? found.info : withId(bareDirectory(found.at.bucket, found.at.key));
}

/** A deleted folder has no row any more, and clients keep what they see by its number. */
function withId(folder: DirectoryInfo): DirectoryInfo {
  const digest = createHash('sha256').update(`${folder.bucket} ${folder.key}`).digest();
  return { ...folder, directoryId: digest.readUIntBE(0, 6) };
}
