/** Work behind the requests, at a bounded speed. */
export interface Pace {
  /** So much was done: waits until more may be, and lets everything else have its turn. @throws the signal's reason */
  done(bytes: number, signal: AbortSignal): Promise<void>;
}
