import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DomainKeys } from '#contracts/keyring';
import type { ContentRef } from '#core/content-ref';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ByteRange } from '#core/range';
import { type Bytes, consume, disposableTogether, wholeBytes } from '#core/stream';
import { throwIfAborted } from './abortable.ts';
import type { Hashes } from './hashes.ts';
import { type InlineRef, inlineCacheKey, isPlainInline, knowsInline, openInline, prepareInline } from './inline.ts';
import type { Opened } from './opened.ts';
import { createPlainCache, type PlainCache } from './plain-cache.ts';
import { createReadBuffers, type ReadBuffer, type ReadBuffers } from './read-buffers.ts';
import { type ChunkedRef, createPlanQueue, planRead, type Wanted } from './read-plan.ts';
import { createRecordReader, FETCH_BYTES, type RecordReaderDeps, type Run } from './record-reader.ts';
import { handOut, iterate, type Steps, stepsOf } from './steps.ts';

export interface ReadDeps extends RecordReaderDeps {
  hashes: Hashes;
  cache: PlainCache;
  buffers: ReadBuffers;
}

/** Chunks of small objects stay in memory in plain. */
export const CACHED_BYTES_MAX = 64 << 10;

/** The engine's way out for what `readSmall` does not have; the contract is Content.read. */
export function readContent(deps: ReadDeps, content: ContentRef, range?: ByteRange, signal?: AbortSignal): Bytes {
  const begin = (): Promise<Steps> => beginRead(deps, content, range, signal);
  return {
    [Symbol.asyncIterator]: () => iterate(begin),
    each: (take, until) => handOut(begin, take, until),
  };
}

async function beginRead(deps: ReadDeps, content: ContentRef, range?: ByteRange, signal?: AbortSignal): Promise<Steps> {
  const { start, end } = range ?? { start: 0, end: content.size - 1 };
  if (start < 0 || start > end + 1 || end >= content.size) {
    throw new CloudStoreError('invalid_range', 'The range lies outside the content.', { details: { size: content.size } });
  }
  throwIfAborted(signal);
  if (start > end) return stepsOf([]);
  const domain = await deps.keyring.load(content.domain);
  if (content.kind !== 'inline') {
    return readPlan(deps, domain, planRead(deps, domain, content, { start, end }), end + 1 - start, signal);
  }
  await prepareInline(deps, domain, content);
  // A copy: what is yielded is the consumer's.
  return stepsOf([Buffer.from(openCached(deps, domain, content).subarray(start, end + 1))]);
}

/** What is at hand, at once; null: it has to be read, or there is something wrong with it that reading tells. */
export function readSmall(deps: ReadDeps, content: ContentRef, range?: ByteRange): Bytes | null {
  const { start, end } = range ?? { start: 0, end: content.size - 1 };
  if (content.size === 0 || start < 0 || start > end || end >= content.size) return null;
  let small: Buffer | null;
  try {
    small = peekContent(deps, content);
  } catch {
    return null;
  }
  // A copy: what is yielded is the consumer's.
  return small === null ? null : wholeBytes(Buffer.from(small.subarray(start, end + 1)));
}

/** The contract is Content.peek. What it gives is the cache's: to be read only. */
export function peekContent(deps: ReadDeps, content: ContentRef): Buffer | null {
  if (content.kind !== 'inline') return cached(deps, content) ?? null;
  if (isPlainInline(content) && !deps.plain.allowed) return null; // whoever reads will ask
  const domain = loadedDomain(deps, content);
  if (domain !== null && !knowsInline(domain, content)) return null; // as above
  return domain && openCached(deps, domain, content);
}

/** null: whoever reads will load its keys. */
function loadedDomain({ keyring }: ReadDeps, content: ContentRef): DomainKeys | null {
  try {
    return keyring.domain(content.domain);
  } catch (error) {
    if (isCloudStoreError(error, 'internal')) return null;
    throw error;
  }
}

/** The contract is Content.verify. More than a read: the plaintext must also have the id that it is stored under. */
export async function verifyContent(deps: ReadDeps, content: ContentRef, signal?: AbortSignal): Promise<void> {
  const domain = await deps.keyring.load(content.domain);
  if (content.kind === 'inline') {
    await prepareInline(deps, domain, content);
    openInline(deps.recordKeys, domain, content);
  } else {
    const whole = { start: 0, end: content.size - 1 };
    // With no cache: it is asked what the rows say now.
    for await (const batch of planRead({ ...deps, cache: createPlainCache(0) }, domain, content, whole)) {
      for (const wanted of batch) await verifyChunk(deps, domain, wanted, signal);
    }
  }
}

async function verifyChunk(deps: ReadDeps, domain: DomainKeys, wanted: Wanted, signal?: AbortSignal): Promise<void> {
  const hasher = deps.hashes.keyed(domain.chunkIdKey);
  const steps = readPlan(deps, domain, planOf(wanted), wanted.chunk.size, signal);
  await consume(
    iterate(async () => steps),
    (bytes) => hasher.update(bytes),
  );
  if (hasher.digest().equals(wanted.chunk.id)) return;
  throw new CloudStoreError('corrupt', 'A chunk does not have the id that it is stored under.', {
    details: { offset: wanted.offset },
  });
}

async function* planOf(wanted: Wanted): AsyncGenerator<Wanted[]> {
  yield [wanted];
}

/** Records that threads have while this one is at the record before them. */
const HANDED_MAX = 2;
/** What is there at once, and is taken at once, keeps all others waiting for no more than this. */
const TURN_BYTES = 1 << 20;
/** Runs that are fetched and opened while those before them are on their way out: one on each side. */
const AHEAD_MAX = 2;

function readPlan(deps: ReadDeps, domain: DomainKeys, plan: AsyncGenerator<Wanted[]>, size: number, signal?: AbortSignal): Steps {
  const { buffers } = deps;
  const reader = createRecordReader(deps, domain, createPlanQueue(plan), size);
  const ahead: Fetch[] = [];
  /** What threads read and open, behind the record that this one is at. */
  const handed: Fetch[] = [];
  const handedMax = deps.threads === null ? 0 : HANDED_MAX;
  let fetching: Promise<unknown> = Promise.resolve();
  let ended = false;
  /** Where a record was damaged: the same part in a good copy. */
  let copy: Steps | null = null;
  /** Bytes since others had their turn. */
  let atOnce = 0;

  function begin(buffer: ReadBuffer): Fetch {
    const run = fetching.then(() => reader.next(buffer));
    fetching = run.then(
      (found) => {
        if (found === null) ended = true;
        else extend();
      },
      () => (ended = true),
    );
    const opened = run.then((found) => (found === null ? null : openRun(found)));
    opened.catch(() => {}); // whoever waits for it hears of it; nobody may
    return { buffer, opened };
  }

  function extend(): void {
    if (ended || !reader.ahead || handed.length > 0 || ahead.length === AHEAD_MAX) return;
    const spare = buffers.tryAhead();
    if (spare !== null) ahead.push(begin(spare));
  }

  function handOver(): void {
    while (handed.length < handedMax) {
      const found = reader.handOver((bytes) => buffers.tryAhead(bytes));
      if (found === null) return;
      const opened = openRun(found.run);
      opened.catch(() => {}); // as above
      handed.push({ buffer: found.into, opened });
    }
  }

  function now(): Buffer[] | null {
    if (copy !== null || ahead.length > 0 || ended || atOnce >= TURN_BYTES) return null;
    if (handed.length > 0 && !reader.within) return null;
    const buffer = buffers.tryTake();
    if (buffer === null) return null;
    let opened: (Opened & { wanted: Wanted }) | null = null;
    try {
      opened = reader.now(buffer);
    } finally {
      handBack(buffers, buffer, opened);
    }
    if (opened === null) return null;
    remember(deps, domain, opened.wanted, opened.plain);
    for (const { length } of opened.plain) atOnce += length;
    if (handed.length === 0) handOver();
    return opened.plain;
  }

  async function next(): Promise<Buffer[] | null> {
    if (copy !== null) {
      const pieces = copy.now() ?? (await copy.next());
      if (pieces !== null) return pieces;
      await copy.close();
      copy = null;
    }
    if (atOnce > 0) {
      atOnce = 0;
      await nextTurn();
      throwIfAborted(signal);
      const pieces = now();
      if (pieces !== null) return pieces;
    }
    const current = (reader.within ? null : handed.shift()) ?? ahead.shift() ?? begin(await buffers.take(!reader.ahead));
    let opened: OpenedRun | null = null;
    try {
      opened = await current.opened;
      if (opened === null) return null;
      throwIfAborted(signal);
      if (opened.copy === null) remember(deps, domain, opened.wanted, opened.plain);
    } finally {
      handBack(buffers, current.buffer, opened);
    }
    extend();
    if (opened.copy !== null) {
      const { copy: found } = opened;
      // With a buffer of its own: who holds one and waits for another may wait for ever.
      const own = { ...deps, buffers: createReadBuffers(FETCH_BYTES, 1) };
      copy = readPlan(own, domain, planOf(found), found.to - found.from, signal);
    }
    return opened.plain;
  }

  return {
    now,
    next,
    async close() {
      ended = true;
      await copy?.close();
      // The disk, or a thread, may still be writing into them.
      for (const fetch of [...handed, ...ahead]) await giveBack(buffers, fetch);
      await reader.close();
    },
  };
}

interface Fetch {
  buffer: ReadBuffer;
  opened: Promise<OpenedRun | null>;
}

/** Where the record was damaged, `copy` is the same part in a good one, to be read yet. */
type OpenedRun = Opened & { wanted: Wanted; copy: Wanted | null };

async function openRun(run: Run): Promise<OpenedRun> {
  try {
    return { wanted: run.wanted, copy: null, ...(await run.open()) };
  } catch (error) {
    return { wanted: run.wanted, copy: await run.again(error), plain: [], borrowed: [] };
  }
}

async function giveBack(buffers: ReadBuffers, { buffer, opened }: Fetch): Promise<void> {
  await opened.catch(() => null);
  buffers.give(buffer);
}

/** Where something lies in it, its memory serves again when the consumer has disposed of all that. */
function handBack(buffers: ReadBuffers, buffer: ReadBuffer, opened: Opened | null): void {
  if (opened !== null && opened.borrowed.length > 0) disposableTogether(opened.borrowed, buffers.lend(buffer));
  else buffers.give(buffer);
}

function openCached({ cache, recordKeys }: ReadDeps, domain: DomainKeys, content: InlineRef): Buffer {
  const key = content.size === 0 ? null : inlineCacheKey(content);
  if (key === null) return openInline(recordKeys, domain, content);
  let plaintext = cache.get(key);
  if (plaintext === undefined) {
    plaintext = openInline(recordKeys, domain, content);
    cache.put(key, plaintext);
  }
  return plaintext;
}

function cached({ cache }: ReadDeps, content: ChunkedRef): Buffer | undefined {
  if (content.kind !== 'chunk' || content.size > CACHED_BYTES_MAX) return undefined;
  const found = cache.get(chunkKey(content.domain, content.id));
  return found?.length === content.size ? found : undefined; // a row that is damaged says another size
}

/** Keeps a copy of a small chunk that was read whole. */
function remember({ cache }: ReadDeps, { id }: DomainKeys, { chunk, from, to, offset }: Wanted, plain: Buffer[]): void {
  if (offset > 0 || from > 0 || to < chunk.size || chunk.size > CACHED_BYTES_MAX) return;
  cache.put(chunkKey(id, chunk.id), Buffer.concat(plain));
}

/** In the cache of plaintext. */
export function chunkKey(domain: number, id: Buffer): string {
  return `${domain}:${id.toString('latin1')}`;
}
