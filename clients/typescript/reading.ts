/** SHA-256 of a buffer, whose memory is used again as soon as it resolves. */
export type Sha256 = (bytes: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>;

/** A file that is added up while it is sent. */
export interface Reading {
  /** Adds it up to here, beside the sending; what was added is not added again. */
  follow(to: number): void;
  /** Of the whole file, base64. @throws what reading it threw */
  sum(): Promise<string>;
  /** Reads no more of it. */
  end(): void;
}

/** Begins to add a file up; `onAdded` is told how much of it was. */
export type OpenReading = (source: Blob, onAdded: (bytes: number) => void) => Reading;

/** The sum of a file is the SHA-256 of the SHA-256 sums of so many bytes each: platforms sum buffers by the processor's own instructions, and streams by none. */
const BLOCK_BYTES = 8 << 20;

/** Reads one block after the other into the same memory: new memory for each takes a browser as long as all the rest of it. */
export function readingBy(sha256: Sha256): OpenReading {
  return (source, onAdded) => {
    const count = Math.ceil(source.size / BLOCK_BYTES);
    const sums = new Uint8Array(count * 32);
    let memory = new ArrayBuffer(Math.min(BLOCK_BYTES, source.size));
    let asked = 0;
    let ended = false;
    let added: Promise<void> = Promise.resolve();
    let sum: Promise<string> | null = null;

    async function addBlock(index: number): Promise<void> {
      if (ended) throw new DOMException('The file is not read any more.', 'AbortError');
      const from = index * BLOCK_BYTES;
      const to = Math.min(source.size, from + BLOCK_BYTES);
      memory = await readInto(memory, source.slice(from, to));
      sums.set(new Uint8Array(await sha256(new Uint8Array(memory, 0, to - from))), index * 32);
      onAdded(to);
    }

    function add(to: number): Promise<void> {
      for (const end = Math.min(count, Math.ceil(to / BLOCK_BYTES)); asked < end; asked++) {
        const index = asked;
        added = added.then(() => addBlock(index));
      }
      added.catch(() => undefined); // whoever asks for the sum is told
      return added;
    }

    return {
      follow: (to) => void add(to),
      sum() {
        sum ??= add(source.size)
          .then(() => sha256(sums))
          .then((bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))));
        return sum;
      },
      end() {
        ended = true;
      },
    };
  };
}

/** Gives the memory back, with the piece at its beginning. @throws what reading throws: the file has changed, or is gone */
async function readInto(memory: ArrayBuffer, piece: Blob): Promise<ArrayBuffer> {
  const stream = piece.stream();
  const reader = readerInto(stream);
  let filled = memory;
  let at = 0;
  if (reader === null) {
    for (const plain = stream.getReader(); ; ) {
      const { done, value } = await plain.read();
      if (done) break;
      new Uint8Array(filled).set(value, at);
      at += value.length;
    }
  } else {
    while (at < piece.size) {
      const { done, value } = await reader.read(new Uint8Array(filled, at, piece.size - at));
      if (value === undefined) break;
      filled = value.buffer;
      at += value.length;
      if (done) break;
    }
    await reader.cancel();
  }
  if (at === piece.size) return filled;
  throw new DOMException('The file is shorter than it was.', 'NotReadableError');
}

/** null: this platform gives each piece memory of its own. */
function readerInto(stream: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStreamBYOBReader | null {
  try {
    return stream.getReader({ mode: 'byob' });
  } catch {
    return null;
  }
}
