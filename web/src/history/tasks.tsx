import { signal } from '@preact/signals';
import type { HistoryTask } from '../../../clients/typescript/index.ts';
import { isApiError } from '../api/error.ts';
import { client } from '../api/session.ts';
import { t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { fail, tell } from '../ui/toast.tsx';

interface Watched {
  bucket: string;
  task: HistoryTask;
  onEnd: (() => void) | undefined;
}

const watched = signal<Watched[]>([]);
const ASK_EVERY_MS = 1_000;

/** Shows a restore or purge that goes on in the gateway until it ends, whichever page is looked at. */
export function watchTask(bucket: string, task: HistoryTask, onEnd?: () => void): void {
  if (watched.value.some((one) => one.bucket === bucket && one.task.id === task.id)) return;
  watched.value = [...watched.value, { bucket, task, onEnd }];
  setTimeout(() => void look(bucket, task.id), ASK_EVERY_MS);
}

/** Goes on with those that were begun before the page was loaded, or elsewhere. */
export async function findTasks(bucket: string, onEnd: () => void): Promise<void> {
  const { tasks } = await client.call('ListHistoryTasks', { path: { bucket } });
  for (const task of tasks) if (goesOn(task)) watchTask(bucket, task, onEnd);
}

async function look(bucket: string, id: number): Promise<void> {
  const one = watched.value.find((other) => other.bucket === bucket && other.task.id === id);
  if (one === undefined) return;
  try {
    const { tasks } = await client.call('ListHistoryTasks', { path: { bucket } });
    const task = tasks.find((other) => other.id === id);
    if (task !== undefined && goesOn(task)) {
      watched.value = watched.value.map((other) => (other === one ? { ...one, task } : other));
    } else {
      watched.value = watched.value.filter((other) => other !== one);
      if (task !== undefined) sayEnd(task);
      one.onEnd?.();
      return;
    }
  } catch (error) {
    // Of a folder in another's bucket its progress is not told.
    if (isApiError(error, 'access_denied', 'bucket_not_found')) {
      watched.value = watched.value.filter((other) => other !== one);
      tell(t('history.goesOn'));
      one.onEnd?.();
      return;
    }
    // The gateway is away or restarting; the task goes on when it does.
  }
  setTimeout(() => void look(bucket, id), ASK_EVERY_MS);
}

function goesOn({ state }: HistoryTask): boolean {
  return state === 'waiting' || state === 'running';
}

function sayEnd({ kind, state, counts, message }: HistoryTask): void {
  if (state === 'failed') fail(message ?? t('error.unknown'));
  else if (state === 'cancelled') tell(t('history.stopped', { count: countOf(counts) }));
  else tell(t(kind === 'purge' ? 'trash.purged' : 'history.restored', { count: countOf(counts) }));
}

function countOf(counts: Record<string, number>): number {
  return counts.restored ?? counts.versions ?? 0;
}

export function HistoryTasks() {
  if (watched.value.length === 0) return null;
  return (
    <div class="works" role="status">
      {watched.value.map(({ bucket, task }) => (
        <div class="work" key={`${bucket} ${task.id}`}>
          <span>{t(task.kind === 'purge' ? 'trash.purging' : 'history.restoring', { count: countOf(task.counts) })}</span>
          <progress aria-label={t(task.kind === 'purge' ? 'trash.purge' : 'history.restore')} />
          <Button
            kind="quiet"
            onClick={() =>
              void client
                .call('CancelHistoryTask', { path: { bucket, id: String(task.id) } })
                .catch((error: unknown) => fail(error))
            }
          >
            {t('cancel')}
          </Button>
        </div>
      ))}
    </div>
  );
}
