import { setImmediate } from 'node:timers/promises';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { ChunkPlace, ChunkRecord, LeafRecord } from '#contracts/content';
import type { DomainKeys } from '#contracts/keyring';
import type { Log } from '#contracts/log';
import type { ChunkRef, LeafRef } from '#core/content-ref';
import type { DigestName, Digests } from '#core/digest';
import { CloudStoreError } from '#core/errors';
import type { Arena } from './arena.ts';
import { type CutChunk, createChunker } from './chunker.ts';
import type { Claim } from './claims.ts';
import { type DigestMaker, type SlotPart, viewOf } from './digests.ts';
import type { Hashes } from './hashes.ts';
import { createLeafCutter } from './manifest.ts';
import type { Slots } from './slots.ts';
import type { StoreChunk } from './stored-chunks.ts';

export interface UploadDeps {
  arena: Arena;
  slots: Slots;
  hashes: Hashes;
  digestMaker: DigestMaker;
  claim: Claim;
  storeChunk: StoreChunk;
  chunks: ChunkIndex;
  log: Log;
}

/** One big body on its way: gathered and cut, hashed, claimed, and what is new sealed and appended, all overlapping. */
export interface BodyUpload {
  /** null: done; else it waits, as too much is under way. @throws what storing the bytes before threw */
  add(bytes: Uint8Array): Promise<void> | null;
  /** Everything durable. */
  end(): Promise<UploadedBody>;
  /** Lets go of everything; who waits in `add` goes on. */
  abort(): void;
}

export interface UploadedBody {
  /** The only chunk there is, else null. */
  only: ChunkRef | null;
  leaves: LeafRef[];
  records: ChunkRecord[];
  leafRecords: LeafRecord[];
  contentHash: Buffer | null;
  digests: Digests;
}

/** Of one body, behind the chunker. With the chunk that is being gathered, 6 MiB at most. */
const SLOTS_UNDER_WAY_MAX = 16;
const CLAIM_CHUNKS_MAX = 64;
/** Of a chunk of a body that has failed: it is let go of. */
const NO_ID = Buffer.alloc(0);
/** After so many new chunks they are recorded ahead of the commit, so that what we keep of a body does not grow with it. */
const RECORD_CHUNKS = 1024;

interface Pending extends ChunkRef {
  parts: SlotPart[];
}

type Cut = Omit<Pending, 'id'> & { id: Buffer | null };

/**
 * @param size of the body in bytes; undefined: nobody knows yet
 * @param whole whether the hash of the whole body is asked for
 */
export function createBodyUpload(
  deps: UploadDeps,
  domain: DomainKeys,
  names: readonly DigestName[],
  size: number | undefined,
  whole: boolean,
): BodyUpload {
  const { arena, slots, hashes, claim, storeChunk, chunks, log } = deps;
  const digests = deps.digestMaker.ofBody(names, size, whole, domain.chunkIdKey);
  const cutter = createLeafCutter(hashes, domain.chunkIdKey);
  const chunker = createChunker({ arena, slots, gear: domain.gearTable, gathered: digests.update, emit });
  const leaves: LeafRef[] = [];
  let leafRecords: LeafRecord[] = [];
  let records: ChunkRecord[] = [];
  /** What this body stored or claimed since the last time it recorded. */
  const mine = new Set<string>();
  /** In the order of the body: cut, and some of their ids are being made. */
  const cut: Cut[] = [];
  let identified: Promise<void> | null = null;
  const pending: Pending[] = [];
  const storing = new Set<Promise<void>>();
  let claiming: Promise<void> | null = null;
  let count = 0;
  let first: ChunkRef | null = null;
  let underWay = 0;
  let ended = false;
  let aborted = false;
  let failed: { error: unknown } | null = null;
  let wake: (() => void) | null = null;

  function emit({ parts, size }: CutChunk): void {
    count++;
    underWay += parts.length;
    const later = digests.chunkId(parts);
    const chunk: Cut = { parts, size, id: later === null ? idOf(parts) : null };
    cut.push(chunk);
    const settled = (id: Buffer): void => {
      chunk.id = id;
      takeIdentified();
    };
    if (later === null) takeIdentified();
    else
      identified = later.then(settled, (error: unknown) => {
        fail(error);
        settled(NO_ID);
      });
  }

  function idOf(parts: SlotPart[]): Buffer {
    const hasher = hashes.keyed(domain.chunkIdKey);
    for (const part of parts) hasher.update(viewOf(arena, part));
    return hasher.digest();
  }

  function takeIdentified(): void {
    for (let id = cut[0]?.id ?? null; id !== null; id = cut[0]?.id ?? null) {
      const { parts, size } = cut.shift()!;
      first ??= { id, size };
      pending.push({ id, size, parts });
    }
    if (pending.length > 0) claiming ??= run();
  }

  async function run(): Promise<void> {
    // What one piece of the body, or its end, cuts into several chunks is claimed together.
    await Promise.resolve();
    try {
      while (pending.length > 0 && failed === null) {
        await storeBatch(pending.splice(0, CLAIM_CHUNKS_MAX));
        if (records.length >= RECORD_CHUNKS) await recordAhead();
      }
    } catch (error) {
      fail(error);
    }
    if (failed !== null) for (const chunk of pending.splice(0)) letGo(chunk);
    claiming = null;
  }

  async function storeBatch(batch: Pending[]): Promise<void> {
    for (const chunk of batch) cutter.add(chunk);
    const unknown = batch.filter((chunk) => !known(chunk));
    if (ended) return storeLast(unknown);
    let places: (ChunkPlace | null)[];
    try {
      places =
        unknown.length === 0
          ? []
          : await claim(
              domain.id,
              unknown.map(({ id }) => id),
            );
    } catch (error) {
      for (const chunk of unknown) letGo(chunk);
      throw error;
    }
    for (const [index, chunk] of unknown.entries()) {
      if (places[index] !== null || failed !== null) letGo(chunk);
      else begin(store(chunk));
    }
  }

  /** Nothing comes any more, and this thread has the time: it seals while the database looks for the chunks. */
  async function storeLast(batch: Pending[]): Promise<void> {
    if (batch.length === 0) return;
    const claimed = claim(
      domain.id,
      batch.map(({ id }) => id),
    );
    claimed.catch(() => {}); // each chunk hears of it
    // The question goes out before this thread is busy.
    await setImmediate();
    for (const [index, chunk] of batch.entries()) {
      if (failed !== null) letGo(chunk);
      else
        begin(
          store(
            chunk,
            claimed.then((places) => places[index] ?? null),
          ),
        );
    }
  }

  function begin(stored: Promise<void>): void {
    storing.add(stored);
    void stored.then(() => storing.delete(stored));
  }

  /** Whether an earlier chunk of this body was the same; lets go of it then. */
  function known(chunk: Pending): boolean {
    const key = chunk.id.toString('latin1');
    if (mine.has(key)) {
      letGo(chunk);
      return true;
    }
    mine.add(key);
    return false;
  }

  /** Never rejects. */
  async function store(chunk: Pending, claimed?: Promise<ChunkPlace | null>): Promise<void> {
    let held = true;
    const done = (): void => {
      if (held) letGo(chunk);
      held = false;
    };
    try {
      const pieces = chunk.parts.map((part) => viewOf(arena, part));
      // A body of one chunk waits for the fsync that many share; one of more syncs once, at its end.
      const durable = ended && count === 1;
      const how = claimed === undefined ? {} : { claimed, soon: true };
      const record = await storeChunk(domain, { id: chunk.id, size: chunk.size, pieces }, { durable, done, ...how });
      if (claimed === undefined || (await claimed) === null) records.push(record);
    } catch (error) {
      fail(error);
    } finally {
      done();
    }
  }

  async function recordAhead(): Promise<void> {
    await Promise.all(storing);
    if (failed !== null) return;
    takeLeaves(false);
    await log.sync(records);
    await chunks.record(domain.id, records, leafRecords);
    records = [];
    leafRecords = [];
    mine.clear();
  }

  function takeLeaves(end: boolean): void {
    for (const leaf of cutter.take(end)) {
      leaves.push({ id: leaf.id, size: leaf.size });
      leafRecords.push(leaf);
    }
  }

  function letGo({ parts }: Pending): void {
    for (const { slot } of parts) slots.release(slot);
    underWay -= parts.length;
    wake?.();
  }

  function fail(error: unknown): void {
    failed ??= { error };
    wake?.();
  }

  async function room(): Promise<void> {
    while (underWay >= SLOTS_UNDER_WAY_MAX && failed === null) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = null;
    }
    if (failed !== null) throw failed.error;
  }

  async function addLater(bytes: Uint8Array): Promise<void> {
    await room();
    await chunker.add(bytes);
  }

  return {
    add(bytes) {
      if (failed !== null) throw failed.error;
      if (underWay >= SLOTS_UNDER_WAY_MAX) return addLater(bytes);
      return chunker.add(bytes);
    },
    async end() {
      ended = true;
      chunker.end();
      const summed = digests.digest();
      summed.catch(() => {}); // awaited below, unless storing fails
      await identified;
      while (claiming !== null) await claiming;
      await Promise.all(storing);
      if (failed !== null) throw failed.error;
      const single = count === 1;
      if (!single) takeLeaves(true);
      // The last fsync and the workers' last bytes, side by side.
      const [sums] = await Promise.all([summed, single ? null : log.sync(records)]);
      return { only: single ? first : null, leaves, records, leafRecords, ...sums };
    },
    abort() {
      if (aborted) return;
      aborted = true;
      fail(new CloudStoreError('aborted', 'The request was cancelled.'));
      chunker.abort();
      digests.abort();
      claiming ??= run();
    },
  };
}
