import type { KeptVersion } from '#contracts/history-store';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import { answer, readXml } from '../answer.ts';
import { bareDirectory } from '../bare-directory.ts';
import { sendVersion, unlessHidden } from '../deleted.ts';
import { DavError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { openMultistatus } from '../multistatus.ts';
import { encodeSegment } from '../paths.ts';
import { gatherContext } from '../properties/context.ts';
import { parsePropfind } from '../properties/propfind-request.ts';
import { compileRenderer } from '../properties/render.ts';
import { parseDepth } from '../request-headers.ts';
import { assertRestores } from './beside.ts';
import type { NextcloudDeps } from './deps.ts';
import type { FileIds } from './file-ids.ts';

/** `/remote.php/dav/versions/USER/versions/FILEID[/NAME]`, taken apart. */
export interface VersionPath {
  file: number;
  name: string | null;
}

/** The latest of them; a phone shows no more. */
const SHOWN_MAX = 500;
const ALLOWED = 'PROPFIND, GET, HEAD, MOVE, DELETE';

/**
 * What a file was. A version is called by the second of its time, as clients make its name of that themselves; what is there now is none. MOVE to `…/restore/…`
 * makes it the file again, and what was there a version.
 */
export async function serveVersions(
  x: Exchange,
  deps: NextcloudDeps,
  ids: FileIds,
  home: Bucket,
  { file, name }: VersionPath,
): Promise<void> {
  const { method } = x.req;
  const { bucket, key } = await ids.find(x, home, file);
  const versions = named((await unlessHidden(deps.history.versions(x.who, { bucket, key }, null, SHOWN_MAX))) ?? []);
  if (name === null) {
    if (method !== 'PROPFIND') throw new DavError(405, 'Versions are listed.', { headers: { Allow: 'PROPFIND' } });
    return list(x, file, versions);
  }
  const version = versions.get(name);
  if (version === undefined) throw new CloudStoreError('version_not_found', 'There is no such version.');
  if (method === 'PROPFIND') return list(x, file, new Map([[name, version]]), true);
  if (method === 'GET' || method === 'HEAD') return sendVersion(x, deps.history, version);
  const what = { kind: 'version', key, version: version.versionId } as const;
  if (method === 'MOVE') {
    assertRestores(x, 'versions');
    await deps.history.restore(x.who, { bucket, what, conflict: 'replace' });
    return answer(x.res, 201);
  }
  if (method !== 'DELETE') throw new DavError(405, 'A version does not know this method.', { headers: { Allow: ALLOWED } });
  await deps.history.purge(x.who, { bucket, what });
  answer(x.res, 204);
}

/** By name, the latest first. Where two are of one second the older one says an earlier. */
function named(kept: readonly KeptVersion[]): Map<string, KeptVersion> {
  const out = new Map<string, KeptVersion>();
  let before = Number.POSITIVE_INFINITY;
  for (const version of kept) {
    if (version.superseded === null || version.deleteMarker) continue;
    const second = Math.min(Math.floor(version.mtime / 1000), before - 1);
    before = second;
    out.set(String(second), { ...version, mtime: second * 1000 });
  }
  return out;
}

async function list(x: Exchange, file: number, versions: ReadonlyMap<string, KeptVersion>, one = false): Promise<void> {
  const depth = parseDepth(x.req.headers, ['0', '1'], one ? '0' : '1');
  const renderer = compileRenderer(parsePropfind(await readXml(x)), { compact: false, minimal: false });
  const context = await gatherContext(x, new Set(), null);
  const href = `/remote.php/dav/versions/${encodeSegment(x.who.principal.name)}/versions/${file}/`;
  const out = openMultistatus(x);
  if (!one) await out.add(renderer.response(bareDirectory(0, ''), String(file), href, context));
  for (const [name, version] of one || depth === '1' ? versions : [])
    await out.add(renderer.response(version, name, href + name, context));
  await out.end();
}
