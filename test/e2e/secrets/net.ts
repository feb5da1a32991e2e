/** What must show nowhere, and all that is shown. */
export interface Net {
  /** A secret, in every form in which it could get out. */
  canary(what: string, secret: Buffer | string): void;
  output(where: string, said: Buffer | string): void;
  /** Each canary in each output: `what in where`. */
  found(): string[];
  /** How many outputs there are whose name begins so. */
  count(where: string): number;
}

/** @param shown may this secret stand there */
export function createNet(shown: (what: string, where: string) => boolean): Net {
  const canaries = new Map<string, Buffer[]>();
  const outputs = new Map<string, Buffer>();
  return {
    canary: (what, secret) => void canaries.set(what, formsOf(secret)),
    output: (where, said) => void outputs.set(where, Buffer.from(said)),
    count: (where) => [...outputs.keys()].filter((name) => name.startsWith(where)).length,
    found() {
      const find = finderOf(canaries);
      return [...outputs].flatMap(([where, bytes]) =>
        [...find(bytes)].filter((what) => !shown(what, where)).map((what) => `${what} in ${where}`),
      );
    },
  };
}

/** Looks for all of them at once: a data directory is large, and they are many. */
function finderOf(canaries: ReadonlyMap<string, Buffer[]>): (bytes: Buffer) => Set<string> {
  const byPair = new Map<number, { what: string; form: Buffer }[]>();
  const begins = new Uint8Array(65_536);
  for (const [what, forms] of canaries) {
    for (const form of forms) {
      const pair = form.readUInt16LE(0);
      begins[pair] = 1;
      byPair.set(pair, [...(byPair.get(pair) ?? []), { what, form }]);
    }
  }
  return (bytes) => {
    const found = new Set<string>();
    for (let at = 0; at < bytes.length - 1; at++) {
      const pair = bytes[at]! | (bytes[at + 1]! << 8);
      if (begins[pair] === 0) continue;
      for (const { what, form } of byPair.get(pair) ?? [])
        if (bytes[at + 2] === form[2] && bytes.subarray(at, at + form.length).equals(form)) found.add(what);
    }
    return found;
  };
}

function formsOf(secret: Buffer | string): Buffer[] {
  const bytes = Buffer.from(secret);
  const [hex, base64] = [bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, '')];
  // Text is not written in the ways of bytes that nobody could read.
  if (typeof secret === 'string') return [bytes, hex, base64].map((one) => Buffer.from(one));
  const texts = [hex, hex.toUpperCase(), base64, bytes.toString('base64url'), [...bytes].join(',')];
  return [bytes, ...texts.map((text) => Buffer.from(text))];
}
