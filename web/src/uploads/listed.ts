import { signal } from '@preact/signals';

/** Items that change one by one, many a second, and are shown together: drawing them for each change costs more than all else of a small file. */
export function createListed<T extends { id: number }>(everyMs: number) {
  const shown = signal<readonly T[]>([]);
  const inner = { now: [] as T[], timer: 0 };

  function show(): void {
    clearTimeout(inner.timer);
    inner.timer = 0;
    shown.value = [...inner.now];
  }

  return {
    /** As they were a moment ago. */
    shown,
    now: (): readonly T[] => inner.now,
    set(items: T[]): void {
      inner.now = items;
      show();
    },
    change(id: number, to: Partial<T>): void {
      const at = inner.now.findIndex((item) => item.id === id);
      const item = inner.now[at];
      if (item === undefined) return;
      inner.now[at] = { ...item, ...to };
      if (inner.timer === 0) inner.timer = window.setTimeout(show, everyMs);
    },
  };
}
