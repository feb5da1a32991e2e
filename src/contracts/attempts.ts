import type { PrincipalId } from '#core/principal';

/**
 * Why a request in somebody's name got nowhere. `password`: the user's name with a wrong one. `name`: a known app password with another name. `secret`: an S3 key
 * with a signature that another secret made. `clock`: signed more than a quarter of an hour from now. `port`: S3 where WebDAV and REST are, or the other way round.
 * `expired`, `network` and `scope`: what it came with ends, or does not reach so far. `limited`: too many wrong ones before. `missing`: let in, and nothing is there.
 * `address`: a client of a drive asked for a path that is none of ours.
 */
export type AttemptReason =
  | 'password'
  | 'name'
  | 'secret'
  | 'clock'
  | 'port'
  | 'expired'
  | 'network'
  | 'scope'
  | 'limited'
  | 'missing'
  | 'address';

export interface Attempt {
  /** ms */
  at: number;
  why: AttemptReason;
  door: string;
  address: string;
  /** What it came with, where that is known. */
  credential: string | null;
}

/** What was refused in the last minutes, kept for the page on which somebody waits for a device to come. It may be lost: the audit is another thing. */
export interface Attempts {
  /** Newest first. With those that name nobody and came from the same address. */
  list(principal: PrincipalId, remoteAddress: string): Promise<Attempt[]>;
}
