import type { BucketId, ObjectKey } from '#core/address';
import type { VersionId } from '#core/object';
import type { ChangeCause, PrincipalId, Protocol } from '#core/principal';

/** Every committed change of a bucket, in order, none skipped: `seq` is dense, from a head row updated in the commit. */
export interface Journal {
  head(bucket: BucketId): Promise<Cursor>;
  /** Events after the cursor, oldest first. @throws cursor_expired for another epoch, or one older than what is kept */
  since(bucket: BucketId, cursor: Cursor, limit: number): Promise<JournalEvent[]>;
}

/** A new `epoch` (restore, promotion) tells clients to start over. */
export interface Cursor {
  epoch: number;
  seq: number;
}

export type ChangeKind = 'put' | 'remove' | 'annotate' | 'move' | 'copy' | 'removeTree';

export interface JournalEvent {
  bucket: BucketId;
  cursor: Cursor;
  kind: ChangeKind;
  /** For a move, the new key. A directory's key ends in `/`. */
  key: ObjectKey;
  /** Of a move or copy. May lie in `fromBucket`; a move across buckets is journalled in both. */
  fromKey: ObjectKey | null;
  fromBucket: BucketId | null;
  versionId: VersionId | null;
  size: number | null;
  etag: string | null;
  /** Commit time, ms since the epoch. */
  at: number;
  principal: PrincipalId | null;
  protocol: Protocol;
  requestId: string;
  cause?: ChangeCause;
}

/** `epoch.seq` as clients hold it. */
export function formatCursor(cursor: Cursor): string {
  return `${cursor.epoch}.${cursor.seq}`;
}

/** null when malformed. */
export function parseCursor(text: string): Cursor | null {
  const match = /^(\d{1,9})\.(\d{1,15})$/.exec(text);
  return match ? { epoch: Number(match[1]), seq: Number(match[2]) } : null;
}
