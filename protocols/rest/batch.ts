import type { z } from 'zod';
import { CloudStoreError } from '#core/errors';
import type { Exchange } from './exchange.ts';
import { locateKey } from './place.ts';
import { problemOf, problemType } from './problems.ts';
import type * as schema from './schemas/batch.ts';
import { transfer } from './transfer.ts';

type Item = z.output<typeof schema.BatchItem>;
type Verdict = z.infer<typeof schema.BatchVerdict>;

/** Removals of one run of the list that go on at once: they share commits, and none waits for another. */
const REMOVALS_AT_ONCE = 16;

/** Carries out each item by itself, in order; one that fails stops no other. After the client is gone nothing new is begun. */
export async function runBatch(x: Exchange, items: readonly Item[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (let at = 0; at < items.length; ) {
    if (x.cx.signal.aborted) throw new CloudStoreError('aborted', 'The client went away.');
    const group = removalsFrom(items, at);
    verdicts.push(...(await Promise.all(group.map((item) => judged(x, item)))));
    at += group.length;
  }
  return verdicts;
}

function removalsFrom(items: readonly Item[], at: number): readonly Item[] {
  let end = at;
  while (end < items.length && end - at < REMOVALS_AT_ONCE && isLoneRemoval(items[end]!)) end++;
  return items.slice(at, Math.max(end, at + 1));
}

/** A folder's removal may hold what its neighbours in the list name. */
function isLoneRemoval(item: Item): boolean {
  return item.op === 'delete' && !item.at.key.endsWith('/');
}

async function judged(x: Exchange, item: Item): Promise<Verdict> {
  try {
    return await carryOut(x, item);
  } catch (error) {
    const { status, title, code, detail, details } = problemOf(error);
    if (status === 500) x.cx.log.error({ err: error }, 'rest: an item of a batch failed');
    const problem = { type: problemType(code), title, status, code, requestId: x.cx.requestId, ...details };
    return { ok: false, status, problem: detail === undefined ? problem : { ...problem, detail } };
  }
}

async function carryOut(x: Exchange, item: Item): Promise<Verdict> {
  switch (item.op) {
    case 'move':
    case 'copy': {
      const { op, ...body } = item;
      const { created, count, entry } = await transfer(x, body, op);
      return { ok: true, status: created ? 201 : 200, count, entry };
    }
    case 'delete': {
      const { at, folder } = await locateKey(x, item.at.bucket, item.at.key);
      if (at.key === '') throw new CloudStoreError('invalid_key', 'A bucket is removed at /buckets.');
      const conditions = item.ifMatch === undefined ? {} : { conditions: { ifMatch: [item.ifMatch] } };
      await x.deps.namespace.remove(x.who, at, {
        mustExist: true,
        keepParent: true,
        ...conditions,
        ...(folder ? { tree: true } : {}),
      });
      return { ok: true, status: 204 };
    }
    case 'restore':
      return restore(x, item);
  }
}

async function restore(x: Exchange, item: Extract<Item, { op: 'restore' }>): Promise<Verdict> {
  await locateKey(x, item.at.bucket, item.at.key);
  throw new CloudStoreError('not_implemented', 'Restoring is not part of a batch yet.');
}
