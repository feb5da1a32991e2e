import type { BucketStore } from '#contracts/bucket-store';
import type { Content } from '#contracts/content';
import type { IntegrityStore } from '#contracts/integrity-store';
import type { Job } from '#contracts/jobs';
import type { MetadataStore } from '#contracts/metadata-store';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { consume } from '#core/stream';
import { createHashes } from './hashes.ts';

export interface VerifyDeps {
  store: MetadataStore;
  buckets: BucketStore;
  rows: IntegrityStore;
  content: Content;
}

/** What is to be read: names as people write them; a version's id, or the current one. */
export interface VerifyArgument {
  bucket: string;
  key: string;
  version?: string;
}

/** Reads one object now, whole: every chunk against its id, and all of it against the hash of the whole. Asked for only; heals what it meets, as every read does. */
export function createVerifyObject({ store, buckets, rows, content }: VerifyDeps): Job {
  return {
    name: 'verify',
    everyMs: null,
    async run({ argument, signal, progress }) {
      const { bucket: name, key, version } = argumentOf(argument);
      const bucket = await buckets.resolve(null, name);
      if (bucket === null) throw new CloudStoreError('bucket_not_found', `There is no bucket ${name}.`);
      const at = { bucket: bucket.id, key };
      const info = version === undefined ? await store.current(at) : await store.version(at, version, { hidden: true });
      if (info === null || info.content === null) throw new CloudStoreError('not_found', `There is no file ${key} in ${name}.`);
      const hash = createHashes().plain();
      let done = 0;
      try {
        await content.verify(info.content, signal);
        await consume(content.read(info.content, undefined, signal), (bytes) => {
          hash.update(bytes);
          done += bytes.length;
          progress({ done, total: info.size, unit: 'bytes' });
        });
      } catch (error) {
        if (!isCloudStoreError(error, 'corrupt')) throw error;
        throw new CloudStoreError('corrupt', `${key} in ${name} is damaged: ${error.message}`, { cause: error });
      }
      const expected = (await rows.version(info.versionId))?.contentHash ?? null;
      if (done !== info.size || (expected !== null && !expected.equals(hash.digest())))
        throw new CloudStoreError('corrupt', `${key} in ${name} is damaged: its bytes are not those that were stored.`);
      progress({ done, total: info.size, unit: 'bytes', counts: { verified: 1 } });
    },
  };
}

function argumentOf(argument: unknown): VerifyArgument {
  const { bucket, key, version } = (argument ?? {}) as Partial<VerifyArgument>; // from whoever started it; checked here
  if (typeof bucket !== 'string' || typeof key !== 'string')
    throw new CloudStoreError('invalid_argument', 'The job verify takes a bucket and a key.');
  return { bucket, key, ...(typeof version === 'string' ? { version } : {}) };
}
