/** Wall time in milliseconds since the epoch. An argument everywhere, so that a test can turn it. */
export interface Clock {
  now(): number;
}

/** Fills a new buffer with unpredictable bytes. */
export type Random = (size: number) => Buffer;
