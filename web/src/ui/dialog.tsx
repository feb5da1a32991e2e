import { signal } from '@preact/signals';
import { X } from 'lucide';
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { session } from '../api/session.ts';
import { t } from '../i18n/index.ts';
import { Button, IconButton } from './button.tsx';

interface DialogProps {
  title: string;
  children: ComponentChildren;
  onClose: () => void;
  wide?: boolean;
}

/**
 * The platform's own modal dialog: it holds the focus, gives it back, and closes with Escape; also with the place that it lies over, as on a phone's way back, and with
 * the session in which it was opened.
 */
export function Dialog({ title, children, onClose, wide = false }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>('[data-autofocus]')?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const closing = useRef(onClose);
  closing.current = onClose;
  // Before it is drawn: from then on it may be left.
  useLayoutEffect(() => {
    const place = location.hash;
    const signedIn = session.peek().kind === 'in';
    const moved = (): void => {
      if (location.hash !== place) closing.current();
    };
    addEventListener('hashchange', moved);
    const unsubscribe = session.subscribe(({ kind }) => {
      if (signedIn && kind === 'out') closing.current();
    });
    return () => {
      removeEventListener('hashchange', moved);
      unsubscribe();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={wide ? 'dialog wide' : 'dialog'}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => {
        // The second of a double click on what opened it is not beside it.
        if (event.target === ref.current && event.detail <= 1) onClose();
      }}
    >
      <div class="dialog-body">
        <header>
          <h2 id={id}>{title}</h2>
          <IconButton icon={X} label={t('close')} onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

interface Asked {
  title: string;
  body: ComponentChildren;
  choices: { value: string; label: string; kind?: 'primary' | 'danger' | 'plain' }[];
  wide?: boolean;
  /** A box to tick, whose state comes with the answer. */
  tick?: string;
  /** false: one of the choices says that nothing is to be done. */
  cancel?: boolean;
  answer: (value: string | null, ticked: boolean) => void;
}

const asked = signal<Asked[]>([]);

/** Asks once and waits. null: closed without an answer. */
export function ask(question: Omit<Asked, 'answer'>): Promise<{ value: string | null; ticked: boolean }> {
  return new Promise((resolve) => {
    const entry: Asked = {
      ...question,
      answer: (value, ticked) => {
        asked.value = asked.value.filter((one) => one !== entry);
        resolve({ value, ticked });
      },
    };
    asked.value = [...asked.value, entry];
  });
}

export async function confirm(title: string, body: ComponentChildren, action: string): Promise<boolean> {
  const { value } = await ask({ title, body, choices: [{ value: 'yes', label: action, kind: 'danger' }] });
  return value === 'yes';
}

/** Where questions are shown; the oldest first. */
export function Questions() {
  const question = asked.value[0];
  if (question === undefined) return null;
  return <Question key={question.title} question={question} />;
}

function Question({ question }: { question: Asked }) {
  const tick = useRef<HTMLInputElement>(null);
  const answer = (value: string | null): void => question.answer(value, tick.current?.checked ?? false);
  return (
    <Dialog title={question.title} onClose={() => answer(null)} wide={question.wide === true}>
      <div class="dialog-text">{question.body}</div>
      {question.tick !== undefined && (
        <label class="tick">
          <input type="checkbox" ref={tick} /> {question.tick}
        </label>
      )}
      <footer class="dialog-actions">
        {question.cancel !== false && (
          <Button onClick={() => answer(null)}>{t(question.choices.length === 0 ? 'close' : 'cancel')}</Button>
        )}
        {question.choices.map(({ value, label, kind }) => (
          <Button key={value} kind={kind ?? 'plain'} onClick={() => answer(value)}>
            {label}
          </Button>
        ))}
      </footer>
    </Dialog>
  );
}
