/** A file's bytes of which most were never written: zeros there, which cost nothing. */
export interface SparseBytes {
  readonly size: number;
  /** Behind this there are only zeros. */
  readonly extent: number;
  /** Gives the bytes read, 0 at the end. */
  read(into: Uint8Array, offset: number, length: number, position: number): number;
  /** Grows as needed. */
  write(bytes: Uint8Array, position: number): void;
  /** What is cut off is zeros when it comes back. */
  resize(size: number): void;
  copy(): SparseBytes;
}

const PAGE_BYTES = 4096;

export function sparseBytes(): SparseBytes {
  return over(new Map(), new Set(), 0);
}

/** @param shared pages that a copy has too: written on a new one */
function over(pages: Map<number, Buffer>, shared: Set<number>, bytes: number): SparseBytes {
  let size = bytes;

  function own(page: number): Buffer {
    let mine = pages.get(page);
    if (mine === undefined) pages.set(page, (mine = Buffer.alloc(PAGE_BYTES)));
    else if (shared.has(page)) pages.set(page, (mine = Buffer.from(mine)));
    shared.delete(page);
    return mine;
  }

  /** Runs over the pieces of [position, end) that lie in one page each. */
  function eachPiece(position: number, end: number, visit: (page: number, from: number, to: number, at: number) => void): void {
    for (let at = position; at < end; ) {
      const page = Math.floor(at / PAGE_BYTES);
      const from = at - page * PAGE_BYTES;
      const to = Math.min(PAGE_BYTES, from + end - at);
      visit(page, from, to, at);
      at += to - from;
    }
  }

  return {
    get size() {
      return size;
    },
    get extent() {
      return Math.min(size, (Math.max(-1, ...pages.keys()) + 1) * PAGE_BYTES);
    },
    read(into, offset, length, position) {
      const end = Math.max(position, Math.min(size, position + length));
      eachPiece(position, end, (page, from, to, at) => {
        const found = pages.get(page);
        const start = offset + at - position;
        if (found === undefined) into.fill(0, start, start + to - from);
        else into.set(found.subarray(from, to), start);
      });
      return end - position;
    },
    write(written, position) {
      eachPiece(position, position + written.length, (page, from, to, at) => {
        own(page).set(written.subarray(at - position, at - position + to - from), from);
      });
      size = Math.max(size, position + written.length);
    },
    resize(to) {
      if (to < size) {
        const first = Math.floor(to / PAGE_BYTES);
        for (const page of [...pages.keys()]) if (page > first) pages.delete(page);
        if (pages.has(first)) own(first).fill(0, to - first * PAGE_BYTES);
      }
      size = to;
    },
    copy() {
      for (const page of pages.keys()) shared.add(page);
      return over(new Map(pages), new Set(pages.keys()), size);
    },
  };
}
