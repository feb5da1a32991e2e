import type { BucketId } from './address.ts';
import type { DomainId } from './content-ref.ts';
import { CloudStoreError } from './errors.ts';
import type { PrincipalId } from './principal.ts';

/** `linked`: bytes stay in a folder of the PC. `vault`: end-to-end encrypted. Only `standard` exists so far. */
export type BucketKind = 'standard' | 'linked' | 'vault';
/** `off`: never versioned; S3 sees the null version only, our history stays hidden. */
export type Versioning = 'off' | 'enabled' | 'suspended';

export interface Bucket {
  id: BucketId;
  /** The global name, S3's. Aliases of one user (`home`) resolve to the same id. */
  name: string;
  owner: PrincipalId;
  domain: DomainId;
  kind: BucketKind;
  versioning: Versioning;
  objectLock: boolean;
  /** ms since the epoch */
  created: number;
  /** Documents of later features by name (policy, cors, lifecycle, tags, …), as JSON. */
  config: Record<string, unknown>;
  /** Moves with whatever is granted in it: grants, policy, lists, owner. 0: nothing ever was. */
  authority: number;
  /** Absent: none. */
  quota?: Quota;
}

/** Upper bounds of what is current; null: none. */
export interface Quota {
  bytes: number | null;
  objects: number | null;
}

/** AWS's rules for general purpose buckets: 3 to 63 of a-z 0-9 . -, no address, no doubled dots. @throws invalid_bucket_name */
export function assertBucketName(name: string): void {
  const ok =
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes('..') &&
    !/^\d{1,3}(\.\d{1,3}){3}$/.test(name) &&
    !name.startsWith('xn--') &&
    !name.endsWith('-s3alias');
  if (!ok) {
    throw new CloudStoreError('invalid_bucket_name', 'A bucket name has 3 to 63 characters of a-z, 0-9, dot and hyphen.', {
      details: { bucket: name },
    });
  }
}
