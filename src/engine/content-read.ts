import type { DomainKeys } from '#contracts/keyring';
import type { ContentRef } from '#core/content-ref';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ByteRange } from '#core/range';
import { type Bytes, consume, disposableTogether, wholeBytes } from '#core/stream';
import { throwIfAborted } from './abortable.ts';
import type { Hashes } from './hashes.ts';
import { type InlineRef, inlineCacheKey, isPlainInline, knowsInline, openInline, prepareInline } from './inline.ts';
import { createPlainCache, type PlainCache } from './plain-cache.ts';
import { createReadBuffers, type ReadBuffer, type ReadBuffers } from './read-buffers.ts';
import { type ChunkedRef, planRead, type Wanted } from './read-plan.ts';
import { createRecordReader, FETCH_BYTES, type Opened, type RecordReaderDeps, type Run } from './record-reader.ts';

export interface ReadDeps extends RecordReaderDeps {
  hashes: Hashes;
  cache: PlainCache;
  buffers: ReadBuffers;
}

/** Chunks of small objects stay in memory in plain. */
export const CACHED_BYTES_MAX = 64 << 10;

/** The engine's way out for what `readSmall` does not have; the contract is Content.read. */
export async function* readContent(deps: ReadDeps, content: ContentRef, range?: ByteRange, signal?: AbortSignal): Bytes {
  const { start, end } = range ?? { start: 0, end: content.size - 1 };
  if (start < 0 || start > end + 1 || end >= content.size) {
    throw new CloudStoreError('invalid_range', 'The range lies outside the content.', { details: { size: content.size } });
  }
  throwIfAborted(signal);
  if (start > end) return;
  const domain = await deps.keyring.load(content.domain);
  if (content.kind !== 'inline') {
    yield* readPlan(deps, domain, planRead(deps, domain, content, { start, end }), end + 1 - start, signal);
    return;
  }
  await prepareInline(deps, domain, content);
  // A copy: what is yielded is the consumer's.
  yield Buffer.from(openCached(deps, domain, content).subarray(start, end + 1));
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
    for await (const wanted of planRead({ ...deps, cache: createPlainCache(0) }, domain, content, whole)) {
      const hasher = deps.hashes.keyed(domain.chunkIdKey);
      await consume(readPlan(deps, domain, planOf(wanted), wanted.chunk.size, signal), (bytes) => hasher.update(bytes));
      if (!hasher.digest().equals(wanted.chunk.id)) {
        throw new CloudStoreError('corrupt', 'A chunk does not have the id that it is stored under.', {
          details: { offset: wanted.offset },
        });
      }
    }
  }
}

async function* planOf(wanted: Wanted): AsyncGenerator<Wanted> {
  yield wanted;
}

/** Runs that are fetched and opened while those before them are on their way out: one on each side. */
const AHEAD_MAX = 2;

async function* readPlan(
  deps: ReadDeps,
  domain: DomainKeys,
  plan: AsyncGenerator<Wanted>,
  size: number,
  signal?: AbortSignal,
): Bytes {
  const { buffers } = deps;
  const reader = createRecordReader(deps, domain, plan, size);
  const ahead: Fetch[] = [];
  let fetching: Promise<unknown> = Promise.resolve();
  let ended = false;

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
    if (ended || ahead.length === AHEAD_MAX) return;
    const spare = buffers.tryAhead();
    if (spare !== null) ahead.push(begin(spare));
  }

  try {
    for (;;) {
      const current = ahead.shift() ?? begin(await buffers.take());
      let opened: OpenedRun | null = null;
      try {
        opened = await current.opened;
        if (opened === null) return;
        throwIfAborted(signal);
        if (opened.copy === null) remember(deps, domain, opened.wanted, opened.plain);
      } finally {
        if (opened !== null && opened.borrowed.length > 0) lend(buffers, current.buffer, opened.borrowed);
        else buffers.give(current.buffer);
      }
      extend();
      for (const bytes of opened.plain) {
        yield bytes;
        throwIfAborted(signal);
      }
      // With a buffer of its own: who holds one and waits for another may wait for ever.
      if (opened.copy !== null) {
        const { copy } = opened;
        const own = { ...deps, buffers: createReadBuffers(FETCH_BYTES, 1) };
        yield* readPlan(own, domain, planOf(copy), copy.to - copy.from, signal);
      }
    }
  } finally {
    ended = true;
    // The disk, or a thread, may still be writing into them.
    while (ahead.length > 0) await giveBack(buffers, ahead.shift()!);
    await reader.close();
  }
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

/** Its memory serves again when the consumer has disposed of all that lies in it. */
function lend(buffers: ReadBuffers, buffer: ReadBuffer, parts: Buffer[]): void {
  disposableTogether(parts, buffers.lend(buffer));
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
