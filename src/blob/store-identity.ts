import type { BlobStore } from '#contracts/blob-store';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { bytesOf } from '#core/stream';

/** Whose a store of packs is; lies in the store, and the database knows the same. */
export interface StoreIdentity {
  /** Of the installation, 32 hex digits. */
  instance: string;
  /** Of this store, 32 hex digits. */
  store: string;
}

/** The blob that holds it; every other blob of a store is a pack. */
export const IDENTITY_NAME = 'cloudstore-store.json';
/** Lies in a mirror, which is no store, and says whose it is. */
export const MIRROR_MARK = 'cloudstore-mirror';
const BYTES_MAX = 4096;

/** null: the store has none yet. @throws corrupt, unavailable */
export async function readIdentity(blobs: BlobStore): Promise<StoreIdentity | null> {
  const found = await blobs.stat(IDENTITY_NAME);
  if (found === null) return null;
  const text = found.size > BYTES_MAX ? '' : (await blobs.read(IDENTITY_NAME, 0, found.size)).toString('utf8');
  const parsed = parseIdentity(text);
  if (parsed === null)
    throw new CloudStoreError(
      'corrupt',
      `The file ${IDENTITY_NAME} of a store of packs cannot be understood; put it back from a backup, or remove it: a store is known by its packs too.`,
    );
  return parsed;
}

/** Gives the identity that the store has then: another gateway may have been faster. */
export async function writeIdentity(blobs: BlobStore, identity: StoreIdentity): Promise<StoreIdentity> {
  const bytes = Buffer.from(`${JSON.stringify({ format: 1, ...identity })}\n`);
  try {
    await blobs.put(IDENTITY_NAME, bytesOf(bytes), bytes.length);
    return identity;
  } catch (error) {
    if (!isCloudStoreError(error, 'already_exists')) throw error;
    const there = await readIdentity(blobs);
    if (there === null) throw error;
    return there;
  }
}

/** null: it is none. */
export function parseIdentity(text: string): StoreIdentity | null {
  try {
    const { format, instance, store } = JSON.parse(text);
    const hex = /^[0-9a-f]{32}$/;
    return format === 1 && hex.test(instance) && hex.test(store) ? { instance, store } : null;
  } catch {
    return null;
  }
}
