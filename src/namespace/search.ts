import type { Authorizer } from '#contracts/authorizer';
import type { Buckets } from '#contracts/buckets';
import type { NameHit, NamePlace, NameStore } from '#contracts/name-store';
import type { Search, SearchPage } from '#contracts/search';
import { compareKeys } from '#core/address';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import { indexWords, queryWords } from '#core/names';
import type { Who } from '#core/principal';

export interface SearchDeps {
  names: NameStore;
  buckets: Buckets;
  authorizer: Authorizer;
}

/** New names that a search takes in before it looks; more are left to the job. */
const CATCH_UP_MAX = 2_000;
/** Rows that one page looks through at most, so that what matches nothing or is not the caller's costs no more than this. */
const EXAMINED_MAX = 5_000;
const STEP = 200;

interface Place {
  bucket: number;
  at: NamePlace | null;
}

/** The contract is Search: the longest word leads through the index, the others and the caller's rights are asked of each hit. */
export function createSearch({ names, buckets, authorizer }: SearchDeps): Search {
  async function mayRead(who: Who, bucket: Bucket, hit: NameHit): Promise<boolean> {
    const { entry } = hit;
    if (entry === null) return false;
    // What is found is told with its size and times, as a read tells them; a folder as a list of it does.
    const asked = authorizer.decide(who, entry.kind === 'object' ? 'read' : 'list', bucket, entry.key);
    return (asked instanceof Promise ? await asked : asked).allowed;
  }

  return {
    async find(who, query) {
      const words = queryWords(query.text);
      const lead = words.reduce((longest, word) => (word.length > longest.length ? word : longest), '');
      if (lead === '') throw new CloudStoreError('invalid_argument', 'There is no word to look for.');
      await names.want();
      const taken = await names.catchUp(CATCH_UP_MAX);
      const from = query.cursor === undefined ? null : decode(query.cursor);
      const all = query.bucket === undefined ? await buckets.list(who) : [query.bucket];
      const left = all.filter(({ id }) => from === null || id >= from.bucket).sort((a, b) => a.id - b.id);
      const entries: SearchPage['entries'] = [];
      const page = (next: string | null): SearchPage => ({ entries, next, complete: taken < CATCH_UP_MAX });
      let examined = 0;
      for (const bucket of left) {
        let at = from?.bucket === bucket.id ? from.at : null;
        for (;;) {
          const hits = await names.find(bucket.id, lead, at, STEP);
          for (const hit of hits) {
            at = { word: hit.word, kind: hit.kind, ref: hit.ref };
            examined++;
            if (!matches(hit, lead, words, query) || !(await mayRead(who, bucket, hit))) continue;
            entries.push({ bucket, entry: hit.entry! });
            if (entries.length >= query.limit) return page(encode({ bucket: bucket.id, at }));
          }
          if (hits.length < STEP) break;
          if (examined >= EXAMINED_MAX) return page(encode({ bucket: bucket.id, at }));
        }
      }
      return page(null);
    },
  };
}

/** Each entry once, under the first of its words that the lead begins; a word of a name that it has no more counts for nothing. */
function matches(
  hit: NameHit,
  lead: string,
  words: readonly string[],
  query: { prefix?: string; kind?: 'file' | 'folder' },
): boolean {
  const { entry } = hit;
  if (entry === null) return false;
  if (query.kind !== undefined && (query.kind === 'file') !== (entry.kind === 'object')) return false;
  if (query.prefix !== undefined && (!entry.key.startsWith(query.prefix) || entry.key === query.prefix)) return false;
  const own = indexWords(entry.key);
  if (!words.every((word) => own.some((one) => one.startsWith(word)))) return false;
  const first = own.filter((one) => one.startsWith(lead)).sort(compareKeys)[0];
  return first === hit.word;
}

function encode(place: Place): string {
  const { bucket, at } = place;
  return Buffer.from(JSON.stringify([bucket, at?.word ?? null, at?.kind ?? 0, at?.ref ?? 0])).toString('base64url');
}

/** @throws invalid_argument */
function decode(cursor: string): Place {
  let value: unknown = null;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    // told below
  }
  if (!Array.isArray(value)) throw notOurs();
  const [bucket, word, kind, ref] = value as unknown[];
  const whole = [bucket, kind, ref].every((one) => Number.isSafeInteger(one) && (one as number) >= 0);
  if (!whole || (word !== null && (typeof word !== 'string' || word.includes('\0') || !word.isWellFormed()))) throw notOurs();
  if ((bucket as number) > 0x7fffffff || (kind as number) > 1) throw notOurs();
  return {
    bucket: bucket as number,
    at: word === null ? null : { word: word as string, kind: kind as number, ref: ref as number },
  };
}

function notOurs(): CloudStoreError {
  return new CloudStoreError('invalid_argument', 'The cursor is not one of ours.');
}
