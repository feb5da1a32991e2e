import * as crypto from 'node:crypto';
import { promisify } from 'node:util';
import type { KeyDerivation } from '#contracts/sealed-store';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';

const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** RFC 9106's choice for where memory is limited: 64 MiB, three passes, four lanes. A fifth of a second. */
const ARGON2ID = { memoryKib: 65_536, passes: 3, lanes: 4 };
/** 128 MiB, where the runtime has no argon2. */
const SCRYPT = { cost: 2 ** 17, blockSize: 8, parallelization: 1 };
/** Bounds on what a row may ask of us, should it be tampered with. */
const MEMORY_KIB_MAX = 4 << 20;
const WORK_MAX = 64;

/** A new way from a passphrase to a key: argon2id where this runtime has it. */
export function newDerivation(random: Random): KeyDerivation {
  const salt = random(SALT_BYTES).toString('hex');
  return typeof crypto.argon2 === 'function'
    ? { algorithm: 'argon2id', ...ARGON2ID, salt }
    : { algorithm: 'scrypt', ...SCRYPT, salt };
}

/**
 * The master key of a passphrase, 32 bytes. Words are compared as people type them: NFC, whatever the keyboard made of an accent.
 * @throws unavailable when this runtime cannot compute it, or the parameters are beyond all measure
 */
export async function deriveMasterKey(passphrase: string, derivation: KeyDerivation): Promise<Buffer> {
  const words = Buffer.from(passphrase.normalize('NFC'));
  const salt = Buffer.from(derivation.salt, 'hex');
  if (derivation.algorithm === 'scrypt') {
    const { cost, blockSize, parallelization } = derivation;
    const memory = 128 * cost * blockSize;
    if (!(memory <= MEMORY_KIB_MAX * 1024 && parallelization <= WORK_MAX)) throw beyond();
    const options = { cost, blockSize, parallelization, maxmem: 2 * memory };
    return new Promise((resolve, reject) =>
      crypto.scrypt(words, salt, KEY_BYTES, options, (error, key) => (error === null ? resolve(key) : reject(error))),
    );
  }
  const { memoryKib: memory, passes, lanes: parallelism } = derivation;
  if (!(memory <= MEMORY_KIB_MAX && passes <= WORK_MAX && parallelism <= WORK_MAX)) throw beyond();
  if (typeof crypto.argon2 !== 'function') {
    throw new CloudStoreError(
      'unavailable',
      `The master key comes from a passphrase by argon2id, which Node ${process.versions.node} does not have; start CloudStore with the Node that comes with it.`,
    );
  }
  const argon2 = promisify(crypto.argon2);
  return argon2('argon2id', { message: words, nonce: salt, parallelism, tagLength: KEY_BYTES, memory, passes });
}

function beyond(): CloudStoreError {
  return new CloudStoreError('unavailable', 'What the database says of the passphrase makes no sense; restore it from a backup.');
}
