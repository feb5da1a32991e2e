import type { BriefEntry, BriefInfo } from '#contracts/metadata-store';
import { createDateWriter } from '#http/dates';
import { escapeXml } from '#http/xml';
import { Markup } from '../response-writer.ts';

export interface MarkupOptions {
  /** For names, as the client asked. */
  encode(text: string): string;
  owner: { ID: string; DisplayName?: string } | undefined;
}

/** An entry as it stands in the answer; a common prefix, which stands behind all objects, apart from them. */
export type Element = string | { prefix: string };

/**
 * Writes an entry in one go: a thousand of them are the whole cost of a listing, which an object for each member and a pass for
 * each element would double. Elements are in the order of AWS's model. Of one page.
 */
export function objectWriter({ encode, owner }: MarkupOptions): (entry: BriefEntry) => Element {
  const dates = createDateWriter();
  const describe = createDescriber();
  const tail = `${ownerElement(owner)}</Contents>`;
  return (entry) => {
    if (entry.kind === 'prefix') return prefixElement(encode(entry.prefix));
    const { info } = entry;
    return `<Contents><Key>${escapeXml(encode(info.key))}</Key><LastModified>${dates.iso(info.modified)}</LastModified>${describe(info, info.checksum, info.storageClass)}${tail}`;
  };
}

/** As `objectWriter`, current objects as the null versions of a bucket that was never versioned. */
export function nullVersionWriter({ encode, owner }: MarkupOptions): (entry: BriefEntry) => Element {
  const dates = createDateWriter();
  const describe = createDescriber();
  const tail = `</LastModified>${ownerElement(owner)}</Version>`;
  return (entry) => {
    if (entry.kind === 'prefix') return prefixElement(encode(entry.prefix));
    const { info } = entry;
    return `<Version>${describe(info, info.checksum, info.storageClass)}<Key>${escapeXml(encode(info.key))}</Key><VersionId>null</VersionId><IsLatest>true</IsLatest><LastModified>${dates.iso(info.modified)}${tail}`;
  };
}

function prefixElement(prefix: string): Element {
  return { prefix: `<CommonPrefixes><Prefix>${escapeXml(prefix)}</Prefix></CommonPrefixes>` };
}

export function joined(elements: readonly Element[]): { objects: Markup; prefixes: Markup } {
  let [objects, prefixes] = ['', ''];
  for (const element of elements) {
    if (typeof element === 'string') objects += element;
    else prefixes += element.prefix;
  }
  return { objects: new Markup(objects), prefixes: new Markup(prefixes) };
}

/** From the ETag, which has nothing to escape, to the storage class. Of one page: neighbours mostly have checksums of one kind, as one object. */
export function createDescriber(): (
  object: Pick<BriefInfo, 'etag' | 'size'>,
  checksum: BriefInfo['checksum'] | undefined,
  storageClass: string | null | undefined,
) => string {
  let known: BriefInfo['checksum'] | undefined = null;
  let sum = '';
  return ({ etag, size }, checksum, storageClass) => {
    if (checksum !== known) {
      known = checksum;
      sum = checksum
        ? `<ChecksumAlgorithm>${checksum.algorithm.toUpperCase()}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`
        : '';
    }
    const storage = storageClass ? escapeXml(storageClass) : 'STANDARD';
    return `<ETag>&quot;${etag}&quot;</ETag>${sum}<Size>${size}</Size><StorageClass>${storage}</StorageClass>`;
  };
}

export function ownerElement(owner: MarkupOptions['owner']): string {
  if (owner === undefined) return '';
  const name = owner.DisplayName === undefined ? '' : `<DisplayName>${escapeXml(owner.DisplayName)}</DisplayName>`;
  return `<Owner>${name}<ID>${owner.ID}</ID></Owner>`;
}
