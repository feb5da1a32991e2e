import type { Cursor } from '#contracts/journal';
import type { BucketId, ObjectKey } from '#core/address';

/**
 * How far a client has come with one folder (RFC 6578): all changes up to `cursor`, but for the trees that it is still being given (the folder
 * itself at first, later what was moved into it).
 */
export interface SyncState {
  /** The folder by its identity: one that was made anew under the same name starts over. */
  folder: { bucket: BucketId; directoryId: number };
  cursor: Cursor;
  walks: readonly Walk[];
}

/** Everything below `prefix` whose key is greater than `after` is still to be told. */
export interface Walk {
  prefix: ObjectKey;
  after: string;
}

/** More at once would make a token too long for a header. */
export const WALKS_MAX = 4;

/** A URI, as the RFC wants; everything in it is ours, and nothing of it secret. */
export function formatSyncToken({ folder, cursor, walks }: SyncState): string {
  const position = walks.map(({ prefix, after }) => `:${encode(prefix)}.${encode(after)}`).join('');
  return `urn:cloudstore:sync:${folder.bucket}-${folder.directoryId}-${cursor.epoch}.${cursor.seq}${position}`;
}

const TOKEN =
  /^urn:cloudstore:sync:(\d{1,10})-(\d{1,15})-(\d{1,9})\.(\d{1,15})((?::[A-Za-z0-9_-]{0,1400}\.[A-Za-z0-9_-]{0,1400}){0,4})$/;

/** null for what we never said. */
export function parseSyncToken(text: string): SyncState | null {
  const match = TOKEN.exec(text.trim());
  if (match === null) return null;
  const [, bucket, directoryId, epoch, seq, positions = ''] = match;
  const walks = positions
    .split(':')
    .slice(1)
    .map((position): Walk => {
      const [prefix = '', after = ''] = position.split('.').map(decode);
      return { prefix, after };
    });
  return {
    folder: { bucket: Number(bucket), directoryId: Number(directoryId) },
    cursor: { epoch: Number(epoch), seq: Number(seq) },
    walks,
  };
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function decode(text: string): string {
  return Buffer.from(text, 'base64url').toString();
}
