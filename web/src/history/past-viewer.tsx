import { Download, X } from 'lucide';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Version } from '../../../clients/typescript/index.ts';
import { type Bytes, fileUrl } from '../api/client.ts';
import { visible } from '../drive/entry-list.tsx';
import { Shown } from '../drive/viewer.tsx';
import { bytes, longDate, t } from '../i18n/index.ts';
import { IconButton, IconLink } from '../ui/button.tsx';
import { lay } from '../ui/laid.tsx';

type Past = Bytes & { past: string } & { name: string };

/** A file as it was, over the whole window. */
export function showPast(past: Past, version: Version): void {
  lay((close) => <PastViewer past={past} version={version} close={close} />);
}

function PastViewer({ past, version, close }: { past: Past; version: Version; close: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    return () => {
      ref.current?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const { size, etag, contentType, modified, mtime } = version;
  return (
    <dialog
      ref={ref}
      class="viewer"
      aria-label={past.name}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
    >
      <header>
        <IconButton icon={X} label={t('close')} onClick={close} />
        <h2>
          <bdi>{visible(past.name)}</bdi>
        </h2>
        <span class="muted small">{`${longDate(modified)} · ${bytes(size)}`}</span>
        <span class="grow" />
        <IconLink icon={Download} label={t('download')} href={fileUrl(past, { download: true })} download={past.name} />
      </header>
      <div class="viewer-body">
        <Shown
          file={{ kind: 'file', ...past, size, etag, contentType, modified, mtime, created: modified, versionId: past.past }}
        />
      </div>
    </dialog>
  );
}
