import PQueue from 'p-queue';
import type { TreeVerdict } from '#contracts/metadata-store';
import type { CopyOptions } from '#contracts/namespace';
import type { Address, ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import { checkConditions } from '#core/conditions';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import { WHOLE } from './access.ts';
import { commitCopy, givenMtime, withSource } from './copy-object.ts';
import type { Rooms } from './deps.ts';
import { missing } from './get.ts';
import { makeDirectory } from './put.ts';

/** Bodies under way at once, and keys looked ahead. */
const AT_ONCE = 4;
const PAGE = 500;

/** A copy into another dedupe domain: its keys are others, so every byte is stored anew. Object by object; a folder is no transaction. */
export async function copyAcross(
  rooms: Rooms,
  who: Who,
  from: Address,
  to: Address,
  target: Bucket,
  options: CopyOptions,
): Promise<TreeVerdict> {
  if (from.key === '' || from.key.endsWith('/')) return copyTree(rooms, who, from, to, target, options);
  // Before anything is cleared away for it.
  const source = (await rooms.store.current(from)) ?? missing();
  if (options.conditions !== undefined) checkConditions(options.conditions, source, 'write');
  const replaced = await clearOtherKind(rooms, who, to, options);
  const { created } = await copyOne(rooms, who, from, to, target, options);
  const entry = await rooms.store.current(to);
  if (entry === null) throw gone();
  return { created: created && !replaced, count: 1, entry };
}

/**
 * A folder where a file is to be, or the other way round, counts as taken where one name has one meaning (WebDAV), and goes when overwritten.
 * @returns whether something was removed
 */
async function clearOtherKind(rooms: Rooms, who: Who, to: Address, options: CopyOptions): Promise<boolean> {
  if (options.requireParent !== true) return false;
  const tree = to.key.endsWith('/');
  const other = { ...to, key: tree ? to.key.slice(0, -1) : `${to.key}/` };
  const there = tree ? await rooms.store.current(other) : await rooms.store.directory(other);
  if (there === null) return false;
  if (!options.overwrite) throw new CloudStoreError('already_exists', 'The destination exists.');
  await rooms.access.require(who, 'delete', other.bucket, other.key, tree ? undefined : WHOLE);
  const removal = {
    who,
    ...other,
    keepParent: true,
    ...(options.lockTokens === undefined ? {} : { lockTokens: options.lockTokens }),
  };
  if (tree) await rooms.store.commit({ kind: 'remove', versionId: rooms.mint(), ...removal });
  else await rooms.store.removeTree(removal);
  return true;
}

async function copyOne(
  rooms: Rooms,
  who: Who,
  from: Address,
  to: Address,
  target: Bucket,
  { overwrite, requireParent, lockTokens, conditions }: CopyOptions,
): Promise<{ created: boolean }> {
  try {
    return await withSource(rooms, from, undefined, (source) => {
      if (conditions !== undefined) checkConditions(conditions, source, 'write');
      const mtime = givenMtime(source);
      return commitCopy(rooms, source, target, {
        who,
        ...to,
        attributes: source.attributes,
        properties: source.properties,
        ...(mtime === undefined ? {} : { mtime }),
        ...(overwrite ? {} : { conditions: { ifNoneMatch: '*' as const } }),
        ...(requireParent === undefined ? {} : { requireParent }),
        ...(lockTokens === undefined ? {} : { lockTokens }),
      });
    });
  } catch (error) {
    if (!overwrite && isCloudStoreError(error, 'precondition_failed') && error.details.condition === 'If-None-Match') {
      throw new CloudStoreError('already_exists', 'The destination exists.');
    }
    throw error;
  }
}

async function copyTree(
  rooms: Rooms,
  who: Who,
  from: Address,
  to: Address,
  target: Bucket,
  options: CopyOptions,
): Promise<TreeVerdict> {
  const { overwrite, lockTokens, requireParent, conditions } = options;
  const source = (await rooms.store.directory(from)) ?? missing();
  if (conditions !== undefined) checkConditions(conditions, source, 'write');
  const tokens = lockTokens === undefined ? {} : { lockTokens };
  const there = await rooms.store.directory(to);
  if (there !== null) {
    if (!overwrite) throw new CloudStoreError('already_exists', 'The destination exists.');
    await rooms.access.require(who, 'delete', to.bucket, to.key, WHOLE);
    await rooms.store.removeTree({ who, ...to, ...tokens, keepParent: true });
  }
  const replaced = await clearOtherKind(rooms, who, to, options);
  // First the folder itself, which also decides whether its parent exists.
  await makeDirectory(rooms, who, to, {
    ...tokens,
    ...(requireParent === undefined ? {} : { requireParent }),
    ...(source.properties === null ? {} : { properties: source.properties }),
  });
  const count = options.depth0 === true ? 0 : await copyBelow(rooms, who, from, to, target, tokens, options.signal);
  const entry = await rooms.store.directory(to);
  if (entry === null) throw gone();
  return { created: there === null && !replaced, count, entry };
}

async function copyBelow(
  rooms: Rooms,
  who: Who,
  from: Address,
  to: Address,
  target: Bucket,
  tokens: Pick<CopyOptions, 'lockTokens'>,
  signal: AbortSignal | undefined,
): Promise<number> {
  const queue = new PQueue({ concurrency: AT_ONCE });
  let failure: unknown = null;
  let count = 0;
  const one = async (key: ObjectKey): Promise<void> => {
    if (failure !== null) return;
    if (signal?.aborted === true) {
      failure = new CloudStoreError('aborted', 'Whoever asked for it has called it off.');
      return;
    }
    const destination = { bucket: to.bucket, key: to.key + key.slice(from.key.length) };
    try {
      await copyOne(rooms, who, { bucket: from.bucket, key }, destination, target, { overwrite: true, ...tokens });
      if (key.endsWith('/')) await copyProperties(rooms, who, { bucket: from.bucket, key }, destination, tokens);
      count++;
    } catch (error) {
      // Removed while we came to it: there is nothing to copy.
      if (!isCloudStoreError(error, 'not_found')) failure ??= error;
    }
  };
  for (let after: string | null = from.key; after !== null && failure === null; ) {
    const page = await rooms.store.list({ bucket: from.bucket, prefix: from.key, delimiter: '', after, limit: PAGE });
    for (const entry of page.entries) if (entry.kind === 'object') void queue.add(() => one(entry.info.key));
    await queue.onSizeLessThan(AT_ONCE);
    after = page.next;
  }
  await queue.onIdle();
  if (failure !== null) throw failure;
  return count;
}

/** An explicit folder's dead properties; those of folders that only live by their contents are not looked for. */
async function copyProperties(
  rooms: Rooms,
  who: Who,
  from: Address,
  to: Address,
  tokens: Pick<CopyOptions, 'lockTokens'>,
): Promise<void> {
  const properties = (await rooms.store.directory(from))?.properties ?? null;
  if (properties !== null) await rooms.store.commit({ kind: 'annotate', who, ...to, properties, ...tokens });
}

function gone(): CloudStoreError {
  return new CloudStoreError('conflict', 'What was just copied was removed by somebody else.');
}
