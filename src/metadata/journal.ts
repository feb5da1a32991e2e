import type { ChangeKind, Journal, JournalEvent } from '#contracts/journal';
import { CloudStoreError } from '#core/errors';
import type { ChangeCause, Protocol } from '#core/principal';
import type { Database } from './database.ts';

const HEAD = { name: 'journal-head', text: 'SELECT epoch, seq FROM bucket_heads WHERE bucket_id = $1' };
/** One row without an event when there are none. */
const SINCE = {
  name: 'journal-since',
  text: `SELECT h.epoch, h.seq, h.floor_seq,
                j.seq, kind, key, from_key, from_bucket, encode(version_id, 'hex'), size, etag, at_ms, principal, protocol, request_id
           FROM bucket_heads h
           LEFT JOIN LATERAL (SELECT * FROM journal WHERE bucket_id = $1 AND seq > $2 ORDER BY seq LIMIT $3) j ON true
          WHERE h.bucket_id = $1 ORDER BY j.seq`,
};
type Row = [
  epoch: number,
  last: number,
  floor: number,
  seq: number | null,
  ChangeKind,
  string,
  string | null,
  number | null,
  string | null,
  number | null,
  string | null,
  number,
  number | null,
  Protocol,
  string,
];

/** The change log of each bucket. Rows are written by the commits themselves. */
export function createJournal(database: Database): Journal {
  return {
    async head(bucket) {
      const [row] = await database.read<[number, number]>(HEAD, [bucket]);
      if (!row) throw noBucket();
      return { epoch: row[0], seq: row[1] };
    },
    async since(bucket, cursor, limit) {
      const rows = await database.read<Row>(SINCE, [bucket, cursor.seq, limit]);
      if (!rows[0]) throw noBucket();
      const [epoch, last, floor, first] = rows[0];
      if (cursor.epoch !== epoch || cursor.seq < floor || cursor.seq > last) {
        throw new CloudStoreError('cursor_expired', 'The cursor is of another time; start over.', {
          details: { epoch, seq: last },
        });
      }
      return first === null ? [] : rows.map((row) => eventOf(bucket, row));
    },
  };
}

function noBucket(): CloudStoreError {
  return new CloudStoreError('bucket_not_found', 'No such bucket.');
}

function eventOf(
  bucket: number,
  [epoch, , , seq, kind, key, fromKey, fromBucket, versionId, size, etag, at, principal, protocol, requestId]: Row,
): JournalEvent {
  return {
    bucket,
    // The caller has looked: there is one.
    cursor: { epoch, seq: seq ?? 0 },
    kind,
    key,
    fromKey,
    fromBucket,
    versionId,
    size,
    etag,
    at,
    principal,
    protocol,
    ...requestOf(requestId),
  };
}

/** What a row keeps of its request: the id and, behind a space, the cause. Ids have no spaces, and a column of its own would cost every commit. */
export function requestText(requestId: string, cause: ChangeCause | undefined): string {
  return cause === undefined ? requestId : `${requestId} ${cause}`;
}

function requestOf(text: string): { requestId: string; cause?: ChangeCause } {
  const space = text.indexOf(' ');
  // Written by requestText, so what follows is a cause.
  return space < 0 ? { requestId: text } : { requestId: text.slice(0, space), cause: text.slice(space + 1) as ChangeCause };
}
