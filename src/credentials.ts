import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const DIGITS = '0123456789';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';

/** 24 letters and digits, about 143 bits: nobody types it often, and no shell or URL trips over it. */
export function generatePassword(random: Random): string {
  return pick(random, LETTERS + LOWER + DIGITS, 24);
}

/** As AWS's look, which some tools insist on: 20 upper-case letters and digits; 40 characters. */
export function generateAccessKey(random: Random): { accessKeyId: string; secretAccessKey: string } {
  return { accessKeyId: `CS${pick(random, LETTERS + DIGITS, 18)}`, secretAccessKey: pick(random, LETTERS + LOWER + DIGITS, 40) };
}

/**
 * A user's name goes into Basic authentication (no colon), URLs and log lines: letters and digits of any script, and `. _ - + @`.
 * @throws invalid_argument
 */
export function assertUserName(name: string): void {
  if (/^[\p{L}\p{M}\p{N}._+@-]{1,64}$/u.test(name)) return;
  throw new CloudStoreError('invalid_argument', 'A user name has 1 to 64 letters and digits, and . _ - + @.');
}

/** Without bias: bytes past the last whole multiple are drawn again. */
function pick(random: Random, alphabet: string, length: number): string {
  const limit = 256 - (256 % alphabet.length);
  let out = '';
  while (out.length < length) {
    for (const byte of random(length)) if (byte < limit && out.length < length) out += alphabet[byte % alphabet.length];
  }
  return out;
}
