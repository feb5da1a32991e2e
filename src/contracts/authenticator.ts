import type { Principal } from '#core/principal';

/** Who is this? One limiter for all protocols; every cache of verified credentials dies with the `principals` signal. */
export interface Authenticator {
  /** Name and password (Basic, log-in). A verified pair is remembered for a short time, keyed by HMAC. @throws unauthenticated, rate_limited */
  password(name: string, password: string, remoteAddress: string): Promise<Principal>;
  /** Synchronous answer from the memory of verified pairs, or null: ask `password`. */
  remembered(name: string, password: string): Principal | null;
  /** An S3 access key; null when unknown or its user is disabled. From memory when known. */
  accessKey(id: string): AccessKey | null | Promise<AccessKey | null>;
  /** Short-lived JWT of a session. @throws unauthenticated, expired */
  accessToken(token: string): Principal | Promise<Principal>;
  login(name: string, password: string, remoteAddress: string, label: string): Promise<TokenPair>;
  /** Rotates; a reused token revokes its family. @throws unauthenticated */
  refresh(refreshToken: string): Promise<TokenPair>;
  logout(accessToken: string): Promise<void>;
  /** Calls back when the principal's rights may have changed or ended, so that open sockets can check again. Returns the unsubscriber. */
  onChange(listener: (principalId: number | null) => void): () => void;
  /** Whether this principal may still act; from memory. */
  stillValid(principal: Principal): Promise<boolean>;
}

export interface AccessKey {
  id: string;
  principal: Principal;
  secret: string;
}

export interface TokenPair {
  accessToken: string;
  refreshToken: string;
  expiresInSeconds: number;
}
