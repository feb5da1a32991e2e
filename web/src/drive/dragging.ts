import type { Entry } from '../api/types.ts';

/** The type under which entries of this page are dragged; other pages' drops never have it. */
export const DRAGGED = 'application/x-cloudstore-entries';

const held: { entries: Entry[] } = { entries: [] };

export function beginDrag(event: DragEvent, entries: Entry[]): void {
  held.entries = entries;
  event.dataTransfer?.setData(DRAGGED, '1');
  if (event.dataTransfer !== null) event.dataTransfer.effectAllowed = 'copyMove';
}

/** What is being dragged, from this very page. */
export function dragged(event: DragEvent): Entry[] {
  return event.dataTransfer?.types.includes(DRAGGED) === true ? held.entries : [];
}

/** Files of the desktop. */
export function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') === true && !event.dataTransfer.types.includes(DRAGGED);
}
