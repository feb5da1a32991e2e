import { useState } from 'preact/hooks';
import { client } from '../api/session.ts';
import { fromGateway, t } from '../i18n/index.ts';
import { GatewaySays } from '../ui/gateway-says.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Show, Table } from '../ui/page.tsx';

/** What is set where. They are changed where they were set: flag, environment or file, and a restart. */
export function SettingsPage() {
  const settings = useLoad(() => client.call('Settings', {}), []);
  const [words, setWords] = useState('');
  return (
    <Page
      title={t('admin.settings')}
      text={t('settings.text')}
      actions={
        <input
          class="search-field"
          type="search"
          aria-label={t('settings.find')}
          placeholder={t('settings.find')}
          value={words}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
      }
    >
      <Show of={settings} rows={10}>
        {({ file, settings: list }) => {
          const wanted = words.toLowerCase().split(/\s+/);
          const found = list.filter((one) =>
            wanted.every((word) =>
              `${one.name} ${one.environment} ${one.description} ${fromGateway(one.description)}`.toLowerCase().includes(word),
            ),
          );
          return (
            <>
              <p class="muted">
                {t('settings.file')} <code class="wrap">{file}</code>
              </p>
              {found.length === 0 ? (
                <p class="muted" role="status">
                  {t('settings.none')}
                </p>
              ) : (
                <Table label={t('admin.settings')} head={[t('settings.name'), t('settings.value'), t('settings.source')]} stacked>
                  {found
                    .sort((a, b) => Number(a.isDefault) - Number(b.isDefault))
                    .map(({ name, description, value, source, isDefault }) => (
                      <tr key={name}>
                        <th scope="row">
                          <code>{name}</code>
                          <br />
                          <span class="muted small setting-text">{fromGateway(description)}</span>
                        </th>
                        <td>
                          <code class="wrap">{value == null ? '–' : String(value)}</code>
                        </td>
                        <td>
                          <span class={isDefault ? 'badge' : 'badge good'}>
                            <GatewaySays text={source} />
                          </span>
                        </td>
                      </tr>
                    ))}
                </Table>
              )}
            </>
          );
        }}
      </Show>
    </Page>
  );
}
