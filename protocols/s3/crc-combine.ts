/** Width and reflected polynomial of the CRCs that S3 can put together from parts. */
const CRCS = {
  crc32: { width: 32n, polynomial: 0xedb88320n },
  crc32c: { width: 32n, polynomial: 0x82f63b78n },
  crc64nvme: { width: 64n, polynomial: 0x9a6c9329ac4bc9b5n },
} as const;

export type CrcName = keyof typeof CRCS;

export function isCrc(name: string): name is CrcName {
  return Object.hasOwn(CRCS, name);
}

/**
 * The CRC of a whole from those of its parts, without their bytes: a CRC moves on by n bytes when it is multiplied with
 * x^(8n) modulo the polynomial (as zlib's crc32_combine does).
 */
export function combineCrcs(name: CrcName, parts: readonly { crc: Buffer; size: number }[]): Buffer {
  const { width, polynomial } = CRCS[name];
  const top = 1n << (width - 1n);
  const multiply = (a: bigint, b: bigint): bigint => {
    let product = 0n;
    let factor = b;
    for (let bit = top; bit !== 0n; bit >>= 1n) {
      if ((a & bit) !== 0n) product ^= factor;
      factor = (factor & 1n) !== 0n ? (factor >> 1n) ^ polynomial : factor >> 1n;
    }
    return product;
  };
  const shiftOf = (bytes: number): bigint => {
    let result = top; // x^0
    let power = top >> 1n; // x^1
    for (let n = BigInt(bytes) * 8n; n > 0n; n >>= 1n) {
      if ((n & 1n) !== 0n) result = multiply(power, result);
      power = multiply(power, power);
    }
    return result;
  };
  const shifts = new Map<number, bigint>(); // parts are mostly of one size
  let total = 0n;
  for (const { crc, size } of parts) {
    let shift = shifts.get(size);
    if (shift === undefined) {
      shift = shiftOf(size);
      shifts.set(size, shift);
    }
    total = multiply(shift, total) ^ BigInt(`0x${crc.toString('hex')}`);
  }
  return Buffer.from(total.toString(16).padStart(Number(width / 4n), '0'), 'hex');
}
