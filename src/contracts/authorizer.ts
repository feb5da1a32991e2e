import type { ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';

export type Action = 'read' | 'write' | 'delete' | 'list' | 'bucket.create' | 'bucket.configure' | 'bucket.remove' | 'admin';

/** The one place that says yes. Pure over the principal's cached grants. */
export interface Authorizer {
  /** For an object or directory of a bucket. `key` is a prefix for `list`. Throws instead of returning false. @throws access_denied, unauthenticated (anonymous) */
  require(who: Who, action: Action, bucket: Bucket | null, key?: ObjectKey): Promise<void> | void;
  /** Whether the principal may see that the bucket exists. */
  visible(who: Who, bucket: Bucket): Promise<boolean> | boolean;
}
