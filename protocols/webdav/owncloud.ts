import type { ShownEntry } from '#core/object';
import type { Exchange } from './exchange.ts';

/** Of the properties that ownCloud's and Nextcloud's clients ask for; an answer binds them to `oc` and `nc`. */
export const OWNCLOUD = 'http://owncloud.org/ns';
export const NEXTCLOUD = 'http://nextcloud.org/ns';

/** How a favorite is stored: as the dead property that clients set. */
export const FAVORITE = `${OWNCLOUD} favorite`;

/** One number for a file or a folder, which stays when it is renamed or moved: the two are counted apart, so they get the even and the odd ones. */
export function fileIdOf(entry: ShownEntry): number {
  return entry.kind === 'object' ? entry.nodeId * 2 : entry.directoryId * 2 + 1;
}

/** The id as the clients keep it: the number in at least 8 digits, and whose it is. */
export function ocIdOf(entry: ShownEntry): string {
  return `${String(fileIdOf(entry)).padStart(8, '0')}occloudstore`;
}

/** What the dialect's clients read from the answer to a change, so that they need not ask for it. Only at the dialect's own mounts. */
export function ownCloudHeaders(x: Exchange, entry: ShownEntry): Record<string, string> {
  if (x.mount.bucket === null) return {};
  return { ETag: `"${entry.etag}"`, 'OC-ETag': `"${entry.etag}"`, 'OC-FileId': ocIdOf(entry) };
}

/** Kinds of images that are made small, and how large a file is still read for it. Whether it really is one, only its bytes say. */
const PICTURES: ReadonlySet<string> = new Set(['jpeg', 'png', 'gif', 'webp', 'avif', 'tiff'].map((kind) => `image/${kind}`));
const PICTURE_BYTES_MAX = 64 << 20;

/** Whether it is worth a client's while to ask for a picture. */
export function hasPreview(entry: ShownEntry): boolean {
  if (entry.kind !== 'object' || entry.size === 0 || entry.size > PICTURE_BYTES_MAX) return false;
  const type = (entry.attributes.contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return PICTURES.has(type) && entry.attributes.customerKey === undefined;
}
