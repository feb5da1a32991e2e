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

/** The bucket that the dialect shows as a user's files. @throws not_found for who owns none */
export async function homeOf(buckets: Buckets, who: Who & { principal: Principal }): Promise<Bucket> {
  const mine = (bucket: Bucket | null): bucket is Bucket => bucket?.owner === who.principal.id;
  try {
    const named = buckets.resolved(who, 'home') ?? (await buckets.resolve(who, 'home'));
    if (mine(named)) return named;
  } catch (error) {
    if (!isCloudStoreError(error, 'bucket_not_found')) throw error;
  }
  const first = (await buckets.list(who)).find(mine);
  if (first === undefined)
    throw new CloudStoreError('not_found', 'You have no bucket of your own, so there are no files to sync.');
  return first;
}

/** How the client reaches us, without a trailing slash. */
export function originOf(cx: RequestContext, publicUrl: string | null | undefined): string {
  return publicUrl ?? `${cx.secure ? 'https' : 'http'}://${cx.host ?? 'localhost'}`;
}
