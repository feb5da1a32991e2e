import type { LinkRecord, LinkStore } from '#contracts/link-store';
import type { Namespace, PutOptions, PutResult } from '#contracts/namespace';
import { type Address, assertKey, type ObjectKey } from '#core/address';
import { CloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import type { Bytes } from '#core/stream';

export interface DropDeps {
  store: LinkStore;
  namespace: Namespace;
  exists(at: Address): Promise<boolean>;
  record: LinkRecord;
  who: Who;
  /** The folder's. */
  key: ObjectKey;
}

/** Room is taken in such steps where nobody has said how much will come. */
const STEP_BYTES = 4 << 20;
const NAME_TRIES_MAX = 1000;
const NAME_BYTES_MAX = 255;
/** What no file system of the owner's could hold, and what makes a name look like another. */
const BAD_NAME = /[\0-\x1f\x7f\u202a-\u202e\u2066-\u2069]/;

/** Room first, then the bytes; what does not become a file gives its room back. Nothing that is there is replaced, or told about. */
export async function dropFile(
  deps: DropDeps,
  name: string,
  body: Bytes,
  options: Omit<PutOptions, 'conditions' | 'etag'>,
): Promise<PutResult> {
  const { store, namespace, record, who } = deps;
  if (record.mode !== 'drop') throw new CloudStoreError('access_denied', 'This link takes no files.');
  const key = await freeKey(deps, name);
  const room = { taken: 0, used: 0 };
  const take = async (bytes: number, files: number): Promise<void> => {
    if (!(await store.takeRoom(record.id, bytes, files)))
      throw new CloudStoreError('quota_exceeded', 'This link takes no more than it has.');
    room.taken += bytes;
  };
  await take(options.size ?? 0, 1);
  let stored = false;
  try {
    const counted = options.size === undefined ? withRoom(body) : body;
    const conditions = { ifNoneMatch: '*' as const };
    const result = await namespace.put(who, { bucket: record.at.bucket, key }, counted, {
      ...options,
      conditions,
      etag: 'opaque',
    });
    stored = true;
    room.used = result.info.size;
    return result;
  } finally {
    const back = room.taken - room.used;
    if (stored) await store.keepRoom(record.id, room.used, 1).catch(() => undefined);
    if (back > 0 || !stored) await store.giveBack(record.id, back, stored ? 0 : 1).catch(() => undefined);
  }

  async function* withRoom(bytes: Bytes): AsyncGenerator<Uint8Array> {
    let come = 0;
    for await (const piece of bytes) {
      come += piece.length;
      while (come > room.taken) await take(STEP_BYTES, 0).catch(() => take(come - room.taken, 0));
      yield piece;
    }
  }
}

/** `a.txt`, or `a (2).txt` where that is taken. A path makes folders below. @throws invalid_key */
export async function freeKey({ exists, record, key }: DropDeps, path: string): Promise<ObjectKey> {
  const segments = path.split('/');
  for (const segment of segments) {
    const bad = segment === '' || segment === '.' || segment === '..' || BAD_NAME.test(segment);
    if (bad || Buffer.byteLength(segment) > NAME_BYTES_MAX)
      throw new CloudStoreError('invalid_key', 'This is no name for a file.');
  }
  const name = segments.pop() ?? '';
  const folder = key + segments.map((segment) => `${segment}/`).join('');
  const dot = name.lastIndexOf('.');
  const [stem, extension] = dot <= 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot)];
  for (let n = 1; n <= NAME_TRIES_MAX; n++) {
    const candidate = folder + (n === 1 ? name : `${stem} (${n})${extension}`);
    assertKey(candidate);
    if (!(await exists({ bucket: record.at.bucket, key: candidate }))) return candidate;
  }
  throw new CloudStoreError('conflict', 'Too many files of this name are there.');
}
