import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ObjectRead } from '#contracts/namespace';
import type { DigestName, Digests } from '#core/digest';
import { CloudStoreError } from '#core/errors';
import type { ObjectAttributes, ShownObject } from '#core/object';
import { consume } from '#core/stream';
import { single } from './request-headers.ts';

/** Where a file's attributes hold what `OC-Checksum` said of it, once it was found to be true. */
export const OC_CHECKSUMS = 'oc.checksums';

/** HTTP's names (RFC 9530, RFC 3230) of what we compute. Others are passed over, as both RFCs want. */
const HTTP_NAMES: Readonly<Record<string, DigestName>> = { 'sha-256': 'sha256', sha: 'sha1', md5: 'md5' };
const SIZES: Partial<Record<DigestName, number>> = { sha256: 32, sha1: 20, md5: 16 };
const OC_NAMES: Readonly<Record<string, DigestName>> = { SHA1: 'sha1', MD5: 'md5', SHA256: 'sha256' };

/**
 * What the client says its bytes are: `Repr-Digest` and `Content-Digest` (RFC 9530), `Digest` (RFC 3230), `Content-MD5`, `OC-Checksum`; null when
 * it says nothing that we know. All of it is compared before anything is committed.
 * @throws invalid_argument for a digest that is none, or two that differ
 */
export function expectedDigests(headers: IncomingHttpHeaders): Digests | null {
  const digests: Digests = {};
  const expect = (name: DigestName, value: Buffer): void => {
    const before = digests[name];
    if (value.length !== SIZES[name]) throw new CloudStoreError('invalid_argument', 'A digest has not the length of its kind.');
    if (before !== undefined && !before.equals(value))
      throw new CloudStoreError('invalid_argument', 'Two digests contradict each other.');
    digests[name] = value;
  };
  for (const header of ['repr-digest', 'content-digest']) {
    for (const [name, value] of dictionary(single(headers[header]))) {
      const bytes = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value)?.[1];
      const known = HTTP_NAMES[name];
      if (known !== undefined && bytes !== undefined) expect(known, Buffer.from(bytes, 'base64'));
    }
  }
  for (const [name, value] of dictionary(single(headers.digest))) {
    const known = HTTP_NAMES[name];
    if (known !== undefined) expect(known, Buffer.from(value, 'base64'));
  }
  const md5 = single(headers['content-md5']);
  if (md5 !== undefined) expect('md5', Buffer.from(md5.trim(), 'base64'));
  const own = parseOcChecksum(headers);
  if (own !== null) expect(own.name, own.value);
  return Object.keys(digests).length === 0 ? null : digests;
}

/** ownCloud's `OC-Checksum: SHA1:<hex>`; null without one, or of a kind that we do not compute: the header asks for no answer. */
export function parseOcChecksum(headers: IncomingHttpHeaders): { name: DigestName; value: Buffer } | null {
  const match = /^\s*(SHA1|MD5|SHA256):([0-9a-f]+)\s*$/i.exec(single(headers['oc-checksum']) ?? '');
  const name = OC_NAMES[match?.[1]?.toUpperCase() ?? ''];
  return name === undefined ? null : { name, value: Buffer.from(match?.[2] ?? '', 'hex') };
}

/** To be kept with the file: what is verified only, so that nobody is ever told a checksum that was never true. */
export function checksumsOf(headers: IncomingHttpHeaders): Pick<ObjectAttributes, 'extra'> {
  const own = parseOcChecksum(headers);
  return own === null ? {} : { extra: { [OC_CHECKSUMS]: `${own.name.toUpperCase()}:${own.value.toString('hex')}` } };
}

/** An ETag that is the MD5 of the bytes: S3's, of what came in one piece and under no key of the client's own. */
const MD5_ETAG = /^[0-9a-f]{32}$/;

/** What is known of a file's bytes, as ownCloud tells it: `SHA1:<hex> MD5:<hex>`; undefined: nothing. */
export function knownChecksums({ etag, attributes }: Pick<ShownObject, 'etag' | 'attributes'>): string | undefined {
  const said = attributes.extra?.[OC_CHECKSUMS];
  if (said?.startsWith('MD5:') || attributes.customerKey !== undefined || !MD5_ETAG.test(etag)) return said;
  return `${said === undefined ? '' : `${said} `}MD5:${etag}`;
}

/**
 * rclone, where it takes us for ownCloud, compares by MD5 only, says SHA1, and counts on the server to make the other ("If we set only SHA1 here, owncloud will calculate the MD5 too", its
 * backend/webdav/webdav.go); of a file without one `--checksum` compares nothing but the size.
 */
export function comparesByMd5(headers: IncomingHttpHeaders): boolean {
  return headers['x-oc-mtime'] !== undefined && (headers['user-agent'] ?? '').startsWith('rclone/');
}

/** The digest that a client would like to be told. */
export interface Wanted {
  name: DigestName;
  /** As HTTP calls it. */
  label: string;
  /** RFC 9530's header, or RFC 3230's. */
  header: 'Repr-Digest' | 'Digest';
}

/** `Want-Repr-Digest: sha-256=10` or `Want-Digest: sha-256;q=1`: the one liked best of those that we know. */
export function wantedDigest(headers: IncomingHttpHeaders): Wanted | null {
  const modern = single(headers['want-repr-digest']);
  const old = single(headers['want-digest']);
  if (modern === undefined && old === undefined) return null;
  const header = modern === undefined ? 'Digest' : 'Repr-Digest';
  const liked = (modern ?? old ?? '').split(',').flatMap((part) => {
    const match = /^\s*([a-z0-9-]+)\s*(?:(?:=|;\s*q=)\s*(\d{1,2}(?:\.\d{1,3})?))?\s*$/i.exec(part);
    const label = match?.[1]?.toLowerCase() ?? '';
    const name = HTTP_NAMES[label];
    const weight = Number(match?.[2] ?? 1);
    return name === undefined || weight === 0 ? [] : [{ name, label, weight }];
  });
  const best = liked.reduce<(typeof liked)[number] | null>(
    (top, one) => (top === null || one.weight > top.weight ? one : top),
    null,
  );
  return best === null ? null : { name: best.name, label: best.label, header };
}

/** The header for a digest at hand; none where it is not. */
export function digestHeaders(wanted: Wanted | null, digests: Digests): Record<string, string> {
  const value = wanted === null ? undefined : digests[wanted.name];
  if (wanted === null || value === undefined) return {};
  const text = value.toString('base64');
  return { [wanted.header]: wanted.header === 'Digest' ? `${wanted.label}=${text}` : `${wanted.label}=:${text}:` };
}

/** Reading a file twice is too dear a favour above this. */
const COMPUTED_BYTES_MAX = 64 << 20;

/** The digest of a file that is asked for: what is stored with it, else computed by reading it once. */
export async function answeredDigest(wanted: Wanted, read: ObjectRead, signal: AbortSignal): Promise<Record<string, string>> {
  const known = storedDigest(wanted.name, read.info.attributes);
  if (known !== null) return digestHeaders(wanted, { [wanted.name]: known });
  if (read.info.size > COMPUTED_BYTES_MAX) return {};
  return digestHeaders(wanted, { [wanted.name]: await computed(wanted.name, read, signal) });
}

/**
 * Nextcloud's `X-Recalculate-Hash: sha1`, as rclone asks after an upload whose sum it did not know (its ChecksumUpdatePlugin): `SHA1:<hex>`, of what is stored with the file, else by
 * reading it once, however large it is.
 * @throws invalid_argument for a kind that we do not compute
 */
export async function recalculatedChecksum(kind: string, read: ObjectRead, signal: AbortSignal): Promise<string> {
  const label = kind.trim().toUpperCase();
  const name = Object.hasOwn(OC_NAMES, label) ? OC_NAMES[label] : undefined;
  if (name === undefined) throw new CloudStoreError('invalid_argument', 'X-Recalculate-Hash is sha1, sha256 or md5.');
  const known = storedDigest(name, read.info.attributes);
  return `${label}:${(known ?? (await computed(name, read, signal))).toString('hex')}`;
}

async function computed(name: DigestName, read: ObjectRead, signal: AbortSignal): Promise<Buffer> {
  const hash = createHash(name);
  await consume(read.body(undefined, signal), (bytes) => hash.update(bytes));
  return hash.digest();
}

function storedDigest(name: DigestName, { checksum, extra }: ObjectAttributes): Buffer | null {
  if (checksum?.algorithm === name && checksum.type === 'FULL_OBJECT') return Buffer.from(checksum.value, 'base64');
  const [label, hex] = (extra?.[OC_CHECKSUMS] ?? '').split(':');
  return OC_NAMES[label ?? ''] === name && hex !== undefined ? Buffer.from(hex, 'hex') : null;
}

/** `a=x, b=y` with names in lower case; values keep what may stand in them. */
function dictionary(header: string | undefined): [name: string, value: string][] {
  if (header === undefined) return [];
  return header.split(',').flatMap((part): [string, string][] => {
    const equals = part.indexOf('=');
    return equals < 0 ? [] : [[part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim()]];
  });
}
