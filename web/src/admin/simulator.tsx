import { useState } from 'preact/hooks';
import type { ExplainQuestion, Explanation } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { fromGateway, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Section } from '../ui/page.tsx';
import { said } from '../ui/said.ts';
import { Wrong } from '../ui/wrong.tsx';
import { FIRST_ACTIONS, MORE_ACTIONS } from './actions.ts';

/** Who may do what here, and which rule says so: policy, lists, roles and blocks together, as every door decides. */
export function Simulator({ bucket }: { bucket: string }) {
  const [user, setUser] = useState('');
  const [action, setAction] = useState<ExplainQuestion['action']>('read');
  const [key, setKey] = useState('');
  const [address, setAddress] = useState('');
  const [answer, setAnswer] = useState<Explanation | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const ask = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setWrong(null);
    setAnswer(null);
    try {
      const body: ExplainQuestion = {
        user: user === '' ? null : user,
        action,
        bucket,
        key,
        ...(address === '' ? {} : { address }),
      };
      setAnswer(await client.call('ExplainAccess', { body }));
    } catch (error) {
      setWrong(said(error));
    }
    setBusy(false);
  };
  const changed = (set: (value: string) => void) => (event: { currentTarget: HTMLInputElement }) => {
    set(event.currentTarget.value);
    setAnswer(null);
  };
  return (
    <Section title={t('explain.title')}>
      <p class="muted">{t('explain.text')}</p>
      <form class="filters" onSubmit={(event) => void ask(event)} noValidate>
        <label class="field">
          <span>{t('explain.user')}</span>
          <input
            autocomplete="off"
            autocapitalize="off"
            value={user}
            placeholder={t('explain.nobody')}
            onInput={changed(setUser)}
          />
        </label>
        <label class="field">
          <span>{t('explain.action')}</span>
          <select
            value={action}
            onChange={(event) => {
              setAction(event.currentTarget.value as ExplainQuestion['action']);
              setAnswer(null);
            }}
          >
            {FIRST_ACTIONS.map(([one, label]) => (
              <option key={one} value={one}>
                {t(label)}
              </option>
            ))}
            <optgroup label={t('explain.more')}>
              {MORE_ACTIONS.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </optgroup>
          </select>
        </label>
        <label class="field">
          <span>{t('explain.key')}</span>
          <input autocomplete="off" autocapitalize="off" value={key} onInput={changed(setKey)} />
        </label>
        <label class="field">
          <span>{t('explain.address')}</span>
          <input autocomplete="off" value={address} placeholder="203.0.113.7" onInput={changed(setAddress)} />
        </label>
        <Button kind="primary" type="submit" busy={busy}>
          {t('explain.ask')}
        </Button>
      </form>
      <Wrong text={wrong} />
      {answer !== null && (
        <p class={`note ${answer.allowed ? 'health-ok' : 'bad'}`} role="status">
          <strong>{t(answer.allowed ? 'explain.yes' : 'explain.no')}</strong> {visible(fromGateway(answer.because))}
        </p>
      )}
    </Section>
  );
}
