import { crc32 } from '@node-rs/crc32';
import type { DomainKeys, Keyring } from '#contracts/keyring';
import type { ContentRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import { gcm } from './gcm.ts';
import type { PlainPolicy } from './plain-policy.ts';
import { CIPHER_AES_256_GCM, CIPHER_NONE, type Cipher, TAG_BYTES } from './record-format.ts';
import type { RecordKeys } from './record-keys.ts';

/**
 * Tiny contents in their row. Sealed: u8 version, u8 cipher (1), u32 epoch, salt (32), ciphertext, tag (16); authenticated along: the 38
 * bytes in front and the domain. Not encrypted: u8 version, u8 cipher (0), u32 CRC32 of these two bytes, the domain and the content,
 * then the content. No bytes at all for an empty content.
 */
export const INLINE_OVERHEAD_BYTES = 54;
const VERSION = 1;
const SALT_AT = 6;
const BODY_AT = 38;
const PLAIN_BODY_AT = 6;
/** The key is used once. */
const NONCE = Buffer.alloc(12);
const EMPTY = Buffer.alloc(0);
export type InlineRef = Extract<ContentRef, { kind: 'inline' }>;

export function sealInline(keys: RecordKeys, domain: DomainKeys, plaintext: Buffer, cipher: Cipher): InlineRef {
  const ref = { kind: 'inline' as const, domain: domain.id, size: plaintext.length };
  if (plaintext.length === 0) return { ...ref, sealed: EMPTY };
  if (cipher === CIPHER_NONE) return { ...ref, sealed: checked(domain.id, plaintext) };
  const sealed = Buffer.allocUnsafe(plaintext.length + INLINE_OVERHEAD_BYTES);
  sealed[0] = VERSION;
  sealed[1] = CIPHER_AES_256_GCM;
  sealed.writeUInt32BE(domain.currentEpoch, 2);
  keys.salt().copy(sealed, SALT_AT);
  const key = keys.derive(domain, domain.currentEpoch, sealed.subarray(SALT_AT, BODY_AT));
  gcm.seal(key, NONCE, additional(sealed, domain.id), [plaintext], sealed.subarray(BODY_AT));
  return { ...ref, sealed };
}

/** Whether it lies there as it is: PlainPolicy decides whether that counts. */
export function isPlainInline({ sealed }: InlineRef): boolean {
  return sealed.length > 0 && sealed[1] === CIPHER_NONE;
}

/** Whether its key is known, if it needs one. */
export function knowsInline(domain: DomainKeys, { sealed }: InlineRef): boolean {
  return sealed.length < INLINE_OVERHEAD_BYTES || sealed[1] !== CIPHER_AES_256_GCM || domain.knows(sealed.readUInt32BE(2));
}

/** What has to be asked before a content is opened: whether it counts, and for its key, where another process has begun an epoch. @throws corrupt */
export async function prepareInline(
  { keyring, plain }: { keyring: Keyring; plain: PlainPolicy },
  domain: DomainKeys,
  content: InlineRef,
): Promise<void> {
  if (isPlainInline(content)) await plain.require();
  else if (!knowsInline(domain, content)) await keyring.refresh(domain.id);
}

/** @throws corrupt */
export function openInline(keys: RecordKeys, domain: DomainKeys, { size, sealed }: InlineRef): Buffer {
  if (size === 0 && sealed.length === 0) return EMPTY;
  if (sealed[0] !== VERSION) throw damaged();
  if (sealed[1] === CIPHER_NONE) return openChecked(domain, size, sealed);
  if (sealed.length !== size + INLINE_OVERHEAD_BYTES || sealed[1] !== CIPHER_AES_256_GCM) throw damaged();
  const key = keys.derive(domain, sealed.readUInt32BE(2), sealed.subarray(SALT_AT, BODY_AT));
  const plaintext = Buffer.allocUnsafe(size);
  const tag = sealed.subarray(sealed.length - TAG_BYTES);
  const bytes = sealed.subarray(BODY_AT, sealed.length - TAG_BYTES);
  if (!gcm.open(key, NONCE, additional(sealed, domain.id), bytes, tag, plaintext)) throw damaged();
  return plaintext;
}

/** What names the plaintext of a sealed content, so that it may be kept: the salt names the bytes, the tag says that they are those opened before. */
export function inlineCacheKey({ sealed }: InlineRef): string | null {
  if (sealed[1] !== CIPHER_AES_256_GCM) return null; // opening it again costs no more than finding it
  return sealed.toString('latin1', SALT_AT, BODY_AT) + sealed.toString('latin1', sealed.length - TAG_BYTES);
}

function checked(domain: number, plaintext: Buffer): Buffer {
  const out = Buffer.allocUnsafe(PLAIN_BODY_AT + plaintext.length);
  out[0] = VERSION;
  out[1] = CIPHER_NONE;
  out.writeUInt32BE(checkOf(domain, plaintext), 2);
  plaintext.copy(out, PLAIN_BODY_AT);
  return out;
}

function openChecked(domain: DomainKeys, size: number, sealed: Buffer): Buffer {
  const plaintext = sealed.subarray(PLAIN_BODY_AT);
  if (plaintext.length !== size || sealed.readUInt32BE(2) !== checkOf(domain.id, plaintext)) throw damaged();
  return Buffer.from(plaintext);
}

function checkOf(domain: number, plaintext: Buffer): number {
  const front = Buffer.from([VERSION, CIPHER_NONE, 0, 0, 0, 0]);
  front.writeUInt32BE(domain, 2);
  return crc32(plaintext, crc32(front)) >>> 0;
}

function additional(sealed: Buffer, domain: number): Buffer {
  const out = Buffer.allocUnsafe(BODY_AT + 4);
  sealed.copy(out, 0, 0, BODY_AT);
  out.writeUInt32BE(domain, BODY_AT);
  return out;
}

function damaged(): CloudStoreError {
  return new CloudStoreError('corrupt', 'A small content failed authentication.', { details: { offset: 0 } });
}
