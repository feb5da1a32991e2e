import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { SEED } from '../support/random.ts';

/** Text of strings and comments is passed over; what stands where a value may begin is an expression. */
const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=[=(,:;!&|?{}[\n]\s*)(\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/)([dgimsuvy]*)/g;
const TREES = ['src', 'protocols', 'clients', 'web'];
const ROOT = join(import.meta.dirname, '../..');
/** Long enough for what takes the square or the cube of it, or doubles with each character, to tell itself from what does not. */
const TEXT_CHARS = 1024;
/** What goes through a text once, or once from each of its places, takes a hundredth of this on a slow machine; what goes back in more ways than that does not end. */
const PATIENCE_MS = 5_000;
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
    if (error instanceof Error && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return true;
    throw error;
  }
}

/** Texts that nearly match: one that does, with a piece of it said over and over, and an end that fits nothing. */
function* pumped(pattern: RegExp): Generator<string> {
  for (const sample of samplesOf(pattern)) {
    const length = Math.min(sample.length, 16);
    const step = Math.max(1, Math.floor(length / 4));
    for (let from = 0; from < length; from += step) {
      for (const size of [1, 3]) {
        const piece = sample.slice(from, from + size);
        if (piece === '') continue;
        const head = sample.slice(0, from) + piece.repeat(Math.floor(TEXT_CHARS / piece.length));
        yield `${head}\u0000`;
        yield `${head}${sample.slice(from + size)}\u0000\n`;
      }
    }
  }
}

function samplesOf(pattern: RegExp): string[] {
  const plain = ['aaaaaa', '0000', '      ', 'a,a,a', '"a"="a"', '..//..//', '\\\\\\\\', '<a><a>', '%41%41', '----', '\t\t \t'];
  try {
    return [
      ...fc.sample(fc.stringMatching(new RegExp(pattern.source, pattern.flags.replace(/[iv]/g, ''))), { numRuns: 2, seed: SEED }),
      ...plain,
    ];
  } catch {
    return plain; // an expression of a kind that no samples are made of
  }
}

describe(`regular expressions (seed ${SEED})`, function () {
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
    const bad = [...seen.values()].filter((one) => hangs(one)).map(({ where }) => where);
    expect(bad).to.deep.equal([]);
  });

  it('that go back for ever are found', () => {
    for (const literal of ['/^(a+)+$/', '/^(?:[a-z]+,?)*;$/', '/^\\s*(\\w+\\s*)*=$/']) {
      const [one] = expressionsOf(`const x = ${literal};`, 'planted');
      expect(hangs(one!), literal).to.equal(true);
    }
  });
});
