import { FilterX, SlidersHorizontal } from 'lucide';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { go, href, route } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';

export interface Filter {
  name: string;
  label: string;
  kind?: 'text' | 'datetime-local';
  /** One of these, or none. */
  choices?: { value: string; label: string }[];
}

const SETTLE_MS = 350;

/** The filters of a page stand in its address, so that they can be kept, sent, and gone back to. */
export function filtersOf(names: readonly string[]): Record<string, string> {
  const { query } = route.value;
  return Object.fromEntries(names.map((name) => [name, query.get(name) ?? '']).filter(([, value]) => value !== ''));
}

/** As `filtersOf`, with one changed; empty: not filtered by it. */
export function filterBy(page: string, values: Record<string, string>): void {
  go(href('admin', [page], Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''))), true);
}

export function Filters({ page, filters }: { page: string; filters: Filter[] }) {
  const inForce = filtersOf(filters.map(({ name }) => name));
  const key = JSON.stringify(inForce);
  const [typed, setTyped] = useState(inForce);
  const [open, setOpen] = useState(false);
  const count = Object.keys(inForce).length;
  const id = useId();
  /** The last that were taken from the fields. */
  const taken = useRef(key);
  const take = (): void => {
    filterBy(page, typed);
    taken.current = JSON.stringify(filtersOf(filters.map(({ name }) => name)));
  };
  useEffect(() => {
    // By a link, or the way back. What comes from the fields may be less than what stands in them by now.
    if (taken.current !== key) setTyped(inForce);
    taken.current = key;
  }, [key]);
  useEffect(() => {
    if (JSON.stringify(typed) === key) return;
    const timer = setTimeout(take, SETTLE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const set = (name: string, value: string): void =>
    setTyped((before) => Object.fromEntries([...Object.entries({ ...before, [name]: value })].filter(([, one]) => one !== '')));
  return (
    <>
      {/* On a phone they would fill the first screen. */}
      <button
        type="button"
        class="button plain filters-fold only-phone"
        aria-expanded={open}
        aria-controls={`${id}-filters`}
        onClick={() => setOpen(!open)}
      >
        <Icon of={SlidersHorizontal} size={17} /> {count === 0 ? t('filter.fold') : t('filter.folded', { count })}
      </button>
      <form
        id={`${id}-filters`}
        class={open ? 'filters open' : 'filters'}
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          take();
        }}
      >
        {filters.map(({ name, label, kind = 'text', choices }) => (
          <label key={name} class="field" for={`${id}-${name}`}>
            <span>{label}</span>
            {choices === undefined ? (
              <input
                id={`${id}-${name}`}
                {...({ type: kind } as { type: 'text' })}
                autocomplete="off"
                autocapitalize="off"
                spellcheck={false}
                value={typed[name] ?? ''}
                onInput={(event) => set(name, event.currentTarget.value)}
              />
            ) : (
              <select id={`${id}-${name}`} value={typed[name] ?? ''} onChange={(event) => set(name, event.currentTarget.value)}>
                <option value="">{t('filter.any')}</option>
                {choices.map((choice) => (
                  <option key={choice.value} value={choice.value}>
                    {choice.label}
                  </option>
                ))}
              </select>
            )}
          </label>
        ))}
        {key !== '{}' && (
          <Button icon={FilterX} onClick={() => filterBy(page, {})}>
            {t('filter.clear')}
          </Button>
        )}
      </form>
    </>
  );
}
