import type { Bucket } from './bucket.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
export interface PublicAccessBlock {
  blockPublicAcls: boolean;
  ignorePublicAcls: boolean;
  blockPublicPolicy: boolean;
  restrictPublicBuckets: boolean;
}

/** `BucketOwnerEnforced`: lists count for nothing. https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html */
export const OBJECT_OWNERSHIPS = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const;
export type ObjectOwnership = (typeof OBJECT_OWNERSHIPS)[number];

const BLOCKED: PublicAccessBlock = {
  blockPublicAcls: true,
  ignorePublicAcls: true,
  blockPublicPolicy: true,
  restrictPublicBuckets: true,
};
const OPEN: PublicAccessBlock = {
  blockPublicAcls: false,
  ignorePublicAcls: false,
  blockPublicPolicy: false,
  restrictPublicBuckets: false,
};

/** What was taken away, which is something else than what was never set: see the two functions below. */
export const REMOVED = { removed: true } as const;

/** A new bucket is closed to the public, as at AWS since 2023. Who takes the block away has said so; then it is null and nothing is blocked. */
export function publicAccessBlockOf(config: Bucket['config']): { set: PublicAccessBlock | null; effective: PublicAccessBlock } {
  const stored = config.publicAccessBlock;
  if (stored === undefined || stored === null) return { set: BLOCKED, effective: BLOCKED };
  if (isRemoved(stored)) return { set: null, effective: OPEN };
  const set = { ...BLOCKED, ...(stored as Partial<PublicAccessBlock>) };
  return { set, effective: set };
}

/** A new bucket has no lists. Without any controls, as before 2023, an object is its writer's. */
export function ownershipOf(config: Bucket['config']): { set: ObjectOwnership | null; effective: ObjectOwnership } {
  const stored = config.ownershipControls;
  if (stored === undefined || stored === null) return { set: 'BucketOwnerEnforced', effective: 'BucketOwnerEnforced' };
  if (isRemoved(stored)) return { set: null, effective: 'ObjectWriter' };
  const found = OBJECT_OWNERSHIPS.find((one) => one === stored);
  return found === undefined
    ? { set: 'BucketOwnerEnforced', effective: 'BucketOwnerEnforced' }
    : { set: found, effective: found };
}

function isRemoved(stored: unknown): boolean {
  return typeof stored === 'object' && stored !== null && 'removed' in stored;
}
