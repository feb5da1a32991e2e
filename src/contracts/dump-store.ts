/**
 * Dumps of all that is in the database and cannot be made anew from elsewhere, each from one consistent snapshot: a base, then what changed
 * since the dump before. What changed is known exactly, by the database itself.
 */
export interface DumpStore {
  /**
   * Takes one dump. `plan` sees where the chain is and says what to take, null for nothing; `write` gets the dump and resolves when it is durable, and only
   * then does the chain go on from it. A dump that was written and did not become part of the chain (a crash in between) is whole
   * all the same: the next one carries its changes once more. One at a time, of whichever process.
   * @throws unavailable; what `write` throws, and then nothing has changed
   */
  take(plan: (state: ChainState) => DumpPlan | null, write: (dump: Dump) => Promise<{ bytes: number }>): Promise<DumpTip | null>;
  /** The last dump of the chain. */
  tip(): Promise<DumpTip | null>;
}

export interface ChainState {
  /** The last dump of the chain; null when there is none that the next one can go on from: only a base will do. */
  tip: DumpTip | null;
  /** Whether anything has changed since. */
  changed: boolean;
}

export interface DumpPlan {
  kind: 'base' | 'changes';
  /** Higher than that of any dump before. */
  number: number;
  /** Under which master key. */
  keyCheck: string;
}

export interface Dump {
  id: string;
  /** null: a base. */
  parent: string | null;
  number: number;
  takenMs: number;
  /** Plaintext: the caller seals it. */
  bytes: AsyncIterable<Buffer>;
}

export interface DumpTip {
  id: string;
  /** Of the base of its chain. */
  base: string;
  number: number;
  takenMs: number;
  keyCheck: string;
  /** Dumps of the chain, the base included. */
  length: number;
  baseBytes: number;
  /** Of the dumps of changes. */
  changesBytes: number;
}
