/** WebAssembly's binary format (webassembly.github.io/spec, Binary Format), as far as we assemble it here: so nothing needs a build step. */

/** What we use of WebAssembly; its types come with the DOM's, which we are not in. */
declare const WebAssembly: {
  Memory: new (limits: { initial: number; maximum: number; shared: true }) => WasmMemory;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: unknown };
};

/** A shared memory. Threads may be sent it. */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

/** @throws where there is no WebAssembly, or no address space */
export function createWasmMemory(bytes: number): WasmMemory {
  const pages = bytes / 65_536;
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** The exports of a module of `moduleOn`. @throws where there is no WebAssembly, or it does not know all that is in it */
export function instantiate(code: Uint8Array, memory: WasmMemory): unknown {
  return new WebAssembly.Instance(new WebAssembly.Module(code), { e: { m: memory } }).exports;
}

interface WasmFunction {
  name: string;
  type: number[];
  body: number[];
}

/**
 * A module on a shared memory, which it imports, that exports these functions.
 * @param data what it writes into the memory, at an address, when it is instantiated
 */
export function moduleOn(functions: WasmFunction[], data?: { at: number; bytes: Uint8Array }): Uint8Array<ArrayBuffer> {
  const count = functions.length;
  return new Uint8Array(
    joined(
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, [count], ...functions.map(({ type }) => type)),
      // import "e" "m": a shared memory of 1 to 65,536 pages
      section(2, [1], name('e'), name('m'), [0x02, 0x03], unsigned(1), unsigned(65_536)),
      section(3, [count], [...functions.keys()]),
      section(7, [count], ...functions.map((one, index) => [...name(one.name), 0x00, index])),
      section(10, [count], ...functions.map(({ body }) => body)),
      data === undefined ? [] : section(11, [1, 0], i32(data.at), [0x0b], unsigned(data.bytes.length), [...data.bytes]),
    ),
  );
}

/** What is long is joined so: to spread it takes a hundred times as long. */
export function joined(...parts: number[][]): number[] {
  return ([] as number[]).concat(...parts);
}

export const I32 = 0x7f;
export const I64 = 0x7e;
export const V128 = 0x7b;
const VOID = 0x40;

export const get = (local: number): number[] => [0x20, local];
export const set = (local: number): number[] => [0x21, local];
export const i32 = (value: number): number[] => [0x41, ...signed(value)];
export const i64 = (value: number): number[] => [0x42, ...signed(value)];
export const at = (align: number, offset: number): number[] => [align, ...unsigned(offset)];
export const load = (opcode: number, align: number, offset: number): number[] => [opcode, ...at(align, offset)];
export const breakIf = (depth: number): number[] => [0x0d, depth];
export const block = (code: number[]): number[] => joined([0x02, VOID], code, [0x0b]);
export const loop = (code: number[]): number[] => joined([0x03, VOID], code, [0x0b]);
const name = (text: string): number[] => [text.length, ...Buffer.from(text)];
export const functionType = (from: number[], to: number[]): number[] => [0x60, from.length, ...from, to.length, ...to];
const section = (id: number, ...parts: number[][]): number[] => {
  const content = joined(...parts);
  return joined([id], unsigned(content.length), content);
};
export const body = (locals: [count: number, type: number][], code: number[]): number[] => {
  const content = joined([locals.length], locals.flat(), code, [0x0b]);
  return joined(unsigned(content.length), content);
};
export const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
/** v128.const 0. */
export const NONE = [...simd(0x0c), ...Array<number>(16).fill(0)];

/** LEB128. */
export function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const rest = value >> 7;
  const low = value & 127;
  const last = (rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0);
  return last ? [low] : [low | 128, ...signed(rest)];
}
