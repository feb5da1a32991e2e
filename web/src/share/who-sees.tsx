import { CircleCheck, CircleX, Link2, Search } from 'lucide';
import { useState } from 'preact/hooks';
import type { AccessGrant, Explanation, Link } from '../../../clients/typescript/index.ts';
import type { Place } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import { client, session } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { fromGateway, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Show } from '../ui/page.tsx';
import { said } from '../ui/said.ts';
import { Wrong } from '../ui/wrong.tsx';
import { linksTo } from './links-to.ts';
import { type Known, placeName, type Role } from './people.tsx';

/** Of each one two questions; more than so many people are asked for by name. */
const PEOPLE_MAX = 20;

interface Answer {
  /** null: nobody, without credentials. */
  user: string | null;
  read: Explanation;
  write: Explanation;
}

interface WhoSeesProps {
  place: Place;
  /** null: the caller may only ask about itself. */
  grants: AccessGrant[] | null;
  known: Known;
}

/** Who can see this, and which rule says so: the gateway's own verdict, asked for each. */
export function WhoSees({ place, grants, known }: WhoSeesProps) {
  const [open, setOpen] = useState(false);
  return (
    <details class="who-sees" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('who.title')}</summary>
      {open && <Answers place={place} grants={grants} known={known} />}
    </details>
  );
}

function Answers({ place, grants, known }: WhoSeesProps) {
  const me = session.value.kind === 'in' ? session.value.me.name : '';
  const [asked, setAsked] = useState<string[]>([]);
  const [name, setName] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const users = grants === null ? [me] : [...new Set([...asked, me, ...known.users.slice(0, PEOPLE_MAX)])];
  const answers = useLoad(
    () => Promise.all([...users.map((user) => askAbout(place, user)), ...(grants === null ? [] : [askAbout(place, null)])]),
    [place.bucket, place.key, users.join('\n'), grants],
  );
  const links = useLoad(() => linksTo(place), [place.bucket, place.key]);
  const ask = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wanted = name.trim();
    if (wanted === '') return;
    try {
      await askAbout(place, wanted);
      setAsked([wanted, ...asked.filter((one) => one !== wanted)]);
      setName('');
    } catch (error) {
      setWrong(isApiError(error, 'principal_not_found') ? t('people.noUser', { name: visible(wanted) }) : said(error));
    }
  };
  return (
    <>
      <Show of={answers} rows={3}>
        {(list) => (
          <ul class="links" aria-label={t('who.title')}>
            {list.map((answer) => (
              <AnswerRow key={answer.user ?? ''} answer={answer} grants={grants ?? []} bucket={place.bucket} />
            ))}
          </ul>
        )}
      </Show>
      {(links.error !== null || (links.data?.length ?? 0) > 0) && (
        <Show of={links} rows={1}>
          {(list) => (
            <ul class="links" aria-label={t('share.links')}>
              {list.map((link) => (
                <LinkAnswer key={link.id} link={link} />
              ))}
            </ul>
          )}
        </Show>
      )}
      {grants !== null && (
        <form class="grant-add" noValidate onSubmit={(event) => void ask(event)}>
          <input
            class="input"
            type="text"
            aria-label={t('who.ask')}
            placeholder={t('who.ask')}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            value={name}
            onInput={(event) => {
              setName(event.currentTarget.value);
              setWrong(null);
            }}
          />
          <Button type="submit" icon={Search}>
            {t('who.askAction')}
          </Button>
          <Wrong text={wrong} />
        </form>
      )}
    </>
  );
}

async function askAbout({ bucket, key }: Place, user: string | null): Promise<Answer> {
  const me = session.value.kind === 'in' ? session.value.me.name : '';
  const ask = (action: 'read' | 'write') =>
    client.call('ExplainAccess', { body: { action, bucket, key, ...(user === me ? {} : { user }) } });
  const [read, write] = await Promise.all([ask('read'), ask('write')]);
  return { user, read, write };
}

function AnswerRow({ answer: { user, read, write }, grants, bucket }: { answer: Answer; grants: AccessGrant[]; bucket: string }) {
  const why = sayRule(read, grants, bucket);
  const whyWrite = sayRule(write, grants, bucket);
  return (
    <li class="link-row">
      <Icon of={read.allowed ? CircleCheck : CircleX} class={read.allowed ? 'good' : 'faint'} />
      <div class="link-text">
        <span class="row">
          <strong class="wrap">
            <bdi>{user === null ? t('who.nobody') : visible(user)}</bdi>
          </strong>
          <span class={`badge ${read.allowed ? 'good' : ''}`}>{t(read.allowed ? 'who.sees' : 'who.seesNot')}</span>
          {write.allowed && <span class="badge warn">{t('who.changes')}</span>}
        </span>
        <span class="muted small">{why}</span>
        {whyWrite !== why && <span class="muted small">{t('who.changing', { text: whyWrite })}</span>}
      </div>
    </li>
  );
}

/** A link is for whoever has it, signed in or not; one to a folder leads to all that is in it. */
function LinkAnswer({ link: { bucket, key, label, mode, protected: locked } }: { link: Link }) {
  const place = placeName({ bucket, key });
  return (
    <li class="link-row">
      <Icon of={Link2} class={mode === 'drop' ? 'faint' : 'good'} />
      <div class="link-text">
        <span class="row">
          <strong class="wrap">{t('who.link', { name: visible(label ?? place) })}</strong>
          {mode === 'drop' ? <span class="badge warn">{t('who.drops')}</span> : <span class="badge good">{t('who.sees')}</span>}
        </span>
        <span class="muted small">{t(locked ? 'who.linkLocked' : 'who.linkOpen', { place })}</span>
      </div>
    </li>
  );
}

/** The rule in the language of the page; what is not known here comes in the gateway's words. */
function sayRule({ rule, because }: Explanation, grants: readonly AccessGrant[], bucket: string): string {
  switch (rule.kind) {
    case 'admin':
      return t('rule.admin');
    case 'owner':
      return t('rule.owner');
    case 'nothing':
      return /disabled/.test(because) ? t('rule.disabled') : t('rule.nothing');
    case 'public-access-block':
      return t('rule.block');
    case 'scope':
      return t('rule.scope');
    case 'policy': {
      const { statement, effect } = rule as unknown as { statement: number; effect: string };
      return t(effect === 'Deny' ? 'rule.policyDenies' : 'rule.policyAllows', { number: statement + 1 });
    }
    case 'grant': {
      const { role, prefix, subject } = (rule as unknown as { grant: { role: Role; prefix: string; subject: { kind: string } } })
        .grant;
      const place = placeName({ bucket, key: prefix });
      if (subject.kind === 'user') return t('rule.grant', { role: t(`grant.${role}`), place });
      const named = grants.filter((one) => one.kind === subject.kind && one.role === role && one.key === prefix);
      // Two groups with the same role at the same place: which one it was is in the gateway's sentence.
      return named.length === 1 && named[0] !== undefined
        ? t('rule.groupGrant', { role: t(`grant.${role}`), place, name: visible(named[0].name) })
        : fromGateway(because);
    }
    default:
      return fromGateway(because);
  }
}
