import type { FolderChange } from '#contracts/metadata-store';
import type { Address, BucketId, ObjectKey } from '#core/address';
import { cacheKey, weightOf } from './current-cache.ts';

/**
 * What commits of this process made of the folders that are listed, step by step from one ETag to the next: so a listing of before is
 * mended by what changed in it. Whatever else moves a folder's ETag leaves a gap between two steps, over which nothing is told.
 */
export interface FolderChanges {
  /** It was listed: from now on its steps are kept. */
  follow(at: Address): void;
  followed(at: Address): boolean;
  /** entries null: not known. */
  step(at: Address, from: string, to: string, entries: readonly FolderChange[] | null): void;
  /** By the ETag of then and of now; null: not known. */
  between(at: Address, from: string, to: string): FolderChange[] | null;
  forget(bucket: BucketId | null): void;
}

interface Step {
  from: string;
  to: string;
  entries: readonly FolderChange[];
}

const FOLDERS_MAX = 1_000;
/** Of one folder: with more a listing is sooner made anew. */
const ENTRIES_MAX = 100;
/** Of all, and what an entry may weigh. */
const KEPT_MAX = 4_000;
const WEIGHT_MAX = 4_096;

export function createFolderChanges(): FolderChanges {
  const folders = new Map<string, { steps: Step[]; count: number }>();
  let kept = 0;

  function drop(name: string): void {
    kept -= folders.get(name)?.count ?? 0;
    folders.delete(name);
  }

  function bound(): void {
    for (const oldest of folders.keys()) {
      if (folders.size <= FOLDERS_MAX && kept <= KEPT_MAX) return;
      drop(oldest);
    }
  }

  return {
    follow(at) {
      const name = cacheKey(at);
      const known = folders.get(name) ?? { steps: [], count: 0 };
      folders.delete(name);
      folders.set(name, known);
      bound();
    },
    followed: (at) => folders.has(cacheKey(at)),
    step(at, from, to, entries) {
      const folder = folders.get(cacheKey(at));
      if (folder === undefined) return;
      if (entries === null || entries.some((entry) => weightOf(entry) > WEIGHT_MAX)) {
        kept -= folder.count;
        folder.steps = [];
        folder.count = 0;
        return;
      }
      folder.steps.push({ from, to, entries });
      folder.count += entries.length;
      kept += entries.length;
      while (folder.count > ENTRIES_MAX || folder.steps.length > ENTRIES_MAX) {
        const { length } = folder.steps.shift()?.entries ?? [];
        folder.count -= length;
        kept -= length;
      }
      bound();
    },
    between(at, from, to) {
      const steps = folders.get(cacheKey(at))?.steps ?? [];
      const first = steps.findIndex((step) => step.from === from);
      if (first < 0) return null;
      const changes = new Map<ObjectKey, FolderChange>();
      let etag = from;
      for (const step of steps.slice(first)) {
        if (step.from !== etag) return null;
        for (const entry of step.entries) changes.set(nameOfChange(entry), entry);
        etag = step.to;
      }
      return etag === to ? [...changes.values()] : null;
    },
    forget(bucket) {
      for (const name of folders.keys()) if (bucket === null || name.startsWith(`${bucket}\0`)) drop(name);
    },
  };
}

function nameOfChange(change: FolderChange): ObjectKey {
  if (change.kind === 'gone') return change.key;
  return change.kind === 'object' ? change.info.key : change.prefix;
}
