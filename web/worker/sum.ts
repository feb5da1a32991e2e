import { sha256 as plainSha256 } from 'hash-wasm';
import { type Reading, readingBy } from '../../clients/typescript/reading.ts';

/** What the page asks: of one buffer, or of a file that is read here as far as it says. */
export type ToSum = { id: number } & (
  | { bytes: ArrayBuffer }
  | { file: Blob }
  | { follow: number }
  | { sum: true }
  | { end: true }
);
export type FromSum = { id: number } & ({ hash: ArrayBuffer } | { added: number } | { sum: string } | { error: unknown });

/** The browser's own; of WebAssembly where there is none, on plain http in a network. */
async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  if (crypto.subtle !== undefined) return crypto.subtle.digest('SHA-256', bytes);
  const hex = await plainSha256(bytes);
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)).buffer;
}

const open = readingBy(sha256);
const readings = new Map<number, Reading>();
const post = (message: FromSum): void => self.postMessage(message);

/** Adds files up away from the page, which has to move. */
self.addEventListener('message', ({ data }: MessageEvent<ToSum>) => {
  const { id } = data;
  const failed = (error: unknown): void => post({ id, error });
  if ('bytes' in data) sha256(new Uint8Array(data.bytes)).then((hash) => post({ id, hash }), failed);
  else if ('file' in data) {
    readings.set(
      id,
      open(data.file, (added) => post({ id, added })),
    );
  } else if ('follow' in data) readings.get(id)?.follow(data.follow);
  else if ('sum' in data)
    readings
      .get(id)
      ?.sum()
      .then((sum) => post({ id, sum }), failed);
  else {
    readings.get(id)?.end();
    readings.delete(id);
  }
});
