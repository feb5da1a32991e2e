import type { Action } from '#core/actions';
import type { BucketId, ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Grant } from '#core/grant';
import type { VersionId } from '#core/object';
import type { Who } from '#core/principal';

export type { Action } from '#core/actions';

/**
 * The one place that says yes: one evaluation over the role, ownership, grants, bucket policy, ACLs and public access block, less what the
 * credential's scope takes away. An explicit deny wins. From memory, and without waiting where nothing has to be asked.
 */
export interface Authorizer {
  /**
   * For an object or directory of a bucket; `key` is a prefix for lists. Throws instead of returning false.
   * @throws access_denied, unauthenticated (anonymous)
   */
  require(who: Who, action: Action, bucket: Bucket | null, key?: ObjectKey, about?: ActionFacts): Promise<void> | void;
  /** The same verdict, with the rule that decided. Throws nothing of its own. */
  decide(who: Who, action: Action, bucket: Bucket | null, key?: ObjectKey, about?: ActionFacts): Promise<Verdict> | Verdict;
  /** Whether the principal may see that the bucket exists: it may do anything in it. */
  visible(who: Who, bucket: Bucket): Promise<boolean> | boolean;
  /** As `visible`, not counting what everybody may: whether it stands in the principal's list of buckets. */
  listed(who: Who, bucket: Bucket): Promise<boolean> | boolean;
  /** Calls back when rights in a bucket may have changed (null: in any), so that what is open can ask again. Returns the unsubscriber. */
  onChange(listener: (bucket: BucketId | null) => void): () => void;
}

/** What rules may ask about the action itself. Absent is unknown: a condition on it does not hold. */
export interface ActionFacts {
  version?: VersionId | 'null';
  delimiter?: string;
  maxKeys?: number;
  /** Until when the version is to be kept, ms since the epoch. */
  retainUntil?: number;
  /** Tags that the request brings along. */
  tags?: Record<string, string>;
  /** The folder at the key goes itself, away or for another: what was granted on just this folder does not give that, but to an owner. */
  wholeFolder?: true;
  /** It is done to all below the folder at the key, too: a policy that may deny it for something there denies it, and one must allow it for all. */
  below?: true;
}

export interface Verdict {
  allowed: boolean;
  rule: Rule;
}

/** Which rule decided. */
export type Rule =
  /** The gateway's administrators may everything that nothing denies. */
  | { kind: 'admin' }
  | { kind: 'owner' }
  /** A member makes buckets of its own; everybody lists what it may see. */
  | { kind: 'account' }
  | { kind: 'grant'; grant: Grant }
  /** `statement` counts from 0. */
  | { kind: 'policy'; effect: 'Allow' | 'Deny'; statement: number; sid: string | null }
  | { kind: 'acl'; on: 'bucket' | 'object'; grantee: string; permission: string }
  | { kind: 'public-access-block' }
  /** What of the credential took it away. */
  | { kind: 'scope'; part: 'actions' | 'places' | 'policy' }
  /** No rule says yes. */
  | { kind: 'nothing' };
