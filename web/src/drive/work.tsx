import { signal } from '@preact/signals';
import { isApiError } from '../api/error.ts';
import { duration, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { tell } from '../ui/toast.tsx';

interface Work {
  id: number;
  title: string;
  done: number;
  total: number;
  stop: AbortController;
  /** One request may be over at once; what takes longer is shown. */
  shown: boolean;
  /** Seconds until the gateway takes the next request. */
  wait: number;
}

const works = signal<Work[]>([]);
const SHOWN_AFTER_MS = 400;
/** Where the gateway says nothing of it. */
const WAIT_SECONDS = 5;

export interface RunningWork {
  /** Cancelled: requests that are under way are called off by it. */
  signal: AbortSignal;
  step(): void;
  cancelled(): boolean;
  /** Asks, and asks again after the pause that the gateway wants. @throws what `ask` throws, and AbortError */
  ask<T>(ask: () => Promise<T>): Promise<T>;
  /** `done`: how many things are as they were to be, which is told where the rest was cancelled. */
  end(done?: number): void;
}

/** Something that may take long; it shows how far it is, and can be stopped. */
export function startWork(title: string, total: number): RunningWork {
  const id = (works.value.at(-1)?.id ?? 0) + 1;
  const stop = new AbortController();
  works.value = [...works.value, { id, title, done: 0, total, stop, shown: total > 1, wait: 0 }];
  const change = (by: (work: Work) => Partial<Work>): void => {
    works.value = works.value.map((work) => (work.id === id ? { ...work, ...by(work) } : work));
  };
  const timer = setTimeout(() => change(() => ({ shown: true })), SHOWN_AFTER_MS);
  return {
    signal: stop.signal,
    step: () => change(({ done }) => ({ done: done + 1 })),
    cancelled: () => stop.signal.aborted,
    async ask(ask) {
      for (;;) {
        try {
          return await ask();
        } catch (error) {
          if (!isApiError(error) || error.status !== 429) throw error;
          for (let wait = Math.ceil(error.retryAfterSeconds ?? WAIT_SECONDS); wait > 0; wait--) {
            change(() => ({ wait, shown: true }));
            await pause(1_000, stop.signal);
          }
          change(() => ({ wait: 0 }));
        }
      }
    },
    end(done = 0) {
      clearTimeout(timer);
      works.value = works.value.filter((work) => work.id !== id);
      if (stop.signal.aborted) tell(done === 0 ? t('work.cancelledNone') : t('work.cancelled', { count: done }));
    },
  };
}

/** @throws AbortError */
function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = (): void => reject(stop.reason);
    if (stop.aborted) return over();
    stop.addEventListener('abort', over, { once: true });
    setTimeout(() => {
      stop.removeEventListener('abort', over);
      resolve();
    }, ms);
  });
}

/** Whether something was called off by whoever asked for it, and so is no failure. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

export function Works() {
  const seen = works.value.filter(({ shown }) => shown);
  if (seen.length === 0) return null;
  return (
    <div class="works" role="status">
      {seen.map(({ id, title, done, total, stop, wait }) => (
        <div class="work" key={id}>
          <span class="work-title">
            {title}
            {wait > 0 && <span class="muted small"> {t('work.waits', { time: duration(wait) })}</span>}
          </span>
          <progress {...(total > 1 ? { value: done, max: total } : {})} aria-label={title} />
          <Button kind="quiet" onClick={() => stop.abort()}>
            {t('cancel')}
          </Button>
        </div>
      ))}
    </div>
  );
}
