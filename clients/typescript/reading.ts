import type { RunningDigest } from './upload.ts';

/** A file that is read to be sent and added up on the way. */
export interface Reading {
  /** These bytes, added to the sum; all before them are, first. The next piece is read meanwhile. */
  piece(from: number, to: number): Promise<ArrayBuffer>;
  /** Of the whole file, base64. */
  sum(): Promise<string>;
  end(): void;
}

const STEP_BYTES = 16 << 20;

/** Each byte is read once, however often it is sent, but for those of an upload that begins anew under way. */
export function createReading(source: Blob, digest: RunningDigest, onChecked?: (bytes: number) => void): Reading {
  let summed = 0;
  /** What the digest still has to do. It works while bytes are on their way, never on more than one piece. */
  let adding: Promise<void> = Promise.resolve();
  let ahead: { from: number; to: number; bytes: Promise<ArrayBuffer> } | null = null;
  let sum: Promise<string> | null = null;

  function read(from: number, to: number): Promise<ArrayBuffer> {
    const bytes = source.slice(from, to).arrayBuffer();
    bytes.catch(() => undefined); // whoever asks for it is told
    return bytes;
  }

  async function add(from: number, bytes: ArrayBuffer): Promise<void> {
    await adding;
    const fresh = summed === from ? bytes : bytes.slice(summed - from);
    adding = digest.update(fresh);
    adding.catch(() => undefined);
    summed = from + bytes.byteLength;
  }

  /** What an earlier run has sent is part of the file, and may have been of another one. */
  async function catchUp(to: number, told: boolean): Promise<void> {
    while (summed < to) {
      const from = summed;
      await add(from, await read(from, Math.min(to, from + STEP_BYTES)));
      if (told) onChecked?.(summed);
    }
  }

  return {
    async piece(from, to) {
      await catchUp(from, true);
      const bytes = await (ahead?.from === from && ahead.to === to ? ahead.bytes : read(from, to));
      ahead = null;
      if (summed < to) await add(from, bytes);
      const next = Math.min(source.size, to + (to - from));
      if (next > to) ahead = { from: to, to: next, bytes: read(to, next) };
      return bytes;
    },
    sum() {
      sum ??= catchUp(source.size, false).then(async () => {
        await adding;
        return digest.value();
      });
      return sum;
    },
    end() {
      ahead = null;
      digest.end();
    },
  };
}
