import type { Authenticator } from '#contracts/authenticator';
import type { Logger } from '#contracts/observability';
import type { Connections } from './connections.ts';
import type { Exchange } from './exchange.ts';

export type Validity = Pick<Authenticator, 'onChange' | 'stillValid'>;

/** What ends its own credential (a log-out, a new password) still gets its answer; everything longer is a transfer. */
const GRACE_MS = 250;
/** A hint of a change may be lost: what runs for long is looked at without one, too. */
const LOOK_MS = 1_000;

/**
 * Ends running requests of who may not go on: uploads and downloads of a user, a key or a device that was taken back stop within a second, like new requests. What has
 * merely expired meanwhile runs to its end, as it does at AWS.
 */
export function endRevoked(connections: Connections, validity: Validity, log: Logger): { close(): void } {
  const timers = new Set<NodeJS.Timeout>();
  const unsubscribe = validity.onChange((id) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      look((exchange) => id === null || exchange.principal?.id === id);
    }, GRACE_MS);
    timers.add(timer);
  });
  const interval = setInterval(() => {
    const before = performance.now() - LOOK_MS;
    look(({ begun }) => begun < before);
  }, LOOK_MS);
  interval.unref();

  function look(concerned: (exchange: Exchange) => boolean): void {
    for (const { active, socket, upgraded } of connections.all()) {
      if (upgraded) continue; // it watches over itself
      for (const exchange of active.keys()) {
        const { principal } = exchange;
        if (principal === undefined || !concerned(exchange)) continue;
        validity.stillValid(principal).then(
          (valid) => {
            if (valid || !active.has(exchange)) return;
            exchange.log.info({ user: principal.name }, 'who began this request may not go on; it is ended');
            exchange.abort();
            socket.destroy();
          },
          // The database is away: nobody new gets in either, and the next look comes in a second.
          (err: unknown) => log.debug({ err }, 'running requests cannot be checked'),
        );
      }
    }
  }

  return {
    close() {
      unsubscribe();
      clearInterval(interval);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
