import { Download, ScrollText, ShieldCheck, ShieldX } from 'lucide';
import { useRef, useState } from 'preact/hooks';
import type { AuditRecord, AuditVerdict, CallOptions } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { fromGateway, longDate, number, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { ask } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { openMenu } from '../ui/menu.tsx';
import { Page, Table } from '../ui/page.tsx';
import { ShowPages } from '../ui/paged.tsx';
import { usePages } from '../ui/pages.ts';
import { Empty } from '../ui/states.tsx';
import { fail } from '../ui/toast.tsx';
import { DOORS, doorChoices } from './doors.ts';
import { Filters, filtersOf } from './filters.tsx';

type Query = NonNullable<CallOptions<'ListAudit'>['query']>;

const NAMES = ['name', 'action', 'resource', 'protocol', 'outcome', 'address', 'from', 'to'] as const;
const LIMIT = 100;

/** Who did what, from where, by which door and with which verdict, in a chain that shows what was changed in it. */
export function AuditPage() {
  const filters = filtersOf(NAMES);
  const query = queryOf(filters);
  const records = usePages(
    (cursor) => client.call('ListAudit', { query: { ...query, limit: LIMIT, ...(cursor === null ? {} : { cursor }) } }),
    [JSON.stringify(query)],
  );
  const save = (event: MouseEvent): void => {
    const as = (format: 'jsonl' | 'csv') => () => location.assign(client.href('ExportAudit', { query: { ...query, format } }));
    openMenu(event, t('audit.export'), [
      { label: t('audit.jsonl'), act: as('jsonl') },
      { label: t('audit.csv'), act: as('csv') },
    ]);
  };
  return (
    <Page
      title={t('admin.audit')}
      text={t('audit.text')}
      actions={
        <Button icon={Download} onClick={save}>
          {t('audit.export')}
        </Button>
      }
    >
      <Chain />
      <Filters
        page="audit"
        filters={[
          { name: 'name', label: t('audit.who') },
          { name: 'action', label: t('audit.action') },
          { name: 'resource', label: t('audit.where') },
          { name: 'protocol', label: t('stats.door'), choices: doorChoices(['s3', 'webdav', 'rest', 'web', 'cli']) },
          {
            name: 'outcome',
            label: t('audit.verdict'),
            choices: (['ok', 'denied', 'failed'] as const).map((value) => ({ value, label: t(`audit.${value}`) })),
          },
          { name: 'address', label: t('audit.address') },
          { name: 'from', label: t('audit.from'), kind: 'datetime-local' },
          { name: 'to', label: t('audit.to'), kind: 'datetime-local' },
        ]}
      />
      <ShowPages
        of={records}
        more={t('audit.older')}
        rows={8}
        empty={
          <Empty icon={ScrollText} title={t('audit.none')}>
            {Object.keys(filters).length > 0 ? t('audit.noneFiltered') : t('audit.noneText')}
          </Empty>
        }
      >
        {(items) => <Records items={items} />}
      </ShowPages>
    </Page>
  );
}

/** Times are typed as the clock on the wall has them. */
function queryOf(filters: Record<string, string>): Query {
  const time = (name: string): Record<string, string> => {
    const date = new Date(filters[name] ?? '');
    return Number.isNaN(date.getTime()) ? {} : { [name]: date.toISOString() };
  };
  const { from: _, to: __, ...rest } = filters;
  return { ...rest, ...time('from'), ...time('to') } as Query;
}

/** The check of the whole chain: on demand, can be cancelled, and stays shown. */
function Chain() {
  const [state, setState] = useState<{ verdict: AuditVerdict | null; at: string } | 'running' | null>(null);
  const running = useRef<AbortController | null>(null);
  const verify = async (): Promise<void> => {
    const abort = new AbortController();
    running.current = abort;
    setState('running');
    try {
      const verdict = await client.call('VerifyAudit', { signal: abort.signal });
      setState({ verdict, at: new Date().toISOString() });
    } catch (error) {
      setState(null);
      if (!abort.signal.aborted) fail(error);
    }
  };
  const verdict = state === null || state === 'running' ? null : state.verdict;
  return (
    <div class={`note row ${verdict === null ? '' : verdict.ok ? 'health-ok' : 'bad'}`} role="status">
      <Icon of={verdict !== null && !verdict.ok ? ShieldX : ShieldCheck} {...(verdict?.ok === true ? { class: 'good' } : {})} />
      <span class="grow">
        {state === 'running'
          ? t('audit.verifying')
          : verdict === null || state === null
            ? t('audit.verifyText')
            : verdict.ok
              ? t('audit.whole', { count: verdict.records, time: longDate(state.at) })
              : t('audit.broken', { id: String(verdict.broken?.id ?? ''), why: fromGateway(verdict.broken?.why ?? '') })}
        {state === 'running' && <progress aria-label={t('audit.verifying')} />}
      </span>
      {state === 'running' ? (
        <Button onClick={() => running.current?.abort()}>{t('cancel')}</Button>
      ) : (
        <Button onClick={() => void verify()}>{t('audit.verify')}</Button>
      )}
    </div>
  );
}

const KINDS = { ok: 'good', denied: 'warn', failed: 'bad' } as const;

function Records({ items }: { items: AuditRecord[] }) {
  return (
    <Table
      lines
      label={t('admin.audit')}
      head={[t('audit.at'), t('audit.who'), t('audit.action'), t('audit.where'), t('audit.verdict'), t('audit.address')]}
    >
      {items.map((record) => (
        <tr key={record.id}>
          <td class="nowrap line">
            <button
              type="button"
              class="link"
              aria-label={`${longDate(record.at)}: ${t('audit.more', { id: String(record.id) })}`}
              onClick={() => void tellAll(record)}
            >
              {longDate(record.at)}
            </button>
          </td>
          <td>
            <bdi>{record.name === null ? '–' : visible(record.name)}</bdi>
            {record.credential !== null && !record.credential.startsWith('session:') && (
              <div class="muted small">{record.credential.split(':')[0]}</div>
            )}
          </td>
          <td>
            {record.action} <span class="muted small">{DOORS[record.protocol] ?? record.protocol}</span>
          </td>
          <td class="cut line">
            <bdi title={record.resource ?? ''}>{record.resource === null ? '–' : visible(record.resource)}</bdi>
          </td>
          <td>
            <span class={`badge ${KINDS[record.outcome]}`}>{t(`audit.${record.outcome}`)}</span>{' '}
            <span class="muted small">{record.status}</span>
          </td>
          <td class="muted nowrap">{record.address ?? '–'}</td>
        </tr>
      ))}
    </Table>
  );
}

/** Every field of one record, as it was written. */
async function tellAll(record: AuditRecord): Promise<void> {
  const fields = Object.entries(record).map(([name, value]) => {
    const text = value === null ? '–' : typeof value === 'object' ? JSON.stringify(value) : String(value);
    return [name, text] as const;
  });
  await ask({
    title: t('audit.record', { id: number(record.id) }),
    body: (
      <dl class="fields">
        {fields.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code class="wrap">{visible(text)}</code>
            </dd>
          </div>
        ))}
      </dl>
    ),
    choices: [],
  });
}
