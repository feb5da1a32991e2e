import { signal } from '@preact/signals';
import { useId, useState } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { said } from './said.ts';
import { Hint } from './wrong.tsx';

interface Wanted {
  title: string;
  label: string;
  hint?: string;
  action: string;
  initial?: string;
  /** A sentence on what is wrong with it, or null. */
  check?: (text: string) => string | null;
  /** Done while the question is open, which stays and tells when it fails. */
  act: (text: string) => Promise<unknown>;
}

const wanted = signal<{ question: Wanted; answer: (text: string | null) => void } | null>(null);

/** Asks for one line of text and acts on it. null: cancelled. */
export function askText(question: Wanted): Promise<string | null> {
  return new Promise((resolve) => {
    wanted.value = {
      question,
      answer: (text) => {
        wanted.value = null;
        resolve(text);
      },
    };
  });
}

export function TextQuestions() {
  return wanted.value === null ? null : <TextQuestion {...wanted.value} />;
}

function TextQuestion({ question, answer }: { question: Wanted; answer: (text: string | null) => void }) {
  const [text, setText] = useState(question.initial ?? '');
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const refused = text === '' ? t('required') : (question.check?.(text) ?? null);
    if (refused !== null) return setWrong(refused);
    setBusy(true);
    try {
      await question.act(text);
      answer(text);
    } catch (error) {
      setWrong(said(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={question.title} onClose={() => answer(null)}>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <label class="field" for={id}>
          <span>{question.label}</span>
          <input
            id={id}
            data-autofocus
            type="text"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            value={text}
            aria-invalid={wrong !== null}
            aria-describedby={`${id}-hint`}
            onInput={(event) => {
              setText(event.currentTarget.value);
              setWrong(null);
            }}
          />
        </label>
        <Hint id={`${id}-hint`} hint={question.hint ?? ''} wrong={wrong} />
        <footer class="dialog-actions">
          <Button onClick={() => answer(null)}>{t('cancel')}</Button>
          <Button kind="primary" type="submit" busy={busy}>
            {question.action}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
