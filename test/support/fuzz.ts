import fc from 'fast-check';

/** The seed of a run: CLOUDSTORE_TEST_SEED, else of chance. Test names print it. */
export const fuzzSeed = Number(process.env.CLOUDSTORE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

const long = process.env.CLOUDSTORE_TEST_LONG === '1';
/** How many properties of S3 there are in `test/fuzz`: each has its share of the hour. */
const PROPERTIES = 20;
const shareMs = (Number(process.env.CLOUDSTORE_TEST_FUZZ_MINUTES ?? 60) * 60_000) / PROPERTIES;

/** Of a mocha suite: a property has its share, and what it is in the middle of. */
export const FUZZ_TIMEOUT_MS = long ? 4 * shareMs + 120_000 : 60_000;

/**
 * How often fast-check tries a property: `count` times, and under CLOUDSTORE_TEST_LONG=1 for as long as its share of an hour lasts
 * (CLOUDSTORE_TEST_FUZZ_MINUTES for all of them together).
 */
export function fuzzRuns(count: number): { seed: number; numRuns: number } {
  if (!long) return { seed: fuzzSeed, numRuns: count };
  const limit = { interruptAfterTimeLimit: shareMs, markInterruptAsFailure: false };
  return { seed: fuzzSeed, numRuns: 1_000_000_000, ...limit };
}

/** Any UTF-16, lone surrogates too. fast-check's own unit `binary` needs seconds to be made. */
export const anyText = fc.array(fc.nat(0xffff), { maxLength: 24 }).map((codes) => String.fromCharCode(...codes));
