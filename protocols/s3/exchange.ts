import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessControl } from '#contracts/access-control';
import type { Authenticator } from '#contracts/authenticator';
import type { Authorizer } from '#contracts/authorizer';
import type { Buckets } from '#contracts/buckets';
import type { History } from '#contracts/history';
import type { IdempotencyStore } from '#contracts/idempotency-store';
import type { Identity } from '#contracts/identity';
import type { Jobs } from '#contracts/jobs';
import type { Journal } from '#contracts/journal';
import type { Namespace } from '#contracts/namespace';
import type { Uploads } from '#contracts/uploads';
import type { Webhooks } from '#contracts/webhooks';
import type { Address } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Clock, Random } from '#core/clock';
import type { PrincipalId, Who } from '#core/principal';
import type { RequestContext } from '#http/door';
import type { SendBuffers } from '#http/send-buffers';
import type { AccessLog } from './access-log.ts';
import { canonicalId } from './acl.ts';
import type { KeptPages } from './kept-pages.ts';
import type { Input } from './request-parser.ts';
import type { Output, ResponseWriter } from './response-writer.ts';
import type { Operation } from './schema.ts';
import type { SignatureV2 } from './sigv2.ts';
import type { Target } from './target.ts';
import type { Payload } from './verifier.ts';

export interface S3Deps {
  namespace: Namespace;
  buckets: Buckets;
  uploads: Uploads;
  history: History;
  authenticator: Authenticator;
  authorizer: Authorizer;
  access: AccessControl;
  clock: Clock;
  /** Makes temporary keys; without it STS answers that it does not. */
  identity?: Identity;
  /** What a client asked for under a token of its own is done once; absent, tokens say nothing. */
  idempotency?: { store: IdempotencyStore };
  journal: Pick<Journal, 'head'>;
  jobs: Jobs;
  webhooks: Webhooks;
  random: Random;
  /** What signatures must be made for. Default `us-east-1`. */
  region?: string;
  /** Virtual-host style `bucket.<domain>`; path style always works. */
  domain?: string | null | undefined;
  /** Websites are at `bucket.<websiteDomain>`; `bucket.s3-website.localhost` always works. */
  websiteDomain?: string | null | undefined;
  /** Which requests may be signed by version 2. Default `urls`. */
  signatureV2?: SignatureV2;
  /** Absent: nothing is logged. */
  accessLog?: AccessLog;
}

/** An authenticated request on its way through an operation. */
export interface Exchange {
  deps: S3Deps;
  region: string;
  req: IncomingMessage;
  res: ServerResponse;
  cx: RequestContext;
  who: Who;
  target: Target;
  payload: Payload;
  operation: Operation;
  writer: ResponseWriter;
  /** For long answers. */
  buffers: SendBuffers;
  pages: KeptPages;
}

/** Answers with the operation's output; null when it has written its answer itself. */
export type Handler<I = Input, O extends object = Output> = (x: Exchange, input: I) => Promise<O | null>;

/** The request's bucket, as the caller sees it. @throws bucket_not_found */
export async function bucketOf(x: Exchange, name = x.target.bucket ?? ''): Promise<Bucket> {
  return x.deps.buckets.resolved(x.who, name) ?? x.deps.buckets.resolve(x.who, name);
}

export async function addressOf(x: Exchange): Promise<{ bucket: Bucket; at: Address }> {
  const bucket = await bucketOf(x);
  return { bucket, at: { bucket: bucket.id, key: x.target.key ?? '' } };
}

/** Whose the bucket is. */
export function ownerOf(x: Exchange, bucket: Bucket): { ID: string; DisplayName?: string } {
  return personOf(x, bucket.owner);
}

/** A name is told to whoever bears it alone. */
export function personOf({ who: { principal } }: Exchange, id: PrincipalId): { ID: string; DisplayName?: string } {
  const ID = canonicalId(id);
  return principal?.id === id ? { ID, DisplayName: principal.name } : { ID };
}
