import { signal } from '@preact/signals';
import { CircleAlert, CircleCheck, X } from 'lucide';
import { t } from '../i18n/index.ts';
import { IconButton } from './button.tsx';
import { Icon } from './icon.tsx';
import { said } from './said.ts';

interface Toast {
  id: number;
  text: string;
  kind: 'done' | 'failed';
  action?: { label: string; act: () => void; undoes?: boolean } | undefined;
}

const toasts = signal<Toast[]>([]);
const SHOWN_MS = 6_000;

/** Says that something is done. It goes by itself. */
export function tell(text: string, action?: Toast['action']): void {
  const toast = add({ text, kind: 'done', action });
  setTimeout(() => dismiss(toast.id), action === undefined ? SHOWN_MS : 2 * SHOWN_MS);
}

/** Says that something failed, in a sentence of the caller's or by what was thrown. It stays until it is dismissed. */
export function fail(error: unknown): void {
  add({ text: typeof error === 'string' ? error : said(error), kind: 'failed' });
}

function add(toast: Omit<Toast, 'id'>): Toast {
  const id = (toasts.value.at(-1)?.id ?? 0) + 1;
  const added = { ...toast, id };
  toasts.value = [...toasts.value.filter(({ text, kind }) => text !== toast.text || kind !== toast.kind), added].slice(-4);
  return added;
}

/** Acts on what the latest message offers, as a press of its button would: what was deleted comes back. */
export function undoLast(): void {
  const last = toasts.value.findLast(({ action }) => action?.undoes === true);
  if (last === undefined) return;
  dismiss(last.id);
  last.action?.act();
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" aria-live="polite">
      {toasts.value.map(({ id, text, kind, action }) => (
        <div key={id} class={`toast ${kind}`} role={kind === 'failed' ? 'alert' : 'status'}>
          <Icon of={kind === 'failed' ? CircleAlert : CircleCheck} />
          <span>{text}</span>
          {action !== undefined && (
            <button
              type="button"
              class="link"
              onClick={() => {
                dismiss(id);
                action.act();
              }}
            >
              {action.label}
            </button>
          )}
          <IconButton icon={X} label={t('dismiss')} size={15} onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
