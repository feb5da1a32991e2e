import type { ListEntry } from '#contracts/metadata-store';
import { ancestorsOf, type BucketId, nameOf, type ObjectKey, parentOf } from '#core/address';
import { isCloudStoreError } from '#core/errors';
import type { EntryInfo } from '#core/object';
import { bareDirectory } from '../bare-directory.ts';
import type { Exchange } from '../exchange.ts';
import { hrefName } from '../paths.ts';
import type { Walk } from './token.ts';

/** Something below the folder, with the path under which clients know it; `entry` is null when it is not there any more. */
export interface Member {
  key: ObjectKey;
  href: string;
  displayName: string;
  entry: EntryInfo | null;
}

/** Looks members up by key. Names are asked for once a request: a folder beside an object of its name has another path than its key says. */
export interface MemberFinder {
  find(key: ObjectKey): Promise<Member>;
  of(entry: EntryInfo): Promise<Member>;
  isFolder(key: ObjectKey): Promise<boolean>;
  /** A folder's path beside a file of its name, as one that nobody finds there. */
  goneBeside(folder: ObjectKey): Promise<Member>;
}

export function createMemberFinder(x: Exchange, bucket: BucketId, folder: ObjectKey, folderHref: string): MemberFinder {
  const { namespace } = x.deps;
  const hrefs = new Map<ObjectKey, Promise<string>>([[folder, Promise.resolve(folderHref)]]);

  const at = (key: ObjectKey) => ({ bucket, key });
  function hrefOfFolder(key: ObjectKey): Promise<string> {
    const known = hrefs.get(key);
    if (known !== undefined) return known;
    const made = (async () => {
      const clash = (await orNull(namespace.stat(x.who, at(key.slice(0, -1))))) !== null;
      return `${await hrefOfFolder(parentOf(key))}${hrefName(nameOf(key), clash)}/`;
    })();
    hrefs.set(key, made);
    return made;
  }

  async function named(key: ObjectKey, entry: EntryInfo | null): Promise<Member> {
    if (entry?.kind === 'directory' || (entry === null && key.endsWith('/'))) {
      return { key, href: await hrefOfFolder(key), displayName: nameOf(key), entry };
    }
    const slash = key.lastIndexOf('/') + 1;
    return {
      key,
      href: `${await hrefOfFolder(key.slice(0, slash))}${hrefName(key.slice(slash))}`,
      displayName: key.slice(slash),
      entry,
    };
  }

  return {
    of: (entry) => named(entry.key, entry),
    isFolder: async (key) => (await orNull(namespace.directory(x.who, at(key)))) !== null,
    async goneBeside(key) {
      const name = nameOf(key);
      return { key, href: `${await hrefOfFolder(parentOf(key))}${hrefName(name, true)}/`, displayName: name, entry: null };
    },
    async find(key) {
      if (!key.endsWith('/')) return named(key, await orNull(namespace.stat(x.who, at(key))));
      return named(key, await orNull(namespace.directory(x.who, at(key))));
    },
  };
}

const PAGE_ENTRIES = 1000;

/** Everything below a prefix, in byte order, from `walk.after` on: folders too, also those that live by what is in them only. */
export async function* walkMembers(
  x: Exchange,
  bucket: BucketId,
  walk: Walk,
  infinite: boolean,
  finder: MemberFinder,
): AsyncGenerator<Member[]> {
  const { namespace } = x.deps;
  const delimiter = infinite ? '' : '/';
  let told = new Set<ObjectKey>(walk.after === '' ? [] : foldersOf(walk.after));
  for (let after: string | null = walk.after; after !== null; ) {
    const page = await namespace.list(x.who, {
      bucket,
      prefix: walk.prefix,
      delimiter,
      after,
      limit: PAGE_ENTRIES,
      directories: true,
    });
    const members: Promise<Member>[] = [];
    for (const listed of page.entries) {
      if (infinite) {
        for (const folder of foldersOf(keyOf(listed))) {
          if (folder.length <= walk.prefix.length || told.has(folder)) continue;
          told.add(folder);
          members.push(finder.find(folder));
        }
      }
      if (listed.kind === 'prefix') members.push(finder.of(listed.directory ?? bareDirectory(bucket, listed.prefix)));
      // The marker of a folder is the folder itself, unless S3 put bytes into it.
      else if (!listed.info.key.endsWith('/') || (listed.info.size > 0 && listed.info.key !== walk.prefix))
        members.push(finder.of(listed.info));
    }
    const last = page.entries.at(-1);
    if (last !== undefined) told = new Set([...foldersOf(keyOf(last))]);
    yield await Promise.all(members);
    after = page.next;
  }
}

function keyOf(listed: ListEntry): ObjectKey {
  return listed.kind === 'object' ? listed.info.key : listed.prefix;
}

function foldersOf(key: ObjectKey): ObjectKey[] {
  return [...ancestorsOf(key), ...(key.endsWith('/') ? [key] : [])];
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (isCloudStoreError(error, 'not_found') || isCloudStoreError(error, 'access_denied')) return null;
    throw error;
  }
}
