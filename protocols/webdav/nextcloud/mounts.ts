import type { Bucket } from '#core/bucket';
import { encodeSegment, type Mount } from '../paths.ts';

const OLD_BASE = '/remote.php/webdav';
const FILES = /^\/remote\.php\/dav\/files\/([^/?#]+)(?=[/?#]|$)/;
const OLD = /^\/remote\.php\/webdav(?=[/?#]|$)/;

/** The user's files under one of the dialect's two paths. */
export interface FilesPath {
  mount: Mount;
  /** The request's path with the user's name written as we write it. */
  path: string;
}

/** null for another path, or another user's. */
export function filesPathOf(path: string, user: string, home: Bucket): FilesPath | null {
  const files = filesBase(user);
  const named = FILES.exec(path);
  if (named !== null) {
    if (decode(named[1] ?? '') !== user) return null;
    return { mount: { base: files, bucket: home.name, aliases: [OLD_BASE] }, path: files + path.slice(named[0].length) };
  }
  return OLD.test(path) ? { mount: { base: OLD_BASE, bucket: home.name, aliases: [files] }, path } : null;
}

export function filesBase(user: string): string {
  return `/remote.php/dav/files/${encodeSegment(user)}`;
}

/** null where it is no UTF-8. */
export function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
