import type { z } from 'zod';
import type { OpenLink } from '#contracts/links';
import { nameOf } from '#core/address';
import type { ObjectInfo } from '#core/object';
import { CONTENT_TYPE_DEFAULT } from './file-headers.ts';
import { isoTime } from './represent.ts';
import type { PublicEntry } from './schemas/links.ts';

/** A file or stored folder as visitors of a link see it. */
export function publicEntry(open: OpenLink, { key, size, etag, mtime, attributes }: ObjectInfo): z.infer<typeof PublicEntry> {
  const path = open.pathOf(key);
  if (key.endsWith('/')) return { kind: 'folder', path, name: nameOf(key) };
  const contentType = attributes.contentType ?? CONTENT_TYPE_DEFAULT;
  return { kind: 'file', path, name: nameOf(key), size, contentType, modified: isoTime(mtime), etag };
}
