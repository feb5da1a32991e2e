import { setTimeout as sleep } from 'node:timers/promises';
import type { Audit, AuditStore } from '#contracts/audit';
import type { Logger } from '#contracts/observability';
import type { AuditEvent } from '#core/audit';
import type { Clock } from '#core/clock';

export interface AuditOptions {
  store: Pick<AuditStore, 'append'>;
  clock: Clock;
  log: Logger;
}

const FLUSH_MS = 500;
const BATCH = 1000;
/** Events that wait for the database; what is over is counted, and the count is recorded. */
const WAITING_MAX = 50_000;
const RETRY_MS = 2_000;
/** A refusal tells where it came from in so many records; of further ones of its kind within a moment only how many there were. */
const CLOSE_MS_MAX = 5_000;

/** Gathers events and writes them to the chain, many at once. */
export function createAudit({ store, clock, log }: AuditOptions): Audit {
  const waiting = new Map<string, AuditEvent & { count: number }>();
  let lost = 0;
  let unique = 0;
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> | null = null;
  let closed = false;

  /** Attempts of one kind are one record; what was done is each its own. */
  function kindOf(event: AuditEvent): string {
    if (event.outcome !== 'denied') return String(unique++);
    const { principal, name, credential, protocol, action, status, address } = event;
    return JSON.stringify([principal, name, credential, protocol, action, status, address]);
  }

  function take(): AuditEvent[] {
    const batch: AuditEvent[] = [];
    for (const [kind, { count, ...event }] of waiting) {
      batch.push(count === 1 ? event : { ...event, details: { ...event.details, count } });
      waiting.delete(kind);
      if (batch.length === BATCH) break;
    }
    if (lost > 0) {
      batch.push(lostEvent(clock.now(), lost));
      lost = 0;
    }
    return batch;
  }

  async function write(): Promise<void> {
    while (waiting.size > 0 || lost > 0) {
      const batch = take();
      for (let told = false; ; told = true) {
        try {
          await store.append(batch);
          break;
        } catch (err) {
          if (!told) log.error({ err, events: batch.length }, 'the audit cannot be written; it is tried again');
          if (closed) return;
          await sleep(RETRY_MS, undefined, { ref: false });
        }
      }
    }
  }

  function flush(): Promise<void> {
    timer = null;
    return (writing ??= write().finally(() => {
      writing = null;
      if (waiting.size > 0) soon();
    }));
  }

  function soon(): void {
    if (timer !== null || writing !== null || closed) return;
    timer = setTimeout(() => void flush(), FLUSH_MS);
    timer.unref();
  }

  return {
    record(event) {
      const kind = kindOf(event);
      const before = waiting.get(kind);
      if (before !== undefined) before.count++;
      else if (waiting.size < WAITING_MAX) waiting.set(kind, { ...event, count: 1 });
      else lost++;
      soon();
    },
    async close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      await Promise.race([flush(), sleep(CLOSE_MS_MAX, undefined, { ref: false })]);
      if (waiting.size > 0) log.error({ events: waiting.size }, 'the end of the audit could not be written');
    },
  };
}

function lostEvent(at: number, count: number): AuditEvent {
  const nobody = { principal: null, name: null, credential: null, resource: null, address: null };
  return {
    ...nobody,
    at,
    protocol: 'system',
    action: 'EventsLost',
    outcome: 'failed',
    status: 0,
    requestId: '',
    details: { count },
  };
}
