import { timingSafeEqual } from 'node:crypto';
import type { AuditStore, AuditVerdict } from '#contracts/audit';
import { type AuditChain, linkOf } from './audit.ts';

const PAGE = 2000;

/** Goes through the whole chain, from the record where it begins to the one where it ends. */
export async function verifyAudit(store: AuditStore & AuditChain, signal?: AbortSignal): Promise<AuditVerdict> {
  const key = await store.chainKey();
  // The end first: what comes behind meanwhile is checked by the next one.
  const { head, floor } = await store.ends();
  let { id, hash } = floor;
  let records = 0;
  if (key === null) return { records, broken: null };
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
  return { records, broken: null };
}

function same(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
