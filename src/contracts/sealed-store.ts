/** How a master key comes from a passphrase; not secret. `salt` is hex. */
export type KeyDerivation =
  | { algorithm: 'argon2id'; memoryKib: number; passes: number; lanes: number; salt: string }
  | { algorithm: 'scrypt'; cost: number; blockSize: number; parallelization: number; salt: string };

/** What the database knows of the master key: enough to tell the right one, not to guess it. */
export interface KnownMasterKey {
  /** 32 hex digits. */
  check: string;
  /** null: it is random. */
  derivation: KeyDerivation | null;
}

/** Everything in the database that is sealed under the master key. */
export interface SealedStore {
  /** null before the first start. */
  masterKey(): Promise<KnownMasterKey | null>;
  /** Remembers the first key; gives what is then there. */
  masterKeyOrInsert(key: KnownMasterKey): Promise<KnownMasterKey>;
  /**
   * Changes the master key in one transaction: every sealed value is replaced by what `reseal` makes of it, and publishes `keys`. `prepare` runs inside, before
   * anything is changed and while no other such change can run: whoever keeps the new key makes it durable there.
   * @returns how many values there were
   * @throws conflict when the key is not `from` any more, and nothing is changed
   */
  replaceMasterKey(
    from: string,
    to: KnownMasterKey,
    reseal: (sealed: Buffer, context: string) => Buffer,
    prepare: () => Promise<void>,
  ): Promise<number>;
}
