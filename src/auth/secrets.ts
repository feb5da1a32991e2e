import { createHash } from 'node:crypto';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const DIGITS = '0123456789';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
/** Without what is taken for something else when it is typed: 0 and o, 1, i and l. */
const READABLE = 'abcdefghjkmnpqrstuvwxyz23456789';

/** 24 letters and digits, about 143 bits: nobody types it often, and no shell or URL trips over it. */
export function generatePassword(random: Random): string {
  return pick(random, LETTERS + LOWER + DIGITS, 24);
}

/** As AWS's look, which some tools insist on: 20 upper-case letters and digits; 40 characters. */
export function generateAccessKey(random: Random): { accessKeyId: string; secretAccessKey: string } {
  return { accessKeyId: generateId(random, 'CS'), secretAccessKey: pick(random, LETTERS + LOWER + DIGITS, 40) };
}

/** The kind shows in the first two letters, for people who look at a list or a log. */
export function generateId(random: Random, prefix: 'CS' | 'CA' | 'CC' | 'CD' | 'CT'): string {
  return `${prefix}${pick(random, LETTERS + DIGITS, 18)}`;
}

/** Five groups of five that can be typed on a phone, about 123 bits: `k3m9x-…`. */
export function generateAppPassword(random: Random): string {
  return Array.from({ length: 5 }, () => pick(random, READABLE, 5)).join('-');
}

/** One secret for all doors: an S3 secret key by its look, about 232 bits. */
export function generateDeviceSecret(random: Random): string {
  return `csd${pick(random, LETTERS + LOWER + DIGITS, 39)}`;
}

/** 78 bits, to be written down. */
export function generateRecoveryCode(random: Random): string {
  return Array.from({ length: 4 }, () => pick(random, READABLE, 4)).join('-');
}

/** A secret of our making is too long to be guessed, so that a plain digest keeps it as well as a slow hash. */
export function digestOf(secret: string | Buffer): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** The digest of what may be an app password or a device's secret by its look; null: it can only be a password that somebody chose. */
export function mintedDigest(password: string): Buffer | null {
  if (/^csd[A-Za-z0-9]{39}$/.test(password)) return digestOf(password);
  const typed = password.trim().toLowerCase();
  return /^([a-z2-9]{5}-){4}[a-z2-9]{5}$/.test(typed) ? digestOf(typed) : null;
}

/** What an S3 secret is sealed for: whoever opens it says the same words. */
export function secretContext(accessKeyId: string): string {
  return `access-key:${accessKeyId}`;
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
