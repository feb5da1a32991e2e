import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditStore } from '#contracts/audit';
import type { ExpiryStore, RetainStep } from '#contracts/expiry-store';
import type { Job, JobContext } from '#contracts/jobs';
import type { Clock } from '#core/clock';

/** What whoever asks for a run of `expire-history` may say. */
export interface ExpireHistoryArgument {
  /** The disk is short: the oldest history goes whatever its age, until objects of so many bytes are gone. */
  urgentBytes?: number;
}

const HOUR_MS = 3600 * 1000;
const REST_MS = 20;
const AUDIT_STEP = 10_000;

/** Unfinished uploads that nobody has gone on with, and those that died with their gateway. */
export function createExpireUploadsJob(store: ExpiryStore, afterMs: number): Job {
  return {
    name: 'expire-uploads',
    everyMs: HOUR_MS,
    async run(context) {
      await store.rooms();
      await inSteps(context, 'uploads', () => store.uploads(afterMs));
    },
  };
}

/** History, and removed buckets, past their retention; and before it, when the disk is short, for history never makes a write fail. */
export function createExpireHistoryJob(store: ExpiryStore, days: number): Job {
  return {
    name: 'expire-history',
    everyMs: HOUR_MS,
    async run(context) {
      const { urgentBytes } = (context.argument ?? {}) as ExpireHistoryArgument; // our own doors and commands write it
      await retain(store, days, context);
      await dropBuckets(context, () => store.buckets(days));
      if (urgentBytes === undefined) return;
      let left = urgentBytes;
      const urgently = (take: () => Promise<{ count: number; bytes: number }>) => async () => {
        if (left <= 0) return { count: 0 };
        const step = await take();
        left -= step.bytes;
        return step;
      };
      await inSteps(
        context,
        'versions',
        urgently(() => store.history(0, left)),
      );
      await dropBuckets(
        context,
        urgently(() => store.buckets(null)),
      );
    },
  };
}

/** Records of the audit past their days; the chain then begins behind them. */
export function createExpireAuditJob(store: Pick<AuditStore, 'expire'>, keptMs: number, clock: Clock): Job {
  return {
    name: 'expire-audit',
    everyMs: HOUR_MS,
    run: (context) => inSteps(context, 'records', async () => ({ count: await store.expire(clock.now() - keptMs, AUDIT_STEP) })),
  };
}

/** By what each bucket says. */
async function retain(store: ExpiryStore, days: number, { signal, progress }: JobContext): Promise<void> {
  let removed = 0;
  let bytes = 0;
  let from: RetainStep | null = null;
  do {
    signal.throwIfAborted();
    const step: Awaited<ReturnType<ExpiryStore['retain']>> = await store.retain(days, from);
    from = step.next;
    removed += step.count;
    bytes += step.bytes;
    progress({ done: removed, total: null, unit: 'versions', counts: { removed, bytes } });
    if (step.count > 0) await sleep(REST_MS, undefined, { signal });
  } while (from !== null);
}

/** Rare, so what is told of the history stays where there is none. */
async function dropBuckets(
  { signal, progress }: JobContext,
  step: () => Promise<{ count: number; bytes?: number }>,
): Promise<void> {
  let bytes = 0;
  for (let removed = 1; ; removed++) {
    signal.throwIfAborted();
    const gone = await step();
    if (gone.count === 0) return;
    bytes += gone.bytes ?? 0;
    progress({ done: removed, total: null, unit: 'buckets', counts: { removed, bytes } });
  }
}

async function inSteps(
  { signal, progress }: JobContext,
  unit: string,
  step: () => Promise<{ count: number; bytes?: number }>,
): Promise<void> {
  let removed = 0;
  let bytes = 0;
  for (;;) {
    signal.throwIfAborted();
    const gone = await step();
    removed += gone.count;
    bytes += gone.bytes ?? 0;
    progress({ done: removed, total: null, unit, counts: { removed, bytes } });
    if (gone.count === 0) return;
    await sleep(REST_MS, undefined, { signal });
  }
}
