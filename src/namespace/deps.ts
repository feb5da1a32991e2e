import type { Authorizer } from '#contracts/authorizer';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { Content } from '#contracts/content';
import type { Locks } from '#contracts/locks';
import type { MetadataStore } from '#contracts/metadata-store';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Signals } from '#contracts/signals';
import type { UsageStore } from '#contracts/usage';
import type { Clock, Random } from '#core/clock';
import type { VersionId } from '#core/object';
import type { Access } from './access.ts';
import type { BucketsRoom } from './buckets.ts';
import type { OnDamage } from './named-body.ts';
import type { QuotaGuard } from './quota-guard.ts';

export interface NamespaceDeps {
  store: MetadataStore;
  content: Content;
  locks: Locks;
  chunks: ChunkIndex;
  /** What `createBuckets` made. */
  buckets: BucketsRoom;
  principals: PrincipalStore;
  authorizer: Authorizer;
  usage: UsageStore;
  signals: Signals;
  clock: Clock;
  random: Random;
  onDamage?: OnDamage;
}

/** What the verbs work with. */
export interface Rooms extends Omit<NamespaceDeps, 'authorizer'> {
  access: Access;
  quotas: QuotaGuard;
  mint(): VersionId;
}
