import { ApiError, problemOf, unreachable } from './problem.ts';

/** What a log-in gives. With the session in cookies there is no refresh token to be seen. */
export interface TokenPair {
  accessToken: string;
  refreshToken?: string;
  expiresInSeconds: number;
}

export interface SessionOptions {
  /** The root of the API: `https://host/api/v1`, or `/api/v1` on a page of the gateway's own. */
  baseUrl: string;
  fetch: typeof fetch;
  /**
   * `cookie`: the refresh token stays in a cookie that no script can read; for pages of the gateway's own. `tokens`: the program keeps it.
   * Access tokens are only ever in memory.
   */
  mode: 'cookie' | 'tokens';
  /** Tokens of an earlier run. */
  tokens?: TokenPair;
  /** New tokens, to be kept by a program that wants to go on later; null: the session has ended. */
  onTokens?(tokens: TokenPair | null): void;
}

/** Who is signed in, and with which token of now. */
export interface Session {
  /** Of now, renewed if it is about to end; null: nobody is signed in. @throws ApiError when the gateway cannot be asked */
  token(): Promise<string | null>;
  /** A token that was refused: gives another one, or null when the session has ended. */
  renew(refused: string): Promise<string | null>;
  adopt(pair: TokenPair): void;
  forget(): void;
  readonly mode: 'cookie' | 'tokens';
}

/** Tells the gateway that the session is to live in cookies. No page of another origin can send it without asking, and is refused then. */
export const COOKIE_HEADERS: Readonly<Record<string, string>> = { 'X-CloudStore-Session': 'cookie' };
/** Renewed so long before its end, so that none ends under way. */
const EARLY_MS = 30_000;
const LOCK = 'cloudstore-session';

export function createSession(options: SessionOptions): Session {
  const { mode } = options;
  let pair: TokenPair | null = null;
  let endsAt = 0;
  let renewing: Promise<string | null> | null = null;
  // On a page nobody knows whether there is a session before the cookie was tried.
  let untried = mode === 'cookie';

  function adopt(given: TokenPair): void {
    pair = given;
    untried = false;
    endsAt = performance.now() + given.expiresInSeconds * 1000;
    options.onTokens?.(given);
  }

  function forget(): void {
    const had = pair !== null;
    pair = null;
    untried = false;
    if (had) options.onTokens?.(null);
  }

  /** All requests wait for one renewal: a refresh token works once, also between the tabs of a browser. */
  function renewOnce(): Promise<string | null> {
    renewing ??= exclusively(refresh).finally(() => {
      renewing = null;
    });
    return renewing;
  }

  async function refresh(): Promise<string | null> {
    const refreshToken = pair?.refreshToken;
    if (mode === 'tokens' && refreshToken === undefined) {
      forget();
      return null;
    }
    let response: Response;
    try {
      response = await options.fetch(`${options.baseUrl}/auth/refresh`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...(mode === 'cookie' ? COOKIE_HEADERS : {}) },
        body: JSON.stringify(mode === 'cookie' ? {} : { refreshToken }),
        credentials: mode === 'cookie' ? 'same-origin' : 'omit',
      });
    } catch (cause) {
      throw unreachable(cause);
    }
    if (response.ok) {
      adopt((await response.json()) as TokenPair);
      return pair?.accessToken ?? null;
    }
    const problem = await problemOf(response);
    if (problem.status !== 401 && problem.status !== 400) throw problem;
    forget();
    return null;
  }

  if (options.tokens !== undefined) adopt(options.tokens);
  return {
    mode,
    adopt,
    forget,
    async token() {
      if (renewing !== null) return renewing;
      if (pair === null) return untried ? renewOnce() : null;
      if (performance.now() < endsAt - EARLY_MS) return pair.accessToken;
      try {
        return await renewOnce();
      } catch (error) {
        // The token at hand may be good for a little longer than the way to the gateway is bad.
        if (pair !== null && performance.now() < endsAt && error instanceof ApiError) return pair.accessToken;
        throw error;
      }
    },
    async renew(refused) {
      // Somebody else has renewed it meanwhile.
      if (pair !== null && pair.accessToken !== refused) return pair.accessToken;
      return renewOnce();
    },
  };
}

/** One tab at a time, where the browser has locks. */
function exclusively<T>(work: () => Promise<T>): Promise<T> {
  const locks = (globalThis as { navigator?: { locks?: { request(name: string, work: () => Promise<T>): Promise<T> } } })
    .navigator?.locks;
  return locks === undefined ? work() : locks.request(LOCK, work);
}
