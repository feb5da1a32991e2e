import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticator } from '#contracts/authenticator';
import type { Authorizer } from '#contracts/authorizer';
import type { Buckets } from '#contracts/buckets';
import type { Journal } from '#contracts/journal';
import type { Namespace } from '#contracts/namespace';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Bucket } from '#core/bucket';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { ShownEntry } from '#core/object';
import type { Principal, Who } from '#core/principal';
import type { RequestContext } from '#http/door';
import type { AskedMemory } from './asked.ts';
import { DavError } from './errors.ts';
import type { ListingCache } from './listing-cache.ts';
import type { Mount, Place, Target } from './paths.ts';
import type { VirtualFolder } from './virtual-folder.ts';

export interface WebdavDeps {
  namespace: Namespace;
  buckets: Buckets;
  authenticator: Authenticator;
  /** Only to tell what somebody may do; the namespace decides it. */
  authorizer: Authorizer;
  /** Only for the names of owners. */
  principals: Pick<PrincipalStore, 'find'>;
  journal: Journal;
  clock: Clock;
  random: Random;
  /** Where the collection of buckets lies, without a trailing slash; default `/dav`. */
  base?: string;
  /** The URL under which a proxy shows us: `Destination` and `If` may name its host. */
  publicUrl?: string | null;
  /** Bytes that the disk still takes, for who has no quota. */
  free?: () => number;
  /** Folders beside the buckets. */
  virtual?: readonly VirtualFolder[];
}

/** What methods work with. */
export interface Surroundings extends Omit<WebdavDeps, 'base' | 'publicUrl' | 'virtual'> {
  virtual: readonly VirtualFolder[];
  /** Where users are resources, without a trailing slash. */
  principalsBase: string;
  /** `host[:port]` of the public URL. */
  publicHosts: readonly string[];
  listings: ListingCache;
  asked: AskedMemory;
  /** Hears of what a listing shows, before it does. */
  shown?: (entries: readonly ShownEntry[]) => void;
}

/** One authenticated request on its way through a method. */
export interface Exchange {
  deps: Surroundings;
  req: IncomingMessage;
  res: ServerResponse;
  cx: RequestContext;
  who: Who & { principal: Principal };
  mount: Mount;
  target: Target;
}

export type Method = (x: Exchange) => Promise<void>;

/** A target with its bucket's name resolved. */
export interface Located {
  bucket: Bucket;
  place: Place;
}

/** @throws bucket_not_found; DavError 403 for the collections above the buckets, which have only what their methods give them */
export async function locate(x: Exchange, target: Target = x.target): Promise<Located> {
  if (target.kind !== 'place') throw new DavError(403, 'This collection cannot be changed.');
  if (target.within !== undefined) return { bucket: target.within.bucket, place: target };
  const folder = virtualAt(x, target);
  if (folder !== undefined) return (await folder.locate?.(x, target)) ?? nowhere();
  const { buckets } = x.deps;
  const bucket = buckets.resolved(x.who, target.bucket) ?? (await buckets.resolve(x.who, target.bucket));
  return { bucket, place: target };
}

/** As `locate`, for methods that a bucket's root does not take. @throws DavError 403 */
export async function locateBelowRoot(x: Exchange, target: Target = x.target): Promise<Located> {
  const located = await locate(x, target);
  if (located.place.root) throw new DavError(403, 'A bucket or a share cannot be moved, replaced or removed as a folder.');
  return located;
}

/** The folder beside the buckets that the place lies in. */
export function virtualAt(x: Exchange, place: Place): VirtualFolder | undefined {
  return x.mount.bucket === null ? x.deps.virtual.find(({ name }) => name === place.bucket) : undefined;
}

function nowhere(): never {
  throw new CloudStoreError('bucket_not_found', 'Nothing of this name is here.');
}

export function malformedBody(message: string): CloudStoreError {
  return new CloudStoreError('invalid_argument', message);
}
