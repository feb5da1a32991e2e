import { Ellipsis, UserPlus } from 'lucide';
import type { User } from '../../../clients/typescript/index.ts';
import { client, session } from '../api/session.ts';
import { ago, t } from '../i18n/index.ts';
import { confirmIdentity } from '../pages/confirm-identity.ts';
import { href } from '../router.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { askForm } from '../ui/form.tsx';
import { useLoad } from '../ui/load.ts';
import { openMenu } from '../ui/menu.tsx';
import { Page, Show, Table } from '../ui/page.tsx';
import { tellSecrets } from '../ui/secret.tsx';
import { fail, tell } from '../ui/toast.tsx';
import { allPages } from './all-pages.ts';
import { whole } from './json.ts';
import { gigabytes, quotaField, quotaFilesField, sayQuota } from './quota.ts';

const roles = () => (['admin', 'member', 'guest'] as const).map((value) => ({ value, label: t(`role.${value}`) }));

export function UsersPage() {
  const users = useLoad(
    () =>
      allPages(async (query) => {
        const { users: items, next } = await client.call('ListUsers', { query });
        return { items, next };
      }),
    [],
  );
  const usage = useLoad(async () => new Map((await client.call('GetUsage', {})).owners.map((one) => [one.name, one])), []);
  const me = session.value.kind === 'in' ? session.value.me.name : '';

  const add = async (): Promise<void> => {
    const made = await askForm({
      title: t('users.new'),
      action: t('create'),
      fields: [
        { name: 'name', label: t('signIn.user') },
        { name: 'role', label: t('users.role'), kind: 'select', initial: 'member', choices: roles() },
        { name: 'password', label: t('signIn.password'), kind: 'password', optional: true, hint: t('users.passwordHint') },
        quotaField(null),
      ],
      act: ({ name = '', role, password, quota = '' }) =>
        client.call('CreateUser', {
          body: { name, role: role as User['role'], quotaBytes: gigabytes(quota), ...(password ? { password } : {}) },
        }),
    });
    if (made === null) return;
    users.reload();
    if (made.password !== undefined)
      await tellSecrets(t('users.made', { name: made.name }), {
        [t('signIn.user')]: made.name,
        [t('signIn.password')]: made.password,
      });
    else tell(t('users.made', { name: made.name }));
  };
  const change = async (
    user: User,
    body: { role?: User['role']; disabled?: boolean; quotaBytes?: number | null },
  ): Promise<void> => {
    try {
      await client.call('UpdateUser', { path: { name: user.name }, body });
      users.reload();
    } catch (error) {
      fail(error);
    }
  };
  const reset = async (user: User): Promise<void> => {
    if (!(await confirmIdentity())) return;
    const done = await askForm({
      title: t('users.reset', { name: user.name }),
      text: t('users.resetText'),
      action: t('users.resetAction'),
      fields: [
        { name: 'password', label: t('users.newPassword'), kind: 'password', optional: true, hint: t('users.passwordHint') },
        { name: 'factors', label: t('users.resetFactors'), kind: 'check', initial: 'yes' },
        { name: 'credentials', label: t('users.resetKeys'), kind: 'check' },
      ],
      act: ({ password, factors, credentials }) =>
        client.call('ResetUser', {
          path: { name: user.name },
          body: { credentials: credentials === 'yes', factors: factors === 'yes', ...(password ? { password } : {}) },
        }),
    });
    if (done?.password !== undefined)
      await tellSecrets(t('users.reset', { name: user.name }), { [t('signIn.password')]: done.password });
    else if (done !== null) tell(t('users.wasReset', { name: user.name }));
    users.reload();
  };
  const remove = async (user: User): Promise<void> => {
    const heirs = (users.data ?? []).filter(({ name, disabled }) => name !== user.name && !disabled);
    const removed = await askForm({
      title: t('users.remove', { name: user.name }),
      text: t('users.removeText'),
      action: t('remove.action'),
      fields: [
        {
          name: 'heir',
          label: t('users.heir'),
          kind: 'select',
          initial: me,
          choices: heirs.map(({ name }) => ({ value: name, label: name })),
        },
      ],
      act: ({ heir }) => client.call('RemoveUser', { path: { name: user.name }, query: heir ? { heir } : {} }),
    });
    if (removed !== null) users.reload();
  };
  const edit = (user: User): Promise<unknown> =>
    askForm({
      title: user.name,
      action: t('save'),
      fields: [
        { name: 'role', label: t('users.role'), kind: 'select', initial: user.role, choices: roles() },
        quotaField(user.quotaBytes),
        quotaFilesField(user.quotaObjects),
      ],
      act: async ({ role, quota = '', objects }) => {
        await client.call('UpdateUser', {
          path: { name: user.name },
          body: { role: role as User['role'], quotaBytes: gigabytes(quota), quotaObjects: whole(objects) ?? null },
        });
        users.reload();
      },
    });
  const endSessions = async (user: User): Promise<void> => {
    try {
      await client.call('EndUserSessions', { path: { name: user.name } });
      tell(t('users.signedOut', { name: user.name }));
    } catch (error) {
      fail(error);
    }
  };

  return (
    <Page
      title={t('admin.users')}
      actions={
        <Button kind="primary" icon={UserPlus} onClick={() => void add()}>
          {t('users.new')}
        </Button>
      }
    >
      <Show of={users}>
        {(list) => (
          <Table
            label={t('admin.users')}
            head={[
              t('signIn.user'),
              t('users.role'),
              { text: t('users.factor'), spare: true },
              { text: t('users.used'), spare: true },
              { text: t('users.since'), spare: true },
              '',
            ]}
          >
            {list.map((user) => (
              <tr key={user.id}>
                <th scope="row">
                  <a href={href('admin', ['users', user.name])}>
                    <bdi>{user.name}</bdi>
                  </a>{' '}
                  {user.disabled && <span class="badge bad">{t('users.disabled')}</span>}
                </th>
                <td>{t(`role.${user.role}`)}</td>
                <td class="spare">
                  {user.secondFactor ? <span class="badge good">{t('on')}</span> : <span class="badge">{t('off')}</span>}
                </td>
                <td class="spare">{sayQuota(user, usage.data?.get(user.name))}</td>
                <td class="muted spare">{ago(user.created)}</td>
                <td class="actions">
                  <IconButton
                    icon={Ellipsis}
                    label={t('entry.menu', { name: user.name })}
                    aria-haspopup="menu"
                    onClick={(event) =>
                      openMenu(event, user.name, [
                        { label: t('edit'), act: () => void edit(user) },
                        { label: t('users.resetAction'), act: () => void reset(user) },
                        { label: t('users.endSessions'), act: () => void endSessions(user) },
                        {
                          label: user.disabled ? t('users.enable') : t('users.disable'),
                          disabled: user.name === me,
                          act: () => void change(user, { disabled: !user.disabled }),
                        },
                        'line',
                        { label: t('remove.action'), danger: true, disabled: user.name === me, act: () => void remove(user) },
                      ])
                    }
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
