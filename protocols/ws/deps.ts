import type { Authenticator } from '#contracts/authenticator';
import type { Buckets } from '#contracts/buckets';
import type { Hub } from '#contracts/hub';
import type { Journal } from '#contracts/journal';
import type { Namespace } from '#contracts/namespace';
import type { Clock } from '#core/clock';

export interface WsDeps {
  namespace: Namespace;
  buckets: Buckets;
  authenticator: Authenticator;
  hub: Hub;
  journal: Journal;
  clock: Clock;
  /** Defaults are for people; tests shorten them. */
  limits?: Partial<WsLimits>;
}

export interface WsLimits {
  authMs: number;
  pingMs: number;
  messageBytesMax: number;
  subscriptionsMax: number;
  /** Bytes that may wait in a socket before its subscriptions wait for it. */
  bufferedBytesMax: number;
}

export const WS_LIMITS: WsLimits = {
  authMs: 10_000,
  pingMs: 25_000,
  messageBytesMax: 65_536,
  subscriptionsMax: 64,
  bufferedBytesMax: 262_144,
};

/** Why we closed: 4xxx are ours (RFC 6455 §7.4.2). */
export const CLOSE = { goingAway: 1001, internal: 1011, unauthenticated: 4401, authTimeout: 4408 } as const;
