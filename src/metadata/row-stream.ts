import type { Duplex } from 'node:stream';
import pg from 'pg';

/** Where a row lies, in bytes that are used again once the call returns: the number of its columns, and each behind its length (PostgreSQL's manual, "Message Formats", DataRow). */
export type OnRow = (bytes: Buffer, at: number) => void;

const ROW = 'D'.charCodeAt(0);
/** A message's kind, and how long it is without that. */
const HEADER = 5;

/**
 * A query whose rows are given as the server sent them, values in binary. All else that comes (what the rows are, their end, errors, notices) is the driver's as ever. The driver makes a
 * string of every column, an array of every row, an event of it, and it is garbage at once: of a page of a thousand keys that took longer than all that is done with them.
 */
export function rawRows({ name, text }: { name: string; text: string }, values: unknown[], onRow: OnRow): pg.Query {
  const config = { name, text, values, binary: true };
  const query = new pg.Query(config);
  const submit = query.submit.bind(query);
  query.submit = (connection) => {
    const restore = divert(connection.stream, onRow);
    query.once('end', restore);
    query.once('error', restore);
    return submit(connection);
  };
  return query;
}

/** Takes rows out of what a stream's listeners get, until it is called back. */
function divert(stream: Duplex, onRow: OnRow): () => void {
  const listeners = stream.listeners('data') as ((bytes: Buffer) => void)[];
  const splitter = splitRows(onRow, (bytes) => {
    for (const listener of listeners) listener.call(stream, bytes);
  });
  stream.on('data', splitter.feed);
  for (const listener of listeners) stream.off('data', listener);
  return () => {
    if (!splitter.end()) return;
    for (const listener of listeners) stream.on('data', listener);
    stream.off('data', splitter.feed);
  };
}

/**
 * Cuts what the server sends into messages. Rows go to `onRow`, others whole to `pass`; `pass` may call `end`: all that came behind that message goes to it as it is.
 * `end` is true the first time.
 */
export function splitRows(onRow: OnRow, pass: (bytes: Buffer) => void): { feed(chunk: Buffer): void; end(): boolean } {
  let ended = false;
  /** The beginning of a message whose rest has not come. */
  let held = Buffer.alloc(0);
  let kept = 0;

  const hold = (chunk: Buffer, from: number, to: number): void => {
    if (kept + to - from > held.length) {
      const wider = Buffer.allocUnsafe(Math.max(2 * held.length, kept + to - from, 1024));
      held.copy(wider, 0, 0, kept);
      held = wider;
    }
    chunk.copy(held, kept, from, to);
    kept += to - from;
  };
  const tell = (bytes: Buffer, at: number, end: number): void => {
    if (bytes[at] === ROW) onRow(bytes, at + HEADER);
    else pass(bytes.subarray(at, end));
  };
  /** Makes what is held whole, as far as this goes; gives where the next message begins. */
  const complete = (chunk: Buffer): number => {
    let from = Math.max(0, Math.min(HEADER - kept, chunk.length));
    hold(chunk, 0, from);
    if (kept < HEADER) return from;
    const end = 1 + held.readUInt32BE(1);
    const to = Math.min(chunk.length, from + end - kept);
    hold(chunk, from, to);
    from = to;
    if (kept < end) return from;
    kept = 0;
    // The driver may keep what it gets; the next message is held where this one was.
    if (held[0] === ROW) onRow(held, HEADER);
    else pass(Buffer.from(held.subarray(0, end)));
    return from;
  };

  return {
    feed(chunk) {
      let from = ended || kept === 0 ? 0 : complete(chunk);
      while (!ended && from + HEADER <= chunk.length) {
        const end = from + 1 + chunk.readUInt32BE(from + 1);
        if (end > chunk.length) break;
        tell(chunk, from, end);
        from = end;
      }
      if (from === chunk.length) return;
      if (ended) pass(from === 0 ? chunk : chunk.subarray(from));
      else hold(chunk, from, chunk.length);
    },
    end() {
      const first = !ended;
      ended = true;
      return first;
    },
  };
}
