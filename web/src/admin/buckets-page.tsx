import { Plus, SlidersHorizontal, Trash2 } from 'lucide';
import type { BucketDetails } from '../../../clients/typescript/index.ts';
import { loadBuckets } from '../api/buckets.ts';
import { client, session } from '../api/session.ts';
import { ago, bytes, number, t } from '../i18n/index.ts';
import { driveHref, href } from '../router.ts';
import { Button, IconButton, IconLink } from '../ui/button.tsx';
import { askForm } from '../ui/form.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Show, Table } from '../ui/page.tsx';
import { RemovedBuckets, useRemovedBuckets } from './removed-buckets.tsx';

export function BucketsPage() {
  const buckets = useLoad(async () => {
    const { buckets: list } = await client.call('ListBuckets', {});
    const out: BucketDetails[] = [];
    for (const { name } of list) out.push(await client.call('GetBucket', { path: { bucket: name } }));
    return out;
  }, []);
  const removed = useRemovedBuckets();
  const reload = async (): Promise<void> => {
    buckets.reload();
    await loadBuckets();
  };
  const add = async (): Promise<void> => {
    const users = (await client.call('ListUsers', { query: {} }).catch(() => null))?.users ?? [];
    const me = session.value.kind === 'in' ? session.value.me.name : '';
    const made = await askForm({
      title: t('bucket.new'),
      action: t('create'),
      fields: [
        { name: 'name', label: t('bucket.name'), hint: t('bucket.rules') },
        {
          name: 'owner',
          label: t('bucket.owner'),
          kind: 'select',
          initial: me,
          choices: users.filter(({ disabled }) => !disabled).map(({ name }) => ({ value: name, label: name })),
        },
      ],
      act: ({ name = '', owner = me }) =>
        client.call('CreateBucket', { body: { name: name.trim(), ...(owner === me || owner === '' ? {} : { owner }) } }),
    });
    if (made !== null) await reload();
  };
  const remove = async (name: string, objects: number): Promise<void> => {
    const done = await askForm({
      title: t('bucket.remove', { name }),
      text: objects > 0 ? `${t('bucket.removeAll', { count: objects })} ${t('bucket.removeText')}` : t('bucket.removeText'),
      action: t('remove.action'),
      fields: [{ name: 'force', label: t('bucket.removeForce'), kind: 'check' }],
      act: ({ force }) => client.call('RemoveBucket', { path: { bucket: name }, query: force === 'yes' ? { force: true } : {} }),
    });
    if (done === null) return;
    removed.reload();
    await reload();
  };
  return (
    <Page
      title={t('admin.buckets')}
      actions={
        <Button kind="primary" icon={Plus} onClick={() => void add()}>
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
                  <IconLink
                    icon={SlidersHorizontal}
                    label={t('bucket.settingsOf', { name })}
                    href={href('admin', ['buckets', name])}
                  />
                  <IconButton
                    icon={Trash2}
                    label={t('bucket.remove', { name })}
                    onClick={() => void remove(name, usage.objects)}
                  />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Show>
      <RemovedBuckets of={removed} restored={buckets.reload} />
    </Page>
  );
}
