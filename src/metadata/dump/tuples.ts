import { CloudStoreError } from '#core/errors';
import type { ColumnType } from './tables.ts';

/**
 * Rows as `COPY … (FORMAT binary)` writes them: i16 count of fields, then for each i32 bytes (-1: null) and the bytes. Numbers are
 * big-endian, text is UTF-8, jsonb is the byte 1 and its text, uuid is 16 bytes.
 */
export type Field = number | string | boolean | Buffer | null;

/** How many bytes at the beginning are whole tuples. */
export function splitTuples(bytes: Buffer): number {
  let at = 0;
  for (;;) {
    const end = endOfTuple(bytes, at);
    if (end === null) return at;
    at = end;
  }
}

/** The tuples of a batch, as views. @throws corrupt when something is left over */
export function* eachTuple(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const end = endOfTuple(bytes, at);
    if (end === null) throw malformed();
    yield bytes.subarray(at, end);
    at = end;
  }
}

/** The fields of a tuple by their types; what a version of a type is not known to us fails. @throws corrupt */
export function decodeTuple(tuple: Buffer, types: readonly ColumnType[]): Field[] {
  if (tuple.length < 2 || tuple.readInt16BE(0) !== types.length) throw malformed();
  let at = 2;
  return types.map((type) => {
    const length = tuple.readInt32BE(at);
    at += 4;
    if (length < 0) return null;
    const bytes = tuple.subarray(at, (at += length));
    switch (type) {
      case 'bigint':
        return Number(bytes.readBigInt64BE(0));
      case 'integer':
        return bytes.readInt32BE(0);
      case 'smallint':
        return bytes.readInt16BE(0);
      case 'boolean':
        return bytes[0] === 1;
      case 'text':
        return bytes.toString('utf8');
      case 'jsonb':
        if (bytes[0] !== 1) throw malformed();
        return bytes.toString('utf8', 1);
      default:
        return bytes;
    }
  });
}

const NULL = Buffer.alloc(4, 0xff);

/** Of integers (4 bytes), bigints (8 bytes), bytes and nulls. */
export function encodeTuple(fields: readonly ({ int: number } | { bigint: number } | Uint8Array | null)[]): Buffer {
  const parts: Uint8Array[] = [Buffer.of(fields.length >> 8, fields.length & 255)];
  for (const field of fields) {
    if (field === null) {
      parts.push(NULL);
      continue;
    }
    const bytes = field instanceof Uint8Array ? field : Buffer.alloc('int' in field ? 4 : 8);
    if (!(field instanceof Uint8Array)) {
      if ('int' in field) Buffer.from(bytes.buffer, bytes.byteOffset, 4).writeInt32BE(field.int);
      else Buffer.from(bytes.buffer, bytes.byteOffset, 8).writeBigInt64BE(BigInt(field.bigint));
    }
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}

function endOfTuple(bytes: Buffer, start: number): number | null {
  if (start + 2 > bytes.length) return null;
  const count = bytes.readInt16BE(start);
  if (count < 0) return null; // COPY's own end
  let at = start + 2;
  for (let index = 0; index < count; index++) {
    if (at + 4 > bytes.length) return null;
    const length = bytes.readInt32BE(at);
    at += 4 + Math.max(0, length);
  }
  return at > bytes.length ? null : at;
}

function malformed(): CloudStoreError {
  return new CloudStoreError('corrupt', 'A row of a dump has no form that this version of CloudStore knows.');
}
