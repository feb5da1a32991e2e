import type { XmlElement } from '#http/xml';
import { malformedBody } from '../exchange.ts';
import { davChild, isDav } from '../xml-element.ts';
import type { PropertyName } from './table.ts';

/** What a PROPFIND asks for (RFC 4918 §9.1). */
export type PropfindRequest =
  | { kind: 'allprop'; include: PropertyName[] }
  | { kind: 'propname' }
  | { kind: 'prop'; names: PropertyName[] };

/** No client asks for a tenth of this; each name costs a piece of the answer for every entry of a folder. */
const NAMES_MAX = 500;

/** An empty body means allprop. @throws invalid_argument */
export function parsePropfind(body: XmlElement | null): PropfindRequest {
  if (body === null) return { kind: 'allprop', include: [] };
  if (!isDav(body, 'propfind')) throw malformedBody('The body is no propfind element.');
  const kinds = body.children.filter((child) => isDav(child, 'prop') || isDav(child, 'allprop') || isDav(child, 'propname'));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) throw malformedBody('A propfind element holds one of prop, allprop and propname.');
  if (kind.name === 'propname') return { kind: 'propname' };
  if (kind.name === 'prop') return { kind: 'prop', names: namesIn(kind) };
  return { kind: 'allprop', include: namesIn(davChild(body, 'include')) };
}

export function namesIn(element: XmlElement | undefined): PropertyName[] {
  const seen = new Set<string>();
  const names: PropertyName[] = [];
  for (const { namespace, name } of element?.children ?? []) {
    const key = `${namespace} ${name}`;
    if (!seen.has(key)) names.push({ namespace, name });
    seen.add(key);
  }
  if (names.length > NAMES_MAX) throw malformedBody(`A propfind element names at most ${NAMES_MAX} properties.`);
  return names;
}
