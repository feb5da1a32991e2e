import { hash } from 'node:crypto';
import type { Clock, Random } from '#core/clock';
import { Oldest } from '#core/oldest';
import type { PrincipalId } from '#core/principal';

/** What a name and a password turned out to be. */
export type Verdict = RightPair | WrongPair;

/** `by` is what was matched: a stored hash, which the user must still have, or a credential, which must still be there. */
export interface RightPair {
  right: true;
  principal: PrincipalId;
  by: { passwordHash: string | null } | { credential: string };
}

/**
 * What was under the name when the pair was wrong; null: nobody. Worth remembering: a drive that repeats an old password is told so without a hash, and without wearing out its
 * user's attempts. It is remembered of names that nobody has just as of those that somebody has: else the second answer would tell them apart, by its time and in the end by a 429.
 */
export interface WrongPair {
  right: false;
  was: UserThen | null;
}

export interface UserThen {
  principal: PrincipalId;
  passwordHash: string | null;
  disabled: boolean;
}

/**
 * Pairs by a hash with a secret of this process in front: neither password nor anything that helps to guess it stays in memory. Each is remembered for the address it came from: whoever
 * guesses from elsewhere, and has to wait for that, would else still be told when a guess is right.
 */
export interface VerifiedPairs {
  keyOf(name: string, password: string, remoteAddress: string): string;
  find(key: string): Verdict | null;
  remember(key: string, verdict: Verdict): void;
  /** A user's right pairs; null: all. What was wrong is looked at anew each time. */
  drop(principal: PrincipalId | null): void;
}

const RIGHT_MS = 10 * 60 * 1000;
const WRONG_MS = 60 * 1000;
const PAIRS_MAX = 10_000;

export function createVerifiedPairs({ clock, random }: { clock: Clock; random: Random }): VerifiedPairs {
  const secret = random(32).toString('base64');
  const pairs = new Map<string, { verdict: Verdict; until: number }>();
  const oldest = new Oldest(pairs);
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
      pairs.set(key, { verdict, until: clock.now() + (verdict.right ? RIGHT_MS : WRONG_MS) });
      oldest.trim(
        () => pairs.size > PAIRS_MAX,
        (one) => pairs.delete(one),
      );
    },
    drop(principal) {
      for (const [key, { verdict }] of pairs) {
        if (verdict.right && (principal === null || verdict.principal === principal)) pairs.delete(key);
      }
    },
  };
}
