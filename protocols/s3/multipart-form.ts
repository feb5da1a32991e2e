import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Bytes } from '#core/stream';
import { S3Error } from './errors.ts';

/** A form's fields, by lower-case name, as far as they come before the file; and the file, still to be read. */
export interface Form {
  fields: ReadonlyMap<string, string>;
  file: {
    /** As the browser named it, without a path. */
    name: string;
    contentType: string | undefined;
    /** Ends at the file's end; what comes behind it is read and ignored. */
    body: Bytes;
  };
}

/** AWS's bound for all that stands before the file, bytes. */
const FIELDS_BYTES_MAX = 20 * 1024;
const HEAD_BYTES_MAX = 8 * 1024;
const FIELDS_MAX = 200;
const CRLF2 = Buffer.from('\r\n\r\n');

/** The boundary of a Content-Type (RFC 2046 §5.1.1); null when it is no form. @throws MalformedPOSTRequest */
export function formBoundary(contentType: string | undefined): string | null {
  if (contentType === undefined || !/^multipart\/form-data(?:\s*;|\s*$)/i.test(contentType)) return null;
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  if (match === null) throw malformed();
  return match[1] ?? match[2] ?? null;
}

/**
 * Reads a multipart/form-data body (RFC 7578) up to its file and hands that on as it comes; nothing of it is gathered.
 * @throws MalformedPOSTRequest, MaxPostPreDataLengthExceeded, InvalidArgument (no file)
 */
export async function openForm(source: Bytes, boundary: string): Promise<Form> {
  const reader = createReader(source);
  const fields = new Map<string, string>();
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  // The first delimiter has no line before it.
  reader.unread(Buffer.from('\r\n'));
  await reader.until(delimiter, HEAD_BYTES_MAX, malformed).catch((error: unknown) => {
    // It ended well, and without a boundary.
    throw isCloudStoreError(error, 'incomplete_body') ? malformed() : error;
  });
  let left = FIELDS_BYTES_MAX;
  for (;;) {
    const ending = await reader.take(2);
    if (ending.equals(Buffer.from('--')))
      throw new S3Error('InvalidArgument', 'POST requires exactly one file upload per request.', { ArgumentName: 'file' });
    if (!ending.equals(Buffer.from('\r\n'))) throw malformed();
    reader.unread(ending);
    const head = readHead((await reader.until(CRLF2, HEAD_BYTES_MAX, malformed)).toString());
    if (head.name === 'file') {
      return { fields, file: { name: head.fileName ?? '', contentType: head.contentType, body: fileOf(reader, delimiter) } };
    }
    const value = await reader.until(delimiter, left, tooMuch);
    left -= value.length + head.name.length;
    if (left < 0 || fields.size >= FIELDS_MAX) throw tooMuch();
    // The first one counts, as in a query.
    if (!fields.has(head.name)) fields.set(head.name, value.toString());
  }
}

function fileOf(reader: Reader, delimiter: Buffer): Bytes {
  return {
    async *[Symbol.asyncIterator]() {
      yield* reader.upTo(delimiter);
      await reader.drain();
    },
  };
}

function readHead(text: string): { name: string; fileName: string | undefined; contentType: string | undefined } {
  let disposition = '';
  let contentType: string | undefined;
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const header = line.slice(0, colon).trim().toLowerCase();
    if (header === 'content-disposition') disposition = line.slice(colon + 1);
    if (header === 'content-type') contentType = line.slice(colon + 1).trim();
  }
  const name = parameter(disposition, 'name');
  if (name === undefined || !/^\s*form-data\s*;/i.test(disposition)) throw malformed();
  const fileName = parameter(disposition, 'filename');
  // Some browsers send a path.
  return { name: name.toLowerCase(), fileName: fileName?.replace(/^.*[\\/]/s, ''), contentType };
}

/** Browsers write a quote as %22, other clients escape it. */
function parameter(disposition: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, 'i').exec(disposition);
  return (match?.[1] ?? match?.[2])?.replace(/\\(["\\])/g, '$1');
}

interface Reader {
  take(size: number): Promise<Buffer>;
  /** All before `mark`, which is taken too. At most `bytesMax`, or `refuse`. */
  until(mark: Buffer, bytesMax: number, refuse: () => Error): Promise<Buffer>;
  upTo(mark: Buffer): AsyncGenerator<Buffer>;
  unread(bytes: Buffer): void;
  drain(): Promise<void>;
}

function createReader(source: Bytes): Reader {
  const iterator = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  const more = async (): Promise<void> => {
    const { done, value } = await iterator.next();
    if (done === true) throw new CloudStoreError('incomplete_body', 'The form ended before its last boundary.');
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
  };
  return {
    async take(size) {
      while (held.length < size) await more();
      const bytes = held.subarray(0, size);
      held = held.subarray(size);
      return bytes;
    },
    async until(mark, bytesMax, refuse) {
      for (let from = 0; ; ) {
        const at = held.indexOf(mark, from);
        if (at > bytesMax || (at < 0 && held.length > bytesMax + mark.length)) throw refuse();
        if (at >= 0) {
          const bytes = held.subarray(0, at);
          held = held.subarray(at + mark.length);
          return bytes;
        }
        // What was looked through is not looked through again.
        from = Math.max(0, held.length - mark.length + 1);
        await more();
      }
    },
    async *upTo(mark) {
      for (;;) {
        const at = held.indexOf(mark);
        if (at >= 0) {
          if (at > 0) yield held.subarray(0, at);
          held = held.subarray(at + mark.length);
          return;
        }
        // The mark may begin in the last bytes.
        const sure = held.length - mark.length + 1;
        if (sure > 0) {
          const bytes = held.subarray(0, sure);
          held = held.subarray(sure);
          yield bytes;
        }
        await more();
      }
    },
    unread(bytes) {
      held = Buffer.concat([bytes, held]);
    },
    async drain() {
      held = Buffer.alloc(0);
      while ((await iterator.next()).done !== true);
    },
  };
}

function malformed(): S3Error {
  return new S3Error('MalformedPOSTRequest');
}

function tooMuch(): S3Error {
  return new S3Error('MaxPostPreDataLengthExceeded');
}
