import type { FolderEntry, FolderPage, FolderRow, FolderTeller } from '../../src/contracts/metadata-store.ts';
import type { DirectoryInfo, ShownObject } from '../../src/core/object.ts';

/** A page of a folder with its entries, as they were told. */
export async function gatherFolder(
  list: (begin: () => FolderTeller) => Promise<FolderPage>,
): Promise<Omit<FolderPage, 'count'> & { entries: FolderEntry[] | null }> {
  let entries: FolderEntry[] = [];
  let told: DirectoryInfo | null = null;
  const { folder, count, next } = await list(() => {
    entries = [];
    return {
      folder: (info) => void (told = info),
      file: (row) => void entries.push({ kind: 'object', info: row.object() }),
      directory: (directory) => void entries.push({ kind: 'prefix', prefix: directory.key, directory }),
    };
  });
  if (told !== folder) throw new Error('Another folder was told than the one that was found.');
  if ((count ?? 0) !== entries.length) throw new Error(`${entries.length} entries were told, not ${count}.`);
  return { folder, entries: count === null ? null : entries, next };
}

export function tellFolder(teller: FolderTeller, folder: DirectoryInfo, entries: readonly FolderEntry[]): void {
  teller.folder(folder);
  for (const entry of entries) {
    if (entry.kind === 'object') teller.file(folderRowOf(entry.info));
    else if (entry.directory !== null) teller.directory(entry.directory);
  }
}

/** As a store tells it: its bytes among others. */
export function folderRowOf(info: ShownObject): FolderRow {
  const { key, etag, nodeId, size, modified, mtime, created, attributes, properties } = info;
  const parts = ['before', key, etag, 'behind'].map((part) => Buffer.from(part));
  const [keyAt = 0, etagAt = 0, behind = 0] = parts.map((_, at) => Buffer.concat(parts.slice(0, at + 1)).length);
  const places = { bytes: Buffer.concat(parts), keyAt, keyEnd: etagAt, etagAt, etagEnd: behind };
  return { ...places, nodeId, size, modified, mtime, created, attributes, properties, object: () => info };
}
