import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Entry } from '../api/types.ts';
import { t } from '../i18n/index.ts';

/** What somebody types as a name, and where they stand in it. It outlives the field, which is drawn anew where its entry moves to another row, or out of sight. */
export interface NameDraft {
  current: { key: string; name: string; from: number; to: number } | null;
}

interface NameFieldProps {
  entry: Entry;
  draft: NameDraft;
  /** null: it stays as it is. */
  finish: (entry: Entry, name: string | null) => Promise<void>;
}

/** The name in its place, the part before the ending selected. Enter keeps, Escape leaves. */
export function NameField({ entry, draft, finish }: NameFieldProps) {
  const ref = useRef<HTMLInputElement>(null);
  const done = useRef(false);
  const before = draft.current?.key === entry.key ? draft.current : null;
  // Before it is seen: what somebody types at once is not to be selected under their hands.
  useLayoutEffect(() => {
    const dot = entry.kind === 'folder' ? -1 : entry.name.lastIndexOf('.');
    const field = ref.current;
    field?.focus();
    if (before !== null) field?.setSelectionRange(before.from, before.to);
    else field?.setSelectionRange(0, dot > 0 ? dot : entry.name.length);
    return () => {
      if (done.current || field === null) return;
      // Nobody has left it: half a name is no name.
      done.current = true;
      draft.current = { key: entry.key, name: field.value, from: field.selectionStart ?? 0, to: field.selectionEnd ?? 0 };
    };
  }, []);
  const end = (name: string | null): void => {
    if (done.current) return;
    done.current = true;
    draft.current = null;
    void finish(entry, name);
  };
  return (
    <input
      ref={ref}
      class="name-field"
      aria-label={t('rename.label', { name: entry.name })}
      defaultValue={before?.name ?? entry.name}
      autocomplete="off"
      spellcheck={false}
      onClick={(event) => event.stopPropagation()}
      onDblClick={(event) => event.stopPropagation()}
      onBlur={(event) => end(event.currentTarget.value)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === 'Enter') end(event.currentTarget.value);
        if (event.key === 'Escape') end(null);
      }}
    />
  );
}
