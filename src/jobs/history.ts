import type { HistoryStore, Window } from '#contracts/history-store';
import type { HistoryTasks, OpenTask, TaskWork } from '#contracts/history-tasks';
import type { Job, JobContext } from '#contracts/jobs';
import { isCloudStoreError } from '#core/errors';

/** Also looked for without being asked, for the asking may get lost with its gateway. */
const EVERY_MS = 10 * 60_000;
/** Names in one transaction: what writers of the bucket wait for. */
const WINDOW_NAMES = 5_000;

export const HISTORY_JOB = 'history';

/** Restores and purges that are too large for one transaction, one after the other, in windows; each goes on where a kill left it. */
export function createHistoryJob({ history, tasks }: { history: HistoryStore; tasks: HistoryTasks }): Job {
  return {
    name: HISTORY_JOB,
    everyMs: EVERY_MS,
    async run(context) {
      for (;;) {
        context.signal.throwIfAborted();
        const task = await tasks.next();
        if (task === null) return;
        await carryOut(task, { history, tasks }, context);
      }
    },
  };
}

async function carryOut(
  task: OpenTask,
  { history, tasks }: { history: HistoryStore; tasks: HistoryTasks },
  { signal, progress }: JobContext,
): Promise<void> {
  const counts: Record<string, number> = { ...task.counts };
  let after: string | null = task.after;
  try {
    while (after !== null) {
      signal.throwIfAborted();
      const { work } = task;
      const { next, done } = await step(work, history, { after, names: WINDOW_NAMES });
      for (const [name, count] of Object.entries(done)) counts[name] = (counts[name] ?? 0) + count;
      after = next;
      progress({
        done: counts.restored ?? counts.versions ?? 0,
        total: null,
        unit: work.kind === 'restore' ? 'files' : 'versions',
        counts,
      });
      const going = await tasks.save(task.id, { state: after === null ? 'done' : 'running', after: after ?? '', counts });
      if (!going) return;
    }
  } catch (error) {
    if (signal.aborted) throw error;
    // What can be answered is answered; anything else is a fault that the next run may not meet.
    if (!isCloudStoreError(error) || error.code === 'unavailable') throw error;
    await tasks.save(task.id, { state: 'failed', after: after ?? '', counts, message: error.message });
  }
}

async function step(
  work: TaskWork,
  history: HistoryStore,
  window: Window,
): Promise<{ next: string | null; done: Record<string, number> }> {
  const { next, ...done } =
    work.kind === 'restore' ? await history.restore(work.intent, window) : await history.purge(work.intent, window);
  return { next, done };
}
