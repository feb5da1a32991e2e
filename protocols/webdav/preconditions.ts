import type { Conditions } from '#core/conditions';
import { checkConditions } from '#core/conditions';
import { CloudStoreError } from '#core/errors';
import type { EntryInfo } from '#core/object';
import { parseConditions } from '#http/conditional-headers';
import type { Exchange, Located } from './exchange.ts';
import { locate } from './exchange.ts';
import { type IfCondition, type IfProduction, type IfState, listHolds, parseIf, submittedTokens } from './if-header.ts';
import { parsePath } from './paths.ts';
import { localPath, single } from './request-headers.ts';
import { findEntry, lockKey } from './resource.ts';
import { parseSyncToken } from './sync/token.ts';
import { isUnchangedSince } from './sync/unchanged.ts';

export interface Preconditions {
  /** For the commit, which checks that they are the caller's and cover what is locked. */
  lockTokens: string[];
  /** For the commit: HTTP's own, and the ETag that an `If` list was true of, so that no change slips in between. */
  conditions: Conditions;
}

/**
 * Evaluates the `If` header (RFC 4918 §10.4) against what is there now; the rest is decided in the commit.
 * Without the header this touches nothing.
 * @throws precondition_failed, invalid_argument
 */
export async function readPreconditions(x: Exchange, located: Located): Promise<Preconditions> {
  const conditions = parseConditions(x.req.headers);
  const header = single(x.req.headers.if);
  if (header === undefined) return { lockTokens: [], conditions };
  const productions = parseIf(header);
  const withEtags = productions.some(({ lists }) => needsEtag(lists));
  const asked: IfQuestions = { withEtags, syncTokens: syncTokensIn(productions), known: new Map() };
  const lockTokens = submittedTokens(productions);
  /** What the place has to stay, where every list that holds speaks of its ETag. */
  let pin: string | null = null;
  for (const { resource, lists } of productions) {
    const state = await stateOf(x, located, resource, asked);
    for (const list of lists) {
      if (!listHolds(list, state)) continue;
      if (!state.own || !namesEtag(list)) return { lockTokens, conditions };
      pin = state.etag;
    }
  }
  if (pin === null)
    throw new CloudStoreError('precondition_failed', 'The If header does not hold.', { details: { condition: 'If' } });
  return { lockTokens, conditions: { ...conditions, ifMatch: conditions.ifMatch ?? [pin] } };
}

/** Decides HTTP's conditions at once, for methods that commit nothing on the resource itself. @throws precondition_failed */
export function assertConditions(conditions: Conditions, entry: EntryInfo | null): void {
  const validators =
    entry === null ? null : { etag: entry.etag, modified: entry.kind === 'object' ? entry.mtime : entry.modified };
  checkConditions(conditions, validators, 'write');
}

function needsEtag(lists: IfProduction['lists']): boolean {
  return lists.some((list) => list.some((condition) => 'etag' in condition));
}

/** A list that holds and demands an ETag is false once that changes; one that only rules an ETag out is not. */
function namesEtag(list: IfCondition[]): boolean {
  return list.some((condition) => 'etag' in condition && !condition.not);
}

/** Of lock tokens there is a table; of these each is asked. */
function syncTokensIn(productions: IfProduction[]): string[] {
  return submittedTokens(productions).filter((token) => parseSyncToken(token) !== null);
}

interface KnownState extends IfState {
  /** Of the very place that the request commits to, by whatever name. */
  own: boolean;
}

/** What the header asks of the resources that it names. */
interface IfQuestions {
  withEtags: boolean;
  syncTokens: readonly string[];
  known: Map<string, KnownState>;
}

async function stateOf(
  x: Exchange,
  self: Located,
  resource: string | null,
  { withEtags, syncTokens, known }: IfQuestions,
): Promise<KnownState> {
  const name = resource ?? '';
  const before = known.get(name);
  if (before !== undefined) return before;
  const located = resource === null ? self : await locateTagged(x, resource);
  let state: KnownState = { etag: null, tokens: [], own: false };
  if (located !== null) {
    const locks = await x.deps.namespace.locks(x.who, located.bucket.id, [lockKey(located.place.key)]);
    const entry = withEtags ? await findEntry(x, located) : null;
    const tokens = locks.map((lock) => lock.token);
    for (const token of syncTokens) if (await isUnchangedSince(x, located, token)) tokens.push(token);
    state = { etag: entry?.etag ?? null, tokens, own: samePlace(self, located) };
  }
  known.set(name, state);
  return state;
}

/** A tagged resource that is not ours, or that the caller may not know of, has no state: its conditions simply do not hold. */
async function locateTagged(x: Exchange, resource: string): Promise<Located | null> {
  const path = localPath(resource, x.req.headers, x.deps.publicHosts);
  const target = path === null ? null : parsePath(x.mount, path);
  if (target?.kind !== 'place') return null;
  try {
    return await locate(x, target);
  } catch (error) {
    if (error instanceof CloudStoreError && error.code === 'bucket_not_found') return null;
    throw error;
  }
}

function samePlace(a: Located, b: Located): boolean {
  return a.bucket.id === b.bucket.id && lockKey(a.place.key) === lockKey(b.place.key);
}
