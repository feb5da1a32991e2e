import type { DomainId } from '#core/content-ref';

/**
 * The keys of dedupe domains, unwrapped from the database with the master key. Three independent keys a domain:
 * chunk id and gear (never rotated), and encryption with epochs.
 */
export interface Keyring {
  /** Tells master keys apart: 32 hex digits of the one that is in use, from which it cannot be learned. */
  readonly check: string;
  /** Makes and stores a new domain's keys, wrapped. */
  create(): Promise<DomainId>;
  /** Synchronous once loaded; `load` first. @throws internal when not loaded */
  domain(id: DomainId): DomainKeys;
  load(id: DomainId): Promise<DomainKeys>;
  /** Learns what others changed, of one domain or of all that are loaded. What it knew it keeps: something in memory may still name it. */
  refresh(id?: DomainId): Promise<void>;
  /** A new epoch, which is written with from now on; gives its number. Every process hears of it. */
  renew(id: DomainId): Promise<number>;
  /** Forgets the epochs before this one for good, in the database; gives how many. Only for what nothing is encrypted with any more. */
  retire(id: DomainId, before: number): Promise<number>;
  /**
   * Seals and opens small secrets of the product (S3 secret keys) under the master key. `context` is authenticated. The database refuses what was
   * sealed under another key than the one of now.
   */
  seal(plaintext: Uint8Array, context: string): Buffer;
  /** @throws corrupt */
  open(sealed: Uint8Array, context: string): Buffer;
  /** As `open`, but where the master key was changed since, the new one is looked for first. @throws corrupt; unavailable when it is not found */
  unseal(sealed: Uint8Array, context: string): Promise<Buffer>;
  /** Seals with this master key from now on; what was sealed under the ones before stays readable to this process. @throws invalid_argument */
  adopt(masterKey: Buffer): void;
}

export interface DomainKeys {
  id: DomainId;
  /** 32 bytes, for keyed BLAKE3 of plaintext chunks and of leaves. */
  chunkIdKey: Buffer;
  /** 256 u32, secret. */
  gearTable: Uint32Array;
  /** Of now: the keys that `load` gave change in place when the keyring learns of a new epoch. */
  readonly currentEpoch: number;
  /** Those that the database has, ascending. */
  readonly epochs: readonly number[];
  knows(epoch: number): boolean;
  /** 32 bytes. @throws corrupt for an unknown epoch */
  encryptionKey(epoch: number): Buffer;
}

/** Where wrapped keys lie (the database). */
export interface KeyStore {
  insert(wrapped: Buffer): Promise<DomainId>;
  find(id: DomainId): Promise<Buffer | null>;
  list(): Promise<DomainId[]>;
  /** If `before` is still there; whether it was. Publishes `keys` with the domain's id. */
  replace(id: DomainId, before: Buffer, after: Buffer): Promise<boolean>;
}
