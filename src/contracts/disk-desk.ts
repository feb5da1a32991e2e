import type { RegisteredStore } from './store-registry.ts';

/** Stores of packs, for an admin who sits at a browser; what `cloudstore disk` does. */
export interface DiskDesk {
  /** Those that are in use, as this machine sees them. */
  list(): Promise<SeenStore[]>;
  /** A directory of the gateway's machine, on a disk of its own, takes packs within seconds. @throws invalid_argument, conflict, unavailable */
  add(directory: string): Promise<void>;
  /** It takes nothing new, and the job `drain` moves what it has; with `cancel` it takes packs again. @throws not_found, conflict */
  drain(number: number, cancel: boolean): Promise<void>;
  /** Forgets an empty one. @throws not_found, conflict */
  remove(number: number): Promise<void>;
  /** Another directory takes the place of one. Gives how many packs are not there. @throws invalid_argument, not_found, conflict, unavailable */
  replace(number: number, directory: string): Promise<{ missingPacks: number }>;
}

export interface SeenStore extends RegisteredStore {
  /** null where this machine cannot say (S3, another machine's directory). */
  present: boolean | null;
  /** What keeps it from being read, where something lies there. */
  fault: string | null;
  freeBytes: number | null;
  packs: number;
  chunks: number;
  bytes: number;
}
