import { CloudStoreError } from '#core/errors';

const FIRST_BYTES = 16 << 10;
const KEPT_BYTES_MAX = 1 << 20;
/** What leads a set. */
const SET_BYTES = 20;
/** Before each value its type and its length, before each row its length and how many columns it has. */
const HEAD_BYTES = 8;
/** Ids of types, the same in every Postgres. */
const [BOOL, BYTEA, INT8, INT4, TEXT, JSONB] = [16, 17, 20, 23, 25, 3802];
const JSONB_VERSION = 1;

/**
 * Writes rows as values of arrays of composite types, in the form that array_recv and record_recv read: of JSON the server reads each row letter by letter, and looks
 * each column up by its name. Each column may be null. Integers are below 2^53.
 */
export class RowWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;
  #columns = 0;

  /** The sets until now are done with: the next ones are written where they lie. */
  reset(): void {
    this.#at = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = Buffer.allocUnsafe(FIRST_BYTES);
  }

  /**
   * No rows are NULL. The bytes are good until `reset`.
   * @param write the columns of one row, in the type's order
   * @throws invalid_argument a text that is no Unicode
   */
  set<Row>(write: (out: RowWriter, row: Row) => void, rows: readonly Row[]): Buffer | null {
    if (rows.length === 0) return null;
    this.#room(SET_BYTES);
    const from = this.#at;
    // Dimensions, flags, the type of the elements (the server knows its own), how many, and the first one's number.
    for (const value of [1, 0, 0, rows.length, 1]) this.#uint4(value);
    let length = this.#at - from;
    for (const row of rows) {
      this.#room(HEAD_BYTES);
      const head = this.#at;
      this.#at += HEAD_BYTES;
      this.#columns = 0;
      write(this, row);
      const end = this.#at;
      this.#at = head;
      this.#uint4(end - head - 4);
      this.#uint4(this.#columns);
      this.#at = end;
      length += end - head;
    }
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  bool(value: boolean | null): void {
    if (value === null) this.#head(BOOL, -1);
    else {
      this.#head(BOOL, 1);
      this.#bytes[this.#at++] = value ? 1 : 0;
    }
  }

  int4(value: number | null): void {
    if (value === null) this.#head(INT4, -1);
    else {
      this.#head(INT4, 4);
      this.#uint4(value);
    }
  }

  int8(value: number | null): void {
    if (value === null) this.#head(INT8, -1);
    else {
      this.#head(INT8, 8);
      this.#uint4(Math.floor(value / 2 ** 32));
      this.#uint4(value);
    }
  }

  text(value: string | null): void {
    if (value === null) this.#head(TEXT, -1);
    else this.#utf8(TEXT, value, 0);
  }

  jsonb(value: object | null): void {
    if (value === null) this.#head(JSONB, -1);
    else this.#utf8(JSONB, JSON.stringify(value), 1);
  }

  bytea(value: Uint8Array | null): void {
    if (value === null) this.#head(BYTEA, -1);
    else {
      this.#head(BYTEA, value.length);
      this.#bytes.set(value, this.#at);
      this.#at += value.length;
    }
  }

  /** bytea, of which the hex digits are given. */
  hex(digits: string | null): void {
    if (digits === null) this.#head(BYTEA, -1);
    else {
      this.#head(BYTEA, digits.length / 2);
      this.#at += this.#bytes.write(digits, this.#at, 'hex');
    }
  }

  /** A text, behind as many bytes of 1. */
  #utf8(type: number, text: string, before: 0 | 1): void {
    if (!text.isWellFormed()) throw new CloudStoreError('invalid_argument', 'A value holds characters that cannot be stored.');
    this.#head(type, 3 * text.length + before);
    const begun = this.#at;
    if (before === 1) this.#bytes[this.#at++] = JSONB_VERSION;
    const end = this.#at + this.#bytes.write(text, this.#at);
    this.#at = begun - 4;
    this.#uint4(end - begun);
    this.#at = end;
  }

  /** What leads a value of so many bytes, for which there is room then. */
  #head(type: number, length: number): void {
    this.#columns++;
    this.#room(HEAD_BYTES + Math.max(0, length));
    this.#uint4(type);
    this.#uint4(length);
  }

  #uint4(value: number): void {
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = value >>> 24;
    bytes[at++] = value >>> 16;
    bytes[at++] = value >>> 8;
    bytes[at++] = value;
    this.#at = at;
  }

  #room(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#at + more));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
