/** Wakes all who wait for news of one bucket: by a call, or every `pollMs`. */
export interface Waker {
  /** Grows with every wake. */
  readonly turn: number;
  wake(): void;
  /** Resolves at the first wake after `turn`, which may have been already, or when the signal fires. */
  after(turn: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

export function createWaker(pollMs: number): Waker {
  let turn = 0;
  const waiting = new Set<() => void>();

  function wake(): void {
    turn++;
    for (const resolve of waiting) resolve();
    waiting.clear();
  }

  const timer = setInterval(wake, pollMs);
  timer.unref();
  return {
    get turn() {
      return turn;
    },
    wake,
    after(seen, signal) {
      if (turn !== seen || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const done = (): void => {
          waiting.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        waiting.add(done);
        signal.addEventListener('abort', done, { once: true });
      });
    },
    close() {
      clearInterval(timer);
      wake();
    },
  };
}
