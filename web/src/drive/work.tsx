import { signal } from '@preact/signals';
import { t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';

interface Work {
  id: number;
  title: string;
  done: number;
  total: number;
  cancelled: boolean;
}

const works = signal<Work[]>([]);

export interface RunningWork {
  step(): void;
  cancelled(): boolean;
  end(): void;
}

/** Something that takes many requests; it shows how far it is, and can be stopped between two of them. */
export function startWork(title: string, total: number): RunningWork {
  const id = (works.value.at(-1)?.id ?? 0) + 1;
  works.value = [...works.value, { id, title, done: 0, total, cancelled: false }];
  const change = (by: (work: Work) => Partial<Work>): void => {
    works.value = works.value.map((work) => (work.id === id ? { ...work, ...by(work) } : work));
  };
  return {
    step: () => change(({ done }) => ({ done: done + 1 })),
    cancelled: () => works.value.find((work) => work.id === id)?.cancelled ?? true,
    end: () => {
      works.value = works.value.filter((work) => work.id !== id);
    },
  };
}

export function Works() {
  const seen = works.value.filter(({ total }) => total > 1);
  if (seen.length === 0) return null;
  return (
    <div class="works" role="status">
      {seen.map(({ id, title, done, total }) => (
        <div class="work" key={id}>
          <span>{title}</span>
          <progress value={done} max={total} aria-label={title} />
          <Button
            kind="quiet"
            onClick={() => {
              works.value = works.value.map((work) => (work.id === id ? { ...work, cancelled: true } : work));
            }}
          >
            {t('cancel')}
          </Button>
        </div>
      ))}
    </div>
  );
}
