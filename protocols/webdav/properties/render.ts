import type { ShownEntry, ShownObject } from '#core/object';
import { emptyElement } from '../xml-element.ts';
import type { PlainPiece, PlainShape } from './plain.ts';
import type { Need, Property, PropertyContext } from './property.ts';
import type { PropfindRequest } from './propfind-request.ts';
import { liveProperty, namespaceOf, PROPERTIES, type PropertyName, parseStoredName, storedName } from './table.ts';

export interface RenderOptions {
  /** The short `allprop` for Windows. */
  compact: boolean;
  /** RFC 8144 `return=minimal`, or `Brief: t`: what is missing is not mentioned. */
  minimal: boolean;
}

export interface Renderer {
  needs: ReadonlySet<Need>;
  /** One `response` element. `href` is percent-encoded, and so safe in XML. */
  response(entry: ShownEntry, displayName: string, href: string, context: PropertyContext): string;
  /** How plain files are shown, in a listing without locks. null: each has to be rendered. */
  plain(context: PropertyContext): PlainShape | null;
}

type Part = (entry: ShownEntry, displayName: string, context: PropertyContext) => string | null;

const OK = '</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>';
const MISSING = '</d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>';

/** Looks up once, for all entries of the answer, what each asked property needs: an answer of 10,000 entries only concatenates. */
export function compileRenderer(request: PropfindRequest, options: RenderOptions): Renderer {
  switch (request.kind) {
    case 'prop':
      return propRenderer(request.names, options.minimal);
    case 'propname':
      return propnameRenderer();
    case 'allprop':
      return allpropRenderer(request.include, options.compact);
  }
}

function propRenderer(names: PropertyName[], minimal: boolean): Renderer {
  const parts = names.map((name) => partOf(name));
  const missing = names.map(({ namespace, name }) => emptyElement(namespace, name));
  const live = names.map((name) => liveProperty(name) ?? null);
  return {
    needs: needsOf(live.flatMap((property) => property ?? [])),
    plain(context) {
      const shown = live.map((property) => plainPieceOf(property, context));
      if (shown.includes(undefined)) return null;
      return (any) => {
        const pieces = shown.map((piece) => piece?.(any) ?? null);
        const found = pieces.flatMap((piece) => piece ?? []);
        const absent = minimal ? '' : missing.filter((_, at) => pieces[at] === null).join('');
        const first = found.length > 0 || absent === '' ? ['<d:propstat><d:prop>', ...found, OK] : [];
        return absent === '' ? first : [...first, `<d:propstat><d:prop>${absent}${MISSING}`];
      };
    },
    response(entry, displayName, href, context) {
      let found = '';
      let absent = '';
      for (let i = 0; i < parts.length; i++) {
        const element = (parts[i] as Part)(entry, displayName, context);
        if (element !== null) found += element;
        else if (!minimal) absent += missing[i];
      }
      const first = found !== '' || absent === '' ? `<d:propstat><d:prop>${found}${OK}` : '';
      return wrap(href, absent === '' ? first : `${first}<d:propstat><d:prop>${absent}${MISSING}`);
    },
  };
}

function allpropRenderer(include: PropertyName[], compact: boolean): Renderer {
  const included = include.flatMap((name) => liveProperty(name) ?? []);
  const live = PROPERTIES.filter((property) => (compact ? property.compact : property.listed) || included.includes(property));
  const parts = live.map(livePart);
  const shown = new Set(live.map((property) => storedName({ namespace: namespaceOf(property), name: property.name })));
  return {
    needs: needsOf(live),
    plain(context) {
      const shown = live.map((property) => plainPieceOf(property, context));
      if (shown.includes(undefined)) return null;
      return (any) => ['<d:propstat><d:prop>', ...shown.flatMap((piece) => piece?.(any) ?? []), OK];
    },
    response(entry, displayName, href, context) {
      let found = '';
      for (const part of parts) found += part(entry, displayName, context) ?? '';
      if (entry.properties !== null) {
        for (const name of Object.keys(entry.properties)) if (!shown.has(name)) found += entry.properties[name];
      }
      return wrap(href, `<d:propstat><d:prop>${found}${OK}`);
    },
  };
}

function propnameRenderer(): Renderer {
  const listed = PROPERTIES.filter((property) => property.listed);
  return {
    needs: new Set(),
    plain: () => null,
    response(entry, displayName, href, context) {
      const names = new Set<string>();
      for (const property of listed) {
        if (property.needs !== undefined || property.render(entry, displayName, context) !== null) {
          names.add(emptyElement(namespaceOf(property), property.name));
        }
      }
      for (const stored of Object.keys(entry.properties ?? {})) {
        const { namespace, name } = parseStoredName(stored);
        names.add(emptyElement(namespace, name));
      }
      return wrap(href, `<d:propstat><d:prop>${[...names].join('')}${OK}`);
    },
  };
}

function partOf(name: PropertyName): Part {
  const live = liveProperty(name);
  return live === undefined ? storedPart(name) : livePart(live);
}

function storedPart(name: PropertyName): Part {
  const stored = storedName(name);
  return (entry) => entry.properties?.[stored] ?? null;
}

function livePart(property: Property): Part {
  if (!property.settable || property.reads) return property.render;
  const stored = storedPart({ namespace: namespaceOf(property), name: property.name });
  return (entry, displayName, context) => stored(entry, displayName, context) ?? property.render(entry, displayName, context);
}

/** What plain files have of a property, told by any of them: null where they have none. undefined: it has to be rendered for each. */
function plainPieceOf(
  property: Property | null,
  context: PropertyContext,
): ((any: ShownObject) => PlainPiece[] | null) | undefined {
  if (property === null) return () => null;
  const { plain } = property;
  if (plain === undefined) return undefined;
  if (plain !== 'same') {
    const value = plain();
    return () => [`<d:${property.name}>`, value, `</d:${property.name}>`];
  }
  return (any) => {
    const text = property.render(any, '', context);
    return text === null ? null : [text];
  };
}

function needsOf(properties: Property[]): Set<Need> {
  return new Set(properties.flatMap((property) => property.needs ?? []));
}

function wrap(href: string, propstats: string): string {
  return `<d:response><d:href>${href}</d:href>${propstats}</d:response>\n`;
}
