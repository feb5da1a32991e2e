import { nameOf } from '#core/address';
import { escapeXml } from '#http/xml';
import { knownChecksums } from '../digests.ts';
import { FAVORITE, fileIdOf, hasPreview, NEXTCLOUD, OWNCLOUD, ocIdOf } from '../owncloud.ts';
import { lockKey } from '../resource.ts';
import type { Rights } from '../rights.ts';
import type { Property } from './property.ts';

/**
 * What ownCloud's and Nextcloud's clients ask for, and rclone's drivers of these names. All are there on every mount, and none in `allprop`. An answer
 * binds their namespaces to `oc` and `nc`.
 */
export const OWNCLOUD_PROPERTIES: readonly Property[] = [
  // In the trash as a bare number, which Android's app reads it as.
  oc('id', (entry, { deletedAt }) => (deletedAt(entry) === null ? ocIdOf(entry) : String(fileIdOf(entry)))),
  oc('fileid', (entry) => String(fileIdOf(entry))),
  {
    ...oc('permissions', (entry, context) => permissions(context.rightsOn(entry), entry.kind === 'directory', entry.key === '')),
    needs: 'rights',
  },
  // Of a folder all that is below it, as every commit keeps it.
  oc('size', (entry) => text(entry.kind === 'object' ? entry.size : entry.bytes)),
  oc('checksums', (entry) => {
    const checksums = entry.kind === 'object' ? knownChecksums(entry) : undefined;
    return checksums === undefined ? null : `<oc:checksum>${escapeXml(checksums)}</oc:checksum>`;
  }),
  oc('share-types', () => ''),
  { ...oc('favorite', (entry) => (entry.properties?.[FAVORITE]?.includes('>1<') ? '1' : '0')), settable: true, reads: true },
  { ...oc('owner-id', (_entry, { ownerName }) => (ownerName === null ? null : escapeXml(ownerName))), needs: 'owner' },
  { ...oc('owner-display-name', (_entry, { ownerName }) => (ownerName === null ? null : escapeXml(ownerName))), needs: 'owner' },
  oc('comments-unread', () => '0'),
  // Empty, as long as no backup was restored that clients would have to be asked about.
  oc('data-fingerprint', (entry) => (entry.kind === 'directory' && entry.key === '' ? '' : null)),
  nc('has-preview', (entry) => String(hasPreview(entry))),
  nc('is-encrypted', () => '0'),
  nc('mount-type', () => ''),
  nc('creation_time', (entry) => seconds(entry.created)),
  nc('trashbin-filename', (entry, { deletedAt }) => (deletedAt(entry) === null ? null : escapeXml(nameOf(entry.key)))),
  nc('trashbin-original-location', (entry, { deletedAt }) => (deletedAt(entry) === null ? null : escapeXml(lockKey(entry.key)))),
  nc('trashbin-deletion-time', (entry, { deletedAt }) => {
    const at = deletedAt(entry);
    return at === null ? null : seconds(at);
  }),
  nc('upload_time', (entry) => (entry.kind === 'object' ? seconds(entry.modified) : null)),
];

type Value = (entry: Parameters<Property['render']>[0], context: Parameters<Property['render']>[2]) => string | null;

function oc(name: string, value: Value): Property {
  return property(OWNCLOUD, 'oc', name, value);
}

function nc(name: string, value: Value): Property {
  return property(NEXTCLOUD, 'nc', name, value);
}

function property(namespace: string, prefix: string, name: string, value: Value): Property {
  const [open, close, empty] = [`<${prefix}:${name}>`, `</${prefix}:${name}>`, `<${prefix}:${name}/>`];
  return {
    namespace,
    name,
    listed: false,
    render(entry, _displayName, context) {
      const inside = value(entry, context);
      return inside === null ? null : inside === '' ? empty : open + inside + close;
    },
  };
}

/** ownCloud's letters: readable, deletable, may be renamed and moved, written (files), files and folders made in it. Sharing (R) is not offered by this door. */
export function permissions({ read, write, remove }: Rights, folder: boolean, root: boolean): string {
  const own = root ? '' : `${remove ? 'D' : ''}${write && remove ? 'NV' : ''}`;
  return `${read ? 'G' : ''}${own}${write ? (folder ? 'CK' : 'W') : ''}`;
}

function seconds(ms: number): string {
  return String(Math.floor(ms / 1000));
}

function text(value: number | null): string | null {
  return value === null ? null : String(value);
}
