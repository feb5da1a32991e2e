import { Folder as FolderIcon, HardDrive, UsersRound } from 'lucide';
import { bucketLabel } from '../api/buckets.ts';
import { client } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { t } from '../i18n/index.ts';
import { driveHref } from '../router.ts';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Show } from '../ui/page.tsx';
import { Empty } from '../ui/states.tsx';

/** Buckets and folders that others have given the user a role on. */
export function SharedPage() {
  const shared = useLoad(async () => (await client.call('ListShared', {})).items, []);
  return (
    <Page title={t('nav.shared')} text={t('shared.text')}>
      <Show of={shared}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={UsersRound} title={t('shared.none')}>
              <p>{t('shared.noneText')}</p>
            </Empty>
          ) : (
            <ul class="public-list shared-list" aria-label={t('nav.shared')}>
              {list.map(({ name, bucket, prefix, role, owner, group }) => (
                <li key={name}>
                  <a href={driveHref(bucket, prefix)}>
                    <Icon of={prefix === '' ? HardDrive : FolderIcon} size={20} class="kind folder" />
                    <span class="name">
                      <bdi>{visible(name)}</bdi>
                      <br />
                      <span class="muted small">
                        {owner === null
                          ? bucketLabel(bucket)
                          : t('shared.by', { name: visible(owner), bucket: bucketLabel(bucket) })}
                        {group && ` · ${t('shared.group')}`}
                      </span>
                    </span>
                    <span class="badge">{t(`grant.${role}`)}</span>
                  </a>
                </li>
              ))}
            </ul>
          )
        }
      </Show>
    </Page>
  );
}
