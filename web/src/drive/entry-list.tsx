import type { Signal } from '@preact/signals';
import { ArrowDown, ArrowUp, Check, Ellipsis } from 'lucide';
import type { Place } from '../api/client.ts';
import type { Entry } from '../api/types.ts';
import { bytes, longDate, type MessageKey, shortDate, t } from '../i18n/index.ts';
import { IconButton } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { fail } from '../ui/toast.tsx';
import { Virtual } from '../ui/virtual.tsx';
import { dropped } from '../uploads/dropped.ts';
import { uploads } from '../uploads/queue.ts';
import { transfer } from './actions.tsx';
import { beginDrag, dragged, hasFiles } from './dragging.ts';
import { type Folder, type SortBy, timeOf } from './folder.ts';
import { order as orderBy } from './folder-menus.ts';
import { walkKeys } from './keys.ts';
import { iconOf, kindOf } from './kinds.ts';
import { type NameDraft, NameField } from './name-field.tsx';
import type { Selection } from './selection.ts';

export interface EntriesProps {
  folder: Folder;
  selection: Selection;
  renaming: Signal<string | null>;
  draft: NameDraft;
  finishRename: (entry: Entry, name: string | null) => Promise<void>;
  open: (entry: Entry) => void;
  contextMenu: (event: MouseEvent, entry: Entry | null) => void;
  onKey: (event: KeyboardEvent) => void;
  place: Place;
}

/** Half a page of the gateway's: whoever scrolls meets no end before it is one. */
export const AHEAD_ROWS = 500;
const ROW_HEIGHT = 46;
const COLUMNS: { by: SortBy; label: MessageKey }[] = [
  { by: 'name', label: 'column.name' },
  { by: 'size', label: 'column.size' },
  { by: 'modified', label: 'column.modified' },
];

/** The folder as a table. The table has the focus, and says by its active row where the keyboard stands. */
export function EntryList(props: EntriesProps) {
  const { folder, selection, contextMenu, onKey } = props;
  const entries = folder.shown.value;
  const index = selection.focusIndex.value;
  const sortBy = (by: SortBy): void => {
    const before = folder.sort.value;
    orderBy(folder, by, before?.by === by ? !before.down : by !== 'name');
  };
  const order = folder.sort.value ?? { by: 'name', down: false };
  const head = (
    <div class="list-head" role="row">
      <span role="columnheader" class="cell-check" aria-label={t('column.selected')} />
      {COLUMNS.map(({ by, label }) => (
        <span
          key={by}
          role="columnheader"
          class={`cell-${by}`}
          aria-sort={order.by !== by ? 'none' : order.down ? 'descending' : 'ascending'}
        >
          <button type="button" tabIndex={-1} onClick={() => sortBy(by)}>
            {t(label)}
            {order.by === by && <Icon of={order.down ? ArrowDown : ArrowUp} size={14} />}
          </button>
        </span>
      ))}
      <span role="columnheader" class="cell-more" aria-label={t('column.actions')} />
    </div>
  );
  return (
    <Virtual
      count={entries.length}
      rowHeight={ROW_HEIGHT}
      visible={index}
      onEnd={() => void folder.more().catch(() => undefined)}
      ahead={AHEAD_ROWS}
      above={head}
      below={folder.loadingMore.value ? <p class="loading-more">{t('loading')}</p> : undefined}
      attributes={{
        class: 'entries list',
        role: 'grid',
        tabIndex: 0,
        'aria-label': t('entries.label'),
        'aria-multiselectable': 'true',
        'aria-rowcount': folder.complete.value ? entries.length + 1 : -1,
        ...(index < 0 ? {} : { 'aria-activedescendant': rowId(index) }),
        onKeyDown: (event: KeyboardEvent) => walkKeys(event, { folder, selection, columns: 1, pageRows: 12 }) || onKey(event),
        onContextMenu: (event: MouseEvent) => contextMenu(event, null),
        onClick: (event: MouseEvent) => {
          if (event.target === event.currentTarget) selection.clear();
        },
      }}
      row={(at) => {
        const entry = entries[at];
        return entry === undefined ? null : <Row key={entry.key} {...props} entry={entry} index={at} />;
      }}
    />
  );
}

function rowId(index: number): string {
  return `entry-${index}`;
}

function Row({
  entry,
  index,
  selection,
  renaming,
  draft,
  finishRename,
  open,
  contextMenu,
  folder,
  place,
}: EntriesProps & { entry: Entry; index: number }) {
  const selected = selection.keys.value.has(entry.key);
  const focused = selection.focus.value === entry.key;
  const kind = kindOf(entry);
  const editing = renaming.value === entry.key;
  return (
    <div
      id={rowId(index)}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selected}
      class={`entry ${selected ? 'selected' : ''} ${focused ? 'focused' : ''}`}
      {...entryHandlers({ entry, selection, open, contextMenu, folder, place, editing })}
    >
      <span role="gridcell" class="cell-check">
        <span
          class={`box ${selected ? 'on' : ''}`}
          onClick={(event) => {
            event.stopPropagation();
            selection.toggle(entry.key);
          }}
        >
          {selected && <Icon of={Check} size={14} />}
        </span>
      </span>
      <span role="gridcell" class="cell-name">
        <Icon of={iconOf(kind)} size={20} class={`kind ${kind}`} />
        {editing ? <NameField entry={entry} draft={draft} finish={finishRename} /> : <EntryName entry={entry} />}
      </span>
      <span role="gridcell" class="cell-size">
        {entry.kind === 'file' ? bytes(entry.size) : <span class="dash">–</span>}
      </span>
      <span
        role="gridcell"
        class="cell-modified"
        title={entry.kind === 'folder' && entry.modified === undefined ? '' : longDate(timeOf(entry))}
      >
        {shortDate(entry.kind === 'file' ? entry.mtime : entry.modified)}
      </span>
      <span role="gridcell" class="cell-more">
        <IconButton
          icon={Ellipsis}
          label={t('entry.menu', { name: entry.name })}
          tabIndex={-1}
          onClick={(event) => contextMenu(event, entry)}
        />
      </span>
    </div>
  );
}

/** A name as text, never as markup. Its direction is its own, and what cannot be seen is shown. */
export function EntryName({ entry }: { entry: Entry }) {
  return (
    <span class="name" title={entry.name}>
      <bdi>{visible(entry.name)}</bdi>
    </span>
  );
}

const BLANK = /^[\s\u00ad\u200b-\u200d\u2060\ufeff]+$/;

/** Control and direction characters are what names lie with: they show as a mark. So does each blank of a name that has nothing else. */
export function visible(name: string): string {
  if (BLANK.test(name)) return '␣'.repeat(name.length);
  return name === '' ? '∅' : name.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

interface HandlerOptions extends Pick<EntriesProps, 'selection' | 'open' | 'contextMenu' | 'folder' | 'place'> {
  entry: Entry;
  editing: boolean;
}

/** What a pointer does to an entry, in the list as in the grid. */
export function entryHandlers({ entry, selection, open, contextMenu, folder, place, editing }: HandlerOptions) {
  const isFolder = entry.kind === 'folder';
  const drop = (event: DragEvent): void => {
    (event.currentTarget as Element).classList.remove('drop-target');
    if (isFolder && hasFiles(event) && event.dataTransfer !== null) {
      event.preventDefault();
      event.stopPropagation();
      void dropped(event.dataTransfer).then((picked) => uploads.add(picked, { bucket: place.bucket, key: entry.key }), fail);
      return;
    }
    const moved = dragged(event).filter(({ key }) => key !== entry.key);
    if (!isFolder || moved.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    void transfer(event.ctrlKey || event.altKey ? 'copy' : 'move', moved, { bucket: place.bucket, key: entry.key }).then(() =>
      folder.relist(),
    );
  };
  return {
    draggable: !editing,
    onClick: (event: MouseEvent) => {
      event.stopPropagation();
      if (editing) return;
      // A finger has no double click: it opens, unless it is selecting.
      const touch = (event as PointerEvent).pointerType === 'touch';
      if (event.shiftKey) selection.reach(entry.key);
      else if (event.ctrlKey || event.metaKey || (touch && selection.keys.value.size > 0)) selection.toggle(entry.key);
      else if (touch) open(entry);
      else selection.only(entry.key);
    },
    onDblClick: () => {
      if (!editing) open(entry);
    },
    onContextMenu: (event: MouseEvent) => {
      event.stopPropagation();
      if ((event as PointerEvent).pointerType === 'touch') {
        event.preventDefault();
        selection.toggle(entry.key);
      } else contextMenu(event, entry);
    },
    onDragStart: (event: DragEvent) => {
      if (!selection.keys.value.has(entry.key)) selection.only(entry.key);
      beginDrag(event, selection.entries.value);
    },
    onDragOver: (event: DragEvent) => {
      if (!isFolder || (dragged(event).length === 0 && !hasFiles(event))) return;
      event.preventDefault();
      (event.currentTarget as Element).classList.add('drop-target');
    },
    onDragLeave: (event: DragEvent) => (event.currentTarget as Element).classList.remove('drop-target'),
    onDrop: drop,
  };
}
