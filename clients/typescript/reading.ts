/** SHA-256 of a buffer. */
export type Sha256 = (bytes: ArrayBuffer) => Promise<ArrayBuffer>;

/** A file that is added up while it is sent. */
export interface Reading {
  /** Adds what is to be sent, beside the sending, and first all before it that nobody has added: that is waited for. */
  sending(from: number, to: number): Promise<void>;
  /** Of the whole file, base64. */
  sum(): Promise<string>;
  end(): void;
}

/** The sum of a file is the SHA-256 of the SHA-256 sums of so many bytes each: platforms sum buffers by the processor's own instructions, and streams by none. */
export const BLOCK_BYTES = 8 << 20;

/** Blocks are read in the moment in which they are sent, so the disk is read once; what is sent again is not added again. */
export function createReading(source: Blob, sha256: Sha256, onChecked?: (bytes: number) => void): Reading {
  const count = Math.ceil(source.size / BLOCK_BYTES);
  const sums = new Uint8Array(count * 32);
  let asked = 0;
  let ended = false;
  let added: Promise<void> = Promise.resolve();
  let sum: Promise<string> | null = null;

  async function addBlock(index: number): Promise<void> {
    if (ended) return;
    const from = index * BLOCK_BYTES;
    const bytes = await source.slice(from, Math.min(source.size, from + BLOCK_BYTES)).arrayBuffer();
    sums.set(new Uint8Array(await sha256(bytes)), index * 32);
  }

  /** Up to the block that holds the byte before `to`. */
  function add(to: number): Promise<void> {
    for (const end = Math.ceil(to / BLOCK_BYTES); asked < end; asked++) {
      const index = asked;
      added = added.then(() => addBlock(index));
    }
    added.catch(() => undefined); // whoever asks for the sum is told
    return added;
  }

  return {
    /** What an earlier run has sent is part of the file, and may have been of another one. */
    async sending(from, to) {
      while (asked * BLOCK_BYTES < from) {
        await add((asked + 1) * BLOCK_BYTES);
        onChecked?.(Math.min(from, asked * BLOCK_BYTES));
      }
      void add(to);
    },
    sum() {
      sum ??= add(source.size)
        .then(() => sha256(sums.buffer))
        .then((bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))));
      return sum;
    },
    end() {
      ended = true;
    },
  };
}
