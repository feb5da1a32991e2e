import type { ListObjectsCommandInput, ListObjectsV2CommandInput, ListObjectVersionsCommandInput } from '@aws-sdk/client-s3';
import type { BriefPage } from '#contracts/metadata-store';
import type { Bucket } from '#core/bucket';
import type { XmlBytes } from '#http/xml-bytes';
import { S3Error } from '../errors.ts';
import { bucketOf, type Exchange, type Handler, ownerOf } from '../exchange.ts';
import type { Output } from '../response-writer.ts';
import { encodeUri } from '../uri.ts';
import { listingMarkup, type MarkupOptions, ownerElement } from './list-markup.ts';
import { listVersions, markerOf } from './list-versions.ts';

const KEYS_MAX = 1000;

/** What the three listings share. Encodes names where the client asked for it (XML cannot carry every key). */
export interface Listing {
  bucket: Bucket;
  prefix: string;
  delimiter: string;
  limit: number;
  encoding: 'url' | 'xml';
  /** By it. */
  encode(text: string): string;
}

type Shown = Pick<BriefPage, 'count' | 'next'> & { objects: XmlBytes; prefixes: XmlBytes | undefined };

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export const listObjectsV2: Handler<ListObjectsV2CommandInput> = async (x, input) => {
  const listing = await begin(x, input);
  const token = input.ContinuationToken;
  const after = token === undefined ? (input.StartAfter ?? '') : readToken(token);
  const owner = input.FetchOwner === true ? ownerOf(x, listing.bucket) : undefined;
  const { encode } = listing;
  const page = await read(x, listing, after, { as: 'object', owner });
  return {
    ...common(listing, page, input),
    Contents: page.objects,
    CommonPrefixes: page.prefixes,
    KeyCount: page.count,
    ContinuationToken: token,
    NextContinuationToken: page.next === null ? undefined : writeToken(page.next),
    StartAfter: input.StartAfter === undefined ? undefined : encode(input.StartAfter),
  };
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html */
export const listObjects: Handler<ListObjectsCommandInput> = async (x, input) => {
  const listing = await begin(x, input);
  const owner = ownerOf(x, listing.bucket);
  const page = await read(x, listing, input.Marker ?? '', { as: 'object', owner });
  return {
    ...common(listing, page, input),
    Contents: page.objects,
    CommonPrefixes: page.prefixes,
    Marker: listing.encode(input.Marker ?? ''),
    NextMarker: page.next === null || listing.delimiter === '' ? undefined : listing.encode(page.next),
  };
};

/** A bucket never versioned shows its current objects as null versions. */
export const listObjectVersions: Handler<ListObjectVersionsCommandInput> = async (x, input) => {
  const listing = await begin(x, input);
  if (listing.bucket.versioning !== 'off') return listVersions(x, listing, input);
  markerOf(input);
  const owner = ownerOf(x, listing.bucket);
  const page = await read(x, listing, input.KeyMarker ?? '', { as: 'version', owner });
  return {
    ...common(listing, page, input),
    KeyMarker: listing.encode(input.KeyMarker ?? ''),
    VersionIdMarker: input.VersionIdMarker ?? '',
    NextKeyMarker: page.next === null ? undefined : listing.encode(page.next),
    NextVersionIdMarker: page.next === null ? undefined : 'null',
    Versions: page.objects,
    CommonPrefixes: page.prefixes,
  };
};

async function begin(
  x: Exchange,
  input: {
    Prefix?: string | undefined;
    Delimiter?: string | undefined;
    MaxKeys?: number | undefined;
    EncodingType?: string | undefined;
  },
): Promise<Listing> {
  const { MaxKeys = KEYS_MAX, EncodingType } = input;
  if (MaxKeys < 0 || MaxKeys > 2_147_483_647) {
    throw new S3Error('InvalidArgument', 'Argument maxKeys must be an integer between 0 and 2147483647', {
      ArgumentName: 'maxKeys',
      ArgumentValue: MaxKeys,
    });
  }
  if (EncodingType !== undefined && EncodingType !== 'url') {
    throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request', { ArgumentName: 'encoding-type' });
  }
  return {
    bucket: await bucketOf(x),
    prefix: input.Prefix ?? '',
    delimiter: input.Delimiter ?? '',
    limit: Math.min(MaxKeys, KEYS_MAX),
    encoding: EncodingType ?? 'xml',
    encode: EncodingType === 'url' ? (text) => encodeUri(text, true) : (text) => text,
  };
}

async function read(
  x: Exchange,
  { bucket, prefix, delimiter, limit, encoding }: Listing,
  after: string,
  shown: Pick<MarkupOptions, 'as' | 'owner'>,
): Promise<Shown> {
  const names = [prefix, delimiter, after];
  if (names.some((name) => name.includes('\0'))) throw new S3Error('InvalidArgument', 'A NUL character is in no key.');
  const query = { bucket: bucket.id, prefix, delimiter, after, limit: Math.max(limit, 1) };
  const markup = listingMarkup({ ...shown, buffers: x.buffers, encoding, limit });
  const action = shown.as === 'version' ? 'list.versions' : 'list';
  // Nothing asked is nothing shown, but the right to list is still asked for.
  if (limit === 0) {
    await x.deps.namespace.listBrief(x.who, query, () => () => undefined, action);
    return { count: 0, next: null, ...markup.done() };
  }
  const name = [bucket.id, prefix, delimiter, after, limit, encoding, shown.as, ownerElement(shown.owner)].join('\0');
  const { kept, again } = x.pages.ask(name);
  const found = await x.deps.namespace.listBrief(x.who, { ...query, keep: again, unless: kept?.etag }, markup.begin, action);
  if (found === null && kept !== null) return { ...kept, ...markup.of(kept) };
  if (found === null) throw new Error('A page is as it was, and none was kept.');
  const { objects, prefixes } = markup.done();
  const { count, next, etag } = found;
  if (again && etag !== null) {
    const bytes = { objects: objects.bytes(), prefixes: prefixes?.bytes() ?? Buffer.alloc(0) };
    x.pages.keep(name, { etag, count, next, ...bytes });
  }
  return { count, next, objects, prefixes };
}

function common(
  { bucket, prefix, delimiter, limit, encode }: Listing,
  page: Shown,
  input: { EncodingType?: string | undefined },
): Output {
  return {
    IsTruncated: page.next !== null,
    Name: bucket.name,
    Prefix: encode(prefix),
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    MaxKeys: limit,
    EncodingType: input.EncodingType,
  };
}

/** Opaque to clients; the leading digit is the format. */
function writeToken(after: string): string {
  return Buffer.from(`1${after}`).toString('base64url');
}

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString();
  if (!text.startsWith('1')) {
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', { ArgumentName: 'continuation-token' });
  }
  return text.slice(1);
}
