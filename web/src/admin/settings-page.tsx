import { client } from '../api/session.ts';
import { t } from '../i18n/index.ts';
import { useLoad } from '../ui/load.ts';
import { Page, Show, Table } from '../ui/page.tsx';

/** What is set where. They are changed where they were set: flag, environment or file, and a restart. */
export function SettingsPage() {
  const settings = useLoad(async () => (await client.call('Settings', {})).settings, []);
  return (
    <Page title={t('admin.settings')} text={t('settings.text')}>
      <Show of={settings} rows={10}>
        {(list) => (
          <Table label={t('admin.settings')} head={[t('settings.name'), t('settings.value'), t('settings.source')]}>
            {[...list]
              .sort((a, b) => Number(a.isDefault) - Number(b.isDefault))
              .map(({ name, description, value, source, isDefault }) => (
                <tr key={name}>
                  <th scope="row">
                    <code>{name}</code>
                    <br />
                    <span class="muted small setting-text">{description}</span>
                  </th>
                  <td>
                    <code class="wrap">{value == null ? '–' : String(value)}</code>
                  </td>
                  <td>
                    <span class={isDefault ? 'badge' : 'badge good'}>{source}</span>
                  </td>
                </tr>
              ))}
          </Table>
        )}
      </Show>
    </Page>
  );
}
