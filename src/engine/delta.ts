import type { ChunkRecord, LeafRecord, Staged } from '#contracts/content';
import { type ChunkSecrets, DELTA_CHUNK_BYTES_MAX, type Delta, type DeltaUpload } from '#contracts/delta';
import type { DomainKeys } from '#contracts/keyring';
import type { ChunkRef, LeafRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import { NORMAL } from './chunker.ts';
import type { WriteDeps } from './content-write.ts';
import { sealInline } from './inline.ts';
import { createLeafCutter } from './manifest.ts';

const TTL_MS = 15 * 60_000;
/** Ids in one look-up. */
const IDS_AT_ONCE = 512;
/** After so many, new chunks and leaves are recorded ahead of the commit, so that what we keep does not grow with the file. */
const RECORD_CHUNKS = 1024;
const RECORD_LEAVES = 256;
const MISSING_MAX = 1000;

/** The engine's side of delta uploads; the contract is Delta. */
export function createDelta(deps: WriteDeps): Delta {
  return {
    async secrets(id): Promise<ChunkSecrets> {
      const { chunkIdKey, gearTable } = await deps.keyring.load(id);
      return { chunkIdKey, gearTable, cutting: { ...NORMAL } };
    },
    begin: async (id, ttlMs = TTL_MS) => beginUpload(deps, await deps.keyring.load(id), ttlMs),
  };
}

async function beginUpload(deps: WriteDeps, domain: DomainKeys, ttlMs: number): Promise<DeltaUpload> {
  const { chunks, log } = deps;
  const lease = await chunks.lease();
  /** Stored by this upload since it last recorded, by id. */
  const fresh = new Map<string, ChunkRecord>();
  let recording: Promise<void> = Promise.resolve();
  let state: 'open' | 'ended' | 'expired' = 'open';
  /** Calls under way: it does not expire in the middle of one. */
  let busy = 0;
  let timer = expireLater();

  function expireLater(): NodeJS.Timeout {
    return setTimeout(() => {
      if (busy > 0) timer = expireLater();
      else finish('expired');
    }, ttlMs).unref();
  }

  function finish(as: 'ended' | 'expired'): void {
    if (state !== 'open') return;
    state = as;
    clearTimeout(timer);
    lease.end();
  }

  async function alive<T>(work: () => Promise<T>): Promise<T> {
    if (state !== 'open') throw new CloudStoreError('expired', 'The upload has ended; begin another one.');
    busy++;
    try {
      return await work();
    } finally {
      busy--;
      clearTimeout(timer);
      if (state === 'open') timer = expireLater();
    }
  }

  const keyOf = (id: Buffer): string => id.toString('latin1');

  /** The sizes of chunks that are there, pinned by the lease. */
  async function sizes(ids: Buffer[]): Promise<(number | null)[]> {
    const out: (number | null)[] = [];
    for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
      const some = ids.slice(at, at + IDS_AT_ONCE);
      const known = await chunks.claimSizes(domain.id, some);
      out.push(...known.map((size, index) => size ?? fresh.get(keyOf(some[index]!))?.size ?? null));
    }
    return out;
  }

  /** Durable first, as before any commit. */
  async function record(leaves: LeafRecord[]): Promise<void> {
    const records = [...fresh.values()];
    await log.sync(records);
    await chunks.record(domain.id, records, leaves);
    for (const { id } of records) fresh.delete(keyOf(id));
  }

  async function put(id: Buffer, bytes: Uint8Array): Promise<void> {
    const size = bytes.length;
    if (size === 0) throw new CloudStoreError('invalid_argument', 'A chunk has at least one byte.');
    if (size > DELTA_CHUNK_BYTES_MAX) {
      throw new CloudStoreError('too_large', `A chunk has at most ${DELTA_CHUNK_BYTES_MAX} bytes.`, { details: { size } });
    }
    const hasher = deps.hashes.keyed(domain.chunkIdKey);
    hasher.update(bytes);
    if (!hasher.digest().equals(id)) {
      throw new CloudStoreError('checksum_mismatch', 'The chunk does not have the id that it was sent under.', {
        details: { id: id.toString('hex') },
      });
    }
    const [known] = await sizes([id]);
    if (known !== null) return;
    const stored = await deps.storeChunk(domain, { id, size, pieces: [bytes] }, { durable: false, done() {} });
    fresh.set(keyOf(id), stored);
    if (fresh.size < RECORD_CHUNKS) return;
    recording = recording.then(() => (fresh.size < RECORD_CHUNKS ? undefined : record([])));
    await recording;
  }

  async function commit(named: Iterable<ChunkRef> | AsyncIterable<ChunkRef>): Promise<Staged> {
    await recording;
    const cutter = createLeafCutter(deps.hashes, domain.chunkIdKey);
    const leaves: LeafRef[] = [];
    let leafRecords: LeafRecord[] = [];
    const missing: string[] = [];
    let first: ChunkRef | null = null;
    let count = 0;
    let size = 0;
    const take = async (end: boolean): Promise<void> => {
      for (const leaf of cutter.take(end)) {
        leaves.push({ id: leaf.id, size: leaf.size });
        leafRecords.push(leaf);
      }
      if (end || leafRecords.length < RECORD_LEAVES || missing.length > 0) return;
      await record(leafRecords);
      leafRecords = [];
    };
    const check = async (batch: ChunkRef[]): Promise<void> => {
      const found = await sizes(batch.map(({ id }) => id));
      for (const [index, chunk] of batch.entries()) {
        const known = found[index]!;
        if (known === null) {
          if (missing.length < MISSING_MAX) missing.push(chunk.id.toString('hex'));
          continue;
        }
        if (known !== chunk.size) throw otherSize(chunk, known);
        first ??= chunk;
        count++;
        size += chunk.size;
        if (missing.length === 0) cutter.add(chunk);
      }
      await take(false);
    };
    let batch: ChunkRef[] = [];
    for await (const { id, size: bytes } of named) {
      if (id.length !== 32) throw new CloudStoreError('invalid_argument', 'The id of a chunk has 32 bytes.');
      batch.push({ id: Buffer.from(id), size: bytes });
      if (batch.length < IDS_AT_ONCE) continue;
      await check(batch);
      batch = [];
    }
    if (batch.length > 0) await check(batch);
    if (missing.length > 0) {
      throw new CloudStoreError('conflict', 'The content names chunks that are not there.', {
        details: { missing: [...new Set(missing)] },
      });
    }
    const records = [...fresh.values()];
    await log.sync(records);
    const staged = { size, digests: {}, contentHash: null, chunks: records, release: () => finish('ended') };
    if (first === null)
      return { ...staged, content: sealInline(deps.recordKeys, domain, Buffer.alloc(0), deps.cipher), leaves: [] };
    if (count === 1)
      return { ...staged, content: { kind: 'chunk', domain: domain.id, size, id: (first as ChunkRef).id }, leaves: [] };
    await take(true);
    return { ...staged, content: { kind: 'manifest', domain: domain.id, size, leaves }, leaves: leafRecords };
  }

  return {
    have: (ids) => alive(async () => (await sizes(ids)).map((size) => size !== null)),
    put: (id, bytes) => alive(() => put(id, bytes)),
    commit: (named) => alive(() => commit(named)),
    end: () => finish('ended'),
  };
}

function otherSize({ id, size }: ChunkRef, known: number): CloudStoreError {
  return new CloudStoreError('invalid_argument', `A chunk of ${known} bytes is named with ${size}.`, {
    details: { id: id.toString('hex'), size: known },
  });
}
