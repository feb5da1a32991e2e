import { Ellipsis, Plus, Users } from 'lucide';
import type { Group } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { ago, t } from '../i18n/index.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { confirm } from '../ui/dialog.tsx';
import { askForm } from '../ui/form.tsx';
import { useLoad } from '../ui/load.ts';
import { openMenu } from '../ui/menu.tsx';
import { Page, Show, Table } from '../ui/page.tsx';
import { Empty } from '../ui/states.tsx';
import { fail } from '../ui/toast.tsx';
import { allPages } from './all-pages.ts';

const split = (text: string): string[] =>
  text
    .split(/[\n,]/)
    .map((name) => name.trim())
    .filter(Boolean);

export function GroupsPage() {
  const groups = useLoad(
    () =>
      allPages(async (query) => {
        const { groups: items, next } = await client.call('ListGroups', { query });
        return { items, next };
      }),
    [],
  );
  const add = async (): Promise<void> => {
    const made = await askForm({
      title: t('groups.new'),
      action: t('create'),
      fields: [
        { name: 'name', label: t('column.name') },
        { name: 'members', label: t('groups.members'), kind: 'lines', optional: true, hint: t('groups.membersHint') },
      ],
      act: ({ name = '', members = '' }) => client.call('CreateGroup', { body: { name, members: split(members) } }),
    });
    if (made !== null) groups.reload();
  };
  const edit = async (group: Group): Promise<void> => {
    await askForm({
      title: group.name,
      action: t('save'),
      fields: [
        { name: 'name', label: t('column.name'), initial: group.name },
        {
          name: 'members',
          label: t('groups.members'),
          kind: 'lines',
          optional: true,
          initial: group.members.join('\n'),
          hint: t('groups.membersHint'),
        },
      ],
      act: async ({ name = '', members = '' }) => {
        const wanted = split(members);
        await client.call('UpdateGroup', {
          path: { name: group.name },
          body: {
            ...(name === group.name ? {} : { name }),
            add: wanted.filter((one) => !group.members.includes(one)),
            remove: group.members.filter((one) => !wanted.includes(one)),
          },
        });
      },
    });
    groups.reload();
  };
  const remove = async (group: Group): Promise<void> => {
    if (!(await confirm(t('groups.remove', { name: group.name }), t('groups.removeText'), t('remove.action')))) return;
    await client.call('RemoveGroup', { path: { name: group.name } }).catch(fail);
    groups.reload();
  };
  return (
    <Page
      title={t('admin.groups')}
      actions={
        <Button kind="primary" icon={Plus} onClick={() => void add()}>
          {t('groups.new')}
        </Button>
      }
    >
      <Show of={groups}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={Users} title={t('groups.none')}>
              <p>{t('groups.noneText')}</p>
            </Empty>
          ) : (
            <Table label={t('admin.groups')} head={[t('column.name'), t('groups.members'), t('users.since'), '']}>
              {list.map((group) => (
                <tr key={group.name}>
                  <th scope="row">
                    <bdi>{group.name}</bdi>
                  </th>
                  <td>
                    <span class="row">
                      {group.members.map((name) => (
                        <span key={name} class="badge">
                          <bdi>{name}</bdi>
                        </span>
                      ))}
                    </span>
                  </td>
                  <td class="muted">{ago(group.created)}</td>
                  <td class="actions">
                    <IconButton
                      icon={Ellipsis}
                      label={t('entry.menu', { name: group.name })}
                      aria-haspopup="menu"
                      onClick={(event) =>
                        openMenu(event, group.name, [
                          { label: t('edit'), act: () => void edit(group) },
                          { label: t('remove.action'), danger: true, act: () => void remove(group) },
                        ])
                      }
                    />
                  </td>
                </tr>
              ))}
            </Table>
          )
        }
      </Show>
    </Page>
  );
}
