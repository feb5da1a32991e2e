import { compareKeys } from '#core/address';
import type { Session } from '../database.ts';
import { requestText } from '../journal.ts';
import { endOf } from '../rows.ts';
import type { Guess } from './memory.ts';
import type { Plan } from './plan.ts';

const APPLY = {
  name: 'commit-apply',
  text: 'SELECT cs_commit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)',
};

/**
 * Carries a plan out in one round trip. @throws a database error with SQLSTATE CS001 (lost: decide again) or CS002 (fenced)
 * @param guess null: it was read what the plan rests on
 * @returns how many folders have gone; null: the guess was wrong, and nothing was done
 */
export async function applyPlan(
  session: Session,
  plan: Plan,
  commit: { gateway: number | null; id: Buffer; now: number },
  guess: Pick<Guess, 'absent' | 'occupied'> | null,
): Promise<number | null> {
  const heads = [...plan.heads].sort(([a], [b]) => a - b).map(([b, change]) => ({ b, ...change }));
  const slots = [...plan.slots.values()]
    .sort((a, b) => a.bucket - b.bucket || compareKeys(a.key, b.key))
    .map(({ bucket, key, state, before }) => ({
      there: before !== null,
      w: before?.versionId ?? null,
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
  const changed = [...plan.changed.values()];
  const [row] = await session.query<[number]>(APPLY, [
    commit.gateway,
    commit.id,
    commit.now,
    JSON.stringify(heads),
    setOf(slots.filter(({ there }) => !there)),
    setOf(slots.filter(({ there }) => there)),
    setOf([...plan.versions.values()]),
    setOf(changed.filter(({ d, k }) => d !== true && k !== true)),
    setOf(changed.filter(({ k }) => k === true)),
    setOf(changed.filter(({ d }) => d === true)),
    setOf(directories.filter(({ f }) => f).map(({ b, k, e, z }) => ({ b, k, e, z }))),
    setOf(directories.filter(({ f }) => !f).map(({ b, k, z }) => ({ b, k, z }))),
    setOf(directories.filter(({ e }) => e !== null).map(({ b, k, e }) => ({ b, k, e }))),
    setOf(directories.filter(({ c }) => c).map(({ b, k }) => ({ b, k, u: endOf(k) }))),
    JSON.stringify(journal),
    setOf([...plan.usage].filter(([, { z, o }]) => z !== 0 || o !== 0).map(([p, used]) => ({ p, ...used }))),
    extraOf(plan),
    guess === null ? null : guessOf(guess),
  ]);
  const gone = row?.[0] ?? -1;
  return gone < 0 ? null : gone;
}

/** A set without rows is NULL: cs_commit then passes over it. */
function setOf(rows: object[]): string | null {
  return rows.length === 0 ? null : JSON.stringify(rows);
}

function guessOf({ absent, occupied }: Pick<Guess, 'absent' | 'occupied'>): string {
  const at = absent.map(({ bucket, key }) => ({ b: bucket, k: key }));
  const within = occupied.map(({ bucket, key }) => ({ b: bucket, k: key, u: endOf(key) }));
  return JSON.stringify({ ...(at.length > 0 && { absent: at }), ...(within.length > 0 && { occupied: within }) });
}

/** Only sets with rows are named. */
function extraOf(plan: Plan): string | null {
  const { chunks, leaves, uploads, tagged, lists, holds } = plan;
  const sets = { locks: [...plan.locks], properties: [...plan.properties.values()], emptied: [...plan.emptied].map(String) };
  const named = Object.entries({ chunks, leaves, uploads, tagged, lists, holds, ...sets }).filter(([, rows]) => rows.length > 0);
  return named.length === 0 ? null : JSON.stringify(Object.fromEntries(named));
}
