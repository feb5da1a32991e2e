import type { Rule, Verdict } from '#contracts/authorizer';
import type { ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Credential } from '#core/credential';
import type { Question } from './policy-question.ts';
import { type CompiledPolicy, compileSessionPolicy } from './policy-statements.ts';

/** What credentials take away from their owners' rights. */
export interface Scopes {
  /** Why the credential says no to what its owner may; null: it says nothing. `object`: it hangs on the object's tags, which `question.object` has to say first. */
  refusal(credential: Credential, question: Question): Verdict | 'object' | null;
  /** Whether anything in the bucket is within its scope. */
  reaches(credential: Credential, bucket: Bucket): boolean;
}

export function createScopes(): Scopes {
  /** A session policy is the same object as long as its credential is remembered. */
  const known = new WeakMap<object, CompiledPolicy | null>();

  function compiled(document: object): CompiledPolicy | null {
    let policy = known.get(document);
    if (policy === undefined) {
      try {
        policy = compileSessionPolicy(document);
      } catch {
        policy = null; // what nobody can read allows nothing
      }
      known.set(document, policy);
    }
    return policy;
  }

  return {
    refusal({ scope, policies = [] }, question) {
      const { action, bucket, key } = question;
      for (const document of policies) {
        const policy = compiled(document);
        if (question.object === undefined && policy?.needsTags(action)) return 'object';
        if (policy === null || policy.denies(question) !== null || policy.allows(question) === null) return REFUSED.policy;
      }
      if (scope === null) return null;
      if (scope.actions !== null && !scope.actions.includes(action)) return REFUSED.actions;
      // What it may list are the buckets of its places.
      if (scope.places === null || action === 'bucket.list') return null;
      const within = bucket !== null && scope.places.some((place) => place.bucket === bucket.id && covers(place.prefix, key));
      return within ? null : REFUSED.places;
    },
    reaches: ({ scope }, bucket) =>
      scope === null || scope.places === null || scope.places.some((place) => place.bucket === bucket.id),
  };
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
