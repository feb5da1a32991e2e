import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { DomainKeys } from '#contracts/keyring';
import type { ContentRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import type { RecordKeys } from './record-keys.ts';

/**
 * Tiny contents, sealed in their row: u8 version, u8 cipher, u32 epoch, salt (32), ciphertext, tag (16); authenticated along: the 38
 * bytes in front and the domain. No bytes at all for an empty content.
 */
export const INLINE_OVERHEAD_BYTES = 54;
const VERSION = 1;
const CIPHER_AES_256_GCM = 1;
const SALT_AT = 6;
const BODY_AT = 38;
const TAG_BYTES = 16;
/** The key is used once. */
const NONCE = Buffer.alloc(12);
const EMPTY = Buffer.alloc(0);

export type InlineRef = Extract<ContentRef, { kind: 'inline' }>;

export function sealInline(keys: RecordKeys, domain: DomainKeys, plaintext: Buffer): InlineRef {
  if (plaintext.length === 0) return { kind: 'inline', domain: domain.id, size: 0, sealed: EMPTY };
  const sealed = Buffer.allocUnsafe(plaintext.length + INLINE_OVERHEAD_BYTES);
  sealed[0] = VERSION;
  sealed[1] = CIPHER_AES_256_GCM;
  sealed.writeUInt32BE(domain.currentEpoch, 2);
  keys.salt().copy(sealed, SALT_AT);
  const key = keys.derive(domain, domain.currentEpoch, sealed.subarray(SALT_AT, BODY_AT));
  const cipher = createCipheriv('aes-256-gcm', key, NONCE);
  cipher.setAAD(additional(sealed, domain.id));
  sealed.set(cipher.update(plaintext), BODY_AT);
  cipher.final();
  sealed.set(cipher.getAuthTag(), sealed.length - TAG_BYTES);
  return { kind: 'inline', domain: domain.id, size: plaintext.length, sealed };
}

/** @throws corrupt */
export function openInline(keys: RecordKeys, domain: DomainKeys, { size, sealed }: InlineRef): Buffer {
  if (size === 0 && sealed.length === 0) return EMPTY;
  if (sealed.length !== size + INLINE_OVERHEAD_BYTES || sealed[0] !== VERSION || sealed[1] !== CIPHER_AES_256_GCM)
    throw damaged();
  const key = keys.derive(domain, sealed.readUInt32BE(2), sealed.subarray(SALT_AT, BODY_AT));
  const decipher = createDecipheriv('aes-256-gcm', key, NONCE);
  decipher.setAAD(additional(sealed, domain.id));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plaintext = decipher.update(sealed.subarray(BODY_AT, sealed.length - TAG_BYTES));
  try {
    decipher.final();
  } catch (cause) {
    throw damaged(cause);
  }
  return plaintext;
}

function additional(sealed: Buffer, domain: number): Buffer {
  const out = Buffer.allocUnsafe(BODY_AT + 4);
  sealed.copy(out, 0, 0, BODY_AT);
  out.writeUInt32BE(domain, BODY_AT);
  return out;
}

function damaged(cause?: unknown): CloudStoreError {
  return new CloudStoreError('corrupt', 'A small content failed authentication.', { details: { offset: 0 }, cause });
}
