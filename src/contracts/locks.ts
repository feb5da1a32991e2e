import type { Address, BucketId, ObjectKey } from '#core/address';
import type { PrincipalId } from '#core/principal';

/** WebDAV's write locks, enforced by every commit of every door. Keys without trailing slash: a lock on `a` covers `a` and, if infinite, `a/…`. */
export interface Locks {
  /** @throws locked (details.token) when a conflicting lock covers the key or, for an infinite one, lies below it */
  acquire(lock: NewLock): Promise<Lock>;
  /** @throws lock_not_found when no live lock of this token and principal covers the key */
  refresh(at: Address, token: string, principal: PrincipalId, timeoutMs: number): Promise<Lock>;
  /** @throws lock_not_found; access_denied when it is another principal's */
  release(at: Address, token: string, principal: PrincipalId): Promise<void>;
  /** Live locks that cover any of the keys; with `below`, also all that lie below them. Expired ones are gone. */
  covering(bucket: BucketId, keys: ObjectKey[], below?: boolean): Promise<Lock[]>;
  /** `covering` without waiting; undefined when it must be asked. */
  peek(bucket: BucketId, key: ObjectKey, below?: boolean): Lock[] | undefined;
}

export interface NewLock {
  at: Address;
  principal: PrincipalId;
  exclusive: boolean;
  infinite: boolean;
  /** The client's `<owner>` XML, serialised; at most 4 KiB. */
  ownerXml: string | null;
  timeoutMs: number;
}

export interface Lock extends NewLock {
  /** `urn:uuid:…` */
  token: string;
  /** ms since the epoch */
  expires: number;
}
