/** A piece of a pattern: literal text, `*` (any characters, or none) or `?` (one character). */
export type Token = { text: string } | '*' | '?';

export type Matcher = (text: string) => boolean;

/** `*` and `?` are wildcards, everything else is itself. */
export function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (const piece of pattern.split(/([*?])/)) {
    if (piece === '*' || piece === '?') tokens.push(piece);
    else if (piece !== '') tokens.push({ text: piece });
  }
  return tokens;
}

/**
 * Matches the whole of a text in time that grows with its length alone, for every pattern of a given size: no pattern makes it go back. Without `?` the
 * literals are looked for from left to right, each at its first place; with `?` all places are followed at once, as bits.
 */
export function createMatcher(tokens: readonly Token[]): Matcher {
  if (tokens.every((token) => typeof token === 'object')) {
    const whole = textOf(tokens);
    return (text) => text === whole;
  }
  return tokens.includes('?') ? followAll(tokens) : findInOrder(tokens);
}

function findInOrder(tokens: readonly Token[]): Matcher {
  const parts = ['']; // what stands between the stars
  for (const token of tokens) {
    if (typeof token === 'object') parts[parts.length - 1] += token.text;
    else parts.push('');
  }
  const [head = '', ...rest] = parts;
  const tail = rest.pop() ?? '';
  const middle = rest.filter((part) => part !== '');
  const least = head.length + tail.length;
  if (middle.length === 0) {
    if (tail === '') return (text) => text.startsWith(head);
    return (text) => text.length >= least && text.startsWith(head) && text.endsWith(tail);
  }
  return (text) => {
    if (text.length < least || !text.startsWith(head) || !text.endsWith(tail)) return false;
    const end = text.length - tail.length;
    let at = head.length;
    for (const part of middle) {
      const found = text.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= end;
  };
}

/** Bit n of `reached` says that the first n characters of the pattern match what was read so far. */
function followAll(tokens: readonly Token[]): Matcher {
  const places = new Map<string, bigint>();
  let anything = 0n;
  let stay = 0n;
  let bit = 1n;
  for (const token of tokens) {
    if (token === '*') {
      stay |= bit;
      continue;
    }
    for (const character of typeof token === 'object' ? token.text : '?') {
      bit <<= 1n;
      if (token === '?') anything |= bit;
      else places.set(character, (places.get(character) ?? 0n) | bit);
    }
  }
  return (text) => {
    let reached = 1n;
    for (const character of text) {
      reached = ((reached << 1n) & (anything | (places.get(character) ?? 0n))) | (reached & stay);
      if (reached === 0n) return false;
    }
    return (reached & bit) !== 0n;
  };
}

function textOf(tokens: readonly Token[]): string {
  return tokens.map((token) => (typeof token === 'object' ? token.text : '')).join('');
}
