import type { Rule, Verdict } from '#contracts/authorizer';
import type { Acl } from '#core/acl';
import { type Action, roleHolds } from '#core/actions';
import type { Bucket } from '#core/bucket';
import type { Subject } from '#core/grant';
import type { Principal, Who } from '#core/principal';
import { decideAcl, isGrantee, isObjectAclAction } from './policy-acl.ts';
import { type Authority, grantsAbove, subjectKey } from './policy-authority.ts';
import type { Question } from './policy-question.ts';

const ADMIN = allowed({ kind: 'admin' });
const OWNER = allowed({ kind: 'owner' });
const ACCOUNT = allowed({ kind: 'account' });
const RESTRICTED: Verdict = { allowed: false, rule: { kind: 'public-access-block' } };
const UNREADABLE: Verdict = { allowed: false, rule: { kind: 'policy', effect: 'Deny', statement: -1, sid: null } };
/** No rule says yes. */
export const NOTHING: Verdict = { allowed: false, rule: { kind: 'nothing' } };

/**
 * The whole evaluation, pure. A deny of the bucket's policy wins over everything, over owner and admin too, who may only ever read and replace the policy
 * itself. Then role, ownership, grants, policy and lists are asked, and the first that allows decides. null: it hangs on the object's tags or list, which
 * `question.object` has to say first.
 */
export function decide(question: Question, authority: Authority | null): Verdict | null {
  const { who, bucket, action } = question;
  const { principal } = who;
  if (bucket === null) return principal === null ? NOTHING : decideService(principal, action);
  if (isOutside(who)) return NOTHING;
  const policy = authority?.policy ?? null;
  if (policy !== null && !(isRoot(principal, bucket) && POLICY_ACTIONS.has(action))) {
    if (policy === 'unreadable') return UNREADABLE;
    if (question.object === undefined && policy.needsTags(action)) return null;
    const denied = policy.denies(question);
    if (denied !== null) return denied;
  }
  return decideAllowed(question, bucket, authority);
}

function decideAllowed(question: Question, bucket: Bucket, authority: Authority | null): Verdict | null {
  const { who, action } = question;
  const { principal } = who;
  if (action === 'admin') return principal?.role === 'admin' ? ADMIN : NOTHING;
  if (principal !== null) {
    if (principal.role === 'admin') return ADMIN;
    if (isOwner(principal, bucket)) return OWNER;
    const granted = grantTo(subjectsOf(principal), question, authority);
    if (granted !== null) return granted;
  }
  if (authority === null) return NOTHING;
  const { policy, acl, restricted, ignorePublicAcls } = authority;
  const byPolicy = policy === null || policy === 'unreadable' ? null : policy.allows(question);
  if (byPolicy !== null && !restricted) return byPolicy;
  if (acl !== null) {
    const byBucket = decideAcl(acl, 'bucket', principal, action, ignorePublicAcls);
    if (byBucket !== null) return byBucket;
    if (isObjectAclAction(action)) {
      if (question.object === undefined) return null;
      const list = question.object?.acl ?? null;
      const byObject = list === null ? null : decideAcl(JSON.parse(list) as Acl, 'object', principal, action, ignorePublicAcls);
      if (byObject !== null) return byObject;
    }
  }
  return byPolicy === null ? NOTHING : RESTRICTED;
}

/** Whether the principal may do anything in the bucket. `personally`: not counting what everybody may. */
export function reaches(who: Who, bucket: Bucket, authority: Authority | null, personally: boolean): boolean {
  const { principal } = who;
  if (isOutside(who)) return false;
  if (principal !== null && (principal.role === 'admin' || isOwner(principal, bucket))) return true;
  if (authority === null) return false;
  const { grants, policy, acl, ignorePublicAcls, restricted } = authority;
  if (principal !== null && subjectsOf(principal).some((subject) => grants.has(subjectKey(subject)))) return true;
  if (policy !== null && policy !== 'unreadable' && !restricted && policy.reaches(principal, personally)) return true;
  if (acl === null) return false;
  // Some object's own list may name anybody.
  if (!personally && (principal !== null || !ignorePublicAcls)) return true;
  return acl.grants.some(
    ({ grantee }) => (!personally || grantee.kind === 'user') && isGrantee(grantee, principal, ignorePublicAcls),
  );
}

/** Nobody comes in but through S3, where requests without a signature are part of the protocol. */
function isOutside({ principal, protocol }: Who): boolean {
  return principal === null && protocol !== 's3';
}

function decideService(principal: Principal, action: Action): Verdict {
  if (principal.role === 'admin') return ADMIN;
  const everybody = action === 'bucket.list' || action === 'account.read' || action === 'account.write';
  return everybody || (action === 'bucket.create' && principal.role === 'member') ? ACCOUNT : NOTHING;
}

/** Whoever could lock themselves out must be able to come back, as AWS's root user can. */
const POLICY_ACTIONS: ReadonlySet<Action> = new Set(['bucket.policy.read', 'bucket.policy.write', 'bucket.policy.remove']);

function isRoot(principal: Principal | null, bucket: Bucket): boolean {
  return principal !== null && (principal.role === 'admin' || isOwner(principal, bucket));
}

/** A guest owns nothing, also what it owned as a member. */
function isOwner(principal: Principal, bucket: Bucket): boolean {
  return principal.role === 'member' && bucket.owner === principal.id;
}

function subjectsOf({ id, groups = [] }: Principal): Subject[] {
  return [{ kind: 'user', id }, ...groups.map((group): Subject => ({ kind: 'group', id: group }))];
}

/** One on a folder covers the folder itself and what is below, and nothing beside it; that it is there, and where, is for whoever has what holds it. */
function grantTo(subjects: readonly Subject[], { action, key, about }: Question, authority: Authority | null): Verdict | null {
  if (authority === null) return null;
  for (const subject of subjects) {
    const places = authority.grants.get(subjectKey(subject));
    if (places === undefined) continue;
    for (const grant of grantsAbove(places, key)) {
      if (about?.wholeFolder === true && grant.prefix === key && key !== '' && grant.role !== 'owner') continue;
      if (roleHolds(grant.role, action)) return allowed({ kind: 'grant', grant });
    }
  }
  return null;
}

function allowed(rule: Rule): Verdict {
  return { allowed: true, rule };
}
