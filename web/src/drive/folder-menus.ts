import {
  ArrowDownUp,
  ClipboardPaste,
  Clock,
  Copy,
  Download,
  Eye,
  FolderInput,
  FolderOpen,
  FolderPlus,
  FolderUp,
  History,
  Info,
  Link2,
  Pencil,
  Scissors,
  Trash2,
  Upload,
} from 'lucide';
import type { Place } from '../api/client.ts';
import type { Entry } from '../api/types.ts';
import { restoreAsOf } from '../history/restore-as-of.tsx';
import { trashHref } from '../history/trash-href.ts';
import { showVersions } from '../history/versions-dialog.tsx';
import { t } from '../i18n/index.ts';
import { preferences } from '../preferences.ts';
import { go } from '../router.ts';
import { share } from '../share/share-dialog.tsx';
import type { MenuItem } from '../ui/menu.tsx';
import { clipboard, download } from './actions.tsx';
import { namePlace } from './breadcrumbs.tsx';
import type { Folder, SortBy } from './folder.ts';
import type { FolderActs } from './folder-acts.ts';
import type { FilePicker } from './pick-files.tsx';

export type MenuPart = MenuItem | 'line';

/** What can be done with these entries. */
export function entryMenu(entries: readonly Entry[], acts: FolderActs, folder: Folder): MenuPart[] {
  const [one] = entries;
  const single = entries.length === 1 ? one : undefined;
  const parts: (MenuPart | false | undefined)[] = [
    single && {
      label: t(single.kind === 'folder' ? 'open' : 'view'),
      icon: single.kind === 'folder' ? FolderOpen : Eye,
      keys: '↵',
      act: () => acts.open(single),
    },
    { label: t('download'), icon: Download, keys: 'D', act: () => void download(entries) },
    single && { label: t('share.action'), icon: Link2, keys: 'S', act: () => share(single) },
    'line',
    single && { label: t('rename'), icon: Pencil, keys: 'F2', act: () => acts.beginRename(single) },
    { label: t('moveTo'), icon: FolderInput, keys: 'M', act: () => void acts.sendTo('move', entries) },
    { label: t('copyTo'), icon: Copy, keys: 'C', act: () => void acts.sendTo('copy', entries) },
    { label: t('cut'), icon: Scissors, keys: t('keys.ctrl', { key: 'X' }), act: () => acts.hold('move', entries) },
    { label: t('copy'), icon: Copy, keys: t('keys.ctrl', { key: 'C' }), act: () => acts.hold('copy', entries) },
    'line',
    single?.kind === 'file' && { label: t('versions.title'), icon: History, keys: 'H', act: () => showVersions(single) },
    single?.kind === 'folder' && {
      label: t('asOf.action'),
      icon: Clock,
      act: () => restoreAsOf(single, () => folder.relist()),
    },
    single && { label: t('details'), icon: Info, keys: 'I', act: () => preferences.set('details', true) },
    { label: t('remove.action'), icon: Trash2, keys: t('keys.delete'), danger: true, act: () => void acts.remove(entries) },
  ];
  return parts.filter((part): part is MenuPart => part !== undefined && part !== false);
}

/** What can be done in the folder itself. */
export function folderMenu(place: Place, acts: FolderActs, folder: Folder, pick: FilePicker): MenuPart[] {
  const held = clipboard.value;
  return [
    { label: t('folder.new'), icon: FolderPlus, keys: '⇧N', act: () => void acts.makeFolder() },
    { label: t('upload.files'), icon: Upload, keys: 'U', act: pick.files },
    { label: t('upload.folder'), icon: FolderUp, keys: '⇧U', act: pick.folder },
    'line',
    { label: t('share.here'), icon: Link2, act: () => share({ kind: 'folder', ...place, name: namePlace(place) }) },
    { label: t('asOf.action'), icon: Clock, act: () => restoreAsOf(place, () => folder.relist()) },
    { label: t('trash.here'), icon: Trash2, act: () => go(trashHref(place)) },
    ...(held === null
      ? []
      : ([
          'line',
          {
            label: t('paste', { count: held.entries.length }),
            icon: ClipboardPaste,
            keys: t('keys.ctrl', { key: 'V' }),
            act: () => void acts.paste(),
          },
        ] as MenuPart[])),
  ];
}

const ORDERS: readonly SortBy[] = ['name', 'size', 'modified'];

/** By what the entries are ordered, as list and as tiles. */
export function orderMenu(folder: Folder): MenuPart[] {
  const { by: now, down } = folder.sort.value ?? { by: 'name', down: false };
  return [
    ...ORDERS.map((by) => ({ label: t(`column.${by}`), checked: by === now, act: () => order(folder, by, by !== 'name') })),
    'line',
    { label: t('order.turn'), icon: ArrowDownUp, act: () => order(folder, now, !down) },
  ];
}

export function order(folder: Folder, by: SortBy, down: boolean): void {
  folder.sort.value = { by, down };
  void folder.all().catch(() => undefined);
}
