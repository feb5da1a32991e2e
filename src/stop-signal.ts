import type { Logger } from '#contracts/observability';

const SIGNALS: NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** The wish to stop, however it comes: a signal, repeated or not, a fault of ours that nobody caught, or a call. */
export interface StopSignal {
  asked: Promise<void>;
  ask(): void;
  /** Where faults are logged; before, they only stop. */
  report(log: Logger): void;
  /** 1 when a fault asked. */
  exitCode(): number;
}

/** Signals count from this moment on. */
export function stopSignal(): StopSignal {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  let log: Logger | null = null;
  let exitCode = 0;
  for (const signal of SIGNALS) process.on(signal, () => ask());
  // What is running ends in order, and the exit code says that it was no wish.
  const onFault = (err: unknown): void => {
    log?.error({ err }, 'an error that nobody caught; stopping');
    exitCode = 1;
    ask();
  };
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
  return { asked, ask, report: (to) => void (log = to), exitCode: () => exitCode };
}
