import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessKey } from '#contracts/authenticator';
import type { Credentials } from '#contracts/credentials';
import { isCloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import { abandonBody, allowBody, readBody } from '#http/body';
import type { RequestContext } from '#http/door';
import { escapeXml } from '#http/xml';
import { accountId } from './acl.ts';
import { checkTime, readCredentials } from './credentials.ts';
import { S3Error } from './errors.ts';
import type { S3Deps } from './exchange.ts';
import { XML_DECLARATION } from './response-writer.ts';
import { checkSessionToken } from './session-token.ts';
import { canonicalRequest, createSigners, sameText, stringToSign } from './sigv4.ts';
import { readRequest, StsError, type StsRequest } from './sts-request.ts';
import { parseTarget } from './target.ts';
import { checkSignedHeaders, headerText } from './verifier.ts';

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';
const BODY_BYTES_MAX = 64 * 1024;

/** The query protocol of STS is a form that is posted to the root, which S3 knows nothing of. */
export function isSts({ method, url, headers }: IncomingMessage): boolean {
  return method === 'POST' && url === '/' && /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '');
}

/**
 * Temporary keys, as AWS's Security Token Service gives them (API version 2011-06-15): GetSessionToken, AssumeRole, GetCallerIdentity. There are no roles: a temporary key
 * is its maker, reduced by the policy that it asks for. docs/adr/0033-identity.md.
 */
export function createSts(
  deps: S3Deps,
  region: string,
): (req: IncomingMessage, res: ServerResponse, cx: RequestContext) => Promise<void> {
  const signerOf = createSigners();

  /** @throws StsError, S3Error */
  async function authenticate(
    req: IncomingMessage,
    res: ServerResponse,
    cx: RequestContext,
  ): Promise<{ key: AccessKey; body: Buffer }> {
    const target = parseTarget(req, () => null);
    const claim = readCredentials(req.headers, target.query, 'sts');
    if (claim === null || claim.kind !== 'header')
      throw new StsError('MissingAuthenticationToken', 'Request is missing Authentication Token');
    checkTime(claim, deps.clock.now());
    if (claim.scope.region !== region)
      throw new StsError('SignatureDoesNotMatch', `Credential should be scoped to a valid region: ${region}.`);
    checkSignedHeaders(req, claim);
    const key = await deps.authenticator.accessKey(claim.accessKeyId);
    if (key === null) throw new StsError('InvalidClientTokenId', 'The security token included in the request is invalid.');
    // The signature covers the body, so it is read before anything is believed: it is small.
    allowBody(req, res);
    const body = await readBody(req, BODY_BYTES_MAX);
    const request = { method: 'POST', path: '/', query: target.query, header: (name: string) => headerText(req, name) };
    const canonical = canonicalRequest(request, '/', claim.signedHeaders, hash('sha256', body, 'hex'));
    const signature = signerOf(key.secret, claim.scope).sign(stringToSign(claim.stamp, claim.scope, canonical));
    if (!sameText(signature, claim.signature)) {
      throw new StsError(
        'SignatureDoesNotMatch',
        'The request signature we calculated does not match the signature you provided.',
      );
    }
    checkSessionToken(req, target, key);
    deps.authenticator.admit(key.principal, cx);
    return { key, body };
  }

  return async (req, res, cx) => {
    cx.op = 'Sts';
    try {
      const { key, body } = await authenticate(req, res, cx);
      cx.user = key.principal.name;
      const request = readRequest(body);
      cx.op = request.action;
      if (deps.identity === undefined) throw new StsError('InvalidAction', 'This gateway makes no temporary keys.');
      const who: Who = { principal: key.principal, protocol: 's3', requestId: cx.requestId, context: cx };
      send(res, 200, answerOf(request, await resultOf(deps.identity.credentials, who, request), cx.requestId));
    } catch (error) {
      if (cx.signal.aborted && res.destroyed) return;
      answerError(req, res, cx, error);
    }
  };
}

async function resultOf(credentials: Credentials, who: Who, request: StsRequest): Promise<string> {
  const name = who.principal?.name ?? '';
  const id = who.principal?.id ?? 0;
  const account = accountId(id);
  if (request.action === 'GetCallerIdentity') {
    return `<Arn>arn:aws:iam::${account}:user/${escapeXml(name)}</Arn><UserId>${account}</UserId><Account>${account}</Account>`;
  }
  const { seconds, policy } = request;
  const { accessKeyId, secretAccessKey, sessionToken, expires } = await credentials.temporary(who, { seconds, policy });
  const given = `<Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey><SessionToken>${sessionToken}</SessionToken><Expiration>${new Date(expires).toISOString()}</Expiration></Credentials>`;
  if (request.action === 'GetSessionToken') return given;
  const arn = `arn:aws:sts::${account}:assumed-role/${escapeXml(request.role)}/${request.sessionName}`;
  const size = policy === null ? '' : `<PackedPolicySize>${Math.ceil((request.policyChars * 100) / 2048)}</PackedPolicySize>`;
  return `${given}<AssumedRoleUser><Arn>${arn}</Arn><AssumedRoleId>${accessKeyId}:${request.sessionName}</AssumedRoleId></AssumedRoleUser>${size}`;
}

function answerOf({ action }: StsRequest, result: string, requestId: string): string {
  return `<${action}Response xmlns="${NAMESPACE}"><${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${action}Response>`;
}

function answerError(req: IncomingMessage, res: ServerResponse, cx: RequestContext, thrown: unknown): void {
  const { code, status, message } = toStsError(thrown);
  if (status >= 500) cx.log.error({ err: thrown, requestId: cx.requestId, op: cx.op }, 'sts: request failed');
  if (res.headersSent) {
    res.destroy();
    return;
  }
  abandonBody(req, res);
  if (isCloudStoreError(thrown, 'rate_limited') || status === 503) res.setHeader('Retry-After', '1');
  const type = status >= 500 ? 'Receiver' : 'Sender';
  const error = `<Error><Type>${type}</Type><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>`;
  send(res, status, `<ErrorResponse xmlns="${NAMESPACE}">${error}<RequestId>${cx.requestId}</RequestId></ErrorResponse>`);
}

function send(res: ServerResponse, status: number, document: string): void {
  const bytes = Buffer.from(XML_DECLARATION + document);
  res.writeHead(status, { 'content-type': 'text/xml', 'content-length': bytes.length, 'cache-control': 'no-store' }).end(bytes);
}

function toStsError(thrown: unknown): StsError {
  if (thrown instanceof StsError) return thrown;
  if (thrown instanceof S3Error) {
    if (thrown.code === 'InvalidToken' || thrown.code === 'InvalidAccessKeyId') {
      return new StsError('InvalidClientTokenId', 'The security token included in the request is invalid.');
    }
    if (thrown.code === 'RequestTimeTooSkewed')
      return new StsError('SignatureDoesNotMatch', 'Signature expired: the clocks differ.');
    return new StsError('IncompleteSignature', thrown.message);
  }
  if (!isCloudStoreError(thrown)) return new StsError('InternalFailure', 'We encountered an internal error.');
  switch (thrown.code) {
    case 'access_denied':
    case 'unauthenticated':
      return new StsError('AccessDenied', thrown.message);
    case 'expired':
      return new StsError('ExpiredToken', 'The security token included in the request is expired');
    case 'rate_limited':
      return new StsError('Throttling', thrown.message);
    case 'invalid_argument':
      return new StsError(thrown.details.policy === undefined ? 'ValidationError' : 'MalformedPolicyDocument', thrown.message);
    case 'too_large':
    case 'incomplete_body':
      return new StsError('ValidationError', thrown.message);
    case 'unavailable':
    case 'timeout':
      return new StsError('ServiceUnavailable', 'Try again in a moment.');
    default:
      return new StsError('InternalFailure', 'We encountered an internal error.');
  }
}
