import { type Address, compareKeys } from '#core/address';
import type { Session } from '../database.ts';
import { requestText } from '../journal.ts';
import { endOf } from '../rows.ts';
import type { Plan } from './plan.ts';

const APPLY = {
  name: 'commit-apply',
  text: 'SELECT cs_commit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)',
};

/**
 * Carries a plan out in one round trip. @throws a database error with SQLSTATE CS001 (lost: decide again) or CS002 (fenced)
 * @param absent the plan rests on that none of its keys has a slot, and none of these folders is there
 * @returns false: that is not so, and nothing was done
 */
export async function applyPlan(
  session: Session,
  plan: Plan,
  commit: { gateway: number | null; id: Buffer; now: number },
  absent: readonly Address[] | null,
): Promise<boolean> {
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
  const directories = [...plan.directories.values()].sort((a, b) => a.b - b.b || compareKeys(a.k, b.k));
  const journal = plan.journal.map(({ who, cause, ...row }) => ({
    ...row,
    p: who.principal?.id ?? null,
    o: who.protocol,
    r: requestText(who.requestId, cause),
  }));
  const [row] = await session.query<[boolean]>(APPLY, [
    commit.gateway,
    commit.id,
    commit.now,
    JSON.stringify(heads),
    setOf(slots),
    setOf([...plan.versions.values()]),
    setOf([...plan.changed.values()]),
    setOf(directories.filter(({ f }) => f).map(({ b, k, e, z }) => ({ b, k, e, z }))),
    setOf(directories.filter(({ f }) => !f).map(({ b, k, z }) => ({ b, k, z }))),
    setOf(directories.filter(({ e }) => e !== null).map(({ b, k, e }) => ({ b, k, e }))),
    setOf(directories.filter(({ c }) => c).map(({ b, k }) => ({ b, k, u: endOf(k) }))),
    JSON.stringify(journal),
    setOf([...plan.usage].filter(([, { z, o }]) => z !== 0 || o !== 0).map(([p, used]) => ({ p, ...used }))),
    extraOf(plan),
    absent === null ? null : JSON.stringify(absent.map(({ bucket, key }) => ({ b: bucket, k: key }))),
  ]);
  return row?.[0] === true;
}

/** A set without rows is NULL: cs_commit then passes over it. */
function setOf(rows: object[]): string | null {
  return rows.length === 0 ? null : JSON.stringify(rows);
}

/** Only sets with rows are named. */
function extraOf(plan: Plan): string | null {
  const { chunks, leaves, uploads, tagged, lists, holds } = plan;
  const sets = { locks: [...plan.locks], properties: [...plan.properties.values()], emptied: [...plan.emptied].map(String) };
  const named = Object.entries({ chunks, leaves, uploads, tagged, lists, holds, ...sets }).filter(([, rows]) => rows.length > 0);
  return named.length === 0 ? null : JSON.stringify(Object.fromEntries(named));
}
