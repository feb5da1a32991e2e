import type { Bucket } from '#core/bucket';
import { type S3Code, S3Error } from './errors.ts';
import type { Exchange } from './exchange.ts';

/** What a bucket's row keeps of S3's subresources, each in AWS's members; see `Bucket.config`. */
export type DocumentName = 'cors' | 'encryption' | 'lifecycle' | 'logging' | 'notification' | 'tagging' | 'website';

/** The request's bucket, for whoever may configure it: nobody else reads its documents. @throws bucket_not_found, access_denied */
export async function configurable(x: Exchange): Promise<Bucket> {
  return x.deps.buckets.configurable(x.who, x.target.bucket ?? '');
}

/** As it was stored, by the handler that checked it: dates are text. */
export function documentOf<T>(bucket: Bucket, name: DocumentName): T | null {
  return (bucket.config[name] as T | undefined) ?? null;
}

/** @throws the code that AWS has for a bucket without it */
export async function readDocument<T>(x: Exchange, name: DocumentName, missing: S3Code): Promise<T> {
  const bucket = await configurable(x);
  const found = documentOf<T>(bucket, name);
  if (found === null) throw new S3Error(missing, undefined, { BucketName: bucket.name });
  return found;
}

/** null takes it away. */
export async function writeDocument(x: Exchange, name: DocumentName, document: object | null): Promise<void> {
  const bucket = await configurable(x);
  await x.deps.buckets.update(x.who, bucket.id, { config: { [name]: document } });
}
