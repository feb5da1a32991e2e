import { signal } from '@preact/signals';
import { api } from './client.ts';
import { isApiError } from './error.ts';
import { session } from './session.ts';
import type { Bucket } from './types.ts';

/** The buckets of the side bar; null: not known yet. */
export const buckets = signal<Bucket[] | null>(null);
export const bucketsError = signal<unknown>(null);

/** `~home` is another's bucket whose name the user has for one of its own; people see it without the mark. */
export function bucketLabel(name: string): string {
  return name.replace(/^~/, '');
}

export async function loadBuckets(): Promise<void> {
  try {
    buckets.value = ownFirst(await api.buckets());
    bucketsError.value = null;
  } catch (error) {
    bucketsError.value = error;
    if (isApiError(error) && error.passing) loadSoon();
  }
}

/** What others share stands behind: of that it may be one folder that opens, and the first is where everybody begins. */
function ownFirst(all: Bucket[]): Bucket[] {
  const me = session.value.kind === 'in' ? session.value.me.id : null;
  return [...all].sort((one, other) => Number(other.owner === me) - Number(one.owner === me));
}

const AGAIN_MS = 5_000;
const waiting = { timer: 0 };

/** Every page shows them, and none but the drive says that they could not be had. */
function loadSoon(): void {
  if (waiting.timer !== 0) return;
  const load = (): void => {
    clearTimeout(waiting.timer);
    waiting.timer = 0;
    window.removeEventListener('online', load);
    void loadBuckets();
  };
  waiting.timer = window.setTimeout(load, AGAIN_MS);
  window.addEventListener('online', load);
}
