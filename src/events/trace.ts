import type { Signals } from '#contracts/signals';
import type { Trace, TraceEntry } from '#contracts/trace';
import type { Random } from '#core/clock';

/** How long a gateway is believed to look without having said so again. */
const WANTED_MS = 30_000;
const AGAIN_MS = 10_000;
const FLUSH_MS = 250;
/** Of one message between gateways; Postgres takes 8,000 bytes. */
const BATCH_BYTES_MAX = 7_000;
const PATH_CHARS_MAX = 300;

type Message = { from: string; want: true } | { from: string; entries: TraceEntry[]; left: number };

/**
 * The contract is Trace. Who looks says so to the other processes of the installation, again and again, and they send what they serve four times a second, as
 * much as one message holds. Nobody asks when nobody looks.
 */
export function createTrace({ signals, random }: { signals: Signals; random: Random }): Trace & { close(): void } {
  const self = random(8).toString('hex');
  const listeners = new Set<(entries: TraceEntry[], left: number) => void>();
  let asking: NodeJS.Timeout | undefined;
  let wantedUntil = 0;
  let batch: TraceEntry[] = [];
  let batchBytes = 0;
  let left = 0;
  let flushing: NodeJS.Timeout | undefined;

  const send = (message: Message): void => void signals.publish('trace', JSON.stringify(message)).catch(() => undefined);
  const ask = (): void => send({ from: self, want: true });
  const elsewhere = (): boolean => performance.now() < wantedUntil;

  const unsubscribe = signals.subscribe('trace', (payload) => {
    if (payload === null) return;
    const message = JSON.parse(payload) as Message; // of a gateway of ours
    if (message.from === self) return;
    if ('want' in message) wantedUntil = performance.now() + WANTED_MS;
    else for (const listener of listeners) listener(message.entries, message.left);
  });

  function flush(): void {
    flushing = undefined;
    if (batch.length === 0) return;
    send({ from: self, entries: batch, left });
    batch = [];
    batchBytes = 0;
    left = 0;
  }

  return {
    wanted: () => listeners.size > 0 || elsewhere(),
    record(entry) {
      for (const listener of listeners) listener([entry], 0);
      if (!elsewhere()) return;
      const short = entry.path.length <= PATH_CHARS_MAX ? entry : { ...entry, path: `${entry.path.slice(0, PATH_CHARS_MAX)}…` };
      const bytes = Buffer.byteLength(JSON.stringify(short)) + 1;
      if (batchBytes + bytes > BATCH_BYTES_MAX) left++;
      else {
        batch.push(short);
        batchBytes += bytes;
      }
      flushing ??= setTimeout(flush, FLUSH_MS);
    },
    follow(listener) {
      listeners.add(listener);
      if (asking === undefined) {
        ask();
        asking = setInterval(ask, AGAIN_MS);
        asking.unref();
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(asking);
        asking = undefined;
      };
    },
    close() {
      unsubscribe();
      clearInterval(asking);
      clearTimeout(flushing);
      listeners.clear();
    },
  };
}
