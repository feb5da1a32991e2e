import type { Folder } from './folder.ts';
import type { Selection } from './selection.ts';

interface Walk {
  folder: Folder;
  selection: Selection;
  columns: number;
  pageRows: number;
}

/** Arrows, Home, End, pages and Space. False: the key is somebody else's. */
export function walkKeys(event: KeyboardEvent, { folder, selection, columns, pageRows }: Walk): boolean {
  if (event.target !== event.currentTarget) return true;
  const entries = folder.shown.value;
  const index = selection.focusIndex.value;
  const command = event.ctrlKey || event.metaKey;
  const steps: Record<string, number> = {
    ArrowDown: columns,
    ArrowUp: -columns,
    PageDown: pageRows * columns,
    PageUp: -pageRows * columns,
    ...(columns > 1 ? { ArrowRight: 1, ArrowLeft: -1 } : {}),
  };
  if (event.altKey) return false;
  if (event.key === ' ') {
    const entry = entries[index];
    if (entry !== undefined) selection.toggle(entry.key);
    event.preventDefault();
    return true;
  }
  if (event.key === 'Home' || event.key === 'End') {
    event.preventDefault();
    const jump = (): void => moveTo(event.key === 'Home' ? 0 : folder.shown.value.length - 1);
    if (event.key === 'End') void folder.all().then(jump, jump);
    else jump();
    return true;
  }
  const step = steps[event.key];
  if (step !== undefined) {
    event.preventDefault();
    moveTo(index < 0 ? 0 : Math.min(entries.length - 1, Math.max(0, index + step)));
    return true;
  }
  return false;

  function moveTo(to: number): void {
    const entry = folder.shown.value[to];
    if (entry === undefined) return;
    if (event.shiftKey) selection.reach(entry.key);
    else if (command) selection.focus.value = entry.key;
    else selection.only(entry.key);
  }
}
