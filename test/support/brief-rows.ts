import type { BriefRow } from '../../src/contracts/metadata-store.ts';

/** What a row shows, as values of its own. */
export type BriefEntry =
  | (Pick<BriefRow, 'size' | 'modified' | 'checksum' | 'storageClass'> & { name: string; etag: string })
  | { prefix: string };

export function entryOf(row: BriefRow): BriefEntry {
  const { bytes, prefix, nameAt, nameEnd, etagAt, etagEnd, size, modified, checksum, storageClass } = row;
  const name = bytes.toString('utf8', nameAt, nameEnd);
  if (prefix) return { prefix: name };
  return { name, etag: bytes.toString('utf8', etagAt, etagEnd), size, modified, checksum, storageClass };
}

export function rowOf(entry: BriefEntry): BriefRow {
  const shown =
    'prefix' in entry ? { name: entry.prefix, etag: '', size: 0, modified: 0, checksum: null, storageClass: null } : entry;
  const { name, etag, ...rest } = shown;
  const before = Buffer.from('before');
  const named = Buffer.from(name);
  const bytes = Buffer.concat([before, named, Buffer.from(etag), Buffer.from('behind')]);
  const nameEnd = before.length + named.length;
  const places = { nameAt: before.length, nameEnd, etagAt: nameEnd, etagEnd: nameEnd + etag.length };
  return { bytes, prefix: 'prefix' in entry, ...places, ...rest };
}
