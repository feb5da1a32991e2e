import type { Who } from '#core/principal';
import type { Logger } from './observability.ts';

/** S3's documents of a bucket, each in AWS's members as JSON, checked and kept as an S3 client's are. */
export const BUCKET_DOCUMENTS = [
  'versioning',
  'objectLock',
  'lifecycle',
  'cors',
  'tagging',
  'notification',
  'website',
  'logging',
  'encryption',
] as const;
export type BucketDocument = (typeof BUCKET_DOCUMENTS)[number];

export interface BucketDocuments {
  /** null: it is not set. @throws bucket_not_found, access_denied */
  get(who: Who, request: DocumentRequest, bucket: string, document: BucketDocument): Promise<object | null>;
  /** @throws invalid_argument (details.fields says where), bucket_not_found, access_denied, not_implemented */
  put(who: Who, request: DocumentRequest, bucket: string, document: BucketDocument, body: unknown): Promise<void>;
  /** @throws not_implemented: versions and object lock cannot be unset; bucket_not_found, access_denied */
  remove(who: Who, request: DocumentRequest, bucket: string, document: BucketDocument): Promise<void>;
}

/** What is asked of the request behind it. */
export interface DocumentRequest {
  requestId: string;
  signal: AbortSignal;
  log: Logger;
}
