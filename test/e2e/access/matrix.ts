import type { Action } from '#core/actions';
import type { Caller } from './callers.ts';

/** One of the callers, and what it may in the matrix's bucket. `key`: '' for what is done to the bucket as a whole, or to none. */
export interface Kind extends Caller {
  may(action: Action, key: string): boolean;
  /** Whether its credentials open anything at all. */
  known: boolean;
}

/** What a door was asked by somebody, and how it was taken. */
export interface Told {
  status: number;
  refused: boolean;
  text: string;
}

/** One request of an operation, route or method. */
export interface Ask {
  what: string;
  /** Every action that it takes, and where. */
  needs: readonly (readonly [Action, string])[];
  send(kind: Kind): Promise<Told>;
  /** Puts back what the allowed ones have changed. */
  after?(): Promise<void>;
}

/** Of those that are refused, so many are sent a request in turns, but in the long run: there everybody is sent each. */
const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const REFUSED_AT_ONCE = LONG ? Number.POSITIVE_INFINITY : 6;
/** For one suite: with everybody who is refused, S3 alone is asked some ten thousand times. */
export const PATIENCE_MS = LONG ? 1_500_000 : 120_000;

/**
 * Sends what `make` makes as the kinds, and gives the verdicts that are not those of its actions. Who is refused changes nothing, so all of them are sent
 * one request; who is allowed gets one of its own.
 */
export function createMatrix(kinds: readonly Kind[]): (make: () => Promise<Ask>) => Promise<string[]> {
  let turn = 0;
  return async (make) => {
    const shared = await make();
    const may = (kind: Kind): boolean => kind.known && shared.needs.every(([action, key]) => kind.may(action, key));
    const wrong: string[] = [];
    const look = async (kind: Kind, ask: Ask): Promise<void> => {
      const { status, refused, text } = await ask.send(kind);
      if ((status >= 500 && status !== 501) || refused === may(kind)) {
        const needs = ask.needs.map(([action]) => action).join(', ');
        wrong.push(`${kind.name}: ${ask.what} (${needs}) is answered ${status} ${text.slice(0, 160)}`);
      }
    };
    const refused = kinds.filter((kind) => !may(kind));
    const count = Math.min(REFUSED_AT_ONCE, refused.length);
    const chosen = Array.from({ length: count }, (_, index) => refused[(turn + index) % refused.length]!);
    turn += count;
    await Promise.all(chosen.map((kind) => look(kind, shared)));
    const allowed = kinds.filter(may);
    const own = [shared, ...(await Promise.all(allowed.slice(1).map(make)))];
    await Promise.all(allowed.map((kind, index) => look(kind, own[index]!)));
    await shared.after?.();
    return wrong;
  };
}
