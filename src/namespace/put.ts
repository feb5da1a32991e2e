import type { Staged } from '#contracts/content';
import type { StagedOptions } from '#contracts/deltas';
import type { Lock } from '#contracts/locks';
import type { Namespace, PutOptions, PutResult } from '#contracts/namespace';
import { type Address, assertKey, parentOf } from '#core/address';
import type { Bucket } from '#core/bucket';
import { checkConditions } from '#core/conditions';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { DirectoryInfo } from '#core/object';
import type { Who } from '#core/principal';
import type { Bytes } from '#core/stream';
import { type Access, adding } from './access.ts';
import type { Rooms } from './deps.ts';
import { EMPTY_MD5, md5Etag, opaqueEtag } from './etag.ts';

/** A smaller body is soon here, and the commit decides the same. */
const SMALL_BYTES_MAX = 64 * 1024;

/** Authorize, refuse what is known to fail, store the bytes, commit once. Whatever happens, the claim on the bytes ends. */
export async function put(rooms: Rooms, who: Who, at: Address, body: Bytes, options: PutOptions): Promise<PutResult> {
  assertKey(at.key);
  const { bucket, addsOnly } = await rooms.access.requireWrite(who, at, options.attributes?.tags);
  await requireLock(rooms.access, who, at, options.lock);
  if (!addsOnly) return putInto(rooms, who, at, bucket, body, options);
  return adding(addsOnly, options.conditions, (conditions = {}) =>
    putInto(rooms, who, at, bucket, body, { ...options, conditions }),
  );
}

async function putInto(
  rooms: Rooms,
  who: Who,
  at: Address,
  bucket: Bucket,
  body: Bytes,
  options: PutOptions,
): Promise<PutResult> {
  const { size, expect, signal } = options;
  let admitted = body;
  if (size === undefined || size > SMALL_BYTES_MAX) {
    await failFast(rooms, who, at, options);
    admitted = await rooms.quotas.admit(bucket, body, size, async () => (await rooms.store.current(at))?.size ?? 0);
  }
  const digests = new Set(options.digests);
  if (options.etag === 'md5') digests.add('md5');
  const staged = await rooms.content.write(admitted, {
    domain: bucket.domain,
    digests: [...digests],
    ...(size === undefined ? {} : { size }),
    ...(expect === undefined ? {} : { expect }),
    ...(signal === undefined ? {} : { signal }),
  });
  return commitStaged(rooms, who, at, bucket, staged, options);
}

/** Who says how long what it writes is kept needs to be allowed to. */
export async function requireLock(access: Access, who: Who, at: Address, lock: PutOptions['lock']): Promise<void> {
  if (lock === undefined) return;
  if (lock.retention) await access.require(who, 'retention.write', at.bucket, at.key, { retainUntil: lock.retention.until });
  if (lock.legalHold !== undefined) await access.require(who, 'hold.write', at.bucket, at.key);
}

/** What is stored gets its name. Whatever happens, the claim on the bytes ends. */
export async function commitStaged(
  rooms: Rooms,
  who: Who,
  at: Address,
  bucket: Bucket,
  staged: Staged,
  options: StagedOptions,
): Promise<PutResult> {
  const { conditions, lockTokens, requireParent, mtime, signal, lock } = options;
  try {
    if (staged.content.domain !== bucket.domain) {
      throw new CloudStoreError('invalid_argument', 'The content was stored for the bucket of another owner.');
    }
    const checksum = options.checksumOf?.(staged.digests);
    // The client is gone: what it did not see acknowledged needs no version.
    if (signal?.aborted) throw new CloudStoreError('aborted', 'The client went away.');
    const verdict = await rooms.store.commit({
      kind: 'put',
      who,
      ...at,
      versionId: rooms.mint(),
      content: staged.content,
      etag: etagOf(rooms, staged, options.etag),
      attributes: { ...options.attributes, ...(checksum === undefined ? {} : { checksum }) },
      contentHash: staged.contentHash,
      chunks: staged.chunks,
      leaves: staged.leaves,
      ...(mtime === undefined ? {} : { mtime }),
      ...(lock === undefined ? {} : { lock }),
      ...(conditions === undefined ? {} : { conditions }),
      ...(lockTokens === undefined ? {} : { lockTokens }),
      ...(requireParent === undefined ? {} : { requireParent }),
    });
    return { ...verdict, digests: staged.digests };
  } finally {
    staged.release();
  }
}

function etagOf({ random }: Rooms, { digests }: Staged, wanted: PutOptions['etag']): string {
  if (wanted === 'md5') return md5Etag(digests);
  return wanted === 'opaque' ? opaqueEtag(random) : wanted.same;
}

/** An explicit folder: an empty object whose key ends in a slash, if nothing is there yet. */
export async function makeDirectory(
  rooms: Rooms,
  who: Who,
  at: Address,
  options: Parameters<Namespace['makeDirectory']>[2] = {},
): Promise<DirectoryInfo> {
  assertKey(at.key);
  if (!at.key.endsWith('/')) throw new CloudStoreError('invalid_key', "A folder's key ends in a slash.");
  const { bucket } = await rooms.access.requireWrite(who, at);
  const { lockTokens, requireParent, properties } = options;
  const twin = await rooms.store.entry({ ...at, key: at.key.slice(0, -1) });
  if (twin !== null) throw taken();
  try {
    await commitMarker(rooms, who, bucket, at, { lockTokens, requireParent });
  } catch (error) {
    // Made by somebody else between our look and the commit.
    if (isCloudStoreError(error, 'precondition_failed')) throw taken();
    throw error;
  }
  if (properties !== undefined && Object.keys(properties).length > 0) {
    await rooms.store.commit({ kind: 'annotate', who, ...at, properties, ...(lockTokens === undefined ? {} : { lockTokens }) });
  }
  const made = await rooms.store.directory(at);
  if (made === null) throw new CloudStoreError('conflict', 'The folder was removed at once by somebody else.');
  return made;
}

async function commitMarker(
  rooms: Rooms,
  who: Who,
  bucket: Bucket,
  at: Address,
  options: { lockTokens: readonly string[] | undefined; requireParent: boolean | undefined },
): Promise<void> {
  await rooms.store.commit({
    kind: 'put',
    who,
    ...at,
    versionId: rooms.mint(),
    content: { kind: 'manifest', domain: bucket.domain, size: 0, leaves: [] },
    etag: EMPTY_MD5,
    attributes: {},
    contentHash: null,
    chunks: [],
    leaves: [],
    conditions: { ifNoneMatch: '*' },
    ...(options.lockTokens === undefined ? {} : { lockTokens: options.lockTokens }),
    ...(options.requireParent === undefined ? {} : { requireParent: options.requireParent }),
  });
}

/** What the commit would refuse anyway, before gigabytes are sent for it. The commit decides again. */
async function failFast(rooms: Rooms, who: Who, at: Address, options: PutOptions): Promise<void> {
  const [current, locks] = await Promise.all([
    options.conditions === undefined ? null : rooms.store.current(at),
    rooms.locks.covering(at.bucket, [at.key]),
  ]);
  if (options.conditions !== undefined) checkConditions(options.conditions, current, 'write');
  assertOpened(locks, who, options.lockTokens ?? []);
  if (options.requireParent !== true) return;
  const [parent, folder] = await Promise.all([
    rooms.store.directory({ ...at, key: parentOf(at.key) }),
    at.key.endsWith('/') ? null : rooms.store.directory({ ...at, key: `${at.key}/` }),
  ]);
  if (parent === null) throw new CloudStoreError('parent_missing', 'The parent folder does not exist.');
  // An object beside a folder of its name is S3's doing, and may be overwritten.
  if (folder !== null && (await rooms.store.current(at)) === null) {
    throw new CloudStoreError('is_a_directory', 'A folder has this name already.');
  }
}

/** Of the locks on one resource, one of the caller's own must have been submitted. */
function assertOpened(locks: readonly Lock[], who: Who, tokens: readonly string[]): void {
  for (const root of new Set(locks.map((lock) => lock.at.key))) {
    const here = locks.filter((lock) => lock.at.key === root);
    if (here.some((lock) => lock.principal === who.principal?.id && tokens.includes(lock.token))) continue;
    throw new CloudStoreError('locked', 'The resource is locked.', { details: { token: here[0]?.token, ...here[0]?.at } });
  }
}

function taken(): CloudStoreError {
  return new CloudStoreError('already_exists', 'There is something of this name already.');
}
