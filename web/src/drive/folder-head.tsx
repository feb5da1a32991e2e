import type { Signal } from '@preact/signals';
import {
  ArrowDownUp,
  Download,
  Ellipsis,
  FolderInput,
  Info,
  LayoutGrid,
  Link2,
  List as ListIcon,
  Plus,
  Search,
  Trash2,
  X,
} from 'lucide';
import type { Place } from '../api/client.ts';
import { t } from '../i18n/index.ts';
import { preferences } from '../preferences.ts';
import { IconButton } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { type MenuItem, openMenu } from '../ui/menu.tsx';
import { transfer } from './actions.tsx';
import { Breadcrumbs } from './breadcrumbs.tsx';
import type { Folder } from './folder.ts';
import { type MenuPart, orderMenu } from './folder-menus.ts';

interface FolderHeadProps {
  place: Place;
  folder: Folder;
  searching: Signal<boolean>;
  /** What can be done in the folder. */
  items: () => MenuPart[];
  refocus: () => void;
}

/** Where one is, and how it is looked at. */
export function FolderHead({ place, folder, searching, items, refocus }: FolderHeadProps) {
  const { view, details } = preferences.value;
  return (
    <>
      <Breadcrumbs place={place} onDropInto={(to, moved) => void transfer('move', moved, to).then(() => folder.relist())} />
      <div class="tools">
        {searching.value || folder.filter.value !== '' ? (
          <Filter folder={folder} searching={searching} refocus={refocus} />
        ) : (
          <IconButton icon={Search} label={t('filter')} onClick={() => (searching.value = true)} />
        )}
        <IconButton
          icon={ArrowDownUp}
          label={t('order.by')}
          aria-haspopup="menu"
          onClick={(event) => openMenu(event, t('order.by'), orderMenu(folder))}
        />
        <IconButton
          icon={view === 'list' ? LayoutGrid : ListIcon}
          label={view === 'list' ? t('view.grid') : t('view.list')}
          onClick={() => preferences.set('view', view === 'list' ? 'grid' : 'list')}
        />
        <IconButton icon={Info} label={t('details')} pressed={details} onClick={() => preferences.set('details', !details)} />
        <button
          type="button"
          class="button primary add"
          aria-haspopup="menu"
          aria-label={t('add')}
          onClick={(event) => openMenu(event, t('add'), items())}
        >
          <Icon of={Plus} />
          <span>{t('add')}</span>
        </button>
      </div>
    </>
  );
}

function Filter({ folder, searching, refocus }: Pick<FolderHeadProps, 'folder' | 'searching' | 'refocus'>) {
  return (
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
  );
}

/** What of the menu is at hand. */
const AT_HAND = [Download, Link2, FolderInput, Trash2];

/** Instead of the head, as long as something is selected. */
export function SelectionBar({ count, items, clear }: { count: number; items: MenuPart[]; clear: () => void }) {
  const all = items.filter((item): item is MenuItem => item !== 'line');
  return (
    <div class="selection-bar" role="toolbar" aria-label={t('selection')}>
      <IconButton icon={X} label={t('selection.clear')} onClick={clear} />
      <strong aria-live="polite">{t('selection.count', { count })}</strong>
      <span class="grow" />
      {all.map(
        ({ icon, label, act }) =>
          icon !== undefined && AT_HAND.includes(icon) && <IconButton key={label} icon={icon} label={label} onClick={act} />,
      )}
      <IconButton
        icon={Ellipsis}
        label={t('more')}
        aria-haspopup="menu"
        onClick={(event) => openMenu(event, t('selection'), all)}
      />
    </div>
  );
}
