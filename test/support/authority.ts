import { createAuthorizer } from '#auth/authorizer';
import { compileBucketPolicy, type ResolvedNames } from '#auth/policy-statements';
import type { AuthorityStore, ObjectAuthority } from '#contracts/authority-store';
import type { Authorizer, Verdict } from '#contracts/authorizer';
import type { Action } from '#core/actions';
import type { Bucket } from '#core/bucket';
import type { Grant, GrantRole, Subject } from '#core/grant';
import type { Principal, Protocol, RequestFacts, Role, Who } from '#core/principal';
import { silentSignals } from './authorizer.ts';

/** One bucket, `b`, number 1, of user 7, and the authorizer over what is granted in it. */
export interface TestAuthority {
  bucket: Bucket;
  authorizer: Authorizer;
  grants: Grant[];
  /** By key. */
  objects: Map<string, Partial<ObjectAuthority>>;
  loads(): number;
  /** After a change of grants or config. */
  changed(): void;
  policy(statements: object | object[], names?: ResolvedNames): void;
  verdict(who: Who, action: Action, key?: string, about?: Parameters<Authorizer['decide']>[4]): Promise<Verdict>;
}

export function testAuthority(): TestAuthority {
  const bucket = { id: 1, name: 'b', owner: 7, kind: 'standard', config: {}, authority: 0 } as unknown as Bucket;
  const grants: Grant[] = [];
  const objects = new Map<string, Partial<ObjectAuthority>>();
  let loads = 0;
  const authority = {
    async load() {
      loads++;
      return { revision: bucket.authority, config: bucket.config, grants: [...grants] };
    },
    async object({ key }) {
      const found = objects.get(key);
      return found === undefined ? null : { versionId: '', tags: {}, acl: null, ...found };
    },
  } as Partial<AuthorityStore> as AuthorityStore;
  const authorizer = createAuthorizer({ authority, signals: silentSignals, clock: { now: () => Date.UTC(2026, 0, 2, 3, 4, 5) } });
  const self: TestAuthority = {
    bucket,
    authorizer,
    grants,
    objects,
    loads: () => loads,
    changed: () => void bucket.authority++,
    policy(statements, names = { ann: 8, bob: 9 }) {
      const text = JSON.stringify({ Version: '2012-10-17', Statement: statements });
      compileBucketPolicy(text, 'b', names);
      bucket.config.policy = { text, names };
      bucket.config.publicAccessBlock = { removed: true };
      self.changed();
    },
    verdict: async (who, action, key = '', about) => authorizer.decide(who, action, bucket, key, about),
  };
  return self;
}

export function whoIs(
  principal: (Partial<Principal> & { id: number; role: Role }) | null,
  protocol: Protocol = 's3',
  context: Partial<RequestFacts> & { headers?: Record<string, string> } = {},
): Who {
  const { headers = {}, remoteAddress = '192.0.2.7', secure = true } = context;
  return {
    principal: principal === null ? null : { name: `u${principal.id}`, ...principal },
    protocol,
    requestId: 'R',
    context: { remoteAddress, secure, header: (name) => headers[name] },
  };
}

export function grantOf(subject: Subject, role: GrantRole, prefix = ''): Grant {
  return { subject, bucket: 1, prefix, role };
}
