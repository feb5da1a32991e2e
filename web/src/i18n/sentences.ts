/** What a sentence of the gateway is in another language; null: it is not known there. @param time how a moment is written there @param number how a number is */
export type Sentences = (sentence: string, time: (iso: string) => string, number?: (value: number) => string) => string | null;

interface Pattern {
  fits: RegExp;
  text: string;
}

/** Longer than any of them: what is not one is not looked through for long. */
const CHARS_MAX = 2_000;
const LETTERS_MIN = 4;
const SIZE = /^(\d+\.\d+) ([KMGTP]iB)$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/**
 * Knows sentences by what in them is always the same: `{}` in a key is what the gateway puts in, which stands in the text by its number.
 * What is put in may itself be one of the sentences, or a moment.
 */
export function sentences(catalog: Readonly<Record<string, string>>): Sentences {
  const whole = new Map<string, string>();
  const patterns: Pattern[] = [];
  for (const [key, text] of Object.entries(catalog).sort(([a], [b]) => saidAlways(b) - saidAlways(a)))
    if (key.includes('{}')) patterns.push({ fits: patternOf(key), text });
    else whole.set(key, text);
  return function find(
    sentence: string,
    time: (iso: string) => string,
    number: (value: number) => string = String,
  ): string | null {
    if (sentence.length > CHARS_MAX) return null;
    const known = whole.get(sentence);
    if (known !== undefined) return known;
    if (MOMENT.test(sentence)) return time(sentence);
    const [, count, unit] = SIZE.exec(sentence) ?? [];
    if (count !== undefined) return `${number(Number(count))} ${unit}`;
    for (const { fits, text } of patterns) {
      const found = fits.exec(sentence);
      if (found !== null)
        return text.replace(/\{(\d)\}/g, (_, place: string) => {
          const put = found[Number(place)] ?? '';
          return find(put, time, number) ?? put;
        });
    }
    return null;
  };
}

/** What says more comes first: of two that fit it is the one that is meant. */
function saidAlways(key: string): number {
  return key.replaceAll('{}', '').length;
}

function patternOf(key: string): RegExp {
  const parts = key.split('{}').map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  // Of what is all but nothing itself, only a few words are meant: a number, a size.
  const hole = key.replaceAll(/\{\}|[^a-z]/gi, '').length < LETTERS_MIN ? '(\\S*(?: \\S*)?)' : '(.*?)';
  return new RegExp(`^${parts.join(hole)}$`, 's');
}
