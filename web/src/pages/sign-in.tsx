import { Eye, EyeOff, KeyRound, LogIn } from 'lucide';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isApiError } from '../api/error.ts';
import { client, session, setupWaiting, signIn } from '../api/session.ts';
import { t } from '../i18n/index.ts';
import { passkeysPossible, signInByPasskey } from '../passkey.ts';
import { BeginSetup } from '../setup/begin.tsx';
import { Button, IconButton, Submit } from '../ui/button.tsx';
import { Logo } from '../ui/logo.tsx';
import { said } from '../ui/said.ts';
import { useWait } from '../ui/wait.ts';

/** Name and password, then the second factor where the gateway asks for one. */
export function SignIn() {
  const [named, setNamed] = useState(false);
  return setupWaiting.value && !named ? <BeginSetup onName={() => setNamed(true)} /> : <ByName />;
}

function ByName() {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [otp, setOtp] = useState('');
  const [step, setStep] = useState<'password' | 'otp'>('password');
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const wait = useWait();
  const [wrong, setWrong] = useState<string | null>(null);
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => {
    form.current?.querySelector('input')?.focus();
  }, [step]);
  const [provider, setProvider] = useState<{ name: string; begin: string } | null>(null);
  useEffect(() => {
    client.call('SingleSignOn', {}).then(
      (found) => setProvider(found.provider),
      () => undefined, // a gateway that cannot say so has none
    );
  }, []);
  const reason = session.value.kind === 'out' ? session.value.reason : null;

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    // Enter sends a form whose button is not to be pressed.
    if (wait.left > 0) return;
    if (user === '' || password === '') return setWrong(t('signIn.both'));
    setBusy(true);
    setWrong(null);
    try {
      await signIn(user, password, step === 'otp' ? otp.replaceAll(' ', '') : undefined);
    } catch (error) {
      setBusy(false);
      if (wait.begin(error)) return;
      if (isApiError(error, 'second_factor_required')) {
        setStep('otp');
        if (step === 'otp') setWrong(t('signIn.otpWrong'));
      } else
        setWrong(isApiError(error, 'unauthenticated') ? t(step === 'otp' ? 'signIn.otpWrong' : 'signIn.wrong') : said(error));
    }
  };

  const byPasskey = async (): Promise<void> => {
    setWrong(null);
    try {
      await signInByPasskey();
    } catch (error) {
      if (wait.begin(error)) return;
      // Whoever closes the browser's own question has said no, and knows it.
      if (!(error instanceof DOMException)) setWrong(isApiError(error, 'unauthenticated') ? t('passkey.unknown') : said(error));
    }
  };

  return (
    <main class="sign-in">
      <form ref={form} class="card" onSubmit={(event) => void submit(event)} noValidate>
        <Logo />
        <h1>{step === 'otp' ? t('signIn.otpTitle') : t('signIn.title')}</h1>
        {reason === 'ended' && wrong === null && <p class="note">{t('signIn.ended')}</p>}
        {step === 'password' ? (
          <>
            <label class="field" for={`${id}-user`}>
              <span>{t('signIn.user')}</span>
              <input
                id={`${id}-user`}
                name="username"
                autocomplete="username"
                autocapitalize="off"
                spellcheck={false}
                value={user}
                onInput={(event) => setUser(event.currentTarget.value)}
              />
            </label>
            <div class="field">
              <label for={`${id}-password`}>{t('signIn.password')}</label>
              <span class="with-button">
                <input
                  id={`${id}-password`}
                  name="password"
                  {...(shown ? { type: 'text' as const } : { type: 'password' as const })}
                  autocomplete="current-password"
                  value={password}
                  onInput={(event) => setPassword(event.currentTarget.value)}
                />
                <IconButton
                  icon={shown ? EyeOff : Eye}
                  label={shown ? t('signIn.hide') : t('signIn.show')}
                  onClick={() => setShown(!shown)}
                />
              </span>
            </div>
          </>
        ) : (
          <label class="field" for={`${id}-otp`}>
            <span>{t('signIn.otp')}</span>
            <input
              id={`${id}-otp`}
              name="otp"
              inputMode="numeric"
              autocomplete="one-time-code"
              value={otp}
              onInput={(event) => setOtp(event.currentTarget.value)}
            />
          </label>
        )}
        <Submit wrong={wrong} busy={busy} wait={wait.left}>
          {t('signIn.action')}
        </Submit>
        {step === 'password' && passkeysPossible() && (
          <Button icon={KeyRound} class="full" onClick={() => void byPasskey()}>
            {t('passkey.signIn')}
          </Button>
        )}
        {step === 'password' && provider !== null && (
          <Button icon={LogIn} class="full" onClick={() => location.assign(provider.begin)}>
            {t('signIn.provider', { name: provider.name })}
          </Button>
        )}
        {step === 'otp' ? (
          <button type="button" class="link" onClick={() => setStep('password')}>
            {t('back')}
          </button>
        ) : (
          <p class="muted small">{t('signIn.help')}</p>
        )}
      </form>
    </main>
  );
}
