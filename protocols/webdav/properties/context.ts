import type { Lock } from '#contracts/locks';
import type { BucketId, ObjectKey } from '#core/address';
import { createDateWriter } from '#http/dates';
import type { Exchange } from '../exchange.ts';
import { hrefOf } from '../paths.ts';
import { lockKey } from '../resource.ts';
import type { Need, PropertyContext } from './property.ts';

/** Where the asked entries lie: a resource, and with `below` all directly in it. */
export interface Scope {
  bucketId: BucketId;
  bucketName: string;
  key: ObjectKey;
  below: boolean;
}

/** Fetches at once, for however many entries, what the asked properties need. Nothing when they need nothing. */
export async function gatherContext(x: Exchange, needs: ReadonlySet<Need>, scope: Scope | null): Promise<PropertyContext> {
  const { namespace, clock, base } = x.deps;
  const key = lockKey(scope?.key ?? '');
  const [locks, quota] = await Promise.all([
    scope !== null && needs.has('locks') ? namespace.locks(x.who, scope.bucketId, [key], scope.below) : [],
    scope !== null && needs.has('quota') ? namespace.quota(x.who, scope.bucketId) : null,
  ]);
  const dates = createDateWriter();
  return {
    now: clock.now(),
    quota,
    httpDate: dates.imf,
    isoDate: dates.isoSeconds,
    locksOn: lockFinder(locks, key),
    locked: locks.length > 0,
    lockRoot: (lock) => hrefOf(base, scope?.bucketName ?? '', lock.at.key),
  };
}

/** Looks up by key, so that a folder of ten thousand locks costs no more than their number. */
function lockFinder(locks: readonly Lock[], scopeKey: ObjectKey): PropertyContext['locksOn'] {
  if (locks.length === 0) return () => [];
  const own = new Map<ObjectKey, Lock[]>();
  const inherited: Lock[] = [];
  for (const lock of locks) {
    const { key } = lock.at;
    if (lock.infinite && (key === '' || key === scopeKey || scopeKey.startsWith(`${key}/`))) inherited.push(lock);
    else own.set(key, [...(own.get(key) ?? []), lock]);
  }
  return (entry) => [...inherited, ...(own.get(lockKey(entry.key)) ?? [])];
}
