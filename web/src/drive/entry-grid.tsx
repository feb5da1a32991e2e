import { Check } from 'lucide';
import { useState } from 'preact/hooks';
import type { Entry } from '../api/types.ts';
import { bytes, t } from '../i18n/index.ts';
import { Icon } from '../ui/icon.tsx';
import { Virtual } from '../ui/virtual.tsx';
import { AHEAD_ROWS, type EntriesProps, EntryName, entryHandlers } from './entry-list.tsx';
import { walkKeys } from './keys.ts';
import { iconOf, kindOf } from './kinds.ts';
import { NameField } from './name-field.tsx';
import { Thumbnail } from './thumbnail.tsx';

const TILE_WIDTH_MIN = 168;
const TILE_HEIGHT = 188;

/** The folder as tiles with pictures, rows of them in a virtual list. */
export function EntryGrid(props: EntriesProps) {
  const { folder, selection, contextMenu, onKey } = props;
  const [width, setWidth] = useState(900);
  const columns = Math.max(2, Math.floor((width - 24) / TILE_WIDTH_MIN));
  const entries = folder.shown.value;
  const index = selection.focusIndex.value;
  return (
    <Virtual
      count={Math.ceil(entries.length / columns)}
      rowHeight={TILE_HEIGHT}
      visible={index < 0 ? -1 : Math.floor(index / columns)}
      onEnd={() => void folder.more().catch(() => undefined)}
      ahead={Math.ceil(AHEAD_ROWS / columns)}
      onWidth={setWidth}
      attributes={{
        class: 'entries tiles',
        role: 'listbox',
        tabIndex: 0,
        'aria-label': t('entries.label'),
        'aria-multiselectable': 'true',
        ...(index < 0 ? {} : { 'aria-activedescendant': `entry-${index}` }),
        onKeyDown: (event: KeyboardEvent) => walkKeys(event, { folder, selection, columns, pageRows: 3 }) || onKey(event),
        onContextMenu: (event: MouseEvent) => contextMenu(event, null),
        onClick: () => selection.clear(),
      }}
      row={(row) => (
        <div key={row} class="tile-row" role="presentation" style={{ '--columns': String(columns) }}>
          {entries.slice(row * columns, (row + 1) * columns).map((entry, column) => (
            <Tile key={entry.key} {...props} entry={entry} index={row * columns + column} />
          ))}
        </div>
      )}
    />
  );
}

function Tile({
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
  const kind = kindOf(entry);
  const editing = renaming.value === entry.key;
  return (
    <div
      id={`entry-${index}`}
      role="option"
      aria-selected={selected}
      class={`entry tile ${selected ? 'selected' : ''} ${selection.focus.value === entry.key ? 'focused' : ''}`}
      {...entryHandlers({ entry, selection, open, contextMenu, folder, place, editing })}
    >
      <span class="tile-picture">
        {entry.kind === 'file' && kind === 'image' ? (
          <Thumbnail file={entry} />
        ) : (
          <Icon of={iconOf(kind)} size={44} class={`kind ${kind}`} />
        )}
        {selected && (
          <span class="box on">
            <Icon of={Check} size={14} />
          </span>
        )}
      </span>
      <span class="tile-text">
        {editing ? <NameField entry={entry} draft={draft} finish={finishRename} /> : <EntryName entry={entry} />}
        <span class="muted small">{entry.kind === 'file' ? bytes(entry.size) : t('folder')}</span>
      </span>
    </div>
  );
}
