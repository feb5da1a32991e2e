import { useSignal } from '@preact/signals';
import {
  ChevronDown,
  ChevronUp,
  CircleAlert,
  CircleCheck,
  Clock,
  CloudOff,
  Pause,
  Play,
  RotateCw,
  SkipForward,
  Upload as UploadIcon,
  X,
} from 'lucide';
import { visible } from '../drive/entry-list.tsx';
import { bytes, duration, t } from '../i18n/index.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { confirm } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { Virtual } from '../ui/virtual.tsx';
import { CutRows } from './cut-rows.tsx';
import { type Upload, uploads } from './queue.ts';
import { type Begun, dropBegun, interrupted } from './remembered.ts';

const ROW_HEIGHT = 52;

/** What goes up, how fast and how long yet; what failed, and why. It is there as long as there is something to say. */
export function UploadPanel() {
  const open = useSignal(true);
  const { items, done, folders, failed, skipped, open: left, bytes: total, sent } = uploads.sums.value;
  const cut = interrupted();
  if (items === 0) return cut.length === 0 ? null : <CutOff cut={cut} />;
  const title =
    left > 0
      ? t('uploads.running', { count: left })
      : failed > 0
        ? t('uploads.failed', { count: failed })
        : done === 0 && folders > 0
          ? t('uploads.folders', { count: folders })
          : done === 0 && skipped > 0
            ? t('uploads.skipped', { count: skipped })
            : t('uploads.done', { count: done });
  const shown = [...uploads.items.value].sort((a, b) => RANK[a.status] - RANK[b.status]);
  const speed = uploads.speed.value;
  const seconds = speed > 0 ? (total - sent) / speed : null;
  const close = async (): Promise<void> => {
    if (left > 0 && !(await confirm(t('uploads.stopTitle'), t('uploads.stopText', { count: left }), t('uploads.stop')))) return;
    if (left > 0) uploads.cancelAll();
    uploads.clear(true);
  };
  return (
    <section class={`uploads ${open.value ? 'open' : ''}`} aria-label={t('uploads.title')}>
      <header>
        <Icon
          of={left > 0 ? UploadIcon : failed > 0 ? CircleAlert : CircleCheck}
          class={failed > 0 ? 'bad' : left > 0 ? '' : 'good'}
        />
        <strong aria-live="polite">{title}</strong>
        {left > 0 &&
          (uploads.paused.value ? (
            <IconButton icon={Play} label={t('uploads.resume')} onClick={() => uploads.resumeAll()} />
          ) : (
            <IconButton icon={Pause} label={t('uploads.pause')} onClick={() => uploads.pauseAll()} />
          ))}
        <IconButton
          icon={open.value ? ChevronDown : ChevronUp}
          label={open.value ? t('uploads.fold') : t('uploads.unfold')}
          aria-expanded={open.value}
          onClick={() => {
            open.value = !open.value;
          }}
        />
        <IconButton icon={X} label={left > 0 ? t('uploads.stop') : t('dismiss')} onClick={() => void close()} />
      </header>
      {left > 0 && (
        <div class="uploads-sum">
          <progress value={sent} max={Math.max(1, total)} aria-label={t('uploads.title')} />
          <p class="small muted">
            {uploads.waitingForGateway.value ? (
              <>
                <Icon of={CloudOff} size={14} /> {t('uploads.waiting')}
              </>
            ) : uploads.paused.value ? (
              t('uploads.paused')
            ) : (
              <>
                {t('uploads.of', { sent: bytes(sent), total: bytes(total) })}
                {speed > 0 && ` · ${t('uploads.speed', { speed: bytes(speed) })}`}
                {seconds !== null && seconds > 1 && seconds < 864_000 && ` · ${t('uploads.left', { time: duration(seconds) })}`}
              </>
            )}
          </p>
        </div>
      )}
      {open.value && (
        <>
          {failed > 0 && (
            <p class="uploads-failed">
              <span>{t('uploads.failed', { count: failed })}</span>
              <Button kind="quiet" icon={RotateCw} onClick={() => uploads.retryFailed()}>
                {t('uploads.retryAll')}
              </Button>
            </p>
          )}
          {cut.length > 0 && <CutRows cut={cut} choose={goOn} drop={dropBegun} />}
          <Virtual
            count={shown.length}
            rowHeight={ROW_HEIGHT}
            attributes={{
              class: 'uploads-list',
              role: 'list',
              tabIndex: 0,
              'aria-label': t('uploads.title'),
              style: { height: `min(17rem, 38dvh, ${shown.length * ROW_HEIGHT + 1}px)` },
            }}
            row={(index) => {
              const item = shown[index];
              return item === undefined ? null : <Row key={item.id} item={item} />;
            }}
          />
          {skipped > 0 && done > 0 && <p class="small muted uploads-note">{t('uploads.skipped', { count: skipped })}</p>}
        </>
      )}
    </section>
  );
}

function goOn(one: Begun, file: File): void {
  const parent = one.key.slice(0, one.key.lastIndexOf('/') + 1);
  uploads.add([{ file, path: one.key.slice(parent.length) }], { bucket: one.bucket, key: parent });
}

/** Uploads of a tab that is gone. A page may not open files by itself, so they are asked for. */
function CutOff({ cut }: { cut: Begun[] }) {
  return (
    <section class="uploads" aria-label={t('uploads.title')}>
      <CutRows cut={cut} choose={goOn} drop={dropBegun} />
    </section>
  );
}

const RANK: Record<Upload['status'], number> = { failed: 0, sending: 1, paused: 2, waiting: 3, skipped: 4, done: 5 };
const ICONS = {
  failed: CircleAlert,
  sending: UploadIcon,
  paused: Pause,
  waiting: Clock,
  skipped: SkipForward,
  done: CircleCheck,
};

function Row({ item }: { item: Upload }) {
  const { id, file, name, place, status, sent, error, checked, sha256 } = item;
  const what = place.key.endsWith('/') ? t('folder') : bytes(file.size);
  return (
    <div class={`upload ${status}`} role="listitem">
      <Icon of={ICONS[status]} class={status === 'failed' ? 'bad' : status === 'done' ? 'good' : 'faint'} />
      <span class="upload-text">
        <span class="name" title={name}>
          <bdi>{visible(name)}</bdi>
        </span>
        {status === 'sending' && checked !== null ? (
          <span class="small muted">{t('upload.checking', { read: bytes(checked), total: bytes(file.size) })}</span>
        ) : status === 'sending' ? (
          <progress value={sent} max={Math.max(1, file.size)} aria-label={name} />
        ) : (
          <span class="small muted" title={error ?? undefined}>
            {error ?? `${t(`upload.${status === 'failed' ? 'waiting' : status}`)} · ${what}`}
            {sha256 !== null && <span title={sha256}>{` · ${t('upload.checksum', { sum: sha256.slice(0, 12) })}`}</span>}
          </span>
        )}
      </span>
      {status === 'failed' && (
        <IconButton icon={RotateCw} label={t('retryOf', { name })} size={16} onClick={() => uploads.retry(id)} />
      )}
      <IconButton
        icon={X}
        label={
          status === 'done' || status === 'failed' || status === 'skipped' ? t('dismissOf', { name }) : t('cancelOf', { name })
        }
        size={16}
        onClick={() => uploads.dismiss(id)}
      />
    </div>
  );
}
