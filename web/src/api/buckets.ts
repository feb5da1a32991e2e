import { signal } from '@preact/signals';
import { api } from './client.ts';
import { isApiError } from './error.ts';
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
    buckets.value = await api.buckets();
    bucketsError.value = null;
  } catch (error) {
    bucketsError.value = error;
    if (isApiError(error) && error.passing) loadSoon();
  }
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
