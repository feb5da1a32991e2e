import type { Cursor } from '#contracts/journal';
import type { Lock } from '#contracts/locks';
import type { ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { ShownEntry } from '#core/object';
import { createDateWriter } from '#http/dates';
import type { Exchange } from '../exchange.ts';
import { hrefBeside, type Place } from '../paths.ts';
import { principalHref } from '../principal-href.ts';
import { lockKey } from '../resource.ts';
import { evenRights, NO_RIGHTS, type Rights, rightsOn } from '../rights.ts';
import { formatSyncToken } from '../sync/token.ts';
import type { Need, PropertyContext } from './property.ts';

/** Where the asked entries lie: a resource, and with `below` all directly in it. */
export interface Scope {
  /** The bucket, first; at the top, all of them. */
  buckets: readonly Bucket[];
  /** Whose paths name what is asked about; null: nothing that has one. */
  place: Place | null;
  key: ObjectKey;
  below: boolean;
}

/** What was asked of the rooms below for a context. */
export interface Gathered {
  locks: readonly Lock[];
  quota: { used: number; available: number | null } | null;
  /** Of the journal. */
  head: Cursor | null;
  ownerName: string | null;
}

/** Fetches at once, for however many entries, what the asked properties need. Nothing when they need nothing. */
export async function gatherContext(x: Exchange, needs: ReadonlySet<Need>, scope: Scope | null): Promise<PropertyContext> {
  const { namespace, journal } = x.deps;
  const key = lockKey(scope?.key ?? '');
  const bucket = scope?.buckets[0];
  const [locks, quota, head, ownerName] = await Promise.all([
    bucket !== undefined && needs.has('locks') ? namespace.locks(x.who, bucket.id, [key], scope?.below) : [],
    bucket !== undefined && needs.has('quota') ? namespace.quota(x.who, bucket.id) : null,
    bucket !== undefined && needs.has('sync') ? journal.head(bucket.id) : null,
    bucket !== undefined && needs.has('owner') ? nameOfOwner(x, bucket) : null,
  ]);
  return contextOf(x, needs, scope, { locks, quota, head, ownerName });
}

/** Of what is known already. */
export function contextOf(x: Exchange, needs: ReadonlySet<Need>, scope: Scope | null, known: Gathered): PropertyContext {
  const { locks, quota, head, ownerName } = known;
  const { clock } = x.deps;
  const key = lockKey(scope?.key ?? '');
  const dates = createDateWriter();
  const rights = new Map<string, Rights>();
  const even = needs.has('rights') ? evenRightsIn(x, scope) : null;
  return {
    now: clock.now(),
    quota: quota === null ? null : { used: quota.used, available: quota.available ?? x.deps.free?.() ?? null },
    httpDate: dates.imf,
    isoDate: dates.isoSeconds,
    locksOn: lockFinder(locks, key),
    locked: locks.length > 0,
    lockRoot: (lock) => (scope?.place == null ? '' : hrefBeside(x.mount, scope.place, lock.at.key)),
    ownerName,
    userName: x.who.principal.name,
    principalHref: (name) => principalHref(x.deps.principalsBase, name),
    syncToken: (entry) =>
      head === null || entry.kind !== 'directory' ? null : formatSyncToken({ folder: entry, cursor: head, walks: [] }),
    rightsOn: (entry) => even ?? rights.get(entryName(entry)) ?? NO_RIGHTS,
    deletedAt: () => null,
    prepare(entries) {
      x.deps.shown?.(entries);
      return needs.has('rights') && even === null ? prepareRights(x, scope?.buckets ?? [], entries, rights) : undefined;
    },
  };
}

/** Where they are the same on all that is asked about, so that nothing need be asked of each entry. */
function evenRightsIn(x: Exchange, scope: Scope | null): Rights | null {
  const [bucket, another] = scope?.buckets ?? [];
  if (bucket === undefined || another !== undefined || !evenRights(x.who.principal, bucket)) return null;
  const rights = rightsOn(x, bucket, '');
  return rights instanceof Promise ? null : rights;
}

function entryName({ bucket, key }: ShownEntry): string {
  return `${bucket} ${key}`;
}

async function prepareRights(
  x: Exchange,
  buckets: readonly Bucket[],
  entries: readonly ShownEntry[],
  rights: Map<string, Rights>,
): Promise<void> {
  for (const entry of entries) {
    const bucket = buckets.find(({ id }) => id === entry.bucket);
    if (bucket === undefined) continue;
    const asked = rightsOn(x, bucket, entry.key);
    rights.set(entryName(entry), asked instanceof Promise ? await asked : asked);
  }
}

async function nameOfOwner(x: Exchange, { owner }: Bucket): Promise<string | null> {
  const { principal } = x.who;
  return owner === principal.id ? principal.name : ((await x.deps.principals.find(owner))?.name ?? null);
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
