import { type Signal, signal } from '@preact/signals';
import type { Place } from '../api/client.ts';
import type { Entry } from '../api/types.ts';
import { driveHref, go } from '../router.ts';
import { clipboard, newFolder, removeAll, rename, transfer } from './actions.tsx';
import { chooseFolder } from './choose-folder.tsx';
import type { Folder } from './folder.ts';
import type { NameDraft } from './name-field.tsx';
import type { Selection } from './selection.ts';

export interface FolderActs {
  /** The key of the entry whose name is being written. */
  renaming: Signal<string | null>;
  /** What was typed of it. */
  draft: NameDraft;
  beginRename(entry: Entry): void;
  open(entry: Entry): void;
  remove(entries: readonly Entry[]): Promise<void>;
  /** null: left as it was. */
  finishRename(entry: Entry, name: string | null): Promise<void>;
  hold(verb: 'move' | 'copy', entries: readonly Entry[]): void;
  paste(): Promise<void>;
  /** Into a folder that is asked for. */
  sendTo(verb: 'move' | 'copy', entries: readonly Entry[]): Promise<void>;
  makeFolder(): Promise<void>;
  up(): void;
}

/** What can be done with the entries of the folder that is looked at. `refocus` gives the keyboard back to them. */
export function createFolderActs(place: Place, folder: Folder, selection: Selection, refocus: () => void): FolderActs {
  const { bucket } = place;
  const renaming = signal<string | null>(null);
  const draft: NameDraft = { current: null };
  return {
    renaming,
    draft,
    beginRename({ key }) {
      draft.current = null;
      renaming.value = key;
    },
    open(entry) {
      if (entry.kind === 'folder') go(driveHref(bucket, entry.key));
      else go(driveHref(bucket, place.key, { open: entry.name }));
    },
    async remove(entries) {
      for (const key of await removeAll(entries)) folder.drop(key);
      selection.clear();
      refocus();
    },
    async finishRename(entry, name) {
      renaming.value = null;
      refocus();
      if (name === null) return;
      const key = await rename(entry, name);
      if (key === null) return;
      folder.drop(entry.key);
      folder.put({ ...entry, key, name });
      selection.only(key);
    },
    hold(verb, entries) {
      if (entries.length > 0) clipboard.value = { verb, entries: [...entries] };
    },
    async paste() {
      const held = clipboard.value;
      if (held === null) return;
      if (held.verb === 'move') clipboard.value = null;
      await transfer(held.verb, held.entries, place);
      folder.relist();
    },
    async sendTo(verb, entries) {
      const to = await chooseFolder(place, verb);
      if (to === null) return;
      await transfer(verb, entries, to);
      folder.relist();
    },
    async makeFolder() {
      const name = await newFolder(place);
      if (name === null) return;
      const key = `${place.key}${name}/`;
      folder.put({ kind: 'folder', bucket, key, name, modified: new Date().toISOString() });
      selection.only(key);
      refocus();
    },
    up() {
      if (place.key !== '') go(driveHref(bucket, parentKey(place.key)));
    },
  };
}

/** Of a folder's key. */
export function parentKey(key: string): string {
  const whole = key.slice(0, -1);
  return whole.slice(0, whole.lastIndexOf('/') + 1);
}
