import { createWasmMemory, instantiate, type WasmMemory } from './wasm-code.ts';
import { ARENA_START, assembleModule, CRC_TABLES, GEAR_TABLE, SCAN_STATE } from './wasm-module.ts';

export const SLOT_BYTES = 256 << 10;
/** Room for the record of any chunk, in whole blocks, with what the log writes ahead of it. */
export const REGION_BYTES = (2 << 20) + (64 << 10);

/**
 * The memory that bodies are received into, once: shared, so that workers hash it where it lies; WebAssembly's, so that the chunker
 * scans it where it lies. Cut into slots of SLOT_BYTES; behind them regions of REGION_BYTES, in which records are made. What is untouched takes no memory.
 */
export interface Arena {
  readonly slotCount: number;
  /** 0 where the memory is not at a page's border. */
  readonly regionCount: number;
  readonly memory: SharedArrayBuffer;
  /** The same, for code of WebAssembly on other threads; null where there is none. */
  readonly wasm: WasmMemory | null;
  /** The bytes [from, to) of a slot. */
  view(slot: number, from: number, to: number): Buffer;
  /** Of a slot's first byte within `memory`. */
  address(slot: number): number;
  region(index: number): Buffer;
  /**
   * Rolls the gear hash over the bytes [from, to) of a slot. `cut` is the position behind the byte that made `hash & mask` zero,
   * or -1; `hash` the state there, to go on with.
   */
  scan(gear: Uint32Array, slot: number, from: number, to: number, mask: number, hash: number): { cut: number; hash: number };
  /** CRC-64/NVME, going on from `crc` (0n at the beginning). */
  crc64(crc: bigint, slot: number, from: number, to: number): bigint;
}

export function createArena(slotCount: number, kind: 'wasm' | 'plain' = 'wasm', regionCount = 0): Arena {
  if (kind === 'wasm') {
    try {
      return wasmArena(slotCount, regionCount);
    } catch {
      // No WebAssembly, or no address space for it: the same in JavaScript.
    }
  }
  return plainArena(slotCount);
}

function wasmArena(slotCount: number, regionCount: number): Arena {
  const memory = createWasmMemory(ARENA_START + slotCount * SLOT_BYTES + regionCount * REGION_BYTES);
  // The border to WebAssembly: what the module exports.
  const { scan, crc64 } = instantiate(assembleModule(), memory) as {
    scan(p: number, e: number, mask: number, hash: number): number;
    crc64(crc: bigint, p: number, e: number): bigint;
  };
  const shared = memory.buffer;
  const table = new Uint32Array(shared, GEAR_TABLE, 256);
  const state = new Uint32Array(shared, SCAN_STATE, 1);
  let current: Uint32Array | null = null;
  let crcReady = false;
  const base = baseArena(slotCount, regionCount, shared);
  return {
    ...base,
    wasm: memory,
    scan(gear, slot, from, to, mask, hash) {
      if (current !== gear) table.set((current = gear));
      const start = base.address(slot);
      const cut = scan(start + from, start + to, mask, hash);
      return { cut: cut === 0 ? -1 : cut - start, hash: state[0]! };
    },
    crc64(crc, slot, from, to) {
      if (!crcReady) new BigUint64Array(shared, CRC_TABLES, 16 * 256).set(crcTables());
      crcReady = true;
      const start = base.address(slot);
      return BigInt.asUintN(64, crc64(crc, start + from, start + to));
    },
  };
}

function plainArena(slotCount: number): Arena {
  const base = baseArena(slotCount, 0, new SharedArrayBuffer(ARENA_START + slotCount * SLOT_BYTES));
  let tables: CrcHalves | null = null;
  return {
    ...base,
    wasm: null,
    scan(gear, slot, from, to, mask, start) {
      const view = base.view(slot, from, to);
      let hash = start;
      for (let index = 0; index < view.length; index++) {
        hash = ((hash << 1) + gear[view[index]!]!) | 0;
        if ((hash & mask) === 0) return { cut: from + index + 1, hash: hash >>> 0 };
      }
      return { cut: -1, hash: hash >>> 0 };
    },
    crc64: (crc, slot, from, to) => plainCrc64(crc, base.view(slot, from, to), (tables ??= crcHalves())),
  };
}

function baseArena(slotCount: number, regionCount: number, memory: SharedArrayBuffer) {
  const bytes = Buffer.from(memory);
  const address = (slot: number): number => ARENA_START + slot * SLOT_BYTES;
  return {
    slotCount,
    regionCount,
    memory,
    address,
    region: (index: number): Buffer => bytes.subarray(address(slotCount) + index * REGION_BYTES).subarray(0, REGION_BYTES),
    view: (slot: number, from: number, to: number): Buffer => bytes.subarray(address(slot) + from, address(slot) + to),
  };
}

/** Reversed polynomial of CRC-64/NVME (NVM Express NVM Command Set specification, 5.2.1.3.4). */
const POLYNOMIAL = 0x9a6c9329ac4bc9b5n;

/** Table k gives the effect of a byte that k more bytes follow. */
function crcTables(count = 16): BigUint64Array {
  const tables = new BigUint64Array(count * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
    tables[byte] = crc;
  }
  for (let index = 256; index < tables.length; index++) {
    const before = tables[index - 256]!;
    tables[index] = (before >> 8n) ^ tables[Number(before & 255n)]!;
  }
  return tables;
}

interface CrcHalves {
  low: Uint32Array;
  high: Uint32Array;
}

/** The table for single bytes, in halves: BigInt arithmetic makes garbage of every byte. */
export function crcHalves(): CrcHalves {
  const tables = crcTables(1);
  return {
    low: Uint32Array.from(tables, (crc) => Number(crc & 0xffffffffn)),
    high: Uint32Array.from(tables, (crc) => Number(crc >> 32n)),
  };
}

/** CRC-64/NVME in JavaScript, for small bodies and where there is no WebAssembly. */
export function plainCrc64(crc: bigint, bytes: Uint8Array, { low, high }: CrcHalves): bigint {
  let l = ~Number(crc & 0xffffffffn);
  let h = ~Number(crc >> 32n);
  for (let index = 0; index < bytes.length; index++) {
    const at = (l ^ bytes[index]!) & 255;
    l = ((l >>> 8) | (h << 24)) ^ low[at]!;
    h = (h >>> 8) ^ high[at]!;
  }
  return (BigInt(~h >>> 0) << 32n) | BigInt(~l >>> 0);
}
