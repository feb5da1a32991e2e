import { ChevronLeft, ChevronRight, Download, FileQuestionMark, X } from 'lucide';
import type { ComponentType } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, type Bytes, fileUrl, type Place } from '../api/client.ts';
import type { Entry, FileEntry } from '../api/types.ts';
import { bytes, t } from '../i18n/index.ts';
import { IconButton, IconLink } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import { visible } from './entry-list.tsx';
import { type Kind, kindOf } from './kinds.ts';

export interface PreviewProps {
  file: FileEntry & Pick<Bytes, 'past' | 'link'>;
}

type Preview = ComponentType<PreviewProps>;

const text = async (): Promise<Preview> => (await import('../preview/text.tsx')).TextPreview;
const PREVIEWS: Partial<Record<Kind, () => Promise<Preview>>> = {
  image: async () => (await import('../preview/media.tsx')).ImagePreview,
  video: async () => (await import('../preview/media.tsx')).VideoPreview,
  audio: async () => (await import('../preview/media.tsx')).AudioPreview,
  pdf: async () => (await import('../preview/pdf.tsx')).PdfPreview,
  markdown: async () => (await import('../preview/markdown.tsx')).MarkdownPreview,
  code: async () => (await import('../preview/code.tsx')).CodePreview,
  text,
};

interface ViewerProps {
  name: string;
  entries: Entry[];
  place: Place;
  show: (name: string) => void;
  close: () => void;
}

/** A file over the whole window; the arrows walk through the folder's files. */
export function Viewer({ name, entries, place, show, close }: ViewerProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const files = entries.filter((entry): entry is FileEntry => entry.kind === 'file');
  const index = files.findIndex((file) => file.name === name);
  const known = files[index];
  const step = (by: number): void => {
    const next = files[index + by];
    if (next !== undefined) show(next.name);
  };
  useLayoutEffect(() => {
    ref.current?.showModal();
    return () => ref.current?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      class="viewer"
      aria-label={name}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onKeyDown={(event) => {
        if ((event.target as Element).matches('video, audio, input, textarea, pre')) return;
        if (event.key === 'ArrowLeft') step(-1);
        if (event.key === 'ArrowRight') step(1);
      }}
    >
      <header>
        <IconButton icon={X} label={t('close')} onClick={close} data-autofocus />
        <h2>
          <bdi>{visible(name)}</bdi>
        </h2>
        {known !== undefined && <span class="muted small">{bytes(known.size)}</span>}
        <span class="grow" />
        <IconButton icon={ChevronLeft} label={t('viewer.previous')} disabled={index <= 0} onClick={() => step(-1)} />
        <IconButton
          icon={ChevronRight}
          label={t('viewer.next')}
          disabled={index < 0 || index >= files.length - 1}
          onClick={() => step(1)}
        />
        <IconLink
          icon={Download}
          label={t('download')}
          href={fileUrl({ bucket: place.bucket, key: `${place.key}${name}` }, { download: true })}
          download={name}
        />
      </header>
      <div class="viewer-body">
        {known !== undefined ? <Shown key={known.key + known.etag} file={known} /> : <Unlisted place={place} name={name} />}
      </div>
    </dialog>
  );
}

/** A file that no page of the listing has shown yet. */
function Unlisted({ place, name }: { place: Place; name: string }) {
  const { data, error, reload } = useLoad(
    () => api.stat({ bucket: place.bucket, key: `${place.key}${name}` }),
    [place.key, name],
  );
  if (error !== null) return <Failed error={error} retry={reload} />;
  if (data?.kind !== 'file') return <Loading />;
  return <Shown file={data} />;
}

/** A file by the preview of its kind. */
export function Shown({ file }: PreviewProps) {
  const load = file.size === 0 ? undefined : PREVIEWS[kindOf(file)];
  const [state, setState] = useState<{ preview: Preview | null; error: unknown }>({ preview: null, error: null });
  const begin = (): void => {
    load?.().then(
      (preview) => setState({ preview, error: null }),
      (error: unknown) => setState({ preview: null, error }),
    );
  };
  useEffect(begin, [load]);
  if (load === undefined)
    return (
      <Empty icon={FileQuestionMark} title={file.size === 0 ? t('viewer.emptyFile') : t('viewer.none')}>
        <p>{file.size === 0 ? '' : t('viewer.noneText')}</p>
        <a class="button primary" href={fileUrl(file, { download: true })} download={file.name}>
          <Icon of={Download} /> {t('download')}
        </a>
      </Empty>
    );
  if (state.error !== null) return <Failed error={state.error} retry={begin} />;
  const Found = state.preview;
  return Found === null ? <Loading /> : <Found file={file} />;
}
