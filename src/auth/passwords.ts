import * as crypto from 'node:crypto';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane; about 30 ms of one core. */
const ARGON2ID = { algorithm: 'argon2id', memory: 19_456, passes: 2, lanes: 1 } as const;
/** Where the runtime has no argon2 (before Node 24.7): OWASP's for scrypt with less memory, 16 MiB five times. */
const SCRYPT = { algorithm: 'scrypt', costLog2: 14, blockSize: 8, lanes: 5 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** More than this is nobody's password, and would be hashed all the same. */
export const PASSWORD_BYTES_MAX = 1024;

/** Bounds on what a stored hash may ask of us, should a row be tampered with. */
const MEMORY_KIB_MAX = 1_048_576;
const PASSES_MAX = 64;

/** How a password is hashed; the number of parameters says which. */
export type HashParameters =
  | { algorithm: 'argon2id'; memory: number; passes: number; lanes: number }
  | { algorithm: 'scrypt'; costLog2: number; blockSize: number; lanes: number };

/** The best that this runtime can do. */
export function bestParameters(): HashParameters {
  return typeof crypto.argon2 === 'function' ? ARGON2ID : SCRYPT;
}

/**
 * Hashes a new password into a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>` (RFC 9106), or `$scrypt$ln=14,r=8,p=5$…` (RFC 7914).
 * @throws invalid_argument when it is empty or over 1,024 UTF-8 bytes
 */
export async function hashPassword(
  password: string,
  random: Random = crypto.randomBytes,
  parameters: HashParameters = bestParameters(),
): Promise<string> {
  if (password === '' || Buffer.byteLength(password) > PASSWORD_BYTES_MAX) {
    throw new CloudStoreError('invalid_argument', `A password has 1 to ${PASSWORD_BYTES_MAX} bytes.`);
  }
  const salt = random(SALT_BYTES);
  return format(parameters, salt, await derive(password, salt, parameters, HASH_BYTES));
}

/** Takes the same time whatever differs. False, too, for a hash that cannot be read, or not by this runtime. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const parsed = parse(stored);
  if (parsed === null || Buffer.byteLength(password) > PASSWORD_BYTES_MAX) return false;
  const { salt, hash, parameters } = parsed;
  return crypto.timingSafeEqual(await derive(password, salt, parameters, hash.length), hash);
}

/** Whether a hash that was just right should be replaced by one with the parameters of now. */
export function isOutdated(stored: string, best: HashParameters = bestParameters()): boolean {
  const parsed = parse(stored)?.parameters;
  return parsed !== undefined && JSON.stringify(parsed) !== JSON.stringify(best);
}

/** A hash that no password has, as dear to verify as a real one: what an unknown user is checked against. */
export function unmatchableHash(random: Random, parameters: HashParameters = bestParameters()): string {
  return format(parameters, random(SALT_BYTES), random(HASH_BYTES));
}

/** How a stored hash was made, and so what it costs to verify; null: it cannot be read, or not by this runtime, and costs nothing. */
export function parametersOf(stored: string): HashParameters | null {
  return parse(stored)?.parameters ?? null;
}

function derive(password: string, salt: Buffer, parameters: HashParameters, length: number): Promise<Buffer> {
  const message = Buffer.from(password.normalize('NFC'));
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, key: Uint8Array): void => (error ? reject(error) : resolve(Buffer.from(key)));
    if (parameters.algorithm === 'argon2id') {
      const { memory, passes, lanes } = parameters;
      crypto.argon2('argon2id', { message, nonce: salt, parallelism: lanes, tagLength: length, memory, passes }, done);
      return;
    }
    const cost = 2 ** parameters.costLog2;
    const { blockSize, lanes: parallelization } = parameters;
    crypto.scrypt(message, salt, length, { cost, blockSize, parallelization, maxmem: 256 * cost * blockSize }, done);
  });
}

function format(parameters: HashParameters, salt: Buffer, hash: Buffer): string {
  const values =
    parameters.algorithm === 'argon2id'
      ? `$argon2id$v=19$m=${parameters.memory},t=${parameters.passes},p=${parameters.lanes}`
      : `$scrypt$ln=${parameters.costLog2},r=${parameters.blockSize},p=${parameters.lanes}`;
  return `${values}$${unpadded(salt)}$${unpadded(hash)}`;
}

function parse(stored: string): { parameters: HashParameters; salt: Buffer; hash: Buffer } | null {
  const match =
    /^\$(?:argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,2})|scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2}))\$([\w+/-]{11,128})\$([\w+/-]{22,128})$/.exec(
      stored,
    );
  if (match === null) return null;
  const [, m, t, p, ln, r, lanes, salt = '', hash = ''] = match;
  const parameters: HashParameters =
    m === undefined
      ? { algorithm: 'scrypt', costLog2: Number(ln), blockSize: Number(r), lanes: Number(lanes) }
      : { algorithm: 'argon2id', memory: Number(m), passes: Number(t), lanes: Number(p) };
  return isSane(parameters) ? { parameters, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') } : null;
}

function isSane(parameters: HashParameters): boolean {
  if (parameters.algorithm === 'argon2id') {
    const { memory, passes, lanes } = parameters;
    if (typeof crypto.argon2 !== 'function') return false;
    return lanes >= 1 && memory >= 8 * lanes && memory <= MEMORY_KIB_MAX && passes >= 1 && passes <= PASSES_MAX;
  }
  const { costLog2, blockSize, lanes } = parameters;
  const memoryKib = (2 ** costLog2 * blockSize) / 8;
  return costLog2 >= 10 && blockSize >= 1 && lanes >= 1 && lanes <= PASSES_MAX && memoryKib <= MEMORY_KIB_MAX;
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
