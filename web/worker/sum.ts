import { sha256 } from 'hash-wasm';

/** SHA-256 for a page that has none: browsers give it to pages of https and of this machine only. */
self.addEventListener('message', ({ data: { id, bytes } }: MessageEvent<{ id: number; bytes: ArrayBuffer }>) => {
  void sha256(new Uint8Array(bytes)).then(
    (hex) => self.postMessage({ id, hex }),
    (error: unknown) => self.postMessage({ id, error: String(error) }),
  );
});
