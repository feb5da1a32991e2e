import type { IncomingHttpHeaders } from 'node:http';
import { CloudStoreError } from '#core/errors';
import { DavError } from './errors.ts';
import { type Mount, parsePath, type Target } from './paths.ts';

export type Depth = '0' | '1' | 'infinity';

/** RFC 4918 §10.2; the default is the method's. @throws invalid_argument */
export function parseDepth(headers: IncomingHttpHeaders, allowed: readonly Depth[], otherwise: Depth): Depth {
  const header = single(headers.depth);
  if (header === undefined) return otherwise;
  const depth = allowed.find((candidate) => candidate === header.trim().toLowerCase());
  if (depth === undefined) throw new CloudStoreError('invalid_argument', 'The Depth header is not one that this method knows.');
  return depth;
}

/**
 * RFC 4918 §9.1 reads a missing Depth as infinity, which folders here refuse. Clients that leave it out ask about one resource (webdav4 of Python, by which fsspec and DVC come) or list a folder,
 * and know servers by sabre, which answers 1.
 * @throws invalid_argument
 */
export function parsePropfindDepth(headers: IncomingHttpHeaders): Depth {
  return parseDepth(headers, ['0', '1', 'infinity'], '1');
}

/** RFC 4918 §10.6. @throws invalid_argument */
export function parseOverwrite(headers: IncomingHttpHeaders): boolean {
  const header = (single(headers.overwrite) ?? 'T').trim().toUpperCase();
  if (header !== 'T' && header !== 'F') throw new CloudStoreError('invalid_argument', 'The Overwrite header is neither T nor F.');
  return header === 'T';
}

const LOCK_SECONDS_DEFAULT = 3600;
const LOCK_SECONDS_MAX = 86_400;

/** RFC 4918 §10.7: the first entry that can be read, cut to a day; milliseconds. A header that says nothing usable is no error: the server chooses. */
export function parseTimeout(headers: IncomingHttpHeaders): number {
  for (const entry of (single(headers.timeout) ?? '').split(',')) {
    if (/^\s*infinite\s*$/i.test(entry)) return LOCK_SECONDS_MAX * 1000;
    const match = /^\s*Second-(\d{1,12})\s*$/i.exec(entry);
    if (match !== null) return Math.min(Math.max(1, Number(match[1])), LOCK_SECONDS_MAX) * 1000;
  }
  return LOCK_SECONDS_DEFAULT * 1000;
}

/** RFC 4918 §10.5, also without the angle brackets, as Windows sends it. @throws invalid_argument */
export function parseLockToken(headers: IncomingHttpHeaders): string {
  const match = /^\s*<?([^<>\s]+)>?\s*$/.exec(single(headers['lock-token']) ?? '');
  if (match?.[1] === undefined) throw new CloudStoreError('invalid_argument', 'The Lock-Token header is missing or malformed.');
  return match[1];
}

/**
 * RFC 4918 §10.3: an absolute URI of this server, or a path alone (as clients behind a proxy send it).
 * @param publicHosts further `host[:port]` names under which a proxy shows us
 * @throws invalid_argument; DavError 502 when it lies on another server, or outside of the mount
 */
export function parseDestination(headers: IncomingHttpHeaders, mount: Mount, publicHosts: readonly string[]): Target {
  const header = single(headers.destination)?.trim();
  if (header === undefined || header === '') throw new CloudStoreError('invalid_argument', 'The Destination header is missing.');
  const target = parsePath(mount, localPath(header, headers, publicHosts) ?? '');
  if (target === null) throw new DavError(502, 'The destination is not on this server.');
  return target;
}

/** The path of an absolute URI of ours, or of a path; null for another server's. @throws invalid_argument */
export function localPath(reference: string, headers: IncomingHttpHeaders, publicHosts: readonly string[]): string | null {
  if (reference.startsWith('/') && !reference.startsWith('//')) return reference;
  const match = /^(https?):\/\/([^/?#]+)(.*)$/i.exec(reference);
  if (match === null) {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(reference)) return null;
    throw new CloudStoreError('invalid_argument', 'A URI is neither absolute nor a path.');
  }
  const [, scheme = '', authority = '', path = ''] = match;
  const host = withoutDefaultPort(authority.slice(authority.lastIndexOf('@') + 1), scheme);
  const ours = [single(headers.host) ?? '', ...publicHosts].map((name) => withoutDefaultPort(name, scheme));
  return ours.includes(host) ? path || '/' : null;
}

function withoutDefaultPort(host: string, scheme: string): string {
  return host.toLowerCase().replace(scheme.toLowerCase() === 'https' ? /:443$/ : /:80$/, '');
}

/** Whether there is no body to wait for. */
export function hasNoBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] === undefined && (length === undefined || length === '0');
}

export function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
