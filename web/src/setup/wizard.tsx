import { Cable, CircleCheck, Upload } from 'lucide';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Settings } from '../../../clients/typescript/index.ts';
import { gigabytes } from '../admin/quota.ts';
import { client, session, setupWaiting } from '../api/session.ts';
import { bytes, t } from '../i18n/index.ts';
import { confirmIdentity } from '../pages/confirm-identity.ts';
import { addPasskey, passkeysPossible } from '../passkey.ts';
import { driveHref, go, href } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { CopyField } from '../ui/copy-field.tsx';
import { Icon } from '../ui/icon.tsx';
import { type Loaded, useLoad } from '../ui/load.ts';
import { Logo } from '../ui/logo.tsx';
import { Show } from '../ui/page.tsx';
import { said } from '../ui/said.ts';
import { tellSecrets } from '../ui/secret.tsx';
import { fail } from '../ui/toast.tsx';
import { Hint, Wrong } from '../ui/wrong.tsx';

const PASSWORD_CHARS_MIN = 8;
const STEPS = 4;

/** Four screens that nobody needs: each can be skipped, and all of them left. */
export function Wizard() {
  const [step, setStep] = useState(1);
  const [owned, setOwned] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const settings = useLoad(() => client.call('Settings', {}), []);
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => heading.current?.focus(), [step]);
  const name = session.value.kind === 'in' ? session.value.me.name : '';
  const next = (): void => setStep(step + 1);
  const leave = async (to?: string): Promise<void> => {
    setLeaving(true);
    try {
      await client.call('EndSetup', {});
      setupWaiting.value = false;
      if (to !== undefined) go(to);
    } catch (error) {
      setLeaving(false);
      fail(error);
    }
  };
  const screens: Record<number, { title: string; body: ComponentChildren }> = {
    1: { title: t('setup.passwordTitle'), body: <Own name={name} owned={owned} onOwned={() => setOwned(true)} next={next} /> },
    2: { title: t('setup.dataTitle'), body: <Data name={name} settings={settings} next={next} /> },
    3: { title: t('setup.reachTitle'), body: <Reach settings={settings} next={next} /> },
    4: { title: t('setup.connectTitle'), body: <Connect leave={leave} /> },
  };
  const screen = screens[step];
  useEffect(() => {
    document.title = `${screen?.title} – CloudStore`;
  }, [screen?.title]);
  return (
    <main class="sign-in wizard">
      <div class="card">
        <header class="row">
          <Logo />
          <span class="grow" />
          <span class="muted small">{t('setup.step', { step, count: STEPS })}</span>
        </header>
        <progress class="wizard-progress" value={step} max={STEPS} aria-label={t('setup.step', { step, count: STEPS })} />
        <h1 ref={heading} tabIndex={-1}>
          {screen?.title}
        </h1>
        {screen?.body}
        <footer class="row wizard-foot">
          {step > 1 && <Button onClick={() => setStep(step - 1)}>{t('back')}</Button>}
          <span class="grow" />
          <button type="button" class="link" disabled={leaving} onClick={() => void leave()}>
            {step === STEPS ? t('setup.finish') : t('setup.leave')}
          </button>
        </footer>
      </div>
    </main>
  );
}

function Own({ name, owned, onOwned, next }: { name: string; owned: boolean; onOwned: () => void; next: () => void }) {
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  const done = (): void => {
    onOwned();
    next();
  };
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    if ([...password].length < PASSWORD_CHARS_MIN) return setWrong(t('setup.enough'));
    if (password !== again) return setWrong(t('account.differ'));
    setBusy(true);
    try {
      await client.call('ChooseFirstPassword', { body: { password } });
      done();
    } catch (error) {
      setBusy(false);
      setWrong(said(error));
    }
  };
  const passkey = async (): Promise<void> => {
    // Whoever has looked around for ten minutes is asked once more who it is, as everywhere.
    if (!(await confirmIdentity())) return;
    try {
      const { recoveryCodes } = await addPasskey(t('passkey.this'));
      if (recoveryCodes.length > 0) await tellSecrets(t('factor.codes'), { [t('factor.codesText')]: recoveryCodes.join('\n') });
      done();
    } catch (error) {
      if (!(error instanceof DOMException)) setWrong(said(error));
    }
  };
  if (owned)
    return (
      <>
        <p class="note row">
          <Icon of={CircleCheck} class="good" /> {t('setup.chosen', { name })}
        </p>
        <Button kind="primary" onClick={next}>
          {t('setup.next')}
        </Button>
      </>
    );
  return (
    <form class="form" onSubmit={(event) => void save(event)} noValidate>
      <p class="muted">{t('setup.passwordText', { name })}</p>
      <input type="hidden" autocomplete="username" value={name} />
      <label class="field" for={`${id}-password`}>
        <span>{t('setup.password')}</span>
        <input
          id={`${id}-password`}
          name="password"
          type="password"
          autocomplete="new-password"
          value={password}
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
      </label>
      <label class="field" for={`${id}-again`}>
        <span>{t('setup.again')}</span>
        <input
          id={`${id}-again`}
          name="again"
          type="password"
          autocomplete="new-password"
          value={again}
          onInput={(event) => setAgain(event.currentTarget.value)}
        />
      </label>
      <Wrong text={wrong} />
      <div class="row">
        <Button kind="primary" type="submit" busy={busy}>
          {t('save')}
        </Button>
        {passkeysPossible() && <Button onClick={() => void passkey()}>{t('setup.passkey')}</Button>}
        <Button kind="quiet" onClick={next}>
          {t('setup.skip')}
        </Button>
      </div>
    </form>
  );
}

function settingOf({ settings }: Settings, name: string): string | null {
  const value = settings.find((one) => one.name === name)?.value;
  return value == null || value === '' ? null : String(value);
}

/** Lines for the settings file, where only a restart can change something. */
function Lines({ file, lines }: { file: string; lines: string[] }) {
  return (
    <div class="form">
      <p class="muted small wrap">{t('setup.later', { file })}</p>
      <CopyField text={lines.join('\n')} block />
    </div>
  );
}

function Data({ name, settings, next }: { name: string; settings: Loaded<Settings>; next: () => void }) {
  const stats = useLoad(() => client.call('Stats', {}), []);
  const [limit, setLimit] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    const quotaBytes = gigabytes(limit);
    if (limit.trim() !== '' && quotaBytes === null) return setWrong(t('setup.limit'));
    if (quotaBytes === null) return next();
    setBusy(true);
    try {
      await client.call('UpdateUser', { path: { name }, body: { quotaBytes } });
      next();
    } catch (error) {
      setBusy(false);
      setWrong(said(error));
    }
  };
  const disk = stats.data?.disk;
  return (
    <Show of={settings} rows={3}>
      {(data) => (
        <form class="form" onSubmit={(event) => void save(event)} noValidate>
          <p class="muted">{t('setup.dataText')}</p>
          <div class="field">
            <span>{t('setup.folder')}</span>
            <CopyField text={settingOf(data, 'data-dir') ?? ''} block />
            {disk?.freeBytes != null && (
              <p class="hint">{t('setup.free', { size: bytes(disk.freeBytes), reserve: bytes(disk.minFreeBytes ?? 0) })}</p>
            )}
          </div>
          <label class="field" for={id}>
            <span>{t('setup.limit')}</span>
            <input
              id={id}
              name="limit"
              inputMode="decimal"
              autocomplete="off"
              value={limit}
              aria-describedby={`${id}-hint`}
              onInput={(event) => setLimit(event.currentTarget.value)}
            />
          </label>
          <Hint id={`${id}-hint`} hint={t('setup.limitHint')} wrong={wrong} />
          <details>
            <summary>{t('setup.moreDisks')}</summary>
            <div class="form details-body">
              <Lines file={data.file} lines={['data-dir: /path/to/folder']} />
              <p class="muted small">{t('setup.moreText')}</p>
              <CopyField text="pack-dirs: /path/to/disk2,/path/to/disk3" block />
            </div>
          </details>
          <div class="row">
            <Button kind="primary" type="submit" busy={busy}>
              {t('setup.next')}
            </Button>
          </div>
        </form>
      )}
    </Show>
  );
}

type Reachable = 'pc' | 'lan' | 'domain';

const LINES: Record<Reachable, string[]> = {
  pc: ['host: 127.0.0.1', 'lan: off'],
  lan: ['lan: on'],
  domain: ['public-url: https://cloud.example.org', 'trusted-proxies: 127.0.0.1'],
};

/** What holds now, as far as the settings tell. */
function reachableNow(settings: Settings): Reachable {
  if (settingOf(settings, 'public-url') !== null) return 'domain';
  const host = settingOf(settings, 'host') ?? '';
  return settingOf(settings, 'lan') === 'on' || !/^(127\.|::1$|localhost$)/.test(host) ? 'lan' : 'pc';
}

function Reach({ settings, next }: { settings: Loaded<Settings>; next: () => void }) {
  const [chosen, setChosen] = useState<Reachable | null>(null);
  return (
    <Show of={settings} rows={3}>
      {(data) => {
        const now = reachableNow(data);
        const shown = chosen ?? now;
        return (
          <div class="form">
            <p class="muted">{t('setup.reachText')}</p>
            <fieldset class="choices">
              <legend class="sr-only">{t('setup.reachTitle')}</legend>
              {(['pc', 'lan', 'domain'] as const).map((one) => (
                <label key={one} class="choice">
                  <input type="radio" name="reach" checked={shown === one} onChange={() => setChosen(one)} />
                  <span>
                    <strong>{t(`setup.${one}`)}</strong> {one === now && <span class="badge good">{t('setup.now')}</span>}
                    <br />
                    <span class="muted small">{t(`setup.${one}Text`)}</span>
                  </span>
                </label>
              ))}
            </fieldset>
            {shown !== now && <Lines file={data.file} lines={LINES[shown]} />}
            <div class="row">
              <Button kind="primary" onClick={next}>
                {t('setup.next')}
              </Button>
            </div>
          </div>
        );
      }}
    </Show>
  );
}

function Connect({ leave }: { leave: (to?: string) => Promise<void> }) {
  return (
    <div class="form">
      <p class="muted">{t('setup.connectText')}</p>
      <button type="button" class="choice" onClick={() => void leave(href('connect'))}>
        <Icon of={Cable} size={22} />
        <span>
          <strong>{t('setup.connectTitle')}</strong>
          <br />
          <span class="muted small">{t('setup.connectWhy')}</span>
        </span>
      </button>
      <button type="button" class="choice" onClick={() => void leave(driveHref('home'))}>
        <Icon of={Upload} size={22} />
        <span>
          <strong>{t('setup.drive')}</strong>
          <br />
          <span class="muted small">{t('setup.driveText')}</span>
        </span>
      </button>
    </div>
  );
}
