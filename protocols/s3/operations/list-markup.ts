import type { BriefEntry, BriefInfo } from '#contracts/metadata-store';
import { createDateWriter } from '#http/dates';
import { escapeXml } from '#http/xml';
import { Markup } from '../response-writer.ts';

export interface MarkupOptions {
  /** For names, as the client asked. */
  encode(text: string): string;
  owner: { ID: string; DisplayName?: string } | undefined;
}

/**
 * The entries of a page, each written in one go: a thousand of them are the whole cost of a listing, which an object for each
 * member and a pass for each element would double. Elements are in the order of AWS's model.
 */
export function objectMarkup(entries: readonly BriefEntry[], { encode, owner }: MarkupOptions): Markup {
  const dates = createDateWriter();
  const tail = `${ownerElement(owner)}</Contents>`;
  let out = '';
  for (const entry of entries) {
    if (entry.kind === 'prefix') continue;
    const { info } = entry;
    out += `<Contents><Key>${escapeXml(encode(info.key))}</Key><LastModified>${dates.iso(info.modified)}</LastModified>${describe(info, info.checksum, info.storageClass)}${tail}`;
  }
  return new Markup(out);
}

/** Current objects as the null versions of a bucket that was never versioned. */
export function nullVersionMarkup(entries: readonly BriefEntry[], { encode, owner }: MarkupOptions): Markup {
  const dates = createDateWriter();
  const tail = `</LastModified>${ownerElement(owner)}</Version>`;
  let out = '';
  for (const entry of entries) {
    if (entry.kind === 'prefix') continue;
    const { info } = entry;
    out += `<Version>${describe(info, info.checksum, info.storageClass)}<Key>${escapeXml(encode(info.key))}</Key><VersionId>null</VersionId><IsLatest>true</IsLatest><LastModified>${dates.iso(info.modified)}${tail}`;
  }
  return new Markup(out);
}

export function prefixMarkup(entries: readonly BriefEntry[], encode: (text: string) => string): Markup {
  let out = '';
  for (const entry of entries) {
    if (entry.kind === 'prefix') out += `<CommonPrefixes><Prefix>${escapeXml(encode(entry.prefix))}</Prefix></CommonPrefixes>`;
  }
  return new Markup(out);
}

export function describe(
  { etag, size }: Pick<BriefInfo, 'etag' | 'size'>,
  checksum: BriefInfo['checksum'] | undefined,
  storageClass: string | null = null,
): string {
  const sum = checksum
    ? `<ChecksumAlgorithm>${checksum.algorithm.toUpperCase()}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`
    : '';
  const storage = storageClass === null ? 'STANDARD' : escapeXml(storageClass);
  return `<ETag>&quot;${escapeXml(etag)}&quot;</ETag>${sum}<Size>${size}</Size><StorageClass>${storage}</StorageClass>`;
}

export function ownerElement(owner: MarkupOptions['owner']): string {
  if (owner === undefined) return '';
  const name = owner.DisplayName === undefined ? '' : `<DisplayName>${escapeXml(owner.DisplayName)}</DisplayName>`;
  return `<Owner>${name}<ID>${owner.ID}</ID></Owner>`;
}
