import type { Entry } from '../api/types.ts';
import { showVersions } from '../history/versions-dialog.tsx';
import { t } from '../i18n/index.ts';
import { preferences } from '../preferences.ts';
import { share } from '../share/share-dialog.tsx';
import { openMenu } from '../ui/menu.tsx';
import { undoLast } from '../ui/toast.tsx';
import { download } from './actions.tsx';
import type { Folder } from './folder.ts';
import type { FolderActs } from './folder-acts.ts';
import { entryMenu, orderMenu } from './folder-menus.ts';
import type { FilePicker } from './pick-files.tsx';
import type { Selection } from './selection.ts';
import { showKeys } from './shortcuts.tsx';

interface Pressed {
  folder: Folder;
  selection: Selection;
  acts: FolderActs;
  pick: FilePicker;
  /** Opens the field that narrows the list. */
  search(): void;
}

/** What the list itself did not take: letters and keys for what can be done. */
export function actByKey(event: KeyboardEvent, pressed: Pressed): void {
  const { folder, selection } = pressed;
  const focused = folder.shown.value[selection.focusIndex.value];
  const chosen = selection.entries.value;
  const entries = chosen.length > 0 ? chosen : focused === undefined ? [] : [focused];
  const menu = (): void => {
    if (entries[0] !== undefined)
      openMenu(event, t('entry.menu', { name: entries[0].name }), entryMenu(entries, pressed.acts, folder));
  };
  const act =
    event.ctrlKey || event.metaKey
      ? byCommand(event.key.toLowerCase(), entries, pressed)
      : event.altKey
        ? undefined
        : event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)
          ? menu
          : event.key === 'o'
            ? () => openMenu(event, t('order.by'), orderMenu(folder))
            : byLetter(event.key, entries, focused, pressed);
  if (act === undefined) return;
  event.preventDefault();
  act();
}

function byCommand(key: string, entries: readonly Entry[], { folder, selection, acts }: Pressed): (() => void) | undefined {
  return {
    a: () => void folder.all().then(() => selection.everything()),
    c: () => acts.hold('copy', entries),
    x: () => acts.hold('move', entries),
    v: () => void acts.paste(),
    z: undoLast,
  }[key];
}

function byLetter(
  key: string,
  entries: readonly Entry[],
  focused: Entry | undefined,
  { selection, acts, pick, search }: Pressed,
): (() => void) | undefined {
  const { view, details } = preferences.value;
  return {
    Enter: () => focused !== undefined && acts.open(focused),
    F2: () => focused !== undefined && acts.beginRename(focused),
    Delete: () => void acts.remove(entries),
    Backspace: () => acts.up(),
    Escape: () => selection.clear(),
    i: () => preferences.set('details', !details),
    u: () => pick.files(),
    U: () => pick.folder(),
    N: () => void acts.makeFolder(),
    d: () => void download(entries),
    m: () => entries.length > 0 && void acts.sendTo('move', entries),
    c: () => entries.length > 0 && void acts.sendTo('copy', entries),
    v: () => preferences.set('view', view === 'list' ? 'grid' : 'list'),
    '/': search,
    h: () => focused?.kind === 'file' && showVersions(focused),
    s: () => focused !== undefined && share(focused),
    '?': () => void showKeys(),
  }[key];
}
