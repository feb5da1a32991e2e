import { BadgeCheck, ScanSearch, ShieldAlert } from 'lucide';
import type { StorageHealth } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { ago, bytes, longDate, number, t } from '../i18n/index.ts';
import { driveHref } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Section, Show, Table } from '../ui/page.tsx';
import { fail } from '../ui/toast.tsx';

const EVERY_MS = 5_000;

/** Whether what is stored is good, where it lies, and which files are hurt. */
export function StoragePage() {
  const health = useLoad(() => client.call('StorageHealth', {}), [], EVERY_MS);
  const scrub = (): void => void client.call('Scrub', {}).then(() => health.reload(), fail);
  return (
    <Page
      title={t('admin.storage')}
      actions={
        <Button icon={ScanSearch} onClick={scrub}>
          {t('storage.scrub')}
        </Button>
      }
    >
      <Show of={health}>{(data) => <Sections health={data} />}</Show>
    </Page>
  );
}

function Sections({ health }: { health: StorageHealth }) {
  const { ok, lastScrub, damaged, damagedCount, files, stores } = health;
  const running = health.scrub !== null && health.scrub.state !== 'idle';
  return (
    <>
      <div class={`note row ${ok ? '' : 'bad'}`} role={ok ? 'status' : 'alert'}>
        <Icon of={ok ? BadgeCheck : ShieldAlert} />
        <span>
          {ok ? t('storage.ok') : t('storage.damaged', { count: damagedCount })}{' '}
          {running
            ? t('storage.running')
            : lastScrub === null
              ? t('storage.never')
              : t('storage.last', { time: ago(lastScrub.ended) })}
        </span>
      </div>
      {files.length > 0 && (
        <Section title={t('storage.files')}>
          <p class="muted">{t('storage.filesText')}</p>
          <Table
            label={t('storage.files')}
            head={[t('column.name'), t('details.key'), { text: t('column.size'), number: true }, '']}
          >
            {files.map(({ bucket, key, version, current, size }) => (
              <tr key={version}>
                <th scope="row">
                  <bdi>{visible(key.split('/').at(-1) ?? key)}</bdi>
                </th>
                <td>
                  <a href={driveHref(bucket, key.slice(0, key.lastIndexOf('/') + 1))}>{visible(`${bucket}/${key}`)}</a>
                </td>
                <td class="number">{bytes(size)}</td>
                <td>{!current && <span class="badge">{t('storage.old')}</span>}</td>
              </tr>
            ))}
          </Table>
        </Section>
      )}
      {damaged.length > 0 && (
        <Section title={t('storage.quarantine')}>
          <Table
            label={t('storage.quarantine')}
            head={[t('details.type'), t('storage.what'), t('storage.why'), t('storage.found')]}
          >
            {damaged.map(({ kind, subject, reason, found }) => (
              <tr key={subject}>
                <td>{kind}</td>
                <td>
                  <code class="wrap">{subject}</code>
                </td>
                <td>{reason}</td>
                <td class="muted">{longDate(found)}</td>
              </tr>
            ))}
          </Table>
        </Section>
      )}
      <Section title={t('storage.stores')}>
        <Table
          label={t('storage.stores')}
          head={[
            t('storage.place'),
            t('storage.state'),
            { text: t('storage.packs'), number: true },
            { text: t('storage.chunks'), number: true },
            { text: t('column.size'), number: true },
          ]}
        >
          {stores.map((store) => (
            <tr key={store.number}>
              <th scope="row">
                <code class="wrap">{store.location}</code>
              </th>
              <td>
                <span class={`badge ${store.state === 'active' ? 'good' : 'warn'}`}>{t(`store.${store.state}`)}</span>
              </td>
              <td class="number">{number(store.packs)}</td>
              <td class="number">{number(store.chunks)}</td>
              <td class="number">{bytes(store.storedBytes)}</td>
            </tr>
          ))}
        </Table>
      </Section>
    </>
  );
}
