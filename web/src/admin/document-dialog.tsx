import { signal } from '@preact/signals';
import { useId, useState } from 'preact/hooks';
import { isApiError } from '../api/error.ts';
import { client } from '../api/session.ts';
import { t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { GatewaySays } from '../ui/gateway-says.tsx';
import { said } from '../ui/said.ts';
import type { Json } from './json.ts';

interface Wanted {
  bucket: string;
  name: string;
  title: string;
  text: string;
  /** See Seen. */
  still: Record<string, string>;
  answer: (changed: boolean) => void;
}

const wanted = signal<Wanted | null>(null);

/** One document as text, which the gateway checks; what it says is wrong is shown where it is. True: it was put. */
export function editDocument(question: Omit<Wanted, 'answer' | 'text'> & { document: Json }): Promise<boolean> {
  return new Promise((resolve) => {
    wanted.value = {
      ...question,
      text: JSON.stringify(question.document, null, 2),
      answer(changed) {
        wanted.value = null;
        resolve(changed);
      },
    };
  });
}

export function DocumentEditor() {
  return wanted.value === null ? null : <Editor key={wanted.value.title} {...wanted.value} />;
}

interface Wrong {
  text: string;
  places: { field: string; message: string }[];
}

function Editor({ bucket, name, title, text: initial, still: headers, answer }: Wanted) {
  const [text, setText] = useState(initial);
  const [wrong, setWrong] = useState<Wrong | null>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    const parsed = parse(text);
    if ('wrong' in parsed) return setWrong(parsed.wrong);
    setBusy(true);
    try {
      await client.call('PutBucketDocument', { path: { bucket, document: name }, body: parsed.document, headers });
      answer(true);
    } catch (error) {
      setBusy(false);
      setWrong(wrongOf(error));
    }
  };
  return (
    <Dialog title={title} onClose={() => answer(false)} wide>
      <form class="form" onSubmit={(event) => void save(event)} noValidate>
        <p class="muted small">{t('document.text')}</p>
        <label class="sr-only" for={id}>
          {title}
        </label>
        <textarea
          id={id}
          class="code-field"
          data-autofocus
          rows={18}
          spellcheck={false}
          value={text}
          aria-invalid={wrong !== null}
          aria-describedby={`${id}-wrong`}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setWrong(null);
          }}
        />
        <div id={`${id}-wrong`}>
          {wrong !== null && (
            <div class="hint wrong" role="alert">
              <p>{wrong.text}</p>
              {wrong.places.length > 0 && (
                <ul>
                  {wrong.places.map(({ field, message }) => (
                    <li key={field}>
                      <code>{field}</code>: <GatewaySays text={message} />
                    </li>
                  ))}
                </ul>
              )}
            </div>
          )}
        </div>
        <footer class="dialog-actions">
          <Button onClick={() => answer(false)}>{t('cancel')}</Button>
          <Button kind="primary" type="submit" busy={busy}>
            {t('save')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

function parse(text: string): { document: Json } | { wrong: Wrong } {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === 'object' && document !== null && !Array.isArray(document)) return { document: document as Json };
    return { wrong: { text: t('document.notObject'), places: [] } };
  } catch (error) {
    return { wrong: { text: t('document.notJson', { why: error instanceof Error ? error.message : '' }), places: [] } };
  }
}

function wrongOf(error: unknown): Wrong {
  const fields = isApiError(error) ? error.details.fields : undefined;
  const places = Array.isArray(fields) ? (fields as Wrong['places']) : [];
  const [only] = places;
  // A sentence that is no more than the one place is said by that.
  const whole = only !== undefined && isApiError(error) && error.message === `${only.field} ${only.message}.`;
  return { text: whole ? t('document.doesNotFit') : said(error), places };
}
