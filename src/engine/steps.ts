import type { Take } from '#core/stream';
import { abortedBy, throwIfAborted } from './abortable.ts';

/** A read, in steps of some pieces each: what is at hand costs no promise. The first error ends it. `close` after the last step, or in place of it. */
export interface Steps {
  /** null: it has to be waited for, by `next`. */
  now(): Buffer[] | null;
  /** null: that was all. */
  next(): Promise<Buffer[] | null>;
  close(): Promise<void>;
}

/** Pieces at hand. */
export function stepsOf(pieces: Buffer[]): Steps {
  let left: Buffer[] | null = pieces;
  return {
    now: () => null,
    async next() {
      const all = left;
      left = null;
      return all;
    },
    close: async () => undefined,
  };
}

export async function* iterate(begin: () => Promise<Steps>): AsyncGenerator<Buffer, void> {
  const steps = await begin();
  try {
    for (;;) {
      const pieces = steps.now() ?? (await steps.next());
      if (pieces === null) return;
      yield* pieces;
    }
  } finally {
    await steps.close();
  }
}

/** As Bytes.each. */
export async function handOut(begin: () => Promise<Steps>, take: Take, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal);
  const beginning = begin();
  const steps = await unlessAborted(beginning, signal).catch((error: unknown) => {
    beginning.then(({ close }) => close()).catch(() => {});
    throw error;
  });
  let pending = false;
  try {
    for (;;) {
      let pieces = steps.now();
      if (pieces === null) {
        pending = true;
        pieces = await unlessAborted(steps.next(), signal);
        pending = false;
      }
      if (pieces === null) return;
      for (const bytes of pieces) {
        const taken = take(bytes);
        if (taken !== null) await taken;
        throwIfAborted(signal);
      }
    }
  } finally {
    // A step that is given up may hang on a disk: what it holds is given back when it ends.
    const closed = steps.close();
    if (!pending) await closed;
    else closed.catch(() => {});
  }
}

/** @throws aborted, at once */
function unlessAborted<T>(step: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return step;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(abortedBy(signal));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    step.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
