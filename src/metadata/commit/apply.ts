import { compareKeys } from '#core/address';
import { chunkRow } from '../chunk-index.ts';
import type { Session } from '../database.ts';
import type { RowWriter } from '../row-set.ts';
import { endOf } from '../rows.ts';
import type { Guess } from './memory.ts';
import type { Plan } from './plan.ts';
import * as sets from './sets.ts';

const APPLY = {
  name: 'commit-apply',
  text: 'SELECT cs_commit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)',
};
const APPLY_CHUNKS = {
  name: 'commit-apply-chunks',
  text: 'SELECT cs_commit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)',
};

/**
 * Carries a plan out in one round trip. @throws a database error with SQLSTATE CS001 (lost: decide again) or CS002 (fenced)
 * @param rows of one committer, which carries out one plan at a time
 * @param guess null: it was read what the plan rests on
 * @returns how many folders have gone; null: the guess was wrong, and nothing was done
 */
export async function applyPlan(
  session: Session,
  plan: Plan,
  commit: { gateway: number | null; id: Buffer; now: number; told: boolean },
  rows: RowWriter,
  guess: Pick<Guess, 'absent' | 'occupied'> | null,
): Promise<number | null> {
  rows.reset();
  const heads = [...plan.heads].sort(([a], [b]) => a - b);
  const slots = [...plan.slots.values()].sort((a, b) => a.bucket - b.bucket || compareKeys(a.key, b.key));
  const directories = [...plan.directories.values()].sort((a, b) => a.b - b.b || compareKeys(a.k, b.k));
  const changed = [...plan.changed.values()];
  // A leaf is held against its chunks as it comes, so they go before it, in `extra`.
  const chunks = plan.leaves.length === 0 ? rows.set(sets.chunk, plan.chunks) : null;
  const [row] = await session.query<[number]>(chunks === null ? APPLY : APPLY_CHUNKS, [
    commit.gateway,
    commit.id,
    commit.now,
    commit.told,
    rows.set(sets.head, heads),
    rows.set(
      sets.slot,
      slots.filter(({ before }) => before === null),
    ),
    rows.set(
      sets.slot,
      slots.filter(({ before }) => before !== null),
    ),
    rows.set(sets.version, [...plan.versions.values()]),
    rows.set(
      sets.changedVersion,
      changed.filter(({ d, k }) => d !== true && k !== true),
    ),
    setOf(changed.filter(({ k }) => k === true)),
    setOf(changed.filter(({ d }) => d === true)),
    setOf(directories.filter(({ f }) => f).map(({ b, k, e, z }) => ({ b, k, e, z }))),
    rows.set(
      sets.folder,
      directories.filter(({ f }) => !f),
    ),
    setOf(directories.filter(({ e }) => e !== null).map(({ b, k, e }) => ({ b, k, e }))),
    setOf(directories.filter(({ c }) => c).map(({ b, k }) => ({ b, k, u: endOf(k) }))),
    rows.set(sets.journal, plan.journal),
    rows.set(
      sets.used,
      [...plan.usage].filter(([, { z, o }]) => z !== 0 || o !== 0),
    ),
    extraOf(plan),
    guess === null ? null : guessOf(guess),
    ...(chunks === null ? [] : [chunks]),
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
  const { leaves, uploads, tagged, lists, holds } = plan;
  const chunks = leaves.length === 0 ? [] : plan.chunks.map(({ domain, record }) => chunkRow(domain, record));
  const sets = { locks: [...plan.locks], properties: [...plan.properties.values()], emptied: [...plan.emptied].map(String) };
  const named = Object.entries({ chunks, leaves, uploads, tagged, lists, holds, ...sets }).filter(([, rows]) => rows.length > 0);
  return named.length === 0 ? null : JSON.stringify(Object.fromEntries(named));
}
