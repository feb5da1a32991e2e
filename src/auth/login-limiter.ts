import { createHash } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import type { Cache } from '#contracts/cache';
import { CloudStoreError } from '#core/errors';

/** Wrong passwords that one network may try for one name, and for all names, in a window. */
const PAIR_MAX = 10;
const NETWORK_MAX = 300;
const WINDOW_MS = 5 * 60 * 1000;

/**
 * Slows the guessing of passwords down, the same for every protocol. Counted by name and network together, so that nobody can
 * lock the owner out from elsewhere, and by network, so that nobody tries one password on every name. A window ends by itself.
 */
export interface LoginLimiter {
  /** Counts an attempt before it is checked: a hundred at once are a hundred. @throws rate_limited (details.retryAfterSeconds) */
  attempt(name: string, remoteAddress: string): Promise<void>;
  succeeded(name: string, remoteAddress: string): Promise<void>;
}

export function createLoginLimiter(cache: Cache): LoginLimiter {
  return {
    async attempt(name, remoteAddress) {
      const [pair, network] = keysOf(name, remoteAddress);
      const [byPair, byNetwork] = await Promise.all([
        cache.increment(pair, WINDOW_MS),
        network === null ? 0 : cache.increment(network, WINDOW_MS),
      ]);
      if (byPair <= PAIR_MAX && byNetwork <= NETWORK_MAX) return;
      throw new CloudStoreError('rate_limited', 'Too many wrong passwords; try again in a few minutes.', {
        details: { retryAfterSeconds: WINDOW_MS / 1000 },
      });
    },
    async succeeded(name, remoteAddress) {
      const [pair] = keysOf(name, remoteAddress);
      await cache.remove(pair);
    },
  };
}

/** Names come from outside and may be long; the machine's own programs are many users behind one address. */
function keysOf(name: string, remoteAddress: string): [string, string | null] {
  const network = networkOf(remoteAddress);
  const digest = createHash('sha256').update(`${network}\0${name}`).digest('base64url');
  return [`login:${digest}`, isLoopback(network) ? null : `login-from:${network}`];
}

/** An IPv4 address, or the /64 that one customer of an IPv6 provider has; IPv4 in IPv6 is the former. */
export function networkOf(remoteAddress: string): string {
  const address = remoteAddress.replace(/%.*$/, '').toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (isIPv4(address) || !isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array<string>(missing).fill('0'), ...back].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

function isLoopback(network: string): boolean {
  return network.startsWith('127.') || network === '0:0:0:0::/64';
}
