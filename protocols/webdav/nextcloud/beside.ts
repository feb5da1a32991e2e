import { CloudStoreError } from '#core/errors';
import type { Principal } from '#core/principal';
import { DavError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { encodeSegment, type Mount } from '../paths.ts';
import { localPath, single } from '../request-headers.ts';
import { decode } from './mounts.ts';
import type { VersionPath } from './versions.ts';

const TRASHBIN = /^\/remote\.php\/dav\/trashbin\/([^/?#]+)\/trash(?=[/?#]|$)/;
const VERSIONS = /^\/remote\.php\/dav\/versions\/([^/?#]+)\/versions\/(\d{1,15})(?:\/(\d{1,15}))?\/?(?:[?#]|$)/;

/** The user's trash as a mount, and the request's path in it with the user's name written as we write it; null for another path, or another user's. */
export function trashbinPathOf(path: string, user: Principal, bucket: string): { mount: Mount; path: string } | null {
  const match = TRASHBIN.exec(path);
  if (match === null || decode(match[1] ?? '') !== user.name) return null;
  const base = `/remote.php/dav/trashbin/${encodeSegment(user.name)}/trash`;
  return { mount: { base, bucket }, path: base + path.slice(match[0].length) };
}

/** null for another path, or another user's. */
export function versionPathOf(path: string, user: Principal): VersionPath | null {
  const match = VERSIONS.exec(path);
  if (match === null || decode(match[1] ?? '') !== user.name) return null;
  return { file: Number(match[2]), name: match[3] ?? null };
}

/** What is restored goes where it was: clients say so by a `Destination` below `restore`, whatever it is called there. @throws invalid_argument, DavError 403 */
export function assertRestores({ req, deps, who }: Exchange, room: 'trashbin' | 'versions'): void {
  const header = single(req.headers.destination)?.trim();
  if (header === undefined || header === '') throw new CloudStoreError('invalid_argument', 'The Destination header is missing.');
  const path = localPath(header, req.headers, deps.publicHosts) ?? '';
  const match = /^\/remote\.php\/dav\/(trashbin|versions)\/([^/?#]+)\/restore(?:\/|$)/.exec(path);
  if (match === null || match[1] !== room || decode(match[2] ?? '') !== who.principal.name)
    throw new DavError(403, 'What is restored goes to `restore`.');
}
