/**
 * Tells, while a listing runs in byte order, whether the object `a` was seen when the folder `a/` comes. Between the two lie only keys that begin with `a`, so the objects that are prefixes of what
 * comes now are all that need be remembered: as lengths of the last key that was seen.
 */
export class ClashFinder {
  #last = Buffer.alloc(64);
  #open: number[] = [];

  copy(): ClashFinder {
    const copy = new ClashFinder();
    copy.#last = Buffer.from(this.#last);
    copy.#open = [...this.#open];
    return copy;
  }

  sawObject(bytes: Uint8Array, from: number, end: number): void {
    this.#leave(bytes, from, end);
    const length = end - from;
    if (length > this.#last.length) this.#last = Buffer.concat([this.#last], 2 * length);
    const last = this.#last;
    // What it has in common with what is open is there already.
    for (let i = this.#open.at(-1) ?? 0; i < length; i++) last[i] = bytes[from + i] as number;
    this.#open.push(length);
  }

  holds(bytes: Uint8Array): boolean {
    this.#leave(bytes, 0, bytes.length);
    return this.#open.at(-1) === bytes.length;
  }

  #leave(bytes: Uint8Array, from: number, end: number): void {
    const [last, open] = [this.#last, this.#open];
    const longest = open.at(-1) ?? 0;
    let common = 0;
    while (common < longest && from + common < end && last[common] === bytes[from + common]) common++;
    while ((open.at(-1) ?? 0) > common) open.pop();
  }
}
