import type { BriefRow } from '#contracts/metadata-store';
import type { SendBuffers } from '#http/send-buffers';
import { escapeXml } from '#http/xml';
import { type ByteEscapes, byteEscapes, XML_ESCAPES, XmlBytes } from '#http/xml-bytes';
import { encodeUri } from '../uri.ts';

export interface MarkupOptions {
  buffers: SendBuffers;
  /** Names come as the client asked. */
  encoding: 'url' | 'xml';
  owner: Owner | undefined;
  /** What objects are shown as: `null` versions where a bucket was never versioned. */
  as: 'object' | 'version';
  /** Of the page. */
  limit: number;
}

type Owner = { ID: string; DisplayName?: string };

/** Page by page: the objects, and behind all of them the common prefixes. */
export interface ListingMarkup {
  /** Forgets what was shown before. */
  begin(): (row: BriefRow) => void;
  done(): Written;
  /** What was written before. */
  of(kept: { objects: Buffer; prefixes: Buffer }): Written;
}

interface Written {
  objects: XmlBytes;
  prefixes: XmlBytes | undefined;
}

/** As `encodeUri` with its slashes; nothing is left that XML escapes. */
const URL_ESCAPES = byteEscapes((byte) => {
  if (byte >= 0x80) return Buffer.from(`%${byte.toString(16).toUpperCase()}`);
  const char = String.fromCharCode(byte);
  const encoded = encodeUri(char, true);
  return encoded === char ? null : Buffer.from(encoded);
});

/** An object with a usual key and all that may stand beside it; of a long page there is mostly less. */
const ENTRY_BYTES = 420;
const EXPECTED_MAX = 120_000;
const ROOM = { date: 24, number: 20 };

const PREFIX = { open: Buffer.from('<CommonPrefixes><Prefix>'), close: Buffer.from('</Prefix></CommonPrefixes>') };

/**
 * Writes entries as the bytes of the answer: a thousand of them are the whole cost of a listing. What stands between the four things that differ from key to key is made once for neighbours with
 * the same checksums. Elements are in the order of AWS's model.
 */
export function listingMarkup({ buffers, encoding, owner, as, limit }: MarkupOptions): ListingMarkup {
  const escapes = encoding === 'url' ? URL_ESCAPES : XML_ESCAPES;
  const expected = Math.min(limit * ENTRY_BYTES, EXPECTED_MAX);
  let objects = new XmlBytes(buffers, expected);
  let prefixes: XmlBytes | undefined;
  let described: Pick<BriefRow, 'checksum' | 'storageClass'> | null = null;
  let between: readonly Buffer[] = [];
  let fixed = 0;
  const showPrefix = (row: BriefRow): void => {
    prefixes ??= new XmlBytes(buffers, limit * 64);
    prefixes.reserve(PREFIX.open.length + nameMax(row, escapes) + PREFIX.close.length);
    prefixes.put(PREFIX.open);
    prefixes.putEscaped(row.bytes, row.nameAt, row.nameEnd, escapes);
    prefixes.put(PREFIX.close);
  };
  const shape = as === 'object' ? CONTENTS : VERSION;
  const showObject = (row: BriefRow): void => {
    if (described === null || described.checksum !== row.checksum || described.storageClass !== row.storageClass) {
      described = { checksum: row.checksum, storageClass: row.storageClass };
      between = shape.between(described, ownerElement(owner)).map((text) => Buffer.from(text));
      fixed = between.reduce((sum, { length }) => sum + length, ROOM.date + ROOM.number);
    }
    objects.reserve(fixed + nameMax(row, escapes) + row.etagEnd - row.etagAt);
    shape.put(objects, row, between, escapes);
  };
  return {
    begin() {
      objects.back();
      prefixes?.back();
      objects = new XmlBytes(buffers, expected);
      prefixes = undefined;
      return (row) => (row.prefix ? showPrefix(row) : showObject(row));
    },
    done: () => ({ objects, prefixes }),
    of(kept) {
      this.begin();
      objects.reserve(kept.objects.length);
      objects.put(kept.objects);
      if (kept.prefixes.length === 0) return this.done();
      prefixes = new XmlBytes(buffers, kept.prefixes.length);
      prefixes.put(kept.prefixes);
      return this.done();
    },
  };
}

function nameMax({ nameAt, nameEnd }: BriefRow, { longest }: ByteEscapes): number {
  return (nameEnd - nameAt) * longest;
}

interface Shape {
  /** What stands before, between and behind what `put` puts. */
  between(kind: Pick<BriefRow, 'checksum' | 'storageClass'>, owner: string): string[];
  put(to: XmlBytes, row: BriefRow, between: readonly Buffer[], escapes: ByteEscapes): void;
}

const CONTENTS: Shape = {
  between: ({ checksum, storageClass }, owner) => [
    '<Contents><Key>',
    '</Key><LastModified>',
    '</LastModified><ETag>&quot;',
    `&quot;</ETag>${checksumElements(checksum)}<Size>`,
    `</Size>${storageElement(storageClass)}${owner}</Contents>`,
  ],
  put(to, row, between, escapes) {
    to.put(between[0] as Buffer);
    to.putEscaped(row.bytes, row.nameAt, row.nameEnd, escapes);
    to.put(between[1] as Buffer);
    to.putDate(row.modified);
    to.put(between[2] as Buffer);
    to.putPart(row.bytes, row.etagAt, row.etagEnd);
    to.put(between[3] as Buffer);
    to.putNumber(row.size);
    to.put(between[4] as Buffer);
  },
};

const VERSION: Shape = {
  between: ({ checksum, storageClass }, owner) => [
    '<Version><ETag>&quot;',
    `&quot;</ETag>${checksumElements(checksum)}<Size>`,
    `</Size>${storageElement(storageClass)}<Key>`,
    '</Key><VersionId>null</VersionId><IsLatest>true</IsLatest><LastModified>',
    `</LastModified>${owner}</Version>`,
  ],
  put(to, row, between, escapes) {
    to.put(between[0] as Buffer);
    to.putPart(row.bytes, row.etagAt, row.etagEnd);
    to.put(between[1] as Buffer);
    to.putNumber(row.size);
    to.put(between[2] as Buffer);
    to.putEscaped(row.bytes, row.nameAt, row.nameEnd, escapes);
    to.put(between[3] as Buffer);
    to.putDate(row.modified);
    to.put(between[4] as Buffer);
  },
};

/** From the ETag, which has nothing to escape, to the storage class. Of one page: neighbours mostly have checksums of one kind, as one object. */
export function createDescriber(): (
  object: { etag: string; size: number },
  checksum: BriefRow['checksum'] | undefined,
  storageClass: string | null | undefined,
) => string {
  let known: BriefRow['checksum'] | undefined = null;
  let sum = '';
  return ({ etag, size }, checksum, storageClass) => {
    if (checksum !== known) {
      known = checksum;
      sum = checksumElements(checksum);
    }
    return `<ETag>&quot;${etag}&quot;</ETag>${sum}<Size>${size}</Size>${storageElement(storageClass)}`;
  };
}

function checksumElements(checksum: BriefRow['checksum'] | undefined): string {
  if (!checksum) return '';
  return `<ChecksumAlgorithm>${checksum.algorithm.toUpperCase()}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`;
}

function storageElement(storageClass: string | null | undefined): string {
  return `<StorageClass>${storageClass ? escapeXml(storageClass) : 'STANDARD'}</StorageClass>`;
}

export function ownerElement(owner: Owner | undefined): string {
  if (owner === undefined) return '';
  const name = owner.DisplayName === undefined ? '' : `<DisplayName>${escapeXml(owner.DisplayName)}</DisplayName>`;
  return `<Owner>${name}<ID>${owner.ID}</ID></Owner>`;
}
