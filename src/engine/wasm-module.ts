import {
  at,
  block,
  body,
  breakIf,
  functionType,
  get,
  I32,
  I64,
  i32,
  i64,
  load,
  loop,
  moduleOn,
  NONE,
  set,
  simd,
  unsigned,
  V128,
} from './wasm-code.ts';

/**
 * The engine's two inner loops as a WebAssembly module, assembled here so that nothing needs a build step and the source can be read:
 * the gear scan of the chunker and CRC-64/NVME, both on the memory that bodies are received into. In plain JavaScript:
 *
 *   scan(p, e, mask, h):  while (p < e) { h = (h << 1) + gear[byte[p]]; p++; if ((h & mask) === 0) break out with p; }
 *                         state = h; result p, or 0 when no cut was found
 *   crc64(crc, p, e):     slicing by 16, tables at CRC_TABLES, then bytewise
 *
 * The scan takes blocks of four lanes, a lane being the next KiB: the hash knows the last 32 bytes only, so each lane begins with the 32 before it. A block
 * in which any lane finds a cut is scanned again byte by byte, and so is what is no whole block. A cut ends the scan, so that no bytes that a client
 * could choose are scanned twice but for one block a cut.
 */
export const GEAR_TABLE = 0;
export const SCAN_STATE = 1024;
export const CRC_TABLES = 4096;
/** Bodies begin here; everything below is the tables'. */
export const ARENA_START = 65_536;

export function assembleModule(): Uint8Array<ArrayBuffer> {
  const scanLocals: [number, number][] = [
    [1, I32],
    [3, V128],
  ];
  return moduleOn([
    { name: 'scan', type: functionType([I32, I32, I32, I32], [I32]), body: body(scanLocals, scanBody()) },
    { name: 'crc64', type: functionType([I64, I32, I32], [I64]), body: body([[2, I64]], crcBody()) },
  ]);
}

/** What the hash looks back. */
const WINDOW_BYTES = 32;
const LANE_BYTES = 1024;
const BLOCK_BYTES = 4 * LANE_BYTES;

function scanBody(): number[] {
  const [p, e, mask, h, q, hashes, masks, found] = [0, 1, 2, 3, 4, 5, 6, 7];
  const entryOf = (lane: number): number[] => [...get(q), ...load(0x2d, 0, lane * LANE_BYTES), ...i32(2), 0x74];
  // hashes = (hashes << 1) + gear[byte[q + lane * LANE_BYTES]]; q++
  const step = [
    ...[...get(hashes), ...i32(1), ...simd(0xab)],
    ...[...entryOf(3), ...entryOf(2), ...entryOf(1), ...entryOf(0)],
    ...[...simd(0x5c), ...at(2, GEAR_TABLE)],
    ...[1, 2, 3].flatMap((lane) => [...simd(0x56), ...at(2, GEAR_TABLE), lane]),
    ...[...simd(0xae), ...set(hashes), ...get(q), ...i32(1), 0x6a, ...set(q)],
  ];
  const untilWith = (end: number[], code: number[]): number[] => loop([...step, ...code, ...get(q), ...end, 0x49, 0x0d, 0]);
  const blocks = block([
    ...loop([
      ...[...get(e), ...get(p), 0x6b, ...i32(BLOCK_BYTES), 0x49, ...breakIf(1)], // e - p < BLOCK_BYTES
      ...[...get(p), ...i32(WINDOW_BYTES), 0x6b, ...set(q), ...untilWith(get(p), [])],
      ...[...get(hashes), ...get(h), ...simd(0x1c), 0, ...set(hashes), ...NONE, ...set(found)],
      ...untilWith(
        [...get(p), ...i32(LANE_BYTES), 0x6a],
        [...get(found), ...get(hashes), ...get(masks), ...simd(0x4e), ...NONE, ...simd(0x37), ...simd(0x50), ...set(found)],
      ),
      ...[...get(found), ...simd(0x53), ...breakIf(1)],
      ...[...get(hashes), ...simd(0x1b), 3, ...set(h), ...get(p), ...i32(BLOCK_BYTES), 0x6a, ...set(p), 0x0c, 0],
    ]),
  ]);
  return [
    ...[...get(mask), ...simd(0x11), ...set(masks)],
    ...blocks,
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
