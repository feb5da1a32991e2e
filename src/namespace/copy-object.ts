import type { PutIntent } from '#contracts/metadata-store';
import type { CopyObjectOptions, PutResult } from '#contracts/namespace';
import { type Address, assertKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import { checkConditions } from '#core/conditions';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectInfo } from '#core/object';
import type { Who } from '#core/principal';
import { adding } from './access.ts';
import type { Rooms } from './deps.ts';
import { assertOpen, factsOf, find, missing, readAction } from './get.ts';
import { requireLock } from './put.ts';

/** S3's CopyObject. Its ETag and checksum stay, for its bytes do; also onto itself, to change what is said of it. */
export async function copyObject(
  rooms: Rooms,
  who: Who,
  from: Address,
  to: Address,
  options: CopyObjectOptions,
): Promise<PutResult> {
  assertKey(to.key);
  await rooms.access.require(who, readAction(options.version), from.bucket, from.key, factsOf(options.version));
  const { bucket: target, addsOnly } = await rooms.access.requireWrite(who, to, options.attributes?.tags);
  const { lockTokens, attributes, lock } = options;
  await requireLock(rooms.access, who, to, lock);
  return withSource(rooms, from, options.version, (source) => {
    assertSource(source, options.sourceConditions);
    assertOpen(source, options.sealed);
    const said = options.describe?.(source);
    const mtime = options.mtime ?? said?.mtime ?? (attributes === undefined ? givenMtime(source) : undefined);
    return adding(addsOnly, options.conditions, (conditions) =>
      commitCopy(rooms, source, target, {
        who,
        ...to,
        attributes: said?.attributes ?? attributes ?? source.attributes,
        ...(mtime === undefined ? {} : { mtime }),
        ...(conditions === undefined ? {} : { conditions }),
        ...(lockTokens === undefined ? {} : { lockTokens }),
        ...(lock === undefined ? {} : { lock }),
      }),
    );
  });
}

/**
 * Looks the source up under a lease: what a version refers to now is not collected before the lease ends, even if the version is
 * removed meanwhile. @throws not_found for a delete marker too
 */
export async function withSource<T>(
  rooms: Rooms,
  from: Address,
  version: CopyObjectOptions['version'],
  use: (source: ObjectInfo) => Promise<T>,
): Promise<T> {
  const lease = await rooms.chunks.lease();
  try {
    const source = await find(rooms, from, version);
    if (source.deleteMarker || source.content === null) missing();
    return await use(source);
  } finally {
    lease.end();
  }
}

type CopyIntent = Pick<PutIntent, 'who' | 'bucket' | 'key' | 'attributes'> &
  Partial<Pick<PutIntent, 'mtime' | 'lock' | 'conditions' | 'lockTokens' | 'requireParent' | 'properties'>>;

/** Within one dedupe domain the content is named once more; across two the bytes are stored again, under the other's keys. */
export async function commitCopy(rooms: Rooms, source: ObjectInfo, target: Bucket, intent: CopyIntent): Promise<PutResult> {
  const { content } = source;
  if (content === null) missing();
  const who: Who = { ...intent.who, cause: 'copy' };
  const common = { kind: 'put' as const, ...intent, who, versionId: rooms.mint(), etag: source.etag };
  if (content.domain === target.domain) {
    const verdict = await rooms.store.commit({ ...common, content, contentHash: null, chunks: [], leaves: [] });
    return { ...verdict, digests: {} };
  }
  const staged = await rooms.content.write(rooms.content.read(content), { domain: target.domain, size: source.size });
  try {
    const { contentHash, chunks, leaves, digests } = staged;
    const verdict = await rooms.store.commit({ ...common, content: staged.content, contentHash, chunks, leaves });
    return { ...verdict, digests };
  } finally {
    staged.release();
  }
}

/** What the client said, if it said anything: else the copy has its own time. */
export function givenMtime(source: ObjectInfo): number | undefined {
  return source.mtime === source.modified ? undefined : source.mtime;
}

/** A copy has no 304: whatever condition on the source fails is a failed precondition. */
function assertSource(source: ObjectInfo, conditions: CopyObjectOptions['sourceConditions']): void {
  if (conditions === undefined) return;
  try {
    checkConditions(conditions, source, 'read');
  } catch (error) {
    if (!isCloudStoreError(error, 'not_modified')) throw error;
    throw new CloudStoreError('precondition_failed', 'A condition on the source does not hold.', { details: error.details });
  }
}
