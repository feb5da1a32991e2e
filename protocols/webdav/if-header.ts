import { CloudStoreError } from '#core/errors';

/** One test of an `If` header (RFC 4918 §10.4.2): a state token or an entity tag, maybe negated. */
export type IfCondition = { not: boolean; token: string } | { not: boolean; etag: string };

/** Lists that speak of one resource; any list whose conditions all hold makes the header true. `resource` null: the request's own. */
export interface IfProduction {
  resource: string | null;
  lists: IfCondition[][];
}

const IF_BYTES_MAX = 16_384;

/**
 * Parses the header in one pass, without backtracking.
 * @throws invalid_argument for anything that the grammar does not know, tagged and untagged lists mixed included
 */
export function parseIf(header: string): IfProduction[] {
  if (header.length > IF_BYTES_MAX) throw malformed('it is too long');
  const reader = { text: header, at: 0 };
  const productions: IfProduction[] = [];
  for (skipSpace(reader); reader.at < header.length; skipSpace(reader)) {
    const character = header[reader.at];
    const last = productions[productions.length - 1];
    if (character === '<') {
      if (last !== undefined && (last.resource === null || last.lists.length === 0))
        throw malformed('a tag where a list belongs');
      productions.push({ resource: readUntil(reader, '>'), lists: [] });
    } else if (character === '(') {
      if (last === undefined) productions.push({ resource: null, lists: [readList(reader)] });
      else last.lists.push(readList(reader));
    } else throw malformed('neither a tag nor a list');
  }
  if (productions.length === 0 || productions.some((production) => production.lists.length === 0)) throw malformed('no list');
  return productions;
}

/** Every lock token that the header submits, whatever the truth of its lists (RFC 4918 §10.4.1). `DAV:no-lock` is none. */
export function submittedTokens(productions: IfProduction[]): string[] {
  const tokens = new Set<string>();
  for (const { lists } of productions) {
    for (const list of lists) {
      for (const condition of list) if ('token' in condition && condition.token !== 'DAV:no-lock') tokens.add(condition.token);
    }
  }
  return [...tokens];
}

/** What is true of one resource: its ETag without quotes (null: nothing is there) and the tokens of the locks that cover it. */
export interface IfState {
  etag: string | null;
  tokens: readonly string[];
}

export function listHolds(list: IfCondition[], state: IfState): boolean {
  return list.every((condition) => {
    const matches = 'token' in condition ? state.tokens.includes(condition.token) : state.etag === condition.etag;
    return matches !== condition.not;
  });
}

interface Reader {
  text: string;
  at: number;
}

function readList(reader: Reader): IfCondition[] {
  const list: IfCondition[] = [];
  reader.at++;
  for (skipSpace(reader); reader.text[reader.at] !== ')'; skipSpace(reader)) {
    const not = /^not(?=[\s<[])/i.test(reader.text.slice(reader.at, reader.at + 4));
    if (not) {
      reader.at += 3;
      skipSpace(reader);
    }
    const character = reader.text[reader.at];
    if (character === '<') list.push({ not, token: readUntil(reader, '>') });
    else if (character === '[') list.push({ not, etag: etagOf(readUntil(reader, ']')) });
    else throw malformed(reader.at >= reader.text.length ? 'a list that does not end' : 'no condition');
  }
  reader.at++;
  if (list.length === 0) throw malformed('an empty list');
  return list;
}

/** From the opening character at hand to the closing one. */
function readUntil(reader: Reader, close: '>' | ']'): string {
  const end = reader.text.indexOf(close, reader.at);
  const inside = reader.text.slice(reader.at + 1, end);
  if (end < 0 || inside === '') throw malformed(`no ${close}`);
  reader.at = end + 1;
  return inside;
}

function etagOf(text: string): string {
  const match = /^(?:W\/)?"([^"]*)"$/.exec(text.trim());
  if (match === null) throw malformed('an entity tag without quotes');
  return match[1] ?? '';
}

function skipSpace(reader: Reader): void {
  while (reader.text[reader.at] === ' ' || reader.text[reader.at] === '\t') reader.at++;
}

function malformed(why: string): CloudStoreError {
  return new CloudStoreError('invalid_argument', `The If header cannot be read: ${why}.`);
}
