import type { IncomingHttpHeaders } from 'node:http';
import { mintedDigest } from '#auth/secrets';
import type { Attempt, AttemptReason, Attempts } from '#contracts/attempts';
import type { Cache } from '#contracts/cache';
import type { CredentialStore } from '#contracts/credential-store';
import type { Logger } from '#contracts/observability';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Clock } from '#core/clock';
import { compileNetworks } from '#core/network';
import type { Principal, PrincipalId } from '#core/principal';
import type { ListenersOptions } from '#http/server';

export interface AttemptsOptions {
  principals: Pick<PrincipalStore, 'findByName'>;
  credentials: Pick<CredentialStore, 'find' | 'findBySecret'>;
  cache: Pick<Cache, 'get' | 'set'>;
  clock: Clock;
  log: Logger;
}

interface Ended {
  principal?: Principal;
  headers: IncomingHttpHeaders;
  url: string;
  method: string;
  op: string;
  door: string;
  status: number;
  address: string;
  at: number;
}

interface Found {
  /** null: of nobody that is known. */
  owner: PrincipalId | null;
  why: AttemptReason;
  credential: string | null;
}

const KEPT_MS = 10 * 60_000;
const KEPT_MAX = 20;
/** Each may cost a look into the database: whoever guesses passwords by the thousand makes us do no more than this. */
const AT_ONCE_MAX = 4;
const SKEW_MS = 15 * 60_000;
const LOOKS = new Set(['PROPFIND', 'ListObjects', 'ListObjectsV2', 'HeadBucket', 'GetBucketLocation', 'ListFolder']);
const DRIVE_METHODS = new Set(['PROPFIND', 'OPTIONS', 'MKCOL', 'LOCK', 'REPORT']);

/** Attempts, and what is to be told of every request that has ended. */
export function createAttempts(options: AttemptsOptions): Attempts & { ended: NonNullable<ListenersOptions['ended']> } {
  const { cache, clock, log } = options;
  let underWay = 0;
  let writing = Promise.resolve();

  async function kept(key: string): Promise<Attempt[]> {
    const found = await cache.get(key);
    const attempts: Attempt[] = found === null ? [] : JSON.parse(found.toString());
    return attempts.filter(({ at }) => clock.now() - at < KEPT_MS);
  }

  async function write(key: string, attempt: Attempt): Promise<void> {
    const before = (await kept(key)).filter(
      ({ why, address, credential }) => why !== attempt.why || address !== attempt.address || credential !== attempt.credential,
    );
    await cache.set(key, Buffer.from(JSON.stringify([attempt, ...before].slice(0, KEPT_MAX))), KEPT_MS);
  }

  async function note(ended: Ended): Promise<void> {
    const found = ended.principal === undefined ? await unknownOf(ended, options) : knownOf(ended, ended.principal);
    if (found === null) return;
    const { owner, why, credential } = found;
    const attempt = { at: ended.at, why, door: ended.door, address: ended.address, credential };
    const key = keyOf(owner, ended.address);
    writing = writing.then(() => write(key, attempt)).catch((err: unknown) => log.debug({ err }, 'a refusal could not be kept'));
    await writing;
  }

  return {
    async list(principal, remoteAddress) {
      const all = await Promise.all([kept(keyOf(principal, '')), kept(keyOf(null, remoteAddress))]);
      return all.flat().sort((a, b) => b.at - a.at);
    },
    ended(request, door, status) {
      if (status < 400 || status >= 499 || underWay >= AT_ONCE_MAX) return;
      const { req, op, principal } = request;
      // The page's own requests are none of a device.
      if (principal !== undefined && !isDevice(principal)) return;
      underWay++;
      note({
        ...(principal === undefined ? {} : { principal }),
        headers: req.headers,
        url: req.url ?? '',
        method: req.method ?? '',
        op,
        door,
        status,
        address: request.remoteAddress,
        at: clock.now(),
      })
        .catch((err: unknown) => log.debug({ err }, 'a refusal could not be looked at'))
        .finally(() => underWay--);
    },
  };
}

function keyOf(owner: PrincipalId | null, address: string): string {
  return owner === null ? `attempts-from:${address}` : `attempts:${owner}`;
}

function isDevice({ credential }: Principal): boolean {
  const kind = credential?.kind;
  return kind === 's3' || kind === 'app-password' || kind === 'device';
}

/** Of what said who it is, and got no further. */
function knownOf({ op, method, status, address, at }: Ended, { id: owner, credential }: Principal): Found | null {
  const found = (why: AttemptReason): Found => ({ owner, why, credential: credential?.id ?? null });
  if (credential?.expires !== undefined && at >= credential.expires) return found('expired');
  if (credential?.networks !== undefined && !compileNetworks(credential.networks)(address)) return found('network');
  if (status === 403) return found('scope');
  return status === 404 && (LOOKS.has(op) || LOOKS.has(method)) ? found('missing') : null;
}

/** Of what did not say who it is, or said it wrongly. */
async function unknownOf(ended: Ended, { principals, credentials }: AttemptsOptions): Promise<Found | null> {
  const { headers, url, door, status, method, at } = ended;
  const key = keyIdOf(headers.authorization, url);
  if (key !== null) {
    const found = await credentials.find(key);
    if (found === null) return null;
    const why = door !== 's3' ? 'port' : skewed(headers, url, at) ? 'clock' : status === 403 ? 'secret' : null;
    return why === null ? null : { owner: found.principal.id, why, credential: key };
  }
  const pair = pairOf(headers.authorization);
  if (pair !== null) {
    const owner = await principals.findByName(pair.name);
    const digest = mintedDigest(pair.password);
    const by = digest === null ? null : await credentials.findBySecret(digest);
    const credential = by?.credential.id ?? null;
    if (door === 's3') return owner === null ? null : { owner: owner.id, why: 'port', credential };
    if (status === 404 && door === 'web' && owner !== null) return { owner: owner.id, why: 'address', credential };
    if (status === 429 && owner !== null) return { owner: owner.id, why: 'limited', credential: null };
    if (status !== 401) return null;
    if (by !== null && by.principal.id !== owner?.id) return { owner: by.principal.id, why: 'name', credential };
    return owner === null ? null : { owner: owner.id, why: 'password', credential: null };
  }
  const lost = door === 'web' && DRIVE_METHODS.has(method) && (status === 404 || status === 405);
  return lost ? { owner: null, why: 'address', credential: null } : null;
}

/** The access key id of a signed request, in its header or its query. */
function keyIdOf(authorization: string | undefined, url: string): string | null {
  const found =
    /^AWS4-HMAC-SHA256 .*?Credential=([\w.-]{3,128})\//.exec(authorization ?? '') ??
    /^AWS ([\w.-]{3,128}):/.exec(authorization ?? '') ??
    /[?&]X-Amz-Credential=([\w.-]{3,128})(?:\/|%2F)/i.exec(url) ??
    /[?&]AWSAccessKeyId=([\w.-]{3,128})(?:&|$)/.exec(url);
  return found?.[1] ?? null;
}

function skewed(headers: IncomingHttpHeaders, url: string, at: number): boolean {
  const stamp = String(headers['x-amz-date'] ?? /[?&]X-Amz-Date=(\w+)/i.exec(url)?.[1] ?? '');
  const signed = Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  return Number.isFinite(signed) && Math.abs(signed - at) > SKEW_MS;
}

function pairOf(authorization: string | undefined): { name: string; password: string } | null {
  const match = /^Basic +([A-Za-z0-9+/=_-]{1,4096}) *$/i.exec(authorization ?? '');
  const text = Buffer.from(match?.[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon <= 0 ? null : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
