/**
 * What collection asks of the database (docs/adr/0011-space.md). A chunk or leaf goes in three steps: it is condemned when no reference was
 * found, held (its condemnation lifted) by whatever names it from then on, in the transaction that does so, and removed when a second look at all references
 * has not held it either. Every call is one bounded step. Keys are u32 domain and id: KEY_BYTES.
 */
export interface CollectionStore {
  /** Begins a turn and gives its number: what is stored from now on carries it. */
  nextTurn(): Promise<number>;
  /** By the database's clock, ms. */
  now(): Promise<number>;
  /** Chunks that are stored. */
  chunkCount(): Promise<number>;

  /** What some versions and parts name: keys of chunks and leaves, one behind the other. @throws corrupt for a content of an unknown format */
  references(after: string | null): Promise<{ next: string | null; chunks: Buffer; leaves: Buffer }>;
  /** Some leaves that are not condemned, by key; `old`: of an earlier turn than this one. */
  leaves(after: string | null, turn: number): Promise<{ next: string | null; leaves: StoredLeaf[] }>;
  /** Some chunks that are not condemned and not of this turn, with their stored bytes: keys and u32, one behind the other. */
  chunks(after: string | null, turn: number): Promise<{ next: string | null; chunks: Buffer }>;

  /** Those of another turn that are there and not condemned yet; how many. Nothing once another turn has begun. */
  condemn(kind: 'chunks' | 'leaves', keys: Buffer, turn: number): Promise<number>;
  /** The transactions that may name something right now without having seen what was condemned, and those that condemn. */
  writers(): Promise<string[]>;
  /** Which of them still run. */
  running(writers: string[]): Promise<string[]>;
  /** Ends the gateways that have said nothing for so long: their commits fail from here on. How many. */
  fence(silentMs: number): Promise<number>;
  /** Gateways with an upload that began before this turn, or that have not heard of it yet; asks them to say. */
  waitingFor(turn: number): Promise<number>;
  /** Holds what some versions and parts name. */
  holdReferences(after: string | null): Promise<{ next: string | null; held: number }>;
  /** Holds the chunks of some leaves that are not condemned. */
  holdLeaves(after: string | null): Promise<{ next: string | null; held: number }>;
  /** Removes some of what was condemned until then (database's ms) and not held since. `bytes` are stored ones, of chunks. */
  remove(kind: 'chunks' | 'leaves', untilMs: number): Promise<{ count: number; bytes: number }>;
}

export interface StoredLeaf {
  /** KEY_BYTES. */
  key: Buffer;
  /** For each chunk its id and u32 size. */
  entries: Buffer;
  /** May be condemned in this turn. */
  old: boolean;
}

export const KEY_BYTES = 36;
