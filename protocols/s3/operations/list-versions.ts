import type { VisiblePage } from '#contracts/history-store';
import type { VersionId } from '#core/object';
import { createDateWriter } from '#http/dates';
import { escapeXml } from '#http/xml';
import { S3Error } from '../errors.ts';
import { type Exchange, ownerOf } from '../exchange.ts';
import { versionOf } from '../representation.ts';
import { Markup, type Output } from '../response-writer.ts';
import { createDescriber, ownerElement } from './list-markup.ts';
import type { Listing } from './list-objects.ts';

export interface VersionMarkers {
  KeyMarker?: string | undefined;
  VersionIdMarker?: string | undefined;
  EncodingType?: string | undefined;
}

/**
 * What a bucket that has, or had, versions shows: keys in byte order, the latest version of each first, delete markers among them.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
 */
export async function listVersions(x: Exchange, listing: Listing, input: VersionMarkers): Promise<Output> {
  const { bucket, prefix, delimiter, limit, encode } = listing;
  const { KeyMarker = '' } = input;
  const version = markerOf(input);
  if ([prefix, delimiter, KeyMarker].some((name) => name.includes('\0'))) {
    throw new S3Error('InvalidArgument', 'A NUL character is in no key.');
  }
  const query = { bucket: bucket.id, prefix, delimiter, after: KeyMarker, version, limit: Math.max(limit, 1) };
  const found = await x.deps.history.visible(x.who, query);
  const page: VisiblePage = limit === 0 ? { entries: [], next: null } : found;
  return {
    IsTruncated: page.next !== null,
    KeyMarker: encode(KeyMarker),
    VersionIdMarker: input.VersionIdMarker ?? '',
    NextKeyMarker: page.next === null ? undefined : encode(page.next.key),
    NextVersionIdMarker: page.next?.version ?? undefined,
    Versions: versionMarkup(page, { encode, owner: ownerOf(x, bucket) }),
    Name: bucket.name,
    Prefix: encode(prefix),
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    MaxKeys: limit,
    CommonPrefixes: prefixesOf(page, encode),
    EncodingType: input.EncodingType,
  };
}

/** @throws InvalidArgument */
export function markerOf({ KeyMarker = '', VersionIdMarker }: VersionMarkers): VersionId | 'null' | null {
  if (VersionIdMarker === undefined) return null;
  const argument = { ArgumentName: 'version-id-marker', ArgumentValue: VersionIdMarker.slice(0, 100) };
  if (VersionIdMarker === '') throw new S3Error('InvalidArgument', 'A version-id marker cannot be empty.', argument);
  if (KeyMarker === '') {
    throw new S3Error('InvalidArgument', 'A version-id marker cannot be specified without a key marker.', argument);
  }
  return versionOf(VersionIdMarker).version ?? null;
}

/** Versions and delete markers in one order, as at AWS. */
function versionMarkup(
  { entries }: VisiblePage,
  { encode, owner }: Pick<Listing, 'encode'> & { owner: ReturnType<typeof ownerOf> },
): Markup {
  const dates = createDateWriter();
  const describe = createDescriber();
  const whose = ownerElement(owner);
  let out = '';
  for (const entry of entries) {
    if (entry.kind === 'prefix') continue;
    const { info } = entry;
    const id = info.visibility === 'null' ? 'null' : info.versionId;
    const named = `<Key>${escapeXml(encode(info.key))}</Key><VersionId>${id}</VersionId><IsLatest>${info.isLatest}</IsLatest><LastModified>${dates.iso(info.modified)}</LastModified>${whose}`;
    out += info.deleteMarker
      ? `<DeleteMarker>${named}</DeleteMarker>`
      : `<Version>${describe(info, info.attributes.checksum, info.attributes.extra?.['s3.storageClass'])}${named}</Version>`;
  }
  return new Markup(out);
}

function prefixesOf({ entries }: VisiblePage, encode: (text: string) => string): Output[] {
  return entries.flatMap((entry) => (entry.kind === 'prefix' ? [{ Prefix: encode(entry.prefix) }] : []));
}
