import { hash } from 'node:crypto';
import type { Clock, Random } from '#core/clock';
import type { PrincipalId } from '#core/principal';

/**
 * What a name and a password turned out to be. `by` is what was matched: a stored hash, which the user must still have, or a credential, which must still be there; null
 * principal: there was no such user.
 * A wrong pair is worth remembering: a drive that repeats an old password is told so without a hash, and without wearing out its
 * user's attempts.
 */
export interface Verdict {
  right: boolean;
  principal: PrincipalId | null;
  by: { passwordHash: string | null } | { credential: string };
}

/**
 * Pairs by a hash with a secret of this process in front: neither password nor anything that helps to guess it stays in memory. Each is remembered for the address it came from: whoever
 * guesses from elsewhere, and has to wait for that, would else still be told when a guess is right.
 */
export interface VerifiedPairs {
  keyOf(name: string, password: string, remoteAddress: string): string;
  find(key: string): Verdict | null;
  remember(key: string, verdict: Verdict): void;
  /** A user's pairs, and those of nobody, who may exist now; null: all. */
  drop(principal: PrincipalId | null): void;
}

const RIGHT_MS = 10 * 60 * 1000;
const WRONG_MS = 60 * 1000;
/** Somebody may just be making that user. */
const NOBODY_MS = 5 * 1000;
const PAIRS_MAX = 10_000;

export function createVerifiedPairs({ clock, random }: { clock: Clock; random: Random }): VerifiedPairs {
  const secret = random(32).toString('base64');
  const pairs = new Map<string, { verdict: Verdict; until: number }>();
  return {
    keyOf: (name, password, remoteAddress) =>
      hash('sha256', `${secret}${name.length}:${name}${remoteAddress.length}:${remoteAddress}${password}`, 'base64'),
    find(key) {
      const known = pairs.get(key);
      if (known === undefined) return null;
      if (known.until > clock.now()) return known.verdict;
      pairs.delete(key);
      return null;
    },
    remember(key, verdict) {
      pairs.delete(key);
      pairs.set(key, {
        verdict,
        until: clock.now() + (verdict.right ? RIGHT_MS : verdict.principal === null ? NOBODY_MS : WRONG_MS),
      });
      if (pairs.size <= PAIRS_MAX) return;
      const oldest = pairs.keys().next();
      if (!oldest.done) pairs.delete(oldest.value);
    },
    drop(principal) {
      for (const [key, { verdict }] of pairs) {
        if (principal === null || verdict.principal === null || verdict.principal === principal) pairs.delete(key);
      }
    },
  };
}
