import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { createExpand } from './key-derivation.ts';

/** Small secrets under one master key; layouts in docs/FORMAT.md. */
export interface Sealing {
  /** Of the master key, 32 hex digits. */
  check: string;
  seal(plaintext: Uint8Array, context: string): Buffer;
  /** @throws corrupt */
  open(sealed: Buffer, context: string): Buffer;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CHECK_BYTES = 8;
/** Without the check: written before master keys could change. */
const VERSION_1 = 1;
const VERSION_2 = 2;

/** @throws invalid_argument for a master key of another length than 32 bytes */
export function createSealing(masterKey: Buffer, random: Random): Sealing {
  if (masterKey.length !== KEY_BYTES) {
    throw new CloudStoreError('invalid_argument', `The master key has ${masterKey.length} bytes; it must have ${KEY_BYTES}.`);
  }
  const check = masterKeyCheck(masterKey);
  const front = Buffer.concat([Buffer.of(VERSION_2), Buffer.from(check, 'hex').subarray(0, CHECK_BYTES)]);
  const sealingKey = createExpand(masterKey)(Buffer.from('cloudstore sealing key v1'));
  return {
    check,
    seal(plaintext, context) {
      const nonce = random(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', sealingKey, nonce);
      cipher.setAAD(additional(VERSION_2, context));
      const sealed = cipher.update(plaintext);
      cipher.final();
      return Buffer.concat([front, nonce, sealed, cipher.getAuthTag()]);
    },
    open(sealed, context) {
      const version = sealed[0];
      const start = version === VERSION_1 ? 1 : front.length;
      const end = sealed.length - TAG_BYTES;
      if ((version !== VERSION_1 && version !== VERSION_2) || end < start + NONCE_BYTES) {
        throw new CloudStoreError('corrupt', 'A sealed secret has no known layout.');
      }
      const decipher = createDecipheriv('aes-256-gcm', sealingKey, sealed.subarray(start, start + NONCE_BYTES));
      decipher.setAAD(additional(version, context));
      decipher.setAuthTag(sealed.subarray(end));
      const plaintext = decipher.update(sealed.subarray(start + NONCE_BYTES, end));
      try {
        decipher.final();
      } catch (cause) {
        throw new CloudStoreError('corrupt', 'The master key does not fit a sealed secret, or the secret is damaged.', { cause });
      }
      return plaintext;
    },
  };
}

/** The first half of the check of the master key that sealed it, hex; null when it does not say. */
export function sealedUnder(sealed: Buffer): string | null {
  return sealed[0] === VERSION_2 && sealed.length > CHECK_BYTES ? sealed.toString('hex', 1, 1 + CHECK_BYTES) : null;
}

/** Tells master keys apart, and tells nothing else about them. */
export function masterKeyCheck(masterKey: Buffer): string {
  return createHmac('sha256', masterKey).update('cloudstore master key check').digest('hex').slice(0, 32);
}

function additional(version: number, context: string): Buffer {
  return Buffer.from(`cloudstore/sealed/${version}\0${context}`);
}
