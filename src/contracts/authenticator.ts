import type { Principal } from '#core/principal';

/**
 * Who is this? One limiter for all protocols; every cache of verified credentials dies with the `principals` signal. What is given is the owner reduced to what it
 * came with (`Principal.credential`); a door hands that to `admit` once it believes it, and asks nothing else about it.
 */
export interface Authenticator {
  /**
   * Name and password by Basic authentication: the user's own, unless a second factor is on, an app password or a device's secret. A verified pair is remembered for a
   * short time, keyed by HMAC. @throws unauthenticated, rate_limited
   */
  password(name: string, password: string, remoteAddress: string): Promise<Principal>;
  /** Synchronous answer from the memory of pairs that were verified from the same address, or null: ask `password`. */
  remembered(name: string, password: string, remoteAddress: string): Principal | null;
  /** An S3 access key; null when unknown or its user is disabled. From memory when known. */
  accessKey(id: string): AccessKey | null | Promise<AccessKey | null>;
  /** Short-lived JWT of a session. @throws unauthenticated, expired */
  accessToken(token: string): Principal | Promise<Principal>;
  /**
   * The last step before anything is done: whether it may be used from where it comes, and now. Notes the use, and in the request who it is, so that the request ends when
   * that is over. @throws expired, access_denied
   */
  admit(principal: Principal, request: Admitted): void;
  /** @param otp a one-time or recovery code @throws unauthenticated (details.secondFactor: the kinds that are taken, where one is needed and none is given), rate_limited */
  login(name: string, password: string, remoteAddress: string, label: string, otp?: string): Promise<TokenPair>;
  /** Rotates; a reused token revokes its family. @throws unauthenticated */
  refresh(refreshToken: string, remoteAddress?: string): Promise<TokenPair>;
  /**
   * The same for a browser, whose answer may be lost on its way, and whose tabs hold one token between them: who comes with it once more within two minutes,
   * from the same address, gets the same successor, as long as nobody has come with that.
   * @throws unauthenticated
   */
  renew(refreshToken: string, remoteAddress: string): Promise<TokenPair>;
  logout(accessToken: string): Promise<void>;
  /** Calls back when the principal's rights may have changed or ended, so that open sockets can check again. Returns the unsubscriber. */
  onChange(listener: (principalId: number | null) => void): () => void;
  /** Whether nobody took back what this principal came with; what has only expired was not. From memory. */
  stillValid(principal: Principal): Promise<boolean>;
}

/** A request as `admit` sees it. */
export interface Admitted {
  readonly remoteAddress: string;
  principal?: Principal;
}

export interface AccessKey {
  id: string;
  principal: Principal;
  secret: string;
  /** SHA-256 of the session token that must come with a temporary key; null: none may. */
  tokenHash?: Buffer | null;
}

export interface TokenPair {
  accessToken: string;
  refreshToken: string;
  expiresInSeconds: number;
}
