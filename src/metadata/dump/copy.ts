import type { Duplex } from 'node:stream';
import type pg from 'pg';
import { splitTuples } from './tuples.ts';

/** What we use of pg's connection; its types leave out what COPY needs. */
interface Wire {
  stream: Duplex;
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
}

/** What pg calls while a query of ours is the active one. */
interface Active extends pg.Submittable {
  submit(connection: unknown): void;
  handleError(error: Error): void;
  handleRowDescription(): void;
  handleDataRow(): void;
  handlePortalSuspended(): void;
  handleEmptyQuery(): void;
  handleCommandComplete(message: { text: string }): void;
  handleCopyInResponse(connection: Wire): void;
  handleCopyData(message: { chunk: Buffer }): void;
  handleReadyForQuery(): void;
}

/** `PGCOPY`, no flags, no extension. */
const SIGNATURE = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex');
const TRAILER = Buffer.from('ffff', 'hex');
const BATCH_BYTES = 256 << 10;

/**
 * The rows of a query as binary tuples, in batches of whole ones; the socket waits while nobody asks. An iteration that ends early must
 * be followed by the end of the connection.
 */
export async function* copyOut(client: pg.Client, query: string): AsyncGenerator<Buffer> {
  const waiting: Buffer[] = [];
  let held = 0;
  let ended = false;
  let failure: Error | null = null;
  let wake: () => void = () => undefined;
  let stream: Duplex | null = null;
  const active = quietly({
    submit(connection) {
      const wire = connection as Wire; // pg's own, see Wire
      stream = wire.stream;
      wire.query(`COPY (${query}) TO STDOUT (FORMAT binary)`);
    },
    handleError(error) {
      failure ??= error;
      ended = true;
      wake();
    },
    handleCopyData({ chunk }) {
      waiting.push(Buffer.from(chunk)); // pg's buffer moves on
      held += chunk.length;
      if (held >= BATCH_BYTES) {
        stream?.pause();
        wake();
      }
    },
    handleReadyForQuery() {
      ended = true;
      wake();
    },
  });
  client.query(active);
  let rest: Buffer = Buffer.alloc(0);
  let begun = false;
  for (;;) {
    if (held < BATCH_BYTES && !ended) await new Promise<void>((resolve) => (wake = resolve));
    if (failure !== null) throw failure;
    let bytes = Buffer.concat([rest, ...waiting.splice(0)]);
    held = 0;
    if (!begun && bytes.length >= SIGNATURE.length) {
      bytes = bytes.subarray(SIGNATURE.length);
      begun = true;
    }
    const done = ended;
    (stream as Duplex | null)?.resume();
    const whole = begun ? splitTuples(bytes) : 0;
    if (whole > 0) yield bytes.subarray(0, whole);
    rest = bytes.subarray(whole);
    if (done && waiting.length === 0) {
      if (!rest.equals(TRAILER)) throw new Error('A COPY ended within a row.');
      return;
    }
  }
}

/** Gives binary tuples, in any pieces, to `COPY target FROM STDIN`; resolves with the rows that were taken in. */
export function copyIn(client: pg.Client, target: string, tuples: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<number> {
  return new Promise((resolve, reject) => {
    let failure: unknown = null;
    let rows = 0;
    const fail = (error: unknown): void => void (failure ??= error);

    async function send(wire: Wire): Promise<void> {
      try {
        wire.sendCopyFromChunk(SIGNATURE);
        for await (const bytes of tuples) {
          if (failure !== null) return;
          wire.sendCopyFromChunk(bytes);
          if (wire.stream.writableNeedDrain) await drained(wire.stream);
        }
        wire.sendCopyFromChunk(TRAILER);
        wire.endCopyFrom();
      } catch (error) {
        fail(error);
        wire.sendCopyFail('the source of the rows failed');
      }
    }

    client.query(
      quietly({
        submit: (connection) => (connection as Wire).query(`COPY ${target} FROM STDIN (FORMAT binary)`), // pg's own, see Wire
        handleError(error) {
          fail(error);
          reject(failure);
        },
        handleCopyInResponse: (wire) => void send(wire),
        handleCommandComplete: ({ text }) => void (rows = Number(/^COPY (\d+)/.exec(text)?.[1] ?? 0)),
        handleReadyForQuery: () => (failure === null ? resolve(rows) : reject(failure)),
      }),
    );
  });
}

/** A socket that closes drains no more; the query then hears of the error. */
function drained(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stream.off('drain', go);
      stream.off('close', go);
      resolve();
    };
    stream.once('drain', go);
    stream.once('close', go);
  });
}

function quietly(active: Partial<Active> & Pick<Active, 'submit'>): Active {
  const nothing = (): void => undefined;
  return {
    handleError: nothing,
    handleRowDescription: nothing,
    handleDataRow: nothing,
    handlePortalSuspended: nothing,
    handleEmptyQuery: nothing,
    handleCommandComplete: nothing,
    handleCopyInResponse: nothing,
    handleCopyData: nothing,
    handleReadyForQuery: nothing,
    ...active,
  };
}
