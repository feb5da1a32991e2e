import { useSignal } from '@preact/signals';
import { FilePlus, FolderOpen, FolderPlus, Search, Upload } from 'lucide';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { Entry } from '../api/types.ts';
import { showVersions } from '../history/versions-dialog.tsx';
import { t } from '../i18n/index.ts';
import { preferences } from '../preferences.ts';
import { driveHref, go, route } from '../router.ts';
import { Icon } from '../ui/icon.tsx';
import { openMenu } from '../ui/menu.tsx';
import { Empty, Loading } from '../ui/states.tsx';
import { fail } from '../ui/toast.tsx';
import { dropped } from '../uploads/dropped.ts';
import { uploads } from '../uploads/queue.ts';
import { namePlace } from './breadcrumbs.tsx';
import { Details } from './details.tsx';
import { hasFiles } from './dragging.ts';
import { EntryGrid } from './entry-grid.tsx';
import { EntryList } from './entry-list.tsx';
import { openFolder } from './folder.ts';
import { createFolderActs } from './folder-acts.ts';
import { FolderHead, SelectionBar } from './folder-head.tsx';
import { actByKey } from './folder-keys.ts';
import { entryMenu, folderMenu } from './folder-menus.ts';
import { useFilePicker } from './pick-files.tsx';
import { createSelection } from './selection.ts';
import { Unseen } from './unseen.tsx';
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
  const body = useRef<HTMLDivElement>(null);
  const refocus = (): void => body.current?.querySelector<HTMLElement>('.entries')?.focus({ preventScroll: true });
  const acts = useMemo(() => createFolderActs(place, folder, selection, refocus), [folder]);
  const { pick, fields } = useFilePicker(place);
  const dropping = useSignal(false);
  const searching = useSignal(false);
  const opened = route.value.query.get('open');

  useEffect(() => {
    document.title = `${namePlace(place)} – CloudStore`;
  }, [place]);
  const state = folder.state.value;
  useLayoutEffect(() => {
    // Whoever types meanwhile goes on: what they type next is no command to the list.
    if (state === 'ready' && document.activeElement?.matches('input, textarea, select') !== true) refocus();
  }, [place, state, preferences.value.view]);
  // A list of nothing is another element than one of something: the keyboard goes along, unless it is elsewhere.
  const nothing = folder.shown.value.length === 0;
  useLayoutEffect(() => {
    if (document.activeElement === document.body) refocus();
  }, [nothing]);

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

  const items = () => folderMenu(place, acts, folder, pick);
  const contextMenu = (event: MouseEvent, entry: Entry | null): void => {
    const named = entry ?? (byKeyboard(event) ? (folder.shown.value[selection.focusIndex.value] ?? null) : null);
    if (named === null) return openMenu(event, t('folder.menu'), items());
    if (!selection.keys.value.has(named.key)) selection.only(named.key);
    openMenu(event, t('entry.menu', { name: named.name }), entryMenu(selection.entries.value, acts, folder));
  };
  const search = (): void => {
    // What can be done with a selection stands where the field comes.
    selection.clear();
    searching.value = true;
  };
  const onKey = (event: KeyboardEvent): void => actByKey(event, { folder, selection, acts, pick, search });

  const onDrop = async (event: DragEvent): Promise<void> => {
    event.preventDefault();
    dropping.value = false;
    if (event.dataTransfer === null) return;
    uploads.add(await dropped(event.dataTransfer), place);
  };

  const entries = folder.shown.value;
  const chosen = selection.entries.value;
  const shared = { ...acts, folder, selection, contextMenu, onKey, place };
  return (
    <div
      class="drive"
      ref={body}
      onDragOver={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        // Over a folder's row they would go into that one, which shows it.
        dropping.value = (event.target as Element).closest('.drop-target') === null;
      }}
      onDragLeave={(event) => {
        if (!(event.currentTarget as Element).contains(event.relatedTarget as Node | null)) dropping.value = false;
      }}
      onDrop={(event) => {
        if (hasFiles(event)) void onDrop(event).catch(fail);
      }}
    >
      <div class="drive-main">
        <div class="drive-head">
          {chosen.length > 0 ? (
            <SelectionBar count={chosen.length} clear={() => selection.clear()} items={entryMenu(chosen, acts, folder)} />
          ) : (
            <FolderHead place={place} folder={folder} searching={searching} items={items} refocus={refocus} />
          )}
        </div>
        {state === 'failed' ? (
          <Unseen place={place} error={folder.error.value} retry={() => void folder.load()} pick={pick.files} />
        ) : state === 'loading' ? (
          <Loading rows={9} />
        ) : nothing ? (
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
                  <button type="button" class="button primary" onClick={pick.files}>
                    <Icon of={FilePlus} /> {t('upload.files')}
                  </button>
                  <button type="button" class="button plain" onClick={() => void acts.makeFolder()}>
                    <Icon of={FolderPlus} /> {t('folder.new')}
                  </button>
                </div>
              </Empty>
            )}
          </div>
        ) : preferences.value.view === 'grid' ? (
          <EntryGrid {...shared} />
        ) : (
          <EntryList {...shared} />
        )}
        {state === 'ready' && <StatusLine count={entries.length} more={folder.next.value !== null} />}
      </div>
      {preferences.value.details && (
        <Details
          place={place}
          entries={chosen}
          focused={folder.shown.value[selection.focusIndex.value] ?? null}
          open={acts.open}
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
          <p>{t('upload.drop', { name: namePlace(place) })}</p>
        </div>
      )}
      {fields}
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

/** A pointer names what it is over; the key for menus means what is in focus. */
function byKeyboard(event: MouseEvent): boolean {
  return event.button !== 2 && (event as PointerEvent).pointerType === '';
}
