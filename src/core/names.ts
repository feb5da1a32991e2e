import { nameOf, type ObjectKey } from './address.ts';

const WORD_CHARS_MAX = 64;
const WORDS_MAX = 64;
/** Letters that decomposition leaves whole, as people type them without their keyboard. */
const PLAIN: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ł: 'l',
  þ: 'th',
  ı: 'i',
  ħ: 'h',
  ŋ: 'n',
};
/** Scripts that are written without spaces: every letter may begin a word. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/** How search compares: without case, accents, width and ligatures. */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[ßæœøđðłþıħŋ]/g, (letter) => PLAIN[letter] ?? letter);
}

/**
 * Under which words an object or folder is found: the runs of letters and digits of its last name, and where a word begins inside one (HolidayPhotos, IMG2023,
 * any letter of a script without spaces). Folded, each once, at most 64.
 */
export function indexWords(key: ObjectKey): string[] {
  const words = new Set<string>();
  for (const run of nameOf(key)
    .normalize('NFC')
    .match(/[\p{L}\p{N}\p{M}]+/gu) ?? []) {
    let from = 0;
    let before = '';
    for (const char of run) {
      if (before === '' || begins(before, char)) {
        const word = cut(foldText(run.slice(from)));
        if (word !== '') words.add(word);
        if (words.size >= WORDS_MAX) return [...words];
      }
      from += char.length;
      before = char;
    }
  }
  return [...words];
}

/** What is looked for: each must begin a word of the name. */
export function queryWords(text: string): string[] {
  const runs = foldText(text).match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...new Set(runs.map(cut))];
}

function begins(before: string, char: string): boolean {
  if (UNSPACED.test(char)) return true;
  if (/\p{N}/u.test(char) !== /\p{N}/u.test(before)) return !/\p{M}/u.test(char);
  return /\p{Lu}/u.test(char) && !/\p{Lu}/u.test(before);
}

function cut(word: string): string {
  return word.length <= WORD_CHARS_MAX
    ? word
    : word
        .slice(0, WORD_CHARS_MAX)
        .toWellFormed()
        .replace(/\ufffd$/, '');
}
