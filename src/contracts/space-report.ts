/** What all contents together take; exact at every commit, and the sum of a few rows. */
export interface SpaceStore {
  stored(): Promise<StoredSpace>;
}

export interface StoredSpace {
  /** Live objects, and their bytes as their owners see them. */
  objects: number;
  bytes: number;
  /** All versions that have content, current ones among them. */
  versions: number;
  versionBytes: number;
  /** After deduplication: different chunks, their plain bytes, and what their records take. */
  chunks: number;
  plainBytes: number;
  storedBytes: number;
}

export interface SpaceReport {
  objects: number;
  bytes: number;
  /** Of versions that are not current. */
  historyVersions: number;
  historyBytes: number;
  /** Plain bytes of different chunks. What is up to 1 KiB lies in the database and is in no chunk. */
  uniqueBytes: number;
  /** The same, compressed and encrypted. */
  storedBytes: number;
  /** What packs take on the disks; null where some lie in a store that would have to be listed. */
  physicalBytes: number | null;
  /** What collection could give back of it, at most. */
  reclaimableBytes: number | null;
}

export interface SpaceReports {
  report(): Promise<SpaceReport>;
}
