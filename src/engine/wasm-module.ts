/**
 * The engine's two inner loops as a WebAssembly module, assembled here so that nothing needs a build step and the source can be read:
 * the gear scan of the chunker and CRC-64/NVME, both on the memory that bodies are received into. In plain JavaScript:
 *
 *   scan(p, e, mask, h):  while (p < e) { h = (h << 1) + gear[byte[p]]; p++; if ((h & mask) === 0) break out with p; }
 *                         state = h; result p, or 0 when no cut was found
 *   crc64(crc, p, e):     slicing by 16, tables at CRC_TABLES, then bytewise
 *
 * Scalar on purpose: a SIMD prefilter is faster on random bytes and thirty times slower on zeros, which a client could send on purpose.
 */
export const GEAR_TABLE = 0;
export const SCAN_STATE = 1024;
export const CRC_TABLES = 4096;
/** Bodies begin here; everything below is the tables'. */
export const ARENA_START = 65_536;

const I32 = 0x7f;
const I64 = 0x7e;
const VOID = 0x40;

export function assembleModule(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [2, ...functionType([I32, I32, I32, I32], [I32]), ...functionType([I64, I32, I32], [I64])]),
    // import "e" "m": a shared memory of 1 to 65,536 pages
    ...section(2, [1, ...name('e'), ...name('m'), 0x02, 0x03, ...unsigned(1), ...unsigned(65_536)]),
    ...section(3, [2, 0, 1]),
    ...section(7, [2, ...name('scan'), 0x00, 0, ...name('crc64'), 0x00, 1]),
    ...section(10, [2, ...body(scanBody()), ...body(crcBody())]),
  ]);
}

function scanBody(): number[] {
  const [p, e, mask, h] = [0, 1, 2, 3];
  return [
    ...block([
      ...loop([
        ...[...get(p), ...get(e), 0x4f, ...breakIf(1)], // p >= e
        ...[...get(h), ...i32(1), 0x74], // h << 1
        ...[...get(p), ...load(0x2d, 0, 0), ...i32(2), 0x74, ...load(0x28, 2, GEAR_TABLE), 0x6a, ...set(h)],
        ...[...get(p), ...i32(1), 0x6a, ...set(p)],
        ...[...get(h), ...get(mask), 0x71, ...breakIf(0)], // no cut: on
        ...[...i32(0), ...get(h), 0x36, 2, ...unsigned(SCAN_STATE), ...get(p), 0x0f],
      ]),
    ]),
    ...[...i32(0), ...get(h), 0x36, 2, ...unsigned(SCAN_STATE), ...i32(0)],
  ];
}

function crcBody(): number[] {
  const [crc, p, e, x, y] = [0, 1, 2, 3, 4];
  const invert = [...get(crc), 0x42, 0x7f, 0x85, ...set(crc)];
  const look = (word: number, byte: number, table: number): number[] => [
    ...[...get(word), ...i64(byte * 8), 0x88, ...i64(255), 0x83, 0xa7, ...i32(3), 0x74],
    ...load(0x29, 3, CRC_TABLES + table * 2048),
  ];
  const sixteen: number[] = [];
  for (let byte = 0; byte < 16; byte++) {
    sixteen.push(...look(byte < 8 ? x : y, byte & 7, 15 - byte));
    if (byte > 0) sixteen.push(0x85);
  }
  return [
    ...invert,
    ...block([
      ...loop([
        ...[...get(p), ...i32(16), 0x6a, ...get(e), 0x4b, ...breakIf(1)], // p + 16 > e
        ...[...get(p), ...load(0x29, 0, 0), ...get(crc), 0x85, ...set(x), ...get(p), ...load(0x29, 0, 8), ...set(y)],
        ...[...sixteen, ...set(crc), ...get(p), ...i32(16), 0x6a, ...set(p), 0x0c, 0],
      ]),
    ]),
    ...block([
      ...loop([
        ...[...get(p), ...get(e), 0x4f, ...breakIf(1)],
        ...[...get(crc), ...get(p), ...load(0x31, 0, 0), 0x85, ...i64(255), 0x83, 0xa7, ...i32(3), 0x74],
        ...[...load(0x29, 3, CRC_TABLES), ...get(crc), ...i64(8), 0x88, 0x85, ...set(crc)],
        ...[...get(p), ...i32(1), 0x6a, ...set(p), 0x0c, 0],
      ]),
    ]),
    ...[...invert, ...get(crc)],
  ];
}

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const i32 = (value: number): number[] => [0x41, ...signed(value)];
const i64 = (value: number): number[] => [0x42, ...signed(value)];
const load = (opcode: number, align: number, offset: number): number[] => [opcode, align, ...unsigned(offset)];
const breakIf = (depth: number): number[] => [0x0d, depth];
const block = (code: number[]): number[] => [0x02, VOID, ...code, 0x0b];
const loop = (code: number[]): number[] => [0x03, VOID, ...code, 0x0b];
const name = (text: string): number[] => [text.length, ...Buffer.from(text)];
const functionType = (from: number[], to: number[]): number[] => [0x60, from.length, ...from, to.length, ...to];
const section = (id: number, content: number[]): number[] => [id, ...unsigned(content.length), ...content];
/** Two i64 locals each, which the scan does not need and does not mind. */
const body = (code: number[]): number[] => {
  const content = [1, 2, I64, ...code, 0x0b];
  return [...unsigned(content.length), ...content];
};

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const rest = value >> 7;
  const low = value & 127;
  const last = (rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0);
  return last ? [low] : [low | 128, ...signed(rest)];
}
