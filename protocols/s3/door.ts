import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bucket } from '#core/bucket';
import { isCloudStoreError } from '#core/errors';
import type { ObjectInfo } from '#core/object';
import type { Principal, Who } from '#core/principal';
import { allowBody, sendWhole } from '#http/body';
import type { Door, RequestContext } from '#http/door';
import { createSendBuffers } from '#http/send-buffers';
import type { LoggedRequest } from './access-log.ts';
import { allowOrigin, answerPreflight } from './cors.ts';
import { answerError } from './error-answer.ts';
import { S3Error, sha256Mismatch, sourceOf, toS3Error } from './errors.ts';
import { bucketOf, type Exchange, type S3Deps } from './exchange.ts';
import { EXPECTED_OWNER, requireExpectedOwner } from './expected-owner.ts';
import { expirationOf } from './expiration.ts';
import { createKeptPages } from './kept-pages.ts';
import { unlessListed } from './missing.ts';
import { PRESIGN_PARAMETERS, restoreMovedHeaders } from './moved-headers.ts';
import { assertOperations, documentAction } from './operations/actions.ts';
import { createTable } from './operations/table.ts';
import { readXmlBody } from './payload.ts';
import { createPostObject, factsOfForm, type PostedForm } from './post-object.ts';
import { representation } from './representation.ts';
import { compileParser, type RequestParser } from './request-parser.ts';
import { compileWriter, type ResponseWriter } from './response-writer.ts';
import { createRouter, type Operation } from './schema.ts';
import { sendOutput } from './send-output.ts';
import { checkSessionToken } from './session-token.ts';
import { createSts, isSts } from './sts.ts';
import { tellsTags } from './tag-count.ts';
import { createHostedBucket, createHostedSite, parseTarget, type Target } from './target.ts';
import { createVerifier, type Payload } from './verifier.ts';
import { createWebsite } from './website.ts';

export type { S3Deps } from './exchange.ts';

interface Codec {
  parser: RequestParser;
  writer: ResponseWriter;
}

type Small = NonNullable<ReturnType<S3Deps['namespace']['peek']>>;

/** A request whose signature was verified, or that has none: then nobody asks. */
interface Signed {
  target: Target;
  principal: Principal | null;
  payload: Payload;
}

/** Of pages of a list: one of the usual thousand keys takes the third of these, one without any the first. */
const PAGE_BYTES = [16 << 10, 128 << 10, 512 << 10, 1 << 20];
const KEPT_MAX = { bytes: 8 << 20, bytesEach: 1 << 20, asked: 1000 };

/** A small hot object is answered within the tick when nothing but these is asked of it. */
const UNUSUAL = [
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'x-amz-checksum-mode',
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-server-side-encryption-customer-key',
  'expect',
  'origin',
  EXPECTED_OWNER,
] as const;

/** S3 over the namespace. Routes and codecs come from AWS's model; what nobody has written answers NotImplemented by its name. */
export function createS3Door(deps: S3Deps): Door {
  const { authenticator, buckets, namespace, accessLog, clock, region = 'us-east-1', signatureV2 = 'urls' } = deps;
  const hostedBucket = createHostedBucket(deps.domain);
  const hostedSite = createHostedSite(deps.websiteDomain);
  const route = createRouter();
  const table = createTable();
  assertOperations(table.keys());
  const verifier = createVerifier({ region, now: () => clock.now(), signatureV2 });
  const sts = createSts(deps, region);
  const always = { deps, region, buffers: createSendBuffers(PAGE_BYTES, 4), pages: createKeptPages(KEPT_MAX) };
  const codecs = new Map<string, Codec>();
  const codecOf = (operation: Operation): Codec => {
    let codec = codecs.get(operation.name);
    if (codec === undefined) {
      codec = { parser: compileParser(operation.input), writer: compileWriter(operation.output, operation.name) };
      codecs.set(operation.name, codec);
    }
    return codec;
  };

  async function handle(req: IncomingMessage, res: ServerResponse, cx: RequestContext): Promise<void> {
    let by: Signed | null = null;
    identify(res, cx);
    const site = hostedSite(req.headers.host);
    const entry = accessLog?.begin(req, site);
    if (site !== null) {
      await website.handle(req, res, cx, site);
      if (entry !== undefined) accessLog?.end(entry, res, cx, null);
      return;
    }
    try {
      if (isSts(req)) return await sts(req, res, cx);
      if (req.headers.origin !== undefined || req.method === 'OPTIONS') {
        if (await crossOrigin(req, res, cx)) {
          if (entry !== undefined) endEntry(entry, req, res, cx, null);
          return;
        }
      }
      const form = req.method === 'POST' ? formTarget(req) : null;
      if (form !== null) {
        cx.op = 'PostObject';
        const posted = await posts.open(req, res, form);
        if (posted.old) cx.signatureV2 = true;
        by = { target: posted.target, principal: posted.key?.principal ?? null, payload: { kind: 'unsigned' } };
        if (entry !== undefined) describeEntry(entry, req, by);
        await posts.store(admitted(req, res, cx, by, posted.fields), posted);
      } else {
        by = signed.get(req) ?? (await authenticate(req, cx));
        if (entry !== undefined) describeEntry(entry, req, by);
        await answer(req, res, cx, by);
      }
    } catch (thrown) {
      const error = await hidden(cx, thrown, by);
      if (entry !== undefined) entry.code = toS3Error(error).code;
      if (!cx.signal.aborted || !res.destroyed) answerError(res, cx, refine(req, error), by?.target);
    }
    if (entry !== undefined) endEntry(entry, req, res, cx, by);
  }

  /** Where a browser's form goes; null: this is no form. Its fields say whose it is. */
  function formTarget(req: IncomingMessage): Target | null {
    const target = parseTarget(req, hostedBucket);
    return posts.takes(req, target) ? target : null;
  }

  function admitted(
    req: IncomingMessage,
    res: ServerResponse,
    cx: RequestContext,
    { target, principal, payload }: Signed,
    fields: PostedForm['fields'],
  ): Exchange {
    if (principal !== null) {
      authenticator.admit(principal, cx);
      cx.user = principal.name;
    }
    const who: Who = { principal, protocol: 's3', requestId: cx.requestId, context: factsOfForm(cx, fields), cause: 'post' };
    return { ...always, req, res, cx, who, target, payload, operation: putObject, writer: codecOf(putObject).writer };
  }

  function endEntry(
    entry: LoggedRequest,
    req: IncomingMessage,
    res: ServerResponse,
    cx: RequestContext,
    by: Signed | null,
  ): void {
    if (by !== null) {
      const { target, principal } = by;
      const who = { principal, protocol: 's3' as const, requestId: cx.requestId };
      accessLog?.end(entry, res, cx, target.bucket === null ? null : buckets.resolved(who, target.bucket));
      return;
    }
    try {
      const target = parseTarget(req, hostedBucket);
      entry.bucket = target.bucket;
      entry.key = target.key;
      accessLog?.end(entry, res, cx, null);
    } catch {
      // It named no bucket whose log it could be in.
    }
  }

  /** What a page of another origin asks; true when that was all. The bucket's rules are for everybody, so nobody has to sign. */
  async function crossOrigin(req: IncomingMessage, res: ServerResponse, cx: RequestContext): Promise<boolean> {
    const { bucket: name, key } = parseTarget(req, hostedBucket);
    const bucket = name === null ? null : await buckets.named(name);
    if (req.method !== 'OPTIONS') {
      allowOrigin(req, res, bucket);
      return false;
    }
    cx.op = 'Preflight';
    answerPreflight(req, res, bucket, key !== null);
    return true;
  }

  async function authenticate(req: IncomingMessage, cx: RequestContext): Promise<Signed> {
    const target = parseTarget(req, hostedBucket);
    const claim = verifier.claim(req, target);
    if (claim === null) return { target, principal: null, payload: anonymous(req, target) };
    const found = authenticator.accessKey(claim.credentials.accessKeyId);
    const key = found instanceof Promise ? await found : found;
    if (key === null) throw new S3Error('InvalidAccessKeyId', undefined, { AWSAccessKeyId: claim.credentials.accessKeyId });
    const payload = verifier.verify(req, target, claim, key);
    if (claim.credentials.kind === 'query')
      restoreMovedHeaders(req, target.query, claim.version === 2 ? ['content-type', 'content-md5'] : []);
    if (claim.version === 2) cx.signatureV2 = true;
    else cx.signedAt = claim.credentials.at;
    checkSessionToken(req, target, key);
    authenticator.admit(key.principal, cx);
    return { target, principal: key.principal, payload };
  }

  /** What needs no signature. AWS gives nobody a say in the answer's headers. */
  function anonymous(req: IncomingMessage, target: Target): Payload {
    if (target.query.pairs.some(([name]) => name.startsWith('response-'))) {
      throw new S3Error('InvalidRequest', 'Request specific response headers cannot be used for anonymous GET requests.');
    }
    return verifier.unsigned(req);
  }

  /**
   * What is not there is told to whoever may list. To others it is as forbidden as what is, as at AWS; a bucket of somebody else's is forbidden too, and to
   * nobody in particular so is one that is not there.
   */
  async function hidden(cx: RequestContext, error: unknown, by: Signed | null): Promise<unknown> {
    if (by === null || !isCloudStoreError(error)) return error;
    const { target, principal } = by;
    if (error.code === 'bucket_not_found') {
      const name = String(error.details.bucket ?? target.bucket ?? '');
      return principal === null || (await buckets.named(name).catch(() => null)) !== null ? new S3Error('AccessDenied') : error;
    }
    const { bucket: name, key } = sourceOf(error.details) ?? target;
    if (error.code !== 'not_found' || name === null || key === null) return error;
    const who: Who = { principal, protocol: 's3', requestId: cx.requestId, context: cx };
    try {
      return await unlessListed(deps.authorizer, who, await buckets.resolve(who, name), key, error);
    } catch {
      return error;
    }
  }

  async function answer(req: IncomingMessage, res: ServerResponse, cx: RequestContext, by: Signed): Promise<void> {
    const { target, principal, payload } = by;
    if (principal !== null) cx.user = principal.name;
    const level = target.bucket === null ? 'service' : target.key === null ? 'bucket' : 'object';
    const operation = route(req.method ?? '', level, target.query, req.headers);
    cx.op = operation.name;
    const handler = table.get(operation.name);
    if (handler === undefined)
      throw new S3Error('NotImplemented', `${operation.name} is not implemented.`, { Header: operation.name });
    const { parser, writer } = codecOf(operation);
    const who: Who = { principal, protocol: 's3', requestId: cx.requestId, context: cx };
    const x: Exchange = { ...always, req, res, cx, who, target, payload, operation, writer };
    const document = documentAction(operation.name);
    await requireExpectedOwner(x);
    if (document !== null) await deps.authorizer.require(who, document, await bucketOf(x));
    const input = parser.head(req.headers, target.query);
    if (parser.payload !== null) {
      allowBody(req, res);
      // What a completion says is the checksum of the object that it makes.
      const text = await readXmlBody(req, payload, operation.name === 'CompleteMultipartUpload');
      if (text.trim() !== '') input[parser.payload.member] = parser.payload.parse(text);
      else if (parser.payload.required) throw new S3Error('MissingRequestBodyError');
    }
    const output = await handler(x, input);
    if (output !== null) sendOutput(x, output);
  }

  const website = createWebsite({
    deps,
    headersOf: (info, bucket) => codecOf(getObject).writer.headers({ ...representation(info, bucket), TagCount: undefined }),
  });

  function fast(req: IncomingMessage, res: ServerResponse, cx: RequestContext): boolean {
    if (req.method !== 'GET' && req.method !== 'HEAD') return false;
    for (const header of UNUSUAL) if (req.headers[header] !== undefined) return false;
    if (hostedSite(req.headers.host) !== null) return false;
    try {
      const target = parseTarget(req, hostedBucket);
      if (target.bucket === null || target.key === null) return false;
      for (const [name] of target.query.pairs) if (!PRESIGN_PARAMETERS.has(name) && name !== 'x-id') return false;
      const claim = verifier.claim(req, target);
      if (claim?.version === 2) return false; // the full path says so to the policies
      const key = claim === null ? null : authenticator.accessKey(claim.credentials.accessKeyId);
      if (key instanceof Promise) {
        key.catch(() => undefined); // the full path asks again and meets the same refusal
        return false;
      }
      if (claim !== null && key === null) return false;
      const payload = claim === null || key === null ? anonymous(req, target) : verifier.verify(req, target, claim, key);
      if (payload.kind === 'chunked') return false;
      const principal = key?.principal ?? null;
      if (claim !== null && key !== null) {
        cx.signedAt = claim.credentials.at;
        checkSessionToken(req, target, key);
        authenticator.admit(key.principal, cx);
      }
      const who = { principal, protocol: 's3' as const, requestId: cx.requestId, context: cx };
      const bucket = buckets.resolved(who, target.bucket);
      if (bucket?.config.logging !== undefined) return false;
      if (bucket?.objectLock === true) return false; // its answers say more
      const at = bucket === null ? null : { bucket: bucket.id, key: target.key };
      if (bucket !== null && at !== null) {
        if (req.method === 'HEAD') {
          const info = namespace.peekObject(who, at);
          if (info !== null && tellsTags(deps.authorizer, who, bucket, info, null) === true) {
            writeHead(res, 'HeadObject', cx, principal, bucket, info);
            res.end();
            return true;
          }
        } else {
          const read = namespace.peek(who, at);
          if (read !== null && tellsTags(deps.authorizer, who, bucket, read.info, null) === true) {
            sendSmall(res, cx, principal, bucket, read);
            return true;
          }
        }
      }
      signed.set(req, { target, principal, payload });
      if (bucket === null || at === null || req.method === 'HEAD') return false;
      const later = namespace.glance(who, at);
      if (later === null) return false;
      later
        .then((found) => {
          if (res.destroyed) return undefined; // the client is gone
          const whole = found !== null && tellsTags(deps.authorizer, who, bucket, found.info, null) === true;
          return whole ? sendSmall(res, cx, principal, bucket, found) : handle(req, res, cx);
        })
        .catch((err: unknown) => {
          cx.log.error({ err, op: cx.op }, 's3: an answer failed');
          res.destroy();
        });
      return true;
    } catch (error) {
      // Nothing has been written: the full path meets the same error and answers it.
      if (!(error instanceof S3Error)) cx.log.debug({ err: error, requestId: cx.requestId }, 's3: short path left');
      return false;
    }
  }

  function sendSmall(res: ServerResponse, cx: RequestContext, principal: Principal | null, bucket: Bucket, read: Small): void {
    writeHead(res, 'GetObject', cx, principal, bucket, read.info);
    sendWhole(res, read.body);
  }

  function writeHead(
    res: ServerResponse,
    op: 'GetObject' | 'HeadObject',
    cx: RequestContext,
    principal: Principal | null,
    bucket: Bucket,
    info: ObjectInfo,
  ): void {
    cx.op = op;
    if (principal !== null) cx.user = principal.name;
    res.writeHead(200, [...headOf(info, bucket), 'x-amz-request-id', cx.requestId, 'x-amz-id-2', cx.requestId]);
  }

  /** Names and values in turn, as node:http takes them fastest. An object in memory is the same until it changes. */
  function headOf(info: ObjectInfo, bucket: Bucket): string[] {
    const known = heads.get(info);
    // What lies in memory of a bucket is read anew within a second, and with it what follows from its lifecycle.
    const { versioning, config } = bucket;
    if (known !== undefined && known.versioning === versioning && known.lifecycle === config.lifecycle) return known.head;
    const output = { ...representation(info, bucket), Expiration: expirationOf(info, bucket) };
    const head = Object.entries(codecOf(getObject).writer.headers(output)).flat();
    heads.set(info, { versioning, lifecycle: config.lifecycle, head });
    return head;
  }

  /** What the short path has verified before it left a request to the full one. */
  const signed = new WeakMap<IncomingMessage, Signed>();
  const heads = new WeakMap<ObjectInfo, { versioning: Bucket['versioning']; lifecycle: unknown; head: string[] }>();
  const nothing = { pairs: [], raw: '', get: () => undefined, has: () => false };
  const getObject = route('GET', 'object', nothing, {});
  const putObject = route('PUT', 'object', nothing, {});
  const posts = createPostObject(deps, region);
  return { handle, fast, hostBucket: ({ headers: { host } }) => hostedSite(host) ?? hostedBucket(host) };
}

/** What the access log says of who asked for what. */
function describeEntry(entry: LoggedRequest, req: IncomingMessage, { target, principal }: Signed): void {
  entry.bucket = target.bucket;
  entry.key = target.key;
  if (principal === null) return;
  entry.requester = principal.id;
  entry.signed = req.headers.authorization === undefined ? 'QueryString' : 'AuthHeader';
}

function identify(res: ServerResponse, cx: RequestContext): void {
  res.setHeader('x-amz-request-id', cx.requestId);
  res.setHeader('x-amz-id-2', cx.requestId);
}

/** A body that is not what its signature says has a code of its own; the checksum headers' is BadDigest. */
function refine(req: IncomingMessage, error: unknown): unknown {
  if (!isCloudStoreError(error, 'checksum_mismatch')) return error;
  const signed = String(req.headers['x-amz-content-sha256'] ?? '');
  const { algorithm, computed } = error.details;
  if (algorithm !== 'sha256' || !/^[0-9a-f]{64}$/.test(signed) || req.headers['x-amz-checksum-sha256'] !== undefined)
    return error;
  return sha256Mismatch(Buffer.from(signed, 'hex'), Buffer.from(String(computed ?? ''), 'base64'));
}
