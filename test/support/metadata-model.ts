import type { ListQuery } from '#contracts/metadata-store';
import { compareKeys } from '#core/address';

/** A listing by the letter of its contract, over sorted keys: prefixes end in `…`. */
export function listOf(
  keys: readonly string[],
  { prefix, delimiter, after, limit }: Pick<ListQuery, 'prefix' | 'delimiter' | 'after' | 'limit'>,
): { shown: string[]; next: string | null } {
  const entries = new Map<string, string>();
  for (const key of keys) {
    if (!key.startsWith(prefix)) continue;
    const found = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const name = found < 0 ? key : key.slice(0, found + delimiter.length);
    if (after !== '' && compareKeys(name, after) <= 0) continue;
    // An object and a prefix can have the same name only with one of them ending in the delimiter, which then is the prefix.
    entries.set(name, found < 0 ? key : `${name}…`);
  }
  const sorted = [...entries].sort(([a], [b]) => compareKeys(a, b));
  const page = sorted.slice(0, limit);
  return { shown: page.map(([, text]) => text), next: sorted.length > limit ? page.at(-1)![0] : null };
}
