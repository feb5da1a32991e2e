import type { PrincipalId } from '#core/principal';

/** One open event stream of a user. */
export interface Device {
  id: string;
  /** What the client calls itself. */
  name: string;
  /** ms since the epoch. */
  since: number;
}

/** Which devices of a user are there now, over all gateways; a hint, a few seconds old at most. */
export interface Presence {
  /** Gives what ends it. */
  join(principal: PrincipalId, name: string): () => void;
  devices(principal: PrincipalId): Device[];
  /** Calls back when a user's devices came or went. Gives the unsubscriber. */
  follow(principal: PrincipalId, listener: () => void): () => void;
}
