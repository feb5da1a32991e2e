import { signal } from '@preact/signals';
import { api } from './client.ts';
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
  }
}
