import { KeyRound, Laptop, Plus, Trash2 } from 'lucide';
import type { Credential } from '../../../clients/typescript/index.ts';
import { allPages } from '../admin/all-pages.ts';
import { client } from '../api/session.ts';
import { ago, longDate, t } from '../i18n/index.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { confirm } from '../ui/dialog.tsx';
import { askForm } from '../ui/form.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Section, Show, Table } from '../ui/page.tsx';
import { tellSecrets } from '../ui/secret.tsx';
import { fail } from '../ui/toast.tsx';
import { confirmIdentity } from './confirm-identity.ts';

/** Keys, app passwords and devices of whoever is signed in, or for an admin those of a user. */
export function Credentials({ user }: { user?: string }) {
  const of = user === undefined ? {} : { user };
  const credentials = useLoad(
    () =>
      allPages(async (query) => {
        const { credentials: items, next } = await client.call('ListCredentials', { query: { ...query, ...of } });
        return { items, next };
      }),
    [user],
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
            ...of,
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
            <p class="muted">{t(user === undefined ? 'key.none' : 'key.noneOf')}</p>
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
