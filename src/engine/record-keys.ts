import type { DomainKeys } from '#contracts/keyring';
import type { Random } from '#core/clock';
import { createExpand, type Expand } from './key-derivation.ts';

export const SALT_BYTES = 32;
const INFO = Buffer.from('cloudstore record key v1');
const SALTS_AT_ONCE = 128;

/** A data key for every record and inline content: HKDF-Expand(epoch key, "cloudstore record key v1" ‖ salt). No key is used twice. */
export interface RecordKeys {
  /** A new salt, 32 bytes. */
  salt(): Buffer;
  /** @throws corrupt for an unknown epoch */
  derive(domain: DomainKeys, epoch: number, salt: Uint8Array): Buffer;
}

export function createRecordKeys(random: Random): RecordKeys {
  const expands = new WeakMap<Buffer, Expand>();
  const info = Buffer.alloc(INFO.length + SALT_BYTES);
  INFO.copy(info);
  let salts: Buffer = Buffer.alloc(0);
  return {
    salt() {
      // Drawn together: a call for 4 KiB costs little more than one for 32 bytes.
      if (salts.length === 0) salts = random(SALT_BYTES * SALTS_AT_ONCE);
      const salt = salts.subarray(0, SALT_BYTES);
      salts = salts.subarray(SALT_BYTES);
      return salt;
    },
    derive(domain, epoch, salt) {
      const key = domain.encryptionKey(epoch);
      let expand = expands.get(key);
      if (expand === undefined) expands.set(key, (expand = createExpand(key)));
      info.set(salt, INFO.length);
      return expand(info);
    },
  };
}
