import { createHash } from 'node:crypto';
import type { Cache } from '#contracts/cache';
import type { AttemptLimiter } from '#contracts/passwords';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { networkOf } from '#core/network';

/** What may be tried in vain before somebody has to wait. */
export interface LimiterRules {
  /** One name from one network. */
  pairMax: number;
  /** All names from one network. */
  networkMax: number;
  /** One name from all networks where nobody ever logged in with it. */
  accountMax: number;
}

const PASSWORDS: LimiterRules = { pairMax: 10, networkMax: 300, accountMax: 100 };
const WINDOW_MS = 5 * 60 * 1000;
const ACCOUNT_WINDOW_MS = 60 * 60 * 1000;
/** The first wait; each further one is twice as long, up to an hour. A day without one forgets them. */
const WAIT_MS = 60 * 1000;
const WAIT_MS_MAX = 60 * 60 * 1000;
const STRIKES_MS = 24 * 60 * 60 * 1000;
/** How long a network counts as one from where the account's owner comes. */
const KNOWN_MS = 30 * 24 * 60 * 60 * 1000;

export interface LoginLimiterOptions {
  cache: Cache;
  clock: Clock;
  /** Tells counters of different kinds apart; default `login`. */
  purpose?: string;
  rules?: LimiterRules;
}

/**
 * Slows the guessing of passwords down, the same for every protocol. Counted by name and network together, so that nobody can lock the owner out from elsewhere; by
 * network, so that nobody tries one password on every name; and by name over all networks but those from where it has logged in, so that many machines guess no faster
 * than one. Who went too far waits, and longer each time.
 */
export function createLoginLimiter({ cache, clock, purpose = 'login', rules = PASSWORDS }: LoginLimiterOptions): AttemptLimiter {
  async function standing(key: string): Promise<Standing> {
    const [until = 0, strikes = 0] = (await cache.get(key))?.toString().split(' ').map(Number) ?? [];
    return { key, strikes, waitMs: Math.max(0, until - clock.now()) };
  }

  /** Each strike has a counter of its own, so that whoever comes at once is counted by one, and nobody has to reset it. */
  async function count({ key, strikes }: Standing, max: number, windowMs: number): Promise<number> {
    const tries = await cache.increment(`${key} ${strikes}`, windowMs);
    if (tries <= max) return 0;
    const wait = Math.min(WAIT_MS_MAX, WAIT_MS * 2 ** Math.min(10, strikes));
    if (tries === max + 1) await cache.set(key, Buffer.from(`${clock.now() + wait} ${strikes + 1}`), STRIKES_MS);
    return wait;
  }

  return {
    async attempt(name, remoteAddress) {
      const keys = keysOf(purpose, name, remoteAddress);
      const known = (await cache.get(keys.known)) !== null;
      const limits: [string | null, number, number][] = [
        [keys.pair, rules.pairMax, WINDOW_MS],
        [keys.network, rules.networkMax, WINDOW_MS],
        [known ? null : keys.account, rules.accountMax, ACCOUNT_WINDOW_MS],
      ];
      const standings = await Promise.all(limits.map(([key]) => (key === null ? null : standing(key))));
      refuseFor(Math.max(...standings.map((one) => one?.waitMs ?? 0)));
      const waits = limits.map(([, max, windowMs], i) => {
        const one = standings[i] ?? null;
        return one === null ? 0 : count(one, max, windowMs);
      });
      refuseFor(Math.max(...(await Promise.all(waits))));
    },
    async succeeded(name, remoteAddress) {
      const { pair, known } = keysOf(purpose, name, remoteAddress);
      const { strikes } = await standing(pair);
      for (const key of [pair, `${pair} 0`, `${pair} ${strikes}`]) await cache.remove(key);
      await cache.set(known, Buffer.of(1), KNOWN_MS);
    },
  };
}

/** For what anybody may begin without saying who it is, and what is kept for a while. */
export function createBeginLimiter(options: Omit<LoginLimiterOptions, 'rules'>): AttemptLimiter {
  const rules = { pairMax: 60, networkMax: 300, accountMax: Number.POSITIVE_INFINITY };
  return createLoginLimiter({ purpose: 'begun', ...options, rules });
}

/** How often a key went too far lately, and how long it has to wait for that. */
interface Standing {
  key: string;
  strikes: number;
  waitMs: number;
}

function refuseFor(ms: number): void {
  if (ms <= 0) return;
  throw new CloudStoreError('rate_limited', 'Too many wrong passwords or codes; try again later.', {
    details: { retryAfterSeconds: Math.ceil(ms / 1000) },
  });
}

/** Names come from outside and may be long; the machine's own programs are many users behind one address. */
function keysOf(purpose: string, name: string, remoteAddress: string) {
  const network = networkOf(remoteAddress);
  const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');
  const pair = digest(`${network}\0${name}`);
  return {
    pair: `${purpose}:${pair}`,
    known: `${purpose}-known:${pair}`,
    account: `${purpose}-to:${digest(name)}`,
    network: isLoopback(network) ? null : `${purpose}-from:${network}`,
  };
}

function isLoopback(network: string): boolean {
  return network.startsWith('127.') || network === '0:0:0:0::/64';
}
