import { Trash2, UserRound, UsersRound } from 'lucide';
import type { AccessGrant } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { t } from '../i18n/index.ts';
import { driveHref } from '../router.ts';
import { share } from '../share/share-dialog.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { confirm } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Section, Show, Table } from '../ui/page.tsx';
import { fail } from '../ui/toast.tsx';

/** Every role that somebody has in a bucket, on it or on a folder of it. */
export function BucketRoles({ bucket }: { bucket: string }) {
  const grants = useLoad(async () => (await client.call('ListBucketAccess', { path: { bucket }, query: {} })).items, [bucket]);
  const revoke = async ({ kind, name, key }: AccessGrant): Promise<void> => {
    const shown = visible(name);
    const text = t('people.revokeText', { name: shown, place: visible(`${bucket}/${key}`) });
    if (!(await confirm(t('people.revokeOf', { name: shown }), text, t('people.revoke')))) return;
    await client.call('RevokeAccess', { path: { bucket, key }, query: { kind, name } }).catch(fail);
    grants.reload();
  };
  return (
    <Section
      title={t('bucket.roles')}
      actions={<Button onClick={() => share({ bucket, key: '', name: bucket, kind: 'folder' })}>{t('bucket.shareIt')}</Button>}
    >
      <Show of={grants} rows={2}>
        {(list) =>
          list.length === 0 ? (
            <p class="muted">{t('bucket.noRoles')}</p>
          ) : (
            <Table label={t('bucket.roles')} head={[t('people.name'), t('people.role'), t('bucket.rolesOn'), '']} stacked>
              {list.map((grant) => (
                <tr key={`${grant.kind} ${grant.name} ${grant.key}`}>
                  <th scope="row">
                    <Icon of={grant.kind === 'group' ? UsersRound : UserRound} class="faint" />{' '}
                    <bdi class="wrap">{visible(grant.name)}</bdi>
                    {grant.kind === 'group' && <span class="muted"> · {t('people.group')}</span>}
                  </th>
                  <td>{t(`grant.${grant.role}`)}</td>
                  <td>
                    <a class="wrap" href={driveHref(bucket, grant.key)}>
                      <bdi>{visible(`${bucket}/${grant.key}`)}</bdi>
                    </a>
                  </td>
                  <td class="actions">
                    <IconButton
                      icon={Trash2}
                      label={t('people.revokeOf', { name: visible(grant.name) })}
                      onClick={() => void revoke(grant)}
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
