import { Plus, SlidersHorizontal, Trash2 } from 'lucide';
import type { BucketDetails } from '../../../clients/typescript/index.ts';
import { loadBuckets } from '../api/buckets.ts';
import { client } from '../api/session.ts';
import { newBucket } from '../drive/new-bucket.tsx';
import { ago, bytes, number, t } from '../i18n/index.ts';
import { driveHref, href } from '../router.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { confirm } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Show, Table } from '../ui/page.tsx';
import { fail } from '../ui/toast.tsx';

export function BucketsPage() {
  const buckets = useLoad(async () => {
    const { buckets: list } = await client.call('ListBuckets', {});
    const out: BucketDetails[] = [];
    for (const { name } of list) out.push(await client.call('GetBucket', { path: { bucket: name } }));
    return out;
  }, []);
  const remove = async (name: string): Promise<void> => {
    if (!(await confirm(t('bucket.remove', { name }), t('bucket.removeText'), t('remove.action')))) return;
    try {
      await client.call('RemoveBucket', { path: { bucket: name } });
      buckets.reload();
      await loadBuckets();
    } catch (error) {
      fail(error);
    }
  };
  return (
    <Page
      title={t('admin.buckets')}
      actions={
        <Button kind="primary" icon={Plus} onClick={() => void newBucket()}>
          {t('bucket.new')}
        </Button>
      }
    >
      <Show of={buckets}>
        {(list) => (
          <Table
            label={t('admin.buckets')}
            head={[
              t('column.name'),
              { text: t('stats.files'), number: true },
              { text: t('column.size'), number: true },
              { text: t('bucket.versioning'), spare: true },
              { text: t('users.since'), spare: true },
              '',
            ]}
          >
            {list.map(({ name, usage, versioning, created }) => (
              <tr key={name}>
                <th scope="row">
                  <a href={driveHref(name)}>
                    <bdi>{name}</bdi>
                  </a>
                </th>
                <td class="number">{number(usage.objects)}</td>
                <td class="number">{bytes(usage.bytes)}</td>
                <td class="spare">
                  <span class={versioning === 'enabled' ? 'badge good' : 'badge'}>{t(`versioning.${versioning}`)}</span>
                </td>
                <td class="muted spare">{ago(created)}</td>
                <td class="actions">
                  <a
                    class="icon-button"
                    href={href('admin', ['buckets', name])}
                    aria-label={t('bucket.settingsOf', { name })}
                    title={t('bucket.settingsOf', { name })}
                  >
                    <Icon of={SlidersHorizontal} />
                  </a>
                  <IconButton
                    icon={Trash2}
                    label={t('bucket.remove', { name })}
                    disabled={usage.objects > 0}
                    onClick={() => void remove(name)}
                  />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Show>
    </Page>
  );
}
