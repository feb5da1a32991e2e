import type { Namespace } from '#contracts/namespace';
import { CloudStoreError } from '#core/errors';
import type { PrincipalId, Who } from '#core/principal';
import type { Rooms } from './deps.ts';

type Locking = Pick<Namespace, 'lock' | 'refreshLock' | 'unlock' | 'locks'>;

/** Bounds of RFC 4918's Timeout: a client that crashed must not keep a file for ever. */
const TIMEOUT_MS_MAX = 24 * 3600 * 1000;
const OWNER_BYTES_MAX = 4096;

/** WebDAV's locks, for whoever may write there. */
export function createLocking(rooms: Rooms): Locking {
  const { access, locks } = rooms;
  return {
    async lock(who, lock) {
      await access.requirePath(who, 'write', lock.at.bucket, lock.at.key);
      if (lock.ownerXml !== null && Buffer.byteLength(lock.ownerXml) > OWNER_BYTES_MAX) {
        throw new CloudStoreError('invalid_argument', `The owner of a lock has at most ${OWNER_BYTES_MAX} bytes.`);
      }
      return locks.acquire({ ...lock, timeoutMs: Math.min(lock.timeoutMs, TIMEOUT_MS_MAX), principal: idOf(who) });
    },
    async refreshLock(who, at, token, timeoutMs) {
      await access.requirePath(who, 'write', at.bucket, at.key);
      return locks.refresh(at, token, idOf(who), Math.min(timeoutMs, TIMEOUT_MS_MAX));
    },
    async unlock(who, at, token) {
      await access.requirePath(who, 'write', at.bucket, at.key);
      await locks.release(at, token, idOf(who));
    },
    async locks(who, bucket, keys, below) {
      for (const key of keys) await access.requirePath(who, 'read', bucket, key);
      return locks.covering(bucket, keys, below);
    },
  };
}

function idOf(who: Who): PrincipalId {
  if (who.principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
  return who.principal.id;
}
