import type { ObjectRead } from '#contracts/namespace';
import { isCloudStoreError } from '#core/errors';
import { type ByteRange, type RangeRequest, resolveRange } from '#core/range';
import type { Bytes } from '#core/stream';

/** What a read is answered with: status, the headers that belong to ranges, and the body, which is lazy. */
export interface RangeAnswer {
  status: 200 | 206;
  headers: Record<string, string | number>;
  body(): Bytes;
}

export interface RangeAnswerOptions {
  contentType: string;
  /** For several ranges; must not occur in the content: random. */
  boundary: string;
  signal?: AbortSignal;
}

/**
 * 200, 206 with Content-Range, or 206 multipart/byteranges (RFC 9110 §14.4, §14.6, §15.3.7), in the order asked for. Of several
 * ranges those that cover no byte are left out; one that is left is answered as a single one. Ranges that overlap so much that
 * together they are more than the object are answered by the object (RFC 9110 §14.2): few bytes must not ask for many.
 * @param requests null: the whole object
 * @throws invalid_range (details.size) when none covers a byte; the answer is 416 with `Content-Range: bytes *` + `/size`
 */
export function answerRanges(
  read: ObjectRead,
  requests: readonly RangeRequest[] | null,
  options: RangeAnswerOptions,
): RangeAnswer {
  const { size } = read.info;
  const { contentType, signal } = options;
  const whole = { 'Content-Type': contentType, 'Accept-Ranges': 'bytes' };
  if (requests === null || requests.length === 0) {
    return { status: 200, headers: { ...whole, 'Content-Length': size }, body: () => read.body(undefined, signal) };
  }
  const ranges = satisfiable(requests, size);
  const [first] = ranges;
  if (first !== undefined && ranges.length === 1) {
    const headers = { ...whole, 'Content-Length': first.end - first.start + 1, 'Content-Range': contentRange(first, size) };
    return { status: 206, headers, body: () => read.body(first, signal) };
  }
  if (ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0) > size) {
    return { status: 200, headers: { ...whole, 'Content-Length': size }, body: () => read.body(undefined, signal) };
  }
  return severalRanges(read, ranges, options);
}

function severalRanges(read: ObjectRead, ranges: readonly ByteRange[], options: RangeAnswerOptions): RangeAnswer {
  const { boundary, contentType, signal } = options;
  const heads = ranges.map((range) =>
    Buffer.from(
      `\r\n--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Range: ${contentRange(range, read.info.size)}\r\n\r\n`,
      'latin1',
    ),
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1');
  const length = ranges.reduce((sum, { start, end }, i) => sum + (heads[i]?.length ?? 0) + end - start + 1, tail.length);
  return {
    status: 206,
    headers: {
      'Content-Type': `multipart/byteranges; boundary=${boundary}`,
      'Content-Length': length,
      'Accept-Ranges': 'bytes',
    },
    async *body() {
      for (const [i, range] of ranges.entries()) {
        const head = heads[i];
        if (head !== undefined) yield head;
        yield* read.body(range, signal);
      }
      yield tail;
    },
  };
}

/** Those that cover a byte. @throws invalid_range when none does */
function satisfiable(requests: readonly RangeRequest[], size: number): ByteRange[] {
  const out: ByteRange[] = [];
  let refusal: unknown;
  for (const request of requests) {
    try {
      out.push(resolveRange(request, size));
    } catch (error) {
      if (!isCloudStoreError(error, 'invalid_range')) throw error;
      refusal = error;
    }
  }
  if (out.length === 0) throw refusal;
  return out;
}

function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end}/${size}`;
}
