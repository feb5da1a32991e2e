import { ShieldCheck, Trash2 } from 'lucide';
import { client, session } from '../api/session.ts';
import { ago, t } from '../i18n/index.ts';
import { addPasskey, passkeysPossible } from '../passkey.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { CopyField } from '../ui/copy-field.tsx';
import { confirm } from '../ui/dialog.tsx';
import { askForm } from '../ui/form.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Section, Show, Table } from '../ui/page.tsx';
import { QrCode } from '../ui/qr-code.tsx';
import { tellSecrets } from '../ui/secret.tsx';
import { fail, tell } from '../ui/toast.tsx';
import { confirmIdentity } from './confirm-identity.ts';
import { Credentials } from './credentials.tsx';
import { Sessions } from './sessions.tsx';

/** Password, second factors, sessions, and what programs sign in with. */
export function AccountPage() {
  const name = session.value.kind === 'in' ? session.value.me.name : '';
  return (
    <Page
      title={t('nav.account')}
      text={t('account.of', { name })}
      actions={
        <>
          <Provider />
          <Button onClick={() => void changePassword()}>{t('account.password')}</Button>
        </>
      }
    >
      <Factors />
      <Credentials />
      <Sessions />
    </Page>
  );
}

/** The account at the identity provider, where the gateway has one. */
function Provider() {
  const provider = useLoad(async () => (await client.call('SingleSignOn', {})).provider, []);
  const name = provider.data?.name;
  const linked = useLoad(async () => name !== undefined && (await client.call('LinkedOidc', {})).linked, [name]);
  if (name === undefined || linked.data === null) return null;
  const change = async (): Promise<void> => {
    if (!(await confirmIdentity())) return;
    try {
      if (linked.data !== true) return location.assign((await client.call('LinkOidc', {})).url);
      await client.call('UnlinkOidc', {});
      linked.reload();
    } catch (error) {
      fail(error);
    }
  };
  return <Button onClick={() => void change()}>{t(linked.data ? 'provider.unlink' : 'provider.link', { name })}</Button>;
}

async function changePassword(): Promise<void> {
  const done = await askForm({
    title: t('account.password'),
    text: t('account.passwordText'),
    action: t('save'),
    fields: [
      { name: 'current', label: t('account.current'), kind: 'password' },
      { name: 'password', label: t('account.new'), kind: 'password' },
      { name: 'again', label: t('account.again'), kind: 'password' },
    ],
    act: ({ current = '', password = '', again }) => {
      if (password !== again) throw new Error(t('account.differ'));
      return client.call('ChangePassword', { body: { current, password } });
    },
  });
  if (done !== null) tell(t('account.changed'));
}

function Factors() {
  const factors = useLoad(() => client.call('SecondFactors', {}), []);
  const passkeys = useLoad(async () => (await client.call('ListPasskeys', { query: {} })).passkeys, []);
  const reload = (): void => {
    factors.reload();
    passkeys.reload();
  };
  const tellCodes = (codes: string[]): Promise<void> | undefined =>
    codes.length === 0 ? undefined : tellSecrets(t('factor.codes'), { [t('factor.codesText')]: codes.join('\n') });
  const turnOn = async (): Promise<void> => {
    if (!(await confirmIdentity())) return;
    try {
      const { secret, uri } = await client.call('BeginTotp', {});
      const done = await askForm({
        title: t('factor.totp'),
        text: (
          <div class="form">
            <p>{t('factor.scan')}</p>
            <QrCode text={uri} label={t('factor.scan')} />
            <CopyField text={secret} block />
          </div>
        ),
        action: t('factor.turnOn'),
        fields: [{ name: 'code', label: t('factor.code') }],
        act: ({ code = '' }) => client.call('ConfirmTotp', { body: { code: code.replaceAll(' ', '') } }),
      });
      if (done !== null) await tellCodes(done.recoveryCodes);
      reload();
    } catch (error) {
      fail(error);
    }
  };
  const turnOff = async (): Promise<void> => {
    await askForm({
      title: t('factor.turnOff'),
      action: t('factor.turnOff'),
      fields: [{ name: 'code', label: t('signIn.otp') }],
      act: ({ code = '' }) => client.call('RemoveTotp', { body: { code } }),
    });
    reload();
  };
  const renewCodes = async (): Promise<void> => {
    const done = await askForm({
      title: t('factor.newCodes'),
      text: t('factor.newCodesText'),
      action: t('create'),
      fields: [{ name: 'code', label: t('signIn.otp') }],
      act: ({ code = '' }) => client.call('RenewRecoveryCodes', { body: { code: code.replaceAll(' ', '') } }),
    });
    if (done !== null) await tellCodes(done.recoveryCodes);
    reload();
  };
  const newPasskey = async (): Promise<void> => {
    if (!(await confirmIdentity())) return;
    const done = await askForm({
      title: t('passkey.add'),
      text: t('passkey.text'),
      action: t('passkey.add'),
      fields: [{ name: 'name', label: t('column.name'), initial: t('passkey.this') }],
      act: ({ name = '' }) => addPasskey(name),
    });
    if (done !== null) await tellCodes(done.recoveryCodes);
    reload();
  };
  const remove = async (id: string, name: string): Promise<void> => {
    if (!(await confirm(t('passkey.remove', { name }), t('passkey.removeText'), t('remove.action')))) return;
    if (!(await confirmIdentity())) return;
    await client.call('RemovePasskey', { path: { id } }).catch(fail);
    reload();
  };
  return (
    <Section title={t('factor.title')}>
      <Show of={factors} rows={2}>
        {({ totp, recoveryCodes }) => (
          <div class="card row">
            <Icon of={ShieldCheck} class={totp ? 'good' : 'faint'} />
            <span>
              {totp ? t('factor.on') : t('factor.off')}
              {recoveryCodes > 0 && <span class="muted"> · {t('factor.left', { count: recoveryCodes })}</span>}
            </span>
            <span class="grow" />
            {totp ? (
              <>
                <Button onClick={() => void renewCodes()}>{t('factor.newCodes')}</Button>
                <Button onClick={() => void turnOff()}>{t('factor.turnOff')}</Button>
              </>
            ) : (
              <Button onClick={() => void turnOn()}>{t('factor.turnOn')}</Button>
            )}
            {passkeysPossible() && <Button onClick={() => void newPasskey()}>{t('passkey.add')}</Button>}
          </div>
        )}
      </Show>
      {passkeys.data !== null && passkeys.data.length > 0 && (
        <Table label={t('passkey.title')} head={[t('passkey.title'), t('users.since'), t('session.used'), '']}>
          {passkeys.data.map(({ id, name, created, lastUsed }) => (
            <tr key={id}>
              <th scope="row">
                <bdi>{name}</bdi>
              </th>
              <td class="muted">{ago(created)}</td>
              <td class="muted">{lastUsed === null ? t('never') : ago(lastUsed)}</td>
              <td class="actions">
                <IconButton icon={Trash2} label={t('passkey.remove', { name })} onClick={() => void remove(id, name)} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}
