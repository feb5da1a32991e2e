import type { Bucket } from '#core/bucket';
import type { EntryInfo } from '#core/object';
import type { Who } from '#core/principal';

/** Search by name, over everything that the caller may read. */
export interface Search {
  /** @throws invalid_argument (no word to look for, a cursor that is not ours), bucket_not_found */
  find(who: Who, query: SearchQuery): Promise<SearchPage>;
}

export interface SearchQuery {
  /** Each word of it must begin a word of the name; case and accents do not count. */
  text: string;
  /** Only there. */
  bucket?: Bucket;
  /** Only below; ends in `/`, or is empty. */
  prefix?: string;
  kind?: 'file' | 'folder';
  cursor?: string;
  limit: number;
}

export interface SearchPage {
  /** Bucket by bucket, and in each in order of the word that was found. */
  entries: { bucket: Bucket; entry: EntryInfo }[];
  /** null: that was all. A page may hold less than `limit`, or nothing, and still not be the last. */
  next: string | null;
  /** False: names that came a moment ago are not looked through yet. */
  complete: boolean;
}
