import { CloudStoreError } from '#core/errors';
import type { ColumnType } from './tables.ts';

/**
 * The inside of a dump: blocks of u8 kind, u32 bytes, and the bytes. Kinds 1, 2 and 5 are JSON, 3 and 4 are whole tuples (tuples.ts) of the table that
 * was named last. What a reader doesn't know by its head it need not guess: tables, columns and types are all named.
 */
export interface DumpHead {
  format: 1;
  kind: 'base' | 'changes';
  /** Of this dump, and of the one that it goes on from; 32 hex digits. A base has no parent. */
  id: string;
  parent: string | null;
  /** Rises from dump to dump. */
  number: number;
  /** When, ms since the epoch. */
  takenMs: number;
  /** Names of the migrations that made the schema, in order. */
  schema: string[];
  /** The server's version, for people. */
  postgres: string;
}

export interface DumpTable {
  name: string;
  /**
   * `all`: all rows, in place of what earlier dumps of the chain said. `rows`: all rows, to which later dumps make changes. `changes`: keys of rows
   * that are to go, then those that are to be there. `more`: rows to add.
   */
  carries: 'all' | 'rows' | 'changes' | 'more';
  columns: { name: string; type: ColumnType }[];
  /** Names of the columns of a key, for `changes`. */
  key: string[];
}

export interface DumpEnd {
  /** For each table. */
  rows: Record<string, number>;
  keys: Record<string, number>;
  /** The last value that each sequence gave out. */
  sequences: Record<string, number>;
}

export type DumpBlock =
  | { kind: 'head'; head: DumpHead }
  | { kind: 'table'; table: DumpTable }
  | { kind: 'keys'; table: DumpTable; tuples: Buffer }
  | { kind: 'rows'; table: DumpTable; tuples: Buffer }
  | { kind: 'end'; end: DumpEnd };

const [HEAD, TABLE, KEYS, ROWS, END] = [1, 2, 3, 4, 5];
const BLOCK_BYTES_MAX = 1 << 28;

export function encodeHead(head: DumpHead): Buffer {
  return block(HEAD, Buffer.from(JSON.stringify(head)));
}
export function encodeTable(table: DumpTable): Buffer {
  return block(TABLE, Buffer.from(JSON.stringify(table)));
}
export function encodeKeys(tuples: Buffer): Buffer {
  return block(KEYS, tuples);
}
export function encodeRows(tuples: Buffer): Buffer {
  return block(ROWS, tuples);
}
export function encodeEnd(end: DumpEnd): Buffer {
  return block(END, Buffer.from(JSON.stringify(end)));
}

/** @throws corrupt; a dump that does not end with its end is one */
export async function* decodeBlocks(plain: AsyncIterable<Buffer>): AsyncGenerator<DumpBlock> {
  let table: DumpTable | null = null;
  let ended = false;
  let begun = false;
  for await (const { kind, bytes } of rawBlocks(plain)) {
    if (ended || begun === (kind === HEAD)) throw malformed();
    begun = true;
    switch (kind) {
      case HEAD: {
        const head: DumpHead = JSON.parse(bytes.toString());
        if (head.format !== 1) {
          throw new CloudStoreError('corrupt', `A dump is of format ${head.format}; this version of CloudStore reads format 1.`);
        }
        yield { kind: 'head', head };
        break;
      }
      case TABLE:
        table = JSON.parse(bytes.toString()) as DumpTable; // authenticated: we wrote it
        yield { kind: 'table', table };
        break;
      case KEYS:
      case ROWS:
        if (table === null) throw malformed();
        yield { kind: kind === KEYS ? 'keys' : 'rows', table, tuples: bytes };
        break;
      case END:
        ended = true;
        yield { kind: 'end', end: JSON.parse(bytes.toString()) };
        break;
      default:
        throw malformed();
    }
  }
  if (!ended) throw malformed();
}

async function* rawBlocks(plain: AsyncIterable<Buffer>): AsyncGenerator<{ kind: number; bytes: Buffer }> {
  let pieces: Buffer[] = [];
  let held = 0;
  for await (const piece of plain) {
    pieces.push(piece);
    held += piece.length;
    for (;;) {
      if (held < 5) break;
      if (pieces[0]!.length < 5) pieces = [Buffer.concat(pieces)];
      const [first] = pieces as [Buffer];
      const length = first.readUInt32BE(1);
      if (length > BLOCK_BYTES_MAX) throw malformed();
      if (held < 5 + length) break;
      const all = pieces.length === 1 ? first : Buffer.concat(pieces);
      yield { kind: all[0]!, bytes: all.subarray(5, 5 + length) };
      pieces = [all.subarray(5 + length)];
      held -= 5 + length;
    }
  }
  if (held > 0) throw malformed();
}

function block(kind: number | undefined, bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head[0] = kind ?? 0;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function malformed(): CloudStoreError {
  return new CloudStoreError('corrupt', 'A dump has no form that this version of CloudStore knows.');
}
