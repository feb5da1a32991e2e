import { timingSafeEqual } from 'node:crypto';
import type { AuditStore, AuditVerdict } from '#contracts/audit';
import { type AuditChain, linkOf } from './audit.ts';

const PAGE = 2000;

/** Goes through the whole chain, from the record where it begins to the one where it ends. */
export async function verifyAudit(store: AuditStore & AuditChain, signal?: AbortSignal): Promise<AuditVerdict> {
  // The end first: what comes behind meanwhile is checked by the next one.
  const chain = await store.chain();
  let records = 0;
  if (chain === null) {
    const [first] = await store.from(0, 1);
    return {
      records,
      broken: first === undefined ? null : { id: first.id, why: 'what the chain begins and ends with is missing' },
    };
  }
  const { key, floor, head } = chain;
  let { id, hash } = floor;
  while (id < head.id) {
    signal?.throwIfAborted();
    const page = await store.from(id, PAGE);
    if (page.length === 0) return { records, broken: { id: id + 1, why: 'it is missing, and so are all after it' } };
    for (const record of page) {
      if (record.id > head.id) break;
      if (record.id !== id + 1) return { records, broken: { id: id + 1, why: 'it is missing' } };
      hash = linkOf(key, hash, record.id, record);
      if (!same(hash, record.hash)) return { records, broken: { id: record.id, why: 'it is not what was recorded' } };
      id = record.id;
      records++;
    }
  }
  if (!same(hash, head.hash)) return { records, broken: { id, why: 'the chain ends in another record than it should' } };
  if (!head.whole) return { records, broken: { id: head.id + 1, why: 'the last records were removed' } };
  if (!floor.whole) return { records, broken: { id: floor.id + 1, why: 'records before it were removed, and not by age' } };
  return { records, broken: null };
}

function same(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
