import type { Clock, Random } from '#core/clock';
import { bestParameters, type HashParameters, parametersOf, unmatchableHash, verifyPassword } from './passwords.ts';

export interface SameCostOptions {
  /** A hash of each kind that is stored. */
  kinds(): Promise<string[]>;
  clock: Clock;
  random: Random;
  /** Runs what takes a core for a while. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** New hashes are of the best kind, so what is remembered of the others can only be too much. */
const FRESH_MS = 60_000;

/**
 * Lets every refusal cost the same, whatever hash the name has or lacks. Hashes of older parameters stay until their user logs in, and cost more or less than
 * those of now, which would tell that the name exists: so a refusal computes one of each kind that anybody has. While all are of one kind, that is none more.
 */
export function createSameCost({
  kinds,
  clock,
  random,
  run,
}: SameCostOptions): (password: string, verified: string) => Promise<void> {
  let known: { at: number; hashes: Map<string, string> } | null = null;

  async function hashesNow(): Promise<Map<string, string>> {
    const now = clock.now();
    if (known !== null && now - known.at >= 0 && now - known.at < FRESH_MS) return known.hashes;
    const hashes = new Map<string, string>();
    const stored = (await kinds()).map(parametersOf).filter((one): one is HashParameters => one !== null);
    for (const parameters of [bestParameters(), ...stored])
      hashes.set(JSON.stringify(parameters), unmatchableHash(random, parameters));
    known = { at: now, hashes };
    return hashes;
  }

  return async (password, verified) => {
    const paid = JSON.stringify(parametersOf(verified));
    for (const [kind, hash] of await hashesNow()) if (kind !== paid) await run(() => verifyPassword(password, hash));
  };
}
