import { problemOf } from '../../../clients/typescript/problem.ts';
import { client } from './session.ts';
import type { Bucket, Entry, Listing } from './types.ts';

export const ROOT = '/api/v1';

export interface Place {
  bucket: string;
  key: string;
}

/** The bytes of a file, as it is or as it was. */
export interface Bytes extends Place {
  /** This version of it. */
  past?: string;
  /** The token of a shared link: the key is the path within it, and nobody is signed in. */
  link?: string;
}

export interface RequestOptions {
  method?: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** A request in the user's name. @throws ApiError, AbortError */
export function request(
  path: string,
  { method = 'GET', query, body, headers = {}, signal }: RequestOptions = {},
): Promise<Response> {
  return client.request(method, path + queryOf(query), {
    headers: body === undefined ? headers : { 'Content-Type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
}

export async function getJson<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await request(path, options);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

function queryOf(query: RequestOptions['query']): string {
  const fields = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== false);
  if (fields.length === 0) return '';
  return `?${fields.map(([name, value]) => `${name}=${value === true ? 'true' : encodeURIComponent(String(value))}`).join('&')}`;
}

/** Paths can't carry dot segments, because what lies between folds them away: such keys go in the query. */
export function placePath(root: string, { bucket, key }: Place): { path: string; query: { key?: string } } {
  const segments = key.split('/');
  const base = `${root}/${encodeURIComponent(bucket)}`;
  if (segments.some((name) => name === '.' || name === '..')) return { path: base, query: { key } };
  return { path: `${base}/${segments.map(encodeURIComponent).join('/')}`, query: {} };
}

/** Where a file's bytes are, for what sends the cookie: a picture, a player, a download. */
export function fileUrl(place: Bytes, query: RequestOptions['query'] = {}): string {
  const at = bytesPath(place);
  return ROOT + at.path + queryOf({ ...at.query, ...query });
}

/** Where a file of a backup is, to be saved. */
export function backedUpUrl(query: { from: string; name: string; bucket: string; key: string; versionId: string }): string {
  return `${ROOT}/backups/file${queryOf(query)}`;
}

function bytesPath(place: Bytes): { path: string; query: { key?: string; version?: string } } {
  if (place.link !== undefined)
    return { path: `/public/${place.link}/files/${place.key.split('/').map(encodeURIComponent).join('/')}`, query: {} };
  if (place.past === undefined) return placePath('/files', place);
  const { path, query } = placePath('/versions', place);
  return { path, query: { ...query, version: place.past } };
}

/** A small picture of an image; the version in the address lets the browser keep it. */
export function thumbnailUrl(file: Place & { etag: string }, size: 64 | 256 | 1024 = 256): string {
  const at = placePath('/thumbnails', file);
  return ROOT + at.path + queryOf({ ...at.query, size, v: file.etag });
}

/** A compressed answer's is weak, and means the same. */
function tagOf({ headers }: Response): string {
  return headers.get('ETag')?.replace(/^W\//, '') ?? '';
}

interface TransferOptions {
  overwrite?: boolean;
  signal?: AbortSignal;
}

/** What can be called off says so: else it is finished, whoever goes away. */
export function unlessGone(signal: AbortSignal | undefined): { onDisconnect?: 'cancel' } {
  return signal === undefined ? {} : { onDisconnect: 'cancel' };
}

export const api = {
  buckets: async () => (await getJson<{ buckets: Bucket[] }>('/buckets')).buckets,
  createBucket: (name: string) => getJson<Bucket>('/buckets', { method: 'POST', body: { name } }),

  /** With the folder's tag as it was before this was read. */
  async list(
    place: Place,
    options: { cursor?: string | undefined; limit?: number; recursive?: boolean; signal?: AbortSignal } = {},
  ): Promise<Listing & { tag: string }> {
    const { path, query } = placePath('/files', place);
    const { signal, ...rest } = options;
    const answer = await request(path, { query: { ...query, ...rest }, signal });
    return { ...((await answer.json()) as Listing), tag: tagOf(answer) };
  },
  /** Another one after every change in the folder and below. */
  async folderTag(place: Place, signal?: AbortSignal): Promise<string> {
    const { path, query } = placePath('/files', place);
    return tagOf(await request(path, { method: 'HEAD', query, signal }));
  },
  stat(place: Place, verified = false) {
    const { path, query } = placePath('/stat', place);
    return getJson<Entry>(path, { query: { ...query, verified } });
  },
  checksum(place: Place, signal?: AbortSignal) {
    const { path, query } = placePath('/checksum', place);
    return getJson<{ algorithm: string; value: string }>(path, { query, signal });
  },
  async bytes(place: Bytes, options: { range?: string; signal?: AbortSignal } = {}) {
    const { path, query } = bytesPath(place);
    const headers: Record<string, string> = options.range === undefined ? {} : { Range: options.range };
    if (place.link === undefined) return request(path, { query, headers, signal: options.signal });
    const response = await fetch(ROOT + path, { headers, signal: options.signal ?? null });
    if (!response.ok) throw await problemOf(response);
    return response;
  },
  makeFolder(place: Place) {
    const { path, query } = placePath('/files', place);
    return getJson<Entry>(path, { method: 'PUT', query, headers: { 'If-None-Match': '*' } });
  },
  /** With a signal nothing of it is done where it comes in time. */
  remove(place: Place, signal?: AbortSignal) {
    const { path, query } = placePath('/files', place);
    const options = { ...query, recursive: place.key.endsWith('/'), ...unlessGone(signal) };
    return getJson<void>(path, { method: 'DELETE', query: options, signal });
  },
  /** As `remove`; between buckets of different owners what was copied stays. */
  transfer(verb: 'move' | 'copy', from: Place, to: Place, { overwrite = false, signal }: TransferOptions = {}) {
    const places = { from: { bucket: from.bucket, key: from.key }, to: { bucket: to.bucket, key: to.key } };
    const body = { ...places, overwrite, ...unlessGone(signal) };
    return getJson<{ created: boolean; count: number; entry: Entry }>(`/${verb}`, { method: 'POST', body, signal });
  },
};
