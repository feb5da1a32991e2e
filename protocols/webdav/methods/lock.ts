import type { Lock } from '#contracts/locks';
import { parentOf } from '#core/address';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { bytesOf } from '#core/stream';
import { escapeXml, type XmlElement } from '#http/xml';
import { answer, assertNoBody, readXml } from '../answer.ts';
import { DavError } from '../errors.ts';
import { type Exchange, type Located, locate, malformedBody } from '../exchange.ts';
import { hrefBeside } from '../paths.ts';
import { assertConditions, type Preconditions, readPreconditions } from '../preconditions.ts';
import { activeLock, storedOwner } from '../properties/locking.ts';
import { parseDepth, parseLockToken, parseTimeout } from '../request-headers.ts';
import { findEntry, lockKey } from '../resource.ts';
import { davChild, isDav, languageOf, XML_HEAD } from '../xml-element.ts';

const OWNER_BYTES_MAX = 4096;

/** RFC 4918 §9.10: a new lock, or with an empty body a refresh of the one whose token `If` submits. */
export async function lock(x: Exchange): Promise<void> {
  const timeoutMs = parseTimeout(x.req.headers);
  const body = await readXml(x);
  const located = await locate(x);
  if (located.place.key === '' && !located.place.root) throw new DavError(403, 'This folder has no name that a lock could hold.');
  const preconditions = await readPreconditions(x, located);
  if (body === null) await refresh(x, located, preconditions, timeoutMs);
  else {
    // Which a refresh ignores (§9.10.2).
    const infinite = parseDepth(x.req.headers, ['0', 'infinity'], 'infinity') === 'infinity';
    await acquire(x, located, preconditions, { ...parseLockInfo(body), infinite, timeoutMs });
  }
}

/** RFC 4918 §9.11 */
export async function unlock(x: Exchange): Promise<void> {
  await assertNoBody(x);
  const token = parseLockToken(x.req.headers);
  const located = await locate(x);
  await readPreconditions(x, located);
  await x.deps.namespace.unlock(x.who, { bucket: located.bucket.id, key: lockKey(located.place.key) }, token);
  answer(x.res, 204);
}

/** `If` may submit more tokens than the one to refresh, as it may speak of more resources: the one that covers this is meant. */
async function refresh(x: Exchange, located: Located, { lockTokens }: Preconditions, timeoutMs: number): Promise<void> {
  if (lockTokens.length === 0) throw new CloudStoreError('invalid_argument', 'A refresh submits the token of its lock in If.');
  const at = { bucket: located.bucket.id, key: lockKey(located.place.key) };
  const covering = await x.deps.namespace.locks(x.who, at.bucket, [at.key]);
  const own = covering.find((held) => lockTokens.includes(held.token) && held.principal === x.who.principal.id);
  if (own === undefined) {
    throw new DavError(412, 'No such lock of yours covers the resource.', { condition: 'lock-token-matches-request-uri' });
  }
  answerLock(x, 200, await x.deps.namespace.refreshLock(x.who, at, own.token, timeoutMs), located);
}

interface LockRequest {
  exclusive: boolean;
  ownerXml: string | null;
  infinite: boolean;
  timeoutMs: number;
}

async function acquire(x: Exchange, located: Located, preconditions: Preconditions, request: LockRequest): Promise<void> {
  const { namespace } = x.deps;
  const entry = await findEntry(x, located);
  assertConditions(preconditions.conditions, entry);
  if (entry === null) await assertParent(x, located);
  const at = { bucket: located.bucket.id, key: lockKey(located.place.key) };
  let taken: Lock;
  try {
    taken = await namespace.lock(x.who, { at, ...request });
  } catch (error) {
    if (!isCloudStoreError(error, 'locked')) throw error;
    return answerConflict(x, located, error);
  }
  if (entry === null) await createEmpty(x, located, taken, preconditions.lockTokens);
  answerLock(x, entry === null ? 201 : 200, taken, located, { 'Lock-Token': `<${taken.token}>` });
}

/** RFC 4918 §9.10.3, §16: the lock in the way is named; where a member of the folder has it, by a Multi-Status. */
function answerConflict(x: Exchange, { place }: Located, { details: { key } }: CloudStoreError): void {
  const href = typeof key === 'string' ? hrefBeside(x.mount, place, key) : place.href;
  const conflict = { condition: 'no-conflicting-lock', href };
  if (typeof key !== 'string' || key.length <= lockKey(place.key).length)
    throw new DavError(423, 'Another lock is in the way.', conflict);
  const locked = `<d:response><d:href>${escapeXml(href)}</d:href><d:status>HTTP/1.1 423 Locked</d:status></d:response>`;
  const refused = `<d:response><d:href>${place.href}/</d:href><d:status>HTTP/1.1 424 Failed Dependency</d:status></d:response>`;
  answer(x.res, 207, {}, `${XML_HEAD}<d:multistatus xmlns:d="DAV:">${locked}${refused}</d:multistatus>\n`);
}

/** RFC 4918 §7.3: a lock on an unmapped URL makes an empty file there. If that cannot be, the lock goes again. */
async function createEmpty(x: Exchange, located: Located, taken: Lock, tokens: string[]): Promise<void> {
  const { namespace } = x.deps;
  try {
    const at = { bucket: located.bucket.id, key: located.place.key };
    await namespace.put(x.who, at, bytesOf(), {
      size: 0,
      conditions: { ifNoneMatch: '*' },
      requireParent: true,
      lockTokens: [...tokens, taken.token],
      etag: 'opaque',
    });
  } catch (error) {
    await namespace.unlock(x.who, taken.at, taken.token);
    throw error;
  }
}

async function assertParent(x: Exchange, located: Located): Promise<void> {
  try {
    await x.deps.namespace.directory(x.who, { bucket: located.bucket.id, key: parentOf(located.place.key) });
  } catch (error) {
    if (!isCloudStoreError(error, 'not_found')) throw error;
    throw new CloudStoreError('parent_missing', 'The parent collection does not exist.');
  }
}

/** @throws invalid_argument; too_large; DavError 422 for a scope or type that RFC 4918 does not know */
function parseLockInfo(body: XmlElement): { exclusive: boolean; ownerXml: string | null } {
  if (!isDav(body, 'lockinfo')) throw malformedBody('The body is no lockinfo element.');
  const scope = davChild(body, 'lockscope');
  const type = davChild(body, 'locktype');
  if (scope === undefined || type === undefined || scope.children.length * type.children.length === 0)
    throw malformedBody('A lockinfo element says its scope and its type.');
  // What else stands there is an extension, and ignored (§17).
  const exclusive = davChild(scope, 'exclusive') !== undefined;
  if (davChild(type, 'write') === undefined || exclusive === (davChild(scope, 'shared') !== undefined)) {
    throw new DavError(422, 'Only exclusive and shared write locks exist.');
  }
  const owner = davChild(body, 'owner');
  const ownerXml = owner === undefined ? null : storedOwner(owner, languageOf(owner) ?? languageOf(body));
  if (ownerXml !== null && Buffer.byteLength(ownerXml) > OWNER_BYTES_MAX) {
    throw new CloudStoreError('too_large', 'The owner element is too large.', { details: { bytesMax: OWNER_BYTES_MAX } });
  }
  return { exclusive, ownerXml };
}

function answerLock(x: Exchange, status: number, held: Lock, located: Located, headers: Record<string, string> = {}): void {
  const root = hrefBeside(x.mount, located.place, held.at.key);
  const discovery = `<d:lockdiscovery>${activeLock(held, root, x.deps.clock.now())}</d:lockdiscovery>`;
  answer(x.res, status, headers, `${XML_HEAD}<d:prop xmlns:d="DAV:">${discovery}</d:prop>\n`);
}
