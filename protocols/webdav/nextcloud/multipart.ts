import { CloudStoreError } from '#core/errors';
import type { Bytes } from '#core/stream';

/** One part of a `multipart/related` body whose parts say their length. */
export interface Part {
  /** Names in lower case. */
  headers: Record<string, string>;
  length: number;
  /** To be read before the next part is asked for; what is left of it is passed over. */
  body: Bytes;
}

const HEADERS_BYTES_MAX = 16_384;
const PARTS_MAX = 10_000;

/** @throws invalid_argument */
export function boundaryOf(contentType: string | undefined): string {
  const match = /^\s*multipart\/related\s*;(?:.*;)?\s*boundary=(?:"([^"\r\n]{1,200})"|([^\s";]{1,200}))\s*(?:;|$)/i.exec(
    contentType ?? '',
  );
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw malformed('it is no multipart/related with a boundary');
  return boundary;
}

/**
 * Reads parts one after another, of any size, without holding more than what came at once. Boundaries are not looked for in the bytes: each part says its
 * `Content-Length`, and the boundary must follow.
 * @throws invalid_argument, incomplete_body
 */
export async function* partsOf(bytes: Bytes, boundary: string): AsyncGenerator<Part> {
  const reader = createReader(bytes);
  for (let count = 0; ; count++) {
    if (count > PARTS_MAX) throw malformed('it has too many parts');
    let line = await reader.line();
    // Empty lines before the first boundary, and the one that ends a part.
    while (line === '') line = await reader.line();
    if (line === `--${boundary}--`) break;
    if (line !== `--${boundary}`) throw malformed('a boundary is missing');
    const headers = await readHeaders(reader);
    const length = headers['content-length'] ?? '';
    if (!/^\d{1,15}$/.test(length)) throw malformed('a part does not say its length');
    const body = reader.take(Number(length));
    yield { headers, length: Number(length), body: body.bytes };
    await body.skip();
    if ((await reader.line()) !== '') throw malformed('a part is longer than it says');
  }
  await reader.drain();
}

interface Reader {
  /** Up to CRLF, without it. */
  line(): Promise<string>;
  take(length: number): { bytes: Bytes; skip(): Promise<void> };
  drain(): Promise<void>;
}

async function readHeaders(reader: Reader): Promise<Record<string, string>> {
  const headers: Record<string, string> = Object.create(null);
  let size = 0;
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    size += line.length;
    const colon = line.indexOf(':');
    if (colon < 1 || size > HEADERS_BYTES_MAX) throw malformed('the headers of a part cannot be read');
    headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}

function createReader(bytes: Bytes): Reader {
  const iterator = bytes[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);

  async function more(): Promise<boolean> {
    const next = await iterator.next();
    if (next.done) return false;
    const { buffer, byteOffset, byteLength } = next.value;
    const came = Buffer.from(buffer, byteOffset, byteLength);
    rest = rest.length === 0 ? came : Buffer.concat([rest, came]);
    return true;
  }

  async function piece(max: number): Promise<Buffer> {
    while (rest.length === 0)
      if (!(await more())) throw new CloudStoreError('incomplete_body', 'The body ended before its last part.');
    const out = rest.subarray(0, max);
    rest = rest.subarray(out.length);
    return out;
  }

  return {
    async line() {
      for (;;) {
        const end = rest.indexOf('\r\n');
        if (end >= 0) {
          const line = rest.toString('utf8', 0, end);
          rest = rest.subarray(end + 2);
          return line;
        }
        if (rest.length > HEADERS_BYTES_MAX) throw malformed('a line is too long');
        if (!(await more())) throw new CloudStoreError('incomplete_body', 'The body ended before its last part.');
      }
    },
    take(length) {
      let left = length;
      async function* read(): AsyncGenerator<Uint8Array> {
        while (left > 0) {
          const out = await piece(left);
          left -= out.length;
          yield out;
        }
      }
      return {
        bytes: { [Symbol.asyncIterator]: read },
        async skip() {
          while (left > 0) left -= (await piece(left)).length;
        },
      };
    },
    async drain() {
      while (!(await iterator.next()).done);
    },
  };
}

function malformed(why: string): CloudStoreError {
  return new CloudStoreError('invalid_argument', `The body cannot be read: ${why}.`);
}
