import { foreignCalls } from '#core/foreign-calls';
import { TAG_BYTES } from './record-format.ts';

/** From openssl/evp.h; the same since 1.1. */
const CTRL_GET_TAG = 0x10;
const CTRL_SET_TAG = 0x11;
const [ENCRYPT, DECRYPT] = [1, 0];
const [KEY_BYTES, NONCE_BYTES] = [32, 12];
/** EVP_CipherUpdate counts in an int. */
const BYTES_MAX = 2 ** 30;

type Memory = Uint8Array | null;

/** The functions of OpenSSL's EVP interface (openssl.org, EVP_EncryptInit(3)) that we call; handles are opaque. */
interface Evp {
  cipher: unknown;
  context: unknown;
  init(context: unknown, cipher: unknown, engine: null, key: Memory, nonce: Memory, encrypt: number): number;
  update(context: unknown, out: Memory, outLength: Uint8Array, bytes: Uint8Array, length: number): number;
  final(context: unknown, out: Uint8Array, outLength: Uint8Array): number;
  control(context: unknown, what: number, length: number, bytes: Uint8Array): number;
}

/**
 * The OpenSSL that this runtime carries and exports, called where the bytes lie. One context serves all calls: each is whole before the next.
 * null: there is none, another one, or no prebuild of the calling package for this platform.
 */
export function nativeGcm() {
  const evp = loadEvp();
  if (evp === null) return null;
  const { cipher, context } = evp;
  const outLength = Buffer.alloc(4);
  const rest = Buffer.alloc(TAG_BYTES);
  // Memory is given by its address: nothing but these checks keeps a call within its buffer.
  const begin = (key: Uint8Array, nonce: Uint8Array, additional: Uint8Array, encrypt: number): void => {
    if (key.length !== KEY_BYTES || nonce.length !== NONCE_BYTES) throw new RangeError('A key has 32 bytes and a nonce 12.');
    must(evp.init(context, cipher, null, key, nonce, encrypt));
    must(evp.update(context, null, outLength, additional, additional.length));
  };
  return {
    native: true,
    seal(key: Uint8Array, nonce: Uint8Array, additional: Uint8Array, pieces: readonly Uint8Array[], out: Uint8Array): void {
      const size = pieces.reduce((sum, { length }) => sum + length, 0);
      if (out.length !== size + TAG_BYTES || size > BYTES_MAX) throw new RangeError('Sealed bytes are 16 more.');
      begin(key, nonce, additional, ENCRYPT);
      let end = 0;
      for (const bytes of pieces) {
        if (bytes.length > 0) must(evp.update(context, out.subarray(end), outLength, bytes, bytes.length));
        end += bytes.length;
      }
      must(evp.final(context, rest, outLength));
      must(evp.control(context, CTRL_GET_TAG, TAG_BYTES, out.subarray(end)));
    },
    open(
      key: Uint8Array,
      nonce: Uint8Array,
      additional: Uint8Array,
      sealed: Uint8Array,
      tag: Uint8Array,
      out: Uint8Array,
    ): boolean {
      const size = sealed.length;
      if (out.length !== size || size > BYTES_MAX || tag.length !== TAG_BYTES) throw new RangeError('Opened bytes are as many.');
      begin(key, nonce, additional, DECRYPT);
      must(evp.control(context, CTRL_SET_TAG, TAG_BYTES, tag));
      if (size > 0) must(evp.update(context, out, outLength, sealed, size));
      return evp.final(context, rest, outLength) === 1;
    },
  };
}

function must(result: number): void {
  if (result !== 1) throw new Error('OpenSSL refused a call of its AES-256-GCM.');
}

function loadEvp(): Evp | null {
  if (!/^3\./.test(process.versions.openssl ?? '')) return null;
  const runtime = foreignCalls()?.loaded;
  if (runtime === undefined) return null;
  try {
    const cipher: unknown = runtime.func('void *EVP_aes_256_gcm()')();
    const context: unknown = runtime.func('void *EVP_CIPHER_CTX_new()')();
    if (cipher === null || context === null) return null;
    return {
      cipher,
      context,
      init: runtime.func('int EVP_CipherInit_ex(void *, void *, void *, void *, void *, int)'),
      update: runtime.func('int EVP_CipherUpdate(void *, void *, void *, void *, int)'),
      final: runtime.func('int EVP_CipherFinal_ex(void *, void *, void *)'),
      control: runtime.func('int EVP_CIPHER_CTX_ctrl(void *, int, int, void *)'),
    };
  } catch {
    return null;
  }
}
