import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectInfo } from '#core/object';
import type { Bytes } from '#core/stream';

/** Told of every read that met damage, with the file that it was of. */
export type OnDamage = (error: CloudStoreError) => void;

/**
 * A body whose damage is told with the file's name: below, nobody knows more than a chunk. By hand, because a generator around the body would cost
 * every buffer of every read.
 */
export function namedBody(body: Bytes, info: ObjectInfo, onDamage: OnDamage | undefined): Bytes {
  const told = (error: unknown): never => {
    throw named(error, info, onDamage);
  };
  const { whole } = body;
  return {
    ...(whole === undefined ? {} : { whole: (bytesMax: number) => whole(bytesMax).catch(told) }),
    [Symbol.asyncIterator]() {
      const iterator = body[Symbol.asyncIterator]();
      return {
        next: () => iterator.next().catch(told),
        return: async (value) => (await iterator.return?.(value)) ?? { done: true, value },
      };
    },
  };
}

/** The error as it goes up: one of damage names the file, and is reported. */
export function named(
  error: unknown,
  { bucket, key, versionId }: Pick<ObjectInfo, 'bucket' | 'key' | 'versionId'>,
  onDamage: OnDamage | undefined,
): unknown {
  if (!isCloudStoreError(error, 'corrupt') || error.details.key !== undefined) return error;
  const told = new CloudStoreError('corrupt', `${JSON.stringify(key)} is damaged. ${error.message}`, {
    details: { ...error.details, bucket, key, versionId },
    cause: error,
  });
  onDamage?.(told);
  return told;
}
