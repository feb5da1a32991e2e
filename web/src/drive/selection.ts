import { computed, signal } from '@preact/signals';
import type { Entry } from '../api/types.ts';

/** Which entries of a folder are selected, and which one the keyboard stands on. By key, so that a new order changes nothing. */
export function createSelection(shown: { readonly value: Entry[] }) {
  const keys = signal<ReadonlySet<string>>(new Set());
  const focus = signal<string | null>(null);
  const inner = { anchor: null as string | null };
  const indexOf = (key: string | null): number => (key === null ? -1 : shown.value.findIndex((entry) => entry.key === key));

  return {
    keys,
    focus,
    focusIndex: computed(() => indexOf(focus.value)),
    entries: computed(() => shown.value.filter(({ key }) => keys.value.has(key))),
    only(key: string): void {
      keys.value = new Set([key]);
      focus.value = key;
      inner.anchor = key;
    },
    toggle(key: string): void {
      const next = new Set(keys.value);
      if (!next.delete(key)) next.add(key);
      keys.value = next;
      focus.value = key;
      inner.anchor = key;
    },
    /** From where the last selection began to here. */
    reach(key: string): void {
      const from = Math.max(0, indexOf(inner.anchor ?? focus.value));
      const to = indexOf(key);
      if (to < 0) return;
      keys.value = new Set(shown.value.slice(Math.min(from, to), Math.max(from, to) + 1).map((entry) => entry.key));
      focus.value = key;
    },
    /** The keyboard alone: nothing is selected by it. */
    stand(key: string): void {
      focus.value = key;
      inner.anchor = key;
    },
    everything(): void {
      keys.value = new Set(shown.value.map(({ key }) => key));
    },
    clear(): void {
      keys.value = new Set();
    },
  };
}

export type Selection = ReturnType<typeof createSelection>;
