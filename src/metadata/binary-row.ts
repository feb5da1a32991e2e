/** How long a column is that is null. */
export const NULL = -1;

/** bigint, of ours all below 2^53. */
export function int8(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

/** Columns say how long they are, so those that begin alike are alike. Nothing is no column. */
export function beginsWith(bytes: Buffer, at: number, known: Buffer): boolean {
  for (let i = 0; i < known.length; i++) if (bytes[at + i] !== known[i]) return false;
  return known.length > 0;
}
