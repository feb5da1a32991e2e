import { GRANT_ROLES, type Grant, type GrantRole } from '#core/grant';

/** What a place and all around it give: dropping files in is no part of any other role, nor the other way round. */
interface Given {
  prefix: string;
  uploader: number;
  other: number;
}

/** Of one place the greatest role; nothing that lies in another place with as much. In their order. Time: n log n, as anybody may grant many. */
export function distinctGrants(grants: readonly Grant[]): Grant[] {
  // Whatever lies in a place comes right behind it; of one place the greatest first, of equals the first.
  const sorted = [...grants].sort(
    (a, b) => a.bucket - b.bucket || compare(a.prefix, b.prefix) || rankOf(b.role) - rankOf(a.role),
  );
  const kept = new Set<Grant>();
  let around: Given[] = [];
  let bucket: number | null = null;
  for (const grant of sorted) {
    if (grant.bucket !== bucket) around = [];
    bucket = grant.bucket;
    while (around.length > 0 && !grant.prefix.startsWith(around.at(-1)?.prefix ?? '')) around.pop();
    const given = around.at(-1) ?? { prefix: '', uploader: -1, other: -1 };
    const kind = grant.role === 'uploader' ? 'uploader' : 'other';
    const rank = rankOf(grant.role);
    if (given[kind] >= rank) continue;
    kept.add(grant);
    around.push({ ...given, prefix: grant.prefix, [kind]: rank });
  }
  return grants.filter((grant) => kept.has(grant));
}

function rankOf(role: GrantRole): number {
  return GRANT_ROLES.indexOf(role);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
