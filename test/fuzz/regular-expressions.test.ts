import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import { expect } from 'chai';

/** Text of strings and comments is passed over; what stands where a value may begin is an expression. */
const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=[=(,:;!&|?{}[\n]\s*)(\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/)([dgimsuvy]*)/g;
const TREES = ['src', 'protocols', 'clients', 'web'];
const ROOT = join(import.meta.dirname, '../..');
/** Long enough for what takes the square or the cube of it, or doubles with each character, to tell itself from what does not. */
const TEXT_CHARS = 1024;
/** What goes through a text once, or once from each of its places, takes a hundredth of this on a slow machine; what goes back in more ways than that does not end. */
const PATIENCE_MS = 2_000;
const ALL = new Script('for (const text of texts) pattern.test(text)');

interface Found {
  where: string;
  pattern: RegExp;
}

function expressionsOf(source: string, where: string): Found[] {
  const found: Found[] = [];
  for (const match of source.matchAll(TOKEN)) {
    const [, literal, flags = ''] = match;
    if (literal === undefined) continue;
    const line = source.slice(0, match.index).split('\n').length;
    found.push({ where: `${where}:${line} ${literal}`, pattern: new RegExp(literal.slice(1, -1), flags.replace(/[gy]/g, '')) });
  }
  return found;
}

/** Whether one of the texts makes the expression go back for long. */
function hangs({ pattern }: Found): boolean {
  const context = createContext({ pattern, texts: [...pumped(pattern)] });
  try {
    ALL.runInContext(context, { timeout: PATIENCE_MS });
    return false;
  } catch (error) {
    // Of another realm, and so no Error of ours.
    if ((error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return true;
    throw error;
  }
}

/** Texts that nearly match: how the expression begins, a piece of what it speaks of said over and over, and an end that fits nothing. */
function* pumped({ source }: RegExp): Generator<string> {
  const begin = /^\^?([\w \-:=<"'/]*)(?![?*+{])/.exec(source)?.[1] ?? '';
  const spoken = source
    .replace(/\\s/g, ' ')
    .replace(/\\d/g, '0')
    .replace(/\\w|\\p\{\w+\}|[a-z]-[a-z]|\./gi, 'a')
    .replace(/\\(.)/g, '$1');
  const letters = [...new Set(`${spoken}a0 `)]
    .filter((char) => !/[\^$()?*+|[\]{}]/.test(char) || source.includes(`\\${char}`))
    .slice(0, 24);
  const pieces = letters.flatMap((char, n) => [char, `${char}${letters[n + 1] ?? 'a'}`, `${char}a`]);
  for (const piece of new Set(pieces)) {
    const many = piece.repeat(TEXT_CHARS / piece.length);
    for (const head of new Set(['', begin])) yield `${head}${many}\u0000\n`;
  }
}

describe('regular expressions', function () {
  this.timeout(300_000);

  it('of ours end soon, whatever text is made to let them go back', () => {
    const all = TREES.flatMap((tree) =>
      readdirSync(join(ROOT, tree), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !/node_modules|dist/.test(entry.parentPath))
        .flatMap((entry) => {
          const path = join(entry.parentPath, entry.name);
          return expressionsOf(readFileSync(path, 'utf8'), path.slice(ROOT.length + 1));
        }),
    );
    expect(all.length).to.be.greaterThan(300);
    const seen = new Map(all.map((one) => [`${one.pattern}`, one]));
    // What goes back does so each time; a machine that stood still does not.
    const bad = [...seen.values()].filter((one) => hangs(one) && hangs(one)).map(({ where }) => where);
    expect(bad).to.deep.equal([]);
  });

  it('that go back for ever are found', () => {
    for (const literal of ['/^(a+)+$/', '/^\\s*(\\w+\\s*)*=$/']) {
      const [one] = expressionsOf(`const x = ${literal};`, 'planted');
      expect(hangs(one!), literal).to.equal(true);
    }
  });
});
