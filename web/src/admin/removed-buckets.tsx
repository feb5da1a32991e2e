import type { RemovedBucket } from '../../../clients/typescript/index.ts';
import { loadBuckets } from '../api/buckets.ts';
import { client } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { ago, bytes, number, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { confirm } from '../ui/dialog.tsx';
import { askForm } from '../ui/form.tsx';
import { type Loaded, useLoad } from '../ui/load.ts';
import { Section, Show, Table } from '../ui/page.tsx';
import { fail, tell } from '../ui/toast.tsx';

export function useRemovedBuckets(): Loaded<RemovedBucket[]> {
  return useLoad(async () => (await client.call('ListRemovedBuckets', { query: {} })).buckets, []);
}

/** Buckets that come back with all that was in them, as long as their history is kept. */
export function RemovedBuckets({ of, restored }: { of: Loaded<RemovedBucket[]>; restored: () => void }) {
  const restore = async ({ id, name }: RemovedBucket): Promise<void> => {
    const done = await askForm({
      title: t('bucket.restore', { name: visible(name) }),
      text: t('bucket.restoreText'),
      action: t('bucket.restoreAction'),
      fields: [{ name: 'name', label: t('bucket.name'), initial: name, hint: t('bucket.rules') }],
      act: ({ name: wanted = name }) =>
        client.call('RestoreBucket', { path: { id: String(id) }, body: wanted === name ? {} : { name: wanted.trim() } }),
    });
    if (done === null) return;
    tell(t('bucket.restored', { name: visible(done.name) }));
    of.reload();
    restored();
    await loadBuckets();
  };
  const drop = async ({ id, name }: RemovedBucket): Promise<void> => {
    const shown = visible(name);
    if (!(await confirm(t('bucket.drop', { name: shown }), t('bucket.dropText'), t('bucket.dropAction')))) return;
    await client.call('DropBucket', { path: { id: String(id) } }).catch(fail);
    of.reload();
  };
  if (of.data?.length === 0) return null;
  return (
    <Section title={t('bucket.removed')}>
      <Show of={of} rows={1}>
        {(list) => (
          <Table
            label={t('bucket.removed')}
            stacked
            head={[
              t('column.name'),
              { text: t('stats.files'), number: true },
              { text: t('column.size'), number: true },
              t('bucket.removedAt'),
              '',
            ]}
          >
            {list.map((one) => (
              <tr key={one.id}>
                <th scope="row">
                  <bdi class="wrap">{visible(one.name)}</bdi>
                </th>
                <td class="number">{number(one.usage.objects)}</td>
                <td class="number">{bytes(one.usage.bytes + one.usage.historyBytes)}</td>
                <td class="muted">{ago(one.removed)}</td>
                <td class="actions">
                  <Button onClick={() => void restore(one)} label={t('bucket.restore', { name: visible(one.name) })}>
                    {t('bucket.restoreAction')}
                  </Button>{' '}
                  <Button kind="quiet" onClick={() => void drop(one)} label={t('bucket.drop', { name: visible(one.name) })}>
                    {t('bucket.dropAction')}
                  </Button>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Show>
    </Section>
  );
}
