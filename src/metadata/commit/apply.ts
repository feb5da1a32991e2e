import { compareKeys } from '#core/address';
import type { Session } from '../database.ts';
import { endOf } from '../rows.ts';
import type { Plan } from './plan.ts';

const APPLY = { name: 'commit-apply', text: 'SELECT cs_apply($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)' };

/** Carries a plan out in one round trip. @throws a database error with SQLSTATE CS001 (lost: decide again) or CS002 (fenced) */
export async function applyPlan(
  session: Session,
  plan: Plan,
  commit: { gateway: number | null; id: Buffer; now: number },
): Promise<void> {
  const heads = [...plan.heads].sort(([a], [b]) => a - b).map(([b, change]) => ({ b, ...change }));
  const slots = [...plan.slots.values()]
    .sort((a, b) => a.bucket - b.bucket || compareKeys(a.key, b.key))
    .map(({ bucket, key, state }) => ({
      i: state.id,
      b: bucket,
      k: key,
      l: state.live,
      v: state.versionId,
      s: state.visibility,
      d: state.deleteMarker,
      n: state.nodeId,
      z: state.size,
      e: state.etag,
      m: state.modified,
      t: state.mtime,
      c: state.created,
      a: state.attributes,
      p: state.properties,
    }));
  const directories = [...plan.directories.values()]
    .sort((a, b) => a.b - b.b || compareKeys(a.k, b.k))
    .map((change) => (change.c ? { ...change, u: endOf(change.k) } : change));
  const journal = plan.journal.map(({ who, ...row }) => ({
    ...row,
    p: who.principal?.id ?? null,
    o: who.protocol,
    r: who.requestId,
  }));
  await session.query(APPLY, [
    commit.gateway,
    commit.id,
    commit.now,
    JSON.stringify(heads),
    JSON.stringify(slots),
    JSON.stringify([...plan.versions.values()]),
    JSON.stringify([...plan.changed.values()]),
    JSON.stringify(directories),
    JSON.stringify(journal),
    extraOf(plan),
  ]);
}

function extraOf(plan: Plan): string | null {
  const usage = [...plan.usage].filter(([, bytes]) => bytes !== 0).map(([p, z]) => ({ p, z }));
  const { chunks, leaves, uploads } = plan;
  const sets = { locks: [...plan.locks], properties: [...plan.properties.values()], emptied: [...plan.emptied].map(String) };
  const extra = { usage, chunks, leaves, uploads, ...sets };
  return Object.values(extra).every((rows) => rows.length === 0) ? null : JSON.stringify(extra);
}
