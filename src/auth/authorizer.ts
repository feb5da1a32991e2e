import type { AuthorityStore } from '#contracts/authority-store';
import type { ActionFacts, Authorizer, Verdict } from '#contracts/authorizer';
import type { Signals } from '#contracts/signals';
import type { Action } from '#core/actions';
import type { BucketId, ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Clock } from '#core/clock';
import type { Credential } from '#core/credential';
import { CloudStoreError } from '#core/errors';
import type { Principal, Who } from '#core/principal';
import { createAuthorityCache } from './authority-cache.ts';
import { decide, reaches } from './policy.ts';
import type { Authority } from './policy-authority.ts';
import type { Question } from './policy-question.ts';
import { createScopes } from './policy-scope.ts';

export interface AuthorizerOptions {
  authority: AuthorityStore;
  signals: Signals;
  /** What policies compare with. */
  clock: Clock;
}

/** The one place that says yes: the evaluation over what the bucket's revision says was granted. Without waiting where nothing has to be asked. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const { authority: store, signals, clock } = options;
  const scopes = createScopes();
  const authorities = createAuthorityCache(store);
  const listeners = new Set<(bucket: BucketId | null) => void>();
  signals.subscribe('buckets', (payload) => {
    const bucket = payload === null ? null : Number(payload);
    for (const listener of listeners) listener(bucket);
  });

  function verdict(
    who: Who,
    action: Action,
    bucket: Bucket | null,
    key: ObjectKey,
    about?: ActionFacts,
  ): Verdict | Promise<Verdict> {
    const question: Question = { who, action, bucket, key, about, nowMs: 0 };
    const credential = who.principal?.credential;
    if (bucket === null || bucket.authority === 0) {
      const decided = decide(question, null) as Verdict;
      return credential === undefined || !decided.allowed ? decided : scoped(decided, credential, timed(question));
    }
    const known = authorities.peek(bucket);
    return known === undefined ? authorities.get(bucket).then((found) => asked(question, found)) : asked(question, known);
  }

  function asked(question: Question, authority: Authority | null): Verdict | Promise<Verdict> {
    const { who, bucket, key, about } = question;
    const decided = decide(timed(question), authority);
    if (decided === null && bucket !== null) {
      return store.object({ bucket: bucket.id, key }, about?.version).then((object) => asked({ ...question, object }, authority));
    }
    if (decided === null) throw new CloudStoreError('internal', 'A decision about no bucket waits for an object.');
    const credential = who.principal?.credential;
    return credential === undefined || !decided.allowed ? decided : scoped(decided, credential, question);
  }

  /** What the credential leaves of it. */
  function scoped(decided: Verdict, credential: Credential, question: Question): Verdict | Promise<Verdict> {
    const refused = scopes.refusal(credential, question);
    if (refused !== 'object') return refused ?? decided;
    const { bucket, key, about } = question;
    if (bucket === null) throw new CloudStoreError('internal', 'A decision about no bucket waits for an object.');
    return store
      .object({ bucket: bucket.id, key }, about?.version)
      .then((object) => scoped(decided, credential, { ...question, object }));
  }

  function timed(question: Question): Question {
    question.nowMs = clock.now();
    return question;
  }

  function reached(who: Who, bucket: Bucket, personally: boolean): boolean | Promise<boolean> {
    const credential = who.principal?.credential;
    if (credential !== undefined && !scopes.reaches(credential, bucket)) return false;
    if (bucket.authority === 0) return reaches(who, bucket, null, personally);
    const known = authorities.peek(bucket);
    return known === undefined
      ? authorities.get(bucket).then((found) => reaches(who, bucket, found, personally))
      : reaches(who, bucket, known, personally);
  }

  return {
    decide: (who, action, bucket, key = '', about) => verdict(who, action, bucket, key, about),
    require(who, action, bucket, key = '', about) {
      const found = verdict(who, action, bucket, key, about);
      if (found instanceof Promise) return found.then((late) => assertAllowed(late, who.principal));
      assertAllowed(found, who.principal);
      return undefined;
    },
    visible: (who, bucket) => reached(who, bucket, false),
    listed: (who, bucket) => reached(who, bucket, true),
    onChange(listener) {
      const own = (bucket: BucketId | null): void => listener(bucket);
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}

function assertAllowed({ allowed }: Verdict, principal: Principal | null): void {
  if (allowed) return;
  if (principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
  throw new CloudStoreError('access_denied', 'You may not do this here.');
}
