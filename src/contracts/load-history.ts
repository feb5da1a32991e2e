/** What went over a gateway in one stretch of time, and how full it was at the end of it. */
export interface LoadSample {
  /** The end of the stretch, ms since the epoch. */
  at: number;
  seconds: number;
  doors: Record<string, DoorLoad>;
  /** null: not known. */
  bytes: number | null;
  storedBytes: number | null;
  freeBytes: number | null;
}

export interface DoorLoad {
  requests: number;
  errors: number;
  receivedBytes: number;
  sentBytes: number;
  /** Of all requests together. */
  seconds: number;
}

/** Samples of one length, oldest first; of each length only so many are kept. */
export interface LoadSeries {
  stepSeconds: number;
  samples: LoadSample[];
}

/** Minutes of the last hours, quarters of the last days, days of the last year, over restarts. */
export interface LoadHistory {
  series(): Promise<LoadSeries[]>;
}
