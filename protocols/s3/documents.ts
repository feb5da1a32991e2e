import type { Bucket } from '#core/bucket';
import { type S3Code, S3Error } from './errors.ts';
import { bucketOf, type Exchange } from './exchange.ts';

/** What a bucket's row keeps of S3's subresources, each in AWS's members; see `Bucket.config`. */
export type DocumentName = 'cors' | 'encryption' | 'lifecycle' | 'logging' | 'notification' | 'tagging' | 'website';

/** `encryption`, as far as it is not the same for all. */
export interface EncryptionDocument {
  Rules: { BlockedEncryptionTypes?: { EncryptionType?: string[] } }[];
}

/** As it was stored, by the handler that checked it: dates are text. */
export function documentOf<T>(bucket: Bucket, name: DocumentName): T | null {
  return (bucket.config[name] as T | undefined) ?? null;
}

/** @throws the code that AWS has for a bucket without it */
export async function readDocument<T>(x: Exchange, name: DocumentName, missing: S3Code): Promise<T> {
  const bucket = await bucketOf(x);
  const found = documentOf<T>(bucket, name);
  if (found === null) throw new S3Error(missing, undefined, { BucketName: bucket.name });
  return found;
}

/** null takes it away. */
export async function writeDocument(x: Exchange, name: DocumentName, document: object | null): Promise<void> {
  const bucket = await bucketOf(x);
  await x.deps.buckets.update(x.who, bucket.id, { config: { [name]: document } });
}
