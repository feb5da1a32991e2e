import { BLOB_CHECKS } from '#blob/checks';
import type { BlobStore } from '#contracts/blob-store';
import type { Random } from '#core/clock';

/** What `check-storage` found out about a store. */
export interface StorageReport {
  store: string;
  ok: boolean;
  checks: { sentence: string; ok: boolean; ms: number; why?: string }[];
  /** null: the checks failed, so there is nothing to measure. */
  measured: Measured | null;
  /** Blobs of ours that could not be removed; their names begin with `check-`. */
  left: number;
}

interface Measured {
  /** Whole packs, one after the other. */
  writeMibPerSecond: number;
  readMibPerSecond: number;
  /** 4 KiB, one after the other: what a small write waits for when it must be in the store. */
  smallWriteMs: Spread;
  /** 64 KiB of a pack: what a small read waits for. */
  rangeReadMs: Spread;
}

interface Spread {
  median: number;
  max: number;
}

interface CheckOptions {
  /** Of every blob that it makes. */
  prefix?: string;
  signal?: AbortSignal;
  /** Which check begins; `sentence` null: the store is measured. */
  told?: (step: { sentence: string | null; done: number; total: number }) => void;
}

/** The checks, and the measuring. */
const STEPS = BLOB_CHECKS.length + 1;
const PACK_BYTES = 32 << 20;
const PACKS = 2;
const SMALL_COUNT = 20;

export function checkPrefix(random: Random): string {
  return `check-${random(8).toString('hex')}-`;
}

/**
 * Runs the contract of BlobStore over a store, measures it, and takes away what it made. Nothing else in the store is touched: every blob begins with a
 * prefix of chance.
 */
export async function checkStorage(
  store: BlobStore,
  name: string,
  random: Random,
  { prefix = checkPrefix(random), signal, told }: CheckOptions = {},
): Promise<StorageReport> {
  const checks: StorageReport['checks'] = [];
  let measured: Measured | null = null;
  let left = 0;
  try {
    for (const [index, { sentence, run }] of BLOB_CHECKS.entries()) {
      signal?.throwIfAborted();
      told?.({ sentence, done: index, total: STEPS });
      const begun = performance.now();
      const why = await run(store, `${prefix}${index}-`).then(
        () => null,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      const ms = Math.round(performance.now() - begun);
      checks.push(why === null ? { sentence, ok: true, ms } : { sentence, ok: false, ms, why });
      if (index === 0 && why !== null) break; // it is not there, or does not let us in: the others would say the same, slowly
    }
    if (checks.every(({ ok }) => ok)) {
      told?.({ sentence: null, done: BLOB_CHECKS.length, total: STEPS });
      measured = await measure(store, `${prefix}speed-`, random, signal);
    }
  } finally {
    left = await removeChecks(store, prefix);
  }
  return { store: name, ok: checks.every(({ ok }) => ok), checks, measured, left };
}

async function measure(store: BlobStore, prefix: string, random: Random, signal?: AbortSignal): Promise<Measured> {
  const piece = random(1 << 20);
  async function* pack(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < PACK_BYTES; at += piece.length) yield piece;
  }
  async function* small(): AsyncIterable<Uint8Array> {
    yield piece.subarray(0, 4096);
  }
  const writeMs = await timed(PACKS, (n) => store.put(`${prefix}pack-${n}`, pack(), PACK_BYTES), signal);
  const smallWriteMs = await timed(SMALL_COUNT, (n) => store.put(`${prefix}small-${n}`, small(), 4096), signal);
  const readMs = await timed(
    PACKS,
    async (n) => {
      for (let at = 0; at < PACK_BYTES; at += 8 << 20) await store.read(`${prefix}pack-${n}`, at, 8 << 20);
    },
    signal,
  );
  const rangeReadMs = await timed(
    SMALL_COUNT,
    (n) => store.read(`${prefix}pack-${n % PACKS}`, (n * 1_500_000) % (PACK_BYTES - 65_536), 65_536),
    signal,
  );
  const speed = (ms: number[]): number => rounded((PACKS * PACK_BYTES) / 2 ** 20 / (ms.reduce((a, b) => a + b, 0) / 1000));
  return {
    writeMibPerSecond: speed(writeMs),
    readMibPerSecond: speed(readMs),
    smallWriteMs: spread(smallWriteMs),
    rangeReadMs: spread(rangeReadMs),
  };
}

async function timed(count: number, work: (n: number) => Promise<unknown>, signal?: AbortSignal): Promise<number[]> {
  const out: number[] = [];
  for (let n = 0; n < count; n++) {
    signal?.throwIfAborted();
    const begun = performance.now();
    await work(n);
    out.push(performance.now() - begun);
  }
  return out;
}

function spread(ms: number[]): Spread {
  const sorted = [...ms].sort((a, b) => a - b);
  return { median: rounded(sorted[sorted.length >> 1] ?? 0), max: rounded(sorted.at(-1) ?? 0) };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

/** What a check has made, or one that was killed. Gives how many stayed. */
export async function removeChecks(store: BlobStore, prefix: string): Promise<number> {
  let left = 0;
  try {
    const names: string[] = [];
    for await (const { name } of store.list(prefix)) names.push(name);
    for (const name of names) await store.remove(name).catch(() => left++);
  } catch {
    left++; // it lists nothing any more: something of ours may be there
  }
  return left;
}

/** For people. */
export function describeReport({ store, checks, measured, left }: StorageReport): string {
  const lines = [
    `${store}`,
    ...checks.map(
      ({ sentence, ok, ms, why }) =>
        `${ok ? 'ok  ' : 'FAIL'}  ${sentence} (${ms} ms)${why === undefined ? '' : `\n      → ${why}`}`,
    ),
  ];
  if (measured !== null) {
    const { writeMibPerSecond, readMibPerSecond, smallWriteMs, rangeReadMs } = measured;
    lines.push(
      `write  ${writeMibPerSecond} MiB/s, one pack at a time`,
      `read   ${readMibPerSecond} MiB/s`,
      `a small write takes ${smallWriteMs.median} ms (at most ${smallWriteMs.max})`,
      `a small read takes ${rangeReadMs.median} ms (at most ${rangeReadMs.max})`,
    );
  }
  if (left > 0) lines.push('Something of the check is left; remove what begins with "check-".');
  return lines.join('\n');
}
