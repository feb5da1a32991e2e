import type { ChangeKind, Journal } from '#contracts/journal';
import { CloudStoreError } from '#core/errors';
import type { ChangeCause, Protocol } from '#core/principal';
import type { Database } from './database.ts';

const HEAD = { name: 'journal-head', text: 'SELECT epoch, seq, floor_seq FROM bucket_heads WHERE bucket_id = $1' };
const SINCE = {
  name: 'journal-since',
  text: `SELECT seq, kind, key, from_key, from_bucket, encode(version_id, 'hex'), size, etag, at_ms, principal, protocol, request_id
           FROM journal WHERE bucket_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
};
type Row = [
  number,
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
  async function head(bucket: number) {
    const rows = await database.read<[number, number, number]>(HEAD, [bucket]);
    if (!rows[0]) throw new CloudStoreError('bucket_not_found', 'No such bucket.');
    const [epoch, seq, floor] = rows[0];
    return { epoch, seq, floor };
  }
  return {
    async head(bucket) {
      const { epoch, seq } = await head(bucket);
      return { epoch, seq };
    },
    async since(bucket, cursor, limit) {
      const { epoch, seq: last, floor } = await head(bucket);
      if (cursor.epoch !== epoch || cursor.seq < floor || cursor.seq > last) {
        throw new CloudStoreError('cursor_expired', 'The cursor is of another time; start over.', {
          details: { epoch, seq: last },
        });
      }
      const rows = await database.read<Row>(SINCE, [bucket, cursor.seq, limit]);
      return rows.map(([seq, kind, key, fromKey, fromBucket, versionId, size, etag, at, principal, protocol, requestId]) => ({
        bucket,
        cursor: { epoch, seq },
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
      }));
    },
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
