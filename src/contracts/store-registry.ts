/** Which stores of packs the installation has. A number is given once: places carry it, so it never comes to mean another store. */
export interface StoreRegistry {
  /** Ascending by number; removed ones too. */
  list(): Promise<RegisteredStore[]>;
  /**
   * Enters a store under the next free number (or `number`), or gives the one that is entered with this identity: safe between two gateways that
   * start at once. @throws conflict when `number` is another store's
   */
  register(store: { identity: string; kind: StoreKind; location: string; number?: number }): Promise<RegisteredStore>;
  /** @throws not_found */
  update(number: number, change: Partial<Pick<RegisteredStore, 'identity' | 'location' | 'state'>>): Promise<void>;
  /** What the database knows to lie there. */
  usage(number: number): Promise<{ packs: number; chunks: number; bytes: number }>;
  /** Whether any chunk lies there. Slow where there are many and none does: not on a hot path. */
  holds(number: number): Promise<boolean>;
  /** Whether any of these packs has a chunk, wherever it is said to lie. */
  knows(packs: readonly string[]): Promise<boolean>;
  /** Ids of the packs with chunks in a store, ascending, after `after`. */
  packs(number: number, after: string, limit: number): Promise<string[]>;
  /** Says of all chunks of a pack that they lie in another store now, where the pack is durable already. Gives how many. */
  movePack(pack: string, from: number, to: number): Promise<number>;
  /**
   * Packs that are acknowledged and lie in one gateway's own directory on their way to a store that all share: that directory's note, so that no
   * other gateway serves without them. Gives whose it is then: an earlier one stays. Durable.
   */
  claimSpool(spool: Spool): Promise<Spool>;
  /** null: every acknowledged pack is where its place says. */
  spool(): Promise<Spool | null>;
  /** Nothing waits in it any more. */
  releaseSpool(identity: string): Promise<void>;
  /** Gateways that serve now, as far as their heartbeats tell. */
  gateways(): Promise<{ id: number; host: string; pid: number; seenMs: number }[]>;
}

export interface Spool {
  /** 32 hex digits; the same ones lie in the directory. */
  identity: string;
  /** For people. */
  location: string;
}

export type StoreKind = 'local' | 's3';

export interface RegisteredStore {
  number: number;
  kind: StoreKind;
  /** 32 hex digits; the same ones lie in the store itself. */
  identity: string;
  /** Where it was seen last, for people; without secrets. */
  location: string;
  /** draining: takes no new packs, and what it has goes to the others. */
  state: 'active' | 'draining' | 'removed';
}
