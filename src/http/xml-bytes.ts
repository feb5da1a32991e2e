import type { SendBuffers } from './send-buffers.ts';
import { escapeXml } from './xml.ts';

/** What stands in place of single bytes of a text in UTF-8; of most, themselves. */
export interface ByteEscapes {
  /** 1: not as it is. */
  special: Uint8Array;
  instead: readonly Buffer[];
  longest: number;
}

/** What XML cannot carry at all. */
const REPLACEMENT = Buffer.from('\ufffd');

/** As `escapeXml`; of the two code points beyond ASCII that XML cannot carry, their first byte. */
export const XML_ESCAPES = byteEscapes((byte) => {
  if (byte === 0xef) return REPLACEMENT;
  if (byte >= 0x80) return null;
  const char = String.fromCharCode(byte);
  const escaped = escapeXml(char);
  return escaped === char ? null : Buffer.from(escaped);
});

/** @param insteadOf null: the byte stays */
export function byteEscapes(insteadOf: (byte: number) => Buffer | null): ByteEscapes {
  const all = Array.from({ length: 256 }, (_, byte) => insteadOf(byte));
  return {
    special: Uint8Array.from(all, (bytes) => (bytes === null ? 0 : 1)),
    instead: all.map((bytes, byte) => bytes ?? Buffer.of(byte)),
    longest: Math.max(...all.map((bytes) => bytes?.length ?? 1)),
  };
}

/** Kept free before what is written, for what is known last and stands first. */
export const FRONT_BYTES = 1024;
const DAY_MS = 86_400_000;
const ISO_DAY = '2026-11-27T'.length;
const IMF_DAY = 'Fri, 27 Nov 2026 '.length;
const IMF_END = Buffer.from(' GMT');
const ZERO = 48;
const [COLON, POINT, ZULU] = [':', '.', 'Z'].map((char) => char.charCodeAt(0)) as [number, number, number];

/** A document that is written as the bytes that are sent, into a lent buffer. A thousand entries of a list as strings are joined, measured and written again when the last one has come. */
export class XmlBytes {
  readonly #buffers: SendBuffers;
  #bytes: Buffer;
  #from = FRONT_BYTES;
  #to = FRONT_BYTES;
  #day = Number.NaN;
  readonly #isoDay = Buffer.alloc(ISO_DAY);
  readonly #imfDay = Buffer.alloc(IMF_DAY);

  /** @param expected bytes; it grows when there are more */
  constructor(buffers: SendBuffers, expected: number) {
    this.#buffers = buffers;
    this.#bytes = buffers.lendRoom(FRONT_BYTES + expected);
  }

  get length(): number {
    return this.#to - this.#from;
  }

  /** The same memory, until it is written to or given back. */
  bytes(): Buffer {
    return this.#bytes.subarray(this.#from, this.#to);
  }

  /** What was written, lent by itself: nothing more is written. */
  lent(): Buffer {
    return this.#buffers.narrow(this.#bytes, this.#from, this.#to);
  }

  /** Nobody reads it any more. */
  back(): void {
    this.#buffers.back(this.#bytes);
  }

  /** So many bytes more may be `put`, dates and numbers at their longest. */
  reserve(length: number): void {
    if (this.#to + length <= this.#bytes.length) return;
    const wider = this.#buffers.lendRoom(Math.max(2 * this.#bytes.length, this.#to + length));
    this.#bytes.copy(wider, this.#from, this.#from, this.#to);
    this.back();
    this.#bytes = wider;
  }

  /** Of reserved room, as all that follow but the last four. */
  put(constant: Uint8Array): void {
    this.#bytes.set(constant, this.#to);
    this.#to += constant.length;
  }

  /** Loops are faster than calls for the few bytes that these are. */
  putPart(source: Uint8Array, from: number, end: number): void {
    const bytes = this.#bytes;
    let to = this.#to;
    for (let i = from; i < end; i++) bytes[to++] = source[i] as number;
    this.#to = to;
  }

  /** Well-formed UTF-8. */
  putEscaped(source: Uint8Array, from: number, end: number, { special, instead }: ByteEscapes): void {
    const bytes = this.#bytes;
    let to = this.#to;
    for (let i = from; i < end; i++) {
      const byte = source[i] as number;
      if (special[byte] === 0 || (byte === 0xef && instead === XML_ESCAPES.instead && !isNoCharacter(source, i)))
        bytes[to++] = byte;
      else {
        const other = instead[byte] as Buffer;
        bytes.set(other, to);
        to += other.length;
        if (other === REPLACEMENT && byte === 0xef) i += 2;
      }
    }
    this.#to = to;
  }

  /** A whole number that is not negative. */
  putNumber(value: number): void {
    const text = String(value);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#to++] = text.charCodeAt(i);
  }

  /** As `Date.toISOString`. Dates are asked of JavaScript once a day of the calendar, up to the year 9999. */
  putDate(ms: number): void {
    const since = this.#into(ms);
    this.putPart(this.#isoDay, 0, ISO_DAY);
    this.#putTime(since);
    const [bytes, at, rest] = [this.#bytes, this.#to, since % 1000];
    bytes[at] = POINT;
    bytes[at + 1] = ZERO + Math.floor(rest / 100);
    twoDigits(bytes, at + 2, rest % 100);
    bytes[at + 4] = ZULU;
    this.#to += 5;
  }

  /** RFC 3339 in whole seconds, with `Z`. */
  putDateSeconds(ms: number): void {
    const since = this.#into(ms);
    this.putPart(this.#isoDay, 0, ISO_DAY);
    this.#putTime(since);
    this.#bytes[this.#to++] = ZULU;
  }

  /** IMF-fixdate (RFC 9110 §5.6.7). */
  putHttpDate(ms: number): void {
    const since = this.#into(ms);
    this.putPart(this.#imfDay, 0, IMF_DAY);
    this.#putTime(since);
    this.put(IMF_END);
  }

  /** Sets the day's texts and gives the milliseconds since it began. */
  #into(ms: number): number {
    const day = Math.floor(ms / DAY_MS);
    if (day !== this.#day) {
      const date = new Date(day * DAY_MS);
      this.#isoDay.write(date.toISOString(), 'latin1');
      this.#imfDay.write(date.toUTCString(), 'latin1');
      this.#day = day;
    }
    return Math.floor(ms) - day * DAY_MS;
  }

  #putTime(since: number): void {
    const seconds = Math.floor(since / 1000);
    const [bytes, at] = [this.#bytes, this.#to];
    twoDigits(bytes, at, Math.floor(seconds / 3600));
    bytes[at + 2] = COLON;
    twoDigits(bytes, at + 3, Math.floor(seconds / 60) % 60);
    bytes[at + 5] = COLON;
    twoDigits(bytes, at + 6, seconds % 60);
    this.#to += 8;
  }

  /** Of any room. */
  add(constant: Uint8Array): void {
    this.reserve(constant.length);
    this.put(constant);
  }

  write(text: string): void {
    this.reserve(3 * text.length);
    this.#to += this.#bytes.write(text, this.#to);
  }

  append(other: XmlBytes): void {
    const bytes = other.bytes();
    this.reserve(bytes.length);
    this.put(bytes);
  }

  /** In front of all that there is. */
  writeBefore(text: string): void {
    const length = Buffer.byteLength(text);
    if (length > this.#from) {
      const [from, moved] = [this.#from, length - this.#from];
      this.reserve(moved);
      this.#bytes.copyWithin(length, from, this.#to);
      this.#from = length;
      this.#to += moved;
    }
    this.#from -= length;
    this.#bytes.write(text, this.#from);
  }
}

/** U+FFFE or U+FFFF. */
function isNoCharacter(source: Uint8Array, at: number): boolean {
  return source[at + 1] === 0xbf && (source[at + 2] === 0xbe || source[at + 2] === 0xbf);
}

function twoDigits(bytes: Buffer, at: number, value: number): void {
  const tens = Math.floor(value / 10);
  bytes[at] = ZERO + tens;
  bytes[at + 1] = ZERO + value - tens * 10;
}
