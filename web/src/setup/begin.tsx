import { useId, useState } from 'preact/hooks';
import { isApiError } from '../api/error.ts';
import { client, enter, signIn } from '../api/session.ts';
import { t } from '../i18n/index.ts';
import { Submit } from '../ui/button.tsx';
import { Logo } from '../ui/logo.tsx';
import { said } from '../ui/said.ts';
import { useWait } from '../ui/wait.ts';

const FIRST_ADMIN = 'admin';
/** 24 bytes, base64url. */
const TOKEN = /^[\w-]{32}$/;

/** The greeting of a gateway that nobody has signed in to: one field for what the terminal printed. */
export function BeginSetup({ onName }: { onName: () => void }) {
  const [secret, setSecret] = useState('');
  const [busy, setBusy] = useState(false);
  const wait = useWait();
  const [wrong, setWrong] = useState<string | null>(null);
  const id = useId();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (wait.left > 0) return;
    const text = secret.trim();
    if (text === '') return setWrong(t('required'));
    setBusy(true);
    setWrong(null);
    try {
      await open(text);
    } catch (error) {
      setBusy(false);
      if (wait.begin(error)) return;
      setWrong(isApiError(error, 'unauthenticated') ? t('setup.wrong') : said(error));
    }
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={(event) => void submit(event)} noValidate>
        <Logo />
        <h1>{t('setup.title')}</h1>
        <p class="muted">{t('setup.begin')}</p>
        <label class="field" for={id}>
          <span>{t('setup.secret')}</span>
          <input
            id={id}
            name="secret"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            autofocus
            value={secret}
            onInput={(event) => setSecret(event.currentTarget.value)}
          />
        </label>
        <Submit wrong={wrong} busy={busy} wait={wait.left}>
          {t('setup.open')}
        </Submit>
        <button type="button" class="link" onClick={onName}>
          {t('setup.byName')}
        </button>
      </form>
    </main>
  );
}

/** A password that somebody chose for the first start may look like a token. */
async function open(secret: string): Promise<void> {
  if (!TOKEN.test(secret)) return signIn(FIRST_ADMIN, secret);
  try {
    client.session.adopt(
      await client.call('BeginSetup', { body: { token: secret }, headers: { 'X-CloudStore-Session': 'cookie' } }),
    );
  } catch (error) {
    if (!isApiError(error, 'unauthenticated')) throw error;
    return signIn(FIRST_ADMIN, secret);
  }
  await enter();
}
