import { createCipheriv, createDecipheriv } from 'node:crypto';
import { nativeGcm } from './gcm-native.ts';
import { TAG_BYTES } from './record-format.ts';

/** AES-256-GCM (NIST SP 800-38D) over memory that its caller has. Keys have 32 bytes, nonces 12, tags 16. */
export interface Gcm {
  readonly native: boolean;
  /** Encrypts the pieces one after another into `out`, and writes the tag behind them: `out` has their bytes and 16 more, and does not overlap them. */
  seal(key: Uint8Array, nonce: Uint8Array, additional: Uint8Array, pieces: readonly Uint8Array[], out: Uint8Array): void;
  /**
   * Decrypts into `out`, as many bytes: elsewhere, or in the very place of `sealed`.
   * @returns false where it is not what the key sealed; what lies in `out` then is worth nothing
   */
  open(key: Uint8Array, nonce: Uint8Array, additional: Uint8Array, sealed: Uint8Array, tag: Uint8Array, out: Uint8Array): boolean;
}

/** OpenSSL itself where it can be called; else through node:crypto, which copies all it makes: two to six times slower. */
export function createGcm(kind: 'native' | 'plain' = 'native'): Gcm {
  const native = kind === 'native' ? nativeGcm() : null;
  return native !== null && agrees(native) ? native : plainGcm;
}

/** In pieces of this size the copies of node:crypto happen within the processor's cache. */
const PIECE_BYTES = 64 << 10;

const plainGcm: Gcm = {
  native: false,
  seal(key, nonce, additional, pieces, out) {
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(additional);
    let end = 0;
    for (const bytes of pieces) {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        const sealed = cipher.update(bytes.subarray(at, at + PIECE_BYTES));
        out.set(sealed, end);
        end += sealed.length;
      }
    }
    cipher.final();
    out.set(cipher.getAuthTag(), end);
  },
  open(key, nonce, additional, sealed, tag, out) {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce);
    decipher.setAAD(additional);
    decipher.setAuthTag(tag);
    for (let at = 0; at < sealed.length; at += PIECE_BYTES) out.set(decipher.update(sealed.subarray(at, at + PIECE_BYTES)), at);
    try {
      decipher.final();
    } catch {
      return false;
    }
    return true;
  },
};

/** Whether it does what node:crypto does, before anything is trusted to it. */
function agrees(gcm: Gcm): boolean {
  const [key, nonce, additional] = [Buffer.alloc(32, 1), Buffer.alloc(12, 2), Buffer.alloc(40, 3)];
  const pieces = [Buffer.alloc(1, 4), Buffer.alloc(300, 5)];
  const sealed = Buffer.alloc(301 + TAG_BYTES);
  gcm.seal(key, nonce, additional, pieces, sealed);
  const expected = Buffer.alloc(sealed.length);
  plainGcm.seal(key, nonce, additional, pieces, expected);
  const opened = Buffer.alloc(301);
  const [body, tag] = [sealed.subarray(0, 301), sealed.subarray(301)];
  if (!sealed.equals(expected) || !gcm.open(key, nonce, additional, body, tag, opened)) return false;
  tag[0]! ^= 1;
  return opened.equals(Buffer.concat(pieces)) && !gcm.open(key, nonce, additional, body, tag, opened);
}

/** What this thread seals and opens with. */
export const gcm = createGcm();
