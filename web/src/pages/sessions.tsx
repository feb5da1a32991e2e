import { LogOut } from 'lucide';
import { client } from '../api/session.ts';
import { ago, t } from '../i18n/index.ts';
import { Button, firstClick, IconButton } from '../ui/button.tsx';
import { useLoad } from '../ui/load.ts';
import { Section, Show, Table } from '../ui/page.tsx';
import { fail } from '../ui/toast.tsx';

/** Where whoever is signed in, or for an admin a user, is signed in; each can be ended from here. */
export function Sessions({ user }: { user?: string }) {
  const sessions = useLoad(
    async () =>
      user === undefined
        ? (await client.call('ListSessions', { query: {} })).sessions
        : (await client.call('ListUserSessions', { path: { name: user }, query: {} })).sessions,
    [user],
  );
  const end = async (id: string): Promise<void> => {
    const done =
      user === undefined
        ? client.call('EndSession', { path: { id } })
        : client.call('EndUserSession', { path: { name: user, id } });
    await done.catch(fail);
    sessions.reload();
  };
  const endAll = async (): Promise<void> => {
    const done = user === undefined ? client.call('EndSessions', {}) : client.call('EndUserSessions', { path: { name: user } });
    await done.catch(fail);
    sessions.reload();
  };
  return (
    <Section
      title={t('session.title')}
      actions={
        <Button disabled={sessions.data?.length === 0} onClick={() => void endAll()}>
          {t(user === undefined ? 'session.endOthers' : 'users.endSessions')}
        </Button>
      }
    >
      <Show of={sessions}>
        {(list) =>
          list.length === 0 ? (
            <p class="muted">{t('session.none')}</p>
          ) : (
            <Table
              label={t('session.title')}
              head={[t('session.device'), { text: t('session.from'), spare: true }, t('session.used'), '']}
            >
              {list.map(({ id, label, lastUsed, lastUsedFrom, current }) => (
                <tr key={id}>
                  <th scope="row">
                    <bdi class="wrap">{browserName(label)}</bdi> {current && <span class="badge good">{t('session.this')}</span>}
                  </th>
                  <td class="muted spare">{lastUsedFrom ?? '–'}</td>
                  <td class="muted">{ago(lastUsed)}</td>
                  <td class="actions">
                    {!current && (
                      <IconButton
                        icon={LogOut}
                        label={t('session.end', { name: label })}
                        onClick={firstClick(() => void end(id))}
                      />
                    )}
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

/** Browsers introduce themselves at length; two words of it say enough. */
function browserName(label: string): string {
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)[/\w]*\/?[\d]*/.exec(label)?.[1];
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(label)?.[1];
  return browser === undefined || system === undefined
    ? label
    : `${browser === 'Edg' ? 'Edge' : browser === 'OPR' ? 'Opera' : browser}, ${system}`;
}
