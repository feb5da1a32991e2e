import { CircleAlert, Pause, Play, Radio, Trash2, Unplug } from 'lucide';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ServerMessage, TraceEntry } from '../../../clients/typescript/index.ts';
import { streaming, watch } from '../api/events.ts';
import { reachable } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { bytes, language, number, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page, Table } from '../ui/page.tsx';
import { Empty, Loading } from '../ui/states.tsx';
import { Wrong } from '../ui/wrong.tsx';
import { DOORS, doorChoices } from './doors.ts';
import { Filters, filterBy, filtersOf } from './filters.tsx';

const NAMES = ['user', 'device', 'bucket', 'status', 'door'] as const;
/** The newest; older ones go. */
const SHOWN_MAX = 300;

/** Every request of every door as it ends, for as long as somebody looks. Nothing of it is kept. */
export function TracePage() {
  const filters = filtersOf(NAMES);
  const key = JSON.stringify(filters);
  const [entries, setEntries] = useState<TraceEntry[]>([]);
  const [left, setLeft] = useState(0);
  const [missed, setMissed] = useState(0);
  const [paused, setPaused] = useState(false);
  const [state, setState] = useState<{ told: boolean; refusal: string | null }>({ told: false, refusal: null });
  const [attempt, setAttempt] = useState(0);
  const held = useRef(paused);
  held.current = paused;
  const wrong = filters.status !== undefined && !/^[1-5](\d\d|xx)$/.test(filters.status);
  useEffect(() => {
    setEntries([]);
    setLeft(0);
    setMissed(0);
    setState({ told: false, refusal: null });
    if (wrong) return;
    const hear = (message: ServerMessage): void => {
      const found = message.entries as TraceEntry[];
      if (held.current) return setMissed((count) => count + found.length);
      setLeft((count) => count + (message.left as number));
      setEntries((before) => [...found.reverse(), ...before].slice(0, SHOWN_MAX));
    };
    return watch('trace', filters, hear, (refusal) => setState({ told: refusal === null, refusal }));
  }, [key, attempt]);
  const broken = streaming.value === 'waiting' || streaming.value === 'closed' || !reachable.value;
  const resume = (): void => {
    setPaused(!paused);
    setMissed(0);
  };
  return (
    <Page
      title={t('admin.trace')}
      text={t('trace.text')}
      actions={
        <>
          <Button icon={Trash2} disabled={entries.length === 0} onClick={() => setEntries([])}>
            {t('trace.clear')}
          </Button>
          <Button kind="primary" icon={paused ? Play : Pause} onClick={resume}>
            {t(paused ? 'trace.resume' : 'trace.pause')}
          </Button>
        </>
      }
    >
      <Filters
        page="trace"
        filters={[
          { name: 'user', label: t('audit.who') },
          { name: 'device', label: t('trace.device') },
          { name: 'bucket', label: t('trace.bucket') },
          { name: 'status', label: t('trace.status') },
          { name: 'door', label: t('stats.door'), choices: doorChoices(['s3', 'webdav', 'rest', 'web']) },
        ]}
      />
      <Wrong text={wrong ? t('trace.statusHint') : null} />
      {state.refusal !== null ? (
        <div class="note bad row" role="alert">
          <Icon of={CircleAlert} />
          <span class="wrap">
            {t('trace.refused', { why: state.refusal })}{' '}
            <button type="button" class="link" onClick={() => setAttempt(attempt + 1)}>
              {t('retry')}
            </button>
          </span>
        </div>
      ) : (
        broken && (
          <p class="note warn row" role="alert">
            <Icon of={Unplug} /> {t('trace.broken')}
          </p>
        )
      )}
      <p class="muted small" role="status">
        {paused
          ? t('trace.paused', { count: missed })
          : broken || !state.told || entries.length + left === 0
            ? ''
            : left > 0
              ? t('trace.left', { count: left })
              : t('trace.shown', { count: entries.length, max: SHOWN_MAX })}
      </p>
      {entries.length > 0 ? (
        <Entries entries={entries} by={(name, value) => filterBy('trace', { ...filters, [name]: value })} />
      ) : broken || wrong || state.refusal !== null ? null : !state.told ? (
        <Loading rows={3} />
      ) : (
        <Empty icon={Radio} title={t('trace.none')}>
          {t(key === '{}' ? 'trace.noneText' : 'audit.noneFiltered')}
        </Empty>
      )}
    </Page>
  );
}

function Entries({ entries, by }: { entries: TraceEntry[]; by: (name: (typeof NAMES)[number], value: string) => void }) {
  const cell = (name: (typeof NAMES)[number], value: string | null, shown = value) =>
    value === null ? (
      <span class="muted">–</span>
    ) : (
      <button type="button" class="link plain" title={t('trace.by', { value })} onClick={() => by(name, value)}>
        <bdi>{visible(shown ?? value)}</bdi>
      </button>
    );
  return (
    <Table
      lines
      label={t('admin.trace')}
      head={[
        t('audit.at'),
        t('trace.status'),
        t('stats.door'),
        t('trace.request'),
        t('audit.who'),
        { text: t('trace.took'), number: true },
        { text: t('stats.in'), number: true, spare: true },
        { text: t('stats.out'), number: true, spare: true },
      ]}
    >
      {entries.map((entry) => (
        <tr key={`${entry.requestId} ${entry.at}`}>
          <td class="muted nowrap">{clock(entry.at)}</td>
          <td>
            <span class={`badge ${entry.status >= 500 ? 'bad' : entry.status >= 400 ? 'warn' : 'good'}`}>
              {cell('status', String(entry.status))}
            </span>
          </td>
          <td>{cell('door', entry.door, DOORS[entry.door] ?? entry.door)}</td>
          <td class="cut line">
            <bdi title={`${entry.method} ${entry.path}`}>
              <strong>{entry.operation}</strong> {visible(entry.path)}
            </bdi>
            {entry.bucket !== null && <div class="small">{cell('bucket', entry.bucket)}</div>}
          </td>
          <td class="line">
            {cell('user', entry.user)}
            <div class="small muted">
              {entry.device === null ? (
                entry.address
              ) : (
                <>
                  {cell('device', entry.device, entry.deviceName ?? entry.device)} · {entry.address}
                </>
              )}
            </div>
          </td>
          <td class="number">{number(Math.round(entry.seconds * 10_000) / 10)} ms</td>
          <td class="number spare">{bytes(entry.receivedBytes)}</td>
          <td class="number spare">{bytes(entry.sentBytes)}</td>
        </tr>
      ))}
    </Table>
  );
}

function clock(iso: string): string {
  return new Date(iso).toLocaleTimeString(language.value, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    fractionalSecondDigits: 3,
  });
}
