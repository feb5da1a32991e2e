import { KeyRound, Laptop, Plus, Trash2 } from 'lucide';
import type { Credential, CredentialMade, NewCredential } from '../../../clients/typescript/index.ts';
import { allPages } from '../admin/all-pages.ts';
import { lines, type Values, words } from '../admin/json.ts';
import { client } from '../api/session.ts';
import { READING } from '../connect/device.ts';
import { visible } from '../drive/entry-list.tsx';
import { ago, longDate, t } from '../i18n/index.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { confirm } from '../ui/dialog.tsx';
import { askForm, type FormField } from '../ui/form.tsx';
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
      fields: newFields(),
      act: (values) => make(values, of),
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
                        <code class="muted wrap">{credential.id}</code>
                        <span class="only-phone muted small">{t(`key.${credential.kind}`)}</span>
                      </span>
                    </span>
                  </th>
                  <td class="spare">{t(`key.${credential.kind}`)}</td>
                  <td class="spare wrap reach">
                    <Reach of={credential} />
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

/** Everything that a credential can be less than its user. */
function newFields(): FormField[] {
  return [
    { name: 'name', label: t('key.name'), hint: t('key.nameHint') },
    {
      name: 'kind',
      label: t('key.kind'),
      kind: 'select',
      initial: 's3',
      choices: (['s3', 'app-password', 'device'] as const).map((value) => ({ value, label: t(`key.${value}`) })),
    },
    { name: 'places', label: t('key.places'), kind: 'lines', optional: true, hint: t('key.placesHint') },
    { name: 'reading', label: t('key.reading'), kind: 'check' },
    { name: 'networks', label: t('key.networks'), optional: true, hint: t('link.networksHint') },
    { name: 'expires', label: t('key.expires'), kind: 'date', optional: true },
  ];
}

function make({ name = '', kind, places, reading, networks, expires }: Values, of: { user?: string }): Promise<CredentialMade> {
  const scope: NonNullable<NewCredential['scope']> = {
    ...(lines(places).length > 0 ? { places: lines(places).map(placeOf) } : {}),
    ...(reading === 'yes' ? { actions: READING } : {}),
    ...(words(networks).length > 0 ? { networks: words(networks) } : {}),
  };
  const body: NewCredential = {
    name,
    kind: kind as Credential['kind'],
    ...of,
    ...(Object.keys(scope).length > 0 ? { scope } : {}),
    ...(expires ? { expires: new Date(`${expires}T23:59:59`).toISOString() } : {}),
  };
  return client.call('CreateCredential', { body });
}

/** `home`, or `home/Photos`: what is named is a folder, with or without its slash. */
function placeOf(line: string): { bucket: string; prefix?: string } {
  const [bucket = '', ...path] = line.split('/');
  const prefix = path.join('/').replace(/\/$/, '');
  return prefix === '' ? { bucket } : { bucket, prefix: `${prefix}/` };
}

function Reach({ of: { scope } }: { of: Credential }) {
  const reads = scope?.actions?.every((action) => READING.includes(action));
  const less = [
    ...(scope?.actions === undefined ? [] : [t(reads === true ? 'key.reads' : 'key.some')]),
    ...(scope?.networks === undefined ? [] : [t('key.from', { networks: scope.networks.join(', ') })]),
  ];
  return (
    <>
      <bdi>{visible(scope?.places?.map(({ bucket, prefix = '' }) => `${bucket}/${prefix}`).join(', ') ?? t('key.all'))}</bdi>
      {less.length > 0 && <span class="muted"> {less.join(', ')}</span>}
    </>
  );
}
