/**
 * The oldest keys of a map that is bounded, where a key that is put in anew, or used, is taken out before. A new iterator of such a map would pass, one by one, all
 * that was taken out since its table was last made anew: up to as many as it has entries, for each that is put in. So one is kept; and as it keeps every table
 * that the map has had since alive, it is let go of where it was not asked for as many changes as the map has entries.
 */
export class Oldest<K> {
  readonly #entries: ReadonlyMap<K, unknown>;
  #hand: Iterator<K> | null = null;
  #changes = 0;

  constructor(entries: ReadonlyMap<K, unknown>) {
    this.#entries = entries;
  }

  /** A key was put in, or has become the newest. `trim` says so too. */
  changed(): void {
    if (++this.#changes > this.#entries.size) this.#letGo();
  }

  /** @param remove takes the key that it is given out of the map */
  trim(full: () => boolean, remove: (key: K) => void): void {
    this.changed();
    while (this.#entries.size > 0 && full()) {
      this.#hand ??= this.#entries.keys();
      const { done, value } = this.#hand.next();
      if (done === true) this.#letGo();
      else {
        this.#changes = 0;
        remove(value);
      }
    }
  }

  #letGo(): void {
    this.#hand = null;
    this.#changes = 0;
  }
}
