import type { TokenPair } from '#contracts/authenticator';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Clock } from '#core/clock';
import type { PrincipalId } from '#core/principal';
import { ACCESS_SECONDS, REFRESH_MS, type Tokens } from './tokens.ts';

/** Begins sessions, once it is known who it is. */
export interface Sessions {
  /**
   * @param credential what it was exchanged for: it ends with that
   * @param passwordHash of the password that it is begun by: a new one ends it, also when that comes at the same time
   * @throws unauthenticated
   */
  begin(
    principal: PrincipalId,
    label: string,
    from: string,
    credential: string | null,
    passwordHash?: string | null,
  ): Promise<TokenPair>;
  pairOf(session: string, principal: PrincipalId, refreshToken: string): TokenPair;
}

const LABEL_CHARS_MAX = 200;

export function createSessions(options: { principals: PrincipalStore; tokens: Tokens; clock: Clock }): Sessions {
  const { principals, tokens, clock } = options;
  function pairOf(session: string, principal: PrincipalId, refreshToken: string): TokenPair {
    return { accessToken: tokens.access({ session, principal }), refreshToken, expiresInSeconds: ACCESS_SECONDS };
  }
  return {
    pairOf,
    async begin(principal, label, from, credential, passwordHash = null) {
      const id = tokens.newSessionId();
      const { token, hash } = tokens.refresh(id);
      const expires = clock.now() + REFRESH_MS;
      await principals.createSession({
        id,
        principal,
        tokenHash: hash,
        expires,
        label: label.slice(0, LABEL_CHARS_MAX),
        credential,
        from,
        passwordHash,
      });
      return pairOf(id, principal, token);
    },
  };
}
