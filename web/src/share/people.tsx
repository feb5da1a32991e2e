import { Trash2, UserRound, UserRoundPlus, UsersRound } from 'lucide';
import { useId, useState } from 'preact/hooks';
import type { AccessGrant, NewGrant } from '../../../clients/typescript/index.ts';
import { allPages } from '../admin/all-pages.ts';
import { bucketLabel } from '../api/buckets.ts';
import type { Place } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import { client, session } from '../api/session.ts';
import { parentOf } from '../drive/actions.tsx';
import { visible } from '../drive/entry-list.tsx';
import { t } from '../i18n/index.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { confirm } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { type Loaded, useLoad } from '../ui/load.ts';
import { Section, Show } from '../ui/page.tsx';
import { said } from '../ui/said.ts';
import { fail } from '../ui/toast.tsx';
import { Wrong } from '../ui/wrong.tsx';

export type Role = AccessGrant['role'];
/** From the least to the most; `commenter` gives nothing so far that `viewer` does not. */
const ROLES: readonly Role[] = ['viewer', 'commenter', 'uploader', 'editor', 'manager', 'owner'];
const ICONS = { user: UserRound, group: UsersRound };

/** Rights lie on folders: those of a file are its folder's. */
export function folderOf({ bucket, key }: Place): Place {
  return { bucket, key: key === '' || key.endsWith('/') ? key : parentOf(key) };
}

/** What is granted on a folder and above; null: the caller may not know. */
export async function grantsOf(place: Place): Promise<AccessGrant[] | null> {
  try {
    return (await client.call('ListAccess', { path: folderOf(place) })).items;
  } catch (error) {
    if (isApiError(error, 'access_denied')) return null;
    throw error;
  }
}

/** Names to choose from. Admins are told all; others see those that have rights here. */
export interface Known {
  users: string[];
  groups: string[];
}

export async function knownNames(grants: readonly AccessGrant[]): Promise<Known> {
  const named = (kind: string): string[] => grants.filter((grant) => grant.kind === kind).map(({ name }) => name);
  if (session.value.kind !== 'in' || session.value.me.role !== 'admin') return { users: named('user'), groups: named('group') };
  const [users, groups] = await Promise.all([
    allPages(async (page) => {
      const { users: items, next } = await client.call('ListUsers', { query: page });
      return { items, next };
    }),
    allPages(async (page) => {
      const { groups: items, next } = await client.call('ListGroups', { query: page });
      return { items, next };
    }),
  ]);
  return { users: users.map(({ name }) => name), groups: groups.map(({ name }) => name) };
}

interface PeopleProps {
  place: Place;
  grants: Loaded<AccessGrant[] | null>;
  known: Known;
}

/** Users and groups with a role here, and how one is given, changed and taken. */
export function People({ place, grants, known }: PeopleProps) {
  const folder = folderOf(place);
  const file = folder.key !== place.key;
  return (
    <Section title={t('people.title')}>
      {file && <p class="note">{t('people.ofFolder', { name: placeName(folder) })}</p>}
      <Show of={grants} rows={2}>
        {(list) =>
          list === null ? (
            <p class="muted">{t('people.notForYou')}</p>
          ) : (
            <>
              {list.length === 0 ? (
                <p class="muted">{t('people.none')}</p>
              ) : (
                <ul class="links" aria-label={t('people.title')}>
                  {list.map((grant) => (
                    <GrantRow
                      key={`${grant.kind} ${grant.name} ${grant.key}`}
                      place={folder}
                      grant={grant}
                      fixed={file || grant.inherited}
                      reload={grants.reload}
                    />
                  ))}
                </ul>
              )}
              {!file && <Add place={folder} known={known} reload={grants.reload} />}
            </>
          )
        }
      </Show>
    </Section>
  );
}

function GrantRow({ place, grant, fixed, reload }: { place: Place; grant: AccessGrant; fixed: boolean; reload: () => void }) {
  const { kind, name, role, key } = grant;
  const shown = visible(name);
  const change = async (next: Role): Promise<void> => {
    try {
      await client.call('GrantAccess', { path: place, body: { kind, name, role: next } });
    } catch (error) {
      fail(error);
    }
    reload();
  };
  const revoke = async (): Promise<void> => {
    const text = t('people.revokeText', { name: shown, place: placeName(place) });
    if (!(await confirm(t('people.revokeOf', { name: shown }), text, t('people.revoke')))) return;
    try {
      await client.call('RevokeAccess', { path: place, query: { kind, name } });
    } catch (error) {
      fail(error);
    }
    reload();
  };
  return (
    <li class="link-row grant-row">
      <Icon of={ICONS[kind]} class="faint" />
      <div class="link-text">
        <span class="wrap">
          <bdi>{shown}</bdi>
          {kind === 'group' && <span class="muted"> · {t('people.group')}</span>}
        </span>
        {fixed && <span class="muted small">{t('people.from', { name: placeName({ bucket: place.bucket, key }) })}</span>}
      </div>
      {fixed ? (
        <span class="badge">{t(`grant.${role}`)}</span>
      ) : (
        <>
          <select
            class="input"
            aria-label={t('people.roleOf', { name: shown })}
            value={role}
            onChange={(event) => void change(event.currentTarget.value as Role)}
          >
            {ROLES.map((one) => (
              <option key={one} value={one}>
                {t(`grant.${one}`)}
              </option>
            ))}
          </select>
          <IconButton icon={Trash2} label={t('people.revokeOf', { name: shown })} onClick={() => void revoke()} />
        </>
      )}
    </li>
  );
}

function Add({ place, known, reload }: { place: Place; known: Known; reload: () => void }) {
  const [kind, setKind] = useState<'user' | 'group'>('user');
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  const add = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (name.trim() === '') return setWrong(t('requiredOf', { name: t('people.name') }));
    const body: NewGrant = { kind, name: name.trim(), role };
    setBusy(true);
    try {
      await client.call('GrantAccess', { path: place, body });
      setName('');
      setWrong(null);
      reload();
    } catch (error) {
      setWrong(
        isApiError(error, 'principal_not_found')
          ? t(kind === 'user' ? 'people.noUser' : 'people.noGroup', { name: visible(body.name) })
          : said(error),
      );
    }
    setBusy(false);
  };
  return (
    <form class="grant-add" noValidate onSubmit={(event) => void add(event)}>
      <select
        class="input"
        aria-label={t('people.kind')}
        value={kind}
        onChange={(event) => setKind(event.currentTarget.value as 'user' | 'group')}
      >
        <option value="user">{t('people.user')}</option>
        <option value="group">{t('people.group')}</option>
      </select>
      <input
        class="input"
        type="text"
        list={id}
        aria-label={t('people.name')}
        placeholder={t('people.name')}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        value={name}
        aria-invalid={wrong !== null}
        aria-describedby={wrong === null ? undefined : `${id}-wrong`}
        onInput={(event) => {
          setName(event.currentTarget.value);
          setWrong(null);
        }}
      />
      <datalist id={id}>
        {(kind === 'user' ? known.users : known.groups).map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <select
        class="input"
        aria-label={t('people.role')}
        value={role}
        onChange={(event) => setRole(event.currentTarget.value as Role)}
      >
        {ROLES.map((one) => (
          <option key={one} value={one}>
            {t(`grant.${one}`)}
          </option>
        ))}
      </select>
      <Button type="submit" icon={UserRoundPlus} busy={busy}>
        {t('people.add')}
      </Button>
      <Wrong id={`${id}-wrong`} text={wrong} />
    </form>
  );
}

export function placeName({ bucket, key }: Place): string {
  return key === '' ? bucketLabel(bucket) : visible(key.replace(/\/$/, '').split('/').at(-1) ?? key);
}

export function useGrants(place: Place): { grants: Loaded<AccessGrant[] | null>; known: Known } {
  const grants = useLoad(() => grantsOf(place), [place.bucket, place.key]);
  const known = useLoad(
    async () => (grants.loading && grants.data === null ? { users: [], groups: [] } : knownNames(grants.data ?? [])),
    [grants.data, grants.loading && grants.data === null],
  );
  return { grants, known: known.data ?? { users: [], groups: [] } };
}
