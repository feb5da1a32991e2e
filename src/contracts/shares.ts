import type { Bucket } from '#core/bucket';
import type { GrantRole } from '#core/grant';
import type { Who } from '#core/principal';

/** What others have shared with somebody. */
export interface Shares {
  /** By name. Places that lie within another one of the list with the same rights are left out. @throws unauthenticated */
  withMe(who: Who): Promise<Share[]>;
}

export interface Share {
  /** Of one user no two are the same, and each stays as long as the grants do. */
  name: string;
  bucket: Bucket;
  /** Empty: the whole bucket; else ends in `/`. */
  prefix: string;
  role: GrantRole;
  /** The name of whose it is; null: that user is gone. */
  owner: string | null;
  /** It came by a group. */
  group: boolean;
}
