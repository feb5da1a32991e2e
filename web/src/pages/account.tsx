import { KeyRound, Laptop, LogOut, Plus, ShieldCheck, Trash2 } from 'lucide';
import type { Credential } from '../../../clients/typescript/index.ts';
import { allPages } from '../admin/all-pages.ts';
import { client, session } from '../api/session.ts';
import { ago, longDate, t } from '../i18n/index.ts';
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
              <Button onClick={() => void turnOff()}>{t('factor.turnOff')}</Button>
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

function Credentials() {
  const credentials = useLoad(
    () =>
      allPages(async (query) => {
        const { credentials: items, next } = await client.call('ListCredentials', { query });
        return { items, next };
      }),
    [],
  );
  const add = async (): Promise<void> => {
    if (!(await confirmIdentity())) return;
    const made = await askForm({
      title: t('key.new'),
      action: t('create'),
      fields: [
        { name: 'name', label: t('key.name'), hint: t('key.nameHint') },
        {
          name: 'kind',
          label: t('key.kind'),
          kind: 'select',
          initial: 's3',
          choices: (['s3', 'app-password', 'device'] as const).map((value) => ({ value, label: t(`key.${value}`) })),
        },
        { name: 'bucket', label: t('key.bucket'), optional: true, hint: t('key.bucketHint') },
        { name: 'expires', label: t('key.expires'), kind: 'date', optional: true },
      ],
      act: ({ name = '', kind, bucket, expires }) =>
        client.call('CreateCredential', {
          body: {
            name,
            kind: kind as Credential['kind'],
            ...(bucket ? { scope: { places: [{ bucket }] } } : {}),
            ...(expires ? { expires: new Date(`${expires}T23:59:59`).toISOString() } : {}),
          },
        }),
    });
    if (made === null) return;
    credentials.reload();
    await tellSecrets(t('key.made', { name: made.name ?? '' }), {
      [t('key.accessKeyId')]: made.accessKeyId,
      [t('key.secretAccessKey')]: made.secretAccessKey,
      [t('signIn.password')]: made.password,
    });
  };
  const remove = async ({ id, name }: Credential): Promise<void> => {
    if (!(await confirm(t('key.remove', { name: name ?? id }), t('key.removeText'), t('key.revoke')))) return;
    await client.call('RemoveCredential', { path: { id } }).catch(fail);
    credentials.reload();
  };
  return (
    <Section
      title={t('key.title')}
      actions={
        <Button icon={Plus} onClick={() => void add()}>
          {t('key.new')}
        </Button>
      }
    >
      <Show of={credentials}>
        {(list) =>
          list.length === 0 ? (
            <p class="muted">{t('key.none')}</p>
          ) : (
            <Table
              label={t('key.title')}
              head={[
                t('column.name'),
                { text: t('key.kind'), spare: true },
                { text: t('key.scope'), spare: true },
                t('session.used'),
                { text: t('key.expires'), spare: true },
                '',
              ]}
            >
              {list.map((credential) => (
                <tr key={credential.id}>
                  <th scope="row">
                    <span class="row whole">
                      <Icon of={credential.kind === 's3' ? KeyRound : Laptop} class="faint" />
                      <span>
                        <bdi class="wrap">{credential.name ?? '–'}</bdi>
                        <br />
                        <code class="muted">{credential.id}</code>
                        <span class="only-phone muted small">{t(`key.${credential.kind}`)}</span>
                      </span>
                    </span>
                  </th>
                  <td class="spare">{t(`key.${credential.kind}`)}</td>
                  <td class="spare">
                    {credential.scope?.places?.map(({ bucket, prefix = '' }) => `${bucket}/${prefix}`).join(', ') ?? t('key.all')}
                    {credential.scope?.actions !== undefined && <span class="muted"> {t('key.some')}</span>}
                  </td>
                  <td class="muted">{credential.lastUsed === null ? t('never') : ago(credential.lastUsed)}</td>
                  <td class="muted spare">{credential.expires === null ? t('never') : longDate(credential.expires)}</td>
                  <td class="actions">
                    <IconButton
                      icon={Trash2}
                      label={t('key.remove', { name: credential.name ?? credential.id })}
                      onClick={() => void remove(credential)}
                    />
                  </td>
                </tr>
              ))}
            </Table>
          )
        }
      </Show>
    </Section>
  );
}

function Sessions() {
  const sessions = useLoad(async () => (await client.call('ListSessions', { query: {} })).sessions, []);
  const end = async (id: string): Promise<void> => {
    await client.call('EndSession', { path: { id } }).catch(fail);
    sessions.reload();
  };
  const endOthers = async (): Promise<void> => {
    await client.call('EndSessions', {}).catch(fail);
    sessions.reload();
  };
  return (
    <Section title={t('session.title')} actions={<Button onClick={() => void endOthers()}>{t('session.endOthers')}</Button>}>
      <Show of={sessions}>
        {(list) => (
          <Table
            label={t('session.title')}
            head={[t('session.device'), { text: t('session.from'), spare: true }, t('session.used'), '']}
          >
            {list.map(({ id, label, lastUsed, lastUsedFrom, current }) => (
              <tr key={id}>
                <th scope="row">
                  <bdi class="wrap">{browserName(label)}</bdi> {current && <span class="badge good">{t('session.this')}</span>}
                </th>
                <td class="muted spare">{lastUsedFrom ?? '–'}</td>
                <td class="muted">{ago(lastUsed)}</td>
                <td class="actions">
                  {!current && (
                    <IconButton icon={LogOut} label={t('session.end', { name: label })} onClick={() => void end(id)} />
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Show>
    </Section>
  );
}

/** Browsers introduce themselves at length; two words of it say enough. */
function browserName(label: string): string {
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)[/\w]*\/?[\d]*/.exec(label)?.[1];
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(label)?.[1];
  return browser === undefined || system === undefined
    ? label
    : `${browser === 'Edg' ? 'Edge' : browser === 'OPR' ? 'Opera' : browser}, ${system}`;
}
