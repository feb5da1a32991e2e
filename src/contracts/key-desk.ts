import type { Who } from '#core/principal';

/** What an admin wants the new master key to be: `same` a random one where the one of now lies; `file` a random one in another file; `passphrase` what comes of words. */
export type MasterKeyWish = { kind: 'same' } | { kind: 'file'; path: string } | { kind: 'passphrase'; words: string };

export interface MasterKeyFacts {
  /** `file`: the gateway reads it from `path`; `setting`: it was given as a value; `passphrase`: it comes of words that were given, from the file `path` where there is one. */
  from: 'file' | 'setting' | 'passphrase';
  path: string | null;
  /** Tells keys apart, and says nothing else about them. */
  check: string;
  /** Of a passphrase: by which function it becomes the key. */
  derivation: string | null;
  /** Whether a new one can take its place where it lies, so that nothing has to be set before the next start. */
  inPlace: boolean;
  /** Whether the next start finds the key of now where the settings say. */
  atNextStart: boolean;
  /** Whether it can be changed to one that is found elsewhere while this gateway runs: several processes would not all learn of it. */
  elsewhere: boolean;
}

export interface DataKeyFacts {
  user: string;
  /** That is written with. */
  epoch: number;
  /** Those before it that something may still be encrypted with. */
  older: number;
}

export interface KeysReport {
  master: MasterKeyFacts;
  /** The first of them by name. */
  users: DataKeyFacts[];
  userCount: number;
}

export interface MasterKeyChanged {
  /** Values that are sealed under it now. */
  resealed: number;
  check: string;
  /** Where it lies; null for a passphrase. */
  path: string | null;
  /** What must be set before the next start; null: nothing. */
  todo: string | null;
}

/** Keys as an admin changes them; no answer holds one. Whoever changes them has said who it is within ten minutes. */
export interface KeyDesk {
  report(): Promise<KeysReport>;
  /**
   * At once, and whole or not at all. The gateway that carries it out goes on with the new key.
   * @throws access_denied (details.confirm), invalid_argument, conflict, unavailable; nothing is changed then
   */
  changeMasterKey(who: Who, wish: MasterKeyWish): Promise<MasterKeyChanged>;
  /** A new data key for one user or (null) all; the job `rekey` writes anew what is stored. @throws access_denied (details.confirm), principal_not_found */
  renewDataKeys(who: Who, user: string | null): Promise<void>;
}
