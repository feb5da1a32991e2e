import { ArrowLeft } from 'lucide';
import type { ComponentChildren } from 'preact';
import { client } from '../api/session.ts';
import { bytes, longDate, t } from '../i18n/index.ts';
import { Credentials } from '../pages/credentials.tsx';
import { Sessions } from '../pages/sessions.tsx';
import { href } from '../router.ts';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Section, Show } from '../ui/page.tsx';
import { said } from '../ui/said.ts';

/** All that a user signs in with and is signed in by, for an admin who takes some of it back. */
export function UserPage({ name }: { name: string }) {
  const user = useLoad(() => client.call('GetUser', { path: { name } }), [name]);
  const groups = useLoad(
    async () => (await client.call('ListGroups', { query: {} })).groups.filter(({ members }) => members.includes(name)),
    [name],
  );
  return (
    <Page
      title={name}
      text={t('user.text')}
      actions={
        <a class="button plain" href={href('admin', ['users'])}>
          <Icon of={ArrowLeft} /> {t('admin.users')}
        </a>
      }
    >
      <Show of={user} rows={2}>
        {({ role, disabled, secondFactor, quotaBytes, created }) => (
          <dl class="facts card">
            <Fact name={t('users.role')}>
              {t(`role.${role}`)} {disabled && <span class="badge bad">{t('users.disabled')}</span>}
            </Fact>
            <Fact name={t('users.factor')}>{t(secondFactor ? 'on' : 'off')}</Fact>
            <Fact name={t('users.quota')}>{quotaBytes === null ? t('unlimited') : bytes(quotaBytes)}</Fact>
            <Fact name={t('users.since')}>{longDate(created)}</Fact>
            <Fact name={t('admin.groups')}>
              {groups.error !== null
                ? said(groups.error)
                : groups.data === null
                  ? '…'
                  : groups.data.length === 0
                    ? '–'
                    : groups.data.map((one) => one.name).join(', ')}
            </Fact>
          </dl>
        )}
      </Show>
      <Sessions user={name} />
      <Credentials user={name} />
      <Section title={t('user.more')}>
        <p class="row apart">
          <a href={href('admin', ['audit'], { name })}>{t('user.audit')}</a>
          <a href={href('admin', ['trace'], { user: name })}>{t('user.trace')}</a>
        </p>
      </Section>
    </Page>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt class="muted small">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
