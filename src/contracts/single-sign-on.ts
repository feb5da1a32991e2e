import type { Who } from '#core/principal';
import type { TokenPair } from './authenticator.ts';

/** Log-in by an identity provider (OpenID Connect: authorization code with PKCE). An identity is an issuer's subject and belongs to one user. */
export interface SingleSignOn {
  /** What the button says. */
  readonly name: string;
  /**
   * Where the browser goes, and what it must bring back, in a cookie of its own, so that nobody ends what another browser began.
   * @param who to give the identity to, who has said a moment ago who it is; null: a log-in
   * @throws unavailable (the provider does not answer), rate_limited, access_denied (details.confirm)
   */
  begin(who: Who | null, remoteAddress: string): Promise<{ url: string; pending: string }>;
  /**
   * The browser is back. `tokens`: a session has begun; null: the identity is linked now.
   * @param query of the callback @throws unauthenticated (whatever is wrong with the answer), access_denied (nobody's identity, or not allowed), already_exists, unavailable, rate_limited
   */
  end(query: string, pending: string | null, remoteAddress: string, label: string): Promise<{ tokens: TokenPair | null }>;
  linked(who: Who): Promise<boolean>;
  /** The user logs in otherwise from now on. @throws access_denied */
  unlink(who: Who): Promise<void>;
  /** Where a browser ends its session at the provider; null where that knows no such thing. @throws unavailable */
  farewell(): Promise<string | null>;
}
