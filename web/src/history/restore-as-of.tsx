import { ArchiveRestore, Search } from 'lucide';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { RestoreAsOf, Restored } from '../../../clients/typescript/index.ts';
import { type Place, unlessGone } from '../api/client.ts';
import { client } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { isAbort } from '../drive/work.tsx';
import { bytes, longDate, type MessageKey, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { lay } from '../ui/laid.tsx';
import { said } from '../ui/said.ts';
import { tell } from '../ui/toast.tsx';
import { Wrong } from '../ui/wrong.tsx';
import { watchTask } from './tasks.tsx';

const HOUR_MS = 3_600_000;
const MOMENTS: { label: MessageKey; agoMs: number }[] = [
  { label: 'asOf.hour', agoMs: HOUR_MS },
  { label: 'asOf.day', agoMs: 24 * HOUR_MS },
  { label: 'asOf.week', agoMs: 7 * 24 * HOUR_MS },
];
const CONFLICTS = ['replace', 'rename', 'skip'] as const;
const COUNTS: { name: keyof Restored; label: MessageKey }[] = [
  { name: 'restored', label: 'asOf.restored' },
  { name: 'replaced', label: 'asOf.replaced' },
  { name: 'renamed', label: 'asOf.renamed' },
  { name: 'skipped', label: 'asOf.skipped' },
  { name: 'removed', label: 'asOf.removed' },
  { name: 'unchanged', label: 'asOf.unchanged' },
];

/** Makes a folder, or a bucket, as it was at a moment; shows first what that would change. */
export function restoreAsOf(place: Place, onEnd?: () => void): void {
  lay((close) => <AsOf place={place} close={close} onEnd={onEnd} />);
}

function AsOf({ place: { bucket, key }, close, onEnd }: { place: Place; close: () => void; onEnd: (() => void) | undefined }) {
  const [moment, setMoment] = useState(() => localText(Date.now() - HOUR_MS));
  const [conflict, setConflict] = useState<(typeof CONFLICTS)[number]>('replace');
  const [remove, setRemove] = useState(false);
  const [preview, setPreview] = useState<Restored | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  const round = useRef(0);
  const stop = useRef(new AbortController());
  // Whoever closes the question does not want its answer.
  useEffect(() => () => stop.current.abort(), []);
  const changed = (act: () => void): void => {
    act();
    round.current++;
    setPreview(null);
    setWrong(null);
  };
  const send = async (dryRun: boolean): Promise<void> => {
    const at = new Date(moment);
    if (Number.isNaN(at.getTime())) return setWrong(t('asOf.noMoment'));
    if (at.getTime() > Date.now()) return setWrong(t('asOf.future'));
    const { signal } = stop.current;
    const how = { added: remove ? 'remove' : 'keep', conflict, dryRun, ...unlessGone(signal) } as const;
    const body: RestoreAsOf = { bucket, prefix: key, at: at.toISOString(), ...how };
    const mine = round.current;
    setBusy(true);
    setWrong(null);
    try {
      const answer = await client.call('RestoreAsOf', { body, signal });
      if ('task' in answer) {
        watchTask(bucket, answer.task, onEnd);
        close();
      } else if (dryRun) {
        if (mine === round.current) setPreview(answer);
      } else {
        tell(t('history.restored', { count: answer.restored }));
        onEnd?.();
        close();
      }
    } catch (error) {
      if (isAbort(error)) return tell(t('work.cancelledNone'));
      setWrong(said(error));
    }
    setBusy(false);
  };
  const nothing = preview !== null && preview.restored + preview.removed === 0;
  return (
    <Dialog title={t('asOf.title', { name: visible(key === '' ? bucket : (key.split('/').at(-2) ?? key)) })} onClose={close}>
      <form
        class="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void send(preview === null);
        }}
      >
        <p class="dialog-text">{t('asOf.text')}</p>
        <div class="field">
          <label for={`${id}-at`}>{t('asOf.moment')}</label>
          <input
            id={`${id}-at`}
            data-autofocus
            type="datetime-local"
            step="1"
            value={moment}
            max={localText(Date.now())}
            onInput={(event) => changed(() => setMoment(event.currentTarget.value))}
          />
          <span class="row">
            {MOMENTS.map(({ label, agoMs }) => (
              <button
                key={label}
                type="button"
                class="link"
                onClick={() => changed(() => setMoment(localText(Date.now() - agoMs)))}
              >
                {t(label)}
              </button>
            ))}
          </span>
        </div>
        <div class="field">
          <label for={`${id}-conflict`}>{t('asOf.conflict')}</label>
          <select
            id={`${id}-conflict`}
            value={conflict}
            onChange={(event) => changed(() => setConflict(event.currentTarget.value as typeof conflict))}
          >
            {CONFLICTS.map((one) => (
              <option key={one} value={one}>
                {t(`asOf.${one}`)}
              </option>
            ))}
          </select>
        </div>
        <label class="tick">
          <input type="checkbox" checked={remove} onChange={(event) => changed(() => setRemove(event.currentTarget.checked))} />{' '}
          {t('asOf.remove')}
        </label>
        <div aria-live="polite">
          {preview !== null && (
            <div class="note as-of-preview">
              <strong>{nothing ? t('asOf.nothing') : t('asOf.would', { time: longDate(new Date(moment).toISOString()) })}</strong>
              {!nothing && (
                <dl>
                  {COUNTS.filter(({ name }) => preview[name] > 0).map(({ name, label }) => (
                    <div key={name}>
                      <dt>{t(label)}</dt>
                      <dd>{name === 'restored' ? `${preview.restored} · ${bytes(preview.bytes)}` : preview[name]}</dd>
                    </div>
                  ))}
                </dl>
              )}
            </div>
          )}
        </div>
        {busy && (
          <div role="status">
            <span class="muted small">{t(preview === null ? 'asOf.counting' : 'asOf.working')}</span>
            <progress aria-label={t('history.restore')} />
          </div>
        )}
        <Wrong text={wrong} />
        <footer class="dialog-actions">
          <Button onClick={close}>{t('cancel')}</Button>
          <Button kind="primary" type="submit" busy={busy} disabled={nothing} icon={preview === null ? Search : ArchiveRestore}>
            {preview === null ? t('asOf.preview') : t('history.restore')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

/** As an input of date and time takes it: the wall clock here. */
function localText(ms: number): string {
  const date = new Date(ms);
  return new Date(ms - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
