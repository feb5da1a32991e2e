import { signal } from '@preact/signals';
import { type Place, request } from '../api/client.ts';
import { preferences } from '../preferences.ts';

/** An upload that was begun and not finished, as this browser remembers it. No bytes and no secret: what it is called on the gateway. */
export interface Begun extends Place {
  name: string;
  size: number;
  modified: number;
  id: string;
  at: number;
}

const OF_LINK = '/s/';
const KEPT_MAX = 200;
const KEPT_MS = 7 * 86_400_000;

const begun = signal<Begun[]>(preferences.value.begun.filter(({ at }) => Date.now() - at < KEPT_MS));
/** Of this tab, which are going on. */
const running = signal<ReadonlySet<string>>(new Set());

function matches(one: Begun, place: Place, file: File): boolean {
  return one.bucket === place.bucket && one.key === place.key && one.size === file.size && one.modified === file.lastModified;
}

function keep(list: Begun[]): void {
  begun.value = list.slice(-KEPT_MAX);
  preferences.set('begun', begun.value);
}

export function rememberedUpload(place: Place, file: File): string | null {
  const id = begun.value.find((one) => matches(one, place, file))?.id ?? null;
  if (id !== null) running.value = new Set([...running.value, id]);
  return id;
}

/** Of two that were begun for one file, because the first was stopped before it was known, one is kept. `late`: this one was stopped. */
export function rememberUpload(place: Place, file: File, id: string, late = false): void {
  const other = begun.value.find((one) => one.id !== id && matches(one, place, file));
  if (other !== undefined && !place.bucket.startsWith(OF_LINK)) {
    if (late) return removeThere(id);
    removeThere(other.id);
  }
  running.value = new Set([...running.value, id]);
  const others = begun.value.filter((one) => !matches(one, place, file));
  keep([...others, { ...place, name: file.name, size: file.size, modified: file.lastModified, id, at: Date.now() }]);
}

/** It is to end under another name: the gateway is told at its end. */
export function renameUpload(place: Place, to: Place, file: File): void {
  keep(begun.value.map((one) => (matches(one, place, file) ? { ...one, ...to } : one)));
}

export function forgetUpload(place: Place, file: File): void {
  keep(begun.value.filter((one) => !matches(one, place, file)));
}

/** Without a word to the gateway. */
export function forgetBegun(id: string): void {
  keep(begun.value.filter((one) => one.id !== id));
}

/** Gives it up: what the gateway has of it is removed there too. */
export function dropBegun(id: string): void {
  forgetBegun(id);
  removeThere(id);
}

function removeThere(id: string): void {
  void request(`/uploads/${encodeURIComponent(id)}`, { method: 'DELETE', headers: { 'Tus-Resumable': '1.0.0' } }).catch(
    () => undefined,
  );
}

/** Of a file that is not to go up after all. */
export function giveUpUpload(place: Place, file: File): void {
  const one = begun.value.find((kept) => matches(kept, place, file));
  if (one !== undefined) dropBegun(one.id);
}

/** Begun by a tab that is gone: in the user's own buckets, or in the drop folder of a link. */
export function interrupted(folder?: string): Begun[] {
  return begun.value.filter(
    ({ id, bucket }) => !running.value.has(id) && (folder === undefined ? !bucket.startsWith(OF_LINK) : bucket === folder),
  );
}

/** How the drop folder of a link is called here: no bucket has such a name, and the whole token is nothing to be kept. */
export function folderOfLink(token: string): string {
  return OF_LINK + token.slice(0, 8);
}
