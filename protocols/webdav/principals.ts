import { escapeXml } from '#http/xml';
import { ALLOW, answer, readXml } from './answer.ts';
import { DavError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Place } from './paths.ts';
import { principalHref } from './principal-href.ts';
import { parsePropfind } from './properties/propfind-request.ts';
import { type PropertyName, parseStoredName, storedName } from './properties/table.ts';
import { parsePropfindDepth } from './request-headers.ts';
import type { VirtualFolder } from './virtual-folder.ts';
import { emptyElement, XML_HEAD } from './xml-element.ts';

export const PRINCIPALS_NAME = '.principals';

/**
 * Users as resources (RFC 3744 §4), for clients that follow `current-user-principal`. Everybody sees himself there and nobody else: who the
 * others are is not told to drives.
 */
export const principalsFolder: VirtualFolder = {
  name: PRINCIPALS_NAME,
  listed: () => false,
  async serve(x, place) {
    if (x.req.method !== 'PROPFIND') throw new DavError(403, 'Users are not changed here.', { headers: { Allow: ALLOW } });
    const depth = parsePropfindDepth(x.req.headers);
    if (depth === 'infinity') throw new DavError(403, 'Depth 0 or 1.', { condition: 'propfind-finite-depth' });
    const request = parsePropfind(await readXml(x));
    const shown = resourcesAt(x, place, depth === '1');
    const responses = shown.map(({ href, properties }) =>
      render(request.kind === 'prop' ? request.names : null, href, properties),
    );
    answer(x.res, 207, {}, `${XML_HEAD}<d:multistatus xmlns:d="DAV:">${responses.join('')}</d:multistatus>\n`);
  },
};

interface Resource {
  href: string;
  /** By stored name. */
  properties: Map<string, string>;
}

function resourcesAt(x: Exchange, { key }: Place, below: boolean): Resource[] {
  const { name } = x.who.principal;
  const base = x.deps.principalsBase;
  const self = principalHref(base, name);
  const user: Resource = {
    href: self,
    properties: new Map([
      ['DAV: resourcetype', '<d:resourcetype><d:principal/></d:resourcetype>'],
      ['DAV: displayname', `<d:displayname>${escapeXml(name)}</d:displayname>`],
      ['DAV: principal-URL', `<d:principal-URL><d:href>${self}</d:href></d:principal-URL>`],
      ['DAV: current-user-principal', `<d:current-user-principal><d:href>${self}</d:href></d:current-user-principal>`],
      ['DAV: alternate-URI-set', '<d:alternate-URI-set/>'],
      ['DAV: group-membership', '<d:group-membership/>'],
    ]),
  };
  if (key === name) return [user];
  if (key !== '') throw new DavError(404, 'There is no such user for you.');
  const all: Resource = {
    href: principalHref(base, null),
    properties: new Map([
      ['DAV: resourcetype', '<d:resourcetype><d:collection/></d:resourcetype>'],
      ['DAV: displayname', '<d:displayname>Users</d:displayname>'],
      ['DAV: current-user-principal', `<d:current-user-principal><d:href>${self}</d:href></d:current-user-principal>`],
    ]),
  };
  return below ? [all, user] : [all];
}

function render(names: PropertyName[] | null, href: string, properties: Map<string, string>): string {
  const asked = names ?? [...properties.keys()].map(parseStoredName);
  const found = asked.map((name) => properties.get(storedName(name)) ?? '').join('');
  const absent = asked.filter((name) => !properties.has(storedName(name)));
  const propstat = (inside: string, status: string): string =>
    `<d:propstat><d:prop>${inside}</d:prop><d:status>HTTP/1.1 ${status}</d:status></d:propstat>`;
  const missing = absent.map(({ namespace, name }) => emptyElement(namespace, name)).join('');
  return `<d:response><d:href>${href}</d:href>${propstat(found, '200 OK')}${missing === '' ? '' : propstat(missing, '404 Not Found')}</d:response>`;
}
