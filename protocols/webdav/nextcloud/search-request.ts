import type { Condition, SortedBy } from '#contracts/sieve';
import { CloudStoreError } from '#core/errors';
import type { XmlElement } from '#http/xml';
import { malformedBody } from '../exchange.ts';
import { FAVORITE, NEXTCLOUD, OWNCLOUD } from '../owncloud.ts';
import { namesIn } from '../properties/propfind-request.ts';
import type { PropertyName } from '../properties/table.ts';
import { DAV, davChild, isDav } from '../xml-element.ts';

/** RFC 5323's basicsearch, as far as Nextcloud's apps speak it. */
export interface SearchRequest {
  names: PropertyName[];
  /** Where below, as it was said: absolute, or from the dialect's root on. */
  scope: string;
  deep: boolean;
  where: Condition;
  order: { by: SortedBy; descending: boolean }[];
  limit: number;
}

/** More than a phone shows at once; who wants more asks for what comes behind. */
export const RESULTS_MAX = 5_000;
const CONDITIONS_MAX = 50;
const PATTERN_CHARS_MAX = 300;
const JOKERS_MAX = 6;

/** @throws invalid_argument, also for what is not looked for */
export function parseSearch(body: XmlElement | null): SearchRequest {
  if (body === null || !isDav(body, 'searchrequest')) throw malformedBody('The body is no searchrequest element.');
  const search = davChild(body, 'basicsearch');
  if (search === undefined) throw refused('Another search than basicsearch');
  const scopes = (davChild(search, 'from')?.children ?? []).filter((child) => isDav(child, 'scope'));
  const [scope] = scopes;
  const href = scope === undefined ? undefined : davChild(scope, 'href')?.text.trim();
  if (scope === undefined || scopes.length > 1 || !href) throw malformedBody('A search is in one scope.');
  const depth = davChild(scope, 'depth')?.text.trim().toLowerCase() ?? 'infinity';
  if (depth !== 'infinity' && depth !== '1') throw refused(`Depth ${depth.slice(0, 20)}`);
  const where = davChild(search, 'where');
  const budget = { left: CONDITIONS_MAX };
  return {
    names: namesIn(davChild(davChild(search, 'select') ?? search, 'prop')),
    scope: href,
    deep: depth === 'infinity',
    where: where === undefined ? { all: [] } : { all: where.children.map((child) => conditionOf(child, budget)) },
    order: (davChild(search, 'orderby')?.children ?? [])
      .filter((child) => isDav(child, 'order'))
      .flatMap(orderOf)
      .slice(0, 4),
    limit: limitOf(davChild(search, 'limit')),
  };
}

/** What an `oc:filter-files` report asks for: favorites. @throws invalid_argument for another filter */
export function parseFilter(body: XmlElement): Condition {
  const rules = body.children.find((child) => child.namespace === OWNCLOUD && child.name === 'filter-rules')?.children ?? [];
  if (rules.length === 0) throw malformedBody('A filter has rules.');
  return { all: rules.map((rule) => equality(rule, null, rule.text.trim())) };
}

function conditionOf(element: XmlElement, budget: { left: number }): Condition {
  if (--budget.left < 0) throw malformedBody(`A search has at most ${CONDITIONS_MAX} conditions.`);
  if (element.namespace !== DAV) throw refused(element.name);
  const inner = () => element.children.map((child) => conditionOf(child, budget));
  switch (element.name) {
    case 'and':
      return { all: inner() };
    case 'or':
      return { any: inner() };
    case 'not':
      return { not: { all: inner() } };
    case 'is-collection':
      return { kind: 'directory' };
    default:
      return comparison(element);
  }
}

const COMPARISONS = { lt: '<', lte: '<=', gt: '>', gte: '>=', eq: '=' } as const;

function comparison(element: XmlElement): Condition {
  const [property, another] = davChild(element, 'prop')?.children ?? [];
  const literal = davChild(element, 'literal')?.text;
  if (property === undefined || another !== undefined || literal === undefined)
    throw malformedBody(`${element.name} compares one property to one literal.`);
  const by = sortedBy(property);
  if (element.name === 'like') {
    if (by !== 'name' && by !== 'type') throw refused(`like of ${property.name}`);
    return { like: by, pattern: patternOf(literal) };
  }
  const is = COMPARISONS[element.name as keyof typeof COMPARISONS];
  if (is === undefined) throw refused(element.name);
  if (is === '=') return equality(property, by, literal.trim());
  if (by === null || by === 'name' || by === 'type') throw refused(`${element.name} of ${property.name}`);
  return { compare: by, is, value: by === 'size' ? wholeNumber(literal) : timeOf(literal) };
}

function equality(property: XmlElement, by: SortedBy | null, literal: string): Condition {
  if (property.namespace === OWNCLOUD && property.name === 'favorite') {
    const marked: Condition = { property: FAVORITE, says: '1' };
    return ['yes', '1', 'true'].includes(literal) ? marked : { not: marked };
  }
  if (property.namespace === OWNCLOUD && property.name === 'fileid') {
    const id = wholeNumber(literal);
    return id % 2 === 0 ? { node: id / 2 } : { directory: (id - 1) / 2 };
  }
  if (by === 'name' || by === 'type') return { like: by, pattern: literal.replace(/[\\%_]/g, '\\$&') };
  if (by === null) throw refused(`eq of ${property.name}`);
  return { compare: by, is: '=', value: by === 'size' ? wholeNumber(literal) : timeOf(literal) };
}

/** A picture's own date is not read: for it stands the time that the file came with, which is what cameras' apps send. */
const SORTED_BY: Record<string, SortedBy> = {
  'DAV: displayname': 'name',
  'DAV: getcontenttype': 'type',
  'DAV: getlastmodified': 'mtime',
  'DAV: creationdate': 'created',
  'DAV: getcontentlength': 'size',
  [`${OWNCLOUD} size`]: 'size',
  [`${NEXTCLOUD} creation_time`]: 'created',
  [`${NEXTCLOUD} upload_time`]: 'modified',
  [`${NEXTCLOUD} metadata-photos-original_date_time`]: 'mtime',
};

function sortedBy({ namespace, name }: XmlElement): SortedBy | null {
  return SORTED_BY[`${namespace} ${name}`] ?? null;
}

function orderOf(order: XmlElement): { by: SortedBy; descending: boolean }[] {
  const [property] = davChild(order, 'prop')?.children ?? [];
  const by = property === undefined ? null : sortedBy(property);
  return by === null ? [] : [{ by, descending: davChild(order, 'descending') !== undefined }];
}

/** The time that a pattern takes grows with the product of its jokers: people's have two. */
function patternOf(literal: string): string {
  if (literal.length > PATTERN_CHARS_MAX || literal.split('%').length > JOKERS_MAX + 1) throw refused('Such a long pattern');
  // One that ends in a lone backslash would be an error of the database.
  return literal.replace(/\\([\\%_])|\\/g, (whole, escaped) => (escaped === undefined ? '\\\\' : whole));
}

/** Seconds since the epoch, or a date. */
function timeOf(literal: string): number {
  const text = literal.trim();
  const ms = /^-?\d{1,12}$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(ms)) throw malformedBody(`${text.slice(0, 50)} is no time.`);
  return ms;
}

function wholeNumber(literal: string): number {
  const text = literal.trim();
  if (!/^\d{1,15}$/.test(text)) throw malformedBody(`${text.slice(0, 50)} is no number.`);
  return Number(text);
}

function limitOf(limit: XmlElement | undefined): number {
  if (limit === undefined) return RESULTS_MAX;
  const wanted = wholeNumber(davChild(limit, 'nresults')?.text ?? '');
  // Android says 0 for as many as there are.
  return wanted === 0 ? RESULTS_MAX : Math.min(wanted, RESULTS_MAX);
}

function refused(what: string): CloudStoreError {
  return new CloudStoreError('invalid_argument', `${what} is not looked for here.`);
}
