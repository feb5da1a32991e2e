import { FolderUp, RotateCw, Upload, X } from 'lucide';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Client } from '../../../clients/typescript/index.ts';
import { isApiError } from '../api/error.ts';
import { visible } from '../drive/entry-list.tsx';
import { bytes, t } from '../i18n/index.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { said } from '../ui/said.ts';
import { fail } from '../ui/toast.tsx';
import { CutRows } from '../uploads/cut-rows.tsx';
import { dropped, type Picked } from '../uploads/dropped.ts';
import { folderOfLink, forgetBegun, interrupted, rememberedUpload } from '../uploads/remembered.ts';
import { send } from '../uploads/send.ts';

interface Item extends Picked {
  id: number;
  state: 'waiting' | 'sending' | 'done' | 'failed';
  text: string;
  /** 0 to 1; null: not known. */
  share: number | null;
  stop: AbortController;
}

const AGAIN_MS = [1_000, 3_000, 8_000, 15_000, 30_000];

/** Files go in, one after another; nothing of what is there is shown. What breaks off goes on, also after the tab or the gateway died. */
export function Drop({ token, stranger }: { token: string; stranger: Client }) {
  const [items, setItems] = useState<Item[]>([]);
  const input = useRef<HTMLInputElement>(null);
  const folders = useRef<HTMLInputElement>(null);
  const inner = useRef({ id: 0, last: Promise.resolve(), stop: new AbortController() }).current;
  const folder = folderOfLink(token);
  const open = items.some(({ state }) => state === 'waiting' || state === 'sending');
  useEffect(() => () => inner.stop.abort(), []);
  useEffect(() => {
    if (!open) return;
    const ask = (event: Event): void => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [open]);

  const set = (id: number, to: Partial<Item>): void =>
    setItems((before) => before.map((item) => (item.id === id ? { ...item, ...to } : item)));

  const one = async ({ id, file: given, path, reread }: Item, stop: AbortController): Promise<void> => {
    const signal = AbortSignal.any([inner.stop.signal, stop.signal]);
    let file = given;
    try {
      file = (await reread?.()) ?? given;
      set(id, { file });
    } catch {
      return set(id, { state: 'failed', text: t('upload.unread') });
    }
    for (let tries = 0; !signal.aborted; tries++) {
      const total = bytes(file.size);
      set(id, { state: 'sending', text: total, share: null });
      try {
        const { name } = await send({
          place: { bucket: folder, key: path },
          drop: { client: stranger, link: token },
          file,
          overwrite: false,
          signal,
          onProgress: (sent) =>
            set(id, { text: t('uploads.of', { sent: bytes(sent), total }), share: file.size === 0 ? null : sent / file.size }),
          onLate: () => {
            if (stop.signal.aborted) giveUpFile({ file, path });
          },
          onChecked: (read) => set(id, { text: t('upload.checking', { read: bytes(read), total }) }),
        });
        return set(id, { state: 'done', text: name === path.split('/').at(-1) ? total : visible(name) });
      } catch (error) {
        if (signal.aborted) return;
        if (!isApiError(error) || !error.passing) return set(id, { state: 'failed', text: said(error) });
        set(id, { state: 'waiting', text: said(error) });
        const told = (error.retryAfterSeconds ?? 0) * 1000;
        await new Promise((resolve) => setTimeout(resolve, Math.max(told, AGAIN_MS[Math.min(tries, AGAIN_MS.length - 1)] ?? 0)));
      }
    }
  };
  const begin = (item: Item): void => {
    const stop = new AbortController();
    set(item.id, { stop });
    inner.last = inner.last.then(() => one(item, stop));
  };
  /** What the gateway has of it goes too. */
  const cancel = (item: Item): void => {
    item.stop.abort();
    setItems((before) => before.filter(({ id }) => id !== item.id));
    giveUpFile(item);
  };
  const giveUpFile = ({ file, path }: Picked): void => {
    const begun = rememberedUpload({ bucket: folder, key: path }, file);
    if (begun !== null) giveUp(begun);
  };
  const add = (picked: readonly Picked[]): void => {
    // Of folders only what is in them: a link's drop folder takes files.
    const files = picked.filter(({ path, reread }) => !path.endsWith('/') || reread !== undefined);
    const added = files.map(
      ({ file, path, reread }): Item => ({
        id: ++inner.id,
        file,
        path,
        ...(reread === undefined ? {} : { reread }),
        state: 'waiting',
        text: bytes(file.size),
        share: null,
        stop: new AbortController(),
      }),
    );
    setItems((before) => [...before, ...added]);
    for (const item of added) begin(item);
  };
  const take = (field: HTMLInputElement): void => {
    add([...(field.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
    field.value = '';
  };
  const giveUp = (id: string): void => {
    forgetBegun(id);
    const headers = { 'Tus-Resumable': '1.0.0' };
    void stranger.request('DELETE', `/public/${token}/uploads/${id}`, { headers }).catch(() => undefined);
  };
  const cut = interrupted(folder);
  return (
    <div
      class="public-drop"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        if (event.dataTransfer !== null) void dropped(event.dataTransfer).then(add, fail);
      }}
    >
      <Icon of={Upload} size={36} />
      <p>{t('public.drop')}</p>
      <p class="row">
        <Button kind="primary" icon={Upload} onClick={() => input.current?.click()}>
          {t('upload.files')}
        </Button>
        <Button icon={FolderUp} onClick={() => folders.current?.click()}>
          {t('upload.folder')}
        </Button>
      </p>
      {[input, folders].map((ref) => (
        <input
          key={ref === input ? 'files' : 'folder'}
          ref={(element) => {
            ref.current = element;
            if (ref === folders) element?.setAttribute('webkitdirectory', '');
          }}
          type="file"
          multiple
          hidden
          aria-hidden="true"
          tabIndex={-1}
          onChange={(event) => take(event.currentTarget)}
        />
      ))}
      {cut.length > 0 && <CutRows cut={cut} choose={({ key }, file) => add([{ file, path: key }])} drop={giveUp} />}
      <ul aria-live="polite">
        {items.map((item) => {
          const { id, file, path, state, text, share } = item;
          return (
            <li key={id} class={state === 'failed' ? 'bad' : state === 'done' ? 'good' : ''}>
              <bdi>{visible(path)}</bdi>{' '}
              <span class="small">
                {t(`drop.${state}`)} · {text}
              </span>
              {state === 'sending' && <progress {...(share === null ? {} : { value: share })} aria-label={visible(path)} />}
              {(state === 'sending' || state === 'waiting') && (
                <IconButton icon={X} size={16} label={t('cancelOf', { name: visible(path) })} onClick={() => cancel(item)} />
              )}
              {state === 'failed' && (
                <IconButton
                  icon={RotateCw}
                  size={16}
                  label={t('retryOf', { name: visible(path) })}
                  onClick={() => {
                    set(id, { state: 'waiting', text: bytes(file.size) });
                    begin(item);
                  }}
                />
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
