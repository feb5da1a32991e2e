import type { Action, ActionFacts } from '#contracts/authorizer';
import type { Namespace, ObjectRead, ReadOptions } from '#contracts/namespace';
import type { Address } from '#core/address';
import { checkConditions } from '#core/conditions';
import { CloudStoreError } from '#core/errors';
import type { DirectoryInfo, EntryInfo, ObjectInfo } from '#core/object';
import type { Who } from '#core/principal';
import { type RangeRequest, resolveRange } from '#core/range';
import type { Rooms } from './deps.ts';
import { namedBody } from './named-body.ts';

/** The object, its conditions decided. A delete marker comes only by its version; it has no conditions and no bytes. */
export async function stat(rooms: Rooms, who: Who, at: Address, options: ReadOptions = {}): Promise<ObjectInfo> {
  await rooms.access.require(who, readAction(options.version, options.only), at.bucket, at.key, factsOf(options.version));
  const info = await find(rooms, at, options.version);
  if (options.conditions !== undefined && !info.deleteMarker) {
    const modified = options.conditionTime === 'mtime' ? info.mtime : info.modified;
    const { cacheControl, expires } = info.attributes;
    const kept = { ...(cacheControl === undefined ? {} : { cacheControl }), ...(expires === undefined ? {} : { expires }) };
    const validators = { etag: info.etag, modified, size: info.size, ...kept };
    checkConditions(options.conditions, validators, 'read');
  }
  return info;
}

export async function get(
  rooms: Rooms,
  who: Who,
  at: Address,
  options: ReadOptions & { range?: RangeRequest } = {},
): Promise<ObjectRead> {
  const info = await stat(rooms, who, at, options);
  assertOpen(info, options.sealed);
  const range = options.range === undefined || info.deleteMarker ? null : resolveRange(options.range, info.size);
  return {
    info,
    range,
    body(part = range ?? undefined, signal) {
      if (info.content === null) throw new CloudStoreError('not_found', 'A delete marker has no bytes.');
      return namedBody(rooms.content.read(info.content, part, signal), info, rooms.onDamage);
    },
  };
}

export function peek(rooms: Rooms, who: Who, at: Address): ReturnType<Namespace['peek']> {
  if (rooms.access.peek(who, 'read', at.bucket, at.key) === null) return null;
  return inMemory(rooms, rooms.store.peekCurrent(at));
}

export function peekObject(rooms: Rooms, who: Who, at: Address): ObjectInfo | null {
  if (rooms.access.peek(who, 'read', at.bucket, at.key) === null) return null;
  return openObject(rooms.store.peekCurrent(at));
}

export function glance(rooms: Rooms, who: Who, at: Address): ReturnType<Namespace['glance']> {
  if (rooms.access.peek(who, 'read', at.bucket, at.key) === null) return null;
  return rooms.store.current(at).then(
    (info) => inMemory(rooms, info),
    () => null,
  );
}

/** A right that is not there is told by whoever asks without `peek`. */
export function peekEntry(rooms: Rooms, who: Who, at: Address, below: boolean): ReturnType<Namespace['peekEntry']> {
  const { access, store } = rooms;
  if (access.peek(who, 'read', at.bucket, at.key) === null) return null;
  const isFolder = at.key === '' || at.key.endsWith('/');
  const object = isFolder ? null : store.peekCurrent(at);
  if (object === undefined) return null;
  const entry = object ?? store.peekDirectory(isFolder ? at : { ...at, key: `${at.key}/` });
  if (entry == null) return null;
  const listed = below && entry.kind === 'directory';
  if (listed && access.peek(who, 'list', at.bucket, entry.key, { delimiter: '/', maxKeys: 0 }) === null) return null;
  const locks = rooms.locks.peek(at.bucket, at.key, listed);
  return locks === undefined ? null : { entry, locks };
}

export function peekChanges(
  { access, store }: Rooms,
  who: Who,
  at: Address,
  since: string,
): ReturnType<Namespace['peekChanges']> {
  if (access.peek(who, 'list', at.bucket, at.key, { delimiter: '/', maxKeys: 0 }) === null) return null;
  return store.peekChanges(at, since);
}

function inMemory(rooms: Rooms, info: ObjectInfo | null | undefined): ReturnType<Namespace['peek']> {
  const object = openObject(info);
  if (object?.content == null) return null;
  try {
    const body = rooms.content.peek(object.content);
    return body === null ? null : { info: object, body };
  } catch {
    return null; // the full path reads it again and says what is wrong
  }
}

/** What is there, and needs no key of its owner's. */
function openObject(info: ObjectInfo | null | undefined): ObjectInfo | null {
  return info == null || info.content === null || info.attributes.customerKey !== undefined ? null : info;
}

export async function entry(rooms: Rooms, who: Who, at: Address): Promise<EntryInfo> {
  const asFile = await rooms.access.requirePath(who, 'read', at.bucket, at.key);
  const found = asFile ? await rooms.store.entry(at) : await rooms.store.directory({ ...at, key: `${at.key}/` });
  return found ?? missing();
}

export async function directory(rooms: Rooms, who: Who, at: Address): Promise<DirectoryInfo> {
  assertDirectoryKey(at);
  await rooms.access.require(who, 'read', at.bucket, at.key);
  return (await rooms.store.directory(at)) ?? missing();
}

/** A named version is read by another right than the current object, at AWS too. */
export function readAction(version: ReadOptions['version'], only?: ReadOptions['only']): Action {
  if (only !== undefined) return version === undefined ? `${only}.read` : `version.${only}.read`;
  return version === undefined ? 'read' : 'version.read';
}

/** @throws customer_key_needed */
export function assertOpen(info: ObjectInfo, sealed: boolean | undefined): void {
  if (info.attributes.customerKey === undefined || sealed === true) return;
  throw new CloudStoreError(
    'customer_key_needed',
    'The object lies under a key that only its owner has, and is read by S3 with that key.',
  );
}

export function factsOf(version: ReadOptions['version']): ActionFacts | undefined {
  return version === undefined ? undefined : { version };
}

/** @throws not_found, version_not_found */
export async function find(rooms: Rooms, at: Address, version: ReadOptions['version']): Promise<ObjectInfo> {
  if (version === undefined) return (await rooms.store.current(at)) ?? missing();
  const info = await rooms.store.version(at, version);
  if (info === null) throw new CloudStoreError('version_not_found', 'There is no such version.', { details: { version } });
  return info;
}

export function assertDirectoryKey({ key }: Address): void {
  if (key !== '' && !key.endsWith('/')) throw new CloudStoreError('invalid_key', "A folder's key ends in a slash.");
}

export function missing(): never {
  throw new CloudStoreError('not_found', 'There is nothing at this key.');
}
