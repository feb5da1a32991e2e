import { createHmac, timingSafeEqual } from 'node:crypto';

/** What every authenticator app takes without being told (RFC 6238): SHA-1, six digits, thirty seconds. */
const STEP_MS = 30_000;
const DIGITS = 6;
/** Steps before and after that a clock may be off by. */
const DRIFT = 1;
export const TOTP_SECRET_BYTES = 20;

/**
 * The step that a code is of, if it is one of now and of none before `spent` (RFC 6238 §5.2: a code works once); else null. Takes the same time for every wrong
 * code.
 */
export function stepOf(secret: Buffer, code: string, now: number, spent: number): number | null {
  if (!/^\d{6}$/.test(code)) return null;
  const current = Math.floor(now / STEP_MS);
  const given = Buffer.from(code);
  let found: number | null = null;
  for (let step = current - DRIFT; step <= current + DRIFT; step++) {
    if (timingSafeEqual(Buffer.from(codeAt(secret, step)), given) && step > spent) found = step;
  }
  return found;
}

/** HOTP of a counter (RFC 4226 §5.3). */
export function codeAt(secret: Buffer, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const offset = mac.readUInt8(mac.length - 1) & 0xf;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** DIGITS).padStart(DIGITS, '0');
}

/** What an app reads from a picture (the Key URI format that they share). */
export function provisioningUri(secret: Buffer, user: string): string {
  const label = `${encodeURIComponent('CloudStore')}:${encodeURIComponent(user)}`;
  return `otpauth://totp/${label}?secret=${base32(secret)}&issuer=CloudStore`;
}

/** RFC 4648 §6, without padding. */
export function base32(bytes: Buffer): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let bits = 0;
  let value = 0;
  let out = '';
  for (const byte of bytes) {
    value = (value << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) out += alphabet[(value >>> (bits - 5)) & 31];
    value &= (1 << bits) - 1;
  }
  return bits === 0 ? out : out + alphabet[(value << (5 - bits)) & 31];
}
