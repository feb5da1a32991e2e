import type { z } from 'zod';
import { CloudStoreError } from '#core/errors';
import type { Exchange } from './exchange.ts';
import { locateKey } from './place.ts';
import { problemOf, problemType } from './problems.ts';
import { entryJson } from './represent.ts';
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
  const { name, at } = await locateKey(x, item.at.bucket, item.at.key);
  const { history, namespace } = x.deps;
  if (history === undefined) throw new CloudStoreError('not_implemented', 'This gateway does not do that.');
  if (item.versionId !== undefined && at.key.endsWith('/')) {
    throw new CloudStoreError('invalid_argument', 'A folder has no version; leave versionId out.');
  }
  const { key, bucket: id } = at;
  const outcome = await history.restore(x.who, {
    bucket: id,
    what: item.versionId === undefined ? { kind: 'deleted', key } : { kind: 'version', key, version: item.versionId },
    conflict: item.versionId === undefined ? 'fail' : 'replace',
  });
  // What is too large for one step goes on as a task.
  if (outcome.kind === 'task') return { ok: true, status: 202 };
  if (key === '' || key.endsWith('/')) return { ok: true, status: 200 };
  return { ok: true, status: 200, entry: entryJson(name, await namespace.entry(x.who, at)) };
}
