import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { Button, Waiting } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { said } from './said.ts';
import { useWait } from './wait.ts';
import { Wrong } from './wrong.tsx';

export interface Choice {
  value: string;
  label: string;
  /** It belongs to the choice before it, and stands below it. */
  part?: boolean;
}

export interface FormField {
  name: string;
  label: string;
  /** `checks`: several of the choices, told as their values with spaces between. */
  kind?: 'text' | 'password' | 'number' | 'date' | 'time' | 'select' | 'check' | 'checks' | 'lines';
  initial?: string;
  choices?: Choice[];
  hint?: string;
  optional?: boolean;
  /** Shown only as long as the others stand so; what stands in it is told all the same. */
  when?: (values: Record<string, string>) => boolean;
}

interface FormQuestion<T> {
  title: string;
  text?: ComponentChildren;
  fields: FormField[];
  action: string;
  /** Done while the form is open, which stays and tells when it fails. */
  act: (values: Record<string, string>) => Promise<T>;
}

interface Wanted {
  question: FormQuestion<unknown>;
  answer: (value: unknown) => void;
}

const wanted = signal<Wanted | null>(null);

/** A small form in a dialog. null: cancelled; else what `act` gave. */
export function askForm<T>(question: FormQuestion<T>): Promise<T | null> {
  return new Promise((resolve) => {
    wanted.value = {
      question,
      answer: (value) => {
        wanted.value = null;
        resolve(value as T | null);
      },
    };
  });
}

export function Forms() {
  return wanted.value === null ? null : <Form key={wanted.value.question.title} {...wanted.value} />;
}

function Form({ question, answer }: Wanted) {
  const [values, setValues] = useState<Record<string, string>>(
    Object.fromEntries(question.fields.map(({ name, initial }) => [name, initial ?? ''])),
  );
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const wait = useWait();
  const shown = question.fields.filter(({ when }) => when === undefined || when(values));
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (wait.left > 0) return;
    const empty = shown.find(({ name, kind, optional }) => optional !== true && kind !== 'check' && values[name] === '');
    if (empty !== undefined) return setWrong(t('requiredOf', { name: empty.label }));
    setBusy(true);
    try {
      answer((await question.act(values)) ?? true);
    } catch (error) {
      if (!wait.begin(error)) setWrong(said(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={question.title} onClose={() => answer(null)}>
      <form class="form" onSubmit={(event) => void submit(event)} noValidate>
        {question.text !== undefined && <div class="dialog-text">{question.text}</div>}
        {shown.map((field, index) => (
          <Field
            key={field.name}
            field={field}
            first={index === 0}
            value={values[field.name] ?? ''}
            set={(value) => {
              setValues((before) => ({ ...before, [field.name]: value }));
              setWrong(null);
            }}
          />
        ))}
        {wait.left > 0 ? <Waiting seconds={wait.left} /> : <Wrong text={wrong} />}
        <footer class="dialog-actions">
          <Button onClick={() => answer(null)}>{t('cancel')}</Button>
          <Button kind="primary" type="submit" busy={busy} disabled={wait.left > 0}>
            {question.action}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

function Field({ field, value, set, first }: { field: FormField; value: string; set: (value: string) => void; first: boolean }) {
  const id = useId();
  const { kind = 'text', label, hint, choices = [] } = field;
  const shared = {
    id,
    'aria-describedby': hint === undefined ? undefined : `${id}-hint`,
    ...(first ? { 'data-autofocus': true } : {}),
  };
  if (kind === 'checks') return <Checks field={field} value={value} set={set} id={id} />;
  const type = ['password', 'number', 'date', 'time'].includes(kind) ? kind : 'text';
  if (kind === 'check')
    return (
      <label class="tick">
        <input type="checkbox" checked={value === 'yes'} onChange={(event) => set(event.currentTarget.checked ? 'yes' : '')} />{' '}
        {label}
      </label>
    );
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {kind === 'select' ? (
        <select {...shared} value={value} onChange={(event) => set(event.currentTarget.value)}>
          {choices.map((choice) => (
            <option key={choice.value} value={choice.value}>
              {choice.label}
            </option>
          ))}
        </select>
      ) : kind === 'lines' ? (
        <textarea {...shared} value={value} spellcheck={false} onInput={(event) => set(event.currentTarget.value)} />
      ) : (
        <input
          {...shared}
          {...({ type } as { type: 'text' })}
          value={value}
          autocomplete={kind === 'password' ? 'new-password' : 'off'}
          spellcheck={false}
          onInput={(event) => set(event.currentTarget.value)}
        />
      )}
      {hint !== undefined && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

/** What is chosen and is none of the choices stays, and can be taken away. */
function Checks({ field, value, set, id }: { field: FormField; value: string; set: (value: string) => void; id: string }) {
  const { label, hint, choices = [], initial = '' } = field;
  const chosen = wordsOf(value);
  const others = wordsOf(initial).filter((one) => !choices.some((choice) => choice.value === one));
  const all: Choice[] = [...choices, ...others.map((one) => ({ value: one, label: one }))];
  return (
    <fieldset class="checks" aria-describedby={hint === undefined ? undefined : `${id}-hint`}>
      <legend>{label}</legend>
      <div class="checks-all">
        {all.map((choice) => (
          <label key={choice.value} class={choice.part === true ? 'tick part' : 'tick'}>
            <input
              type="checkbox"
              checked={chosen.includes(choice.value)}
              onChange={(event) =>
                set(
                  (event.currentTarget.checked ? [...chosen, choice.value] : chosen.filter((one) => one !== choice.value)).join(
                    ' ',
                  ),
                )
              }
            />{' '}
            {choice.label}
          </label>
        ))}
      </div>
      {hint !== undefined && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
    </fieldset>
  );
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((one) => one !== '');
}
