import type { Buckets } from '#contracts/buckets';
import type { Cache } from '#contracts/cache';
import type { History } from '#contracts/history';
import type { Hub } from '#contracts/hub';
import type { Identity } from '#contracts/identity';
import type { Nodes } from '#contracts/nodes';
import type { AttemptLimiter } from '#contracts/passwords';
import type { Sieve } from '#contracts/sieve';
import type { Thumbnails } from '#contracts/thumbnails';
import type { Uploads } from '#contracts/uploads';
import type { Bucket } from '#core/bucket';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Principal, Who } from '#core/principal';
import type { RequestContext } from '#http/door';
import type { WebdavDeps } from '../exchange.ts';

export interface NextcloudDeps extends WebdavDeps {
  uploads: Uploads;
  history: History;
  thumbnails: Thumbnails;
  nodes: Nodes;
  sieve: Sieve;
  hub: Hub;
  /** For the app passwords that a log-in gives to a client. */
  identity: Pick<Identity, 'credentials'>;
  /** For log-ins that are under way in a browser. */
  cache: Cache;
  /** How many log-ins anybody may begin, from one network. */
  begun: AttemptLimiter;
}

/**
 * The bucket that the dialect shows as a user's files: its home, or for who has none the first that it ever had. Another never takes its place: a client
 * would delete what it has of the files that are not in that one, where an answer that nothing is here only stops it.
 * @throws not_found for who owns none, or whose first was removed and may come back
 */
export async function homeOf(buckets: Buckets, who: Who & { principal: Principal }): Promise<Bucket> {
  const mine = (bucket: Bucket | null): bucket is Bucket => bucket?.owner === who.principal.id;
  try {
    const named = buckets.resolved(who, 'home') ?? (await buckets.resolve(who, 'home'));
    if (mine(named)) return named;
  } catch (error) {
    if (!isCloudStoreError(error, 'bucket_not_found')) throw error;
  }
  const own = (await buckets.list(who)).filter(mine);
  if (own.length === 0) throw new CloudStoreError('not_found', 'You have no bucket of your own, so there are no files to sync.');
  const first = own.reduce((a, b) => (b.id < a.id ? b : a));
  if ((await buckets.removed(who)).some((bucket) => mine(bucket) && bucket.id < first.id))
    throw new CloudStoreError('not_found', 'The bucket that you sync was removed. Restore it, or remove it for good.');
  return first;
}

/** How the client reaches us, without a trailing slash. */
export function originOf(cx: RequestContext, publicUrl: string | null | undefined): string {
  return publicUrl ?? `${cx.secure ? 'https' : 'http'}://${cx.host ?? 'localhost'}`;
}
