import type { IncomingMessage } from 'node:http';
import type { Authenticator } from '#contracts/authenticator';
import type { Authorizer } from '#contracts/authorizer';
import type { Buckets } from '#contracts/buckets';
import type { Hub } from '#contracts/hub';
import type { JobFeed } from '#contracts/jobs';
import type { Journal } from '#contracts/journal';
import type { Namespace } from '#contracts/namespace';
import type { Presence } from '#contracts/presence';
import type { Trace } from '#contracts/trace';
import type { Clock } from '#core/clock';
import type { RequestContext } from '#http/door';

export interface WsDeps {
  namespace: Namespace;
  buckets: Buckets;
  authenticator: Authenticator;
  hub: Hub;
  journal: Journal;
  clock: Clock;
  authorizer?: Authorizer;
  jobFeed?: JobFeed;
  presence?: Presence;
  trace?: Trace;
  /** Told of every log-in by a socket and of every one that is refused, with HTTP's status for it; a renewal that goes well is none. */
  loggedIn?(req: IncomingMessage, cx: RequestContext, status: number): void;
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
  /** A socket that takes nothing for so long, though events wait for it, is closed; its last cursor is where it goes on. */
  slowMs: number;
}

export const WS_LIMITS: WsLimits = {
  authMs: 10_000,
  pingMs: 25_000,
  messageBytesMax: 65_536,
  subscriptionsMax: 64,
  bufferedBytesMax: 262_144,
  slowMs: 30_000,
};

/** Why we closed: 4xxx are ours (RFC 6455 §7.4.2). */
export const CLOSE = { goingAway: 1001, internal: 1011, unauthenticated: 4401, authTimeout: 4408, slow: 4409 } as const;
