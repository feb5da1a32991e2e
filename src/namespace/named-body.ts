import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectInfo } from '#core/object';
import type { Bytes, Take } from '#core/stream';

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
  const { whole, each } = body;
  return {
    ...(each === undefined ? {} : { each: (take: Take, signal: AbortSignal | undefined) => handOut(each, take, signal, told) }),
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

/** What who takes it throws is none of the body's. */
async function handOut(
  each: NonNullable<Bytes['each']>,
  take: Take,
  signal: AbortSignal | undefined,
  told: (error: unknown) => never,
): Promise<void> {
  const refused: unknown[] = [];
  const refuse = (error: unknown): never => {
    refused.push(error);
    throw error;
  };
  const taking: Take = (bytes) => {
    try {
      return take(bytes)?.catch(refuse) ?? null;
    } catch (error) {
      return refuse(error);
    }
  };
  try {
    await each(taking, signal);
  } catch (error) {
    if (refused.includes(error)) throw error;
    told(error);
  }
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
