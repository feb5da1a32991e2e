import { createMatcher, type Matcher, type Token, tokensOf } from './policy-pattern.ts';

/** What a variable of a policy stands for in one request; undefined: nothing. */
export type Variables = (name: string) => string | undefined;

/** A pattern or value with `${variables}`. null in place of a matcher or a text: a variable has no value here, and nothing matches. */
export interface Template {
  /** Without variables: the same for every request. */
  fixed: boolean;
  matcher(variables: Variables): Matcher | null;
  text(variables: Variables): string | null;
}

type Part = { wild: string } | { literal: string } | { variable: string; fallback: string | null };

const MATCHERS_MAX = 256;

/**
 * `${*}`, `${?}` and `${$}` are the characters themselves; `${name, 'value'}` has a value for requests that have none. What a variable stands for is
 * taken as it is: a user of the name `*` is no wildcard. Policies of 2008 have no variables.
 * @throws SyntaxError for a variable that is not closed, or is none
 */
export function compileTemplate(source: string, variables: boolean): Template {
  const parts = variables ? partsOf(source) : [{ wild: source }];
  const named = parts.filter((part) => 'variable' in part);
  if (named.length === 0) {
    const tokens = parts.flatMap((part): Token[] => ('wild' in part ? tokensOf(part.wild) : literal(part)));
    const text = parts.map((part) => ('wild' in part ? part.wild : 'literal' in part ? part.literal : '')).join('');
    const matcher = createMatcher(tokens);
    return { fixed: true, matcher: () => matcher, text: () => text };
  }
  const known = new Map<string, Matcher>();
  const valuesOf = (values: Variables): (string | null)[] =>
    named.map((part) => ('variable' in part ? (values(part.variable) ?? part.fallback) : null));
  const fill = (values: readonly (string | null)[]): Token[] => {
    let next = 0;
    return parts.flatMap((part): Token[] =>
      'wild' in part ? tokensOf(part.wild) : 'literal' in part ? literal(part) : literal({ literal: values[next++] ?? '' }),
    );
  };
  return {
    fixed: false,
    matcher(variables) {
      const values = valuesOf(variables);
      if (values.includes(null)) return null;
      const key = values.join('\0');
      let matcher = known.get(key);
      if (matcher === undefined) {
        matcher = createMatcher(fill(values));
        if (known.size >= MATCHERS_MAX) known.clear();
        known.set(key, matcher);
      }
      return matcher;
    },
    text(variables) {
      const values = valuesOf(variables);
      if (values.includes(null)) return null;
      let next = 0;
      return parts
        .map((part) => ('wild' in part ? part.wild : 'literal' in part ? part.literal : (values[next++] ?? '')))
        .join('');
    },
  };
}

function literal(part: Part): Token[] {
  return 'literal' in part && part.literal !== '' ? [{ text: part.literal }] : [];
}

function partsOf(source: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (let open = source.indexOf('${'); open >= 0; open = source.indexOf('${', at)) {
    if (open > at) parts.push({ wild: source.slice(at, open) });
    const close = source.indexOf('}', open);
    if (close < 0) throw new SyntaxError('a variable is not closed');
    parts.push(partOf(source.slice(open + 2, close)));
    at = close + 1;
  }
  if (at < source.length || parts.length === 0) parts.push({ wild: source.slice(at) });
  return parts;
}

function partOf(inside: string): Part {
  if (inside === '*' || inside === '?' || inside === '$') return { literal: inside };
  const found = /^([A-Za-z0-9-]{1,64}:[^\s,'{}$]{1,256})(?:\s*,\s*'([^']*)')?$/.exec(inside);
  if (found?.[1] === undefined) throw new SyntaxError('a variable has no name');
  return { variable: found[1], fallback: found[2] ?? null };
}
