import type { z } from 'zod';
import type { CredentialRecord } from '#contracts/credential-store';
import type { GroupRecord } from '#contracts/group-store';
import type { PrincipalRecord, SessionRecord } from '#contracts/principal-store';
import type { Passkey } from '#contracts/second-factors';
import type { Scope } from '#core/credential';
import type { Who } from '#core/principal';
import type { Exchange } from './exchange.ts';
import { isoTime } from './represent.ts';
import type * as schema from './schemas/identity.ts';

type ScopeJson = z.infer<typeof schema.Scope>;

export function userJson({
  id,
  name,
  role,
  disabled,
  secondFactor,
  quotaBytes,
  quotaObjects = null,
  created,
}: PrincipalRecord): z.infer<typeof schema.User> {
  return { id, name, role, disabled, secondFactor, quotaBytes, quotaObjects, created: isoTime(created) };
}

export function sessionJson(
  { id, label, created, expires, lastUsed, lastUsedFrom, credential }: SessionRecord,
  { principal }: Who,
): z.infer<typeof schema.Session> {
  return {
    id,
    label,
    created: isoTime(created),
    expires: isoTime(expires),
    lastUsed: isoTime(lastUsed),
    lastUsedFrom,
    credential,
    current: principal?.credential?.session === id,
  };
}

export function passkeyJson({ id, name, created, lastUsed }: Passkey): z.infer<typeof schema.Passkey> {
  return { id, name, created: isoTime(created), lastUsed: lastUsed === null ? null : isoTime(lastUsed) };
}

export function groupJson({ name, members, created }: GroupRecord): z.infer<typeof schema.Group> {
  return { name, members: [...members], created: isoTime(created) };
}

/** A bucket that its owner cannot see any more has no name for it: it is told by its number. */
export function credentialJson(
  record: CredentialRecord,
  bucketNames: ReadonlyMap<number, string>,
): z.infer<typeof schema.Credential> {
  const { id, kind, name, scope, networks, created, expires, lastUsed, lastUsedFrom } = record;
  const reduced: ScopeJson = {};
  if (scope?.actions) reduced.actions = [...scope.actions] as NonNullable<ScopeJson['actions']>; // checked when it was made
  if (scope?.places) {
    reduced.places = scope.places.map(({ bucket, prefix }) => ({ bucket: bucketNames.get(bucket) ?? `#${bucket}`, prefix }));
  }
  if (networks !== null) reduced.networks = [...networks];
  return {
    id,
    kind: kind as z.infer<typeof schema.Credential>['kind'], // temporary ones are not listed
    name,
    scope: Object.keys(reduced).length === 0 ? null : reduced,
    created: isoTime(created),
    expires: expires === null ? null : isoTime(expires),
    lastUsed: lastUsed === null ? null : isoTime(lastUsed),
    lastUsedFrom,
  };
}

/** The names of buckets that the caller may see, by number. */
export async function bucketNames({ deps, who }: Exchange): Promise<Map<number, string>> {
  return new Map((await deps.buckets.list(who)).map(({ id, name }) => [id, name]));
}

/** @throws bucket_not_found */
export async function scopeOf({ deps, who }: Exchange, given: ScopeJson | undefined): Promise<Scope | null> {
  if (given?.actions === undefined && given?.places === undefined) return null;
  const places = await Promise.all(
    (given.places ?? []).map(async ({ bucket, prefix = '' }) => ({
      bucket: (await deps.buckets.resolve(who, bucket)).id,
      prefix,
    })),
  );
  return { actions: given.actions ?? null, places: given.places === undefined ? null : places };
}
