/** How passwords of users and links are kept. */
export interface Passwords {
  /** PHC string. @throws invalid_argument */
  hash(password: string): Promise<string>;
  /** Takes the same time whatever differs. */
  verify(password: string, stored: string): Promise<boolean>;
}

/** Slows guessing down, the same for every door. */
export interface AttemptLimiter {
  /** Counts an attempt before it is checked. @throws rate_limited (details.retryAfterSeconds) */
  attempt(name: string, remoteAddress: string): Promise<void>;
  succeeded(name: string, remoteAddress: string): Promise<void>;
}
