import type { Rule, Verdict } from '#contracts/authorizer';
import type { Action } from '#core/actions';
import type { ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Credential, Scope } from '#core/credential';

/** Why the credential says no to what its owner may; null: it says nothing. */
export function scopeRefusal(credential: Credential, action: Action, bucket: Bucket | null, key: ObjectKey): Verdict | null {
  const { scope, policies } = credential;
  // Session policies are evaluated where bucket policies are; until then one that is there allows nothing.
  if (policies !== undefined && policies.length > 0) return REFUSED.policy;
  if (scope === null) return null;
  if (scope.actions !== null && !scope.actions.includes(action)) return REFUSED.actions;
  // What it may list are the buckets of its places.
  if (scope.places === null || action === 'bucket.list') return null;
  const within = bucket !== null && scope.places.some((place) => place.bucket === bucket.id && covers(place.prefix, key));
  return within ? null : REFUSED.places;
}

/** Whether anything in the bucket is within the scope. */
export function scopeReaches(scope: Scope | null, bucket: Bucket): boolean {
  return scope === null || scope.places === null || scope.places.some((place) => place.bucket === bucket.id);
}

/** A place that is one key covers just that. */
function covers(prefix: ObjectKey, key: ObjectKey): boolean {
  return prefix === '' || prefix.endsWith('/') ? key.startsWith(prefix) : key === prefix;
}

type Part = Extract<Rule, { kind: 'scope' }>['part'];

const REFUSED: Record<Part, Verdict> = { actions: refused('actions'), places: refused('places'), policy: refused('policy') };

function refused(part: Part): Verdict {
  return { allowed: false, rule: { kind: 'scope', part } };
}
