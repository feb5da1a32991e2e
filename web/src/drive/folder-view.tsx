import { useComputed, useSignal } from '@preact/signals';
import {
  ClipboardPaste,
  Clock,
  Copy,
  Download,
  Ellipsis,
  Eye,
  FilePlus,
  FolderInput,
  FolderOpen,
  FolderPlus,
  FolderUp,
  FolderX,
  History,
  Info,
  LayoutGrid,
  Link2,
  List as ListIcon,
  Pencil,
  Plus,
  Scissors,
  Search,
  Trash2,
  Upload,
  X,
} from 'lucide';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { isApiError } from '../api/error.ts';
import type { Entry } from '../api/types.ts';
import { restoreAsOf } from '../history/restore-as-of.tsx';
import { trashHref } from '../history/trash-href.ts';
import { showVersions } from '../history/versions-dialog.tsx';
import { t } from '../i18n/index.ts';
import { preferences } from '../preferences.ts';
import { driveHref, go, route } from '../router.ts';
import { share } from '../share/share-dialog.tsx';
import { IconButton } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { type MenuItem, openMenu } from '../ui/menu.tsx';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import { dropped } from '../uploads/dropped.ts';
import { uploads } from '../uploads/queue.ts';
import { clipboard, download, newFolder, removeAll, rename, transfer } from './actions.tsx';
import { Breadcrumbs } from './breadcrumbs.tsx';
import { chooseFolder } from './choose-folder.tsx';
import { Details } from './details.tsx';
import { DRAGGED } from './dragging.ts';
import { EntryGrid } from './entry-grid.tsx';
import { EntryList } from './entry-list.tsx';
import { openFolder } from './folder.ts';
import { createSelection } from './selection.ts';
import { showKeys } from './shortcuts.tsx';
import { Viewer } from './viewer.tsx';

interface FolderViewProps {
  bucket: string;
  folderKey: string;
}

/** One folder: its entries, what can be done with them, by pointer, finger, keyboard and drop. */
export function FolderView({ bucket, folderKey }: FolderViewProps) {
  const place = useMemo(() => ({ bucket, key: folderKey }), [bucket, folderKey]);
  const folder = useMemo(() => openFolder(place), [place]);
  useEffect(() => () => folder.close(), [folder]);
  const selection = useMemo(() => createSelection(folder.shown), [folder]);
  const renaming = useSignal<string | null>(null);
  const dropping = useSignal(false);
  const searching = useSignal(false);
  const chosen = useComputed(() => selection.entries.value);
  const files = useRef<HTMLInputElement>(null);
  const folders = useRef<HTMLInputElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const opened = route.value.query.get('open');

  useEffect(() => {
    document.title = `${place.key === '' ? bucket : place.key.split('/').at(-2)} – CloudStore`;
  }, [place]);
  const state = folder.state.value;
  useEffect(() => {
    if (state === 'ready') refocus();
  }, [place, state, preferences.value.view]);

  // A link to what a file was opens its details and its versions.
  const past = route.value.query.get('versions');
  const pointed = route.value.query.get('version');
  useEffect(() => {
    if (past === null || state !== 'ready') return;
    const key = place.key + past;
    selection.only(key);
    preferences.set('details', true);
    showVersions({ bucket, key, name: past, ...(pointed === null ? {} : { pointed }) });
    go(driveHref(bucket, place.key), true);
  }, [past, state]);

  const open = (entry: Entry): void => {
    if (entry.kind === 'folder') go(driveHref(bucket, entry.key));
    else go(driveHref(bucket, place.key, { open: entry.name }));
  };
  const remove = async (entries: readonly Entry[]): Promise<void> => {
    for (const key of await removeAll(entries)) folder.drop(key);
    selection.clear();
    refocus();
  };
  const refocus = (): void => body.current?.querySelector<HTMLElement>('.entries')?.focus({ preventScroll: true });
  const finishRename = async (entry: Entry, name: string | null): Promise<void> => {
    renaming.value = null;
    refocus();
    if (name === null) return;
    const key = await rename(entry, name);
    if (key === null) return;
    folder.drop(entry.key);
    folder.put({ ...entry, key, name });
    selection.only(key);
  };
  const paste = async (): Promise<void> => {
    const held = clipboard.value;
    if (held === null) return;
    if (held.verb === 'move') clipboard.value = null;
    await transfer(held.verb, held.entries, place);
    folder.relist();
  };
  const hold = (verb: 'move' | 'copy', entries: readonly Entry[]): void => {
    if (entries.length > 0) clipboard.value = { verb, entries: [...entries] };
  };
  const sendTo = async (verb: 'move' | 'copy', entries: readonly Entry[]): Promise<void> => {
    const to = await chooseFolder(place, verb);
    if (to === null) return;
    await transfer(verb, entries, to);
    folder.relist();
  };
  const makeFolder = async (): Promise<void> => {
    const name = await newFolder(place);
    if (name === null) return;
    const key = `${place.key}${name}/`;
    folder.put({ kind: 'folder', bucket, key, name, modified: new Date().toISOString() });
    selection.only(key);
    refocus();
  };

  const itemsFor = (entries: readonly Entry[]): (MenuItem | 'line')[] => {
    const [one] = entries;
    const single = entries.length === 1 && one !== undefined;
    return [
      ...(single
        ? [
            {
              label: t(one.kind === 'folder' ? 'open' : 'view'),
              icon: one.kind === 'folder' ? FolderOpen : Eye,
              keys: '↵',
              act: () => open(one),
            },
          ]
        : []),
      { label: t('download'), icon: Download, act: () => void download(entries) },
      ...(single ? [{ label: t('share.action'), icon: Link2, keys: 'S', act: () => share(one) }] : []),
      'line',
      ...(single ? [{ label: t('rename'), icon: Pencil, keys: 'F2', act: () => (renaming.value = one.key) }] : []),
      { label: t('moveTo'), icon: FolderInput, act: () => void sendTo('move', entries) },
      { label: t('copyTo'), icon: Copy, act: () => void sendTo('copy', entries) },
      { label: t('cut'), icon: Scissors, keys: t('keys.ctrl', { key: 'X' }), act: () => hold('move', entries) },
      { label: t('copy'), icon: Copy, keys: t('keys.ctrl', { key: 'C' }), act: () => hold('copy', entries) },
      'line',
      ...(single && one.kind === 'file'
        ? [{ label: t('versions.title'), icon: History, keys: 'H', act: () => showVersions(one) }]
        : []),
      ...(single && one.kind === 'folder'
        ? [{ label: t('asOf.action'), icon: Clock, act: () => restoreAsOf(one, () => folder.relist()) }]
        : []),
      ...(single ? [{ label: t('details'), icon: Info, keys: 'I', act: () => preferences.set('details', true) }] : []),
      { label: t('remove.action'), icon: Trash2, keys: t('keys.delete'), danger: true, act: () => void remove(entries) },
    ] as (MenuItem | 'line')[];
  };
  const folderItems = (): (MenuItem | 'line')[] => [
    { label: t('folder.new'), icon: FolderPlus, keys: '⇧N', act: () => void makeFolder() },
    { label: t('upload.files'), icon: Upload, keys: 'U', act: () => files.current?.click() },
    { label: t('upload.folder'), icon: FolderUp, act: () => folders.current?.click() },
    'line',
    {
      label: t('share.here'),
      icon: Link2,
      act: () => share({ kind: 'folder', ...place, name: place.key === '' ? bucket : (place.key.split('/').at(-2) ?? '') }),
    },
    { label: t('asOf.action'), icon: Clock, act: () => restoreAsOf(place, () => folder.relist()) },
    { label: t('trash.here'), icon: Trash2, act: () => go(trashHref(place)) },
    ...(clipboard.value === null
      ? []
      : ([
          'line',
          {
            label: t('paste', { count: clipboard.value.entries.length }),
            icon: ClipboardPaste,
            keys: t('keys.ctrl', { key: 'V' }),
            act: () => void paste(),
          },
        ] as (MenuItem | 'line')[])),
  ];
  const contextMenu = (event: MouseEvent, entry: Entry | null): void => {
    if (entry === null) return openMenu(event, t('folder.menu'), folderItems());
    if (!selection.keys.value.has(entry.key)) selection.only(entry.key);
    openMenu(event, t('entry.menu', { name: entry.name }), itemsFor(selection.entries.value));
  };

  /** What the list itself did not take: letters and keys for what can be done. */
  const onKey = (event: KeyboardEvent): void => {
    const focused = folder.shown.value[selection.focusIndex.value];
    const entries = chosen.value.length > 0 ? chosen.value : focused === undefined ? [] : [focused];
    const command = event.ctrlKey || event.metaKey;
    const act: (() => void) | undefined = command
      ? {
          a: () => void folder.all().then(() => selection.everything()),
          c: () => hold('copy', entries),
          x: () => hold('move', entries),
          v: () => void paste(),
        }[event.key.toLowerCase()]
      : event.altKey
        ? undefined
        : {
            Enter: () => focused !== undefined && open(focused),
            F2: () => focused !== undefined && (renaming.value = focused.key),
            Delete: () => void remove(entries),
            Backspace: () => place.key !== '' && go(driveHref(bucket, parentKey(place.key))),
            Escape: () => selection.clear(),
            i: () => preferences.set('details', !preferences.value.details),
            u: () => files.current?.click(),
            N: () => void makeFolder(),
            v: () => preferences.set('view', preferences.value.view === 'list' ? 'grid' : 'list'),
            '/': () => {
              // What can be done with a selection stands where the field comes.
              selection.clear();
              searching.value = true;
            },
            h: () => focused?.kind === 'file' && showVersions(focused),
            s: () => focused !== undefined && share(focused),
            '?': () => void showKeys(),
            ContextMenu: () =>
              entries[0] !== undefined && openMenu(event, t('entry.menu', { name: entries[0].name }), itemsFor(entries)),
          }[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };

  const onDrop = async (event: DragEvent): Promise<void> => {
    event.preventDefault();
    dropping.value = false;
    if (event.dataTransfer === null) return;
    uploads.add(await dropped(event.dataTransfer), place);
  };
  const pick = (input: HTMLInputElement | null): void => {
    if (input?.files == null) return;
    uploads.add(
      [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })),
      place,
    );
    input.value = '';
  };

  const view = preferences.value.view;
  const entries = folder.shown.value;
  const shared = { folder, selection, renaming, finishRename, open, contextMenu, onKey, place };
  return (
    <div
      class="drive"
      ref={body}
      onDragOver={(event) => {
        if (event.dataTransfer?.types.includes('Files') !== true) return;
        event.preventDefault();
        dropping.value = true;
      }}
      onDragLeave={(event) => {
        if (!(event.currentTarget as Element).contains(event.relatedTarget as Node | null)) dropping.value = false;
      }}
      onDrop={(event) => {
        if (event.dataTransfer?.types.includes(DRAGGED) !== true) void onDrop(event);
      }}
    >
      <div class="drive-main">
        <div class="drive-head">
          {chosen.value.length > 0 ? (
            <SelectionBar
              count={chosen.value.length}
              clear={() => selection.clear()}
              items={itemsFor(chosen.value).filter((item): item is MenuItem => item !== 'line')}
            />
          ) : (
            <>
              <Breadcrumbs
                place={place}
                onDropInto={(to, moved) => void transfer('move', moved, to).then(() => folder.relist())}
              />
              <div class="tools">
                {searching.value || folder.filter.value !== '' ? (
                  <span class="filter">
                    <Icon of={Search} size={16} />
                    <input
                      type="search"
                      aria-label={t('filter')}
                      placeholder={t('filter')}
                      value={folder.filter.value}
                      ref={(element) => {
                        if (element !== null && folder.filter.value === '') element.focus();
                      }}
                      onInput={(event) => {
                        folder.filter.value = event.currentTarget.value;
                        void folder.all().catch(() => undefined);
                      }}
                      onBlur={() => (searching.value = false)}
                      onKeyDown={(event) => {
                        if (event.key === 'Escape') {
                          folder.filter.value = '';
                          searching.value = false;
                          refocus();
                        }
                        if (event.key === 'ArrowDown' || event.key === 'Enter') refocus();
                      }}
                    />
                  </span>
                ) : (
                  <IconButton icon={Search} label={t('filter')} onClick={() => (searching.value = true)} />
                )}
                <IconButton
                  icon={view === 'list' ? LayoutGrid : ListIcon}
                  label={view === 'list' ? t('view.grid') : t('view.list')}
                  onClick={() => preferences.set('view', view === 'list' ? 'grid' : 'list')}
                />
                <IconButton
                  icon={Info}
                  label={t('details')}
                  pressed={preferences.value.details}
                  onClick={() => preferences.set('details', !preferences.value.details)}
                />
                <button
                  type="button"
                  class="button primary add"
                  aria-haspopup="menu"
                  aria-label={t('add')}
                  onClick={(event) => openMenu(event, t('add'), folderItems())}
                >
                  <Icon of={Plus} />
                  <span>{t('add')}</span>
                </button>
              </div>
            </>
          )}
        </div>
        {state === 'failed' ? (
          isApiError(folder.error.value, 'not_found') ? (
            <Empty icon={FolderX} title={t('folder.gone')}>
              <p>{t('folder.goneText')}</p>
              <a class="button plain" href={driveHref(bucket, parentKey(place.key))}>
                <Icon of={FolderUp} /> {t('chooser.up')}
              </a>
            </Empty>
          ) : (
            <Failed error={folder.error.value} retry={() => void folder.load()} />
          )
        ) : state === 'loading' ? (
          <Loading rows={9} />
        ) : entries.length === 0 ? (
          <div
            class="entries nothing"
            tabIndex={0}
            onKeyDown={onKey}
            role="group"
            aria-label={t('folder.empty')}
            onContextMenu={(event) => contextMenu(event, null)}
          >
            {folder.filter.value !== '' ? (
              <Empty icon={Search} title={t('filter.none', { text: folder.filter.value })} />
            ) : (
              <Empty icon={FolderOpen} title={t('folder.empty')}>
                <p>{t('folder.emptyText')}</p>
                <div class="row">
                  <button type="button" class="button primary" onClick={() => files.current?.click()}>
                    <Icon of={FilePlus} /> {t('upload.files')}
                  </button>
                  <button type="button" class="button plain" onClick={() => void makeFolder()}>
                    <Icon of={FolderPlus} /> {t('folder.new')}
                  </button>
                </div>
              </Empty>
            )}
          </div>
        ) : view === 'grid' ? (
          <EntryGrid {...shared} />
        ) : (
          <EntryList {...shared} />
        )}
        {state === 'ready' && <StatusLine count={entries.length} more={folder.next.value !== null} />}
      </div>
      {preferences.value.details && (
        <Details
          place={place}
          entries={chosen.value}
          focused={folder.shown.value[selection.focusIndex.value] ?? null}
          open={open}
        />
      )}
      {opened !== null && state === 'ready' && (
        <Viewer
          name={opened}
          entries={entries}
          place={place}
          show={(name) => go(driveHref(bucket, place.key, { open: name }), true)}
          close={() => {
            go(driveHref(bucket, place.key), true);
            refocus();
          }}
        />
      )}
      {dropping.value && (
        <div class="drop-here">
          <Icon of={Upload} size={32} />
          <p>{t('upload.drop', { name: place.key === '' ? bucket : (place.key.split('/').at(-2) ?? '') })}</p>
        </div>
      )}
      <input
        ref={files}
        type="file"
        multiple
        hidden
        aria-hidden="true"
        tabIndex={-1}
        onChange={(event) => pick(event.currentTarget)}
      />
      <input
        ref={(element) => {
          folders.current = element;
          element?.setAttribute('webkitdirectory', '');
        }}
        type="file"
        multiple
        hidden
        aria-hidden="true"
        tabIndex={-1}
        onChange={(event) => pick(event.currentTarget)}
      />
    </div>
  );
}

function SelectionBar({ count, items, clear }: { count: number; items: MenuItem[]; clear: () => void }) {
  const shown = items.filter(({ icon }) => icon !== undefined && [Download, Link2, FolderInput, Trash2].includes(icon));
  return (
    <div class="selection-bar" role="toolbar" aria-label={t('selection')}>
      <IconButton icon={X} label={t('selection.clear')} onClick={clear} />
      <strong aria-live="polite">{t('selection.count', { count })}</strong>
      <span class="grow" />
      {shown.map(
        (item) =>
          item.icon !== undefined && <IconButton key={item.label} icon={item.icon} label={item.label} onClick={item.act} />,
      )}
      <IconButton
        icon={Ellipsis}
        label={t('more')}
        aria-haspopup="menu"
        onClick={(event) => openMenu(event, t('selection'), items)}
      />
    </div>
  );
}

function StatusLine({ count, more }: { count: number; more: boolean }) {
  return (
    <p class="status-line" aria-live="polite">
      {more ? t('entries.more', { count }) : t('entries', { count })}
    </p>
  );
}

function parentKey(key: string): string {
  const whole = key.slice(0, -1);
  return whole.slice(0, whole.lastIndexOf('/') + 1);
}
