import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane; about 30 ms of one core. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const LANES = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** More than this is nobody's password, and would be hashed all the same. */
export const PASSWORD_BYTES_MAX = 1024;

/** Bounds on what a stored hash may ask of us, should a row be tampered with. */
const MEMORY_KIB_MAX = 1_048_576;
const PASSES_MAX = 64;

/**
 * Hashes a new password with argon2id (RFC 9106) into a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`.
 * @throws invalid_argument when it is empty or over 1,024 UTF-8 bytes
 */
export async function hashPassword(password: string, random: Random = randomBytes): Promise<string> {
  if (password === '' || Buffer.byteLength(password) > PASSWORD_BYTES_MAX) {
    throw new CloudStoreError('invalid_argument', `A password has 1 to ${PASSWORD_BYTES_MAX} bytes.`);
  }
  const salt = random(SALT_BYTES);
  const parameters = { memory: MEMORY_KIB, passes: PASSES, lanes: LANES };
  return format(parameters, salt, await derive(password, salt, parameters, HASH_BYTES));
}

/** Takes the same time whatever differs. False, too, for a hash that cannot be read. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const parsed = parse(stored);
  if (parsed === null || Buffer.byteLength(password) > PASSWORD_BYTES_MAX) return false;
  const { salt, hash, parameters } = parsed;
  return timingSafeEqual(await derive(password, salt, parameters, hash.length), hash);
}

/** A hash that no password has, as dear to verify as a real one: what an unknown user is checked against. */
export function unmatchableHash(random: Random): string {
  return format({ memory: MEMORY_KIB, passes: PASSES, lanes: LANES }, random(SALT_BYTES), random(HASH_BYTES));
}

interface Parameters {
  memory: number;
  passes: number;
  lanes: number;
}

function derive(password: string, salt: Buffer, { memory, passes, lanes }: Parameters, length: number): Promise<Buffer> {
  const message = Buffer.from(password.normalize('NFC'));
  return new Promise((resolve, reject) => {
    argon2('argon2id', { message, nonce: salt, parallelism: lanes, tagLength: length, memory, passes }, (error, key) => {
      if (error) reject(error);
      else resolve(Buffer.from(key));
    });
  });
}

function format({ memory, passes, lanes }: Parameters, salt: Buffer, hash: Buffer): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${lanes}$${unpadded(salt)}$${unpadded(hash)}`;
}

function parse(stored: string): { parameters: Parameters; salt: Buffer; hash: Buffer } | null {
  const match = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,2})\$([\w+/-]{11,128})\$([\w+/-]{22,128})$/.exec(stored);
  if (match === null) return null;
  const [, m, t, p, salt = '', hash = ''] = match;
  const parameters = { memory: Number(m), passes: Number(t), lanes: Number(p) };
  const { memory, passes, lanes } = parameters;
  const sane = lanes >= 1 && memory >= 8 * lanes && memory <= MEMORY_KIB_MAX && passes >= 1 && passes <= PASSES_MAX;
  return sane ? { parameters, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') } : null;
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
