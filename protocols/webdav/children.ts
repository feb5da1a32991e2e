import type { FolderEntry, FolderPage } from '#contracts/metadata-store';
import { type BucketId, nameOf, type ObjectKey } from '#core/address';
import type { DirectoryInfo, ShownEntry } from '#core/object';
import type { Exchange } from './exchange.ts';
import { hrefName } from './paths.ts';

/** One entry of a folder as it shows there. */
export interface Child {
  entry: ShownEntry;
  displayName: string;
  /** To be put behind the folder's href and a slash; a folder's ends in one. */
  hrefName: string;
}

/**
 * One listing statement serves this many entries with all their properties. The next page is asked for before this one is
 * used, so that the database works while we write XML; and what a page of this size leaves behind dies young.
 */
const PAGE_ENTRIES = 1000;

/**
 * Everything directly in a folder, in byte order, a page at a time. The folder's own marker is the folder itself, and shows
 * as a file only where S3 put bytes into it; a folder beside an object of the same name shows under an escape.
 */
export async function* childPages(
  x: Exchange,
  bucket: BucketId,
  { key: folder }: DirectoryInfo,
  first: FolderPage,
): AsyncGenerator<Child[]> {
  const clashes = new ClashFinder();
  let page: FolderPage | null = first;
  while (page !== null) {
    const coming: Promise<FolderPage> | null = page.next === null ? null : folderPage(x, bucket, folder, { after: page.next });
    // Its error is thrown when its turn comes; where a client went away that is never.
    coming?.catch(() => undefined);
    const children: Child[] = [];
    for (const listed of page.entries ?? []) {
      const child = childOf(listed, bucket, folder, clashes);
      if (child !== null) children.push(child);
    }
    yield children;
    page = await coming;
  }
}

/** What `childPages` begins with: the folder too. `key` is a path as in `Namespace.entry`. */
export function folderPage(
  { deps, who }: Exchange,
  bucket: BucketId,
  key: ObjectKey,
  { after = '', unless }: { after?: string; unless?: string | undefined } = {},
): Promise<FolderPage> {
  const query = { after, limit: PAGE_ENTRIES, ...(unless === undefined ? {} : { unless }) };
  return deps.namespace.listFolder(who, { bucket, key }, query);
}

function childOf(listed: FolderEntry, bucket: BucketId, folder: ObjectKey, clashes: ClashFinder): Child | null {
  if (listed.kind === 'object') {
    const { info } = listed;
    if (info.key === folder && info.size === 0) return null;
    clashes.sawObject(info.key);
    const name = info.key.slice(folder.length);
    return { entry: info, displayName: name, hrefName: hrefName(name) };
  }
  const name = nameOf(listed.prefix.slice(folder.length));
  const clash = clashes.holds(listed.prefix.slice(0, -1));
  const entry = listed.directory ?? bareDirectory(bucket, listed.prefix);
  return { entry, displayName: name, hrefName: `${hrefName(name, clash)}/` };
}

/** A folder of which nothing but the name is known. */
export function bareDirectory(bucket: BucketId, key: ObjectKey): DirectoryInfo {
  return {
    kind: 'directory',
    bucket,
    key,
    directoryId: 0,
    explicit: false,
    etag: '',
    modified: 0,
    created: 0,
    properties: null,
    bytes: null,
  };
}

/**
 * Tells, while a listing runs in byte order, whether the object `a` was seen when the folder `a/` comes. Between the two lie
 * only keys that begin with `a`, so the objects that are prefixes of what comes now are all that need be remembered.
 */
class ClashFinder {
  private readonly open: ObjectKey[] = [];

  sawObject(key: ObjectKey): void {
    this.leave(key);
    this.open.push(key);
  }

  holds(key: ObjectKey): boolean {
    this.leave(key);
    return this.open.at(-1) === key;
  }

  private leave(key: ObjectKey): void {
    for (let last = this.open.at(-1); last !== undefined && !key.startsWith(last); last = this.open.at(-1)) this.open.pop();
  }
}
